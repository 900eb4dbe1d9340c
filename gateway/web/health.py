"""`/healthz` and `/readyz`, for whoever starts, watches and stops the process. Nothing private in either."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from gateway.graph.status import SourceState, SourceStatus

UNUSABLE = frozenset({SourceState.OFF, SourceState.REFUSED, SourceState.UNAVAILABLE})
"""States in which asking a source is of no use; those of a failing one lapse by themselves."""


@dataclass(slots=True)
class Health:
    """Whether this process can answer.

    Args:
        statuses: How each source is doing now.
        together: Whether what replicas share can be reached; None where they share nothing.
    """

    statuses: Callable[[], Sequence[SourceStatus]]
    together: Callable[[], bool | None] = field(default=lambda: None)
    closing: bool = field(default=False, init=False)

    def states(self) -> dict[str, str]:
        """The state of each source that is on, by its name."""
        return {status.source.value: status.state.value for status in self.statuses() if status.enabled}

    async def live(self, _: Request) -> Response:
        """`/healthz`: 200 while there is a process to answer."""
        return _json(200, {"status": "OK"})

    async def ready(self, _: Request) -> Response:
        """`/readyz`: 200 when at least one source is usable and the process is not about to close.

        One that is cut off from the others' Redis goes on alone, and says so.
        """
        sources = self.statuses()
        usable = any(source.state not in UNUSABLE for source in sources)
        status = "CLOSING" if self.closing else "OK" if usable else "NO_SOURCE"
        states = {source.source.value: source.state.value for source in sources}
        body: dict[str, object] = {"status": status, "sources": states}
        together = self.together()
        if together is not None:
            body["shared"] = "OK" if together else "UNAVAILABLE"
        return _json(200 if status == "OK" else 503, body)


def _json(status: int, body: Mapping[str, object]) -> Response:
    return Response(msgspec.json.encode(body), status, {"Cache-Control": "no-store"}, media_type="application/json")
