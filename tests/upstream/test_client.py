"""Every way in which a call can go, over a real socket."""

from __future__ import annotations

import asyncio
import gzip
import logging
import socket

import pytest

from gateway.errors import (
    DeadlineExceeded,
    UpstreamError,
    UpstreamMalformed,
    UpstreamRateLimited,
    UpstreamRefused,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from gateway.request import Hit, Request
from gateway.upstream.client import Client
from gateway.upstream.clock import ManualClock
from gateway.upstream.http import Session
from tests.upstream.conftest import TOKEN, MakeClient
from tests.upstream.server import Handler, Server, drip, hang, reply, reset, stall


async def test_the_call_arrives_as_it_was_meant(client: Client, server: Server, request_: Request) -> None:
    params = [
        ("ids[]", "1"),
        ("ids[]", "2"),
        ("start_time[gte]", "2026-01-01T00:00:00.000000Z"),
        ("email", "a b+c&d=é"),
    ]

    body = await client.get(request_, "/v2/people/{id}", "/v2/people/a b?c", params)

    assert body == b"{}"
    (call,) = server.received
    assert call.method == "GET"
    assert call.target == (
        "/v2/people/a%20b%3Fc?ids%5B%5D=1&ids%5B%5D=2&start_time%5Bgte%5D=2026-01-01T00%3A00%3A00.000000Z"
        "&email=a%20b%2Bc%26d%3D%C3%A9"
    )
    assert call.headers["authorization"] == f"Bearer {TOKEN}"
    assert call.headers["accept"] == "application/json"
    assert call.headers["user-agent"] == "meeting-gateway"


@pytest.mark.parametrize("path", ["/v2/../secret", "/contacts/..", "//./x", "contacts"])
async def test_a_path_never_leaves_the_base(client: Client, server: Server, request_: Request, path: str) -> None:
    with pytest.raises(ValueError, match="not a path below"):
        await client.get(request_, "/contacts/{id}", path)
    assert server.received == []
    assert request_.ledger.entries == []


async def test_every_call_is_in_the_ledger(client: Client, server: Server, request_: Request) -> None:
    server.script = [reply(500), reply(200)]

    await client.get(request_, "/v2/meetings", "/v2/meetings", cost=3)

    entries = request_.ledger.entries
    assert [(e.source, e.endpoint, e.cost, e.cache) for e in entries] == [
        ("SALESLOFT", "/v2/meetings", 3, Hit.MISS),
        ("SALESLOFT", "/v2/meetings", 3, Hit.MISS),
    ]


async def test_every_call_is_made_now(client: Client, server: Server, request_: Request) -> None:
    """Neither a response that the request has had, nor one that is on its way, stands in for another call."""
    await client.get(request_, "/v2/me", "/v2/me")
    await asyncio.gather(
        client.get(request_, "/v2/me", "/v2/me"),
        client.get(Request(deadline=1000), "/v2/me", "/v2/me"),
    )
    assert len(server.received) == 3


REFUSALS: list[tuple[str, Handler, type[UpstreamError], int]] = [
    ("500", reply(500, b"secret words"), UpstreamUnavailable, 2),
    ("502 with HTML", reply(502, b"<html>secret words</html>"), UpstreamUnavailable, 2),
    ("400", reply(400, b"secret words"), UpstreamUnavailable, 1),
    ("404", reply(404, b"secret words"), UpstreamUnavailable, 1),
    ("422", reply(422, b"secret words"), UpstreamUnavailable, 1),
    ("401", reply(401, b"secret words"), UpstreamRefused, 1),
    ("403", reply(403, b"secret words"), UpstreamRefused, 1),
    ("429", reply(429, b"secret words"), UpstreamRateLimited, 1),
    ("redirect", reply(302, b"", {"Location": "http://127.0.0.1:1/stolen"}), UpstreamUnavailable, 1),
    ("reset", reset, UpstreamUnavailable, 2),
    ("hang", hang, UpstreamTimeout, 2),
    ("stalled body", stall, UpstreamTimeout, 2),
    ("dripping body", drip(b"HTTP/1.1 200 X\r\nContent-Length: 5000\r\n\r\n"), UpstreamTimeout, 2),
    ("dripping headers", drip(b"HTTP/1.1 200 X\r\nX-Long: "), UpstreamTimeout, 2),
    ("truncated body", reply(200, b"[1,", declare=100), UpstreamMalformed, 2),
    ("not HTTP", reply(200, b"", {"Bad": "\r\n\x00 :"}), UpstreamMalformed, 2),
]


@pytest.mark.parametrize("case", REFUSALS, ids=lambda case: case[0])
async def test_what_goes_wrong_has_a_name(
    make_client: MakeClient,
    server: Server,
    request_: Request,
    caplog: pytest.LogCaptureFixture,
    case: tuple[str, Handler, type[UpstreamError], int],
) -> None:
    _, server.otherwise, error, calls = case
    client = make_client(timeout=0.5 if error is UpstreamTimeout else 5)
    caplog.set_level(logging.DEBUG)

    with pytest.raises(error) as caught:
        await client.get(request_, "/v2/people/{id}", "/v2/people/4711")

    assert len(server.received) == calls == len(request_.ledger.calls())
    assert caught.value.source == "SALESLOFT"
    reported = f"{caught.value!r}{caught.value.extensions()}{caplog.text}"
    for hidden in ("secret words", TOKEN, "4711", "127.0.0.1"):
        assert hidden not in reported


async def test_a_404_can_be_an_answer(client: Client, server: Server, request_: Request) -> None:
    server.otherwise = reply(404)

    assert await client.get(request_, "/contacts/{id}", "/contacts/1", one=True) is None
    with pytest.raises(UpstreamUnavailable):
        await client.get(request_, "/contacts", "/contacts")
    assert len(server.received) == 2


async def test_nobody_listens(
    make_client: MakeClient, session: Session, request_: Request, unused_tcp_port: int
) -> None:
    client = make_client(base_url=f"http://127.0.0.1:{unused_tcp_port}")

    with pytest.raises(UpstreamUnavailable):
        await client.get(request_, "/v2/me", "/v2/me")
    assert len(request_.ledger.calls()) == 2


async def test_a_name_that_does_not_resolve(
    make_client: MakeClient, request_: Request, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    client = make_client(base_url="http://no-such-host.invalid")

    with pytest.raises(UpstreamUnavailable) as caught:
        await client.get(request_, "/v2/me", "/v2/me")
    assert "invalid" not in str(caught.value)


async def test_one_bad_moment_is_got_over(client: Client, server: Server, request_: Request) -> None:
    server.script = [reset, reply(200, b"[1]")]

    assert await client.get(request_, "/v2/me", "/v2/me") == b"[1]"


async def test_a_body_that_is_too_large_is_not_read(make_client: MakeClient, server: Server, request_: Request) -> None:
    client = make_client(max_body=10)
    server.script = [reply(200, b"x" * 11), reply(200, gzip.compress(b"x" * 5000), {"Content-Encoding": "gzip"})]

    for path in ("/declared", "/unpacked"):
        with pytest.raises(UpstreamMalformed, match="larger"):
            await client.get(request_, path, path)
    assert len(server.received) == 2


async def test_a_compressed_body_is_unpacked(client: Client, server: Server, request_: Request) -> None:
    server.otherwise = reply(200, gzip.compress(b"[1]"), {"Content-Encoding": "gzip"})

    assert await client.get(request_, "/v2/me", "/v2/me") == b"[1]"


async def test_no_call_after_the_deadline(client: Client, server: Server, clock: ManualClock) -> None:
    with pytest.raises(DeadlineExceeded):
        await client.get(Request(deadline=clock.monotonic()), "/v2/me", "/v2/me")
    assert server.received == []


async def test_the_deadline_ends_a_call(make_client: MakeClient, server: Server, clock: ManualClock) -> None:
    client = make_client(timeout=5)
    server.otherwise = hang
    request = Request(deadline=clock.monotonic() + 3)
    asking = asyncio.ensure_future(client.get(request, "/v2/me", "/v2/me"))
    await server.asked()

    clock.advance(3)

    with pytest.raises(DeadlineExceeded):
        await asking
    await request.close()
    assert len(request.ledger.calls()) == 1


async def test_no_retry_of_a_timeout_without_room(make_client: MakeClient, server: Server, clock: ManualClock) -> None:
    server.otherwise = hang
    client = make_client(timeout=0.1)

    with pytest.raises(UpstreamTimeout):
        await client.get(Request(deadline=clock.monotonic() + 0.1), "/v2/me", "/v2/me")
    assert len(server.received) == 1


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": "Fri, 15 Jan 2027 08:00:09 GMT", "Date": "Fri, 15 Jan 2027 08:00:00 GMT"}, 9.0),
        ({"Retry-After": "soon"}, 60.251),
        ({}, 60.251),
    ],
)
async def test_a_rate_limit_says_when_to_come_back(
    client: Client, server: Server, request_: Request, headers: dict[str, str], seconds: float
) -> None:
    server.otherwise = reply(429, b"", headers)

    with pytest.raises(UpstreamRateLimited) as caught:
        await client.get(request_, "/v2/me", "/v2/me")
    assert caught.value.retry_after == pytest.approx(seconds)
