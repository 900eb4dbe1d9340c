"""Which endpoints of an upstream are in trouble now, and the log lines that say so: one a change."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from gateway.upstream.request import Clock
from gateway.upstream.trouble import Reason, Trouble

log = logging.getLogger(__name__)

GOOD_FOR = 30.0
"""Seconds after an answer in which single failures say nothing: a busy endpoint that fails now and then is not down."""

APART = frozenset({Trouble.REFUSED, Trouble.GONE})
"""Troubles of which an operator has to hear even where there was another one before."""


class Troubles:
    """What is wrong with each endpoint, as its last calls showed.

    Args:
        source: The upstream's name.
        clock: Tells how long ago an endpoint answered.
    """

    def __init__(self, source: str, clock: Clock) -> None:
        self._source = source
        self._clock = clock
        self._now: dict[str, Reason] = {}
        self._answered: dict[str, float] = {}

    @property
    def now(self) -> Mapping[str, Reason]:
        """Each endpoint that is in trouble, with what is wrong."""
        return self._now

    def answered_within(self, endpoint: str, seconds: float) -> bool:
        """Whether an endpoint has answered in the last so many seconds."""
        when = self._answered.get(endpoint)
        return when is not None and self._clock.monotonic() - when < seconds

    def answered(self, endpoint: str) -> None:
        """Learns that an endpoint answered as it should."""
        self._answered[endpoint] = self._clock.monotonic()
        before = self._now.pop(endpoint, None)
        if before is not None:
            facts = {"source": self._source, "endpoint": endpoint, "trouble": before.trouble.value}
            log.info("an upstream endpoint answers again", extra=facts)

    def failed(self, endpoint: str, reason: Reason, *, sure: bool = False) -> None:
        """Learns that an endpoint did not answer.

        Args:
            endpoint: Its name.
            reason: What was wrong.
            sure: Whether that is more than a single failure, so that a recent answer does not outweigh it.
        """
        if not sure and self.answered_within(endpoint, GOOD_FOR):
            return
        before = self._now.get(endpoint)
        self._now[endpoint] = reason
        if before is None or (before.trouble is not reason.trouble and {before.trouble, reason.trouble} & APART):
            facts: dict[str, object] = {"source": self._source, "endpoint": endpoint, "trouble": reason.trouble.value}
            if reason.status is not None:
                facts["status"] = reason.status
            log.warning("an upstream endpoint does not answer as it should", extra=facts)
