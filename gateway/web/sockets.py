"""GraphQL over WebSocket, queries and subscriptions: `graphql-transport-ws` (graphql-ws, PROTOCOL.md)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Any

import msgspec
from graphql import GraphQLError
from starlette.datastructures import Headers
from starlette.types import Message, Receive, Scope, Send

from gateway.errors import RateLimited, Unauthenticated
from gateway.graph.engine import OperationResult
from gateway.graph.errors import formatted, internal_error_of
from gateway.model.scopes import Principal
from gateway.request import Request
from gateway.upstream.clock import until
from gateway.web.authentication import client_of, is_router
from gateway.web.framing import result_bytes
from gateway.web.graphql import GraphQLEndpoint
from gateway.web.http_errors import HTTPError, RequestError
from gateway.web.operation import UnsupportedOperation
from gateway.web.request import GraphQLRequest, RequestHeaders, from_message, listed, same_host
from gateway.web.request_log import RequestRecord, record_of
from gateway.web.response import encode
from gateway.web.streams import HEARTBEAT, Ending, Stream, Subscriptions, error_entry
from gateway.web.tokens import KeysUnavailable

PROTOCOL = "graphql-transport-ws"

INIT_SECONDS = 3.0
"""For `connection_init` to come in."""

MOST_OPERATIONS = 100
"""Operations under way on one connection."""

LONGEST_ID = 256
"""Characters of an operation's id, which clients choose."""

BAD_MESSAGE, UNAUTHORIZED, FORBIDDEN, NOT_ACCEPTABLE = 4400, 4401, 4403, 4406
INIT_TIMEOUT, ID_IN_USE, TOO_MANY_INITS, INTERNAL = 4408, 4409, 4429, 4500
SERVICE_RESTART = 1012
"""Codes by which the server closes a connection."""

PING, PONG = b'{"type":"ping"}', b'{"type":"pong"}'
CREDENTIALS = ("authorization", "x-api-key")


class _Message(msgspec.Struct):
    """A message of a client's."""

    type: str
    id: str | None = None
    payload: Any = None


_decode = msgspec.json.Decoder(_Message).decode


class Closed(Exception):
    """The server closes the connection.

    Args:
        code: Why, as the protocol numbers it.
        reason: The same in words; it has at most 123 bytes.
    """

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


AWAY = Closed(SERVICE_RESTART, "The gateway restarts: come back.")


class SocketEndpoint:
    """The ASGI application behind WebSocket connections to `/graphql`.

    Args:
        endpoint: What answers operations, and knows who may ask.
        subscriptions: What streams have in common.
    """

    def __init__(self, endpoint: GraphQLEndpoint, subscriptions: Subscriptions) -> None:
        self._endpoint = endpoint
        self._subscriptions = subscriptions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one connection."""
        await receive()  # websocket.connect
        headers = RequestHeaders(scope=scope)
        origin = headers.get("origin")
        if origin is not None and not (
            listed(origin, self._endpoint.origins) or same_host(origin, headers.get("host"))
        ):
            await send({"type": "websocket.close", "code": FORBIDDEN})  # before it is accepted: HTTP 403
            return
        if PROTOCOL not in scope["subprotocols"]:
            await send({"type": "websocket.accept"})
            await send({"type": "websocket.close", "code": NOT_ACCEPTABLE, "reason": "Subprotocol not acceptable"})
            return
        await send({"type": "websocket.accept", "subprotocol": PROTOCOL})
        await SocketConnection(self._endpoint, self._subscriptions, scope, receive, send).serve()


class SocketConnection:
    """One connection.

    Args:
        endpoint: What answers operations.
        subscriptions: What streams have in common.
        scope: The connection's scope.
        receive: Where the client's messages come from.
        send: Where ours go.
    """

    def __init__(
        self, endpoint: GraphQLEndpoint, subscriptions: Subscriptions, scope: Scope, receive: Receive, send: Send
    ) -> None:
        self._endpoint = endpoint
        self._subscriptions = subscriptions
        self._clock = subscriptions.clock
        self._scope = scope
        self._receive = receive
        self._send = send
        self._headers: Headers = RequestHeaders(scope=scope)
        self._principal: Principal | None = None
        self._ready = False
        self._operations: dict[str, asyncio.Task[None]] = {}
        self._closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def serve(self) -> None:
        """Answers until the client leaves, or has to."""
        work = [*map(asyncio.ensure_future, (self._read(), self._beat())), self._closed]
        try:
            with self._subscriptions.ending(lambda: self._end(AWAY)):
                done, _ = await asyncio.wait(work, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        except Closed as closed:
            self._subscriptions.ended(str(closed.code))
            with contextlib.suppress(Exception):  # it may have gone meanwhile
                await self._send({"type": "websocket.close", "code": closed.code, "reason": closed.reason})
        except Exception as error:  # noqa: BLE001 - the last net
            self._endpoint.on_internal_error(internal_error_of(error, ()))
            with contextlib.suppress(Exception):
                await self._send({"type": "websocket.close", "code": INTERNAL, "reason": "Internal server error"})
        finally:
            tasks = [*work, *self._operations.values()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _read(self) -> None:
        """Takes the client's messages."""
        try:
            async with until(self._clock, self._clock.monotonic() + INIT_SECONDS):
                while not self._ready:
                    message = await self._receive()
                    if message["type"] == "websocket.disconnect":
                        return
                    await self._take(message)
        except TimeoutError:
            raise Closed(INIT_TIMEOUT, "Connection initialisation timeout") from None
        while (message := await self._receive())["type"] != "websocket.disconnect":
            await self._take(message)

    async def _take(self, received: Message) -> None:
        text = received.get("text")
        if not isinstance(text, str):
            raise Closed(BAD_MESSAGE, "A message is text")
        try:
            message = _decode(text)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            raise Closed(BAD_MESSAGE, "Invalid message received") from None
        match message.type:
            case "connection_init":
                await self._init(message.payload)
            case "ping":
                await self._write(PONG)
            case "pong":
                pass
            case "subscribe":
                self._subscribe(message)
            case "complete" if message.id is not None:
                task = self._operations.pop(message.id, None)
                if task is not None:
                    task.cancel()
            case _:
                raise Closed(BAD_MESSAGE, "Invalid message received")

    async def _init(self, payload: object) -> None:
        """Takes the client's credential."""
        if self._ready:
            raise Closed(TOO_MANY_INITS, "Too many initialisation requests")
        if payload is not None and not isinstance(payload, dict):
            raise Closed(BAD_MESSAGE, "The payload of connection_init is an object")
        self._headers = _with_credentials(self._headers, payload or {})
        try:
            self._principal = await self._endpoint.access.principal(self._headers)
            record_of(self._scope).router = is_router(self._headers, self._endpoint.router_keys)
        except (Unauthenticated, KeysUnavailable):
            raise Closed(FORBIDDEN, "Forbidden") from None
        if self._principal is not None and not self._principal.scopes:
            raise Closed(FORBIDDEN, "Forbidden")
        self._ready = True
        await self._write(b'{"type":"connection_ack"}')

    def _subscribe(self, message: _Message) -> None:
        """Begins an operation."""
        if not self._ready:
            raise Closed(UNAUTHORIZED, "Unauthorized")
        id_, payload = message.id, message.payload
        if not id_ or len(id_) > LONGEST_ID or not isinstance(payload, dict):
            raise Closed(BAD_MESSAGE, "Invalid message received")
        if id_ in self._operations:
            raise Closed(ID_IN_USE, f"Subscriber for {id_[:60]} already exists")
        try:
            asked = from_message(payload)
        except msgspec.ValidationError:
            raise Closed(BAD_MESSAGE, "Invalid message received") from None
        task = asyncio.ensure_future(self._run(id_, asked))
        self._operations[id_] = task

        def over(ended: asyncio.Task[None]) -> None:
            if self._operations.get(id_) is ended:
                del self._operations[id_]

        task.add_done_callback(over)

    async def _run(self, id_: str, asked: GraphQLRequest) -> None:
        """Answers one operation."""
        endpoint, principal, scope = self._endpoint, self._principal, self._scope
        record = RequestRecord()
        try:
            self._check_room()
            await endpoint.rates.admit(client_of(principal, scope))
            request = Request(endpoint.clock.monotonic() + endpoint.deadline)
            prepared = await endpoint.prepare(asked, record)
            begun: Stream | OperationResult | RequestError
            if isinstance(prepared, RequestError):
                begun = prepared
            elif record.type == "subscription":
                begun = await endpoint.subscribe(
                    prepared,
                    asked,
                    request,
                    principal,
                    scope,
                    transport="websocket",
                    check=lambda: endpoint.access.principal(self._headers),
                )
            else:
                begun = await endpoint.run(prepared, asked, request, principal, scope)
            await self._answer(id_, begun)
        except HTTPError as error:
            await self._error(id_, [error.error])
        except (RateLimited, UnsupportedOperation) as error:
            await self._error(id_, [error_entry(error)])
        except Exception as error:  # noqa: BLE001 - the last net of one operation
            internal = GraphQLError("", original_error=error)
            await self._error(id_, [formatted(internal, self._endpoint.on_internal_error)])

    def _check_room(self) -> None:
        if len(self._operations) > MOST_OPERATIONS:
            raise RateLimited(f"A connection may have {MOST_OPERATIONS} operations under way.", retry_after=1.0)

    async def _answer(self, id_: str, begun: Stream | OperationResult | RequestError) -> None:
        if isinstance(begun, Stream):
            await self._stream(id_, begun)
        elif isinstance(begun, OperationResult) and begun.started:
            await self._next(id_, result_bytes(begun))
            await self._complete(id_)
        else:
            await self._error(id_, list(begun.errors))

    async def _stream(self, id_: str, stream: Stream) -> None:
        async with stream.resources, contextlib.aclosing(stream.events()) as events:
            await self._next(id_, result_bytes(stream.first))
            stream.subscriptions.began()
            try:
                async for payload in events:
                    if payload is not None:  # heartbeats are the connection's
                        await self._next(id_, payload.rendering.framed("", result_bytes))
            except Ending as ending:  # with it the whole connection
                self._end(AWAY if ending.error is None else Closed(FORBIDDEN, "Forbidden"))

    async def _beat(self) -> None:
        """Sends something now and then; a credential that ended closes the connection."""
        while True:
            await self._clock.sleep(HEARTBEAT)
            if not self._ready:
                continue
            try:
                await self._endpoint.access.principal(self._headers)
            except Unauthenticated:
                raise Closed(FORBIDDEN, "Forbidden") from None
            except KeysUnavailable:
                pass
            await self._write(PING)

    def _end(self, closed: Closed) -> None:
        if not self._closed.done():
            self._closed.set_exception(closed)

    async def _next(self, id_: str, payload: bytes) -> None:
        await self._write(b'{"id":%s,"type":"next","payload":%s}' % (encode(id_), payload))

    async def _error(self, id_: str, errors: list[Mapping[str, object]]) -> None:
        await self._write(b'{"id":%s,"type":"error","payload":%s}' % (encode(id_), encode(errors)))

    async def _complete(self, id_: str) -> None:
        await self._write(b'{"id":%s,"type":"complete"}' % encode(id_))

    async def _write(self, data: bytes) -> None:
        await self._send({"type": "websocket.send", "text": data.decode()})


def _with_credentials(headers: Headers, payload: Mapping[str, Any]) -> Headers:
    """The headers of the connection, with the credential that its first message holds in the place of its own.

    Browsers cannot set headers of a WebSocket. Apollo's router sends a client's token as `token`.
    """
    given = {name.lower(): value for name, value in payload.items() if isinstance(value, str)}
    parameters = payload.get("connectionParams")
    if isinstance(parameters, dict) and isinstance(parameters.get("token"), str):
        given.setdefault("authorization", _bearer(parameters["token"]))
    credentials = [(name, given[name]) for name in CREDENTIALS if name in given]
    if not credentials:
        return headers
    others = [(name, value) for name, value in headers.items() if name not in CREDENTIALS]
    return RequestHeaders(raw=[(name.encode(), value.encode()) for name, value in [*others, *credentials]])


def _bearer(token: str) -> str:
    return token if token.lower().startswith("bearer ") else f"Bearer {token}"
