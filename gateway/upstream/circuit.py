"""When to stop asking an endpoint that fails, and when to try it again. Pure: times come in, decisions go out."""

from __future__ import annotations

from collections import deque
from typing import Literal

import msgspec

from gateway.errors import UpstreamMalformed, UpstreamRateLimited, UpstreamRefused, UpstreamUnavailable
from gateway.upstream.retry import Failure

Outcome = Literal["answered", "failed", "refused"]


class Tolerance(msgspec.Struct, frozen=True, kw_only=True):
    """What opens a circuit, and for how long.

    Attributes:
        recent: Calls that are looked at.
        within: Seconds that they may be old.
        least: Calls that it takes to judge.
        share: Share of them that may fail.
        refusals: Refusals in a row that stand for the credential rather than for one hidden record.
        pause: Seconds before the first new try; each one that fails doubles it.
        longest_pause: Seconds at most.
    """

    recent: int = 20
    within: float = 30.0
    least: int = 5
    share: float = 0.5
    refusals: int = 3
    pause: float = 5.0
    longest_pause: float = 60.0


class Circuit:
    """One endpoint: closed while it answers, open while it does not, tried with one call at a time in between.

    Args:
        source: The upstream's name.
        tolerance: What opens it.
    """

    def __init__(self, source: str, tolerance: Tolerance) -> None:
        self._source = source
        self._tolerance = tolerance
        self._recent: deque[tuple[float, Outcome]] = deque(maxlen=tolerance.recent)
        self._open_until: float | None = None
        self._pause = tolerance.pause
        self._trying = False
        self._refused = False

    def state(self, now: float) -> Outcome:
        """What it is open for, `answered` where a call may be made: who is asked no more could not get well again."""
        if self._open_until is None or now >= self._open_until:
            return "answered"
        return "refused" if self._refused else "failed"

    def ask(self, now: float) -> bool:
        """Asks to make a call, whose outcome is then told by `record`.

        Returns:
            Whether the call is the trial that decides if the circuit closes again.

        Raises:
            UpstreamUnavailable: The endpoint keeps failing.
            UpstreamRefused: It keeps refusing the credential.
        """
        self.check(now)
        if self._open_until is None:
            return False
        self._trying = True
        return True

    def check(self, now: float) -> None:
        """Makes sure that there is a point in queueing for a call, as `ask` does, which is asked when it is sent."""
        if self._open_until is None or (now >= self._open_until and not self._trying):
            return
        if self._refused:
            raise UpstreamRefused("The source does not accept the gateway's credential.", source=self._source)
        left = max(self._open_until - now, 0.0)
        raise UpstreamUnavailable(
            "The source keeps failing and is left alone for a while.", source=self._source, retry_after=left
        )

    def record(self, now: float, outcome: Outcome | None, *, trial: bool) -> None:
        """Learns how a call ended; None for one that says nothing of the endpoint's health."""
        if trial:
            self._trying = False
        if outcome is None:
            return
        self._recent.append((now, outcome))
        if trial and outcome == "answered":
            self._close()
        elif trial:
            self._pause = min(self._pause * 2, self._tolerance.longest_pause)
            self._open(now, refused=outcome == "refused")
        elif self._open_until is None and outcome != "answered" and self._too_many(now):
            self._open(now, refused=outcome == "refused")

    def _too_many(self, now: float) -> bool:
        tolerance = self._tolerance
        outcomes = [outcome for when, outcome in self._recent if now - when <= tolerance.within]
        last = outcomes[-tolerance.refusals :]
        if len(last) == tolerance.refusals and all(outcome == "refused" for outcome in last):
            return True
        failed = outcomes.count("failed")
        return len(outcomes) >= tolerance.least and failed > tolerance.share * len(outcomes)

    def _open(self, now: float, *, refused: bool) -> None:
        self._open_until = now + self._pause
        self._refused = refused

    def _close(self) -> None:
        self._open_until = None
        self._pause = self._tolerance.pause
        self._recent.clear()


def outcome_of(failure: Failure | None) -> Outcome | None:
    """What a call's end says of its endpoint's health; None where it says nothing."""
    if failure is None:
        return "answered"
    if isinstance(failure.error, UpstreamRateLimited):
        return None
    if isinstance(failure.error, UpstreamRefused):
        return "refused"
    # What is too large comes no smaller a moment later, and is a lot to read before that is known.
    return "failed" if failure.transient or isinstance(failure.error, UpstreamMalformed) else "answered"
