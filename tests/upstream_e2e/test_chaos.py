"""Every way for a vendor to fail, on a cold, a fresh and an old cache: the answer, what is said of it, what it costs.

Over real sockets from the client to the vendors. `tests/upstream/test_chaos.py` does the same to one upstream client.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from gateway.emulator.server import Emulated
from gateway.emulator.world import World
from tests.http.test_metrics import parsed, total
from tests.upstream_e2e.faults import TROUBLES, WRONG_TYPES, Trouble
from tests.upstream_e2e.stage import Product, Reply, product, world

PAGE = """
{ meetings(first: 12) {
    nodes { id title source sources timeZone person { name } }
    sourceReports { source status code message retryAfter asOf } } }
"""

OWN = "{ meetings(first: 12, filter: {sources: [%s]}) { nodes { id } sourceReports { source status code } } }"

UNTRACED = {"X-Gateway-Trace": "0"}
"""An answer with a trace is never cached."""

OTHER = {"SALESLOFT": "DRIFT", "DRIFT": "SALESLOFT"}

TIMED_OUT = "UPSTREAM_TIMEOUT"
PATIENT, HASTY = "10", "0.5"
"""Seconds for one call: longer than a loaded machine takes to answer, but where it is the time-out that is tested."""

OLD = 100
"""Seconds after which pages and the window are of use only where they cannot be had anew."""

ASKED = {"SALESLOFT": 4, "DRIFT": 1}
"""What the page asks of each: a page, both listings for the events of Drift's rows, people by address; and a window."""

ASKED_FOR_LESS = {"SALESLOFT": 13, "DRIFT": 3}
BEHIND_FOR_LESS = {"SALESLOFT": 10, "DRIFT": 3}
"""Calls where every answer is too large: halves of pages, and of Drift's window, are asked for instead."""


STALE = {"SALESLOFT": 15, "DRIFT": 40}
"""Seconds after which they are used once more while they are fetched anew."""

BEHIND = {"SALESLOFT": 3, "DRIFT": 1}
"""What is then fetched anew: a page, both listings for the events of Drift's rows; and a window."""


@pytest.fixture(scope="module")
def small() -> World:
    return world()


@contextlib.asynccontextmanager
async def staged(small: World, source: str, *, hasty: bool = False) -> AsyncIterator[Product]:
    timeouts = {f"{source}_TIMEOUT": HASTY if hasty else PATIENT, f"{OTHER[source]}_TIMEOUT": PATIENT}
    async with product(small, settings=timeouts, jumps=False, names=True) as stage:
        stage.clock.advance(7)  # well into the vendor's minute
        yield stage


def vendor_of(stage: Product, source: str) -> Emulated:
    return stage.emulators.salesloft if source == "SALESLOFT" else stage.emulators.drift


async def ask(stage: Product, query: str) -> Reply:
    (reply,) = await stage.drive([stage.ask(query)])
    return reply


def nodes(reply: Reply) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = reply.data["meetings"]["nodes"]
    return found


def calls(reply: Reply, source: str) -> int:
    """Calls that the source cost the query."""
    count: int = reply.upstream["bySource"].get(source, {"calls": 0})["calls"]
    return count


async def sent(stage: Product, source: str) -> float:
    """Calls sent so far, whomever for."""
    page = await stage.caller.ask("GET", "/metrics")
    return total(parsed(page.body.decode()), "gateway_upstream_calls_total", source=source)


async def settled(stage: Product, source: str) -> float:
    """Calls sent, once what is fetched behind the scenes is there, or was tried as often as makes sense."""
    for _ in range(4):
        await stage.settle()
        stage.clock.advance(0.25)  # what a retry waits for at most
    return await sent(stage, source)


def expected_calls(source: str, trouble: Trouble) -> int:
    """Every call is tried as often as it makes sense; an endpoint that failed five times, and a minute that is used up,
    are left alone."""
    if trouble.code == "UPSTREAM_RATE_LIMITED":
        return 1
    if trouble.name == "huge":
        return ASKED_FOR_LESS[source]
    return min(ASKED[source] * trouble.tries, 7)


def behind_expected(source: str, trouble: Trouble) -> int:
    """Calls behind the scenes; at the fourth that fails of seven, the endpoint is left alone.

    A connection of the pool that is reset says nothing of the endpoint: half of these calls go over one.
    """
    if trouble.code == "UPSTREAM_RATE_LIMITED":
        return 1
    if trouble.name == "reset":
        return BEHIND[source] * trouble.tries
    if trouble.name == "huge":
        return BEHIND_FOR_LESS[source]
    return min(BEHIND[source] * trouble.tries, 4)


def why_old(trouble: Trouble) -> str:
    """What a report says of rows that could not be had anew."""
    return "its rate limit is spent" if trouble.code == "UPSTREAM_RATE_LIMITED" else "the source does not answer"


def as_expected(made: float, expected: int, trouble: Trouble) -> bool:
    """Whether as many calls were made; halves that are asked for together may see the endpoint shut sooner."""
    return 1 <= made <= expected if trouble.name == "huge" else made == expected


@pytest.fixture(params=TROUBLES, ids=lambda trouble: trouble.name)
def trouble(request: pytest.FixtureRequest) -> Trouble:
    trouble: Trouble = request.param
    return trouble


@pytest.mark.sampled(7)
@pytest.mark.parametrize("source", ["SALESLOFT", "DRIFT"])
async def test_on_a_cold_cache(small: World, source: str, trouble: Trouble, monkeypatch: pytest.MonkeyPatch) -> None:
    async with staged(small, source, hasty=trouble.code == TIMED_OUT) as stage:
        await trouble.begin(stage, vendor_of(stage, source), monkeypatch)
        reply = await ask(stage, PAGE)
        alone = await ask(stage, OWN % source)
    reports = reply.reports()
    assert (reports[source]["status"], reports[source]["code"]) == ("FAILED", trouble.code)
    assert reports[source]["asOf"] is None
    assert (reports[source]["retryAfter"] is not None) is (trouble.code == "UPSTREAM_RATE_LIMITED")
    assert (reports[OTHER[source]]["status"], reports[OTHER[source]]["code"]) == ("OK", None)
    assert reply.errors == []
    assert len(nodes(reply)) == 12
    assert {node["source"] for node in nodes(reply)} == {OTHER[source]}
    assert as_expected(calls(reply, source), expected_calls(source, trouble), trouble)
    assert alone.data is None or alone.data["meetings"] is None
    assert len(alone.errors) == 1
    assert alone.errors[0]["extensions"]["source"] == source
    assert reply.headers["Cache-Control"] in {"public, no-cache", "no-store"}
    assert alone.headers["Cache-Control"] == "no-store"


@pytest.mark.sampled(7)
@pytest.mark.parametrize("source", ["SALESLOFT", "DRIFT"])
async def test_on_a_fresh_cache(small: World, source: str, trouble: Trouble, monkeypatch: pytest.MonkeyPatch) -> None:
    async with staged(small, source, hasty=trouble.code == TIMED_OUT) as stage:
        before = await ask(stage, PAGE)
        stage.clock.advance(3)
        await trouble.begin(stage, vendor_of(stage, source), monkeypatch)
        reply = await stage.ask(PAGE)  # there is nothing to wait for
        untraced = await stage.ask(PAGE, UNTRACED)
    assert reply.ok == before.ok
    assert reply.upstream["calls"] == 0
    assert reply.upstream["cacheHits"] >= 4
    assert {report["status"] for report in reply.reports().values()} == {"OK"}
    assert untraced.headers["Cache-Control"] in {"public, max-age=6", "public, max-age=7"}


@pytest.mark.sampled(7)
@pytest.mark.parametrize("source", ["SALESLOFT", "DRIFT"])
async def test_on_a_stale_cache(small: World, source: str, trouble: Trouble, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits: what is kept is shown at once, and that it cannot be had anew is found out behind the scenes."""
    async with staged(small, source, hasty=trouble.code == TIMED_OUT) as stage:
        before = await ask(stage, PAGE)
        stage.clock.advance(STALE[source])
        asked = await sent(stage, source)
        await trouble.begin(stage, vendor_of(stage, source), monkeypatch)
        reply = await ask(stage, PAGE)
        behind = await settled(stage, source) - asked
        (again,) = await stage.drive([stage.ask(PAGE, UNTRACED)])
        no_more = await settled(stage, source) - asked - behind
    reports = reply.reports()
    assert reply.errors == []
    if (trouble.code, source) == ("UPSTREAM_REFUSED", "SALESLOFT"):
        # That an event is in no record is believed for less long, and nothing stands in for a refusal.
        assert (reports[source]["status"], reports[source]["code"]) == ("PARTIAL", trouble.code)
        assert "shown twice" in reports[source]["message"]
        assert {node["id"] for node in nodes(reply) if node["source"] == source} <= {
            node["id"] for node in nodes(before)
        }
        return
    assert nodes(reply) == nodes(before)
    assert calls(reply, source) == 0
    assert (reports[source]["status"], reports[source]["code"]) == ("STALE", None)
    assert reports[source]["asOf"] == before.reports()[source]["asOf"]
    # That an event is in no record of Salesloft's is believed for less long, and so was tried already.
    why = "being fetched anew" if source == "DRIFT" else why_old(trouble)
    assert reports[source]["message"] == f"{STALE[source]} s old, {why}."
    assert re.fullmatch(rf"\d\d s old, {why_old(trouble)}\.", again.reports()[source]["message"])
    assert reports[OTHER[source]]["status"] == "OK"
    assert again.headers["Cache-Control"] == "public, no-cache"
    assert as_expected(behind, behind_expected(source, trouble), trouble)
    assert nodes(again) == nodes(before)
    assert no_more == 0, "what is stale is not tried again by every reader, and the endpoint is left alone"


@pytest.mark.sampled(7)
@pytest.mark.parametrize("source", ["SALESLOFT", "DRIFT"])
async def test_on_an_old_cache(small: World, source: str, trouble: Trouble, monkeypatch: pytest.MonkeyPatch) -> None:
    async with staged(small, source, hasty=trouble.code == TIMED_OUT) as stage:
        before = await ask(stage, PAGE)
        stage.clock.advance(OLD)
        await trouble.begin(stage, vendor_of(stage, source), monkeypatch)
        reply = await ask(stage, PAGE)
        now = dt.datetime.fromtimestamp(stage.clock.time(), dt.UTC)
    reports = reply.reports()
    assert reply.errors == []
    if trouble.name == "reset":  # see `behind_expected`
        assert calls(reply, source) == ASKED[source] * trouble.tries
    else:
        assert as_expected(calls(reply, source), expected_calls(source, trouble), trouble)
    assert reports[OTHER[source]]["status"] == "OK"
    assert dt.datetime.fromisoformat(reports[OTHER[source]]["asOf"]) >= now - dt.timedelta(seconds=5)
    assert reply.headers["Cache-Control"] in {"public, no-cache", "no-store"}
    if trouble.code == "UPSTREAM_REFUSED":  # revoking the credential revokes what it gave access to
        assert (reports[source]["status"], reports[source]["code"]) == ("FAILED", trouble.code)
        assert {node["source"] for node in nodes(reply)} == {OTHER[source]}
        return
    assert nodes(reply) == nodes(before)
    assert reports[source]["status"] == "STALE"
    assert reports[source]["asOf"] == before.reports()[source]["asOf"]
    assert reports[source]["message"] == f"{OLD} s old, {why_old(trouble)}."


@dataclass(frozen=True)
class Spoilt:
    """A field that comes with another type.

    Attributes:
        source: Whose.
        name: Its name in the graph.
        reported: What the report calls it.
        calls: What the page costs on a cold cache, and on an old one.
    """

    source: str
    name: str
    reported: str
    calls: tuple[int, int]


@pytest.mark.sampled(4)
@pytest.mark.parametrize(
    "field",
    [Spoilt("SALESLOFT", "title", "title", (5, 4)), Spoilt("DRIFT", "timeZone", "end_user_time_zone", (3, 1))],
    ids=lambda field: field.source,
)
@pytest.mark.parametrize("age", [None, 3, OLD])
async def test_fields_of_another_type(
    small: World, field: Spoilt, age: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, name = field.source, field.name
    async with staged(small, source) as stage:
        before = None
        if age is not None:
            before = await ask(stage, PAGE)
            stage.clock.advance(age)
        await WRONG_TYPES(stage, vendor_of(stage, source), monkeypatch)
        reply = await ask(stage, PAGE)
    reports = reply.reports()
    assert reports[OTHER[source]]["status"] == "OK"
    if before is not None and age == 3:
        assert (reply.ok, reply.upstream["calls"], reports[source]["status"]) == (before.ok, 0, "OK")
        return
    assert (reports[source]["status"], reports[source]["code"]) == ("OK", "UPSTREAM_MALFORMED")
    assert len(nodes(reply)) == 12
    spoilt = [place for place, node in enumerate(nodes(reply)) if source in node["sources"]]
    paths = {tuple(error["path"]) for error in reply.errors}
    # What another source's record is only completed with is named in the report.
    own = {place for place in spoilt if nodes(reply)[place]["source"] == source}
    assert own
    assert paths == {("meetings", "nodes", place, name) for place in own}
    assert field.reported in reports[source]["message"]
    assert all(nodes(reply)[place][name] is None for place in spoilt)
    assert reply.codes == {"UPSTREAM_MALFORMED"}
    assert calls(reply, source) == field.calls[age is not None]
    assert reply.headers["Cache-Control"] == "no-store"


@pytest.mark.sampled(2)
@pytest.mark.parametrize("source", ["SALESLOFT", "DRIFT"])
async def test_a_vendor_that_recovers_is_asked_again(
    small: World, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither its failure nor what stood in for it outlives it."""
    async with staged(small, source, hasty=True) as stage:
        before = await ask(stage, PAGE)
        for trouble in TROUBLES:
            if trouble.name in {"refused", "dns", "huge"}:
                continue
            stage.clock.advance(OLD)
            await trouble.begin(stage, vendor_of(stage, source), monkeypatch)
            await ask(stage, PAGE)
            stage.forget()
            stage.clock.advance(OLD)  # circuits and limits have lapsed
            reply = await ask(stage, PAGE)
            assert {report["status"] for report in reply.reports().values()} == {"OK"}, trouble.name
            assert nodes(reply) == nodes(before)
