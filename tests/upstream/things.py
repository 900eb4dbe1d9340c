"""Records to look up, and an upstream that has them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from urllib.parse import parse_qsl, urlsplit

import msgspec

from gateway.upstream.batch import Limits
from gateway.upstream.client import Client
from gateway.upstream.codec import Typed
from gateway.upstream.lifetimes import Lifetimes
from gateway.upstream.records import Kind, Records
from gateway.upstream.request import Hit, Request
from tests.upstream.server import Received, reply


class Thing(msgspec.Struct, frozen=True):
    id: str
    version: int


LIFETIMES = Lifetimes(fresh=10, stale=20, fallback=70, absent=5)
THINGS = Kind(name="things", endpoint="/things", codec=Typed(Thing), lifetimes=LIFETIMES)
UNKNOWN = "nobody"


class World:
    """Answers `/things?ids[]=...` with a new version of each every time; nobody knows `UNKNOWN`."""

    def __init__(self) -> None:
        self.version = 1
        self.asked: list[list[str]] = []

    async def __call__(self, request: Received, writer: asyncio.StreamWriter) -> None:
        await reply(200, self.answer(request))(request, writer)

    def answer(self, request: Received) -> bytes:
        """The body of an answer."""
        ids = [value for name, value in parse_qsl(urlsplit(request.target).query) if name == "ids[]"]
        self.asked.append(ids)
        rows = [{"id": key, "version": self.version} for key in reversed(ids) if key != UNKNOWN]
        return json.dumps(rows).encode()


def things(client: Client, *, limits: Limits | None = None) -> Records[str, Thing]:
    async def fetch(request: Request, keys: Sequence[str]) -> Mapping[str, Thing]:
        body = await client.get(request, "/things", "/things", [("ids[]", key) for key in keys])
        assert body is not None
        return {row.id: row for row in msgspec.json.decode(body, type=list[Thing])}

    return Records(client, THINGS, fetch, limits=limits)


Ask = Callable[[], Request]


def kept(request: Request) -> list[Hit]:
    return [entry.cache for entry in request.ledger.entries]
