"""Traces as a collector gets them: one server span a request, one span a batch, one a call; and nobody's data."""

from __future__ import annotations

import io
import json
import logging
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from gateway import logs
from gateway.emulator.faults import Status
from gateway.settings.environment import BadSetting
from gateway.settings.settings import Settings
from tests.operations.collector import Collector, collecting
from tests.upstream_e2e.stage import Product, product, world

ON = {"GATEWAY_OTEL": "on"}
PERSON = "zoe@customer.example"
QUERY = """query Evening($email: String!) {
  meetings(first: 5, filter: {canceled: INCLUDE}) { nodes { person { name } owner { name } cadence { name } } }
  person(by: {email: $email}) { name }
}"""
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"
TRACEPARENT = f"00-{TRACE}-{PARENT}-01"


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    with collecting() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        monkeypatch.delenv("OTEL_TRACES_SAMPLER", raising=False)
        yield collector


async def asked(stage: Product, query: str = QUERY, headers: dict[str, str] | None = None, **values: Any) -> None:
    await stage.drive([stage.ask(query, headers, **(values or {"email": PERSON}))])


async def test_one_server_span_and_one_a_batch_and_a_call(collector: Collector) -> None:
    async with product(world(), settings=ON) as stage:
        await asked(stage)
        called = sorted(call.status for call in stage.calls)
        tokens = [vendor.token for vendor in stage.vendors]
    (server,) = collector.of("server")
    clients, batches = collector.of("client"), collector.of("internal")
    assert (server.name, server.error, server.parent, server.service) == ("query", False, "", "meeting-gateway")
    assert server.facts["graphql.operation.name"] == "Evening"
    assert server.facts["graphql.operation.type"] == "query"
    assert (server.facts["http.route"], server.facts["http.response.status_code"]) == ("/graphql", 200)
    assert server.facts["gateway.upstream.calls"] == len(clients) == len(called)
    assert {span.trace for span in collector.spans} == {server.trace}
    ids = {span.id: span for span in collector.spans}
    assert all(ids[span.parent].kind in {"server", "internal"} for span in clients)
    assert all(span.parent == server.id for span in batches)
    assert {"/v2/people", "/v2/cadences"} <= {ids[span.parent].facts.get("url.template") for span in clients}
    assert all(span.facts["gateway.batch.keys"] > 0 for span in batches)
    assert all(span.name == f"GET {span.facts['url.template']}" for span in clients)
    assert sorted(span.facts["http.response.status_code"] for span in clients) == called
    assert {span.facts["gateway.source"] for span in clients} == {"SALESLOFT", "DRIFT"}
    assert not any(span.error for span in collector.spans)
    everything = b"".join(collector.bodies)
    for secret in (PERSON, "canceled: INCLUDE", "per_page", *tokens):
        assert secret.encode() not in everything


async def test_the_operations_text_only_where_it_is_switched_on_and_never_a_variable(collector: Collector) -> None:
    async with product(world(), settings={**ON, "GATEWAY_OTEL_DOCUMENTS": "on"}) as stage:
        await asked(stage)
    (server,) = collector.of("server")
    assert server.facts["graphql.document"] == QUERY
    assert PERSON.encode() not in b"".join(collector.bodies)


async def test_a_trace_goes_on_from_the_client_and_where_wanted_to_the_vendors(collector: Collector) -> None:
    for propagate in ("off", "on"):
        async with product(world(), settings={**ON, "GATEWAY_OTEL_PROPAGATE": propagate}) as stage:
            sent = headers_of(stage)
            await asked(stage, headers={"traceparent": TRACEPARENT})
        server = collector.of("server")[-1]
        assert (server.trace, server.parent) == (TRACE, PARENT)
        parents = {headers.get("traceparent", "") for headers in sent}
        spans = {f"00-{TRACE}-{span.id}-01" for span in collector.of("client")}
        assert parents <= spans if propagate == "on" else parents == {""}
    assert len(sent) > 3


@pytest.mark.parametrize("bad", ["00-0-0-00", f"00-{'0' * 32}-{PARENT}-01", "x" * 5000, f"{TRACEPARENT}-more"])
async def test_an_invalid_traceparent_begins_a_new_trace(collector: Collector, bad: str) -> None:
    async with product(world(), settings=ON) as stage:
        await asked(stage, "{ sources { source } }", {"traceparent": bad}, x=1)
    (server,) = collector.of("server")
    assert server.parent == ""


async def test_what_is_not_sampled_costs_no_spans(collector: Collector) -> None:
    async with product(world(), settings=ON) as stage:
        await asked(stage, headers={"traceparent": TRACEPARENT[:-1] + "0"})
    assert collector.spans == []


CASES: list[tuple[str, str, Callable[[Product], None], str | None]] = [
    ("a field that is not there", "{ nothing }", lambda _: None, None),
    ("no document at all", "{", lambda _: None, None),
    ("a bad argument", "{ meetings(first: -1) { nodes { id } } }", lambda _: None, None),
    ("a refused credential", QUERY, lambda s: s.emulators.salesloft.faults.add(Status(401)), "UPSTREAM_REFUSED"),
]


@pytest.mark.parametrize(("why", "query", "trouble", "error"), CASES, ids=[case[0] for case in CASES])
async def test_an_error_is_one_of_ours_or_the_vendors(
    collector: Collector, why: str, query: str, trouble: Callable[[Product], None], error: str | None
) -> None:
    async with product(world(), settings={**ON, "DRIFT_TOKEN": ""}) as stage:
        trouble(stage)
        await asked(stage, query, email=PERSON)
        token = stage.emulators.salesloft.token.encode()
    (server,) = collector.of("server")
    assert (server.error, server.facts.get("error.type")) == (error is not None, error)
    assert len(server.facts["gateway.errors"]) == 1
    refused = collector.of("client")
    assert all((span.error, span.facts["error.type"]) == (True, "401") for span in refused)
    assert bool(refused) is (error is not None)
    assert token not in b"".join(collector.bodies)


async def test_a_request_that_shares_a_batch_is_linked_to_it(collector: Collector) -> None:
    async with product(world(), settings=ON) as stage:
        queries = [
            f"{{ meetings(first: 5, filter: {{canceled: {word}}}) {{ nodes {{ person {{ name }} }} }} }}"
            for word in ("EXCLUDE", "INCLUDE")
        ]
        await stage.drive([stage.ask(query) for query in queries])
    servers, batches = collector.of("server"), collector.of("internal")
    assert len(servers) == 2
    shared = [batch for batch in batches if batch.links]
    assert shared, "two requests asked for people at once"
    for batch in shared:
        (other,) = [server for server in servers if server.id in batch.links]
        assert batch.id in other.links
        assert other.trace != batch.trace


async def test_the_log_line_names_the_trace(collector: Collector) -> None:
    stream, root = io.StringIO(), logging.getLogger()
    before = root.handlers[:], root.level
    logs.configure("json", stream=stream)
    try:
        async with product(world(), settings=ON) as stage:
            await asked(stage, headers={"traceparent": TRACEPARENT})
    finally:
        root.handlers[:], level = before
        root.setLevel(level)
    (line,) = [line for line in map(json.loads, stream.getvalue().splitlines()) if line["message"] == "request"]
    assert line["traceId"] == TRACE


async def test_health_is_not_traced_and_a_collector_that_is_gone_is_in_nobodys_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    async with product(world(), settings=ON) as stage:
        assert (await stage.caller.ask("GET", "/readyz")).status == 200
        await asked(stage)


def test_nothing_of_it_is_imported_where_it_is_off() -> None:
    code = """
import sys
from gateway.app import create_app
from gateway.settings.settings import Settings
create_app(Settings.read({"DRIFT_TOKEN": "x"}))
ours = ("gateway.web.tracing", "opentelemetry.sdk.trace", "opentelemetry.exporter", "google.protobuf", "requests")
print([name for name in sys.modules if name.startswith(ours)])
"""  # redis-py looks for OpenTelemetry's metrics by itself
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_it_says_so_where_it_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.settings.telemetry.NEEDED", ("opentelemetry_that_nobody_has.sdk",))
    with pytest.raises(BadSetting, match=re.escape("'meeting-gateway[tracing]'")):
        Settings.read(ON)
    assert not Settings.read({}).tracing.enabled


def headers_of(stage: Product) -> list[dict[str, str]]:
    """The headers of every call that the vendors will get."""
    seen: list[dict[str, str]] = []
    for vendor in stage.vendors:
        door, answer = vendor.app.door, vendor.app.door._vendor.answer  # type: ignore[attr-defined]  # both have one

        def noted(ask: Any, answer: Callable[[Any], Any] = answer) -> Any:
            seen.append(dict(ask.headers))
            return answer(ask)

        door._vendor.answer = noted
    return seen
