"""Lists of meetings under many records at once: each what it is alone, at a price that is theirs together."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any

import pytest

from gateway.catalog.shared_walk import FEW, MAX_SINGLY, SPARE
from gateway.emulator.world import World
from tests.graph.oracle import Truth, formatted, global_id, ordered
from tests.world import Asked, Gateway

PAGE_ROWS = 100
"""Rows of a full page of Salesloft's."""

LIST = """nodes { id title startTime status owner { id } person { id } }
  edges { cursor } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  sourceReports { source status message }"""


def under(door: str, arguments: str, selected: str = LIST, first: int = 25) -> str:
    return "{ %s(first: %d) { nodes { id meetings(%s) { %s } } } }" % (door, first, arguments, selected)


async def alone(gateway: Gateway, kind: str, id_: str, arguments: str, selected: str = LIST) -> Any:
    """The list under one record."""
    query = "query($id: ID!) { node(id: $id) { ... on %s { meetings(%s) { %s } } } }"
    return (await gateway.ask(query % (kind, arguments, selected), id=id_)).ok["node"]["meetings"]


def reads(answer: Asked) -> int:
    """Calls that walk or count Salesloft's list of meetings, not those that look events up."""
    return len([call for call in answer.to("meetings") if not {"event_ids[]", "i_cal_uids[]"} & call.params.keys()])


def to_salesloft(answer: Asked) -> int:
    return len([call for call in answer.calls if call.source == "SALESLOFT"])


async def test_five_meetings_of_25_people_take_no_more_than_six_calls(gateway: Gateway) -> None:
    """The list, the people's addresses, one walk, and one look-up of Drift's events among the active and cancelled."""
    answer = await gateway.ask(under("people", "first: 5", "nodes { id title } pageInfo { hasNextPage }"))
    people = answer.ok["people"]["nodes"]
    assert len(people) == 25
    assert to_salesloft(answer) <= 6
    assert reads(answer) == 1
    truth = Truth(gateway.world)
    shown = [(event, truth.meeting(event)["person"]) for event in ordered(truth.events) if event.status != "CANCELED"]
    for person in people:
        expected = [event.id for event, whose in shown if whose is not None and whose["id"] == person["id"]]
        assert [node["id"] for node in person["meetings"]["nodes"]] == expected[:5]
        assert person["meetings"]["pageInfo"]["hasNextPage"] is (len(expected) > 5)


@pytest.mark.sampled(5)
@pytest.mark.parametrize(
    ("door", "kind"), [("people", "Person"), ("users", "User"), ("cadences", "Cadence"), ("accounts", "Account")]
)
@pytest.mark.parametrize(
    "arguments",
    [
        "first: 5",
        "last: 3",
        "first: 4, filter: {canceled: INCLUDE}",
        'first: 3, filter: {status: [BOOKED], startTime: {gte: "2026-01-01T00:00:00Z"}}',
        "first: 3, orderBy: {field: CREATED_AT, direction: ASC}",
        "first: 3, orderBy: {field: UPDATED_AT, direction: DESC}",
        "first: 0",
    ],
)
async def test_each_list_is_what_it_is_alone(gateway: Gateway, door: str, kind: str, arguments: str) -> None:
    """Rows, flags, cursors (but for the hints in them) and reports; pages are whole, as nobody's rows are many here."""
    selected = LIST.replace("edges { cursor }", "") if "UPDATED_AT" in arguments else LIST
    answer = await gateway.ask(under(door, arguments, selected))
    for node in answer.ok[door]["nodes"][::6]:
        one = await alone(gateway, kind, node["id"], arguments, selected)
        if "UPDATED_AT" in arguments:
            for page in (one, node["meetings"]):
                del page["pageInfo"]["startCursor"], page["pageInfo"]["endCursor"]
        assert node["meetings"] == one


async def test_cadences_and_accounts_cost_little_more_than_a_call_each(gateway: Gateway) -> None:
    """A call takes one cadence: what all of them have is read past only while that costs less."""
    for door in ("cadences", "accounts"):
        answer = await gateway.ask(under(door, "first: 5", "nodes { id }"))
        assert len(answer.ok[door]["nodes"]) == MAX_SINGLY
        assert reads(answer) <= MAX_SINGLY + SPARE
    cadences = await gateway.ask(under("cadences", "first: 5", "nodes { id }"))
    assert reads(cadences) < MAX_SINGLY
    few = await gateway.ask(under("cadences", "first: 5", "nodes { id }", first=4))
    assert reads(few) == 4
    assert {len(node["meetings"]["nodes"]) for node in few.ok["cadences"]["nodes"]} == {5}


async def test_steps_of_cadences_are_answered_together(gateway: Gateway) -> None:
    query = (
        "{ cadences(first: 3) { nodes { steps { id meetings(first: 2) { nodes { id } pageInfo { hasNextPage } } } } } }"
    )
    answer = await gateway.ask(query)
    steps = [step for cadence in answer.ok["cadences"]["nodes"] for step in cadence["steps"]]
    assert FEW < len(steps) <= MAX_SINGLY
    assert reads(answer) <= len(steps) + SPARE
    for step in steps[::7]:
        one = await alone(gateway, "Step", step["id"], "first: 2", "nodes { id } pageInfo { hasNextPage }")
        assert step["meetings"] == one


async def test_beyond_many_steps_some_lists_are_left_for_another_request(gateway: Gateway) -> None:
    """They say that more follows, and where to go on from."""
    page = "nodes { id } pageInfo { hasNextPage endCursor }"
    answer = await gateway.ask("{ cadences(first: 8) { nodes { steps { id meetings(first: 2) { %s } } } } }" % page)
    steps = [step for cadence in answer.ok["cadences"]["nodes"] for step in cadence["steps"]]
    assert len(steps) > MAX_SINGLY + SPARE
    lists = [(step, step["meetings"]) for step in steps]
    short = [step for step, page in lists if len(page["nodes"]) < 2 and page["pageInfo"]["hasNextPage"]]
    assert 0 < len(short) <= len(steps) - MAX_SINGLY
    for step in short[::4]:
        info, got = step["meetings"]["pageInfo"], step["meetings"]["nodes"]
        onward = f'first: {2 - len(got)}, after: "{info["endCursor"]}"'
        rest = await alone(gateway, "Step", step["id"], onward, "nodes { id }")
        assert got + rest["nodes"] == (await alone(gateway, "Step", step["id"], "first: 2", "nodes { id }"))["nodes"]


async def test_aliases_with_arguments_of_their_own_are_lists_of_their_own(gateway: Gateway) -> None:
    query = """{ people(first: 25) { nodes { id
      late: meetings(first: 2) { nodes { id } }
      early: meetings(last: 2) { nodes { id } }
      none: meetings(filter: {ids: []}) { nodes { id } totalCount } } } }"""
    answer = await gateway.ask(query)
    for node in answer.ok["people"]["nodes"][::8]:
        assert node["late"] == await alone(gateway, "Person", node["id"], "first: 2", "nodes { id }")
        assert node["early"] == await alone(gateway, "Person", node["id"], "last: 2", "nodes { id }")
        assert node["none"] == {"nodes": [], "totalCount": 0}
    assert reads(answer) <= 2 * (1 + SPARE)


async def test_a_record_that_is_met_often_has_its_list_read_once(gateway: Gateway) -> None:
    query = "{ meetings(first: 40) { nodes { owner { id meetings(first: 2) { nodes { id } } } } } }"
    answer = await gateway.ask(query)
    owners = [node["owner"] for node in answer.ok["meetings"]["nodes"] if node["owner"]]
    assert len({owner["id"] for owner in owners}) < len(owners)
    assert reads(answer) <= 1 + 1 + SPARE
    for owner in owners[::9]:
        assert owner["meetings"] == await alone(gateway, "User", owner["id"], "first: 2", "nodes { id }")


async def test_totals_are_counted_where_the_lists_end_within_what_was_read(gateway: Gateway) -> None:
    answer = await gateway.ask(under("people", "first: 5", "totalCount nodes { id }"))
    assert reads(answer) == 1
    for node in answer.ok["people"]["nodes"][::5]:
        one = await alone(gateway, "Person", node["id"], "first: 500", "nodes { id }")
        assert node["meetings"]["totalCount"] == len(one["nodes"])


async def test_a_person_s_own_filter_is_anded_with_the_list_s_record(little: Gateway) -> None:
    """A contact who is somebody of Salesloft's: both name the same person."""
    contact, person = shared_person(little.world)
    ids = {source: global_id("Person", source, key) for source, key in (("SALESLOFT", person), ("DRIFT", contact))}
    both = 'first: 500, filter: {personIds: ["%s"]}'
    bare = await alone(little, "Person", ids["SALESLOFT"], "first: 500", "nodes { id }")
    narrowed = await alone(little, "Person", ids["SALESLOFT"], both % ids["DRIFT"], "nodes { id }")
    assert bare["nodes"]
    assert narrowed == bare
    others = [row for row in little.world.salesloft.people if row != person]
    other = global_id("Person", "SALESLOFT", others[0])
    assert (await alone(little, "Person", ids["SALESLOFT"], both % other, "nodes { id }"))["nodes"] == []


def shared_person(world: World) -> tuple[int, int]:
    """A Drift contact and the person of Salesloft's who has its address, and has meetings."""
    having = {row["person"]["id"] for row in world.salesloft.meetings.values() if row["person"]}
    by_email = {row["email_address"]: row["id"] for row in world.salesloft.people.values() if row["id"] in having}
    for contact in world.drift.contacts.values():
        person = by_email.get(contact["attributes"].get("email"))
        if person is not None and person not in world.salesloft.hidden_people:
            return contact["id"], person
    raise AssertionError("nobody is in both")


async def test_no_contact_is_asked_for_where_no_row_of_drift_has_one(little: Gateway) -> None:
    for row in little.world.drift.meetings.values():
        row.pop("schedulerId", None)
    little.world.drift.meetings.touch()
    answer = await little.ask(under("people", "first: 5", "nodes { id }"))
    assert answer.endpoints["contacts"] == 0
    assert to_salesloft(answer) == 2, "the people and their meetings: nobody's address matters"


async def test_a_contact_s_address_costs_one_call(little: Gateway) -> None:
    answer = await little.ask(under("people", "first: 25", "nodes { id }"))
    people = {node["id"] for node in answer.ok["people"]["nodes"]}
    rows = [
        row for key, row in little.world.salesloft.people.items() if global_id("Person", "SALESLOFT", key) in people
    ]
    names = ("email_address", "secondary_email_address", "personal_email_address")
    addresses = {row[name].strip().casefold() for row in rows for name in names if row[name]}
    assert answer.endpoints["contacts"] == len(addresses)


# Worlds of the tests' own


def start_at(world: World, hours: float) -> str:
    return formatted(world.now - dt.timedelta(hours=hours)) or ""


def with_meetings(world: World, whose: Iterable[tuple[int, float]]) -> None:
    """Leaves the world with these meetings of Salesloft's alone: whose each is, and how many hours ago it began."""
    like = next(row for row in world.salesloft.meetings.values() if row["canceled_at"] is None)
    plain = {**like, "event_id": None, "i_cal_uid": None, "attendees": [], "guests": []}
    world.salesloft.meetings.data.clear()
    world.drift.meetings.data.clear()
    for number, (person, hours) in enumerate(whose, 1):
        link = {"id": person, "_href": f"https://api.salesloft.com/v2/people/{person}"}
        at = start_at(world, hours)
        row = {**plain, "id": number, "person": link, "start_time": at, "end_time": at, "created_at": at}
        world.salesloft.meetings.data[number] = row
    world.salesloft.meetings.touch()
    world.drift.meetings.touch()


async def newest_people(gateway: Gateway) -> list[int]:
    answer = await gateway.ask("{ people(first: 25) { nodes { salesloftId } } }")
    return [int(node["salesloftId"]) for node in answer.ok["people"]["nodes"]]


def expected_of(world: World, person: int, size: int) -> list[str]:
    rows = [row for row in world.salesloft.meetings.values() if row["person"]["id"] == person]
    rows.sort(key=lambda row: (row["start_time"], -row["id"]), reverse=True)
    return [global_id("Meeting", "SALESLOFT", row["id"]) for row in rows[:size]]


def salesloft_ids(people: Sequence[int]) -> set[str]:
    return {global_id("Person", "SALESLOFT", person) for person in people}


async def test_one_with_thousands_of_rows_does_not_cost_everybody(little: Gateway) -> None:
    """The others are read on without them: two pages, as if they were not there."""
    people = await newest_people(little)
    crowd = [(people[3], number / 100) for number in range(5_000)]
    few = [(person, 60 + place + number) for place, person in enumerate(people) for number in range(3)]
    with_meetings(little.world, [*crowd, *few])
    answer = await little.ask(under("people", "first: 5"))
    assert reads(answer) == 2
    nodes = {node["id"]: node["meetings"] for node in answer.ok["people"]["nodes"]}
    assert nodes.keys() == salesloft_ids(people)
    for person in people:
        page = nodes[global_id("Person", "SALESLOFT", person)]
        assert [row["id"] for row in page["nodes"]] == expected_of(little.world, person, 5)
        assert page["pageInfo"]["hasNextPage"] is (person == people[3])


async def test_where_rows_come_in_blocks_pages_are_short_and_go_on_exactly(little: Gateway) -> None:
    """Each person's rows fill a page upstream before the next one's begin: the most that anybody can be in the way."""
    people = await newest_people(little)
    with_meetings(
        little.world,
        [(person, place * 10 + number / 20) for place, person in enumerate(people) for number in range(120)],
    )
    answer = await little.ask(under("people", "first: 5"))
    assert reads(answer) <= -(-len(people) * 6 // PAGE_ROWS) + SPARE + FEW
    short = 0
    for person in people:
        node = next(n for n in answer.ok["people"]["nodes"] if n["id"] == global_id("Person", "SALESLOFT", person))
        page, expected = node["meetings"], expected_of(little.world, person, 5)
        got = [row["id"] for row in page["nodes"]]
        assert got == expected[: len(got)]
        assert page["pageInfo"]["hasNextPage"]
        assert [report["status"] for report in page["sourceReports"]] == ["OK", "OK"]
        if len(got) < 5:
            short += 1
            onward = f'first: {5 - len(got)}, after: "{page["pageInfo"]["endCursor"]}"'
            rest = await alone(little, "Person", node["id"], onward)
            assert got + [row["id"] for row in rest["nodes"]] == expected
    assert 0 < short < len(people)


async def test_a_page_of_lists_goes_on_after_one_cursor_together(little: Gateway) -> None:
    """`after` is one argument for all of them, and so one walk."""
    people = await newest_people(little)
    with_meetings(
        little.world, [(person, place / 7 + number) for place, person in enumerate(people) for number in range(4)]
    )
    some = await little.ask("{ meetings(first: 50) { pageInfo { endCursor } } }")
    cursor = some.ok["meetings"]["pageInfo"]["endCursor"]
    answer = await little.ask(under("people", f'first: 5, after: "{cursor}"'))
    assert reads(answer) <= 1 + 2 * 1 + 1 + SPARE
    for node in answer.ok["people"]["nodes"][::6]:
        assert node["meetings"] == await alone(little, "Person", node["id"], f'first: 5, after: "{cursor}"')
    assert sum(len(node["meetings"]["nodes"]) for node in answer.ok["people"]["nodes"]) == 50


def blocks_of_time(people: Sequence[int], *, large: int = 5, each: int = 100) -> list[tuple[int, float]]:
    """Whose meetings are when: some have many, one after the other in time; all others the newest and three old ones.

    A bulk import looks like that by the time of creation.
    """
    crowds = [
        (person, 100 + place * 10 + number / 20)
        for place, person in enumerate(people[:large])
        for number in range(each)
    ]
    newest = [(person, place / 10) for place, person in enumerate(people[large:])]
    old = [(person, 5_000 + place + 40 * number) for place, person in enumerate(people[large:]) for number in range(3)]
    return [*crowds, *newest, *old]


async def walked_on(gateway: Gateway, id_: str, page: Any, expected: Sequence[str]) -> None:
    """A list under a person, walked on from the page's cursor to where the expected rows end."""
    got = [row["id"] for row in page["nodes"]]
    while len(got) < len(expected):
        assert page["pageInfo"]["hasNextPage"]
        onward = f'first: {len(expected) - len(got)}, after: "{page["pageInfo"]["endCursor"]}"'
        page = await alone(gateway, "Person", id_, onward)
        got += [row["id"] for row in page["nodes"]]
    assert got == expected


@pytest.mark.parametrize("field", ["START_TIME", "CREATED_AT"])
async def test_lists_that_are_left_over_lose_no_row(little: Gateway, field: str) -> None:
    """What they have been dealt and where they go on from belong together."""
    people = await newest_people(little)
    with_meetings(little.world, blocks_of_time(people))
    ids = [global_id("Person", "SALESLOFT", person) for person in people]
    meetings = "meetings(first: 5, orderBy: {field: %s}) { %s }" % (field, LIST)
    answer = await little.ask(
        "query($ids: [ID!]!) { nodes(ids: $ids) { id ... on Person { %s } } }" % meetings, ids=ids
    )
    for person, node in zip(people, answer.ok["nodes"], strict=True):
        page = node["meetings"]
        assert {report["status"] for report in page["sourceReports"]} == {"OK"}
        await walked_on(little, node["id"], page, expected_of(little.world, person, 5))
