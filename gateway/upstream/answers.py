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
    UpstreamMalformed,
    UpstreamRateLimited,
    UpstreamRefused,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from gateway.upstream.retry import Failure
from gateway.upstream.settings import Upstream

UNAUTHORIZED = 401
NOT_FOUND = 404
TOO_MANY = 429

NUMBER = re.compile(r"\d+(\.\d+)?", re.ASCII)
"""A number in a header, however many digits it has."""


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
    if isinstance(ended.error, UpstreamTimeout):
        return "timeout"
    if isinstance(ended.error, UpstreamMalformed):
        return "truncated" if ended.transient else "too_large"
    return "reset" if ended.reached else "unreachable"


def failure_in(answer: Answer, upstream: Upstream, *, now: float) -> Failure | None:
    """What is wrong with an answer; None for a 2xx and for 404, which is an answer too.

    Args:
        answer: What came.
        upstream: Whom it came from.
        now: Seconds since 1970 there.
    """
    status, name = answer.status, upstream.name
    error: UpstreamError
    if 200 <= status < 300 or status == NOT_FOUND:  # noqa: PLR2004 - the class of success
        return None
    wait = seconds_in(answer.headers, now, upstream.longest_wait)
    if status == TOO_MANY:
        error = UpstreamRateLimited("The source's rate limit is used up.", source=name, retry_after=wait)
        return Failure(error=error, transient=False)
    if status in upstream.refused_statuses:
        error = UpstreamRefused("The source does not accept the gateway's credential.", source=name)
        return Failure(error=error, transient=False, unauthorized=status == UNAUTHORIZED)
    if status >= 500:  # noqa: PLR2004 - the class of server errors
        error = UpstreamUnavailable(
            f"The source answered with a server error ({status}).", source=name, retry_after=wait
        )
        return Failure(error=error, transient=True)
    error = UpstreamUnavailable(f"The source did not accept the gateway's call ({status}).", source=name)
    return Failure(error=error, transient=False)
