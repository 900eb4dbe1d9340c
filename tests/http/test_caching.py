"""What an answer weighs, and for how long it may be kept."""

from __future__ import annotations

import gzip

import brotli  # type: ignore[import-untyped]  # ships no types
import pytest

from gateway.request import Request
from gateway.settings.api_keys import read_keys
from gateway.web.authentication import Authenticator
from gateway.web.response import cache_control, compressed, matches_etag
from tests.http.harness import Caller, PlainEngine, calling, plain_site
from tests.http.harness import engine as engine
from tests.http.harness import gateway as gateway

LARGE = b'{"data": "' + b"meeting " * 1000 + b'"}'
UNPACK = {
    "gzip": gzip.decompress,
    "br": brotli.decompress,
}


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("gzip, deflate, br, zstd", "br"),
        ("zstd, br;q=0.9, gzip;q=0.1", "br"),
        ("zstd", None),
        ("zstd, *;q=0.5", "br"),
        ("gzip, br", "br"),
        ("gzip", "gzip"),
        ("br;q=0.5, gzip;q=0.8", "gzip"),
        ("*", "br"),
        ("br;q=0, *", "gzip"),
        ("gzip;q=0.1, identity", None),
        ("deflate", None),
        ("identity", None),
        ("", None),
        (None, None),
    ],
)
def test_the_coding_that_a_client_takes(accepted: str | None, coding: str | None) -> None:
    body, chosen = compressed(LARGE, accepted)
    assert chosen == coding
    assert (UNPACK[coding](body) if coding else body) == LARGE
    assert len(body) < len(LARGE) / 5 or coding is None


def test_small_answers_are_sent_as_they_are() -> None:
    assert compressed(b"{}", "gzip") == (b"{}", None)


async def test_an_answer_is_packed(gateway: Caller) -> None:
    name = "Zoë " * 500
    reply = await gateway.ask(
        "POST",
        json={"query": "query($n: String) { hello(name: $n) }", "variables": {"n": name}},
        headers={"Accept-Encoding": "gzip"},
    )
    assert reply.headers["Content-Encoding"] == "gzip"
    assert int(reply.headers["Content-Length"]) < 200
    assert "Accept-Encoding" in reply.headers["Vary"]
    assert reply.json == {"data": {"hello": f"Hello, {name}"}}


async def test_a_get_can_be_asked_again_for_less(gateway: Caller, engine: PlainEngine) -> None:
    path = "/graphql?query={hello}"
    first = await gateway.ask("GET", path)
    again = await gateway.ask("GET", path, headers={"If-None-Match": f'"other", {first.headers["ETag"]}'})
    assert (again.status, again.body, again.headers["ETag"]) == (304, b"", first.headers["ETag"])
    other = await gateway.ask("GET", "/graphql?query={h:hello}", headers={"If-None-Match": first.headers["ETag"]})
    assert other.status == 200
    assert "ETag" not in (await gateway.post("{ hello }")).headers


@pytest.mark.parametrize(
    ("seconds", "said"), [(None, "public, no-cache"), (0.4, "public, no-cache"), (42.9, "public, max-age=42")]
)
async def test_an_answer_may_be_cached_as_long_as_what_it_is_made_of(
    gateway: Caller, engine: PlainEngine, seconds: float | None, said: str
) -> None:
    def use(request: Request) -> None:
        if seconds is not None:
            request.freshness.note("DRIFT", as_of=1.0, max_age=600)
            request.freshness.note("DRIFT", as_of=1.0, max_age=seconds)

    engine.meddle = use
    assert (await gateway.ask("GET", "/graphql?query={hello}")).headers["Cache-Control"] == said


async def test_errors_are_not_cached(gateway: Caller) -> None:
    reply = await gateway.ask("GET", "/graphql?query={nothing}")
    assert reply.headers["Cache-Control"] == "no-store"
    assert "ETag" not in reply.headers


async def test_what_was_made_for_one_client_is_private(engine: PlainEngine) -> None:
    access = Authenticator(required=True, keys=read_keys("me:a-long-enough-key"))
    async with calling(plain_site(engine, access=access)) as gateway:
        reply = await gateway.ask("GET", "/graphql?query={hello}", headers={"X-API-Key": "a-long-enough-key"})
    assert reply.headers["Cache-Control"] == "private, no-cache"
    assert {"Authorization", "X-API-Key"} <= {name.strip() for name in reply.headers["Vary"].split(",")}


@pytest.mark.parametrize("header", ["X-Gateway-Trace", "X-Gateway-Cost"])
async def test_an_answer_with_a_trace_is_not_cached(gateway: Caller, engine: PlainEngine, header: str) -> None:
    engine.meddle = lambda request: request.freshness.note("DRIFT", as_of=1.0, max_age=600)
    reported = await gateway.ask("GET", "/graphql?query={hello}", headers={header: "1"})
    assert "extensions" in reported.json
    assert (reported.headers["Cache-Control"], "ETag" in reported.headers) == ("no-store", False)
    plain = await gateway.ask("GET", "/graphql?query={hello}")
    assert plain.headers["Cache-Control"] == "public, max-age=600"
    assert header in {name.strip() for name in plain.headers["Vary"].split(",")}


@pytest.mark.parametrize("path", ["/nowhere", "/graphql"])
async def test_a_refusal_is_not_cached(gateway: Caller, path: str) -> None:
    reply = await gateway.ask("GET", path)
    assert (reply.status in {400, 404}, reply.headers["Cache-Control"]) == (True, "no-store")


def test_cache_control() -> None:
    assert cache_control(10, good=False, private=False) == "no-store"
    assert cache_control(10, good=True, private=True) == "private, max-age=10"


@pytest.mark.parametrize(
    ("sent", "known"),
    [('W/"a"', True), ('"a"', True), ('"b", W/"a"', True), ("*", True), ('"b"', False), (None, False)],
)
def test_whether_a_client_has_it_already(sent: str | None, known: bool) -> None:
    assert matches_etag('W/"a"', sent) is known
