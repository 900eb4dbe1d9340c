"""One HTTP call: what is requested of which API, the connection pools, and the exchange with every way it fails."""

from __future__ import annotations

import asyncio
import contextlib
import re
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import SimpleNamespace, TracebackType
from typing import Any, Generic, Self, TypeAlias, TypeVar
from urllib.parse import quote

import aiohttp
import msgspec
from yarl import URL

from gateway.errors import (
    UpstreamError,
    UpstreamMalformed,
    UpstreamTimeout,
    UpstreamTooLarge,
    UpstreamUnavailable,
)
from gateway.request import Request
from gateway.upstream.trouble import Reason, Trouble

T = TypeVar("T")

UNRESERVED = re.compile(r"[A-Za-z0-9._~-]*")
"""Characters that a URL takes as they are (RFC 3986, 2.3); most ids have no others."""


def encoded_len(value: object) -> int:
    """The length of a value in a URL."""
    return len(encoded(str(value)))


def encoded(text: str) -> str:
    """A name or a value, percent-encoded but for letters, digits, `-`, `.`, `_` and `~`."""
    return text if UNRESERVED.fullmatch(text) else quote(text, safe="")


Params: TypeAlias = tuple[tuple[str, str], ...]
"""Query parameters in their order; names may repeat."""


class UpstreamCall(msgspec.Struct, Generic[T], frozen=True):
    """One GET.

    Attributes:
        endpoint: The endpoint's name: a path template, never with ids in it.
        path: The path below the base URL.
        read: Decodes the body of a 2xx response; raises UpstreamMalformed where it is not what was requested.
        params: Query parameters.
        cost: Units of the rate limit that it is expected to take.
        one: Whether it requests a single record: it may not exist, and a failure may concern that record alone.
        large: Whether less is requested next where the response is too large: no failure of the endpoint.
        plain: A call that succeeds as long as the endpoint works, whatever this one filters by; None for a call that
            is one itself.
    """

    endpoint: str
    path: str
    read: Callable[[bytes], Awaitable[T]]
    params: Params = ()
    cost: int = 1
    one: bool = False
    large: bool = False
    plain: UpstreamCall[Any] | None = None


class PendingCall(msgspec.Struct, Generic[T], frozen=True):
    """A call on its way, and the request that it is made for.

    Attributes:
        request: Its deadline bounds the call, its ledger records it.
        call: The call.
        url: Its URL.
        asked: The ledger's turn at which it was requested.
    """

    request: Request
    call: UpstreamCall[T]
    url: URL
    asked: int


def url_of(base_url: str, endpoint: str, path: str, params: Params = ()) -> URL:
    """The URL of a call, with every name and value percent-encoded and no way out of the base.

    Raises:
        ValueError: A path with `.` or `..` in it.
    """
    if not path.startswith("/") or {".", ".."} & set(path.split("/")):
        msg = f"not a path below the base URL, for {endpoint}"
        raise ValueError(msg)
    names = {name: encoded(name) for name in dict(params)}
    query = "&".join([f"{names[name]}={encoded(value)}" for name, value in params])
    return URL(f"{base_url.rstrip('/')}{quote(path)}{'?' if query else ''}{query}", encoded=True)


class Upstream(msgspec.Struct, frozen=True, kw_only=True):
    """One REST API.

    Attributes:
        name: Its name in errors and in the ledger.
        base_url: Scheme, host and, where there is one, port and path prefix; the only place a token goes to.
        timeout: Seconds for one call as a whole.
        refused_statuses: Statuses that mean that the credential is not accepted.
        max_body: Bytes of a response, decompressed, that are read at most.
        cost_header: Response header with the units that the call took, where there is one.
        remaining_header: Response header with the units left in this window, for everybody, where there is one.
        reset_header: Response header of a 429 with the seconds until there are units again, where there is one.
        forbidden: What a 403 means, where it is not that the credential is not accepted.
        longest_wait: Seconds that a `Retry-After` is believed for at most: a window of the rate limit, after which
            there are units again whatever a response said.
        vital: Endpoints without which the API is useless; None: all of them. It is degraded while another one fails.
    """

    name: str
    base_url: str
    timeout: float = 10.0
    refused_statuses: frozenset[int] = frozenset({401, 403})
    max_body: int = 32 * 1024 * 1024
    cost_header: str | None = None
    remaining_header: str | None = None
    reset_header: str | None = None
    forbidden: str | None = None
    longest_wait: float = 60.0
    vital: frozenset[str] | None = None

    @property
    def connect_timeout(self) -> float:
        """Seconds for connecting: more than a third of a call's time leaves too little for the response."""
        return self.timeout / 3

    @property
    def stall_timeout(self) -> float:
        """Seconds between two parts of a body: servers compute before the first byte, not in between."""
        return self.timeout / 3


class Response(msgspec.Struct, frozen=True):
    """A whole HTTP response.

    Attributes:
        status: The status code.
        headers: The headers; names are case-insensitive.
        body: The body, decompressed; empty for an error.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """How an attempt failed.

    Attributes:
        error: What callers get.
        transient: Whether the same call is likely to succeed a moment later.
        trouble: What is wrong with the upstream; None where nothing is, as with an exhausted rate limit.
        status: The HTTP status; None where there was no response.
        reached: Whether the upstream may have counted the call.
        dead: Whether a pooled connection had been closed unnoticed, which says nothing about the upstream: the call is
            repeated over a new connection.
        unauthorized: Whether the upstream does not know the token, rather than know it and forbid the call.
        outdated: Whether there may be a newer token.
    """

    error: UpstreamError
    transient: bool
    trouble: Trouble | None = None
    status: int | None = None
    reached: bool = True
    dead: bool = False
    unauthorized: bool = False
    outdated: bool = False

    @property
    def reason(self) -> Reason | None:
        """What is wrong with the endpoint; None where nothing is."""
        return None if self.trouble is None else Reason(self.trouble, self.status)


USER_AGENT = "meeting-gateway"

MAX_HEADER_LINE = 32 * 1024
"""Characters of a header line; proxies and gateways send cookies and policies above aiohttp's own 8 KB."""

MAX_HEADERS = 500
"""Header lines of a response."""


@dataclass(slots=True)
class ConnectionInfo:
    """The connection of one attempt.

    Attributes:
        connected: Whether there was one, so that the upstream may have received the call.
        reused: Whether it came from the pool, so that it may have been closed there.
    """

    connected: bool = False
    reused: bool = False


@dataclass(slots=True)
class Session:
    """Connections of both kinds; neither stores cookies nor reads proxy or netrc settings.

    Attributes:
        pooled: Reuses connections.
        fresh: Opens one for each call, and closes it after that.
    """

    pooled: aiohttp.ClientSession
    fresh: aiohttp.ClientSession

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.pooled.close()
        await self.fresh.close()


def open_session(*, connections: int = 100) -> Session:
    """Opens the connections to all upstreams.

    Args:
        connections: Connections of each kind that are open at most, to all upstreams together.
    """
    pool = aiohttp.TCPConnector(limit=connections, limit_per_host=connections, keepalive_timeout=30)
    return Session(_session(pool), _session(aiohttp.TCPConnector(limit=connections, force_close=True)))


def _session(connector: aiohttp.TCPConnector) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"Accept": "application/json", "User-Agent": USER_AGENT},
        trust_env=False,
        max_line_size=MAX_HEADER_LINE,
        max_field_size=MAX_HEADER_LINE,
        max_headers=MAX_HEADERS,
        trace_configs=[_connections()],
    )


def _connections() -> aiohttp.TraceConfig:
    """Fills in each call's `ConnectionInfo`, which is its trace context."""

    async def made(_: aiohttp.ClientSession, context: SimpleNamespace, __: object) -> None:
        context.trace_request_ctx.connected = True

    async def reused(_: aiohttp.ClientSession, context: SimpleNamespace, __: object) -> None:
        context.trace_request_ctx.connected = context.trace_request_ctx.reused = True

    config = aiohttp.TraceConfig()
    config.on_connection_create_end.append(made)
    config.on_connection_reuseconn.append(reused)
    return config


DISCARD_BYTES = 64 * 1024
"""Bytes of an error response that are read; opening another connection is cheaper than reading more."""

DISCARD_SECONDS = 1.0
"""Seconds that reading them may take."""


class _TooLarge(Exception):
    pass


class _Broken(Exception):
    pass


async def _once(request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Keeps aiohttp from repeating a call by itself: neither the budget nor the ledger would know of it."""
    try:
        return await send(request)
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise _Broken from error


async def exchange(
    session: Session,
    upstream: Upstream,
    url: URL,
    headers: Mapping[str, str],
    *,
    form: Mapping[str, str] | None = None,
    method: str | None = None,
    body: bytes | None = None,
    connection: ConnectionInfo | None = None,
    fresh: bool = False,
) -> Response | Failure:
    """Sends one GET, posts a form, or sends what else is asked for, without following redirects.

    Time-outs are by the event loop's clock, since sockets are.

    Args:
        session: The connections.
        upstream: The API.
        url: The URL.
        headers: Headers beside the session's own.
        form: The fields to post.
        method: Another method.
        body: JSON to send with it.
        connection: Is filled in, also where the caller is cancelled.
        fresh: Whether to open a connection for this call alone.
    """
    name = upstream.name
    connection = ConnectionInfo() if connection is None else connection
    timeout = aiohttp.ClientTimeout(total=upstream.timeout, sock_connect=upstream.connect_timeout)
    try:
        async with (session.fresh if fresh else session.pooled).request(
            method or ("GET" if form is None else "POST"),
            url,
            data=form if body is None else body,
            headers=headers if body is None else {**headers, "Content-Type": "application/json"},
            timeout=timeout,
            allow_redirects=False,
            middlewares=(_once,),
            trace_request_ctx=connection,
        ) as response:
            good = response.ok and response.status < 300  # noqa: PLR2004 - the class of success
            body = await _read(response, upstream) if good else await _discard(response)
            return Response(status=response.status, headers=response.headers, body=body)
    except TimeoutError:
        error = UpstreamTimeout("The source took too long to answer.", source=name)
        return Failure(error=error, trouble=Trouble.TIMEOUT, transient=True, reached=connection.connected)
    except _TooLarge:
        return Failure(
            error=UpstreamTooLarge("The source's answer is larger than the gateway reads.", source=name),
            trouble=Trouble.TOO_LARGE,
            transient=False,
        )
    except aiohttp.ClientPayloadError:
        broken_off = UpstreamMalformed("The source's answer broke off.", source=name)
        return Failure(error=broken_off, trouble=Trouble.TRUNCATED, transient=True)
    except aiohttp.ClientResponseError:
        no_answer = UpstreamMalformed("The source's answer is not HTTP as agreed.", source=name)
        return Failure(error=no_answer, trouble=Trouble.PROTOCOL, transient=True)
    except (_Broken, aiohttp.ClientError, OSError) as broken:
        cause = broken.__cause__ if isinstance(broken, _Broken) else broken
        dead = connection.reused and isinstance(broken, _Broken) and not _begun(cause)
        return msgspec.structs.replace(_unreachable(name, cause), reached=connection.connected, dead=dead)


def _unreachable(name: str, cause: BaseException | None) -> Failure:
    """The failure of a call without a response, by the connection's error."""
    trouble, transient = Trouble.RESET, True
    if isinstance(cause, aiohttp.ClientConnectorDNSError):
        trouble = Trouble.DNS
    elif isinstance(cause, aiohttp.ClientSSLError | aiohttp.ServerFingerprintMismatch | ssl.SSLError):
        trouble, transient = Trouble.TLS, False
    elif isinstance(cause, aiohttp.ClientConnectorError):
        refused = isinstance(cause.os_error, ConnectionRefusedError)
        trouble = Trouble.CONNECTION_REFUSED if refused else Trouble.NO_ROUTE
    return Failure(
        error=UpstreamUnavailable("The source cannot be reached.", source=name),
        trouble=trouble,
        transient=transient,
    )


def _begun(error: BaseException | None) -> bool:
    """Whether a connection broke within a response's headers, rather than before their first byte."""
    return isinstance(error, aiohttp.ServerDisconnectedError) and not isinstance(error.message, str)


async def _read(response: aiohttp.ClientResponse, upstream: Upstream) -> bytes:
    """Reads the body in parts, so that the sender decides neither its size nor its pace."""
    if response.content_length is not None and response.content_length > upstream.max_body:
        raise _TooLarge
    parts: list[bytes] = []
    size = 0
    while True:
        async with asyncio.timeout(upstream.stall_timeout):
            part = await response.content.readany()
        if not part:
            return b"".join(parts)
        size += len(part)
        if size > upstream.max_body:
            raise _TooLarge
        parts.append(part)


async def _discard(response: aiohttp.ClientResponse) -> bytes:
    """Reads an error's body where it is short and prompt, so that the connection can be reused."""
    size = 0
    with contextlib.suppress(TimeoutError, aiohttp.ClientError, OSError):
        async with asyncio.timeout(DISCARD_SECONDS):
            while size <= DISCARD_BYTES and (part := await response.content.readany()):
                size += len(part)
    return b""
