"""`/metrics`, read as Prometheus reads it: what is counted agrees with what clients and vendors saw."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from gateway.emulator.faults import Hang, Status
from gateway.emulator.world import World
from gateway.settings.environment import BadSetting
from gateway.settings.settings import Settings
from gateway.web.metrics.gauges import Gauges
from gateway.web.metrics.requests import MAX_CLIENTS, ClientLabels
from tests.http.harness import Caller
from tests.upstream.replicas.redis_server import redis_server
from tests.upstream_e2e.stage import client_of, product, world

LIST = "query List { meetings(first: 12) { nodes { title person { name } } } }"
OWN = "query Own { meetings(first: 5, filter: {sources: [%s]}) { nodes { title } } }"
KEY = "key-of-prometheus-0123456789"

Series = dict[str, dict[tuple[tuple[str, str], ...], float]]


def parsed(text: str) -> Series:
    """Every sample by its name and labels."""
    found: Series = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(sorted(sample.labels.items()))] = sample.value
    return found


async def scraped(caller: Caller) -> Series:
    reply = await caller.ask("GET", "/metrics")
    assert reply.status == 200
    assert reply.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    return parsed(reply.body.decode())


def total(series: Series, name: str, /, **labels: str) -> float:
    """The sum of the samples that have these labels."""
    samples = series.get(name, {}).items()
    return sum(value for known, value in samples if labels.items() <= dict(known).items())


def values(series: Series, name: str, label: str) -> set[str]:
    """The values of a label."""
    return {dict(known)[label] for known in series.get(name, {})}


@pytest.fixture(scope="module")
def small() -> World:
    return world()


async def test_operations_by_type_outcome_and_name(small: World) -> None:
    settings = {"GATEWAY_METRICS_OPERATIONS": "List, Own"}
    async with product(small, settings=settings) as stage:
        for query in (LIST, LIST, "{ sources { source } }", "query Mine { sources { source } }"):
            assert (await stage.ask(query)).errors == []
        await stage.ask("{ nothing }")
        await stage.ask("{")
        await stage.ask("mutation List { nothing }")
        stage.emulators.drift.faults.add(Status(500))
        stage.clock.advance(10_000)
        partial = await stage.ask("query Own { own: sources { source } failing: " + (OWN % "DRIFT")[11:])
        assert partial.data["failing"] is None
        await stage.caller.ask("PUT")
        series = await scraped(stage.caller)
    operations = series["gateway_operations_total"]
    assert operations == {
        (("name", "List"), ("outcome", "ok"), ("type", "query")): 2,
        (("name", "anonymous"), ("outcome", "ok"), ("type", "query")): 1,
        (("name", "other"), ("outcome", "ok"), ("type", "query")): 1,
        (("name", "anonymous"), ("outcome", "refused"), ("type", "unknown")): 2,
        (("name", "anonymous"), ("outcome", "refused"), ("type", "mutation")): 1,
        (("name", "Own"), ("outcome", "partial"), ("type", "query")): 1,
    }
    assert total(series, "gateway_operation_duration_seconds_count") == 8
    assert total(series, "gateway_operation_duration_seconds_count", name="List") == 2
    assert total(series, "gateway_operations_executed_total") == 5
    assert total(series, "gateway_operations_executed_total", path="compiled") == 5  # each when it is first seen
    assert total(series, "gateway_plans") >= 1
    assert series["gateway_errors_total"] == {
        (("code", "GRAPHQL_VALIDATION_FAILED"),): 2,
        (("code", "GRAPHQL_PARSE_FAILED"),): 1,
        (("code", "UPSTREAM_UNAVAILABLE"),): 1,
    }
    assert total(series, "gateway_http_responses_total", path="/graphql", status="405") == 1


async def test_what_clients_choose_makes_no_series(small: World) -> None:
    async with product(small) as stage:
        names = [f"Attack{number}" for number in range(20)]
        for name in names:
            await stage.ask(f"query {name} {{ sources {{ source }} }}")
            await stage.caller.ask("GET", f"/{name}")
        page = await stage.caller.ask("GET", "/metrics")
    series = parsed(page.body.decode())
    assert "Attack" not in page.body.decode()
    assert total(series, "gateway_operations_total", name="other") == 20
    assert total(series, "gateway_http_responses_total", path="other", status="404") == 20


async def test_trusted_documents_are_found_by_their_names(small: World, tmp_path: Path) -> None:
    manifest = tmp_path / "manifest.json"
    manifest.write_text(json.dumps({"1": "query Team { sources { source } }"}))
    async with product(small, settings={"GATEWAY_TRUSTED_DOCUMENTS": str(manifest)}) as stage:
        reply = await stage.caller.ask("POST", json={"documentId": "1"})
        assert reply.status == 200
        await stage.ask("query Attack { sources { source } }")
        series = await scraped(stage.caller)
    assert values(series, "gateway_operations_total", "name") == {"Team", "anonymous"}
    assert total(series, "gateway_operations_total", name="anonymous", outcome="refused", type="unknown") == 1


async def test_calls_and_units_are_what_the_vendors_saw(small: World) -> None:
    async with product(small) as stage:
        for _ in range(2):
            await stage.ask(LIST)
        calls = stage.calls
        series = await scraped(stage.caller)
    reported = {
        (dict(labels)["source"], dict(labels)["endpoint"].rsplit("/", 1)[-1], dict(labels)["status"]): value
        for labels, value in series["gateway_upstream_calls_total"].items()
    }
    assert sum(reported.values()) == len(calls)
    assert {status for _, _, status in reported} == {"200"}
    assert sorted(reported.values()) == sorted(Counter(call.endpoint for call in calls).values())
    units = sum(call.cost or 1 for call in calls)  # Drift names no cost: a call is a unit
    assert total(series, "gateway_upstream_units_total") == units
    assert total(series, "gateway_upstream_call_duration_seconds_count") == len(calls)
    assert total(series, "gateway_upstream_queue_seconds_count", outcome="granted") == len(calls)
    assert total(series, "gateway_operation_upstream_calls_sum", name="other") == len(calls)
    assert total(series, "gateway_operation_cost_units_sum", name="other") == units
    assert (
        total(series, "gateway_upstream_budget_remaining_units")
        == total(series, "gateway_upstream_budget_limit_units") - units
    )
    assert total(series, "gateway_source_state", state="OK") == 2


async def test_what_asking_for_a_token_comes_to(small: World) -> None:
    async with product(small, more=client_of) as stage:
        await stage.ask(LIST)
        await stage.ask(LIST)
        series = await scraped(stage.caller)
    assert total(series, "gateway_upstream_calls_total", endpoint="/oauth/token", status="200") == 1
    assert total(series, "gateway_upstream_units_total", endpoint="/oauth/token") == 0


async def test_look_ups_by_state_and_batches(small: World) -> None:
    def people(series: Series, state: str) -> float:
        return total(series, "gateway_cache_lookups_total", source="SALESLOFT", kind="people", state=state)

    async with product(small, jumps=False) as stage:
        await stage.ask(LIST)
        cold = await scraped(stage.caller)
        await stage.ask(LIST)
        warm = await scraped(stage.caller)
        stage.clock.advance(400)  # people are stale, their page is of use only where there is no new one
        await stage.drive([stage.ask(LIST)])
        await stage.settle()
        stale = await scraped(stage.caller)
    assert people(cold, "miss") > 1
    assert (people(cold, "fresh"), people(cold, "stale")) == (0, 0)
    assert people(warm, "fresh") == people(cold, "miss") == people(warm, "miss")
    assert people(stale, "stale") == people(warm, "fresh")
    assert total(cold, "gateway_batch_keys_count", kind="people") == 1
    assert total(cold, "gateway_batch_keys_sum", kind="people") == people(cold, "miss")
    assert total(stale, "gateway_batch_keys_count", kind="people") == 2, "revalidation counts too"
    assert total(warm, "gateway_cache_bytes") > 10_000


async def test_what_equal_calls_save(small: World) -> None:
    user = small.salesloft.users
    key = next(iter(user))
    query = 'query { user(by: {salesloftId: "%s"}) { salesloft { guid } } }' % key
    page = "{ meetings(first: 12, filter: {sources: [SALESLOFT]}) { totalCount nodes { title } } }"
    async with product(small, settings={"GATEWAY_TTL_PAGES": "0,0"}) as stage:
        # Other names each time: equal operations would be run once, before any call is asked for.
        asked = [text.replace("{ ", "{ a%d: " % turn, 1) for text in (page, query) for turn in range(8)]
        await asyncio.gather(*map(stage.ask, asked))
        series = await scraped(stage.caller)
        calls = len(stage.calls)
    shared = total(series, "gateway_cache_lookups_total", state="shared")
    saved = total(series, "gateway_single_flight_saves_total")
    assert shared + saved >= 14
    assert total(series, "gateway_upstream_calls_total") == calls


async def test_a_source_that_fails_refuses_or_hangs(small: World) -> None:
    async with product(small, settings={"DRIFT_TIMEOUT": "0.1"}, jumps=False) as stage:
        stage.emulators.salesloft.faults.add(Status(401))
        for _ in range(3):
            await stage.drive([stage.ask(OWN % "SALESLOFT")])
            stage.clock.advance(1)
        refused = await scraped(stage.caller)
        stage.emulators.drift.faults.add(Hang())
        for _ in range(4):
            await stage.drive([stage.ask(OWN % "DRIFT")])
            stage.clock.advance(1)
        hanging = await scraped(stage.caller)
        stage.clock.advance(100)
        stage.forget()
        await stage.drive([stage.ask(OWN % "SALESLOFT"), stage.ask(OWN % "DRIFT")])
        well = await scraped(stage.caller)
    assert total(refused, "gateway_upstream_calls_total", source="SALESLOFT", status="401") == 3
    assert total(refused, "gateway_source_state", source="SALESLOFT", state="REFUSED") == 1
    assert total(refused, "gateway_circuit_open", source="SALESLOFT", reason="refused") == 1
    assert total(hanging, "gateway_upstream_calls_total", source="DRIFT", status="timeout") >= 5
    assert total(hanging, "gateway_circuit_open", source="DRIFT", endpoint="/users/meetings/org", reason="failed") == 1
    assert total(hanging, "gateway_source_state", source="DRIFT", state="UNAVAILABLE") == 1
    assert total(well, "gateway_circuit_open") == 0
    assert total(well, "gateway_source_state", state="OK") == 2


async def test_who_waits_for_units_and_who_gets_none(small: World) -> None:
    async with product(small, settings={"SALESLOFT_RATE_LIMIT": "2"}, jumps=False) as stage:
        stage.clock.advance(7)  # the next minute of the vendor's lies beyond the deadline
        await stage.drive([stage.ask(LIST)])
        series = await scraped(stage.caller)
    assert total(series, "gateway_upstream_queue_seconds_count", source="SALESLOFT", outcome="granted") >= 1
    assert total(series, "gateway_upstream_queue_seconds_count", source="SALESLOFT", outcome="refused") >= 1
    assert total(series, "gateway_upstream_budget_limit_units", source="SALESLOFT") == 2
    assert total(series, "gateway_upstream_budget_remaining_units", source="SALESLOFT") <= 1
    assert total(series, "gateway_upstream_queued", source="SALESLOFT") == 0


async def test_the_process(small: World) -> None:
    async with product(small) as stage:
        series = await scraped(stage.caller)
        while not total(series, "gateway_event_loop_lag_seconds_count"):
            await asyncio.sleep(0.01)
            series = await scraped(stage.caller)
    assert total(series, "gateway_resident_memory_bytes") > 10_000_000
    assert total(series, "gateway_open_file_descriptors") > 3
    assert total(series, "gateway_tasks") >= 1
    assert total(series, "gateway_workers") == 1
    assert total(series, "gateway_start_time_seconds") > 1.7e9
    assert total(series, "gateway_build_info") == 1
    assert "gateway_shared_store_up" not in series, "there is none"
    assert not [name for name in series if name.endswith("_created")]


async def test_an_exception_freezes_no_gauge_but_its_own_and_is_logged(
    small: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("ak-secret")

    async with product(small) as stage:
        await scraped(stage.caller)
        monkeypatch.setattr(Gauges, "_upstream", fail)
        first = await scraped(stage.caller)
        again = await scraped(stage.caller)
        while total(again, "gateway_event_loop_lag_seconds_count") <= total(
            first, "gateway_event_loop_lag_seconds_count"
        ):
            await asyncio.sleep(0.01)
            again = await scraped(stage.caller)
        assert total(again, "gateway_tasks") >= 1
        assert total(again, "gateway_upstream_budget_limit_units", source="SALESLOFT") > 0
        assert total(again, "gateway_gauge_failures_total", part="sources") >= 2
    reported = [record for record in caplog.records if record.name == "gateway.web.metrics.gauges"]
    assert [record.__dict__["part"] for record in reported] == ["sources"]


async def test_the_shared_redis_is_up_or_not(small: World) -> None:
    with redis_server() as redis:
        async with product(small, settings={"GATEWAY_CACHE_URL": redis.url}) as stage:
            up = await scraped(stage.caller)
            redis.kill()
            stage.clock.advance(100)
            await stage.ask(LIST)
            gone = await scraped(stage.caller)
    assert total(up, "gateway_shared_store_up") == 1
    assert total(up, "gateway_live_processes") == 1
    assert total(gone, "gateway_shared_store_up") == 0


@pytest.mark.parametrize(
    ("value", "wrong"),
    [
        ("List, two words", '"two words" is not an operation name'),
        (",".join(f"Name{number}" for number in range(201)), "lists 201 operation names; 200 are the most"),
    ],
)
def test_names_that_cannot_be_meant(value: str, wrong: str) -> None:
    with pytest.raises(BadSetting, match=f"GATEWAY_METRICS_OPERATIONS: {wrong}"):
        Settings.read({"GATEWAY_METRICS_OPERATIONS": value})


async def test_clients_by_the_names_of_their_keys(small: World) -> None:
    other = f"{KEY}-of-another"
    async with product(small, settings={"GATEWAY_API_KEYS": f"web:{KEY},bot:{other}"}) as stage:
        for key in (KEY, KEY, other, "wrong"):
            await stage.drive([stage.caller.ask("POST", json={"query": LIST}, headers={"X-API-Key": key})])
        series = await scraped(stage.caller)
    assert series["gateway_client_operations_total"] == {(("client", "web"),): 2, (("client", "bot"),): 1}
    spent = total(series, "gateway_client_cost_units_total", client="web")
    assert spent == total(series, "gateway_upstream_units_total") > 2
    assert series["gateway_credentials_refused_total"] == {(("reason", "unknown"),): 1}


def test_clients_are_bounded_and_subjects_of_tokens_crowd_out_no_key() -> None:
    clients = ClientLabels()
    labels = {clients.label(f"sub:{number:016x}") for number in range(1000)}
    assert len(labels) == MAX_CLIENTS + 1
    assert {clients.label("web"), clients.label(None), clients.label("sub:new")} == {"web", "anonymous", "other"}


async def test_the_page_asks_for_a_key_where_one_is_set(small: World) -> None:
    async with product(small, settings={"GATEWAY_METRICS_KEYS": f"prometheus:{KEY}"}) as stage:
        without = await stage.caller.ask("GET", "/metrics")
        wrong = await stage.caller.ask("GET", "/metrics", headers={"Authorization": "Bearer wrong"})
        right = await stage.caller.ask("GET", "/metrics", headers={"Authorization": f"Bearer {KEY}"})
        graph = await stage.ask("{ sources { source } }")
    assert [reply.status for reply in (without, wrong, right)] == [401, 401, 200]
    assert without.code == "UNAUTHENTICATED"
    assert without.headers["WWW-Authenticate"] == 'Bearer realm="meeting-gateway"'
    assert KEY.encode() not in right.body
    assert graph.errors == [], "the graph's own access is another matter"


@pytest.mark.asyncio(loop_scope="module")
async def test_the_page_needs_no_key_of_the_graph(production: Caller) -> None:
    page = await production.ask("GET", "/metrics", headers={"Accept-Encoding": "gzip"})
    assert page.status == 200
    assert page.headers["Cache-Control"] == "no-store"
    assert (await production.ask("POST", "/metrics")).status == 405
