"""Long answers: written in pieces, each when the one before is out, and the same answers as ever."""

from __future__ import annotations

import asyncio
import gzip
from dataclasses import dataclass, field
from random import Random
from typing import Any

import brotli  # type: ignore[import-untyped]  # ships no types
import msgspec
import pytest
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Message

from gateway.graph.engine import OperationResult
from gateway.web.negotiation import MediaType
from gateway.web.request import ClientGone
from gateway.web.response import PIECE, ROWS, WHOLE, LongResponse, graphql_response, pieces
from tests.http.harness import PlainEngine, calling, plain_site

LENGTHS = (0, 1, 3, ROWS - 1, ROWS, ROWS + 1, 3 * ROWS)


def made(random: Random, depth: int = 5) -> Any:
    """Some value, of which a list may be long and an object may have anything in it."""
    kind = random.randrange(7 if depth else 4)
    if kind == 4:
        return [made(random, depth - 1)] * random.choice(LENGTHS)
    if kind > 4:
        return {f"näme {number}": made(random, depth - 1) for number in range(random.randrange(4))}
    return [None, random.random() < 0.5, random.randrange(-(2**53), 2**53), 'text, "quoted": \u2028'][kind]


class Row(msgspec.Struct, rename={"f0": "naïve", "f1": "nodes"}):
    f0: Any
    f1: Any


def structs(value: Any) -> Any:
    """The same value with some of its objects as rows of a plan are."""
    if isinstance(value, list):
        return tuple(map(structs, value))
    if isinstance(value, dict):
        return Row(structs([*value.values()][:1]), {name: structs(each) for name, each in value.items()})
    return value


def long_data(rows: int = 3_000, text: str = "x" * 300) -> dict[str, Any]:
    return {"meetings": {"nodes": [{"id": f"{number}", "title": text} for number in range(rows)], "totalCount": rows}}


@pytest.mark.sampled(10)
@pytest.mark.parametrize("seed", range(200))
def test_pieces_are_the_whole(seed: int) -> None:
    value = made(Random(seed))
    for each in (value, structs(value), msgspec.Raw(msgspec.json.encode(value)), {"data": structs(value)}):
        assert b"".join(pieces(each)) == msgspec.json.encode(each)


def test_no_piece_is_much_larger_than_a_piece() -> None:
    for data in (long_data(), msgspec.Raw(msgspec.json.encode(long_data()))):
        sizes = [*map(len, pieces({"data": data, "extensions": {}}))]
        assert len(sizes) > 10
        assert max(sizes) < 2 * PIECE


async def answered(data: Any, *, get: bool = False, errors: Any = (), **headers: str) -> Response:
    return await graphql_response(
        OperationResult(data=data, errors=[*errors]),
        MediaType.JSON,
        Headers({name.replace("_", "-"): value for name, value in headers.items()}),
        extensions={},
        caching="public, max-age=10",
        get=get,
    )


@dataclass
class Client:
    """The server's side of a request, and what was sent for it."""

    method: str = "POST"
    sent: list[Message] = field(default_factory=list)
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    leaves_after: int = 10**9

    async def read(self, response: Response) -> bytes:
        await response({"type": "http", "method": self.method}, self._receive, self._send)
        return self.body

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.sent)

    async def _receive(self) -> Message:
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        self.sent.append(message)
        if len(self.sent) >= self.leaves_after:
            self.gone.set()


@pytest.mark.parametrize("coding", ["", "gzip", "br"])
async def test_a_long_answer_is_the_answer_in_any_coding(coding: str) -> None:
    data, client = long_data(), Client()
    response = await answered(data, accept_encoding=coding)
    assert isinstance(response, LongResponse)
    assert response.headers.get("content-encoding", "") == coding
    assert "content-length" not in response.headers
    body = await client.read(response)
    decoded = {"": bytes, "gzip": gzip.decompress, "br": brotli.decompress}[coding](body)
    assert msgspec.json.decode(decoded) == {"data": data}
    assert client.sent[-1] == {"type": "http.response.body", "body": b""}
    assert max(len(message.get("body", b"")) for message in client.sent) < 2 * PIECE


async def test_a_short_answer_is_sent_at_once_with_its_length() -> None:
    response = await answered(long_data(10))
    assert not isinstance(response, LongResponse)
    assert int(response.headers["content-length"]) == len(response.body) < WHOLE


async def test_others_get_their_turn_between_the_pieces() -> None:
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.ensure_future(other())
    client = Client(method="GET")
    response = await answered(long_data(), get=True)
    in_tag, turns = turns, 0
    await client.read(response)
    task.cancel()
    assert in_tag >= 10, "the entity tag is made piece by piece too"
    assert turns >= 10


async def test_a_long_answer_has_a_tag_that_does_not_depend_on_how_it_is_written() -> None:
    data = long_data()
    tags = [
        (await answered(each, get=True, accept_encoding=coding)).headers["etag"]
        for each in (data, msgspec.Raw(msgspec.json.encode(data)))
        for coding in ("", "br")
    ]
    assert len({*tags}) == 1
    again = await answered(data, get=True, if_none_match=tags[0])
    assert (again.status_code, again.body) == (304, b"")


async def test_nothing_more_is_written_for_a_client_that_has_gone() -> None:
    client = Client(leaves_after=3)
    with pytest.raises(ClientGone):
        await client.read(await answered(long_data()))
    assert len(client.sent) <= client.leaves_after + 2


async def test_head_is_answered_with_the_headers_alone() -> None:
    client = Client(method="HEAD")
    assert await client.read(await answered(long_data(), get=True)) == b""


async def test_over_a_socket() -> None:
    @dataclass
    class Long(PlainEngine):
        async def execute(self, *_: Any, **__: Any) -> OperationResult:
            return OperationResult(
                data=long_data(), errors=[{"message": "one", "path": ["x"], "extensions": {"code": "X"}}]
            )

    async with calling(plain_site(Long())) as caller:
        reply = await caller.post("{ hello }")
        assert reply.headers["Transfer-Encoding"] == "chunked"
        assert reply.json["data"] == long_data()
        assert [error["message"] for error in reply.json["errors"]] == ["one"]
