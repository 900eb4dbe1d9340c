"""A GraphQL request as it arrives: its headers, a body read within bounds, and the message that it holds.

Work for a request ends when its client goes away; a GET that another site had a browser send is told apart.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Coroutine
from typing import Literal, TypeVar
from urllib.parse import parse_qsl, urlsplit

import msgspec
from starlette.datastructures import Headers
from starlette.types import Receive

from gateway.web.http_errors import HTTPError
from gateway.web.negotiation import MediaType

MOST_PARAMETERS = 32
"""Parameters of a query string that are looked at; GraphQL knows four."""


class RequestHeaders(Headers):
    """A request's headers, of which several lines of one name count as one (RFC 9110, 5.3)."""

    def __getitem__(self, key: str) -> str:
        values = self.getlist(key)
        if not values:
            raise KeyError(key)
        return ", ".join(values)


class GraphQLRequest(msgspec.Struct, frozen=True, rename="camel"):
    """What the GraphQL-over-HTTP specification names, and the names that clients give a trusted document's id.

    Anything else beside them is ignored.
    """

    query: str | None = None
    operation_name: str | None = None
    variables: dict[str, object] | None = None
    extensions: dict[str, object] | None = None
    document_id: str | None = None
    doc_id: str | None = msgspec.field(default=None, name="doc_id")
    id: str | None = None


class RequestBody(msgspec.Struct, frozen=True, rename="camel"):
    """A message as a body has it, where clients also send an empty text for what is not there."""

    query: str | None = None
    operation_name: str | None = None
    variables: dict[str, object] | Literal[""] | None = None
    extensions: dict[str, object] | Literal[""] | None = None
    document_id: str | None = None
    doc_id: str | None = msgspec.field(default=None, name="doc_id")
    id: str | None = None


DECODER = msgspec.json.Decoder(RequestBody)
PARAMETERS = frozenset(field.encode_name for field in msgspec.structs.fields(GraphQLRequest))
"""The parameters that mean something here; any other is ignored, however often it comes."""

OBJECT: msgspec.json.Decoder[dict[str, object] | None] = msgspec.json.Decoder(dict[str, object] | None)


def from_body(body: bytes) -> GraphQLRequest:
    """The message of a POST.

    Raises:
        HTTPError: 400, saying what is wrong with it.
    """
    if body.lstrip()[:1] == b"[":
        raise HTTPError(400, "Batches are not supported: send one operation a request.")
    try:
        sent = DECODER.decode(body)
    except msgspec.ValidationError as error:
        raise HTTPError(400, f"The request is not valid GraphQL over HTTP: {error}.") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise HTTPError(400, "The body is not JSON in UTF-8.") from None
    except RecursionError:
        raise HTTPError(400, "The body is nested too deeply.") from None
    return GraphQLRequest(
        query=sent.query,
        operation_name=sent.operation_name or None,
        variables=sent.variables or None,
        extensions=sent.extensions or None,
        document_id=sent.document_id,
        doc_id=sent.doc_id,
        id=sent.id,
    )


def from_query_string(query_string: bytes) -> GraphQLRequest:
    """The message of a GET.

    Raises:
        HTTPError: 400, saying what is wrong with it.
    """
    try:
        pairs = parse_qsl(
            query_string.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MOST_PARAMETERS
        )
    except (UnicodeDecodeError, ValueError):
        raise HTTPError(400, "The query string cannot be read.") from None
    given: dict[str, str] = {}
    for name, value in pairs:
        if name not in PARAMETERS:
            continue
        if name in given:
            raise HTTPError(400, f"The parameter {name} is given twice.")
        given[name] = value
    return GraphQLRequest(
        query=given.get("query"),
        operation_name=given.get("operationName") or None,
        variables=_object("variables", given.get("variables")),
        extensions=_object("extensions", given.get("extensions")),
        document_id=given.get("documentId"),
        doc_id=given.get("doc_id"),
        id=given.get("id"),
    )


def _object(name: str, text: str | None) -> dict[str, object] | None:
    if not text:
        return None
    try:
        return OBJECT.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        raise HTTPError(400, f"The parameter {name} is not a JSON object.") from None


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

GZIP = frozenset({"gzip", "x-gzip"})
CLOSE = {"Connection": "close"}
"""What comes after a body that was not read to its end cannot be told apart from it."""


class ClientGone(Exception):
    """Nobody is there to answer any more."""


async def read(receive: Receive, headers: Headers) -> GraphQLRequest:
    """The message of a POST.

    Raises:
        HTTPError: It is too large, or none.
        ClientGone: It broke off.
    """
    received = await _received(receive, headers)
    return from_body(_unpacked(received) if coding_of_body(headers) in GZIP else received)


def check_content(headers: Headers) -> None:
    """Makes sure that a body can be read: JSON in UTF-8, as it is or packed by gzip.

    Raises:
        HTTPError: 415.
    """
    name, *parameters = (part.strip().lower() for part in headers.get("content-type", "").split(";"))
    charsets = [part.removeprefix("charset=").strip('"') for part in parameters if part.startswith("charset=")]
    if name != MediaType.JSON.value or not set(charsets) <= {"utf-8", "utf8"}:
        raise HTTPError(415, "Send the request as application/json in UTF-8.", {"Accept": MediaType.JSON.value})
    if coding_of_body(headers) not in {"identity", *GZIP}:
        raise HTTPError(415, "Send the body as it is, or packed once by gzip.", {"Accept-Encoding": "gzip"})


def coding_of_body(headers: Headers) -> str:
    """What the body was packed by."""
    return headers.get("content-encoding", "").strip().lower() or "identity"


async def _received(receive: Receive, headers: Headers) -> bytes:
    """The whole body.

    One that is too large is read on for a while and discarded: a client that is still sending hears no answer.

    Raises:
        HTTPError: 413 where it is larger than `MOST_BYTES`, 408 where it takes longer than `MOST_SECONDS`.
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
        raise HTTPError(408, f"The body took longer than {MOST_SECONDS:g} seconds.", CLOSE) from None
    if size > MOST_BYTES:
        raise too_large()
    return b"".join(parts)


def _unpacked(packed: bytes) -> bytes:
    """A body that was packed by gzip.

    Raises:
        HTTPError: 413 where it comes to more than `MOST_BYTES`, or than its packed size allows; 400 where it is not
            gzip, whole and one.
    """
    most = min(MOST_BYTES, max(FREE_BYTES, MOST_RATIO * len(packed)))
    unpacker = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    try:
        body = unpacker.decompress(packed, most + 1)
    except zlib.error:
        raise HTTPError(400, "The body is not gzip.") from None
    if len(body) > most:
        raise HTTPError(413, f"Unpacked, the body is larger than {most:,} bytes.")
    if not unpacker.eof or unpacker.unused_data:
        raise HTTPError(400, "The body is not one whole gzip file.")
    return body


def too_large() -> HTTPError:
    """A body that is not read, or not to its end."""
    return HTTPError(413, f"The body is larger than {MOST_BYTES:,} bytes.", CLOSE)


class Background:
    """Work in the background; referenced here, since an event loop holds tasks only weakly."""

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


CREDENTIALS = ("authorization", "x-api-key")
"""Headers that a credential comes in; a browser adds neither by itself."""

PREFLIGHTED = ("x-gateway-preflight", "apollo-require-preflight", "x-apollo-operation-name")
"""Headers that no site can send to another without asking first (CORS)."""


def needs_preflight(headers: Headers, origins: frozenset[str]) -> bool:
    """Whether a GET may have been sent by another site, and shows nothing that such a site could not have sent.

    Args:
        headers: The request's.
        origins: Origins that may call from a browser.
    """
    if any(name in headers for name in (*CREDENTIALS, *PREFLIGHTED)):
        return False
    if headers.get("sec-fetch-site", "").lower() == "cross-site":
        return True
    origin = headers.get("origin")
    return origin is not None and not listed(origin, origins) and not _same_host(origin, headers.get("host"))


def listed(origin: str, origins: frozenset[str]) -> bool:
    """Whether an origin is among those that may call: itself, or its host with any port (`http://localhost:*`)."""
    name = origin.lower()
    if name in origins:
        return True
    scheme, mark, host = name.partition("://")
    bare = host.rpartition(":")[0] if host.rpartition(":")[2].isdecimal() else host
    return f"{scheme}{mark}{bare}:*" in origins


def _same_host(origin: str, host: str | None) -> bool:
    """Whether an origin is our own; its scheme is a proxy's business."""
    try:
        return host is not None and urlsplit(origin).netloc.lower() == host.lower()
    except ValueError:
        return False
