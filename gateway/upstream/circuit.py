"""Circuit breakers: when to stop calling an endpoint that fails, and when to try it again."""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Callable, Hashable
from typing import Any, Literal, TypeVar

import msgspec

from gateway.errors import UpstreamRefused, UpstreamUnavailable
from gateway.request import Clock
from gateway.upstream.http import Failure, UpstreamCall
from gateway.upstream.trouble import OF_THE_HOST, Reason, Trouble, Troubles

CircuitState = Literal["answered", "failed", "refused"]

MAX_SUSPECTS = 20
"""Doubtful failures that are remembered."""


class Tolerance(msgspec.Struct, frozen=True, kw_only=True):
    """What opens a circuit, and for how long.

    Attributes:
        recent: Latest calls that count.
        within: Seconds that they may be old.
        least: Calls needed to judge.
        share: Share of them that may fail.
        lasting: Failures in a row, however old, that suffice where a retry is unlikely to succeed.
        pause: Seconds before the first trial; each one that fails doubles them.
        longest_pause: Seconds at most.
    """

    recent: int = 20
    within: float = 30.0
    least: int = 5
    share: float = 0.5
    lasting: int = 3
    pause: float = 5.0
    longest_pause: float = 60.0


class CallOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a call says of its endpoint's health.

    Attributes:
        reason: What was wrong; None for a success.
        transient: Whether the same call is likely to succeed a moment later.
        doubtful: Whether the request may be to blame, such as a client's filter. It counts once a call without a
            filter fails too.
        record: The single record that was requested, where the failure may concern that record alone. Several have to
            fail, and none succeed for a while, before the endpoint counts as failing.
    """

    reason: Reason | None = None
    transient: bool = False
    doubtful: bool = False
    record: Hashable = None


ANSWERED = CallOutcome()


class Circuit:
    """One endpoint's circuit: closed while calls succeed, open while they fail, half-open for one trial at a time.

    Pure: times come in, decisions go out.

    Args:
        source: The upstream's name.
        tolerance: When it opens.
    """

    def __init__(self, source: str, tolerance: Tolerance) -> None:
        self._source = source
        self._tolerance = tolerance
        self._recent: deque[tuple[float, bool]] = deque(maxlen=tolerance.recent)
        self._failures: dict[Hashable, tuple[float, CallOutcome]] = {}
        self._suspects: deque[tuple[float, CallOutcome]] = deque(maxlen=MAX_SUSPECTS)
        self._certain = False
        self._answered_at = -math.inf
        self._under_way = 0
        self._open_until: float | None = None
        self._pause = tolerance.pause
        self._trying = False
        self.reason: Reason | None = None

    def state(self, now: float) -> CircuitState:
        """Why it is open now; `answered` where a call may be made."""
        if self._open_until is None or now >= self._open_until:
            return "answered"
        return "refused" if self._refused else "failed"

    @property
    def failing(self) -> bool:
        """Whether a call has certainly failed since the last success."""
        return self._certain or self._open_until is not None

    @property
    def closed(self) -> bool:
        """Whether it is closed."""
        return self._open_until is None

    def ask(self, now: float) -> bool:
        """Starts a call, whose outcome `record` is then given.

        Returns:
            Whether the call is the trial that decides whether the circuit closes.

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
        """Raises what `ask` would: before a call queues for budget, since `ask` comes after that."""
        if self._open_until is None or (now >= self._open_until and not self._trying):
            return
        if self._refused:
            raise UpstreamRefused("The source does not accept the gateway's credential.", source=self._source)
        left = max(self._open_until - now, 0.0)
        raise UpstreamUnavailable(
            "The source keeps failing and is left alone for a while.", source=self._source, retry_after=left
        )

    def record(self, now: float, ended: CallOutcome | None, *, trial: bool) -> None:
        """Takes the outcome of a call; None where it says nothing of the endpoint's health."""
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
        """Counts a success: one from before the circuit opened closes it only where it returned a record."""
        self._answered_at = now
        if self._open_until is not None and not closes:
            return
        if self._open_until is None:
            self._recent.append((now, False))
        else:
            self._recent.clear()
        self._open_until, self._pause, self.reason = None, self._tolerance.pause, None
        self._forget()

    def _failed(self, now: float, ended: CallOutcome) -> None:
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

    def _failed_trial(self, now: float, ended: CallOutcome, reason: Reason) -> None:
        """Counts a failed trial: a single record proves nothing, so that others are tried until several fail."""
        if ended.record is not None:
            self._note(now, ended)
            if len(self._failures) < self._tolerance.lasting:
                return
        self._pause = min(self._pause * 2, self._tolerance.longest_pause)
        self._open(now, reason)

    def _note(self, when: float, ended: CallOutcome) -> None:
        """Remembers a failure; refusals count only in a row: a few may be about what the credential cannot see."""
        if ended.record is None and ended.reason is not None:
            self._recent.append((when, ended.reason.trouble is not Trouble.REFUSED))
        self._failures[object() if ended.record is None else ended.record] = (when, ended)
        if len(self._failures) > self._tolerance.recent:
            del self._failures[next(iter(self._failures))]

    def _too_many(self, now: float, *, alone: bool) -> bool:
        """Whether enough calls have failed to open the circuit.

        Args:
            now: The time.
            alone: Whether the last failure concerns one record: then no other record may have been returned of late,
                and calls in flight are waited for, up to a limit.
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


T = TypeVar("T")

MAX_ABSENT = 3
"""Different records in a row that do not exist, before a probe finds out whether the endpoint does."""

PROBE_INTERVAL = 60.0
"""Seconds between two probes of an endpoint; a success counts as one."""


def outcome_of(failure: Failure, call: UpstreamCall[T]) -> CallOutcome | None:
    """What a failure says of the endpoint's health; None where it says nothing."""
    reason = failure.reason
    if reason is None or (call.large and reason.trouble is Trouble.TOO_LARGE):
        return None
    of_all = reason.trouble in OF_THE_HOST or failure.unauthorized
    return CallOutcome(
        reason=reason,
        transient=failure.transient,
        doubtful=call.plain is not None and not call.one and reason.trouble is Trouble.REJECTED,
        record=(call.path, call.params) if call.one and not of_all else None,
    )


class Endpoints:
    """The health of an upstream's endpoints.

    Args:
        source: The upstream's name.
        tolerance: When a circuit opens.
        clock: Measures time.
        probe: Makes a call in the background, to learn whether its endpoint works.

    Attributes:
        troubles: What is wrong with each endpoint.
    """

    def __init__(
        self, source: str, tolerance: Tolerance, clock: Clock, probe: Callable[[UpstreamCall[Any]], None]
    ) -> None:
        self._source = source
        self._tolerance = tolerance
        self._clock = clock
        self._probe = probe
        self._circuits: dict[str, Circuit] = {}
        self._absent: Counter[str] = Counter()
        self._probed: dict[str, float] = {}
        self.troubles = Troubles(source, clock)

    def circuit(self, endpoint: str) -> Circuit:
        """An endpoint's circuit."""
        known = self._circuits.get(endpoint)
        if known is None:
            known = self._circuits[endpoint] = Circuit(self._source, self._tolerance)
        return known

    def circuit_states(self) -> dict[str, CircuitState]:
        """The state of each endpoint's circuit."""
        now = self._clock.monotonic()
        return {endpoint: circuit.state(now) for endpoint, circuit in self._circuits.items()}

    def tried(self, call: UpstreamCall[T], ended: CallOutcome | None, *, trial: bool) -> None:
        """Takes the outcome of one attempt; None where it says nothing of the endpoint."""
        circuit = self.circuit(call.endpoint)
        circuit.record(self._clock.monotonic(), ended, trial=trial)
        if ended is None:
            return
        if ended.reason is None and circuit.closed:
            self.troubles.answered(call.endpoint)
        elif ended.reason is not None and not circuit.closed:
            self.troubles.failed(call.endpoint, ended.reason, sure=True)

    def answered(self, call: UpstreamCall[T], *, trial: bool, absent: bool) -> None:
        """Takes a success; that the record does not exist is one too."""
        ended = CallOutcome(record=(call.path, call.params)) if call.one else ANSWERED
        self.tried(call, ended, trial=trial)
        self._absent[call.endpoint] = self._absent[call.endpoint] + 1 if absent else 0
        if self._absent[call.endpoint] >= MAX_ABSENT and call.plain is not None:
            self._doubt(call.plain)

    def gave_up(self, call: UpstreamCall[T], ended: CallOutcome) -> None:
        """Takes the failure of a call's last attempt."""
        if ended.doubtful and call.plain is not None and not self.circuit(call.endpoint).failing:
            self._doubt(call.plain)
        elif ended.reason is not None and ended.record is None:
            self.troubles.failed(call.endpoint, ended.reason)

    def gone(self, call: UpstreamCall[T]) -> bool:
        """Whether a missing record says nothing, since the whole API is gone."""
        reason = None if call.plain is None else self.troubles.now.get(call.plain.endpoint)
        return reason is not None and reason.trouble is Trouble.GONE

    def forget_refusals(self) -> None:
        """Closes circuits that refusals opened, since the credential was replaced."""
        for endpoint, outcome in self.circuit_states().items():
            if outcome == "refused":
                del self._circuits[endpoint]

    def _doubt(self, plain: UpstreamCall[Any]) -> None:
        """Probes an endpoint, unless it has succeeded or was probed of late."""
        now, before = self._clock.monotonic(), self._probed.get(plain.endpoint)
        if self.troubles.answered_within(plain.endpoint, PROBE_INTERVAL):
            return
        if before is None or now - before >= PROBE_INTERVAL:
            self._probed[plain.endpoint] = now
            self._probe(plain)
