"""What pages of other sites may do, and what not: CSRF and CORS."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator

import pytest

from gateway.request import Request
from gateway.upstream.clock import ManualClock
from gateway.web.rate_limit import ClientRateLimits
from tests.http.harness import Caller, PlainEngine, Reply, calling, plain_site

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


async def preflight(gateway: Caller, origin: str, method: str = "POST", headers: str | None = "content-type") -> Reply:
    asked = {"Origin": origin, "Access-Control-Request-Method": method}
    if headers is not None:
        asked["Access-Control-Request-Headers"] = headers
    return await gateway.ask("OPTIONS", headers=asked)


ORDINARY = (
    "content-type, authorization, x-api-key, x-gateway-trace, x-gateway-preflight, apollo-require-preflight",
    *("apollographql-client-name", "traceparent", "baggage", "sentry-trace", "x-requested-with", "cache-control"),
    *("x-datadog-trace-id,x-datadog-origin", "newrelic", "X-Whatever.They_Call!It", "", None),
)


@pytest.mark.parametrize("names", ORDINARY)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
async def test_an_allowed_page_may_send_whatever_its_preflight_names(
    gateway: Caller, method: str, names: str | None
) -> None:
    reply = await preflight(gateway, FRIEND, method, names)
    assert (reply.status, reply.body) == (200, b"")
    assert reply.headers["Access-Control-Allow-Origin"] == FRIEND
    assert method in reply.headers["Access-Control-Allow-Methods"].split(", ")
    mirrored = reply.headers.get("Access-Control-Allow-Headers", "")
    assert mirrored.replace(" ", "") == (names or "").replace(" ", "")
    vary = {name.strip() for name in reply.headers["Vary"].split(",")}
    assert {"Origin", "Access-Control-Request-Headers", "Access-Control-Request-Method"} <= vary


@pytest.mark.parametrize(
    ("origin", "method", "names", "named"),
    [
        (STRANGER, "POST", "content-type", STRANGER),
        ("null", "POST", "content-type", "null"),
        (f"{FRIEND}.evil.example", "POST", None, "evil.example"),
        (FRIEND, "DELETE", None, "DELETE"),
        (FRIEND, "post", None, "post"),
        (FRIEND, "POST", "content-type, two words", "two words"),
    ],
)
async def test_a_preflight_that_is_refused_names_what_is_refused(
    gateway: Caller, origin: str, method: str, names: str | None, named: str
) -> None:
    reply = await preflight(gateway, origin, method, names)
    assert (reply.status, reply.code) == (400, "BAD_USER_INPUT")
    assert named in reply.json["errors"][0]["message"]
    assert ("Access-Control-Allow-Origin" in reply.headers) is (origin == FRIEND)


async def test_a_page_of_the_web_may_reach_into_a_private_network(gateway: Caller) -> None:
    asked = {
        "Origin": FRIEND,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Private-Network": "true",
    }
    assert (await gateway.ask("OPTIONS", headers=asked)).headers["Access-Control-Allow-Private-Network"] == "true"
    refused = await gateway.ask("OPTIONS", headers={**asked, "Origin": STRANGER})
    assert "Access-Control-Allow-Private-Network" not in refused.headers


async def test_a_page_reads_every_answer_also_a_fault_of_ours() -> None:
    def fail(_: Request) -> None:
        raise RuntimeError("nobody foresaw it")

    engine = PlainEngine(meddle=fail)
    limited = ClientRateLimits(1, 1, ManualClock())
    async with calling(plain_site(engine, origins=frozenset({FRIEND}), rates=limited)) as gateway:
        from_page = {"Origin": FRIEND}
        fault = await gateway.ask("POST", json={"query": "{ hello }"}, headers=from_page)
        replies = [
            fault,
            await gateway.ask("POST", json={"query": "{ hello }"}, headers=from_page),
            await gateway.ask("POST", data=b"5", headers={**from_page, "Content-Type": "text/plain"}),
            await gateway.ask(
                "POST", data=io.BytesIO(b"x" * 1_100_000), headers={**from_page, "Content-Type": "application/json"}
            ),
            *[await gateway.ask(method, headers=from_page) for method in ("PUT", "DELETE", "OPTIONS")],
            *[await gateway.ask("GET", path, headers=from_page) for path in ("/nowhere", "/healthz", "/readyz")],
        ]
    assert [reply.status for reply in replies[:2]] == [500, 429]
    assert fault.json["errors"][0]["extensions"]["errorId"]
    for reply in replies:
        assert reply.headers["Access-Control-Allow-Origin"] == FRIEND
        assert "X-Request-Id" in reply.headers["Access-Control-Expose-Headers"]
        assert reply.headers["X-Content-Type-Options"] == "nosniff"


async def test_without_a_list_nobody_is_a_friend() -> None:
    async with calling(plain_site(PlainEngine())) as gateway:
        assert (await preflight(gateway, FRIEND)).status == 405
        reply = await gateway.ask("POST", json={"query": "{ hello }"}, headers={"Origin": FRIEND})
        assert "Access-Control-Allow-Origin" not in reply.headers
