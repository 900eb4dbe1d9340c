"""Calendly's odd rows and failing calls, seen through the graph: what is lacking, and nothing else."""

from __future__ import annotations

from gateway.emulator.calendly.api import CalendlyOptions
from gateway.emulator.faults import BAD_GATEWAY, BadRows, Status, without, wrong_type
from gateway.emulator.world import World
from tests.sources.calendly.stand import EVENTS, INVITEES, MARCH, PAGE, crowded, ids, in_window, walked
from tests.sources.calendly.stand import book as book
from tests.sources.calendly.stand import little as little
from tests.sources.calendly.stand import small as small
from tests.sources.calendly.stand import world as world
from tests.world import Gateway, running


async def test_a_malformed_id_is_bad_input(book: Gateway) -> None:
    answer = await book.ask('{ meeting(by: {calendlyId: "no/id"}) { id } }')
    assert answer.codes == ["BAD_USER_INPUT"]
    assert answer.errors[0]["extensions"]["argument"] == "by.calendlyId"
    assert answer.calls == []
    assert (await book.ask('{ meeting(by: {calendlyId: "nothing"}) { id } }')).ok == {"meeting": None}
    query = "query($f: MeetingFilter) { meetings(first: 1, filter: $f) { nodes { id } } }"
    for name in ("userIds", "eventTypeIds"):
        answer = await book.ask(query, f={"calendly": {name: ["no/id"]}})
        assert [error["extensions"]["argument"] for error in answer.errors] == [f"filter.calendly.{name}[0]"]
        assert answer.calls == []


async def test_a_failing_call_takes_only_its_own_fields(little: Gateway) -> None:
    little.emulators.calendly.faults.add(Status(500), INVITEES)
    query = "{ meetings(first: 3) { nodes { sourceId title person { name } calendly { status invitees { name } } } } }"
    answer = await little.ask(query)
    assert [node["title"] is not None for node in answer.data["meetings"]["nodes"]] == [True] * 3
    assert {tuple(error["path"][-1:]) for error in answer.errors} == {("person",), ("invitees",)}
    assert set(answer.codes) == {"UPSTREAM_UNAVAILABLE"}


async def test_a_token_of_no_admin_is_reported_as_such(small: World) -> None:
    async with running(small, calendly=CalendlyOptions(role="user")) as gateway:
        gateway.sources = ("SALESLOFT", "CALENDLY")
        answer = (await gateway.ask(PAGE, first=5)).ok["meetings"]
    report = next(each for each in answer["sourceReports"] if each["source"] == "CALENDLY")
    assert (report["status"], report["code"]) == ("FAILED", "UPSTREAM_REFUSED")
    assert "admin" in report["message"]
    assert answer["nodes"]


async def test_a_page_token_that_has_expired_has_the_month_read_anew_once(small: World) -> None:
    month = [key for key, row in in_window(small).items() if row["start_time"].startswith("2026-03")]
    template = dict(small.calendly.events[month[0]])
    for number in range(250):
        key = f"{number:08d}-0000-4000-8000-000000000000"
        small.calendly.events[key] = template | {"uri": template["uri"].replace(month[0], key), "calendar_event": None}
    async with running(small) as gateway:
        gateway.sources = ("CALENDLY",)
        gateway.emulators.calendly.faults.add(Status(400), EVENTS, start=2, times=1)
        answer = await gateway.ask(PAGE, first=500, f={**MARCH, "canceled": "INCLUDE"})
    assert [call.status for call in answer.to(EVENTS)] == [200, 400, 200, 200, 200]
    (report,) = answer.ok["meetings"]["sourceReports"]
    assert report["status"] == "OK"
    assert len(ids(answer.ok)) >= 250


async def test_rows_that_lack_something_are_shown(little: Gateway) -> None:
    is_partial = BadRows(wrong_type("location", 7), at=(0,))
    little.emulators.calendly.faults.add(is_partial, EVENTS)
    query = (
        "{ meetings(first: 500, filter: {canceled: INCLUDE}) { nodes { sourceId location } sourceReports { status } } }"
    )
    answer = await little.ask(query)
    assert len(answer.data["meetings"]["nodes"]) == len(in_window(little.world))
    assert answer.data["meetings"]["sourceReports"] == [{"status": "OK"}]


async def test_rows_of_kinds_that_are_not_known_are_shown(little: Gateway) -> None:
    """Without a calendar event, with a location of a new type, with a host whose address is not given."""
    events = little.world.calendly.events
    first, second, third, fourth = list(in_window(little.world))[:4]
    host = {"user": dict(events[third])["event_memberships"][0]["user"]}
    events.change(first, calendar_event=None)
    events.change(
        second, location={"type": "hologram", "location": "+1 555 0100", "join_url": "https://holo.example/1"}
    )
    events.change(third, event_memberships=[host])
    events.change(fourth, event_memberships=[], location=None, event_type=None, name=None)
    query = """query($f: MeetingFilter) { meetings(first: 500, filter: $f) { nodes { sourceId location conferenceUrl
      calendarEventId title owner { name } calendly { location { type } } } sourceReports { status } } }"""
    answer = (await little.ask(query, f={"canceled": "INCLUDE"})).ok["meetings"]
    nodes = {node["sourceId"]: node for node in answer["nodes"]}
    assert nodes.keys() == in_window(little.world).keys()
    assert nodes[first]["calendarEventId"] is None
    assert (nodes[second]["location"], nodes[second]["conferenceUrl"]) == (None, "https://holo.example/1")
    assert nodes[second]["calendly"]["location"] == {"type": "hologram"}
    assert nodes[third]["owner"] is not None
    assert (nodes[fourth]["owner"], nodes[fourth]["title"]) == (None, None)
    assert answer["sourceReports"] == [{"status": "OK"}]


async def test_a_page_token_that_expires_twice_is_said_to_fail(small: World) -> None:
    async with running(crowded(250)) as gateway:
        gateway.sources = ("CALENDLY",)
        gateway.emulators.calendly.faults.add(Status(400), EVENTS, start=2, times=1)
        gateway.emulators.calendly.faults.add(Status(400), EVENTS, start=4, times=1)
        answer = await gateway.ask(PAGE, first=5, f=MARCH)
    assert [call.status for call in answer.to(EVENTS)] == [200, 400, 200, 400]
    assert answer.data == {"meetings": None}


async def test_a_start_that_cannot_be_read_comes_last(little: Gateway) -> None:
    little.cold = False
    little.emulators.calendly.faults.add(BadRows(wrong_type("start_time"), at=(0,)), EVENTS)
    for order in ("ASC", "DESC"):
        o = {"field": "START_TIME", "direction": order}
        found = await walked(little, 9, o=o, f={"canceled": "INCLUDE"})
        assert sorted(found) == sorted(in_window(little.world))
        starts = (await little.ask(PAGE, first=500, o=o, f={"canceled": "INCLUDE"})).data["meetings"]["nodes"]
        placed = [node["startTime"] is not None for node in starts]
        assert placed == sorted(placed, reverse=True)
        assert not all(placed)
        last = await little.ask(PAGE, last=9, o=o, f={"canceled": "INCLUDE"})
        assert [node["sourceId"] for node in last.data["meetings"]["nodes"]] == found[-9:]


async def test_a_row_without_an_id_is_lost_and_reported(little: Gateway) -> None:
    little.emulators.calendly.faults.add(BadRows(without("uri"), at=(0,)), EVENTS, times=1)
    answer = await little.ask(PAGE, first=5, f=MARCH)
    (report,) = answer.ok["meetings"]["sourceReports"]
    assert report["status"] == "PARTIAL"


async def test_a_month_that_fails_ends_the_page_without_a_hole(little: Gateway) -> None:
    little.emulators.calendly.faults.add(BAD_GATEWAY, EVENTS, start=6)
    answer = (await little.ask(PAGE, first=500, f={"canceled": "INCLUDE"})).data["meetings"]
    rows = in_window(little.world)
    found = [node["sourceId"] for node in answer["nodes"]]
    last = min(rows[key]["start_time"] for key in found)
    assert sorted(found) == sorted(key for key, row in rows.items() if row["start_time"] >= last)
    assert answer["pageInfo"]["hasNextPage"]
    assert answer["sourceReports"][0]["status"] == "PARTIAL"
    little.emulators.calendly.faults.clear()
    rest = await walked_from(little, answer["pageInfo"]["endCursor"])
    assert sorted([*found, *rest]) == sorted(rows)


async def walked_from(gateway: Gateway, cursor: str) -> list[str]:
    answer = (await gateway.ask(PAGE, first=500, after=cursor, f={"canceled": "INCLUDE"})).ok
    return ids(answer)
