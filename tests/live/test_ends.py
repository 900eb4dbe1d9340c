"""How streams end on each transport: a credential that ends, and a gateway that stops."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from gateway.commands.demo import emulated, variables
from tests.live.stage import Stage, staged
from tests.live.streams import EVENTS
from tests.operations.children import LONGEST, serving

MULTIPART = 'multipart/mixed;subscriptionSpec="1.0"'
SSE = "text/event-stream"
KEY, OTHER = "key-old-0123456789abcdef", "key-new-0123456789abcdef"


@dataclass
class Heard:
    """What a client has got.

    Attributes:
        text: All of it.
        code: The code that a WebSocket was closed with.
        ended: Whether it is over.
    """

    text: str = ""
    code: int | None = None
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    begun: asyncio.Event = field(default_factory=asyncio.Event)

    def take(self, text: str) -> None:
        self.text += text
        if "READY" in self.text:
            self.begun.set()


async def listen(session: aiohttp.ClientSession, url: str, accept: str, heard: Heard, key: str) -> None:
    """A subscription over HTTP."""
    headers = {"Accept": accept, "X-API-Key": key}
    async with session.post(url, json={"query": EVENTS}, headers=headers) as response:
        async for chunk in response.content.iter_any():
            heard.take(chunk.decode())
    heard.ended.set()


async def connect(session: aiohttp.ClientSession, url: str, heard: Heard, key: str) -> None:
    """A subscription over a WebSocket."""
    async with session.ws_connect(url.replace("http", "ws", 1), protocols=("graphql-transport-ws",)) as socket:
        await socket.send_json({"type": "connection_init", "payload": {"x-api-key": key}})
        await socket.receive_json()
        await socket.send_json({"id": "1", "type": "subscribe", "payload": {"query": EVENTS}})
        async for message in socket:
            heard.take(message.data)
    heard.code = socket.close_code
    heard.ended.set()


@contextlib.asynccontextmanager
async def listeners(url: str, key: str = KEY) -> AsyncIterator[dict[str, Heard]]:
    """A subscription by every transport, each of which has begun."""
    heard = {name: Heard() for name in ("sse", "multipart", "websocket")}
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None)) as session:
        tasks = [
            asyncio.ensure_future(each)
            for each in (
                listen(session, url, SSE, heard["sse"], key),
                listen(session, url, MULTIPART, heard["multipart"], key),
                connect(session, url, heard["websocket"], key),
            )
        ]
        try:
            async with asyncio.timeout(LONGEST):
                for each in heard.values():
                    await each.begun.wait()
            yield heard
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


def last_part(text: str) -> Any:
    """The last part of a multipart answer that has ended."""
    *_, last, end = text.split("\r\n--graphql")
    assert end == "--\r\n"
    return json.loads(last.split("\r\n\r\n", 1)[1])


async def ended(stage: Stage, heard: dict[str, Heard]) -> None:
    await stage.until(lambda: all(each.ended.is_set() for each in heard.values()))


async def test_a_credential_that_is_withdrawn_ends_every_stream(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text(f"one:{KEY},two:{OTHER}")
    async with (
        staged(GATEWAY_API_KEYS_FILE=str(keys)) as stage,
        listeners(f"{stage.caller.url}/graphql") as heard,
        listeners(f"{stage.caller.url}/graphql", OTHER) as others,
    ):
        keys.write_text(f"two:{OTHER}")
        await _moved_on(stage, heard)
        assert heard["websocket"].code == 4403
        sse = heard["sse"].text
        assert sse.endswith("event: complete\ndata:\n\n")
        (data,) = re.findall(r"data: (\{\"errors\".*\})\n", sse)
        assert json.loads(data)["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
        part = last_part(heard["multipart"].text)
        assert part["payload"] is None
        assert part["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
        assert not any(each.ended.is_set() for each in others.values())


async def test_scopes_that_change_end_every_stream(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text(f"one:{KEY}")
    async with (
        staged(GATEWAY_API_KEYS_FILE=str(keys)) as stage,
        listeners(f"{stage.caller.url}/graphql") as heard,
    ):
        keys.write_text(f"one:{KEY}:meetings:read")
        await _moved_on(stage, heard)
        assert heard["websocket"].code == 4403
        assert last_part(heard["multipart"].text)["errors"][0]["extensions"]["code"] == "FORBIDDEN"


async def _moved_on(stage: Stage, heard: dict[str, Heard]) -> None:
    """Moves time on until the streams have ended; the file of keys is read every so many seconds."""
    async with asyncio.timeout(LONGEST):
        while not all(each.ended.is_set() for each in heard.values()):
            stage.clock.advance(1.0)
            await stage.caller.ask("GET", "/healthz")


@pytest.mark.slow
async def test_a_gateway_that_stops_asks_every_client_to_come_back(tmp_path: Path) -> None:
    settings = {"GATEWAY_API_KEYS": f"one:{KEY}", "GATEWAY_DRAIN": "1"}
    with emulated() as emulators, serving(tmp_path, {**variables(emulators), **settings}) as child:
        async with listeners(f"{child.url}/graphql") as heard:
            child.process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(LONGEST):
                for each in heard.values():
                    await each.ended.wait()
            assert re.search(r"\nretry: \d+\n\n$", heard["sse"].text)
            assert "event: complete" not in heard["sse"].text  # graphql-sse clients come back only without it
            part = last_part(heard["multipart"].text)
            assert part["payload"] is None
            assert part["errors"][0]["extensions"]["retryAfter"] >= 1
            assert heard["websocket"].code == 1012
        assert await asyncio.to_thread(child.ended) == 0
