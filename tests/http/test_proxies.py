"""Whom a request comes from, behind proxies that are believed and others that are not."""

from __future__ import annotations

import ipaddress
from collections.abc import AsyncIterator
from typing import Any

import pytest

from gateway.upstream.clock import ManualClock
from gateway.web.addresses import Network, client_network, parsed
from gateway.web.rate_limit import ClientRateLimits
from tests.http.harness import Caller, PlainEngine, calling, plain_site

LOOPBACK = ipaddress.ip_network("127.0.0.0/8")
INNER = ipaddress.ip_network("10.0.0.0/8")
INNER_6 = ipaddress.ip_network("fd00::/8")


class Seen:
    """What the application learns of a request."""

    def __init__(self) -> None:
        self.scopes: list[dict[str, Any]] = []

    async def asked(self, *networks: Network, **headers: str) -> tuple[str, str]:
        engine = PlainEngine()
        app = plain_site(engine, proxies=networks)
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        async with calling(app, seen=self.scopes) as caller:
            assert (await caller.ask("POST", json={"query": "{ hello }"}, headers=names)).status == 200
        scope = self.scopes[-1]
        return scope["client"][0], scope["scheme"]


@pytest.mark.parametrize(
    ("forwarded", "client"),
    [
        ("198.51.100.7", "198.51.100.7"),
        ("198.51.100.7, 10.0.0.5", "198.51.100.7"),
        ("203.0.113.1, 198.51.100.7, 10.0.0.5, 10.0.0.6", "198.51.100.7"),  # the first is what the client wrote
        ("10.0.0.4, 10.0.0.5", "10.0.0.4"),
        ("198.51.100.7:4711", "198.51.100.7"),
        ("2001:db8::7", "2001:db8::7"),
        ("[2001:db8::7]:4711", "2001:db8::7"),
        ("::ffff:198.51.100.7", "198.51.100.7"),
        ("fe80::1%eth0", "fe80::1"),
        ("", "127.0.0.1"),
        ("unknown", "127.0.0.1"),
        ("198.51.100.7, unknown", "127.0.0.1"),
        ("198.51.100.7, unknown, 10.0.0.5", "10.0.0.5"),
        ("evil.example", "127.0.0.1"),
        ("1" * 5000, "127.0.0.1"),
        (", ".join(["10.0.0.1"] * 500), "10.0.0.1"),
    ],
    ids=lambda text: text[:40],
)
async def test_a_proxy_that_is_believed(forwarded: str, client: str) -> None:
    assert (await Seen().asked(LOOPBACK, INNER, X_Forwarded_For=forwarded))[0] == client


@pytest.mark.parametrize("networks", [(), (INNER,), (INNER_6,)])
async def test_anybody_else_is_not(networks: tuple[Network, ...]) -> None:
    reported = await Seen().asked(*networks, X_Forwarded_For="198.51.100.7", X_Forwarded_Proto="https")
    assert reported == ("127.0.0.1", "http")


@pytest.mark.parametrize(
    ("proto", "scheme"),
    [("https", "https"), ("HTTPS", "https"), ("http, https", "https"), ("ftp", "http"), ("", "http")],
)
async def test_how_it_came_to_the_proxy(proto: str, scheme: str) -> None:
    assert (await Seen().asked(LOOPBACK, X_Forwarded_For="198.51.100.7", X_Forwarded_Proto=proto))[1] == scheme


@pytest.fixture
async def limited() -> AsyncIterator[Caller]:
    clock = ManualClock()
    app = plain_site(PlainEngine(), proxies=(LOOPBACK,), rates=ClientRateLimits(1, 1000, clock), clock=clock)
    async with calling(app) as caller:
        yield caller


async def status(caller: Caller, client: str) -> int:
    reply = await caller.ask("POST", json={"query": "{ hello }"}, headers={"X-Forwarded-For": client})
    return reply.status


async def test_each_client_behind_a_proxy_has_a_rate_of_its_own(limited: Caller) -> None:
    assert [await status(limited, client) for client in ("198.51.100.7", "198.51.100.8", "198.51.100.7")] == [
        *(200, 200),
        429,
    ]


async def test_a_whole_network_has_one_rate(limited: Caller) -> None:
    clients = ("2001:db8:0:1::1", "2001:db8:0:1:ffff::2", "2001:db8:0:2::1", "::ffff:198.51.100.9", "198.51.100.9")
    assert [await status(limited, client) for client in clients] == [200, 429, 200, 200, 429]


def test_networks_of_clients() -> None:
    assert client_network("2001:db8::1") == "2001:db8::/64"
    assert client_network("::ffff:1.2.3.4") == client_network("1.2.3.4") == "1.2.3.4"
    assert client_network("a socket") == "a socket"
    assert parsed("1.2.3.4:5:6") is None
