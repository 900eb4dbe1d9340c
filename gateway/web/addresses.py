"""Accepted host names, and trusted proxies with their `Forwarded` headers."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

from starlette.types import Scope

from gateway.web.http_errors import HTTPError
from gateway.web.request import RequestHeaders

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

ANY = "*"
SETTING = "GATEWAY_ALLOWED_HOSTS"
ALWAYS = frozenset({"/healthz", "/readyz", "/metrics"})
"""Paths that accept any host name: probes use an address, and no response has a record in it."""

ALWAYS_BELOW = "/webhooks/"
MAX_HOPS = 32
"""Entries of `X-Forwarded-For` that are read, from the nearest on."""

SITE_BITS = 64
"""The prefix of an IPv6 address that identifies a client: who has one address has the whole /64."""


@dataclass(frozen=True, slots=True)
class AllowedHosts:
    """Accepted host names, against DNS rebinding: another name may be any site's, pointed at this address.

    Args:
        names: In lower case, IPv6 addresses in brackets; `*.example.com` for every name below that, `*` for all.
    """

    names: frozenset[str]

    def check(self, scope: Scope, headers: RequestHeaders) -> None:
        """Checks that a request's host name is accepted.

        Raises:
            HTTPError: 421, naming the setting; 400 where it has several.
        """
        given = headers.getlist("host")
        if len(given) > 1:
            raise HTTPError(400, "There is more than one Host.")
        if ANY in self.names or scope["path"] in ALWAYS or scope["path"].startswith(ALWAYS_BELOW):
            return
        host = host_of(given[0] if given else "")
        if not self._allow(host):
            raise HTTPError(421, f'The host "{host[:100]}" is not answered here: {SETTING} does not list it.')

    def _allow(self, host: str) -> bool:
        if host in self.names:
            return True
        parts = host.split(".")
        return any(f"*.{'.'.join(parts[place:])}" in self.names for place in range(1, len(parts)))


def host_of(header: str) -> str:
    """The name of a `Host` header: in lower case, without port and last dot, an IPv6 address in brackets."""
    host = header.strip().lower()
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0].removesuffix(".")


@dataclass(frozen=True, slots=True)
class TrustedProxies:
    """Proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` are trusted; any client could send them.

    Args:
        networks: Where they are.
    """

    networks: tuple[Network, ...] = ()

    def resolve(self, scope: Scope, headers: RequestHeaders) -> None:
        """Sets the client address and scheme of a request's scope by its trusted proxies' headers."""
        peer = scope.get("client")
        if not self.networks or not peer or not self._trust(parsed(peer[0])):
            return
        named = headers.get("x-forwarded-for", "").split(",")[-MAX_HOPS:]
        client = self._client(reversed(named))
        if client is not None:
            scope["client"] = (str(client), 0)
        scheme = headers.get("x-forwarded-proto", "").rpartition(",")[2].strip().lower()
        if scheme in {"http", "https"}:
            scope["scheme"] = scheme

    def _client(self, hops: Iterable[str]) -> Address | None:
        """The nearest hop that is not a trusted proxy; that hop may have written everything beyond it."""
        client = None
        for hop in hops:
            address = parsed(hop)
            if address is None:
                break
            client = address
            if not self._trust(address):
                break
        return client

    def _trust(self, address: Address | None) -> bool:
        return address is not None and any(address in network for network in self.networks)


def parsed(text: str) -> Address | None:
    """An address as proxies write it, perhaps with a port, brackets or a zone; None where it is invalid."""
    bare = text.strip()
    if bare.startswith("["):
        bare = bare[1:].partition("]")[0]
    elif bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        address = ipaddress.ip_address(bare.partition("%")[0])
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return address if mapped is None else mapped


def client_network(text: str) -> str:
    """The network that an address is rate-limited under: itself, or its /64."""
    address = parsed(text)
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, SITE_BITS), strict=False))
    return text if address is None else str(address)
