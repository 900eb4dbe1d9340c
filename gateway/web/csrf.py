"""GETs that a browser was made to send by another site, told from those that a program meant to send."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers

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
