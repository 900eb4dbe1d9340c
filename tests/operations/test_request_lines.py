"""What a log says about a request: one line, under an id that client and operator both know."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from gateway import logs
from gateway.emulator.faults import Status
from gateway.web.routes import Health
from tests.http.harness import PlainEngine, calling, plain_site, statuses_of
from tests.upstream_e2e.stage import Product, product, world

QUERY = "query Evening { meetings(first: 3) { nodes { title person { name } } sourceReports { source status } } }"


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """Everything that is logged, as JSON."""
    stream, root = io.StringIO(), logging.getLogger()
    before = root.handlers[:], root.level
    logs.configure("json", stream=stream)
    yield stream
    root.handlers[:], level = before
    root.setLevel(level)


def lines(written: io.StringIO, message: str = "request") -> list[dict[str, Any]]:
    """The lines that have a message, and forgets all."""
    reported = [json.loads(line) for line in written.getvalue().splitlines()]
    written.seek(0)
    written.truncate()
    return [line for line in reported if line["message"] == message]


async def asked(stage: Product, query: str) -> None:
    await stage.drive([stage.ask(query)])


async def test_a_line_says_what_an_operation_took(written: io.StringIO) -> None:
    async with product(world()) as stage:
        await asked(stage, QUERY)
        (cold,) = lines(written)
        await asked(stage, QUERY)
        (warm,) = lines(written)
    assert (cold["level"], cold["path"], cold["status"], cold["operation"]) == ("info", "/graphql", 200, "Evening")
    assert cold["upstreamCalls"] == cold["cost"] == len(stage.calls) > 2
    assert (warm["upstreamCalls"], warm["cost"]) == (0, 0)
    assert warm["cacheHits"] > 0
    assert cold["sources"] == {"SALESLOFT": "OK", "DRIFT": "OK"}
    assert "errors" not in cold


async def test_a_line_says_which_source_failed(written: io.StringIO) -> None:
    async with product(world(), settings={"DRIFT_TOKEN": ""}) as stage:
        stage.emulators.salesloft.faults.add(Status(401))
        for _ in range(10):  # until the endpoint is left alone
            await asked(stage, QUERY)
    line = lines(written)[-1]
    assert line["errors"] == {"UPSTREAM_REFUSED": 1}
    assert line["sources"] == {"SALESLOFT": "REFUSED"}


async def test_the_id_is_the_clients_where_it_can_be_one(written: io.StringIO) -> None:
    async with calling(plain_site(PlainEngine())) as gateway:
        given = await gateway.ask("GET", "/graphql?query={hello}", headers={"X-Request-Id": "a1.B-2_c"})
        assert given.headers["X-Request-Id"] == "a1.B-2_c"
        made = {}
        for bad in ("", "x" * 65, "a b", 'a"status=200', "zoe@customer.example"):
            reply = await gateway.ask("GET", "/graphql?query={hello}", headers={"X-Request-Id": bad})
            made[bad] = reply.headers["X-Request-Id"]
        for path in ("/nowhere", "/healthz"):
            assert (await gateway.ask("GET", path)).headers["X-Request-Id"]
    assert all(id_ != bad and len(id_) == 32 for bad, id_ in made.items())
    assert [line["requestId"] for line in lines(written)][:6] == ["a1.B-2_c", *made.values()]


async def test_a_fault_is_found_by_its_error_id(written: io.StringIO) -> None:
    def fail(_: object) -> None:
        raise ValueError("ak-secret")

    async with calling(plain_site(PlainEngine(meddle=fail))) as gateway:
        reply = await gateway.post("{ hello }")
    error_id = reply.json["errors"][0]["extensions"]["errorId"]
    text = written.getvalue()
    (fault,) = [line for line in map(json.loads, text.splitlines()) if line["message"] == "fault"]
    (line,) = lines(written)
    assert (reply.status, line["status"], line["level"]) == (500, 500, "warning")
    assert (fault["errorId"], fault["level"], fault["kind"]) == (error_id, "error", "ValueError")
    assert line["errorIds"] == [error_id]
    assert line["errors"] == {"INTERNAL_SERVER_ERROR": 1}
    assert "ak-secret" not in text


async def test_health_is_quiet_and_refusals_tell_their_code(written: io.StringIO) -> None:
    site = plain_site(PlainEngine())
    async with calling(site) as gateway:
        for path in ("/healthz", "/readyz"):
            await gateway.ask("GET", path)
        assert lines(written) == []
        await gateway.ask("PUT", json={})
        await gateway.post("{ goodbye }")
    refused, invalid = lines(written)
    assert (refused["status"], refused.get("errors")) == (405, None)  # its status says all
    assert list(invalid["errors"].values()) == [1]
    assert refused["level"] == "info"


async def test_text_has_the_same_in_a_line_for_people() -> None:
    stream, root = io.StringIO(), logging.getLogger()
    before = root.handlers[:], root.level
    logs.configure("text", stream=stream)
    try:
        async with calling(plain_site(PlainEngine())) as gateway:
            await gateway.ask("GET", "/graphql?query=query+Q{hello}", headers={"X-Request-Id": "abc"})
    finally:
        root.handlers[:], level = before
        root.setLevel(level)
    (line,) = stream.getvalue().splitlines()
    for part in ("request", "requestId=abc", "path=/graphql", "operation=Q", "status=200", "upstreamCalls=0", "cost=0"):
        assert part in line


def test_the_sources_that_are_off_are_left_out() -> None:
    assert Health(statuses_of(SALESLOFT="OK", DRIFT="OFF")).states() == {"SALESLOFT": "OK"}
