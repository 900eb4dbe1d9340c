"""Rows of `/users/meetings/org` as records, whole and broken."""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec
import pytest

from gateway.errors import UpstreamMalformed
from gateway.model.filters import MeetingFilter
from gateway.model.records import Kind, Meeting, MeetingStatus, Recurrence, Ref, Source
from gateway.sources.drift import wire
from gateway.sources.drift.conditions import MeetingConditions
from tests.sources.drift.fake import NOW, FakeDrift, meeting


def drift(kind: Kind, key: str) -> Ref:
    return Ref(Source.DRIFT, kind, key)


def utc(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


WHOLE = {
    "agentId": 2104417,
    "orgId": 88120,
    "status": "ACTIVE",
    "meetingSource": "EMAIL_DROP",
    "schedulerId": 9007199254740993,
    "eventId": "k3v0p1q9s8",
    "slug": "intro-7f3a",
    "slotStart": 1790000100001,
    "slotEnd": 1790001900000,
    "updatedAt": 1789990000000,
    "scheduledAt": 1789980000000,
    "meetingType": "New Meeting",
    "conversationId": 4402218876,
    "endUserTimeZone": "Europe/Lisbon",
    "meetingNotes": "Préférences: 午後 ☕",
    "bookedBy": 2104418,
    "conferenceType": "ZOOM",
    "conferenceDetails": {"join_url": "https://meet.vendor.example/j/44"},
    "isRecurring": True,
    "isPrivate": False,
    "meetingSlug": "intro",
    "isOrgSlug": True,
}


async def test_every_field_has_its_place() -> None:
    record = await FakeDrift().meeting(WHOLE)
    raw = record.raw
    assert msgspec.structs.replace(record, raw=None) == Meeting(
        source=Source.DRIFT,
        source_id="intro-7f3a",
        notes="Préférences: 午後 ☕",
        start_time=utc("2026-09-21T14:15:00.001"),
        end_time=utc("2026-09-21T14:45:00"),
        time_zone="Europe/Lisbon",
        status=MeetingStatus.BOOKED,
        created_at=utc("2026-09-21T08:40:00"),
        updated_at=utc("2026-09-21T11:26:40"),
        calendar_event_id="k3v0p1q9s8",
        conference_url="https://meet.vendor.example/j/44",
        recurrence=Recurrence(recurring=True),
        owner=drift(Kind.USER, "2104417"),
        booked_by=drift(Kind.USER, "2104418"),
        person=drift(Kind.PERSON, "9007199254740993"),
        conversation=drift(Kind.CONVERSATION, "4402218876"),
    )
    assert msgspec.to_builtins(raw) == {
        **WHOLE,
        "conferenceDetails": {"join_url": "https://meet.vendor.example/j/44", "joinUrl": None},
    }


async def test_absent_and_null_are_alike() -> None:
    absent = await FakeDrift().meeting({"slug": "bare"})
    assert absent == Meeting(source=Source.DRIFT, source_id="bare", raw=wire.Meeting(slug="bare"))
    assert await FakeDrift().meeting(dict.fromkeys(WHOLE) | {"slug": "bare"}) == absent


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("ACTIVE", MeetingStatus.BOOKED),
        ("active", MeetingStatus.BOOKED),
        ("CANCELED", MeetingStatus.CANCELED),
        ("Cancelled", MeetingStatus.CANCELED),
        ("RESCHEDULED", MeetingStatus.UNKNOWN),
        ("", MeetingStatus.UNKNOWN),
        (None, MeetingStatus.UNKNOWN),
    ],
)
async def test_status_words(word: str | None, status: MeetingStatus) -> None:
    record = await FakeDrift().meeting(meeting(status=word))
    assert record.status is status
    assert isinstance(record.raw, wire.Meeting)
    assert record.raw.status == word
    assert record.no_show is None
    assert record.canceled_at is None


@pytest.mark.parametrize(
    ("details", "url"),
    [
        ({"join_url": "https://a.example/1"}, "https://a.example/1"),
        ({"joinUrl": "http://a.example/2"}, "http://a.example/2"),
        ({"join_url": "javascript:alert(1)"}, None),
        ({"join_url": "+351 21 000", "joinUrl": "HTTPS://a.example/3"}, "HTTPS://a.example/3"),
        ({"dial_in": "+351"}, None),
        ({}, None),
    ],
)
async def test_conference_url(details: dict[str, str], url: str | None) -> None:
    record = await FakeDrift().meeting(meeting(conferenceDetails=details))
    assert record.conference_url == url
    assert not record.unreadable


@pytest.mark.parametrize(
    ("field", "value", "unreadable", "attribute"),
    [
        ("slotStart", 253_402_300_800_000, "slot_start", "start_time"),
        ("slotStart", 10**40, "slot_start", "start_time"),
        ("slotStart", -62_135_596_800_001, "slot_start", "start_time"),
        ("slotStart", "soon", "slot_start", "start_time"),
        ("slotStart", "2026-09-21T14:15:00Z", "slot_start", "start_time"),
        ("slotEnd", [], "slot_end", "end_time"),
        ("updatedAt", -1, "updated_at", "updated_at"),
        ("scheduledAt", True, "scheduled_at", "created_at"),
        ("agentId", {}, "agent_id", "owner"),
        ("bookedBy", [7], "booked_by", "booked_by"),
        ("schedulerId", True, "scheduler_id", "person"),
        ("conversationId", {}, "conversation_id", "conversation"),
        ("eventId", ["x"], "event_id", "calendar_event_id"),
        ("status", {"word": "ACTIVE"}, "status", "status"),
        ("endUserTimeZone", False, "end_user_time_zone", "time_zone"),
        ("meetingNotes", {}, "meeting_notes", "notes"),
        ("conferenceDetails", "https://a.example", "conference_details", "conference_url"),
        ("conferenceDetails", {"join_url": []}, "conference_details.join_url", "conference_url"),
        ("isRecurring", "perhaps", "is_recurring", "recurrence"),
        ("orgId", [], "org_id", "drift.org_id"),
        ("isPrivate", "perhaps", "is_private", "drift.is_private"),
    ],
)
async def test_an_unreadable_field_costs_only_itself(field: str, value: Any, unreadable: str, attribute: str) -> None:
    vendor = FakeDrift(meetings=[meeting("sound"), WHOLE | {field: value}])
    vendor.answers["/users/meetings/org"] = vendor.meetings
    found = await vendor.window()
    (whole,) = (await FakeDrift(meetings=[WHOLE]).window()).rows
    sound, record = found.rows
    assert [problem.where for problem in found.problems] == [unreadable]
    assert not any(problem.lost for problem in found.problems)
    assert {name for name in record.unreadable if "." not in name} == {attribute} - {f"drift.{unreadable}"}
    assert f"drift.{unreadable.partition('.')[0]}" in {".".join(name.split(".")[:2]) for name in record.unreadable}
    assert not sound.unreadable
    if not attribute.startswith("drift."):
        assert getattr(record, attribute) in (None, MeetingStatus.UNKNOWN)
    same = {attribute, "unreadable", "raw"}
    for name in set(Meeting.__struct_fields__) - same:
        assert getattr(record, name) == getattr(whole, name), name


async def test_numbers_and_digits_stand_in_for_each_other() -> None:
    row = meeting() | {"slug": 42, "slotStart": str(NOW), "agentId": "2104417", "eventId": 77}
    found = await FakeDrift(answers={"/users/meetings/org": [row]}).window()
    (record,) = found.rows
    assert not found.problems
    assert record.source_id == "42"
    assert record.start_time == dt.datetime.fromtimestamp(NOW / 1000, dt.UTC)
    assert record.owner == drift(Kind.USER, "2104417")
    assert record.calendar_event_id == "77"


@pytest.mark.parametrize("lost", [{"slug": None}, {"slug": ""}, {"slug": []}, {"status": "ACTIVE"}, None, 7, "row", []])
async def test_only_a_row_without_a_readable_id_is_lost(lost: Any) -> None:
    vendor = FakeDrift()
    vendor.answers["/users/meetings/org"] = [lost, meeting("kept", orgId={}), lost]
    found = await vendor.window()
    assert [row.source_id for row in found.rows] == ["kept"]
    assert [(problem.where, problem.lost) for problem in found.problems if problem.lost] == [
        ("a row without a readable id", True)
    ]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>down</html>",
        b"[]",
        b'{"data": null}',
        b'{"data": "none"}',
        b'{"error": {"type": "internal_error", "message": "secret"}}',
        b'{"data": [{"slug": "a"}',
        b"\xff\xfe",
    ],
)
async def test_an_answer_without_rows_is_malformed(body: bytes) -> None:
    vendor = FakeDrift(answers={"/users/meetings/org": body})
    with pytest.raises(UpstreamMalformed) as error:
        await vendor.window()
    assert error.value.source == "DRIFT"
    assert "secret" not in str(error.value)


async def test_an_empty_window_and_unknown_related_records_of_the_rows() -> None:
    vendor = FakeDrift(answers={"/users/meetings/org": b'{"data": [], "errors": [], "paging": {"x": 1}}'})
    found = await vendor.window()
    assert (found.rows, found.problems, found.incomplete) == ([], (), None)


async def test_an_empty_event_id_makes_no_twins() -> None:
    assert (await FakeDrift().meeting(meeting(eventId=""))).calendar_event_id is None


OWN = {
    "status": ("ACTIVE", "CANCELED"),
    "meeting_source": ("email_drop", "WIDGET"),
    "meeting_type": ("NEW MEETING", "Follow Up"),
    "agent_ids": ("2104417", "1"),
    "scheduler_ids": ("18330425511", "1833042551"),
    "conversation_ids": ("4402218876", "44"),
    "booked_by_ids": ("9", "2104417"),
}


@pytest.mark.parametrize(("name", "values"), OWN.items())
async def test_own_conditions(name: str, values: tuple[str, str]) -> None:
    vendor = FakeDrift()
    window = vendor.ports.meetings
    assert window is not None

    def admitted(record: Meeting, *wanted: str) -> bool:
        own = MeetingConditions(**{name: frozenset(wanted)})
        return window.admits(MeetingFilter(own={Source.DRIFT: own}), record)

    record = await vendor.meeting(meeting(bookedBy=9))
    right, wrong = values
    assert admitted(record, right)
    assert admitted(record, wrong, right)
    assert not admitted(record, wrong)
    assert not admitted(record)
    bare = await vendor.meeting({"slug": "bare"})
    assert not admitted(bare, wrong), "nobody can have checked a value that it lacks"
    assert not admitted(bare, right)
    assert not admitted(bare)
    assert window.admits(MeetingFilter(own={Source.DRIFT: MeetingConditions()}), record)
    assert window.admits(MeetingFilter(), record)


async def test_own_conditions_are_anded() -> None:
    vendor = FakeDrift()
    window = vendor.ports.meetings
    assert window is not None
    record = await vendor.meeting(meeting())
    both = MeetingConditions(status=frozenset({"active"}), agent_ids=frozenset({"1"}))
    assert not window.admits(MeetingFilter(own={Source.DRIFT: both}), record)
    assert not both.impossible
    assert MeetingConditions(agent_ids=frozenset()).impossible


def test_traits() -> None:
    window = FakeDrift().ports.meetings
    assert window is not None
    traits = window.traits
    of_blank = "cadence_ids step_ids account_ids i_cal_uids title_contains attendee_emails attendee_domains"
    assert traits.lacks(MeetingFilter) == set(of_blank.split())
    assert traits.statuses == {MeetingStatus.BOOKED, MeetingStatus.CANCELED, MeetingStatus.UNKNOWN}
    assert traits.tells_no_show is False
    assert traits.reaches_back == dt.timedelta(days=30)
