"""Clients of streams, written from the protocols: graphql-sse and Apollo's multipart, byte by byte."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from tests.live.stage import ROUNDS, Stage

EVENTS = """subscription ($filter: MeetingFilter, $since: String) {
  meetingChanged(filter: $filter, since: $since) { kind meetingId cursor at meeting { id title status } }
}"""


@dataclass
class Sse:
    """A stream of server-sent events.

    Attributes:
        heard: Everything that has come, as text.
        events: The events: name, data and id.
        ended: Whether the server has ended it.
    """

    response: aiohttp.ClientResponse
    heard: str = ""
    events: list[tuple[str, str, str | None]] = field(default_factory=list)
    ended: bool = False
    _taken: int = 0
    _rest: str = ""

    async def read(self) -> None:
        async for chunk in self.response.content.iter_any():
            text = chunk.decode()
            self.heard += text
            self._rest += text
            while "\n\n" in self._rest:
                block, self._rest = self._rest.split("\n\n", 1)
                lines = dict(line.split(":", 1) for line in block.split("\n") if not line.startswith(":") and line)
                if "event" in lines:
                    self.events.append((lines["event"].strip(), lines["data"].strip(), lines.get("id", "").strip()))
        self.ended = True

    def take(self) -> Any:
        """The change of the next event; None where there is none yet."""
        if self._taken == len(self.events):
            return None
        name, data, _ = self.events[self._taken]
        self._taken += 1
        assert name == "next", (name, data)
        return json.loads(data)["data"]["meetingChanged"]


async def next_of(stage: Stage, stream: Sse, *, step: float = 0.5) -> Any:
    """The next change of a stream, with time moved on until it is there."""
    for _ in range(ROUNDS):
        change = stream.take()
        if change is not None:
            return change
        await stage.ask("{ __typename }")
        stage.clock.advance(step)
    raise AssertionError(stream.heard)


@contextlib.asynccontextmanager
async def sse(
    stage: Stage, *, headers: dict[str, str] | None = None, query: str = EVENTS, **variables: Any
) -> AsyncIterator[Sse]:
    """A subscription by graphql-sse's distinct connections."""
    asked = {"Accept": "text/event-stream", **(headers or {})}
    body = {"query": query, "variables": variables}
    async with (
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None)) as session,
        session.post(f"{stage.caller.url}/graphql", json=body, headers=asked) as response,
    ):
        assert response.status == 200, await response.text()
        assert response.headers["Content-Type"].startswith("text/event-stream")
        stream = Sse(response)
        reading = asyncio.ensure_future(stream.read())
        try:
            yield stream
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
