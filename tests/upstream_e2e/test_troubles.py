"""A source that is gone, refused, odd or slow is reported and left alone; for every kind of fault, on every source."""

from __future__ import annotations

import contextlib
import logging
import re
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from gateway.emulator.door import Answer, Ask
from gateway.emulator.faults import Fault, Status
from gateway.emulator.server import Emulated, Emulators
from gateway.emulator.world import World
from tests.http.test_metrics import Series, scraped, total
from tests.upstream_e2e.kinds import JSON, KINDS, PAGE, SECRET, Kind
from tests.upstream_e2e.stage import Product, Reply, client_of, product, with_calendly, world

MEETINGS = "{ meetings(first: 12) { nodes { id source } sourceReports { source status code message } } }"
STATES = "{ sources { source state } }"

ALERTS = (Path(__file__).parents[2] / "deploy" / "prometheus" / "alerts.yml").read_text(encoding="utf-8")
VITAL = {"SALESLOFT": "/v2/meetings", "DRIFT": "/users/meetings/org", "CALENDLY": "/scheduled_events"}
"""What each source's meetings are read of."""

HALVED = {("CALENDLY", "huge"): 9}
"""Calls where each asks for half of the rows, down to one, and what is too large then fails three times."""

WELL = dict.fromkeys(VITAL, "OK")
HASTY, PATIENT = "0.5", "60"
"""Seconds for a call: real ones, short only where nothing ever comes in time."""

PATIENTLY = {f"{source}_TIMEOUT": PATIENT for source in VITAL}


@pytest.fixture(scope="module")
def small() -> World:
    return world()


@pytest.fixture(autouse=True)
def all_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)


@pytest.fixture(params=KINDS, ids=lambda kind: kind.name)
def kind(request: pytest.FixtureRequest) -> Kind:
    kind: Kind = request.param
    return kind


def vendor_of(emulators: Emulators, source: str) -> Emulated:
    vendor: Emulated = getattr(emulators, source.lower())
    return vendor


@contextlib.asynccontextmanager
async def staged(
    small: World,
    settings: Mapping[str, str] | None = None,
    more: Callable[[Emulators], Mapping[str, str]] | None = None,
) -> AsyncIterator[Product]:
    """Every source, whose settings may be others."""

    def known(emulators: Emulators) -> dict[str, str]:
        return {**with_calendly(emulators), **(settings or {}), **(more(emulators) if more is not None else {})}

    async with product(small, settings=PATIENTLY, jumps=False, names=True, more=known) as stage:
        stage.clock.advance(7)  # well into the vendor's minute
        yield stage


@contextlib.asynccontextmanager
async def troubled(small: World, source: str, kind: Kind) -> AsyncIterator[Product]:
    """Every source, one of which will answer like that."""

    def url(emulators: Emulators) -> dict[str, str]:
        known = vendor_of(emulators, source).url.replace("127.0.0.1", "localhost")
        return {f"{source}_URL": known.replace("http", kind.scheme)}

    hasty = {f"{source}_TIMEOUT": HASTY} if kind.trouble == "timeout" else {}
    async with staged(small, hasty, url) as stage:
        yield stage


async def ask(stage: Product, query: str = MEETINGS, **values: Any) -> Reply:
    (reply,) = await stage.drive([stage.ask(query, **values)])
    return reply


async def states(stage: Product) -> dict[str, str]:
    """The sources' states, once nothing is under way any more."""
    await stage.settle()
    sources = (await ask(stage, STATES)).ok["sources"]
    return {each["source"]: each["state"] for each in sources}


async def ready(stage: Product) -> dict[str, Any]:
    """What `/readyz` says, which is 200 whatever the vendors do."""
    reply = await stage.caller.ask("GET", "/readyz")
    assert reply.status == 200
    body: dict[str, Any] = reply.json
    return body


async def sent(stage: Product, source: str, **labels: str) -> int:
    """Calls sent to a source so far."""
    return int(total(await scraped(stage.caller), "gateway_upstream_calls_total", source=source, **labels))


def reported(caplog: pytest.LogCaptureFixture, level: int = logging.WARNING) -> list[tuple[str, str, str, int | None]]:
    """What was logged of endpoints: source, endpoint, trouble, status."""
    lines = [record.__dict__ for record in caplog.records if record.name == "gateway.upstream.trouble"]
    return [
        (line["source"], line["endpoint"], line["trouble"], line.get("status"))
        for line in lines
        if line["levelno"] == level
    ]


def firing(series: Series) -> set[tuple[str, str]]:
    """The alerts on sources' states that would fire, were it so for some minutes, each with its source."""
    by_state = re.findall(r'- alert: (\w+)\n\s+expr:[^-]*?gateway_source_state\{state="(\w+)"\}', ALERTS)
    assert len(by_state) == 3
    gauge = series["gateway_source_state"]
    on = {(dict(labels)["source"], dict(labels)["state"]) for labels, value in gauge.items() if value}
    return {(alert, source) for alert, wanted in by_state for source, state in on if state == wanted}


@pytest.mark.sampled(7)
@pytest.mark.parametrize("source", VITAL)
async def test_every_kind_is_reported_and_left_alone(
    small: World, source: str, kind: Kind, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with troubled(small, source, kind) as stage:
        await kind.begin(stage, vendor_of(stage.emulators, source), monkeypatch)
        replies = [await ask(stage) for _ in range(12)]
        state, body = await states(stage), await ready(stage)
        calls, series = await sent(stage, source), await scraped(stage.caller)
    for reply in replies:
        assert reply.errors == []
        assert source not in {node["source"] for node in reply.data["meetings"]["nodes"]} != set()
        assert {name: report["status"] for name, report in reply.reports().items()} == WELL | {source: "FAILED"}
        assert SECRET.encode() not in reply.text
    assert replies[0].reports()[source]["code"] == kind.code
    assert replies[-1].reports()[source]["code"] == kind.left_alone
    assert state == WELL | {source: kind.state}
    assert body == {
        "status": "DEGRADED",
        "sources": state,
        "troubles": {source: {VITAL[source]: {"trouble": kind.trouble, "status": kind.status}}},
    }
    enough = HALVED.get((source, kind.name), 3 if kind.lasting else 5)
    assert enough <= calls <= enough + 1, "and one that was under way when the circuit opened"
    assert reported(caplog) == [(source, VITAL[source], kind.trouble, kind.status)]
    assert reported(caplog, logging.INFO) == []
    assert SECRET not in caplog.text
    assert firing(series) == {(kind.alert, source)}
    counted = total(series, "gateway_upstream_troubles_total", source=source, trouble=kind.trouble)
    assert counted == total(series, "gateway_upstream_troubles_total") == calls
    assert total(series, "gateway_endpoint_trouble", source=source, trouble=kind.trouble) == 1


LASTS = [
    kind for kind in KINDS if kind.name in {"404", "301 elsewhere", "200 web page", "{}", "400", "403", "500", "dns"}
]


@pytest.mark.sampled(7)
@pytest.mark.parametrize("kind", LASTS, ids=lambda kind: kind.name)
@pytest.mark.parametrize("source", VITAL)
async def test_it_is_asked_rarely_and_comes_back_by_itself(
    small: World, source: str, kind: Kind, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Ten minutes of a query every ten seconds; and once it is well, the first answer ends it."""
    async with troubled(small, source, kind) as stage:
        await kind.begin(stage, vendor_of(stage.emulators, source), monkeypatch)
        for _ in range(60):
            await ask(stage)
            stage.clock.advance(10)
        calls, state = await sent(stage, source), await states(stage)
        stage.forget()
        monkeypatch.undo()
        stage.clock.advance(60)
        reply = await ask(stage)
        after, body, series = await states(stage), await ready(stage), await scraped(stage.caller)
    assert calls <= 6 + 4 + 2 * 9, "to find out; while the pause grows; and a try or two a minute"
    assert state[source] == kind.state
    assert len(reported(caplog)) == 1
    assert reply.reports()[source]["status"] == "OK"
    assert after == WELL
    assert body == {"status": "OK", "sources": after}
    assert [each[:3] for each in reported(caplog, logging.INFO)] == [(source, VITAL[source], kind.trouble)]
    assert firing(series) == set()
    assert total(series, "gateway_endpoint_trouble") == 0


@pytest.mark.sampled(7)
@pytest.mark.parametrize("kind", LASTS, ids=lambda kind: kind.name)
@pytest.mark.parametrize("source", VITAL)
async def test_a_source_that_is_seldom_asked_is_reported_as_well(
    small: World, source: str, kind: Kind, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A query every ten minutes: it was well once, has not been since, and nothing of that lapses."""
    async with troubled(small, source, kind) as stage:
        await ask(stage)
        stage.clock.advance(7200)  # nothing that was kept stands in any more
        await kind.begin(stage, vendor_of(stage.emulators, source), monkeypatch)
        seen = []
        for _ in range(4):
            await ask(stage)
            seen.append((await states(stage))[source])
            stage.clock.advance(600)
        seen.append((await states(stage))[source])
    assert seen == [kind.state] * 5
    assert reported(caplog) == [(source, VITAL[source], kind.trouble, kind.status)]


NEIGHBOURS = {
    "/v2/tasks": ("SALESLOFT", "tasks", "task { subject }"),
    "/v2/steps": ("SALESLOFT", "steps", "step { name }"),
    "/v2/cadences": ("SALESLOFT", "cadences", "cadence { name }"),
    "/v2/accounts": ("SALESLOFT", "accounts", "account { name }"),
    "/v2/people": ("SALESLOFT", "people", "person { name }"),
    "/v2/users": ("SALESLOFT", "users", "owner { name }"),
    "/users/list": ("DRIFT", "users/list", "owner { name }"),
    "/organization_memberships": ("CALENDLY", "organization_memberships", "owner { name }"),
}
WRONG: dict[str, tuple[Fault, str, str]] = {
    "403": (Status(403, JSON), "UPSTREAM_REFUSED", "refused"),
    "404": (Status(404, JSON), "UPSTREAM_UNAVAILABLE", "gone"),
    "500": (Status(500, PAGE), "UPSTREAM_UNAVAILABLE", "server_error"),
    "web page": (Status(200, PAGE), "UPSTREAM_MALFORMED", "not_json"),
    "400": (Status(400, JSON), "UPSTREAM_UNAVAILABLE", "rejected"),
}


@pytest.mark.sampled(7)
@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("endpoint", NEIGHBOURS)
async def test_what_stands_beside_the_meetings_degrades_their_source(
    small: World, endpoint: str, wrong: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Answers are whole but for the field; the replica stays in service; the endpoint is named."""
    source, place, field = NEIGHBOURS[endpoint]
    fault, code, trouble = WRONG[wrong]
    name = field.split()[0]
    query = """{ meetings(first: 12, filter: {sources: [%s]}) { nodes { id %s } sourceReports { source status } } }"""
    async with staged(small) as stage:
        well = await ask(stage, query % (source, field))
    async with staged(small) as stage:
        vendor_of(stage.emulators, source).faults.add(fault, place)
        replies = [await ask(stage, query % (source, field)) for _ in range(12)]
        state, body, series = await states(stage), await ready(stage), await scraped(stage.caller)
        asked = [call for call in vendor_of(stage.emulators, source).calls if call.endpoint == place]
    nodes = well.ok["meetings"]["nodes"]
    assert any(node[name] for node in nodes), "there is something to be missing"
    for reply in replies:
        assert [node["id"] for node in reply.data["meetings"]["nodes"]] == [node["id"] for node in nodes]
        assert {report["status"] for report in reply.data["meetings"]["sourceReports"]} <= {"OK", "SKIPPED"}
        assert {error["path"][-1] for error in reply.errors} == {name}
    assert replies[0].codes == {code}
    assert state == WELL | {source: "DEGRADED"}
    assert (body["status"], list(body["troubles"])) == ("DEGRADED", [source])
    assert body["troubles"][source] == {endpoint: {"trouble": trouble, "status": asked[0].status}}
    assert reported(caplog) == [(source, endpoint, trouble, asked[0].status)]
    assert firing(series) == {("SourceDegraded", source)}
    assert len(asked) <= 7


@pytest.mark.sampled(4)
@pytest.mark.parametrize("wrong", WRONG)
async def test_a_client_that_gets_no_token(small: World, wrong: str, caplog: pytest.LogCaptureFixture) -> None:
    fault, _, trouble = WRONG[wrong]
    trouble = trouble if wrong in {"500", "web page"} else "refused"
    async with staged(small, more=client_of) as stage:
        stage.emulators.salesloft.faults.add(fault, "oauth/token")
        replies = [await ask(stage) for _ in range(12)]
        state, body, series = await states(stage), await ready(stage), await scraped(stage.caller)
        asked = stage.emulators.salesloft.calls
        count, status = len(asked), asked[0].status
        stage.forget()
        stage.clock.advance(60)
        again = await ask(stage)
        after = await states(stage)
    assert {call.endpoint for call in asked} <= {"oauth/token", "meetings"}
    assert {reply.reports()["SALESLOFT"]["status"] for reply in replies} == {"FAILED"}
    assert state == WELL | {"SALESLOFT": "REFUSED" if trouble == "refused" else "UNAVAILABLE"}
    assert body["troubles"] == {"SALESLOFT": {"/oauth/token": {"trouble": trouble, "status": status}}}
    assert reported(caplog) == [("SALESLOFT", "/oauth/token", trouble, status)]
    assert firing(series) == {("SourceRefused" if trouble == "refused" else "SourceUnavailable", "SALESLOFT")}
    assert count == 1, "asking again will not change that"
    assert again.reports()["SALESLOFT"]["status"] == "OK"
    assert after == WELL


async def test_a_token_that_cannot_be_renewed_degrades_while_it_is_good(small: World) -> None:
    async with staged(small, more=client_of) as stage:
        assert (await ask(stage)).reports()["SALESLOFT"]["status"] == "OK"
        stage.emulators.salesloft.faults.add(Status(401, JSON), "oauth/token")
        stage.clock.advance(3700)
        reply, half = await ask(stage), await states(stage)
        stage.clock.advance(3600)
        dead, over = await ask(stage), await states(stage)
    assert (reply.reports()["SALESLOFT"]["status"], half["SALESLOFT"]) == ("OK", "DEGRADED")
    assert (dead.reports()["SALESLOFT"]["status"], over["SALESLOFT"]) == ("FAILED", "REFUSED")


ODD = """query($since: DateTime) {
  meetings(first: 3, filter: {sources: [SALESLOFT], startTime: {gte: $since}}) { nodes { id } } }"""


@pytest.mark.parametrize("status", [400, 422])
async def test_a_filter_that_is_not_accepted_shuts_nobody_else_out(
    small: World, status: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with staged(small) as stage:
        monkeypatch.setattr(stage.emulators.salesloft.app, "answer", rejecting(stage.emulators, status))
        for number in range(12):
            reply = await ask(stage, ODD, since=f"2026-02-{number + 1:02}T00:00:00Z")
            assert reply.codes == {"UPSTREAM_UNAVAILABLE"}
        state = await states(stage)
        well = await ask(stage)
        plain = [call for call in stage.emulators.salesloft.calls if call.status == 200]
    assert well.reports()["SALESLOFT"]["status"] == "OK"
    assert state == WELL
    assert reported(caplog) == []
    assert [call.cost for call in plain[:1]] == [1], "whether the list answers at all was looked into, once"
    assert len([call for call in plain if dict(call.params)["per_page"] == "1"]) == 1


def rejecting(emulators: Emulators, status: int) -> Callable[[Ask], Answer]:
    """Salesloft, which accepts no range of times."""
    answer = emulators.salesloft.app.answer

    def answered(asked: Ask) -> Answer:
        if any(name.startswith("start_time[") for name, _ in asked.params):
            return Answer("meetings", status, {"errors": {"start_time": [SECRET]}})
        return answer(asked)

    return answered


@pytest.mark.parametrize("status", [400, 422])
async def test_a_list_that_accepts_nothing_is_reported_though_every_client_filters(
    small: World, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    async with staged(small) as stage:
        stage.emulators.salesloft.faults.add(Status(status, JSON), "meetings")
        for number in range(12):
            await ask(stage, ODD, since=f"2026-02-{number + 1:02}T00:00:00Z")
        state, calls = await states(stage), len(stage.emulators.salesloft.calls)
    assert state["SALESLOFT"] == "UNAVAILABLE"
    assert reported(caplog) == [("SALESLOFT", "/v2/meetings", "rejected", status)]
    assert calls <= 5


@pytest.mark.parametrize(("status", "state"), [(404, "UNAVAILABLE"), (401, "REFUSED")])
async def test_a_source_that_does_not_say_whose_it_is_has_no_meetings(small: World, status: int, state: str) -> None:
    """Calendly is asked for the organization first: no endpoint of its meetings was even called."""
    async with staged(small, {"CALENDLY_ORGANIZATION": ""}) as stage:
        stage.emulators.calendly.faults.add(Status(status, JSON))
        replies = [await ask(stage) for _ in range(3)]
        seen, body = await states(stage), await ready(stage)
    assert {reply.reports()["CALENDLY"]["status"] for reply in replies} == {"FAILED"}
    assert seen == WELL | {"CALENDLY": state}
    assert list(body["troubles"]["CALENDLY"]) == ["/users/me"]
