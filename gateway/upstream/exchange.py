"""One HTTP call: sent, read whole, and every way in which that fails given its name."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Mapping

import aiohttp
import msgspec
from yarl import URL

from gateway.errors import UpstreamMalformed, UpstreamTimeout, UpstreamTooLarge, UpstreamUnavailable
from gateway.upstream.answers import Answer
from gateway.upstream.retry import Failure
from gateway.upstream.session import Session, Wire
from gateway.upstream.settings import Upstream
from gateway.upstream.trouble import Trouble

DISCARD_BYTES = 64 * 1024
"""Bytes of a refused answer that are read; opening another connection is cheaper than reading more."""

DISCARD_SECONDS = 1.0
"""Seconds that are spent on it."""


class _TooLarge(Exception):
    pass


class _Broken(Exception):
    pass


async def _once(request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Keeps aiohttp from sending again by itself: neither the budget nor the ledger would know of it."""
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
    wire: Wire | None = None,
    fresh: bool = False,
) -> Answer | Failure:
    """Gets `url` once, or posts a form to it, following nothing.

    Time is the event loop's here, since sockets are.

    Args:
        session: The connections.
        upstream: What is known of whom is called.
        url: Where.
        headers: What is sent beside the session's own.
        form: What is posted.
        wire: Learns what became of the connection, also where the caller is cancelled.
        fresh: Whether a connection is opened for this call alone.
    """
    name = upstream.name
    wire = Wire() if wire is None else wire
    timeout = aiohttp.ClientTimeout(total=upstream.timeout, sock_connect=upstream.connect_timeout)
    try:
        async with (session.fresh if fresh else session.pooled).request(
            "GET" if form is None else "POST",
            url,
            data=form,
            headers=headers,
            timeout=timeout,
            allow_redirects=False,
            middlewares=(_once,),
            trace_request_ctx=wire,
        ) as response:
            good = response.ok and response.status < 300  # noqa: PLR2004 - the class of success
            body = await _read(response, upstream) if good else await _discard(response)
            return Answer(status=response.status, headers=response.headers, body=body)
    except TimeoutError:
        error = UpstreamTimeout("The source took too long to answer.", source=name)
        return Failure(error=error, trouble=Trouble.TIMEOUT, transient=True, reached=wire.connected)
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
        dead = wire.reused and isinstance(broken, _Broken) and not _begun(cause)
        return msgspec.structs.replace(_unreachable(name, cause), reached=wire.connected, dead=dead)


def _unreachable(name: str, cause: BaseException | None) -> Failure:
    """What became of a call without an answer, by what the connection said."""
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
    """Whether a connection broke in the middle of an answer's headers, rather than before their first byte."""
    return isinstance(error, aiohttp.ServerDisconnectedError) and not isinstance(error.message, str)


async def _read(response: aiohttp.ClientResponse, upstream: Upstream) -> bytes:
    """The body, part by part, so that neither its size nor its pace is the sender's to choose."""
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
    """Reads what came with a refusal, so that its connection can be used again, as long as it is short and prompt."""
    size = 0
    with contextlib.suppress(TimeoutError, aiohttp.ClientError, OSError):
        async with asyncio.timeout(DISCARD_SECONDS):
            while size <= DISCARD_BYTES and (part := await response.content.readany()):
                size += len(part)
    return b""
