"""The pool of connections to all upstreams."""

from __future__ import annotations

from typing import TypeAlias

import aiohttp

Session: TypeAlias = aiohttp.ClientSession

USER_AGENT = "meeting-gateway"


def open_session(*, connections: int = 100) -> aiohttp.ClientSession:
    """A session that keeps no cookies, reads no proxy or netrc settings and sends nothing unasked.

    Args:
        connections: Connections that are open at once at most, to all upstreams together.
    """
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=connections, limit_per_host=connections, keepalive_timeout=30),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"Accept": "application/json", "User-Agent": USER_AGENT},
        trust_env=False,
    )
