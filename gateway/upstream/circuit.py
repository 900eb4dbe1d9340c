"""When to stop asking an endpoint that fails, and when to try it again. Pure: times come in, decisions go out."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Hashable
from typing import Literal

import msgspec

from gateway.errors import UpstreamRefused, UpstreamUnavailable
from gateway.upstream.trouble import Reason, Trouble

Outcome = Literal["answered", "failed", "refused"]

MOST_SUSPECTS = 20
"""Doubtful failures that are remembered."""


class Tolerance(msgspec.Struct, frozen=True, kw_only=True):
    """What opens a circuit, and for how long.

    Attributes:
        recent: Calls that are looked at.
        within: Seconds that they may be old.
        least: Calls that it takes to judge.
        share: Share of them that may fail.
        lasting: Failures in a row, however old, that suffice where no further try is likely to mend them.
        pause: Seconds before the first new try; each one that fails doubles it.
        longest_pause: Seconds at most.
    """

    recent: int = 20
    within: float = 30.0
    least: int = 5
    share: float = 0.5
    lasting: int = 3
    pause: float = 5.0
    longest_pause: float = 60.0


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """How a call ended, as far as its endpoint's health goes.

    Attributes:
        reason: What was wrong; None where there is an answer.
        transient: Whether the same call may well succeed a moment later.
        doubtful: Whether it may be the fault of what was asked: of a client's filter. It counts once a call without
            one fails too.
        record: The one record that was asked for, where what is wrong may be that record's alone. Several of them have
            to fail, and none be answered for a while, before anything is wrong with the endpoint.
    """

    reason: Reason | None = None
    transient: bool = False
    doubtful: bool = False
    record: Hashable = None


ANSWERED = Ended()


class Circuit:
    """One endpoint: closed while it answers, open while it does not, tried with one call at a time in between.

    Args:
        source: The upstream's name.
        tolerance: What opens it.
    """

    def __init__(self, source: str, tolerance: Tolerance) -> None:
        self._source = source
        self._tolerance = tolerance
        self._recent: deque[tuple[float, bool]] = deque(maxlen=tolerance.recent)
        self._failures: dict[Hashable, tuple[float, Ended]] = {}
        self._suspects: deque[tuple[float, Ended]] = deque(maxlen=MOST_SUSPECTS)
        self._certain = False
        self._answered_at = -math.inf
        self._under_way = 0
        self._open_until: float | None = None
        self._pause = tolerance.pause
        self._trying = False
        self.reason: Reason | None = None

    def state(self, now: float) -> Outcome:
        """What it is left alone for now, `answered` where a call may be made."""
        if self._open_until is None or now >= self._open_until:
            return "answered"
        return "refused" if self._refused else "failed"

    @property
    def failing(self) -> bool:
        """Whether it has failed since it last answered, beyond doubt."""
        return self._certain or self._open_until is not None

    @property
    def closed(self) -> bool:
        """Whether no failure has opened it, or an answer has closed it since."""
        return self._open_until is None

    def ask(self, now: float) -> bool:
        """Asks to make a call, whose outcome is then told by `record`.

        Returns:
            Whether the call is the trial that decides if the circuit closes again.

        Raises:
            UpstreamUnavailable: The endpoint keeps failing.
            UpstreamRefused: It keeps refusing the credential.
        """
        self.check(now)
        self._under_way += 1
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

    def record(self, now: float, ended: Ended | None, *, trial: bool) -> None:
        """Learns how a call ended; None for one that says nothing of the endpoint's health."""
        self._under_way = max(0, self._under_way - 1)
        if trial:
            self._trying = False
        if ended is None:
            return
        if ended.reason is None:
            self._answered(now, closes=trial or ended.record is not None)
        elif self._open_until is None:
            self._failed(now, ended)
        elif trial:
            self._failed_trial(now, ended, ended.reason)

    @property
    def _refused(self) -> bool:
        return self.reason is not None and self.reason.trouble is Trouble.REFUSED

    def _answered(self, now: float, *, closes: bool) -> None:
        """What ends late is no proof that an endpoint is well again, but any record is that it serves records."""
        self._answered_at = now
        if self._open_until is not None and not closes:
            return
        if self._open_until is None:
            self._recent.append((now, False))
        else:
            self._recent.clear()
        self._open_until, self._pause, self.reason = None, self._tolerance.pause, None
        self._forget()

    def _failed(self, now: float, ended: Ended) -> None:
        if ended.doubtful and not self._certain:
            self._suspects.append((now, ended))
            return
        if ended.record is None:
            self._certain = True
            for when, suspect in self._suspects:
                self._note(when, suspect)
            self._suspects.clear()
        self._note(now, ended)
        if self._too_many(now, alone=ended.record is not None):
            self._open(now, ended.reason)

    def _failed_trial(self, now: float, ended: Ended, reason: Reason) -> None:
        """One record is no trial of others: another one is tried next, until several have failed."""
        if ended.record is not None:
            self._note(now, ended)
            if len(self._failures) < self._tolerance.lasting:
                return
        self._pause = min(self._pause * 2, self._tolerance.longest_pause)
        self._open(now, reason)

    def _note(self, when: float, ended: Ended) -> None:
        """Refusals are counted in a row only: a few may be about what is hidden from the credential."""
        if ended.record is None and ended.reason is not None:
            self._recent.append((when, ended.reason.trouble is not Trouble.REFUSED))
        self._failures[object() if ended.record is None else ended.record] = (when, ended)
        if len(self._failures) > self._tolerance.recent:
            del self._failures[next(iter(self._failures))]

    def _too_many(self, now: float, *, alone: bool) -> bool:
        """Whether enough has failed.

        Args:
            now: The time.
            alone: Whether what failed last was one record's call: no other one may have been answered of late, and
                those under way have their say first, unless that goes on and on.
        """
        tolerance = self._tolerance
        if alone and now - self._answered_at < tolerance.within:
            return False
        lasting = sum(not ended.transient for _, ended in self._failures.values())
        latest = sum(now - when <= tolerance.within for when, _ in self._failures.values())
        if lasting >= tolerance.lasting or latest >= tolerance.least:
            return not (alone and self._under_way) or len(self._failures) >= tolerance.recent
        failed = [failure for when, failure in self._recent if now - when <= tolerance.within]
        return not alone and len(failed) >= tolerance.least and sum(failed) > tolerance.share * len(failed)

    def _open(self, now: float, reason: Reason | None) -> None:
        self._open_until = now + self._pause
        self.reason = reason
        self._forget()

    def _forget(self) -> None:
        self._failures.clear()
        self._suspects.clear()
        self._certain = False
