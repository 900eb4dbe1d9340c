"""Calendly through the front door: a query in, the JSON and the upstream calls out."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from graphql import get_named_type, is_object_type

from gateway.emulator.calendly.api import CalendlyOptions
from gateway.emulator.calendly.team import key_of
from gateway.emulator.world import World
from gateway.graph.ids import global_id
from gateway.model.records import Kind, Source
from gateway.model.scopes import SCOPES, Principal
from tests.sources.calendly.stand import EVENTS, INVITEES, MARCH, PAGE, booker, ids, in_window, invitees_of, walked
from tests.sources.calendly.stand import book as book
from tests.sources.calendly.stand import little as little
from tests.sources.calendly.stand import small as small
from tests.sources.calendly.stand import world as world
from tests.world import NOW, Gateway, running


@pytest.mark.parametrize("inclusive", [False, True])
async def test_a_list_is_every_event_of_the_window_in_order(small: World, *, inclusive: bool) -> None:
    edge = next(iter(small.calendly.events))
    small.calendly.events.change(edge, start_time="2026-03-01T00:00:00.000000Z", status="active")
    async with running(small, calendly=CalendlyOptions(inclusive=inclusive)) as gateway:
        gateway.sources = ("CALENDLY",)
        gateway.cold = False
        found = await walked(gateway, 7, f={"canceled": "INCLUDE"})
    rows = in_window(small)
    assert sorted(found) == sorted(rows)
    assert [rows[key]["start_time"] for key in found] == sorted((r["start_time"] for r in rows.values()), reverse=True)


@pytest.mark.parametrize("field", ["START_TIME", "CREATED_AT", "UPDATED_AT"])
async def test_both_directions_meet_the_same_rows(book: Gateway, world: World, field: str) -> None:
    book.cold = False
    order = {"field": field, "direction": "ASC"}
    found = await walked(book, 60, o=order, f={"canceled": "INCLUDE"})
    last = (await book.ask(PAGE, last=40, o=order, f={"canceled": "INCLUDE"})).ok
    assert ids(last) == found[-40:]
    before = (await book.ask(PAGE, last=40, before=last["meetings"]["pageInfo"]["startCursor"], o=order,
                             f={"canceled": "INCLUDE"})).ok  # fmt: skip
    assert ids(before) == found[-80:-40]
    assert len(found) == len(in_window(world))


async def test_a_page_costs_the_months_that_it_touches(book: Gateway, world: World) -> None:
    answer = await book.ask(PAGE, first=100, f=MARCH)
    wanted = [
        key
        for key, row in in_window(world, canceled=False).items()
        if "2026-03-05T00:00:00.000000Z" <= row["start_time"] < "2026-03-25T00:00:00.000000Z"
    ]
    assert sorted(ids(answer.ok)) == sorted(wanted)
    assert answer.endpoints == {EVENTS: 1, "users/me": 1}
    (call,) = answer.to(EVENTS)
    assert call["count"] == "100"


async def test_what_was_read_costs_nothing_again(book: Gateway) -> None:
    book.cold = False
    await book.ask(PAGE, first=5, f=MARCH)
    again = await book.ask(PAGE, first=100, f={**MARCH, "canceled": "ONLY"})
    assert again.calls == []


async def test_invitees_cost_a_call_an_event_where_they_are_selected(book: Gateway, world: World) -> None:
    query = """query($f: MeetingFilter) { meetings(first: 10, filter: $f) { nodes { sourceId timeZone noShow
      person { email name timeZone } attendees { email organizer } calendly { invitees { email status } } } } }"""
    answer = await book.ask(query, f=MARCH)
    nodes = answer.ok["meetings"]["nodes"]
    assert answer.endpoints == {EVENTS: 1, "users/me": 1, INVITEES: len(nodes)}
    for node in nodes:
        assert node["person"]["email"].casefold() == booker(world, node["sourceId"])
        sent = invitees_of(world, node["sourceId"])
        assert [each["email"] for each in node["calendly"]["invitees"]] == [row["email"] for row in sent]
        assert [each["email"] for each in node["attendees"] if not each["organizer"]] == [row["email"] for row in sent]
        past = world.calendly.events[node["sourceId"]]["start_time"] <= "2026-03-18T15:20"
        active = [row for row in sent if row["status"] == "active"]
        assert node["noShow"] is (past and bool(active) and all(row["no_show"] for row in active))


async def test_people_are_known_by_one_call_an_address(book: Gateway, world: World) -> None:
    key = next(key for key, row in in_window(world).items() if row["invitees_counter"]["total"] == 1)
    email = booker(world, key)
    answer = await book.ask(PAGE, first=100, f={"personEmails": [email.upper()], "canceled": "INCLUDE"})
    wanted = [each for each in in_window(world) if booker(world, each) == email]
    assert sorted(ids(answer.ok)) == sorted(wanted)
    assert answer.endpoints[EVENTS] == 1
    assert [call["invitee_email"] for call in answer.to(EVENTS)] == [email]


async def test_a_person_of_calendly_alone_is_found_again_by_an_id_that_does_not_show_them(
    book: Gateway, world: World
) -> None:
    key = next(iter(in_window(world, canceled=False)))
    people = "query($v: ID!) { meeting(by: {calendlyId: $v}) { person { id name email sources } } }"
    person = (await book.ask(people, v=key)).ok["meeting"]["person"]
    assert person["email"] == booker(world, key)
    again = (
        "query($id: ID!) { node(id: $id) { ... on Person { id email meetings(first: 50) { nodes { sourceId } } } } }"
    )
    found = (await book.ask(again, id=person["id"])).ok["node"]
    assert found["email"] == person["email"]
    mine = [each for each in in_window(world, canceled=False) if booker(world, each) == person["email"]]
    assert sorted(node["sourceId"] for node in found["meetings"]["nodes"]) == sorted(mine)
    by = "query($e: String!) { person(by: {email: $e}) { id } }"
    assert (await book.ask(by, e=person["email"])).ok["person"]["id"] == person["id"]


async def test_no_shows_are_read_of_the_invitees(book: Gateway, world: World) -> None:
    answer = await book.ask(PAGE, first=100, f={**MARCH, "noShow": True})
    wanted = [
        key
        for key, row in in_window(world, canceled=False).items()
        if "2026-03-05" <= row["start_time"] < "2026-03-18T15:20"
        and all(each["no_show"] for each in invitees_of(world, key) if each["status"] == "active")
    ]
    assert sorted(ids(answer.ok)) == sorted(wanted)
    others = await book.ask(PAGE, first=100, f={**MARCH, "noShow": False})
    assert not set(wanted) & set(ids(others.ok))


async def test_more_invitees_than_are_read_for_a_condition_are_reported(book: Gateway) -> None:
    answer = await book.ask(PAGE, first=500, f={"noShow": False, "startTime": {"lt": "2026-03-18T00:00:00Z"}})
    (report,) = answer.ok["meetings"]["sourceReports"]
    assert answer.endpoints[INVITEES] == 100
    assert report["status"] == "PARTIAL"


async def test_its_own_filter(book: Gateway, world: World) -> None:
    rows = in_window(world)
    host = key_of(next(iter(rows.values()))["event_memberships"][0]["user"])
    kind = key_of(next(iter(world.calendly.event_types.values()))["uri"])
    own = {"userIds": [host], "eventTypeIds": [kind]}
    answer = await book.ask(PAGE, first=500, f={"canceled": "INCLUDE", "calendly": own})
    assert sorted(ids(answer.ok)) == sorted(
        key
        for key, row in rows.items()
        if host in {key_of(each["user"]) for each in row["event_memberships"]}
        and key_of(row["event_type"] or "") == kind
    )
    email = booker(world, next(iter(rows)))
    answer = await book.ask(PAGE, first=500, f={"canceled": "INCLUDE", "calendly": {"inviteeEmails": [email]}})
    assert sorted(ids(answer.ok)) == sorted(
        key for key in rows if email in {row["email"].strip().casefold() for row in invitees_of(world, key)}
    )
    answer = await book.ask(PAGE, first=500, f={"calendly": {"status": ["CANCELED"]}, "canceled": "INCLUDE"})
    assert sorted(ids(answer.ok)) == sorted(key for key, row in rows.items() if row["status"] == "canceled")


async def test_attendees_are_invitees_guests_and_hosts(book: Gateway, world: World) -> None:
    rows = in_window(world)
    month = {"startTime": {"gte": "2026-03-01T00:00:00Z", "lt": "2026-04-01T00:00:00Z"}, "canceled": "INCLUDE"}
    mine = {key: row for key, row in rows.items() if row["start_time"].startswith("2026-03")}
    guest = next(each["email"] for row in mine.values() for each in row["event_guests"])
    invitee = booker(world, next(iter(mine)))
    for email in (guest, invitee):
        answer = await book.ask(PAGE, first=500, f={**month, "attendeeEmails": [email]})
        wanted = [
            key
            for key, row in mine.items()
            if email in {each["email"].strip().casefold() for each in (*invitees_of(world, key), *row["event_guests"])}
        ]
        assert sorted(ids(answer.ok)) == sorted(wanted)


def domains_of(world: World, key: str, row: Any, *, invitees: bool) -> set[str]:
    """The domains of an event's hosts and guests, and of its invitees too."""
    hosts = (each.get("user_email") for each in row["event_memberships"])
    others = (each["email"] for each in (*row["event_guests"], *(invitees_of(world, key) if invitees else ())))
    return {str(email).rpartition("@")[2].strip().casefold() for email in (*hosts, *others)}


async def test_domains_are_those_of_hosts_guests_and_invitees(book: Gateway, world: World) -> None:
    """An event is asked for its invitees, once, where neither a host nor a guest decides."""
    book.cold = False
    days = {"from": "2026-03-01", "to": "2026-03-31", "timeZone": "UTC"}
    rows = {key: row for key, row in in_window(world).items() if row["start_time"].startswith("2026-03")}
    invited = next(str(invitees_of(world, key)[0]["email"]).rpartition("@")[2].casefold() for key in rows)
    asked: set[str] = set()
    for domain in ("buyer.example", "brightquay.example", invited.upper()):
        name = domain.casefold()
        answer = await book.ask(PAGE, first=500, f={"days": days, "canceled": "INCLUDE", "attendeeDomains": [domain]})
        wanted = [key for key, row in rows.items() if name in domains_of(world, key, row, invitees=True)]
        assert wanted
        assert sorted(ids(answer.ok)) == sorted(wanted)
        undecided = {key for key, row in rows.items() if name not in domains_of(world, key, row, invitees=False)}
        assert answer.endpoints[EVENTS] <= 3, "the month of these days, and those on either side"
        assert answer.endpoints[INVITEES] <= len(undecided - asked) + 4, "those of the days on either side, at most"
        asked |= undecided
    assert asked


async def test_domains_are_looked_for_among_so_many_invitees_and_no_more(book: Gateway) -> None:
    found = {"startTime": {"lt": "2026-06-01T00:00:00Z"}, "canceled": "INCLUDE", "attendeeDomains": ["nobody.example"]}
    answer = await book.ask(PAGE, first=50, f=found)
    (report,) = answer.ok["meetings"]["sourceReports"]
    assert answer.endpoints[INVITEES] == 100
    assert (report["status"], ids(answer.ok)) == ("PARTIAL", [])


async def test_attendees_are_people_by_their_addresses(world: World) -> None:
    query = """query($f: MeetingFilter) { meetings(first: 30, filter: $f) { nodes { sourceId
      attendees { email organizer person { id email } } } } }"""
    known = {
        str(person[name]).strip().casefold()
        for person in world.salesloft.people.values()
        for name in ("email_address", "secondary_email_address", "personal_email_address")
        if person[name]
    }
    theirs = {global_id(Kind.PERSON, Source.SALESLOFT, str(key)) for key in world.salesloft.people}
    seen: set[bool] = set()
    async with running(world) as gateway:
        gateway.sources = ("SALESLOFT", "CALENDLY")
        answer = await gateway.ask(query, f={**MARCH, "sources": ["CALENDLY"]})
    for node in answer.ok["meetings"]["nodes"]:
        for attendee in node["attendees"]:
            if attendee["organizer"]:
                assert attendee["person"] is None
                continue
            address = attendee["email"].strip().casefold()
            seen.add(address in known)
            assert (attendee["person"]["id"] in theirs) is (address in known)
    assert seen == {True, False}
    assert answer.endpoints["people"] == 1, "all of them in one call"
    assert answer.endpoints[EVENTS] == 1, "and none of Calendly's own"


async def test_a_moved_event_names_the_one_that_replaced_it(book: Gateway, world: World) -> None:
    old = next(row for row in world.calendly.invitees.values() if row["rescheduled"])
    new = world.calendly.invitees[key_of(old["new_invitee"])]
    query = "query($v: ID!) { meeting(by: {calendlyId: $v}) { status rescheduledTo { sourceId status } } }"
    found = (await book.ask(query, v=key_of(old["event"]))).ok["meeting"]
    assert found["status"] == "CANCELED"
    assert found["rescheduledTo"]["sourceId"] == key_of(new["event"])


async def test_links_that_act_need_the_scope_for_personal_data(little: Gateway) -> None:
    query = """{ meetings(first: 1) { nodes { calendly { location { location } invitees { cancelUrl rescheduleUrl
      textReminderNumber questionsAndAnswers { answer } } } } } }"""
    little.principal = Principal("reader", SCOPES - {"pii:read"})
    answer = await little.ask(query)
    assert set(answer.codes) == {"FORBIDDEN"}
    assert {error["path"][-1] for error in answer.errors} == {
        "location", "cancelUrl", "rescheduleUrl", "textReminderNumber", "questionsAndAnswers",
    }  # fmt: skip


async def test_reports_say_how_far_the_window_reaches(book: Gateway) -> None:
    (report,) = (await book.ask(PAGE, first=1, f=MARCH)).ok["meetings"]["sourceReports"]
    assert report["completeSince"] == (NOW - dt.timedelta(days=90)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    assert report["completeUntil"] == (NOW + dt.timedelta(days=180)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(map(str.capitalize, rest))


def selection(kind: Any) -> str:
    """Everything of a type of the vendor's."""
    parts = []
    for name, each in kind.fields.items():
        inner = get_named_type(each.type)
        parts.append(f"{name} {selection(inner)}" if is_object_type(inner) else name)
    return f"{{ {' '.join(parts)} }}"


def reported(sent: Any, given: Any) -> Any:
    """What the graph has to show of what was sent: the fields that it has, null where there is nothing."""
    if isinstance(given, dict):
        own = {name: key for key in sent for name in [camel(key)]}
        return {
            name: key_of(sent["uri"])
            if name == "vendorId"
            else reported(sent[own[name]], value)
            if sent.get(own.get(name, "")) is not None
            else None
            for name, value in given.items()
            if name != "invitees"
        }
    if isinstance(given, list):
        return [reported(one, other) for one, other in zip(sent, given, strict=True)]
    return sent


async def test_every_field_is_shown_as_it_was_sent(book: Gateway, world: World) -> None:
    kind = book.engine().schema.type_map["CalendlyMeeting"]
    query = (
        f"query($f: MeetingFilter) {{ meetings(first: 500, filter: $f) {{ nodes {{ calendly {selection(kind)} }} }} }}"
    )
    answer = (await book.ask(query, f={**MARCH, "canceled": "INCLUDE"})).ok["meetings"]["nodes"]
    assert len(answer) > 20
    for node in answer:
        event = world.calendly.events[node["calendly"]["vendorId"]]
        given = {name: value for name, value in node["calendly"].items() if name != "invitees"}
        assert given == reported(event, given)
        assert event.keys() <= {"uri", *(name for name in event if camel(name) in given)}, "a field is not shown"
        sent = invitees_of(world, node["calendly"]["vendorId"])
        assert node["calendly"]["invitees"] == reported(sent, node["calendly"]["invitees"])
        for row, shown in zip(sent, node["calendly"]["invitees"], strict=True):
            assert {camel(name) for name in row} <= shown.keys()
