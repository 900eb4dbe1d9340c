"""`_entities`: each representation by itself, by every key, in as few upstream calls as there can be."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest

from gateway.emulator.faults import Status
from gateway.emulator.world import World
from gateway.graph.federation.entities import KEYS, MAX_REPRESENTATIONS, MAX_SINGLY
from tests.federation.stage import Asks, every_key
from tests.graph.oracle import Truth, global_id
from tests.world import running
from tests.world import small as small
from tests.world import world as world


@pytest.fixture
async def little(small: World) -> AsyncIterator[Asks]:
    async with running(small) as gateway:
        yield Asks.of(gateway)


@pytest.fixture
async def gateway(world: World) -> AsyncIterator[Asks]:
    async with running(world) as gateway:
        yield Asks.of(gateway)


# Keys


async def test_every_key_of_every_type_finds_its_record(little: Asks) -> None:
    cases = every_key(little.world)
    tried = {(case["__typename"], frozenset(case) - {"__typename"}) for case, _ in cases}
    assert tried == {(kind.value, frozenset(key.fields)) for kind, keys in KEYS.items() for key in keys}
    for representation, id_ in cases:
        answer = await little.entities([representation])
        assert answer.ok["_entities"] == [{"__typename": representation["__typename"], "id": id_}], representation
    together = await little.entities([representation for representation, _ in cases])
    assert [entity["id"] for entity in together.ok["_entities"]] == [id_ for _, id_ in cases]


async def test_the_same_record_named_in_several_ways_is_the_same(little: Asks) -> None:
    every = "... on Person { id name emails owner { id name } account { id } salesloft { vendorId } }"
    people = [case for case, _ in every_key(little.world) if case["__typename"] == "Person"]
    first, *others = (await little.entities(people, every)).ok["_entities"]
    assert first["name"]
    assert all(other == first for other in others)


async def test_of_several_bearers_of_a_key_the_lowest_id_is_found(little: Asks) -> None:
    meetings, people = little.world.salesloft.meetings, little.world.salesloft.people
    hidden = little.world.salesloft.hidden_people
    shown = [row for row in people.values() if row["id"] not in hidden][:3]
    for row in shown:
        people.change(row["id"], crm_id="shared")
    booked = [row for row in meetings.values() if row["event_id"]][:3]
    for row in booked:
        meetings.change(row["id"], event_id="shared-event", i_cal_uid="")
    answer = await little.entities(
        [
            {"__typename": "Person", "crmId": "shared"},
            {"__typename": "Meeting", "calendarEventId": "shared-event"},
        ]
    )
    assert [entity["id"] for entity in answer.ok["_entities"]] == [
        global_id("Person", "SALESLOFT", min(row["id"] for row in shown)),
        global_id("Meeting", "SALESLOFT", min(row["id"] for row in booked)),
    ]


async def test_a_key_that_too_many_bear_does_not_hide_the_others(little: Asks) -> None:
    people = little.world.salesloft.people
    template = next(row for row in people.values() if row["id"] not in little.world.salesloft.hidden_people)
    for number in range(600):
        id_ = 9_000_000 + number
        people[id_] = {**template, "id": id_, "crm_id": "crowd", "email_address": f"crowd{number}@example.com"}
    people.touch()
    people.change(template["id"], crm_id="single")
    answer = await little.entities(
        [{"__typename": "Person", "crmId": "crowd"}, {"__typename": "Person", "crmId": "single"}]
    )
    crowd, single = answer.ok["_entities"]
    assert single["id"] == global_id("Person", "SALESLOFT", template["id"])
    assert crowd is not None, "of more bearers than are looked through, one of them"


# One wrong element touches no other


GOOD = {"__typename": "Cadence"}
WRONG: list[tuple[Any, str]] = [
    (5, "representations[1]"),
    ("Meeting", "representations[1]"),
    ([], "representations[1]"),
    ({}, "representations[1].__typename"),
    ({"id": "x"}, "representations[1].__typename"),
    ({"__typename": "Nobody", "id": "x"}, "representations[1].__typename"),
    ({"__typename": ["Meeting"], "id": "x"}, "representations[1].__typename"),
    ({"__typename": "_Service", "sdl": "x"}, "representations[1].__typename"),
    ({"__typename": "Meeting"}, "representations[1]"),
    ({"__typename": "Meeting", "id": None}, "representations[1]"),
    ({"__typename": "Meeting", "title": "x"}, "representations[1]"),
    ({"__typename": "Meeting", "source": "DRIFT"}, "representations[1]"),
    ({"__typename": "Meeting", "id": "x"}, "representations[1].id"),
    ({"__typename": "Meeting", "id": 1.5}, "representations[1].id"),
    ({"__typename": "Meeting", "id": True}, "representations[1].id"),
    ({"__typename": "Meeting", "id": {"id": "x"}}, "representations[1].id"),
    ({"__typename": "Meeting", "id": ["x"]}, "representations[1].id"),
    ({"__typename": "Meeting", "id": "x" * 5_000}, "representations[1].id"),
    ({"__typename": "Meeting", "id": global_id("Person", "SALESLOFT", 1)}, "representations[1].id"),
    ({"__typename": "Meeting", "id": "VXNlcjo0Mg=="}, "representations[1].id"),
    ({"__typename": "Meeting", "source": "HUBSPOT", "sourceId": "1"}, "representations[1].source"),
    ({"__typename": "Meeting", "source": "SALESLOFT", "sourceId": "slug"}, "representations[1].sourceId"),
    ({"__typename": "Meeting", "sourceId": " "}, "representations[1].sourceId"),
    ({"__typename": "Meeting", "calendarEventId": "\u0000"}, "representations[1].calendarEventId"),
    ({"__typename": "Person", "email": "nobody"}, "representations[1].email"),
    ({"__typename": "Person", "salesloftId": "1e3"}, "representations[1].salesloftId"),
    ({"__typename": "Person", "salesloftId": 10**40}, "representations[1].salesloftId"),
    ({"__typename": "Person", "crmId": ""}, "representations[1].crmId"),
    ({"__typename": "User", "guid": ""}, "representations[1].guid"),
    ({"__typename": "User", "guid": "no-guid"}, "representations[1].guid"),
    ({"__typename": "User", "email": "two@at@signs"}, "representations[1].email"),
    ({"__typename": "Person", "email": "with blank@x.example"}, "representations[1].email"),
    ({"__typename": "User", "email": 5}, "representations[1].email"),
]


@pytest.mark.parametrize(("wrong", "argument"), WRONG, ids=lambda value: str(value)[:40])
async def test_a_wrong_one_is_null_with_an_error_and_touches_no_other(little: Asks, wrong: Any, argument: str) -> None:
    ids = [global_id("Cadence", "SALESLOFT", id_) for id_ in list(little.world.salesloft.cadences)[:2]]
    answer = await little.entities([{**GOOD, "id": ids[0]}, wrong, {**GOOD, "id": ids[1]}])
    assert [entity and entity["id"] for entity in answer.data["_entities"]] == [ids[0], None, ids[1]]
    (error,) = answer.errors
    assert error["path"] == ["_entities", 1]
    assert error["extensions"] == {"code": "BAD_USER_INPUT", "argument": argument}
    assert answer.endpoints == {"cadences": 1}


async def test_nothing_found_is_null_without_an_error(little: Asks) -> None:
    id_ = global_id("Cadence", "SALESLOFT", next(iter(little.world.salesloft.cadences)))
    absent = [
        {"__typename": "Cadence", "salesloftId": "999999999"},
        {"__typename": "Person", "email": "nobody@nowhere.example"},
        {"__typename": "Person", "crmId": "none"},
        {"__typename": "User", "email": "nobody@nowhere.example"},
        {"__typename": "User", "guid": "00000000-0000-0000-0000-000000000000"},
        {"__typename": "Meeting", "sourceId": "no-such-slug"},
        {"__typename": "Meeting", "calendarEventId": "no such event"},
    ]
    answer = await little.entities([*absent, {**GOOD, "id": id_}])
    assert [entity and entity["id"] for entity in answer.ok["_entities"]] == [None] * len(absent) + [id_]


async def test_further_fields_are_passed_over_and_the_first_key_counts(little: Asks) -> None:
    first, second = list(little.world.salesloft.cadences)[:2]
    id_ = global_id("Cadence", "SALESLOFT", first)
    answer = await little.entities(
        [
            {**GOOD, "id": id_, "salesloftId": str(second), "name": {"not": "ours"}, "more": [1]},
            {**GOOD, "id": None, "salesloftId": str(first)},
        ]
    )
    assert answer.ok["_entities"] == [{**GOOD, "id": id_}] * 2


async def test_too_many_are_refused_before_any_call(little: Asks) -> None:
    answer = await little.entities([{**GOOD, "salesloftId": "1"}] * (MAX_REPRESENTATIONS + 1))
    assert (answer.data, answer.codes, answer.calls) == (None, ["OPERATION_TOO_COSTLY"], [])
    assert answer.errors[0]["extensions"]["allowed"] == MAX_REPRESENTATIONS


async def test_records_that_take_a_call_each_are_bounded(little: Asks) -> None:
    ids = [global_id("Conversation", "DRIFT", number) for number in range(1, MAX_SINGLY + 11)]
    addresses = [f"nobody{number}@nowhere.example" for number in range(MAX_SINGLY + 10)]
    answer = await little.entities(
        [
            *({"__typename": "Conversation", "id": id_} for id_ in ids),
            *({"__typename": "Person", "email": email} for email in addresses),
        ]
    )
    assert answer.codes == ["OPERATION_TOO_COSTLY"] * 20
    assert answer.endpoints["conversations/{id}"] == MAX_SINGLY
    assert answer.endpoints["contacts"] == MAX_SINGLY


@pytest.mark.parametrize(
    ("source", "endpoint", "lost"),
    [
        ("salesloft", "people", {"Person"}),
        ("salesloft", "users", {"User"}),
        ("salesloft", "meetings", {"Meeting"}),
        ("salesloft", "cadences", {"Cadence"}),
        ("drift", "conversations/{id}", {"Conversation"}),
    ],
)
async def test_a_call_that_fails_takes_only_its_own_entities(
    little: Asks, source: str, endpoint: str, lost: set[str]
) -> None:
    cases = [case for case, _ in every_key(little.world) if "email" not in case]
    emulated = getattr(little.emulators, source)
    emulated.faults.add(Status(503), endpoint=endpoint)
    answer = await little.entities(cases)
    shown = [case["__typename"] for case, entity in zip(cases, answer.data["_entities"], strict=True) if entity]
    assert set(shown) == {case["__typename"] for case in cases} - lost
    assert set(answer.codes) == {"UPSTREAM_UNAVAILABLE"}
    failed = [place for place, case in enumerate(cases) if case["__typename"] in lost]
    assert [error["path"] for error in answer.errors] == [["_entities", place] for place in failed]


# Calls


async def test_a_thousand_of_five_kinds_take_a_call_a_kind_and_hundred(gateway: Asks) -> None:
    hub = gateway.world.salesloft
    kinds = {
        "Meeting": [id_ for id_, row in hub.meetings.items() if not row["canceled_at"]],
        "Person": [id_ for id_ in hub.people if id_ not in hub.hidden_people],
        "Account": list(hub.accounts),
        "Step": list(hub.steps),
        "Task": list(hub.tasks),
    }
    named = {kind: [global_id(kind, "SALESLOFT", id_) for id_ in ids[:200]] for kind, ids in kinds.items()}
    mixed = [(kind, ids[place]) for place in range(200) for kind, ids in named.items()]
    answer = await gateway.entities([{"__typename": kind, "id": id_} for kind, id_ in mixed])
    assert [(entity["__typename"], entity["id"]) for entity in answer.ok["_entities"]] == mixed
    assert len(mixed) == MAX_REPRESENTATIONS
    assert answer.endpoints == dict.fromkeys(("meetings", "people", "accounts", "steps", "tasks"), 2)


async def test_other_keys_go_a_hundred_in_a_call_too(gateway: Asks) -> None:
    hub = gateway.world.salesloft
    people = [row for row in hub.people.values() if row["id"] not in hub.hidden_people and row["email_address"]][:150]
    events = [row["event_id"] for row in hub.meetings.values() if row["event_id"] and not row["canceled_at"]][:100]
    answer = await gateway.entities([{"__typename": "Person", "email": row["email_address"]} for row in people])
    assert all(answer.ok["_entities"])
    assert answer.endpoints == {"people": 2}
    answer = await gateway.entities(
        [{"__typename": "Person", "crmId": row["crm_id"]} for row in people if row["crm_id"]]
    )
    assert all(answer.ok["_entities"])
    assert set(answer.endpoints) == {"people"}
    assert answer.endpoints.total() <= 4
    answer = await gateway.entities([{"__typename": "Meeting", "calendarEventId": event} for event in events])
    assert all(answer.ok["_entities"])
    assert answer.endpoints == {"meetings": 2, "users/meetings/org": 1}
    answer = await gateway.entities([{"__typename": "User", "email": row["email"]} for row in hub.users.values()])
    assert all(answer.ok["_entities"])
    assert answer.endpoints == {"users": 1, "users/list": 1}


async def test_what_is_below_entities_of_many_kinds_goes_in_one_batch(gateway: Asks) -> None:
    hub = gateway.world.salesloft
    people = [id_ for id_ in hub.people if id_ not in hub.hidden_people][:60]
    accounts = list(hub.accounts)[:60]
    answer = await gateway.entities(
        [
            *({"__typename": "Person", "salesloftId": str(id_)} for id_ in people),
            *({"__typename": "Account", "salesloftId": str(id_)} for id_ in accounts),
        ],
        "... on Person { owner { name } } ... on Account { owner { name } }",
    )
    assert all(answer.ok["_entities"])
    assert Counter(answer.endpoints) == {"people": 1, "accounts": 1, "users": 1}


async def test_a_router_asks_again_and_it_is_compiled(gateway: Asks) -> None:
    id_ = global_id("Account", "SALESLOFT", next(iter(gateway.world.salesloft.accounts)))
    engine = gateway.engine()
    before = engine.operations.counts["compiled"]
    asked = [{"__typename": "Account", "id": id_}, 5, {"__typename": "Account", "id": "x"}, {"__typename": "Account"}]
    first, *others = [
        await gateway.entities(
            asked, "... on Account { id called: name owner { name } meetings(first: 1) { nodes { id } } }"
        )
        for _ in range(4)
    ]
    assert engine.operations.counts["compiled"] >= before + 2
    assert [error["path"] for error in first.errors] == [["_entities", place] for place in (1, 2, 3)]
    assert all((other.data, other.errors) == (first.data, first.errors) for other in others), "and answers the same"


async def test_folded_records_are_found_by_each_of_their_ids(gateway: Asks) -> None:
    truth = Truth(gateway.world)
    folded = [event for event in truth.events if event.hub and event.chats][:20]
    representations = [{"__typename": "Meeting", "sourceId": chat["slug"]} for event in folded for chat in event.chats]
    answer = await gateway.entities(representations)
    assert [entity["id"] for entity in answer.ok["_entities"]] == [event.id for event in folded for _ in event.chats]
