"""Salesloft's meetings as they are sent, as rows, and as the records that they become."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import msgspec
import pytest

from gateway.model.records import AttendeeStatus, Kind, Meeting, MeetingStatus, Recurrence, Ref, Source, UserKey
from gateway.sources.decode import BodyDecoder
from gateway.sources.problems import problems_of
from gateway.sources.salesloft import translate, wire

GUID = "7a2c9d10-5b1e-4f6a-9c33-0e8d4b7f1a02"
DECODER = BodyDecoder(wire.Meeting, wire.Metadata, source="SALESLOFT")

# The shape of captured meetings: six digits and Z, GUIDs for users, numbers for all else, integers documented as text.
SENT: dict[str, Any] = {
    "id": 90817,
    "title": "Kick-off: Grün & Söhne",
    "start_time": "2026-03-02T15:30:00.000000Z",
    "end_time": "2026-03-02T16:00:00.000000Z",
    "calendar_id": "external_5d0f",
    "calendar_type": "external",
    "meeting_type_id": 12,
    "meeting_type": "Discovery",
    "recipient_name": "Ada Grün",
    "recipient_email": "ada@gruen.example",
    "location": "https://meet.example/abc?x=1",
    "description": "",
    "event_id": "q3v8k2m1n0",
    "account_id": 501,
    "task_id": "778",
    "created_at": "2026-02-27T09:12:45.120007Z",
    "updated_at": "2026-03-01T00:00:00.000001Z",
    "guests": ["b@c.example"],
    "attendees": [
        {
            "email": "ada@gruen.example",
            "name": "Ada",
            "organizer": False,
            "status": "needsAction",
            "status_changed": True,
            "person": {"id": 41, "_href": "https://upstream.example/v2/people/41"},
            "deleted_at": "2026-03-01T12:00:00.000000Z",
            "affiliation": "external",
        }
    ],
    "person": {"id": 41, "_href": "https://upstream.example/v2/people/41"},
    "cadence": {"id": 42, "_href": "x"},
    "step": {"id": 43, "_href": "x"},
    "owned_by_user": {"id": GUID, "_href": "x"},
    "booked_by_user": {"id": 6001, "_href": "x"},
    "crm_references": [{"type": "lead"}],
    "crm": {"Field__c": "v"},
    "event_source": "external",
    "canceled_at": None,
    "all_day": False,
    "no_show": False,
    "crm_custom_fields": {"a": 1},
    "strict_attribution": True,
    "i_cal_uid": "q3v8k2m1n0@google.com",
    "status": "booked",
    "reschedule_status": "pending",
    "owned_by_meetings_settings": {"email_address": "owner@vendor.example"},
    "booked_by_meetings_settings": {"email_address": "booker@vendor.example"},
    "reschedule_guid": "r-guid",
    "recurring": True,
    "recurrence": ["RRULE:FREQ=WEEKLY"],
    "recurring_interval": "Weekly",
    "last_occurrence_at": "2026-06-01T15:30:00.000000Z",
    "undo_completion_count": 1,
    "count_towards_meetings_attended_metric": True,
    "count_towards_meetings_booked_metric": False,
    "created_on_demand": False,
    "notes": "Bring the contract.",
    "a_field_of_tomorrow": {"x": [1]},
}


def translated(**changes: object) -> Meeting:
    body = DECODER.decode(json.dumps({"data": [{**SENT, **changes}]}).encode())
    return translate.meeting(body.rows[0])


def ref(kind: Kind, identifier: str, key: UserKey = UserKey.ID) -> Ref:
    return Ref(Source.SALESLOFT, kind, identifier, key)


def test_a_meeting_field_by_field() -> None:
    meeting = translated()

    assert meeting.source is Source.SALESLOFT
    assert (meeting.source_id, meeting.title, meeting.description) == ("90817", "Kick-off: Grün & Söhne", "")
    assert meeting.location == meeting.conference_url == "https://meet.example/abc?x=1"
    assert meeting.notes == "Bring the contract."
    assert meeting.start_time == dt.datetime(2026, 3, 2, 15, 30, tzinfo=dt.UTC)
    assert meeting.end_time == dt.datetime(2026, 3, 2, 16, tzinfo=dt.UTC)
    assert meeting.created_at == dt.datetime(2026, 2, 27, 9, 12, 45, 120007, tzinfo=dt.UTC)
    assert meeting.updated_at == dt.datetime(2026, 3, 1, 0, 0, 0, 1, tzinfo=dt.UTC)
    assert (meeting.all_day, meeting.no_show, meeting.canceled_at) == (False, False, None)
    assert (meeting.calendar_event_id, meeting.i_cal_uid) == ("q3v8k2m1n0", "q3v8k2m1n0@google.com")
    assert meeting.recurrence == Recurrence(
        recurring=True,
        rules=("RRULE:FREQ=WEEKLY",),
        interval="Weekly",
        last_occurrence_at=dt.datetime(2026, 6, 1, 15, 30, tzinfo=dt.UTC),
    )
    assert (meeting.owner, meeting.booked_by) == (ref(Kind.USER, GUID, UserKey.GUID), ref(Kind.USER, "6001"))
    assert (meeting.person, meeting.cadence) == (ref(Kind.PERSON, "41"), ref(Kind.CADENCE, "42"))
    assert (meeting.step, meeting.account, meeting.task) == (
        ref(Kind.STEP, "43"),
        ref(Kind.ACCOUNT, "501"),
        ref(Kind.TASK, "778"),
    )
    assert meeting.guests == ("b@c.example",)
    assert (meeting.time_zone, meeting.conversation, meeting.twins) == (None, None, ())
    assert meeting.unreadable == frozenset()


def test_attendees() -> None:
    (attendee,) = translated().attendees or ()

    assert (attendee.email, attendee.name, attendee.organizer) == ("ada@gruen.example", "Ada", False)
    assert (attendee.status, attendee.status_changed) == (AttendeeStatus.NEEDS_ACTION, True)
    assert attendee.deleted_at == dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
    assert attendee.person == ref(Kind.PERSON, "41")
    assert isinstance(attendee.raw, wire.Attendee)
    assert attendee.raw.affiliation == "external"


def test_no_field_that_is_sent_is_lost() -> None:
    raw = translated().raw

    assert isinstance(raw, wire.Meeting)
    kept = {field.encode_name: getattr(raw, field.name) for field in msgspec.structs.fields(wire.Meeting)}
    assert SENT.keys() - kept.keys() == {"a_field_of_tomorrow"}
    assert [name for name, value in SENT.items() if value is not None and kept.get(name, 0) is None] == []


@pytest.mark.parametrize(
    ("canceled_at", "no_show", "word", "status"),
    [
        ("2026-01-01T00:00:00.000000Z", True, "booked", MeetingStatus.CANCELED),
        ("never a time", False, "booked", MeetingStatus.UNKNOWN),
        (None, True, "pending", MeetingStatus.NO_SHOW),
        (None, False, "pending", MeetingStatus.PENDING),
        (None, None, "retry", MeetingStatus.PENDING),
        (None, False, "booked", MeetingStatus.BOOKED),
        (None, False, "failed", MeetingStatus.FAILED),
        (None, False, "held", MeetingStatus.UNKNOWN),
        (None, False, "", MeetingStatus.UNKNOWN),
        (None, False, None, MeetingStatus.UNKNOWN),
        (None, False, [], MeetingStatus.UNKNOWN),
    ],
)
def test_status(canceled_at: str | None, no_show: bool | None, word: object, status: MeetingStatus) -> None:
    assert translated(canceled_at=canceled_at, no_show=no_show, status=word).status is status


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("needsAction", AttendeeStatus.NEEDS_ACTION),
        ("accepted", AttendeeStatus.ACCEPTED),
        ("tentative", AttendeeStatus.TENTATIVE),
        ("declined", AttendeeStatus.DECLINED),
        ("delegated", AttendeeStatus.UNKNOWN),
        (None, AttendeeStatus.UNKNOWN),
    ],
)
def test_attendee_status(word: str | None, status: AttendeeStatus) -> None:
    (attendee,) = translated(attendees=[{"status": word}]).attendees or ()

    assert attendee.status is status


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("https://meet.example/a", "https://meet.example/a"),
        ("  http://meet.example ", "http://meet.example"),
        ("HTTPS://meet.example", "HTTPS://meet.example"),
        ("https://meet.example and bring cake", None),
        ("https://", None),
        ("https://[", None),
        ("ftp://meet.example", None),
        ("javascript:alert(1)", None),
        ("Room 4", None),
        ("", None),
        (None, None),
    ],
)
def test_conference_url(location: str | None, url: str | None) -> None:
    meeting = translated(location=location)

    assert meeting.conference_url == url
    assert meeting.location == location


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ({}, None),
        ({"recurring": False}, Recurrence(recurring=False)),
        ({"recurrence": []}, Recurrence(rules=())),
        ({"recurring_interval": "Fortnightly"}, Recurrence(interval="Fortnightly")),
    ],
)
def test_recurrence(sent: dict[str, object], expected: Recurrence | None) -> None:
    names = ("recurring", "recurrence", "recurring_interval", "last_occurrence_at")

    assert translated(**{**dict.fromkeys(names), **sent}).recurrence == expected


@pytest.mark.parametrize("absent", [{"event_id": "", "i_cal_uid": "", "account_id": "", "person": {"id": ""}}])
def test_an_empty_key_is_null(absent: dict[str, object]) -> None:
    meeting = translated(**absent)

    assert (meeting.calendar_event_id, meeting.i_cal_uid, meeting.account, meeting.person) == (None,) * 4


def test_a_row_of_an_id_alone_is_a_meeting() -> None:
    body = DECODER.decode(b'{"data": [{"id": "5"}], "metadata": {"paging": {"per_page": 25, "next_page": null}}}')
    meeting = translate.meeting(body.rows[0])

    assert (meeting.source_id, meeting.status, meeting.attendees) == ("5", MeetingStatus.UNKNOWN, None)
    assert body.metadata == wire.Metadata(paging=wire.Paging(per_page=25))


@pytest.mark.parametrize(
    ("changes", "unreadable"),
    [
        ({"title": 5}, frozenset()),
        ({"title": {}}, {"title", "salesloft.title"}),
        ({"event_id": []}, {"calendar_event_id", "salesloft.event_id"}),
        ({"calendar_type": []}, {"salesloft.calendar_type"}),
        ({"owned_by_user": "x"}, {"owner", "salesloft.owned_by_user"}),
        ({"start_time": "soon"}, {"start_time", "salesloft.start_time"}),
        ({"start_time": "0001-01-01T00:00:00+09:00"}, {"start_time", "salesloft.start_time"}),
        ({"recurring_interval": 5.5}, frozenset()),
        ({"recurring": "yes please"}, {"salesloft.recurring"}),
        ({"canceled_at": 5}, {"canceled_at", "salesloft.canceled_at"}),
    ],
)
def test_what_cannot_be_read_is_null_and_named(changes: dict[str, object], unreadable: set[str]) -> None:
    meeting = translated(**changes)

    assert meeting.unreadable == unreadable
    assert meeting.i_cal_uid == "q3v8k2m1n0@google.com"
    for name in unreadable & set(Meeting.__struct_fields__):
        assert getattr(meeting, name) is None


def test_an_unreadable_field_of_an_attendee_is_named_on_the_attendee() -> None:
    sent = {"attendees": [{"email": "a@b.example"}, 7, {"email": [], "affiliation": {}, "name": "B"}]}
    body = DECODER.decode(json.dumps({"data": [{**SENT, **sent}]}).encode())
    first, second = translate.meeting(body.rows[0]).attendees or ()

    assert (first.email, first.unreadable) == ("a@b.example", frozenset())
    assert (second.email, second.name) == (None, "B")
    assert second.unreadable == {"email", "salesloft.email", "salesloft.affiliation"}
    assert {problem.where for problem in problems_of([translate.meeting(body.rows[0])])} == {
        *("attendees", "attendees.email", "attendees.affiliation")
    }


def test_all_day_meetings_keep_their_instants_and_bare_dates_are_midnight() -> None:
    meeting = translated(all_day=True, start_time="2026-03-02", end_time="2026-03-03T00:00:00-05:00")

    assert meeting.start_time == dt.datetime(2026, 3, 2, tzinfo=dt.UTC)
    assert meeting.end_time == dt.datetime(2026, 3, 3, 5, tzinfo=dt.UTC)
    assert meeting.unreadable == frozenset()
