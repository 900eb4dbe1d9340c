"""What an HTTP answer means for the call that got it."""

from __future__ import annotations

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


def seconds_in(headers: Mapping[str, str], now: float) -> float | None:
    """What `Retry-After` says, in seconds from `now` (since 1970); None where it says nothing readable."""
    text = headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    when = date_of(text)
    return None if when is None else max(0.0, when - now)


def date_of(text: str | None) -> float | None:
    """An HTTP date in seconds since 1970; None where it cannot be read."""
    if not text:
        return None
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError):
        return None


def units_in(headers: Mapping[str, str], name: str | None) -> int | None:
    """A header's whole number; None where there is none."""
    text = headers.get(name, "").strip() if name is not None else ""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None  # noqa: PLR2004 - a sane number


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
    wait = seconds_in(answer.headers, now)
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
