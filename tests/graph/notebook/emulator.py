"""The notebook over rows of our own, from its documents alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from starlette.types import Receive, Scope, Send

from gateway.emulator.door import Answer, Ask, Clock, Door


class NotebookEmulator:
    """An ASGI application that answers as the notebook does.

    Attributes:
        token: the token that it accepts.
        door: call log, faults and latency.
    """

    def __init__(self, rows: Mapping[str, Sequence[object]], *, clock: Clock, token: str) -> None:
        self.token = token
        self.door = Door(self, clock, 0.0)
        self._rows = rows

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        await self.door(scope, receive, send)

    def error_body(self, status: int) -> object:
        """Give the notebook's error body."""
        return {"error": status}

    def answer(self, ask: Ask) -> Answer:
        """Answer a request."""
        status = 401 if ask.bearer != self.token else 200 if ask.path in self._rows else 404
        body = {"entries": self._rows[ask.path]} if status == 200 else self.error_body(status)
        return Answer(ask.path, status, body)
