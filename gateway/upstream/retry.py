"""Whether a failed call is worth another try, and when."""

from __future__ import annotations

import random
from collections.abc import Callable

import msgspec

from gateway.errors import UpstreamError, UpstreamMalformed, UpstreamTimeout, UpstreamUnavailable
from gateway.upstream.trouble import Reason, Trouble


class Backoff(msgspec.Struct, frozen=True, kw_only=True):
    """How tries follow one another.

    Attributes:
        tries: Calls at most, the first included.
        base: Seconds that the first wait takes at most; each further one doubles.
        longest: Seconds that a wait takes at most.
    """

    tries: int = 2
    base: float = 0.2
    longest: float = 2.0


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """How one try ended.

    Attributes:
        error: What it is called.
        transient: Whether the same call may well succeed a moment later.
        trouble: What that shows of the upstream; None where nothing is wrong with it, as with a spent rate limit.
        status: The HTTP status that it came with; None where there was none.
        reached: Whether the upstream may have counted it.
        dead: Whether it went over a connection of the pool that had died unnoticed, which tells nothing of
            the upstream: it is worth another try over a new one.
        unauthorized: Whether it does not know the token, rather than allow it too little.
        outdated: Whether there may be another token that it knows.
    """

    error: UpstreamError
    transient: bool
    trouble: Trouble | None = None
    status: int | None = None
    reached: bool = True
    dead: bool = False
    unauthorized: bool = False
    outdated: bool = False

    @property
    def reason(self) -> Reason | None:
        """What is wrong with the endpoint; None where nothing is."""
        return None if self.trouble is None else Reason(self.trouble, self.status)


class RetryBudget:
    """Lets retries be a share of the calls: a failing upstream is not asked twice as often as a well one.

    Args:
        share: Retries that a call earns.
        reserve: Retries that may be saved up.
    """

    def __init__(self, share: float = 0.2, reserve: float = 10.0) -> None:
        self._share = share
        self._reserve = reserve
        self._saved = reserve

    def earn(self) -> None:
        """Learns that a call was made which is no retry."""
        self._saved = min(self._reserve, self._saved + self._share)

    def spend(self) -> bool:
        """Takes a retry where there is one."""
        if self._saved < 1:
            return False
        self._saved -= 1
        return True


def jitter() -> float:
    """A number from 0 to 1."""
    return random.random()  # noqa: S311 - spreads calls over time, guards nothing


def wait_before_retry(
    failure: Failure,
    *,
    tried: int,
    left: float,
    timeout: float,
    backoff: Backoff,
    jitter: Callable[[], float] = jitter,
) -> float | None:
    """Seconds to wait before the next try, None where there is to be none.

    Args:
        failure: How the last try ended.
        tried: Tries so far.
        left: Seconds until the deadline.
        timeout: Seconds that one try may take; a try after a timeout needs all of them.
        backoff: How tries follow one another.
        jitter: A number from 0 to 1.
    """
    error = failure.error
    retryable = isinstance(error, UpstreamTimeout | UpstreamUnavailable | UpstreamMalformed)
    if not failure.transient or not retryable or tried >= backoff.tries:
        return None
    wait = jitter() * min(backoff.longest, backoff.base * 2 ** (tried - 1))
    if error.retry_after is not None:
        wait += error.retry_after
        if wait > backoff.longest:
            return None
    needed = timeout if isinstance(error, UpstreamTimeout) else 0.0
    return wait if wait + needed < left else None
