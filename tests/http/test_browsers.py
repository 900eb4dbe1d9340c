"""What pages of other sites may do, and what not: CSRF and CORS."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.http.harness import Caller, PlainEngine, calling, plain_site

FRIEND = "https://app.example"
STRANGER = "https://evil.example"
PATH = "/graphql?query={hello}"


@pytest.fixture
async def gateway() -> AsyncIterator[Caller]:
    async with calling(plain_site(PlainEngine(), origins=frozenset({FRIEND}))) as caller:
        yield caller


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "same-site"}, 200),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "Cross-Site"}, 403),
        ({"Origin": FRIEND}, 200),
        ({"Origin": FRIEND.upper()}, 200),
        ({"Origin": STRANGER}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "https://["}, 403),
        ({"Origin": f"{FRIEND}.evil.example"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "X-Gateway-Preflight": "1"}, 200),
        ({"Sec-Fetch-Site": "cross-site", "Apollo-Require-Preflight": "true"}, 200),
        ({"Origin": STRANGER, "X-Apollo-Operation-Name": "Q"}, 200),
        ({"Origin": STRANGER, "Authorization": "Bearer x"}, 200),
        ({"Origin": STRANGER, "X-API-Key": "x"}, 200),
        ({"Origin": STRANGER, "Cookie": "session=x"}, 403),
    ],
)
async def test_a_get_that_another_site_made_a_browser_send(
    gateway: Caller, headers: dict[str, str], status: int
) -> None:
    reply = await gateway.ask("GET", PATH, headers=headers)
    assert reply.status == status
    if status == 403:
        assert reply.code == "FORBIDDEN"
        assert "X-Gateway-Preflight" in reply.json["errors"][0]["message"]


async def test_our_own_origin_needs_nothing(gateway: Caller) -> None:
    assert (await gateway.ask("GET", PATH, headers={"Origin": gateway.url})).status == 200


async def test_a_post_needs_nothing_more(gateway: Caller) -> None:
    reply = await gateway.ask("POST", json={"query": "{ hello }"}, headers={"Origin": STRANGER})
    assert reply.status == 200
    assert "Access-Control-Allow-Origin" not in reply.headers


async def test_the_page_is_for_everybody(gateway: Caller) -> None:
    reply = await gateway.ask("GET", "/graphql", headers={"Accept": "text/html", "Sec-Fetch-Site": "cross-site"})
    assert reply.status == 200


@pytest.mark.parametrize("path", [PATH, "/graphql?query={nothing}", "/graphql", "/nowhere"])
async def test_a_friend_may_read_the_answer_and_the_error(gateway: Caller, path: str) -> None:
    reply = await gateway.ask("GET", path, headers={"Origin": FRIEND})
    assert reply.headers["Access-Control-Allow-Origin"] == FRIEND
    assert "Access-Control-Allow-Credentials" not in reply.headers
    assert "Origin" in reply.headers["Vary"]
    assert "Retry-After" in reply.headers["Access-Control-Expose-Headers"]


async def preflight(
    gateway: Caller, origin: str, method: str = "POST", headers: str = "content-type"
) -> tuple[int, str]:
    reply = await gateway.ask(
        "OPTIONS",
        headers={"Origin": origin, "Access-Control-Request-Method": method, "Access-Control-Request-Headers": headers},
    )
    if reply.status >= 400:
        assert reply.code == "BAD_USER_INPUT"
    return reply.status, reply.headers.get("Access-Control-Allow-Origin", "")


async def test_a_browser_that_asks_first(gateway: Caller) -> None:
    ours = "content-type, authorization, x-api-key, x-gateway-trace, x-gateway-preflight, apollo-require-preflight"
    assert await preflight(gateway, FRIEND, headers=ours) == (200, FRIEND)
    assert await preflight(gateway, FRIEND, "GET") == (200, FRIEND)
    assert await preflight(gateway, STRANGER) == (400, "")
    assert (await preflight(gateway, FRIEND, "DELETE"))[0] == 400
    assert (await preflight(gateway, FRIEND, headers="x-strange"))[0] == 400


async def test_without_a_list_nobody_is_a_friend() -> None:
    async with calling(plain_site(PlainEngine())) as gateway:
        assert (await preflight(gateway, FRIEND))[0] == 405
        reply = await gateway.ask("POST", json={"query": "{ hello }"}, headers={"Origin": FRIEND})
        assert "Access-Control-Allow-Origin" not in reply.headers
