"""The endpoints of an upstream: which of them are left alone, and what is wrong with which."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, TypeVar

from gateway.upstream.call import Call
from gateway.upstream.circuit import ANSWERED, Circuit, Ended, Outcome, Tolerance
from gateway.upstream.request import Clock
from gateway.upstream.retry import Failure
from gateway.upstream.trouble import OF_THE_HOST, Trouble
from gateway.upstream.troubles import Troubles

T = TypeVar("T")

NOBODY_BY_CHANCE = 3
"""Different records in a row that do not exist, before it is looked into whether the upstream does."""

LOOK_AGAIN = 60.0
"""Seconds between two looks at an endpoint because of a doubt; an answer from it is as good as one."""


def ended_as(failure: Failure, call: Call[T]) -> Ended | None:
    """What a failed call says of its endpoint's health; None where it says nothing."""
    reason = failure.reason
    if reason is None or (call.large and reason.trouble is Trouble.TOO_LARGE):
        return None
    of_all = reason.trouble in OF_THE_HOST or failure.unauthorized
    return Ended(
        reason=reason,
        transient=failure.transient,
        doubtful=call.plain is not None and not call.one and reason.trouble is Trouble.REJECTED,
        record=(call.path, call.params) if call.one and not of_all else None,
    )


class Endpoints:
    """What calls have shown of an upstream's endpoints.

    Args:
        source: The upstream's name.
        tolerance: When an endpoint is left alone.
        clock: Tells the time.
        ask_plainly: Makes a call for nobody, to see whether its endpoint answers.

    Attributes:
        troubles: What is wrong with each endpoint.
    """

    def __init__(
        self, source: str, tolerance: Tolerance, clock: Clock, ask_plainly: Callable[[Call[Any]], None]
    ) -> None:
        self._source = source
        self._tolerance = tolerance
        self._clock = clock
        self._ask_plainly = ask_plainly
        self._circuits: dict[str, Circuit] = {}
        self._absent: Counter[str] = Counter()
        self._looked: dict[str, float] = {}
        self.troubles = Troubles(source, clock)

    def circuit(self, endpoint: str) -> Circuit:
        """An endpoint's circuit."""
        known = self._circuits.get(endpoint)
        if known is None:
            known = self._circuits[endpoint] = Circuit(self._source, self._tolerance)
        return known

    def outcomes(self) -> dict[str, Outcome]:
        """What each endpoint is left alone for now, `answered` where it is not."""
        now = self._clock.monotonic()
        return {endpoint: circuit.state(now) for endpoint, circuit in self._circuits.items()}

    def tried(self, call: Call[T], ended: Ended | None, *, trial: bool) -> None:
        """Learns how one try of a call ended; None where that says nothing."""
        circuit = self.circuit(call.endpoint)
        circuit.record(self._clock.monotonic(), ended, trial=trial)
        if ended is None:
            return
        if ended.reason is None and circuit.closed:
            self.troubles.answered(call.endpoint)
        elif ended.reason is not None and not circuit.closed:
            self.troubles.failed(call.endpoint, ended.reason, sure=True)

    def answered(self, call: Call[T], *, trial: bool, absent: bool) -> None:
        """Learns that a call was answered, be it with word that the record does not exist."""
        ended = Ended(record=(call.path, call.params)) if call.one else ANSWERED
        self.tried(call, ended, trial=trial)
        self._absent[call.endpoint] = self._absent[call.endpoint] + 1 if absent else 0
        if self._absent[call.endpoint] >= NOBODY_BY_CHANCE and call.plain is not None:
            self._doubt(call.plain)

    def gave_up(self, call: Call[T], ended: Ended) -> None:
        """Learns that the last try of a call failed."""
        if ended.doubtful and call.plain is not None and not self.circuit(call.endpoint).failing:
            self._doubt(call.plain)
        elif ended.reason is not None and ended.record is None:
            self.troubles.failed(call.endpoint, ended.reason)

    def gone(self, call: Call[T]) -> bool:
        """Whether a record that does not exist says nothing, since the upstream itself is not there."""
        reason = None if call.plain is None else self.troubles.now.get(call.plain.endpoint)
        return reason is not None and reason.trouble is Trouble.GONE

    def forget_refusals(self) -> None:
        """Learns that the credential was replaced: what refused the other one may be asked at once."""
        for endpoint, outcome in self.outcomes().items():
            if outcome == "refused":
                del self._circuits[endpoint]

    def _doubt(self, plain: Call[Any]) -> None:
        """Has it looked into whether an endpoint answers at all, unless that is known."""
        now, before = self._clock.monotonic(), self._looked.get(plain.endpoint)
        if self.troubles.answered_within(plain.endpoint, LOOK_AGAIN):
            return
        if before is None or now - before >= LOOK_AGAIN:
            self._looked[plain.endpoint] = now
            self._ask_plainly(plain)
