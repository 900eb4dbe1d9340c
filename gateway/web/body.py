"""A request's body read within a bound, and work that ends when its client goes away."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Coroutine
from typing import TypeVar

from starlette.datastructures import Headers
from starlette.types import Receive

from gateway.web.problem import HTTPProblem

T = TypeVar("T")

MOST_BYTES = 1_000_000
"""Of a body; the largest honest query is a few kilobytes, its variables a few hundred ids."""

MOST_DISCARDED = 10 * MOST_BYTES
"""Of a body that is too large anyway."""

MOST_RATIO = 100
"""Bytes that a byte of a packed body may come to; JSON comes to 5 to 20, what is made to burst memory to 1,000."""

FREE_BYTES = 10_000
"""Bytes that any packed body may come to: a short one may well be all of one word."""

MOST_SECONDS = 10.0
"""For a body to arrive in."""

CLOSE = {"Connection": "close"}
"""What comes after a body that was not read to its end cannot be told from it."""


class ClientGone(Exception):
    """Nobody is there to answer any more."""


async def read(receive: Receive, headers: Headers) -> bytes:
    """The whole body.

    One that is too large is read on for a while, though not kept: a client that is still sending hears no answer.

    Raises:
        HTTPProblem: 413 where it is larger than `MOST_BYTES`, 408 where it takes longer than `MOST_SECONDS`.
        ClientGone: It broke off.
    """
    declared = headers.get("content-length", "")
    if declared.isdecimal() and (len(declared) > len(str(MOST_DISCARDED)) or int(declared) > MOST_DISCARDED):
        raise too_large()
    parts, size, more = [], 0, True
    try:
        async with asyncio.timeout(MOST_SECONDS):
            while more and size <= MOST_DISCARDED:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise ClientGone
                part: bytes = message.get("body", b"")
                more = message.get("more_body", False)
                size += len(part)
                if size <= MOST_BYTES:
                    parts.append(part)
    except TimeoutError:
        raise HTTPProblem(408, f"The body took longer than {MOST_SECONDS:g} seconds.", CLOSE) from None
    if size > MOST_BYTES:
        raise too_large()
    return b"".join(parts)


def unpacked(packed: bytes) -> bytes:
    """A body that was packed by gzip.

    Raises:
        HTTPProblem: 413 where it comes to more than `MOST_BYTES`, or than its packed size allows; 400 where it is not
            gzip, whole and one.
    """
    most = min(MOST_BYTES, max(FREE_BYTES, MOST_RATIO * len(packed)))
    unpacker = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    try:
        body = unpacker.decompress(packed, most + 1)
    except zlib.error:
        raise HTTPProblem(400, "The body is not gzip.") from None
    if len(body) > most:
        raise HTTPProblem(413, f"Unpacked, the body is larger than {most:,} bytes.")
    if not unpacker.eof or unpacker.unused_data:
        raise HTTPProblem(400, "The body is not one whole gzip file.")
    return body


def too_large() -> HTTPProblem:
    """A body that is not read, or not to its end."""
    return HTTPProblem(413, f"The body is larger than {MOST_BYTES:,} bytes.", CLOSE)


class Background:
    """Work that nobody waits for; kept, since an event loop itself holds its tasks but weakly."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[object, object, None]) -> None:
        """Begins something that ends by itself."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def while_connected(work: Coroutine[object, object, T], receive: Receive) -> T:
    """What `work` returns, unless the client goes away first: then the work is cancelled.

    Args:
        work: What is done for the client.
        receive: Where the server tells that the client is gone; the body is already read from it.

    Raises:
        ClientGone: The client is gone, and the work has ended.
    """
    task, gone = asyncio.ensure_future(work), asyncio.ensure_future(_gone(receive))
    try:
        await asyncio.wait((task, gone), return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        raise ClientGone
    finally:
        for ended in (task, gone):
            ended.cancel()
        await asyncio.gather(task, gone, return_exceptions=True)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
