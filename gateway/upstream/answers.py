"""What an HTTP answer means for the call that got it."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

import msgspec

from gateway.errors import (
    UpstreamError,
    UpstreamRateLimited,
    UpstreamRefused,
    UpstreamRejected,
    UpstreamTimeout,
    UpstreamTooMany,
    UpstreamUnavailable,
)
from gateway.upstream.retry import Failure
from gateway.upstream.settings import Upstream
from gateway.upstream.trouble import ABSENT, Trouble

UNAUTHORIZED = 401
REQUEST_TIMEOUT = 408
TOO_MANY = 429

NUMBER = re.compile(r"\d+(\.\d+)?", re.ASCII)
"""A number in a header, however many digits it has."""


WORDS: Mapping[Trouble | None, str] = {
    Trouble.TIMEOUT: "timeout",
    Trouble.TOO_LARGE: "too_large",
    Trouble.TRUNCATED: "truncated",
    Trouble.PROTOCOL: "truncated",
    Trouble.RESET: "reset",
}
"""How a call ended without a status, in a word; `unreachable` where there was no connection."""


class Answer(msgspec.Struct, frozen=True):
    """A whole HTTP answer.

    Attributes:
        status: The status code.
        headers: Its headers, looked up without regard to case.
        body: The body, decompressed; whatever came with an error is left unread.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes


def seconds_in(headers: Mapping[str, str], now: float, most: float) -> float | None:
    """What `Retry-After` says, in seconds from `now` (since 1970); None where it says nothing readable.

    Args:
        headers: The answer's.
        now: Seconds since 1970 there.
        most: Seconds at most, whatever it says.
    """
    text = headers.get("Retry-After", "").strip()
    if NUMBER.fullmatch(text):
        return min(float(text), most)
    when = date_of(text)
    return None if when is None else min(max(0.0, when - now), most)


def date_of(text: str | None) -> float | None:
    """An HTTP date in seconds since 1970; None where it cannot be read."""
    if not text:
        return None
    try:
        when = parsedate_to_datetime(text)
        return (when if when.tzinfo is not None else when.replace(tzinfo=dt.UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def units_in(headers: Mapping[str, str], name: str | None, most: int) -> int | None:
    """A header's number of units, 0 where it is below that; None where there is none, or one that cannot be meant.

    Args:
        headers: The answer's.
        name: The header, where there is one.
        most: The greatest number that can be meant.
    """
    text = headers.get(name, "").strip() if name is not None else ""
    if not NUMBER.fullmatch(text.removeprefix("-")):
        return None
    units = float(text)
    return math.floor(max(0.0, units)) if units <= most else None


def status_of(ended: Answer | Failure) -> str:
    """How a call ended, in a word; see `Entry.status`."""
    if isinstance(ended, Answer):
        return str(ended.status)
    return WORDS.get(ended.trouble, "unreachable")


def failure_in(answer: Answer, upstream: Upstream, *, now: float, one: bool = False) -> Failure | None:
    """What is wrong with an answer, by its status; None for a 2xx, and for the absence of a single record.

    Args:
        answer: What came.
        upstream: Whom it came from.
        now: Seconds since 1970 there.
        one: Whether a single record was asked for, which may not exist; a list always does.
    """
    status, name = answer.status, upstream.name
    if 200 <= status < 300 or (one and status in ABSENT):  # noqa: PLR2004 - the class of success
        return None
    wait = seconds_in(answer.headers, now, upstream.longest_wait)
    if status == TOO_MANY:
        spent = UpstreamRateLimited("The source's rate limit is used up.", source=name, retry_after=wait)
        return Failure(error=spent, transient=False)
    error: UpstreamError
    trouble, transient = Trouble.REJECTED, False
    if status in upstream.refused_statuses:
        trouble = Trouble.REFUSED
        error = UpstreamRefused("The source does not accept the gateway's credential.", source=name)
    elif status >= 500:  # noqa: PLR2004 - the class of server errors
        trouble, transient = Trouble.SERVER_ERROR, True
        text = f"The source answered with a server error ({status})."
        error = UpstreamUnavailable(text, source=name, retry_after=wait)
    elif status == REQUEST_TIMEOUT:
        trouble, transient = Trouble.TIMEOUT, True
        error = UpstreamTimeout("The source took too long to answer.", source=name)
    elif status in ABSENT or status < 400:  # noqa: PLR2004 - the class of redirects, which are not followed
        trouble = Trouble.GONE
        error = UpstreamUnavailable(f"The source is not at its address any more ({status}).", source=name)
    else:
        error = UpstreamRejected(f"The source did not accept the gateway's call ({status}).", source=name)
    return Failure(
        error=error, transient=transient, trouble=trouble, status=status, unauthorized=status == UNAUTHORIZED
    )


def unreadable(answer: Answer, error: UpstreamError) -> Failure:
    """What is wrong with an answer whose body could not be made anything of."""
    if isinstance(error, UpstreamTooMany):
        return Failure(error=error, transient=False, trouble=Trouble.TOO_LARGE, status=answer.status)
    try:
        msgspec.json.decode(answer.body)
        trouble = Trouble.MALFORMED
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as broken:
        trouble = Trouble.TRUNCATED if answer.body and "truncated" in str(broken) else Trouble.NOT_JSON
    return Failure(error=error, transient=False, trouble=trouble, status=answer.status)
