"""`meetingStats`: the figures of a world, what they cost, who may see them, and what is refused before any call."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import Any

import pytest

from gateway.emulator.faults import Status
from gateway.emulator.world import World
from gateway.model.scopes import SCOPES, Principal
from tests.graph.oracle import Event, Truth
from tests.world import Gateway, running
from tests.world import gateway as gateway
from tests.world import little as little
from tests.world import small as small
from tests.world import world as world

WEEKS = {"startTime": {"gte": "2026-01-26T00:00:00Z", "lt": "2026-03-23T00:00:00Z"}}
"""Eight weeks, of which this is the last: 829 meetings."""

DASHBOARD = """query($f: MeetingFilter, $z: String! = "UTC") {
  meetingStats(filter: $f, groupBy: [OWNER, STATUS], timeZone: $z) {
    total { meetings booked canceled noShow noShowRate cancellationRate medianLeadMinutes }
    groups { owner { id name } status counts { meetings } }
    sourceReports { source status message }
  } }"""
BY = """query($f: MeetingFilter, $by: [MeetingGroup!]!, $z: String! = "UTC") {
  meetingStats(filter: $f, groupBy: $by, timeZone: $z) { %s } }"""
COLD, POLLED = 20, 3
"""Units that the dashboard may take at once, and in any minute of an hour in which it is polled every minute."""


def of_weeks(world: World) -> list[Event]:
    since, until = dt.datetime(2026, 1, 26, tzinfo=dt.UTC), dt.datetime(2026, 3, 23, tzinfo=dt.UTC)
    return [event for event in Truth(world).events if event.start is not None and since <= event.start < until]


async def test_a_dashboard_of_eight_weeks(gateway: Gateway, world: World) -> None:
    answer = await gateway.ask(DASHBOARD, f=WEEKS)
    reported = answer.ok["meetingStats"]
    events = of_weeks(world)
    truth = Truth(world)
    owners = [truth.meeting(event)["owner"] for event in events]
    statuses = Counter(event.status for event in events)
    assert reported["total"]["meetings"] == len(events) > 800
    assert (reported["total"]["booked"], reported["total"]["canceled"]) == (statuses["BOOKED"], statuses["CANCELED"])
    expected = Counter((owner and owner["id"], event.status) for owner, event in zip(owners, events, strict=True))
    found = {
        (group["owner"] and group["owner"]["id"], group["status"]): group["counts"] for group in reported["groups"]
    }
    assert {key: counts["meetings"] for key, counts in found.items()} == expected
    names = [group["owner"]["name"] for group in reported["groups"] if group["owner"]]
    assert names == sorted(names, key=str.casefold)
    assert sum(call.cost or 1 for call in answer.calls) <= COLD  # Drift does not say what a call costs: one


async def test_those_of_one_filter_are_read_once(little: Gateway) -> None:
    query = """query($f: MeetingFilter) {
      one: meetingStats(filter: $f, groupBy: [OWNER]) { total { meetings } groups { counts { meetings } } }
      two: meetingStats(filter: $f, groupBy: [WEEK], timeZone: "Asia/Tokyo") { groups { from counts { meetings } } }
      three: meetingStats(filter: $f) { total { noShowRate } } }"""
    together = await little.ask(query, f=WEEKS)
    alone = await little.ask(BY % "groups { counts { meetings } }", f=WEEKS, by=["OWNER"])
    assert together.endpoints == alone.endpoints
    reported = together.ok
    total = reported["one"]["total"]["meetings"]
    for name in ("one", "two"):
        assert sum(group["counts"]["meetings"] for group in reported[name]["groups"]) == total > 0


@pytest.mark.parametrize("canceled", [None, "EXCLUDE", "INCLUDE", "ONLY"])
async def test_a_list_beside_them_is_counted_by_their_walk(gateway: Gateway, canceled: str | None) -> None:
    listed = "meetings(first: 25, filter: $f) { totalCount nodes { id owner { name } } pageInfo { hasNextPage } }"
    grouped = "meetingStats(filter: $f, groupBy: [OWNER, STATUS]) { total { meetings } groups { owner { name } } }"
    wanted = WEEKS if canceled is None else {**WEEKS, "canceled": canceled}
    alone = await gateway.ask(f"query($f: MeetingFilter) {{ {listed} }}", f=wanted)
    stats = await gateway.ask(f"query($f: MeetingFilter) {{ {grouped} }}", f=wanted)
    together = await gateway.ask(f"query($f: MeetingFilter) {{ {listed} {grouped} }}", f=wanted)
    assert together.ok == {**alone.ok, **stats.ok}
    assert len(together.calls) - len(stats.calls) <= 4  # a page of its own, of one lane or two
    assert sum(call.cost or 1 for call in together.calls) <= COLD


async def test_a_list_beside_them_is_counted_by_itself_where_they_cannot_be(little: Gateway) -> None:
    query = """query($f: MeetingFilter) {
      meetings(first: 1, filter: $f) { totalCount } meetingStats(filter: $f) { total { meetings } } }"""
    whole = (await little.ask(query, f=WEEKS)).ok["meetings"]["totalCount"]
    little.stats_rows = 10
    answer = await little.ask(query, f=WEEKS)
    assert answer.data["meetings"]["totalCount"] == whole
    assert (answer.data["meetingStats"], answer.codes) == (None, ["OPERATION_TOO_COSTLY"])
    other = query.replace(
        "$f) { total {", '{startTime: {gte: "2026-01-26T00:00:00Z", lt: "2026-02-01T00:00:00Z"}}) { total {'
    )
    little.stats_rows = 5_000
    answer = await little.ask(other, f=WEEKS)
    assert answer.ok["meetings"]["totalCount"] == whole > answer.ok["meetingStats"]["total"]["meetings"]


async def test_nothing_is_loaded_that_is_not_selected(little: Gateway) -> None:
    answer = await little.ask(BY % "total { meetings }", f=WEEKS, by=["OWNER", "ACCOUNT", "CADENCE"])
    assert answer.ok["meetingStats"]["total"]["meetings"] > 0
    assert set(answer.endpoints) == {"meetings", "users/meetings/org"}


async def test_each_kind_of_record_is_one_batch(little: Gateway) -> None:
    by = ["OWNER", "BOOKED_BY", "ACCOUNT", "CADENCE"]
    wanted = {**WEEKS, "sources": ["SALESLOFT"]}
    query = BY % "groups { owner { name } bookedBy { name } account { name } cadence { name } counts { meetings } }"
    answer = await little.ask(query, f=wanted, by=by)
    assert answer.errors == []
    assert {name: answer.endpoints[name] for name in ("users", "accounts", "cadences")} == {
        "users": 1,
        "accounts": 1,
        "cadences": 1,
    }


async def test_a_source_that_fails_takes_only_its_meetings(small: World) -> None:
    async with running(small) as gateway:
        whole = (await gateway.ask(DASHBOARD, f=WEEKS)).ok["meetingStats"]
        await gateway.emulators.drift.listener.refuse()
        answer = await gateway.ask(DASHBOARD, f=WEEKS)
        reported = answer.data["meetingStats"]
        statuses = {report["source"]: report["status"] for report in reported["sourceReports"]}
        assert statuses == {"SALESLOFT": "OK", "DRIFT": "FAILED"}
        assert 0 < reported["total"]["meetings"] < whole["total"]["meetings"]
        await gateway.emulators.salesloft.listener.refuse()
        answer = await gateway.ask(DASHBOARD, f=WEEKS)
        assert answer.data["meetingStats"] is None
        assert answer.codes == ["UPSTREAM_UNAVAILABLE"]


async def test_a_record_that_cannot_be_loaded_is_an_error_of_its_field(small: World) -> None:
    async with running(small) as gateway:
        gateway.emulators.salesloft.faults.add(Status(500), "users")
        wanted = {**WEEKS, "sources": ["SALESLOFT"]}
        answer = await gateway.ask(BY % "groups { owner { name } counts { meetings } }", f=wanted, by=["OWNER"])
    groups = answer.data["meetingStats"]["groups"]
    assert all(group["owner"] is None for group in groups)
    assert len(groups) > 1
    assert {error["path"][-1] for error in answer.errors} == {"owner"}


async def test_more_meetings_than_are_read_are_refused(small: World) -> None:
    async with running(small) as gateway:
        gateway.stats_rows = 10
        answer = await gateway.ask(DASHBOARD, f=WEEKS)
    assert answer.data["meetingStats"] is None
    assert answer.codes == ["OPERATION_TOO_COSTLY"]
    assert answer.errors[0]["extensions"]["allowed"] == 10
    assert "10" in answer.errors[0]["message"]


@pytest.mark.parametrize(
    ("group", "scope"), [("OWNER", "users:read"), ("ACCOUNT", "accounts:read"), ("CADENCE", "cadences:read")]
)
async def test_what_may_not_be_read_is_not_grouped_by(little: Gateway, group: str, scope: str) -> None:
    little.principal = Principal("tests", frozenset(SCOPES - {scope, "pii:read"}))
    answer = await little.ask(BY % "total { meetings }", f=WEEKS, by=[group])
    assert (answer.codes, answer.calls) == (["FORBIDDEN"], [])
    assert answer.errors[0]["extensions"]["argument"] == "groupBy"
    assert (await little.ask(BY % "total { meetings }", f=WEEKS, by=["STATUS"])).errors == []


async def test_meetings_may_not_be_counted_by_who_may_not_read_them(little: Gateway) -> None:
    little.principal = Principal("tests", frozenset(SCOPES - {"meetings:read"}))
    answer = await little.ask(BY % "total { meetings }", f=WEEKS, by=[])
    assert (answer.codes, answer.calls) == (["FORBIDDEN"], [])


YEAR = {"gte": "2025-01-01T00:00:00Z", "lt": "2026-01-03T00:00:00Z"}
BAD: list[tuple[dict[str, Any], str]] = [
    ({"by": ["OWNER", "STATUS", "OWNER"]}, "groupBy"),
    ({"by": ["DAY", "WEEK"]}, "groupBy"),
    ({"by": ["MONTH", "OWNER", "DAY"]}, "groupBy"),
    ({"z": "Europe/Berln"}, "timeZone"),
    ({"z": ""}, "timeZone"),
    ({"z": "x" * 100_000}, "timeZone"),
    ({"f": None}, "filter"),
    ({"f": {}}, "filter"),
    ({"f": {"startTime": {"gte": "2026-01-01T00:00:00Z"}}}, "filter"),
    ({"f": {"startTime": {"gte": "2026-01-01T00:00:00Z"}, "createdAt": {"lt": "2026-01-01T00:00:00Z"}}}, "filter"),
    ({"f": {"endTime": {"gte": "2026-01-01T00:00:00Z", "lt": "2026-02-01T00:00:00Z"}}}, "filter.endTime"),
    ({"f": {"startTime": {"gte": "2026-02-01T00:00:00Z", "lt": "2026-01-01T00:00:00Z"}}}, "filter.startTime"),
    ({"f": {"startTime": YEAR}, "by": ["DAY"]}, "filter.startTime"),
    ({"f": {"createdAt": YEAR}, "by": ["DAY", "STATUS"]}, "filter.createdAt"),
    ({"f": {"days": {"from": "2025-01-01", "to": "2026-01-02", "timeZone": "UTC"}}, "by": ["DAY"]}, "filter.days"),
    ({"f": {"updatedAt": YEAR}, "by": ["DAY"]}, "filter.updatedAt"),
    ({"f": {"overlaps": YEAR}, "by": ["DAY"]}, "filter.overlaps"),
    ({"by": ["DAY", "WEEK", "MONTH"]}, "groupBy"),
    ({"by": ["DAY", "DAY"]}, "groupBy"),
    ({"z": " "}, "timeZone"),
    ({"z": "+02:00"}, "timeZone"),
    ({"z": "../UTC"}, "timeZone"),
    ({"z": "UTC\x00"}, "timeZone"),
    ({"f": {"startTime": {}}}, "filter"),
    ({"f": {"startTime": None}}, "filter"),
    ({"f": {"startTime": {"gte": None, "lt": None}}}, "filter"),
    ({"f": {"overlaps": {"gte": "2026-01-01T00:00:00Z"}}}, "filter"),
    ({"f": {"days": {"from": "2026-03-02", "to": "2026-03-01", "timeZone": "UTC"}}}, "filter.days"),
    ({"f": {"days": {"from": "2026-03-01", "to": "2026-03-01", "timeZone": "Mars/Base"}}}, "filter.days.timeZone"),
    ({"f": {"days": {"from": "0001-01-01", "to": "0001-01-02", "timeZone": "UTC"}}}, "filter.days"),
    ({"f": {"days": {"from": "9999-12-31", "to": "9999-12-31", "timeZone": "UTC"}}}, "filter.days"),
    ({"f": {"overlaps": {"gte": "0001-01-01T00:00:00Z", "lt": "2026-01-01T00:00:00Z"}}}, "filter.overlaps"),
    ({"f": {**WEEKS, "titleContains": ""}}, "filter.titleContains"),
    ({"f": {**WEEKS, "titleContains": " \t "}}, "filter.titleContains"),
    ({"f": {**WEEKS, "titleContains": "x" * 201}}, "filter.titleContains"),
    ({"f": {**WEEKS, "attendeeDomains": ["a@b.example"]}}, "filter.attendeeDomains[0]"),
]


@pytest.mark.parametrize(("asked", "argument"), BAD)
async def test_what_cannot_be_meant_is_refused_before_any_call(
    little: Gateway, asked: dict[str, Any], argument: str
) -> None:
    variables: dict[str, Any] = {"f": WEEKS, "by": [], **asked}
    answer = await little.ask(BY % "total { meetings }", **variables)
    assert (answer.codes, answer.calls) == (["BAD_USER_INPUT"], [])
    assert answer.errors[0]["extensions"]["argument"] == argument


@pytest.mark.parametrize("by", ["DAY", "WEEK", "MONTH"])
@pytest.mark.parametrize(
    "bounds",
    [
        {"gte": "9999-12-01T00:00:00Z", "lte": "9999-12-31T23:59:59.999999Z"},
        {"gt": "9999-12-31T23:59:59.999998Z", "lte": "9999-12-31T23:59:59.999999Z"},
        {"gte": "0001-01-01T00:00:00Z", "lt": "0001-01-03T00:00:00Z"},
    ],
    ids=["last month", "last instant", "first days"],
)
async def test_a_range_at_either_end_of_time_is_counted_like_any_other(
    small: World, by: str, bounds: dict[str, str]
) -> None:
    """With Calendly, which is read by its months."""
    key = next(key for key, row in small.salesloft.meetings.items() if row["start_time"] and not row["canceled_at"])
    small.salesloft.meetings.change(key, start_time="9999-12-31T12:00:00.000000Z", event_id=None, i_cal_uid=None)
    async with running(small) as gateway:
        gateway.sources = ("SALESLOFT", "DRIFT", "CALENDLY")
        selected = "total { meetings } groups { from to counts { meetings } }"
        found = (await gateway.ask(BY % selected, f={"startTime": bounds}, by=[by])).ok["meetingStats"]
    assert found["total"]["meetings"] == int(bounds.get("gte", "").startswith("9999-12-01"))
    assert sum(group["counts"]["meetings"] for group in found["groups"]) == found["total"]["meetings"]


async def test_days_of_any_name_of_a_zone_are_counted_and_read_once(little: Gateway) -> None:
    def days(zone: str) -> dict[str, Any]:
        return {"days": {"from": "2026-03-02", "to": "2026-03-15", "timeZone": zone}}

    query = """query($a: MeetingFilter, $b: MeetingFilter) {
      a: meetingStats(filter: $a, groupBy: [DAY], timeZone: "US/Eastern") { groups { from to counts { meetings } } }
      b: meetingStats(filter: $b, groupBy: [DAY], timeZone: "America/New_York") {
        groups { from to counts { meetings } } } }"""
    answer = await little.ask(query, a=days("US/Eastern"), b=days("America/New_York"))
    reported = answer.ok
    assert reported["a"] == reported["b"]
    sunday = next(group for group in reported["a"]["groups"] if group["from"] == "2026-03-08T05:00:00.000000Z")
    assert sunday["to"] == "2026-03-09T04:00:00.000000Z", "a day of 23 hours"
    alone = await little.ask(BY % "total { meetings }", f=days("EST5EDT"), by=[])
    assert alone.endpoints == answer.endpoints


async def test_an_unknown_zone_is_refused_with_similar_names(little: Gateway) -> None:
    answer = await little.ask(BY % "total { meetings }", f=WEEKS, by=[], z="New York")
    assert "America/New_York" in answer.errors[0]["message"]


async def test_an_empty_list_is_counted_without_a_call(little: Gateway) -> None:
    selected = "total { meetings noShowRate } groups { status }"
    answer = await little.ask(BY % selected, f={**WEEKS, "ids": []}, by=["STATUS"])
    assert answer.ok["meetingStats"] == {"total": {"meetings": 0, "noShowRate": None}, "groups": []}
    assert answer.calls == []
