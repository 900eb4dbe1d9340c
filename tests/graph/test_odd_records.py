"""Odd values of single records: told at their paths, however the record was found, and never a fault of ours."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from gateway.emulator.faults import BadRows, Rewritten, wrong_type
from tests.graph.values import global_id
from tests.world import Gateway

BEYOND = {
    "a number beyond 64 bits": b'{"erp": 123456789012345678900, "region": "EMEA"}',
    "one within lists": b'{"a": [[{"b": -99999999999999999999}]]}',
    "half an emoji": rb'{"a": {"b": "\ud83d"}}',
    "half an emoji in a name": rb'{"\ud83d": 1}',
    "beyond a float": b'{"a": 1e999}',
    "no number": b'{"a": NaN}',
    "very deep": b'{"a": ' * 3000 + b"1" + b"}" * 3000,
    "deeper than is kept": b'{"a": ' + b"[" * 40 + b"]" * 40 + b"}",
}
FREE = [
    (
        "meetings",
        "crm_custom_fields",
        "{ meetings(first: 5, filter: {sources: [SALESLOFT]}) { nodes { id title salesloft { crmCustomFields } } } }",
    ),
    ("people", "custom_fields", "{ people(first: 5) { nodes { id name customFields salesloft { customFields } } } }"),
    (
        "accounts",
        "custom_fields",
        "{ accounts(first: 5) { nodes { id name customFields salesloft { userRelationships } } } }",
    ),
    ("users", "external_feature_flags", "{ users(first: 5) { nodes { id name salesloft { externalFeatureFlags } } } }"),
    ("cadences", "archived_by", "{ cadences(first: 100) { nodes { id name salesloft { archivedBy } } } }"),
]


@pytest.mark.parametrize(("endpoint", "field", "query"), FREE, ids=[endpoint for endpoint, *_ in FREE])
async def test_a_field_of_any_kind_that_cannot_be_kept_is_null_with_an_error(
    little: Gateway, endpoint: str, field: str, query: str
) -> None:
    little.sources = ("SALESLOFT",)
    for name, value in BEYOND.items():
        little.emulators.salesloft.faults.add(BadRows(wrong_type(field, msgspec.Raw(value)), at=(1,)), endpoint)
        answer = await little.ask(query)
        little.emulators.salesloft.faults.clear()
        assert set(answer.codes) == {"UPSTREAM_MALFORMED"}, name
        (listed,) = answer.data.values()
        assert len(listed["nodes"]) >= 5
        for error in answer.errors:
            at = answer.data
            for key in error["path"]:
                at = at[key]
            assert at is None


async def test_what_such_a_field_can_bear_is_passed_on(little: Gateway) -> None:
    value: dict[str, Any] = {
        "n": [2**64 - 1, -(2**63), 1.5, None, True],
        "t": "\0é\U0001f600",
        "deep": [[[[[{"a": {"b": []}}]]]]],
    }
    little.emulators.salesloft.faults.add(BadRows(wrong_type("custom_fields", value), at=None), "people")
    answer = await little.ask("{ people(first: 3) { nodes { customFields salesloft { customFields } } } }")
    assert answer.ok["people"]["nodes"] == [{"customFields": value, "salesloft": {"customFields": value}}] * 3


NESTED: list[tuple[str, str, str, dict[str, Any], str]] = [
    (
        "people",
        "Person",
        "salesloft { counts { emailsSent calls } }",
        {"counts": {"emails_sent": "many", "calls": 4}},
        "emailsSent",
    ),
    (
        "people",
        "Person",
        "salesloft { counts { emailsSent calls } }",
        {"counts": {"emails_sent": 2**31, "calls": 4}},
        "emailsSent",
    ),
    ("accounts", "Account", "peopleCount", {"counts": {"people": []}}, "peopleCount"),
    ("accounts", "Account", "salesloft { counts { people } }", {"counts": {"people": 10**30}}, "people"),
    (
        "cadences",
        "Cadence",
        "counts { meetingsBooked targetDailyPeople }",
        {"counts": {"meetings_booked": {}, "target_daily_people": 3}},
        "meetingsBooked",
    ),
    (
        "cadences",
        "Cadence",
        "salesloft { counts { meetingsBooked } }",
        {"counts": {"meetings_booked": "x"}},
        "meetingsBooked",
    ),
    ("steps", "Step", "cadence { name }", {"cadence": {"id": 1.5}}, "cadence"),
    ("steps", "Step", "day", {"day": 2**40}, "day"),
    ("tasks", "Task", "user { name }", {"user": {"id": None}}, "user"),
    ("people", "Person", "owner { name }", {"owner": 17}, "owner"),
    ("people", "Person", "account { name }", {"account": {"id": 10**25}}, "account"),
    ("people", "Person", "phone", {"phone": None, "home_phone": None, "mobile_phone": ["x"]}, "phone"),
    (
        "users",
        "User",
        "email",
        {"email": {}, "email_client_email_address": None, "sending_email_address": None, "from_address": None},
        "email",
    ),
    (
        "people",
        "Person",
        "salesloft { lastRepliedAt }",
        {"last_replied_at": "0001-01-01T00:00:00+14:00"},
        "lastRepliedAt",
    ),
    ("users", "User", "salesloft { createdAt }", {"created_at": "9999-12-31T23:59:59-05:00"}, "createdAt"),
    (
        "cadences",
        "Cadence",
        "salesloft { latestActiveDate }",
        {"latest_active_date": "0001-01-01T00:00:00+14:00"},
        "latestActiveDate",
    ),
]


@pytest.mark.parametrize("case", NESTED, ids=[f"{each[1]}-{each[4]}-{n}" for n, each in enumerate(NESTED)])
async def test_a_part_of_a_looked_up_record_that_cannot_be_read_is_an_error_at_its_path(
    little: Gateway, case: tuple[str, str, str, dict[str, Any], str]
) -> None:
    endpoint, kind, selected, fields, shown = case
    little.sources = ("SALESLOFT",)
    table = getattr(little.world.salesloft, endpoint)
    key = next(key for key in table if key not in getattr(little.world.salesloft, f"hidden_{endpoint}", ()))
    little.emulators.salesloft.faults.add(BadRows(lambda row: {**row, **fields}, at=None), endpoint)
    query = "query($id: ID!) { node(id: $id) { id ... on %s { %s } } }" % (kind, selected)
    answer = await little.ask(query, id=global_id(kind, "SALESLOFT", key))
    assert answer.codes == ["UPSTREAM_MALFORMED"]
    (error,) = answer.errors
    assert error["path"][-1] == shown
    assert error["extensions"]["source"] == "SALESLOFT"
    assert answer.data["node"]["id"] == global_id(kind, "SALESLOFT", key)
    at = answer.data
    for name in error["path"]:
        at = at[name]
    assert at is None


OF_MEETINGS: list[tuple[str, dict[str, Any], list[str]]] = [
    ("owner { name }", {"owned_by_user": {"id": {}}}, ["owner"]),
    ("bookedBy { name }", {"booked_by_user": "somebody"}, ["bookedBy"]),
    ("person { name }", {"person": {"id": -1}}, ["person"]),
    ("cadence { name }", {"cadence": {}}, ["cadence"]),
    ("account { name }", {"account_id": 2**63}, ["account"]),
    ("task { subject }", {"task_id": [1]}, ["task"]),
    ("durationMinutes", {"end_time": "soon"}, ["durationMinutes"]),
    (
        "durationMinutes",
        {"start_time": "0001-01-01T00:00:00Z", "end_time": "9999-12-31T00:00:00Z"},
        ["durationMinutes"],
    ),
    ("endTime salesloft { endTime }", {"end_time": "0001-01-01T00:00:00+14:00"}, ["endTime", "endTime"]),
    ("canceledAt status", {"canceled_at": "9999-12-31T23:00:00-10:00"}, ["canceledAt"]),
    ("startDate endDate", {"all_day": "perhaps"}, ["startDate", "endDate"]),
    ("recurrence { interval recurring }", {"recurring": True, "recurring_interval": {}}, ["interval"]),
    (
        "recurrence { lastOccurrenceAt }",
        {"recurring": True, "last_occurrence_at": "0001-01-01T00:00:00+14:00"},
        ["lastOccurrenceAt"],
    ),
    (
        "attendees { email deletedAt }",
        {"attendees": [{"email": "a@b.example", "deleted_at": "0001-01-01T00:00:00+14:00"}]},
        ["deletedAt"],
    ),
    ("attendees { email user { name } }", {"attendees": [{"email": []}]}, ["email", "user"]),
    ("attendees { person { name } }", {"attendees": [{"person": {"id": 1e30}}]}, ["person"]),
    (
        "salesloft { attendees { name affiliation } }",
        {"attendees": [{"name": "A"}, {"name": [], "affiliation": "internal"}]},
        ["name"],
    ),
    ("salesloft { undoCompletionCount }", {"undo_completion_count": 2**31}, ["undoCompletionCount"]),
    (
        "salesloft { ownedByMeetingsSettings { emailAddress } }",
        {"owned_by_meetings_settings": {"email_address": {}}},
        ["emailAddress"],
    ),
]


@pytest.mark.parametrize(
    ("selected", "fields", "shown"), OF_MEETINGS, ids=[f"{each[0]}-{n}" for n, each in enumerate(OF_MEETINGS)]
)
async def test_a_part_of_a_meeting_that_cannot_be_read_is_an_error_at_its_path(
    little: Gateway, selected: str, fields: dict[str, Any], shown: list[str]
) -> None:
    little.sources = ("SALESLOFT",)
    little.emulators.salesloft.faults.add(BadRows(lambda row: {**row, **fields}, at=None), "meetings")
    key = next(row["id"] for row in little.world.salesloft.meetings.values() if row["canceled_at"] is None)
    query = "query($id: ID!) { node(id: $id) { id ... on Meeting { %s } } }" % selected
    answer = await little.ask(query, id=global_id("Meeting", "SALESLOFT", key))
    assert answer.data["node"]["id"] == global_id("Meeting", "SALESLOFT", key)
    assert sorted(error["path"][-1] for error in answer.errors) == sorted(shown)
    assert set(answer.codes) == {"UPSTREAM_MALFORMED"}
    assert {error["extensions"]["source"] for error in answer.errors} == {"SALESLOFT"}


OF_DRIFT: list[tuple[str, str, Callable[[dict[str, Any]], object], list[str]]] = [
    ("users/meetings/org", "owner { name }", wrong_type("agentId", 1.5), ["owner"]),
    ("users/meetings/org", "person { name }", wrong_type("schedulerId", 10**25), ["person"]),
    ("users/meetings/org", "conversation { status }", wrong_type("conversationId", {}), ["conversation"]),
    ("users/meetings/org", "endTime durationMinutes", wrong_type("slotEnd", 10**15), ["endTime", "durationMinutes"]),
    ("users/meetings/org", "drift { slotEnd }", wrong_type("slotEnd", -1), ["slotEnd"]),
    (
        "users/meetings/org",
        "drift { conferenceDetails { joinUrl } }",
        wrong_type("conferenceDetails", {"join_url": [1]}),
        ["joinUrl"],
    ),
    (
        "conversations/{id}",
        "conversation { tags { name color } drift { conversationTags { name } } }",
        wrong_type("conversationTags", [{"name": {}, "color": "c"}]),
        ["name", "name"],
    ),
    ("conversations/{id}", "conversation { contact { name } }", wrong_type("contactId", True), ["contact"]),
    (
        "contacts/{id}",
        "person { drift { lastActive } }",
        lambda row: {**row, "attributes": {"last_active": "x"}},
        ["lastActive"],
    ),
    ("contacts/{id}", "person { email name }", wrong_type("attributes", "none"), ["email", "name"]),
]


@pytest.mark.parametrize(
    ("endpoint", "selected", "change", "shown"), OF_DRIFT, ids=[f"{each[1]}-{n}" for n, each in enumerate(OF_DRIFT)]
)
async def test_a_part_of_a_record_of_drifts_that_cannot_be_read_is_an_error_at_its_path(
    little: Gateway, endpoint: str, selected: str, change: Callable[[dict[str, Any]], object], shown: list[str]
) -> None:
    little.emulators.drift.faults.add(BadRows(change, at=None), endpoint)
    query = "{ meetings(first: 1, filter: {sources: [DRIFT]}) { nodes { id %s } } }" % selected
    answer = await little.ask(query)
    assert sorted({error["path"][-1] for error in answer.errors}) == sorted(set(shown))
    assert set(answer.codes) == {"UPSTREAM_MALFORMED"}
    assert len(answer.data["meetings"]["nodes"]) == 1


LARGEST = 2**63 - 1
DOORS = {
    "meetings": ("Meeting", "meeting"),
    "people": ("Person", "person"),
    "users": ("User", "user"),
    "cadences": ("Cadence", "cadence"),
    "steps": ("Step", "step"),
    "accounts": ("Account", "account"),
}


@pytest.mark.parametrize("endpoint", DOORS)
async def test_the_largest_id_works_everywhere(little: Gateway, endpoint: str) -> None:
    little.sources = ("SALESLOFT",)
    kind, door = DOORS[endpoint]
    table = getattr(little.world.salesloft, endpoint)
    row = table[next(key for key in table if key not in getattr(little.world.salesloft, f"hidden_{endpoint}", ()))]
    row = {**row, "id": LARGEST, "canceled_at": None, "no_show": False} if kind == "Meeting" else {**row, "id": LARGEST}
    table[LARGEST] = row
    id_ = global_id(kind, "SALESLOFT", LARGEST)
    found = await little.ask(
        "query($id: ID!, $n: ID!) { node(id: $id) { id } nodes(ids: [$id]) { id } byId: %s(by: {id: $id}) { id } "
        "byNumber: %s(by: {salesloftId: $n}) { id } }" % (door, door),
        id=id_,
        n=str(LARGEST),
    )
    assert found.ok == {"node": {"id": id_}, "nodes": [{"id": id_}], "byId": {"id": id_}, "byNumber": {"id": id_}}
    if endpoint != "steps":
        listed = await little.ask(
            "query($id: ID!, $n: [ID!]) { %s(filter: {ids: [$id], salesloft: {ids: $n}}) { nodes { id } } }" % endpoint
            if endpoint == "meetings"
            else "query($id: ID!, $n: ID!) { %s(filter: {ids: [$id]}) { nodes { id } } "
            "own: %s(filter: {salesloftIds: [$n]}) { nodes { id } } }" % (endpoint, endpoint),
            id=id_,
            n=str(LARGEST),
        )
        assert all(found["nodes"] == [{"id": id_}] for found in listed.ok.values())


@pytest.mark.parametrize("value", [str(2**63), "9" * 19, "9" * 40])
async def test_a_number_beyond_every_id_is_refused_by_name(little: Gateway, value: str) -> None:
    answer = await little.ask("query($n: ID!) { person(by: {salesloftId: $n}) { id } }", n=value)
    assert (answer.codes, answer.calls) == (["BAD_USER_INPUT"], [])
    answer = await little.ask("query($id: ID!) { node(id: $id) { id } }", id=global_id("Person", "SALESLOFT", value))
    assert (answer.codes, answer.calls) == (["BAD_USER_INPUT"], [])


async def test_guids_are_compared_without_case_on_the_way_back(little: Gateway) -> None:
    little.sources = ("SALESLOFT",)
    query = "{ meetings(first: 20) { nodes { id owner { id guid } bookedBy { id } } } }"
    whole = await little.ask(query)
    assert all(node["owner"] for node in whole.ok["meetings"]["nodes"])
    little.emulators.salesloft.faults.add(
        BadRows(lambda row: {**row, "guid": str(row["guid"]).upper()}, at=None), "users"
    )
    loud = await little.ask(query)
    guids = [node["owner"].pop("guid") for node in loud.ok["meetings"]["nodes"]]
    assert guids == [node["owner"].pop("guid").upper() for node in whole.ok["meetings"]["nodes"]]
    assert loud.ok == whole.ok
    user = next(iter(little.world.salesloft.users.values()))
    for guid in (user["guid"].upper(), user["guid"].lower()):
        answer = await little.ask("query($g: ID!) { user(by: {guid: $g}) { salesloftId } }", g=guid)
        assert answer.ok == {"user": {"salesloftId": str(user["id"])}}
        owned = await little.ask(
            "query($g: [ID!]) { meetings(first: 5, filter: {salesloft: {userGuids: $g}, canceled: INCLUDE}) "
            "{ nodes { owner { salesloftId } } } }",
            g=[guid],
        )
        assert {node["owner"]["salesloftId"] for node in owned.ok["meetings"]["nodes"]} == {str(user["id"])}


def renumbered(row: dict[str, Any]) -> object:
    return {**row, "id": 1, "guid": "00000000-0000-4000-8000-00000000dead"}


LOOK_UPS = [
    ("SALESLOFT", "meetings", "Meeting"),
    ("SALESLOFT", "people", "Person"),
    ("SALESLOFT", "users", "User"),
    ("SALESLOFT", "cadences", "Cadence"),
    ("SALESLOFT", "steps", "Step"),
    ("SALESLOFT", "accounts", "Account"),
    ("SALESLOFT", "tasks", "Task"),
    ("DRIFT", "contacts", "Person"),
    ("DRIFT", "conversations", "Conversation"),
    ("DRIFT", "users", "User"),
    ("DRIFT", "meetings", "Meeting"),
]
ENDPOINTS = {
    ("DRIFT", "contacts"): "contacts/{id}",
    ("DRIFT", "conversations"): "conversations/{id}",
    ("DRIFT", "users"): "users/list",
    ("DRIFT", "meetings"): "users/meetings/org",
}


BROKEN: dict[str, Callable[[dict[str, Any]], object]] = {
    "another": renumbered,
    "odd": wrong_type("id", {}),
    "empty": lambda _: {},
    "null": lambda _: None,
}


@pytest.mark.parametrize(
    ("source", "table", "kind", "how"),
    [
        (source, table, kind, how)
        for source, table, kind in LOOK_UPS
        for how in BROKEN
        if how != "another" or (source, table) not in {("DRIFT", "users"), ("DRIFT", "meetings")}  # these are lists
    ],
)
async def test_a_look_up_that_is_not_answered_by_the_record_is_told(
    little: Gateway, source: str, table: str, kind: str, how: str
) -> None:
    row = BROKEN[how]
    world: Any = getattr(little.world, source.lower())
    hidden = getattr(world, f"hidden_{table}", ())
    rows = getattr(world, table)
    key = next(key for key, each in rows.items() if key not in hidden and not each.get("canceled_at"))
    emulated = getattr(little.emulators, source.lower())
    if (source, table) == ("DRIFT", "meetings"):
        start = little.world.now.timestamp() * 1000
        key = next(slug for slug, each in rows.items() if each.get("slotStart", 0) > start)

    def change(sent: dict[str, Any]) -> object:
        changed = row(sent)
        return {**changed, "slug": None} if isinstance(changed, dict) and "slug" in changed else changed

    emulated.faults.add(BadRows(change, at=None), ENDPOINTS.get((source, table), table))
    id_ = global_id(kind, source, key)
    answer = await little.ask("query($id: ID!) { node(id: $id) { id } }", id=id_)
    assert answer.data == {"node": None}
    assert answer.codes == ["UPSTREAM_MALFORMED"]
    assert answer.errors[0]["path"] == ["node"]


@pytest.mark.parametrize("data", [b"[]", b"{}", b"null", b'""'])
@pytest.mark.parametrize(("table", "kind"), [("contacts", "Person"), ("conversations", "Conversation")])
async def test_a_look_up_of_one_that_is_answered_by_nothing_is_told(
    little: Gateway, table: str, kind: str, data: bytes
) -> None:
    key = next(iter(getattr(little.world.drift, table)))
    fault = Rewritten(lambda _: b'{"data": ' + data + b"}")
    little.emulators.drift.faults.add(fault, ENDPOINTS["DRIFT", table])
    answer = await little.ask("query($id: ID!) { node(id: $id) { id } }", id=global_id(kind, "DRIFT", key))
    assert (answer.data, answer.codes) == ({"node": None}, ["UPSTREAM_MALFORMED"])
    little.emulators.drift.faults.clear()
    answer = await little.ask("query($id: ID!) { node(id: $id) { id } }", id=global_id(kind, "DRIFT", 1))
    assert answer.ok == {"node": None}, "who does not exist is no error"


def counted(total: Any) -> Callable[[bytes], bytes]:
    def change(body: bytes) -> bytes:
        sent = json.loads(body)
        sent["metadata"]["paging"]["total_count"] = total
        return json.dumps(sent).encode()

    return change


@pytest.mark.parametrize("total", [-1, 2**31, 10**30, "many", {}, None, 1.5])
async def test_a_total_that_there_is_none_of_is_null(little: Gateway, total: Any) -> None:
    little.sources = ("SALESLOFT",)
    little.emulators.salesloft.faults.add(Rewritten(counted(total)))
    for listed in ("meetings", "people", "accounts"):
        answer = await little.ask(
            "{ %s(first: 3) { nodes { id } totalCount sourceReports { source status message } } }" % listed
        )
        assert answer.ok[listed]["totalCount"] is None
        assert len(answer.ok[listed]["nodes"]) == 3
        told = next(report for report in answer.ok[listed]["sourceReports"] if report["source"] == "SALESLOFT")
        assert told["status"] == "OK"
        assert "totalCount is null" in told["message"]


def without_next(body: bytes) -> bytes:
    sent = json.loads(body)
    sent["metadata"]["paging"]["next_page"] = {"not": "a number"}
    return json.dumps(sent).encode()


async def test_a_page_that_does_not_say_whether_another_follows_is_not_taken_for_the_last(little: Gateway) -> None:
    little.sources = ("SALESLOFT",)
    query = "{ meetings(first: 150) { nodes { id } pageInfo { hasNextPage } } }"
    whole = await little.ask(query)
    little.emulators.salesloft.faults.add(Rewritten(without_next))
    assert (await little.ask(query)).ok == whole.ok
