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
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gateway.commands.demo import emulated, variables
from gateway.emulator.server import serve
from gateway.web.streams import HEARTBEAT
from gateway.web.tokens import SKEW
from tests.http.issuer import AUDIENCE, ISSUER, Issuer
from tests.http.issuer import issuer as issuer
from tests.http.issuer import signing as signing
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


def credential(key: str) -> dict[str, str]:
    """A key or a token, as it is sent."""
    return {"authorization": f"Bearer {key}"} if key.count(".") == 2 else {"x-api-key": key}


async def listen(session: aiohttp.ClientSession, url: str, accept: str, heard: Heard, key: str) -> None:
    """A subscription over HTTP."""
    headers = {"Accept": accept, **credential(key)}
    async with session.post(url, json={"query": EVENTS}, headers=headers) as response:
        async for chunk in response.content.iter_any():
            heard.take(chunk.decode())
    heard.ended.set()


async def connect(session: aiohttp.ClientSession, url: str, heard: Heard, key: str) -> None:
    """A subscription over a WebSocket."""
    async with session.ws_connect(url.replace("http", "ws", 1), protocols=("graphql-transport-ws",)) as socket:
        await socket.send_json({"type": "connection_init", "payload": credential(key)})
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
        _ended_as_unauthenticated(heard)
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


class Published:
    """The issuer's keys as it publishes them over HTTP."""

    def __init__(self, issuer: Issuer) -> None:
        self._issuer = issuer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            response = Response(await self._issuer.publish(), media_type="application/json")
        except OSError:
            response = Response(b"", 503)
        await response(scope, receive, send)


@contextlib.asynccontextmanager
async def trusting(issuer: Issuer) -> AsyncIterator[Stage]:
    """A gateway that takes an issuer's tokens."""
    async with serve(Published(issuer)) as url:
        settings = {"GATEWAY_JWKS_URL": f"{url}/keys", "GATEWAY_JWT_ISSUER": ISSUER, "GATEWAY_JWT_AUDIENCE": AUDIENCE}
        async with staged(**settings) as stage:
            yield stage


async def test_a_token_that_expires_ends_every_stream(issuer: Issuer) -> None:
    async with trusting(issuer) as stage:
        expires = int(stage.clock.time()) + 90
        token, other = issuer.token(stage.clock, exp=expires), issuer.token(stage.clock, exp=expires + 3600)
        url = f"{stage.caller.url}/graphql"
        async with listeners(url, token) as heard, listeners(url, other) as others:
            while stage.clock.time() < expires:  # and not before
                assert not any(each.ended.is_set() for each in heard.values())
                stage.clock.advance(5.0)
                await stage.caller.ask("GET", "/healthz")
            await _moved_on(stage, heard)
            assert stage.clock.time() <= expires + SKEW + 2 * HEARTBEAT
            _ended_as_unauthenticated(heard)
            assert not any(each.ended.is_set() for each in others.values())
            async with aiohttp.ClientSession() as session:  # nor does it open another
                headers = {"Accept": SSE, "Authorization": f"Bearer {token}"}
                async with session.post(url, json={"query": EVENTS}, headers=headers) as response:
                    assert response.status == 401


async def test_an_issuer_that_is_away_ends_no_stream(issuer: Issuer) -> None:
    async with trusting(issuer) as stage:
        token = issuer.token(stage.clock, exp=int(stage.clock.time()) + 7200)
        async with listeners(f"{stage.caller.url}/graphql", token) as heard:
            issuer.failing = True
            for _ in range(120):
                stage.clock.advance(30.0)
                await stage.caller.ask("GET", "/healthz")
            assert not any(each.ended.is_set() for each in heard.values())


def _ended_as_unauthenticated(heard: dict[str, Heard]) -> None:
    """Each as its protocol has it."""
    assert heard["websocket"].code == 4403
    sse = heard["sse"].text
    assert sse.endswith("event: complete\ndata:\n\n")
    (data,) = re.findall(r"data: (\{\"errors\".*\})\n", sse)
    assert json.loads(data)["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    part = last_part(heard["multipart"].text)
    assert part["payload"] is None
    assert part["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


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
