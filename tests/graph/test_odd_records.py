"""Odd values of single records: errors at their paths, however the record was found, and never an internal error."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from gateway.emulator.faults import BadRows, wrong_type
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
    "more values than are kept": b'{"a": [' + b",".join([b"[" + b",".join([b"0"] * 1000) + b"]"] * 100) + b"]}",
    "more members than are kept": b"{" + b",".join(b'"%d": "x"' % number for number in range(10_001)) + b"}",
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
async def test_a_field_of_any_kind_that_cannot_be_stored_is_null_with_an_error(
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


@pytest.mark.sampled(3)
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
    ("owner { name }", {"owned_by_user": {"id": "4c511573"}}, ["owner"]),
    ("person { name }", {"person": {"id": "7 or 8"}}, ["person"]),
    ("account { name }", {"account_id": "007"}, ["account"]),
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


@pytest.mark.sampled(3)
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
    ("users/meetings/org", "person { name }", wrong_type("schedulerId", "one"), ["person"]),
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
