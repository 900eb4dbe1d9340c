"""The one list over three sources: order, walks, events once, change under walks, counts, any of them off or failing.

The oracle goes by the vendors' own rows, in their JSON, and shares no code with the gateway.
"""

from __future__ import annotations

import datetime as dt
import itertools
import random
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import pytest

from gateway.emulator.calendar import instant, of_millis, utc_text
from gateway.emulator.faults import Status
from gateway.emulator.world import World
from tests.seeded import seeded
from tests.waves import in_waves
from tests.world import NOW, Asked, Gateway, running

NAMES = ("SALESLOFT", "DRIFT", "CALENDLY")
PAGE = """query($first: Int, $last: Int, $after: String, $before: String, $f: MeetingFilter, $o: MeetingOrder) {
  meetings(first: $first, last: $last, after: $after, before: $before, filter: $f, orderBy: $o) { totalCount
    nodes { source sourceId sources } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    sourceReports { source status } } }"""
EVERY = {"canceled": "INCLUDE"}
REACH = dt.timedelta(days=30)
FIRST_MONTH, AFTER_LAST = dt.datetime(2025, 12, 1, tzinfo=dt.UTC), dt.datetime(2026, 10, 1, tzinfo=dt.UTC)
NEAR = dt.timedelta(days=3)
SECOND = dt.timedelta(seconds=1)


class Known(NamedTuple):
    """One vendor's record, as far as the list goes by it."""

    source: str
    id: str
    start: dt.datetime | None
    created: dt.datetime | None
    updated: dt.datetime | None
    canceled: bool
    event: str | None
    uid: str | None

    @property
    def key(self) -> tuple[str, str]:
        return self.source, self.id


def text(value: str | None) -> dt.datetime | None:
    return None if value is None else instant(value)


def records(world: World) -> list[Known]:
    """Everything that the sources give."""
    found = [
        Known(
            "SALESLOFT", str(row["id"]), text(row["start_time"]), text(row["created_at"]), text(row["updated_at"]),
            row["canceled_at"] is not None, row["event_id"], row["i_cal_uid"],
        )
        for row in world.salesloft.meetings.values()
    ]  # fmt: skip
    found += [
        Known(
            "DRIFT", row["slug"], of_millis(row["slotStart"]), of_millis(row["scheduledAt"]),
            of_millis(row["updatedAt"]), row["status"].startswith("CANCEL"), row.get("eventId"), None,
        )
        for row in world.drift.meetings.values()
        if of_millis(row["slotStart"]) >= world.now - REACH
    ]  # fmt: skip
    for key, row in world.calendly.events.items():
        start = instant(row["start_time"])
        event = row["calendar_event"] or {}
        if FIRST_MONTH <= start < AFTER_LAST:
            shared = event.get("kind") in {"google", "outlook", "exchange"}
            found.append(
                Known(
                    "CALENDLY",
                    key,
                    start,
                    instant(row["created_at"]),
                    instant(row["updated_at"]),
                    row["status"] == "canceled",
                    event.get("external_id") if shared else None,
                    None,
                )
            )
    return found


def one_event(one: Known, other: Known) -> bool:
    if one.source == other.source:
        return False
    if one.event and one.event == other.event:
        return True
    if one.start is None or other.start is None or one.start.timestamp() // 0.001 != other.start.timestamp() // 0.001:
        return False
    return any(
        a.uid and b.event and a.uid == re.sub(r"_\d{8}(T\d{6}Z?)?$", "", b.event) + "@google.com"
        for a, b in ((one, other), (other, one))
    )


def shown(known: Iterable[Known], sources: Sequence[str]) -> list[Known]:
    """The records that are shown of some sources: those whose event no higher one holds."""
    ours = [each for each in known if each.source in sources]
    rank = {name: place for place, name in enumerate(NAMES)}
    return [
        each
        for each in ours
        if not any(rank[other.source] < rank[each.source] and one_event(each, other) for other in ours)
    ]


def ordered(rows: Iterable[Known], field: str, *, descending: bool) -> list[tuple[str, str]]:
    def key(row: Known) -> tuple[Any, ...]:
        value = getattr(row, field)
        place = 0.0 if value is None else round((value - NOW) / dt.timedelta(microseconds=1))
        return value is None, -place if descending else place, NAMES.index(row.source), len(row.id), row.id

    return [row.key for row in sorted(rows, key=key)]


def small(seed: int = 7) -> World:
    return seeded(
        NOW, seed, users=10, accounts=4, people=40, cadences=3, tasks=3, salesloft_meetings=90, drift_meetings=60,
        calendly_meetings=60,
    )  # fmt: skip


@pytest.fixture
async def three() -> AsyncIterator[Gateway]:
    """A gateway over all three, and a world of the test's own."""
    async with running(small()) as gateway:
        gateway.sources = NAMES
        gateway.cold = False
        yield gateway


def keys(answer: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(node["source"], node["sourceId"]) for node in answer["meetings"]["nodes"]]


async def walked(
    gateway: Gateway, sizes: Callable[[], int], *, backward: bool = False, **variables: Any
) -> list[tuple[str, str]]:
    """The whole list, page after page."""
    found: list[tuple[str, str]] = []
    cursor: str | None = None
    while True:
        page = {"last": sizes(), "before": cursor} if backward else {"first": sizes(), "after": cursor}
        answer = (await gateway.ask(PAGE, **page, **variables)).ok
        info = answer["meetings"]["pageInfo"]
        found = keys(answer) + found if backward else found + keys(answer)
        cursor = info["startCursor" if backward else "endCursor"]
        if not info["hasPreviousPage" if backward else "hasNextPage"]:
            return found


FIELDS = {"START_TIME": "start", "CREATED_AT": "created", "UPDATED_AT": "updated"}


@pytest.mark.sampled(4)
@pytest.mark.parametrize("direction", ["ASC", "DESC"])
@pytest.mark.parametrize("field", FIELDS)
async def test_every_walk_is_the_one_list(three: Gateway, field: str, direction: str) -> None:
    known = shown(records(three.world), NAMES)
    expected = ordered(known, FIELDS[field], descending=direction == "DESC")
    assert {source for source, _ in expected} == set(NAMES)
    rng = random.Random(f"{field}{direction}")
    order = {"field": field, "direction": direction}
    for backward in (False, True):
        found = await walked(three, lambda: rng.randrange(5, 40), backward=backward, f=EVERY, o=order)
        assert found == expected, f"backward: {backward}"
    answer = (await three.ask(PAGE, first=1, f=EVERY, o=order)).ok
    assert answer["meetings"]["totalCount"] == len(expected)


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_each_event_is_shown_once_with_every_source_that_holds_it(seed: int) -> None:
    world = small(seed)
    known = records(world)
    async with running(world) as gateway:
        gateway.sources = NAMES
        nodes = (await gateway.ask(PAGE, first=500, f=EVERY)).ok["meetings"]["nodes"]
    found = {(node["source"], node["sourceId"]): set(node["sources"]) for node in nodes}
    assert found.keys() == {each.key for each in shown(known, NAMES)}
    held: Counter[tuple[str, ...]] = Counter()
    for row in shown(known, NAMES):
        near = [
            other for other in known
            if one_event(row, other)
            and (other.source != "CALENDLY" or (row.start and other.start and abs(row.start - other.start) <= NEAR))
        ]  # fmt: skip
        direct = {row.source, *(other.source for other in near)}
        assert found[row.key] >= direct
        held[tuple(sorted(direct, key=NAMES.index))] += 1
    assert held["SALESLOFT", "CALENDLY"]


@pytest.mark.parametrize("sources", [each for size in (1, 2, 3) for each in itertools.combinations(NAMES, size)])
async def test_a_filter_by_source_lists_those_alone(three: Gateway, sources: tuple[str, ...]) -> None:
    expected = ordered(shown(records(three.world), sources), "start", descending=True)
    answer = (await three.ask(PAGE, first=500, f={**EVERY, "sources": list(sources)})).ok
    assert keys(answer) == expected
    skipped = {each["source"] for each in answer["meetings"]["sourceReports"] if each["status"] == "SKIPPED"}
    assert skipped == set(NAMES) - set(sources)


STATES = [each for each in itertools.product(("on", "off", "failing"), repeat=3) if set(each) != {"off"}]


@pytest.mark.sampled(4)
@pytest.mark.parametrize("states", STATES, ids="-".join)
async def test_any_of_them_on_off_or_failing(states: tuple[str, ...]) -> None:
    """Each answer is what brute force says of those that answer; where none does, it is an error."""
    world = small()
    on = [name for name, state in zip(NAMES, states, strict=True) if state == "on"]
    async with running(world) as gateway:
        gateway.sources = tuple(name for name, state in zip(NAMES, states, strict=True) if state != "off")
        for name, state in zip(NAMES, states, strict=True):
            if state == "failing":
                gateway.emulators.of(name.lower()).faults.add(Status(401))
        asked = await gateway.ask(PAGE, first=500, f=EVERY)
    if not on:
        assert asked.data == {"meetings": None}
        assert asked.codes == ["UPSTREAM_REFUSED"]
        return
    answer = asked.data["meetings"]
    known = [row for row in records(world) if row.source in on]
    expected = ordered(shown(known, on), "start", descending=True)
    assert keys(asked.data) == expected
    assert answer["totalCount"] == (None if "failing" in states else len(expected))
    by_key = {row.key: row for row in known}
    for node in answer["nodes"]:
        holding = {each.source for each in known if one_event(each, by_key[node["source"], node["sourceId"]])}
        assert set(node["sources"]) >= holding - {"CALENDLY"}
    reports = {each["source"]: each["status"] for each in answer["sourceReports"]}
    assert reports.keys() == set(gateway.sources)
    for name, state in zip(NAMES, states, strict=True):
        if state != "off":
            assert (reports[name] == "FAILED") is (state == "failing"), name


async def test_what_stays_is_walked_once_whatever_changes_meanwhile(three: Gateway) -> None:
    """Events are booked, cancelled and moved between pages of a walk; the caches are passed by."""
    three.cold = True
    world, rng = three.world, random.Random(5)
    before = {row.key: row for row in records(world)}
    found: list[tuple[str, str]] = []
    cursor: str | None = None
    touched: set[tuple[str, str]] = set()
    while True:
        answer = (await three.ask(PAGE, first=9, after=cursor, f=EVERY)).ok
        found += keys(answer)
        if not answer["meetings"]["pageInfo"]["hasNextPage"]:
            break
        cursor = answer["meetings"]["pageInfo"]["endCursor"]
        key = rng.choice([*world.calendly.events])
        moved = instant(world.calendly.events[key]["start_time"]) + dt.timedelta(days=rng.randrange(-20, 20))
        touched.add(("CALENDLY", key))
        world.calendly.events.change(key, start_time=utc_text(moved), calendar_event=None)
    assert len(found) == len(set(found)) or {each for each in found if found.count(each) > 1} <= touched
    events = {row.event for row in before.values() if row.key in touched and row.event}
    stable = [row for row in shown(before.values(), NAMES) if row.key not in touched and row.event not in events]
    assert {row.key for row in stable} <= set(found)


async def test_counts_are_those_of_the_list(three: Gateway) -> None:
    bounds = {"gte": "2026-02-20T00:00:00Z", "lt": "2026-05-01T00:00:00Z"}
    query = """query($f: MeetingFilter) { meetingStats(filter: $f, groupBy: [SOURCE]) {
      total { meetings canceled } groups { source counts { meetings canceled } } } }"""
    answer = (await three.ask(query, f={"startTime": bounds})).ok["meetingStats"]
    first, last = instant(bounds["gte"]), instant(bounds["lt"])
    mine = [row for row in shown(records(three.world), NAMES) if row.start is not None and first <= row.start < last]
    assert answer["total"] == {"meetings": len(mine), "canceled": sum(row.canceled for row in mine)}
    by_source = {group["source"]: group["counts"]["meetings"] for group in answer["groups"]}
    assert by_source == Counter(row.source for row in mine)


async def test_who_owns_a_meeting_is_known_from_any_of_its_records(three: Gateway) -> None:
    """A filter on links lists what the whole list shows to meet it: rows of one source bring in those of another."""
    query = """query($f: MeetingFilter) { meetings(first: 500, filter: $f) { nodes { source sourceId owner { id }
      person { id } } } }"""
    within = {**EVERY, "startTime": {"gte": "2026-02-15T00:00:00Z", "lt": "2026-05-01T00:00:00Z"}}
    nodes = (await three.ask(query, f=within)).ok["meetings"]["nodes"]
    for field, condition in (("owner", "ownerIds"), ("person", "personIds")):
        of_each: dict[str, list[dict[str, Any]]] = {}
        for node in nodes:
            if node[field] is not None:
                of_each.setdefault(node[field]["id"], []).append(node)
        calendly = [id_ for id_, mine in of_each.items() if any(node["source"] == "CALENDLY" for node in mine)]
        for id_ in [*calendly[:6], *[each for each in of_each if each not in calendly][:4]]:
            answer = (await three.ask(query, f={**within, condition: [id_]})).ok["meetings"]
            assert answer["nodes"] == of_each[id_], (field, id_)


@pytest.mark.parametrize("sources", [NAMES, ("CALENDLY",)], ids="-".join)
async def test_lists_under_users_are_those_of_a_filter(sources: tuple[str, ...]) -> None:
    query = """query($f: MeetingFilter) { users(first: 12) { nodes { id meetings(first: 3, filter: $f) { totalCount
      nodes { source sourceId } pageInfo { hasNextPage } } } } }"""
    async with running(small()) as gateway:
        gateway.sources, gateway.cold = sources, False
        users = (await gateway.ask(query, f=EVERY)).ok["users"]["nodes"]
        assert sum(len(user["meetings"]["nodes"]) for user in users) > 10
        for user in users:
            alone = (await gateway.ask(PAGE, first=3, f={**EVERY, "ownerIds": [user["id"]]})).ok["meetings"]
            assert user["meetings"]["nodes"] == [
                {"source": node["source"], "sourceId": node["sourceId"]} for node in alone["nodes"]
            ]
            assert user["meetings"]["totalCount"] == alone["totalCount"]
            assert user["meetings"]["pageInfo"]["hasNextPage"] == alone["pageInfo"]["hasNextPage"]


WITH_PEOPLE = """query($n: Int, $f: MeetingFilter) { meetings(first: $n, filter: $f) { nodes { id source
  person { id name email } owner { name } bookedBy { name } cadence { name } step { name } account { name }
  attendees { email person { name } } } pageInfo { hasNextPage } } }"""
IN_MARCH = {"startTime": {"gte": "2026-03-01T00:00:00Z", "lt": "2026-04-01T00:00:00Z"}}
LISTED = "query($f: MeetingFilter) { meetings(first: 25, filter: $f, orderBy: {field: %s, direction: %s}) { %s } }"
UNDER = "query($f: MeetingFilter) { %s { nodes { name meetings(first: 3, filter: $f) { nodes { id startTime } } } } }"
PLAIN = "nodes { id startTime status } pageInfo { hasNextPage }"
COUNTED = """query($f: MeetingFilter) { meetingStats(filter: $f, groupBy: [%s, STATUS]) { total { meetings noShowRate }
  groups { status owner { name } cadence { name } } } }"""
OTHERS: dict[str, tuple[str, Mapping[str, Any]]] = {
    "page": (LISTED % ("START_TIME", "DESC", PLAIN), {}),
    "page of a month": (LISTED % ("START_TIME", "ASC", PLAIN), IN_MARCH),
    "by change": (LISTED % ("UPDATED_AT", "DESC", PLAIN), {}),
    "cancelled too": (LISTED % ("CREATED_AT", "ASC", PLAIN), EVERY),
    "duplicates": (LISTED % ("START_TIME", "DESC", "nodes { id drift { slug status } }"), IN_MARCH),
    "total": (LISTED % ("START_TIME", "DESC", "totalCount"), {}),
    "page and total": (LISTED % ("START_TIME", "DESC", "totalCount " + PLAIN), {}),
    "its own filter": (LISTED % ("START_TIME", "DESC", PLAIN), {"salesloft": {"status": "booked"}}),
    "related": (WITH_PEOPLE.replace("$n: Int, ", "").replace("$n", "50"), IN_MARCH),
    "counts by owner": (COUNTED % "OWNER", IN_MARCH),
    "counts by cadence": (COUNTED % "CADENCE", IN_MARCH),
    "under accounts": (UNDER % "accounts(first: 3)", {}),
    "under cadences": (UNDER % "cadences(first: 3)", {}),
    "under people": (UNDER % "people(first: 5)", IN_MARCH),
    "under users": (UNDER % "users(first: 5)", IN_MARCH),
    "people": ("{ people(first: 5) { totalCount nodes { name email owner { name } account { name } } } }", {}),
    "cadences": ("{ cadences(first: 5) { nodes { name steps { name } } } accounts(first: 5) { nodes { name } } }", {}),
    "team": ("{ users(first: 50) { nodes { name email } } }", {}),
}
"""What is asked of Salesloft and Drift, whether Calendly is there or not."""

OF_CALENDLY = {"duplicates", "related", "under users", "under people"}
"""Those in which Calendly's records of an event could fill something in, or say whose it is."""


async def without_and_with(world: World, query: str, **variables: Any) -> tuple[Asked, Asked]:
    """The answers without Calendly and with it."""
    async with running(world) as gateway:
        async with in_waves():
            without = await gateway.ask(query, **variables)
        gateway.sources = NAMES
        async with in_waves():
            return without, await gateway.ask(query, **variables)


def to_the_others(answer: Asked, name: str) -> Counter[tuple[str, ...]]:
    """The calls to Salesloft and Drift, each with all its parameters.

    Where lists of several owners are read together, another number of events may fit into the same calls.
    """
    return Counter(
        (call.source, call.endpoint, *([] if name == "under users" else [str(sorted(call.params.items()))]))
        for call in answer.calls
        if call.source != "CALENDLY"
    )


@pytest.mark.parametrize("name", OTHERS)
async def test_what_is_asked_of_the_other_two_costs_them_what_it_did(name: str) -> None:
    """The very same calls, and no wave more, but where a record of Calendly's could say something."""
    query, filter_ = OTHERS[name]
    without, with_it = await without_and_with(small(), query, f={**filter_, "sources": NAMES[:2]})
    assert to_the_others(with_it, name) == to_the_others(without, name)
    if name not in OF_CALENDLY:
        assert with_it.ok == without.ok or name == "team"
        assert with_it.request.ledger.waves() == without.request.ledger.waves()
        assert with_it.to("scheduled_events") == []


def empty() -> World:
    """A world in which nobody books by Calendly."""
    world = small()
    for table in (world.calendly.events, world.calendly.invitees):
        for key in [*table]:
            del table[key]
    return world


async def test_months_that_a_count_needs_are_read_in_few_waves() -> None:
    """Each time twice as many, as long as they hold next to nothing."""
    _, answer = await without_and_with(empty(), "{ meetings(first: 1) { totalCount } }")
    months = [(instant(call["min_start_time"] or "") + SECOND).month for call in answer.to("scheduled_events")]
    assert (months[:1], {*months[1:3]}, {*months[3:7]}, {*months[7:]}) == ([9], {8, 7}, {6, 5, 4, 3}, {2, 1, 12})
    assert answer.request.ledger.waves() == 4


@pytest.mark.parametrize("name", OTHERS)
async def test_a_calendly_without_events_costs_the_other_two_nothing(name: str) -> None:
    query, filter_ = OTHERS[name]
    without, with_it = await without_and_with(empty(), query, f=filter_)
    assert to_the_others(with_it, name) == to_the_others(without, name)


@pytest.mark.parametrize(
    ("sources", "size", "bounds", "cost"),
    [
        # a month; its events' invitees, and the team meanwhile
        (("CALENDLY",), 10, IN_MARCH, (2, 13)),
        # pages; duplicates; invitees, and all that the other rows need; the invitees as Salesloft knows them
        (("SALESLOFT", "CALENDLY"), 100, IN_MARCH, (4, 19)),
        # and the further months that the page reaches into, all at once, once Salesloft's rows say how far that is
        (("SALESLOFT", "CALENDLY"), 25, {}, (5, 18)),
        # no invitees on the page
        (NAMES, 25, IN_MARCH, (4, 19)),
        # and those of the invitees whom Salesloft does not know, as Drift knows them
        (NAMES, 25, {}, (6, 26)),
    ],
)
async def test_a_cold_page_with_people_takes_few_waves(
    gateway: Gateway, sources: tuple[str, ...], size: int, bounds: Mapping[str, Any], cost: tuple[int, int]
) -> None:
    gateway.sources = sources
    async with in_waves():
        answer = await gateway.ask(WITH_PEOPLE, n=size, f=bounds)
    nodes = answer.ok["meetings"]["nodes"]
    assert all(node["person"] for node in nodes if node["source"] == "CALENDLY")
    assert (answer.request.ledger.waves(), len(answer.calls)) == cost


@pytest.mark.parametrize("bound", [{"gte": "0001-01-02T00:00:00Z"}, {"lt": "9999-12-30T00:00:00Z"}])
async def test_a_bound_at_either_end_of_time_is_one_like_any_other(three: Gateway, bound: Mapping[str, str]) -> None:
    owner = next(iter(three.world.salesloft.users.values()))["email"]
    plain = (await three.ask(PAGE, first=500, f={**EVERY, "ownerEmails": [owner]})).ok
    assert (await three.ask(PAGE, first=500, f={**EVERY, "ownerEmails": [owner], "startTime": bound})).ok == plain


@pytest.mark.parametrize("start", ["0001-01-01T00:00:00.000000+00:00", "9999-12-31T00:00:00.000000+00:00"])
async def test_a_meeting_at_either_end_of_time_has_no_twin_in_calendly(three: Gateway, start: str) -> None:
    key = next(iter(three.world.salesloft.meetings))
    three.world.salesloft.meetings.change(key, start_time=start)
    query = "query($v: ID!) { meeting(by: {salesloftId: $v}) { sourceId calendly { status } } }"
    found = (await three.ask(query, v=str(key))).ok["meeting"]
    assert found == {"sourceId": str(key), "calendly": None}
