"""Connections to all upstreams: a pool of them, and new ones for where the pool's cannot be trusted."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace, TracebackType
from typing import Self

import aiohttp

USER_AGENT = "meeting-gateway"

LONGEST_HEADER = 32 * 1024
"""Characters of a response header's line; proxies and gateways send cookies and policies above aiohttp's own 8 KB."""

MOST_HEADERS = 500
"""Lines of a response's headers."""


@dataclass(slots=True)
class Wire:
    """What became of the connection that one try was given.

    Attributes:
        connected: Whether there was one, so that the upstream may have seen the call.
        reused: Whether it came from the pool, so that it may have died there.
    """

    connected: bool = False
    reused: bool = False


@dataclass(slots=True)
class Session:
    """Both kinds of connections; neither keeps cookies, reads proxy or netrc settings or sends anything unasked.

    Attributes:
        pooled: Uses connections again.
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
    """The connections to all upstreams.

    Args:
        connections: Those of each kind that are open at once at most, to all upstreams together.
    """
    pool = aiohttp.TCPConnector(limit=connections, limit_per_host=connections, keepalive_timeout=30)
    return Session(_session(pool), _session(aiohttp.TCPConnector(limit=connections, force_close=True)))


def _session(connector: aiohttp.TCPConnector) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"Accept": "application/json", "User-Agent": USER_AGENT},
        trust_env=False,
        max_line_size=LONGEST_HEADER,
        max_field_size=LONGEST_HEADER,
        max_headers=MOST_HEADERS,
        trace_configs=[_connections()],
    )


def _connections() -> aiohttp.TraceConfig:
    """Tells each call's `Wire`, which it brings as its trace context, where its connection came from."""

    async def made(_: aiohttp.ClientSession, context: SimpleNamespace, __: object) -> None:
        context.trace_request_ctx.connected = True

    async def reused(_: aiohttp.ClientSession, context: SimpleNamespace, __: object) -> None:
        context.trace_request_ctx.connected = context.trace_request_ctx.reused = True

    config = aiohttp.TraceConfig()
    config.on_connection_create_end.append(made)
    config.on_connection_reuseconn.append(reused)
    return config
