"""What an HTTP response means for its call, by status, headers and body."""

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
from gateway.upstream.http import Failure, Response, Upstream
from gateway.upstream.trouble import ABSENT, Trouble

UNAUTHORIZED = 401
FORBIDDEN = 403
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
"""The outcome of a call without a status, in one word; `unreachable` where there was no connection."""


def seconds_in(headers: Mapping[str, str], now: float, most: float, reset: str | None = None) -> float | None:
    """The `Retry-After` header, or else the vendor's own, in seconds from `now`; None where neither can be read.

    Args:
        headers: The response's headers.
        now: Seconds since 1970 by the upstream's clock.
        most: The longest wait that is believed, in seconds.
        reset: The vendor's own header, in seconds, if it has one.
    """
    text = headers.get("Retry-After", "").strip()
    if not text and reset is not None:
        text = headers.get(reset, "").strip()
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
    """A header's number of units, not below 0; None where there is none, or none that can be believed.

    Args:
        headers: The response's headers.
        name: The header's name, where there is such a header.
        most: The highest number that is believed.
    """
    text = headers.get(name, "").strip() if name is not None else ""
    if not NUMBER.fullmatch(text.removeprefix("-")):
        return None
    units = float(text)
    return math.floor(max(0.0, units)) if units <= most else None


def status_of(ended: Response | Failure) -> str:
    """The outcome of a call in one word; see `Entry.status`."""
    if isinstance(ended, Response):
        return str(ended.status)
    return WORDS.get(ended.trouble, "unreachable")


def failure_in(response: Response, upstream: Upstream, *, now: float, one: bool = False) -> Failure | None:
    """What is wrong with a response, by its status; None for a 2xx, and for the absence of a single record.

    Args:
        response: The response.
        upstream: The API that sent it.
        now: Seconds since 1970 by the upstream's clock.
        one: Whether a single record was requested, which may not exist; a list always does.
    """
    status, name = response.status, upstream.name
    if 200 <= status < 300 or (one and status in ABSENT):  # noqa: PLR2004 - the class of success
        return None
    wait = seconds_in(response.headers, now, upstream.longest_wait)
    if status == TOO_MANY:
        wait = seconds_in(response.headers, now, upstream.longest_wait, upstream.reset_header)
        spent = UpstreamRateLimited("The source's rate limit is used up.", source=name, retry_after=wait)
        return Failure(error=spent, transient=False)
    error: UpstreamError
    trouble, transient = Trouble.REJECTED, False
    if status in upstream.refused_statuses:
        trouble = Trouble.REFUSED
        text = "The source does not accept the gateway's credential."
        if status == FORBIDDEN and upstream.forbidden is not None:
            text = upstream.forbidden
        error = UpstreamRefused(text, source=name)
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


def unreadable(response: Response, error: UpstreamError) -> Failure:
    """What is wrong with a response whose body could not be decoded."""
    if isinstance(error, UpstreamTooMany):
        return Failure(error=error, transient=False, trouble=Trouble.TOO_LARGE, status=response.status)
    try:
        msgspec.json.decode(response.body)
        trouble = Trouble.MALFORMED
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as broken:
        trouble = Trouble.TRUNCATED if response.body and "truncated" in str(broken) else Trouble.NOT_JSON
    return Failure(error=error, transient=False, trouble=trouble, status=response.status)
