"""`/healthz` and `/readyz`, for whoever starts, watches and stops the process. Nothing private in either."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from gateway.graph.status import SourceState, SourceStatus

UNUSABLE = frozenset({SourceState.OFF, SourceState.REFUSED, SourceState.UNAVAILABLE})
"""States of a source whose meetings cannot be had."""

UNWELL = frozenset({SourceState.DEGRADED, SourceState.REFUSED, SourceState.UNAVAILABLE})
"""States that somebody has to look at; a spent budget comes back by itself, and off is as it was wished."""


@dataclass(slots=True)
class Health:
    """Whether this process answers, and how the sources behind it are.

    Args:
        statuses: How each source is doing now.
        together: Whether what replicas share can be reached; None where they share nothing.
        started: Whether requests are answered yet.
    """

    statuses: Callable[[], Sequence[SourceStatus]]
    together: Callable[[], bool | None] = field(default=lambda: None)
    started: bool = True
    closing: bool = field(default=False, init=False)

    def states(self) -> dict[str, str]:
        """The state of each source that is on, by its name."""
        return {status.source.value: status.state.value for status in self.statuses() if status.enabled}

    async def live(self, _: Request) -> Response:
        """`/healthz`: 200 while there is a process to answer."""
        return _json(200, {"status": "OK"})

    async def ready(self, _: Request) -> Response:
        """`/readyz`: 200 while requests are served, whatever the vendors do; the body says what they do.

        Were it not, an outage of theirs would take every replica out of service, with all that is kept. One that is cut
        off from the others' Redis goes on alone, and says so.
        """
        sources = self.statuses()
        body: dict[str, object] = {
            "status": self._status(sources),
            "sources": {source.source.value: source.state.value for source in sources},
        }
        troubles = {source.source.value: dict(source.troubles) for source in sources if source.troubles}
        if troubles:
            body["troubles"] = troubles
        together = self.together()
        if together is not None:
            body["shared"] = "OK" if together else "UNAVAILABLE"
        return _json(200 if self.started and not self.closing else 503, body)

    def _status(self, sources: Sequence[SourceStatus]) -> str:
        if not self.started:
            return "STARTING"
        if self.closing:
            return "CLOSING"
        if all(source.state in UNUSABLE for source in sources):
            return "NO_SOURCE"
        return "DEGRADED" if any(source.state in UNWELL for source in sources) else "OK"


def _json(status: int, body: Mapping[str, object]) -> Response:
    return Response(msgspec.json.encode(body), status, {"Cache-Control": "no-store"}, media_type="application/json")
