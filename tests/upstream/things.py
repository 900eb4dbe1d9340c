"""Records to look up, and an upstream that has them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from urllib.parse import parse_qsl, urlsplit

import msgspec

from gateway.request import Hit, Request
from gateway.upstream.batch import Limits
from gateway.upstream.cache import RecordCache
from gateway.upstream.client import Client
from gateway.upstream.freshness import CachePolicy, Lifetimes
from gateway.upstream.store import MsgpackCodec
from tests.upstream.server import Received, reply


class Thing(msgspec.Struct, frozen=True):
    id: str
    version: int


LIFETIMES = Lifetimes(fresh=10, stale=20, fallback=70, absent=5)
THINGS = CachePolicy(name="things", endpoint="/things", codec=MsgpackCodec(Thing), lifetimes=LIFETIMES)
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


def things(client: Client, *, limits: Limits | None = None) -> RecordCache[str, Thing]:
    async def fetch(request: Request, keys: Sequence[str]) -> Mapping[str, Thing]:
        body = await client.get(request, "/things", "/things", [("ids[]", key) for key in keys])
        assert body is not None
        return {row.id: row for row in msgspec.json.decode(body, type=list[Thing])}

    return RecordCache(client, THINGS, fetch, limits=limits)


Ask = Callable[[], Request]


def kept(request: Request) -> list[Hit]:
    return [entry.cache for entry in request.ledger.entries]
