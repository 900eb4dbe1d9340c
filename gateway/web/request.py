"""A GraphQL request as it arrives: its headers, a body read within bounds, and the message that it holds.

Work for a request ends when its client disconnects; cross-site GETs are recognized.
"""

from __future__ import annotations

import asyncio
import codecs
import re
import zlib
from collections.abc import Coroutine
from typing import Literal, TypeVar
from urllib.parse import parse_qsl, urlsplit

import msgspec
from starlette.datastructures import Headers
from starlette.types import Receive

from gateway.web.http_errors import HTTPError
from gateway.web.negotiation import MediaType

MAX_PARAMETERS = 32
"""Parameters of a query string that are read; GraphQL has four."""


class RequestHeaders(Headers):
    """A request's headers; several lines of one name count as one (RFC 9110, 5.3)."""

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
"""The known parameters; any other is ignored, however often it appears."""

ESCAPES = re.compile(rb"\\u[dD][89abAB]..\\u[dD][c-fC-F]..|\\u....|\\.", re.DOTALL)
"""Escapes of a JSON text, the two halves of a surrogate pair together."""
SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]..")
"""Half of a pair by itself."""

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
        raise HTTPError(400, _why_not_json(body)) from None
    except RecursionError:
        raise HTTPError(400, "The body is nested too deeply.") from None
    return _request(sent)


def from_message(payload: object) -> GraphQLRequest:
    """The message in the payload of a WebSocket's `subscribe`.

    Raises:
        msgspec.ValidationError: Something of it is of another type.
    """
    return _request(msgspec.convert(payload, RequestBody))


def _request(sent: RequestBody) -> GraphQLRequest:
    return GraphQLRequest(
        query=sent.query,
        operation_name=sent.operation_name or None,
        variables=sent.variables or None,
        extensions=sent.extensions or None,
        document_id=sent.document_id,
        doc_id=sent.doc_id,
        id=sent.id,
    )


def _why_not_json(body: bytes) -> str:
    """What is wrong with a body that cannot be decoded; common mistakes of clients are named."""
    if body.startswith(codecs.BOM_UTF8):
        return "The body begins with a byte order mark: send JSON without one."
    if any(SURROGATE.fullmatch(escape) for escape in ESCAPES.findall(body)):
        return (
            "The body has half of a surrogate pair: a character such as an emoji is two \\u escapes, and one is "
            "missing. Was the text cut in the middle of it?"
        )
    return "The body is not JSON in UTF-8."


def from_query_string(query_string: bytes) -> GraphQLRequest:
    """The message of a GET.

    Raises:
        HTTPError: 400, saying what is wrong with it.
    """
    try:
        pairs = parse_qsl(
            query_string.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MAX_PARAMETERS
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

MAX_BYTES = 1_000_000
"""Bytes of a body; the largest real query is a few kilobytes, its variables a few hundred ids."""

MAX_DISCARDED = 10 * MAX_BYTES
"""Bytes of a body that are read where it is too large anyway."""

MAX_RATIO = 100
"""Bytes that a byte of a packed body may come to; JSON comes to 5 to 20, what is made to burst memory to 1,000."""

FREE_BYTES = 10_000
"""Bytes that any packed body may come to: a short one may well be all of one word."""

MAX_SECONDS = 10.0
"""Seconds for a body to arrive."""

GZIP = frozenset({"gzip", "x-gzip"})
CLOSE = {"Connection": "close"}
"""What follows a body that was not read to its end cannot be distinguished from it."""


class ClientGone(Exception):
    """The client has disconnected."""


async def read(receive: Receive, headers: Headers) -> GraphQLRequest:
    """The message of a POST.

    Raises:
        HTTPError: It is too large, or none.
        ClientGone: It broke off.
    """
    received = await receive_body(receive, headers)
    return from_body(_unpacked(received) if coding_of_body(headers) in GZIP else received)


def check_content(headers: Headers) -> None:
    """Checks that a body can be read: JSON in UTF-8, plain or gzip.

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
    """The body's content coding."""
    return headers.get("content-encoding", "").strip().lower() or "identity"


async def receive_body(receive: Receive, headers: Headers, most: int = MAX_BYTES) -> bytes:
    """The whole body.

    One that is too large is read on for a while and discarded: a client that is still sending hears no answer.

    Args:
        receive: Where it comes from.
        headers: The request's.
        most: Bytes that it may have.

    Raises:
        HTTPError: 413 where it is larger than that, 408 where it takes longer than `MAX_SECONDS`.
        ClientGone: It broke off.
    """
    declared = headers.get("content-length", "")
    if declared.isdecimal() and (len(declared) > len(str(MAX_DISCARDED)) or int(declared) > MAX_DISCARDED):
        raise too_large(most)
    parts, size, more = [], 0, True
    try:
        async with asyncio.timeout(MAX_SECONDS):
            while more and size <= MAX_DISCARDED:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise ClientGone
                part: bytes = message.get("body", b"")
                more = message.get("more_body", False)
                size += len(part)
                if size <= most:
                    parts.append(part)
    except TimeoutError:
        raise HTTPError(408, f"The body took longer than {MAX_SECONDS:g} seconds.", CLOSE) from None
    if size > most:
        raise too_large(most)
    return b"".join(parts)


def _unpacked(packed: bytes) -> bytes:
    """Decompresses a gzip body.

    Raises:
        HTTPError: 413 where it comes to more than `MAX_BYTES`, or than its packed size allows; 400 where it is not
            gzip, whole and one.
    """
    most = min(MAX_BYTES, max(FREE_BYTES, MAX_RATIO * len(packed)))
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


def too_large(most: int = MAX_BYTES) -> HTTPError:
    """The error for a body that is too large."""
    return HTTPError(413, f"The body is larger than {most:,} bytes.", CLOSE)


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
        receive: Where the server reports that the client is gone; the body is already read from it.

    Raises:
        ClientGone: The client is gone, and the work has ended.
    """
    task, leaving = asyncio.ensure_future(work), asyncio.ensure_future(gone(receive))
    try:
        await asyncio.wait((task, leaving), return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        raise ClientGone
    finally:
        for ended in (task, leaving):
            ended.cancel()
        await asyncio.gather(task, leaving, return_exceptions=True)


async def gone(receive: Receive) -> None:
    """Waits until the client goes away."""
    while (await receive())["type"] != "http.disconnect":
        pass


CREDENTIALS = ("authorization", "x-api-key")
"""Headers with a credential; a browser adds neither by itself."""

PREFLIGHTED = ("x-gateway-preflight", "apollo-require-preflight", "x-apollo-operation-name")
"""Headers that no site can send to another without asking first (CORS)."""


def needs_preflight(headers: Headers, origins: frozenset[str]) -> bool:
    """Whether a GET may be a cross-site request, without any header that needs a preflight (CSRF).

    Args:
        headers: The request's.
        origins: Origins that may call from a browser.
    """
    if any(name in headers for name in (*CREDENTIALS, *PREFLIGHTED)):
        return False
    if headers.get("sec-fetch-site", "").lower() == "cross-site":
        return True
    origin = headers.get("origin")
    return origin is not None and not listed(origin, origins) and not same_host(origin, headers.get("host"))


def listed(origin: str, origins: frozenset[str]) -> bool:
    """Whether an origin is among those that may call: itself, or its host with any port (`http://localhost:*`)."""
    name = origin.lower()
    if name in origins:
        return True
    scheme, mark, host = name.partition("://")
    bare = host.rpartition(":")[0] if host.rpartition(":")[2].isdecimal() else host
    return f"{scheme}{mark}{bare}:*" in origins


def same_host(origin: str, host: str | None) -> bool:
    """Whether an origin is the gateway's own; its scheme is ignored, since a proxy may terminate TLS."""
    try:
        return host is not None and urlsplit(origin).netloc.lower() == host.lower()
    except ValueError:
        return False
