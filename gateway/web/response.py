"""Responses: status, media type, content coding, entity tags and cache headers.

A long one goes out in pieces, each encoded when the client has taken the one before.
"""

from __future__ import annotations

import asyncio
import hashlib
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import TypeAlias

import brotli  # type: ignore[import-untyped]  # ships no types; one class is used
import msgspec
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gateway.graph.engine import OperationResult
from gateway.web.http_errors import BAD_REQUEST, NO_STORE, RequestError, status_of
from gateway.web.negotiation import MediaType, ranges, weight_of
from gateway.web.request import while_connected

PIECE = 64 * 1024
"""Bytes of a piece, about."""
WHOLE = 4 * PIECE
"""Bytes of the longest response that is sent at once."""

VARY = "Accept, Accept-Encoding, Authorization, X-API-Key, Router-Authorization, X-Gateway-Trace, X-Gateway-Cost"
"""Request headers that the body of a response depends on."""


def cache_control(max_age: float | None, *, good: bool, private: bool) -> str:
    """The `Cache-Control` of a response.

    Args:
        max_age: Seconds that the shortest-lived of what it is made of stays fresh; None where it is made of nothing.
        good: Whether it is whole: no errors.
        private: Whether it was made for one client.
    """
    if not good:
        return NO_STORE
    scope = "private" if private else "public"
    seconds = int(max_age or 0)
    return f"{scope}, max-age={seconds}" if seconds > 0 else f"{scope}, no-cache"


class LongResponse(Response):
    """A response that is sent in pieces while its client is connected.

    Args:
        parts: The pieces of its body; each is asked for when those before are sent.
        status: The HTTP status.
        headers: Its headers.
        kind: Its media type.
    """

    def __init__(self, parts: Iterable[bytes], status: int, headers: Mapping[str, str], kind: str) -> None:
        super().__init__(b"", status, headers, kind)
        del self.headers["content-length"]
        self._parts = parts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends the response; to HEAD the server sends the headers alone.

        Raises:
            ClientGone: The client went away before its end.
        """
        parts = () if scope["method"] == "HEAD" else self._parts
        await while_connected(self._sent(parts, send), receive)

    async def _sent(self, parts: Iterable[bytes], send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        for part in parts:
            if part:  # a coding may have nothing to say yet
                await send({"type": "http.response.body", "body": part, "more_body": True})
            await asyncio.sleep(0)
        await send({"type": "http.response.body", "body": b""})


async def graphql_response(
    outcome: OperationResult | RequestError,
    kind: MediaType,
    headers: Headers,
    *,
    extensions: Mapping[str, object],
    caching: str,
    get: bool,
) -> Response:
    """The HTTP answer.

    Args:
        outcome: What the operation came to.
        kind: What it is written as.
        headers: The request's.
        extensions: What the answer's `extensions` hold; left out where empty.
        caching: Its `Cache-Control`.
        get: Whether it was asked for by GET, so that it may be cached and revalidated.
    """
    answer: dict[str, object] = {}
    status = 200
    if outcome.errors:
        answer["errors"] = outcome.errors
    if isinstance(outcome, OperationResult) and outcome.started:
        answer["data"] = outcome.data
    else:
        status = status_of(outcome.errors)
        if status == BAD_REQUEST and kind is MediaType.JSON:
            status = 200  # what clients of that age expect (GraphQL over HTTP: "application/json")
    if extensions:
        answer["extensions"] = extensions
        caching = NO_STORE  # they tell how this one answer was made
    sent = {"Vary": VARY, "Cache-Control": caching}
    if get and caching != NO_STORE:
        sent["ETag"] = tag = await _tag(answer)
        if matches_etag(tag, headers.get("if-none-match")):
            return Response(b"", 304, sent)
    parts = pieces(answer)
    start = _start(parts)
    size = sum(map(len, start))
    coding = coding_of(headers.get("accept-encoding"), size)
    if coding is not None:
        sent["Content-Encoding"] = coding
    media_type = f"{kind.value}; charset=utf-8"
    if size > WHOLE:
        return LongResponse(coded(chain(start, parts), coding), status, sent, media_type)
    return Response(b"".join(coded(start, coding)), status, sent, media_type=media_type)


def _start(parts: Iterator[bytes]) -> list[bytes]:
    """The first parts, all of them where they come to no more than `WHOLE`."""
    start, size = [], 0
    for part in parts:
        start.append(part)
        size += len(part)
        if size > WHOLE:
            break
    return start


async def _tag(answer: object) -> str:
    """The entity tag of a response; of a long one computed piece by piece."""
    digest = hashlib.blake2b(digest_size=16)
    for number, part in enumerate(pieces(answer)):
        if number:
            await asyncio.sleep(0)
        digest.update(part)
    return f'W/"{digest.hexdigest()}"'


def matches_etag(tag: str, if_none_match: str | None) -> bool:
    """Whether a client has this response already; weak tags are compared without their mark (RFC 9110, 8.8.3.2)."""
    known = [part.strip().removeprefix("W/") for part in (if_none_match or "").split(",")]
    return tag.removeprefix("W/") in known or "*" in known


LEAST_BYTES = 1024
"""Below, a packet is a packet."""

Coder: TypeAlias = Callable[[Iterable[bytes]], Iterator[bytes]]


def _brotli(parts: Iterable[bytes]) -> Iterator[bytes]:
    coder = brotli.Compressor(mode=brotli.MODE_TEXT, quality=4)
    for part in parts:
        yield coder.process(part)
    yield coder.finish()


def _gzip(parts: Iterable[bytes]) -> Iterator[bytes]:
    coder = zlib.compressobj(level=4, wbits=16 + zlib.MAX_WBITS)
    for part in parts:
        yield coder.compress(part)
    yield coder.flush()


CODINGS: Mapping[str, Coder] = {"br": _brotli, "gzip": _gzip}
"""In order of preference. 185 KB of JSON take about 2 and 2.5 ms of CPU at these levels, and come to 15 to 17 %.

No `zstd`: servers on Node.js pass on the `Accept-Encoding` of a browser that knows it, and cannot unpack it."""


def compressed(body: bytes, accept_encoding: str | None) -> tuple[bytes, str | None]:
    """A body in its content coding; None where it is not compressed."""
    coding = coding_of(accept_encoding, len(body))
    return body if coding is None else b"".join(coded([body], coding)), coding


def coding_of(accept_encoding: str | None, size: int) -> str | None:
    """The content coding of a body of at least that size; None where it is not compressed."""
    if size < LEAST_BYTES or not accept_encoding:
        return None
    wanted = ranges(accept_encoding)
    weights = {name: weight_of(name, wanted)[0] for name in CODINGS}
    best = max(CODINGS, key=lambda name: weights[name])
    if weights[best] <= 0 or weights[best] < weight_of("identity", wanted)[0]:
        return None
    return best


def coded(parts: Iterable[bytes], coding: str | None) -> Iterator[bytes]:
    """The parts of a body in a content coding; some may be empty."""
    return iter(parts) if coding is None else CODINGS[coding](parts)


ROWS = 64
"""Entries of a list that are encoded at once; shorter lists are encoded whole, with everything around them."""
DEPTH = 6
"""Levels below the top at which long lists are looked for: connections of records by their keys have theirs at five."""

encode = msgspec.json.Encoder().encode


def pieces(value: object) -> Iterator[bytes]:
    """The JSON of a value; joined, the pieces are what `msgspec.json.encode` makes of it."""
    buffer = bytearray()
    for part in _parts(value, DEPTH):
        if len(part) >= PIECE and not buffer:
            yield part
            continue
        buffer += part
        if len(buffer) >= PIECE:
            yield bytes(buffer)
            buffer.clear()
    if buffer:
        yield bytes(buffer)


def _parts(value: object, depth: int) -> Iterator[bytes]:
    if isinstance(value, msgspec.Raw):
        raw = memoryview(value)
        yield from (bytes(raw[start : start + PIECE]) for start in range(0, len(raw), PIECE))
    elif not _has_long_list(value, depth):
        yield encode(value)
    elif isinstance(value, list | tuple):
        yield from _of_list(value)
    else:
        mark = b"{"
        for name, item in _items(value):
            yield mark + encode(name) + b":"
            yield from _parts(item, depth - 1)
            mark = b","
        yield b"}"


def _of_list(values: Sequence[object]) -> Iterator[bytes]:
    mark = b"["
    for start in range(0, len(values), ROWS):
        yield mark + encode(values[start : start + ROWS])[1:-1]
        mark = b","
    yield b"]"


def _has_long_list(value: object, depth: int) -> bool:
    """Whether a value is a long list, contains one, or is JSON text already."""
    if isinstance(value, list | tuple):
        return len(value) > ROWS
    if isinstance(value, msgspec.Raw):
        return True
    return depth > 0 and any(_has_long_list(item, depth - 1) for _, item in _items(value))


def _items(value: object) -> Iterable[tuple[str, object]]:
    """The members of an object; none of anything else."""
    if isinstance(value, dict):
        return value.items()
    if isinstance(value, msgspec.Struct):
        return zip(value.__struct_encode_fields__, msgspec.structs.astuple(value), strict=True)
    return ()
