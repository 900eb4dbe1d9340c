"""Salesloft's own filter on one of its records."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.model.conditions import TimeRange
from gateway.model.filters import MeetingFilter
from gateway.model.records import Meeting, Source
from gateway.sources.decode import BodyDecoder
from gateway.sources.salesloft import conditions as own
from gateway.sources.salesloft import translate, wire
from gateway.sources.salesloft.conditions import DEFAULT_PERSONAL_MEETING, MeetingConditions
from tests.sources.salesloft_vendor import parsed, row

GUID = "7A2C9D10-5b1e-4f6a-9c33-0e8d4b7f1a02"
BEGIN = "2026-03-02T15:30:00.000000Z"
FULL: dict[str, Any] = {
    "start_time": BEGIN,
    "created_at": BEGIN,
    "status": "booked",
    "event_id": "e",
    "i_cal_uid": "u",
    "person": {"id": 1},
    "cadence": {"id": 2},
    "step": {"id": 3},
    "account_id": 4,
    "task_id": 5,
    "meeting_type_id": 6,
    "owned_by_user": {"id": GUID},
    "booked_by_user": {"id": GUID},
}


def meeting(**fields: object) -> Meeting:
    body = json.dumps({"data": [row(9, **{**FULL, **fields})]}).encode()
    return translate.meeting(BodyDecoder(wire.Meeting, wire.Metadata, source="SALESLOFT").decode(body).rows[0])


def conditions(**given: Any) -> MeetingConditions:
    sets: dict[str, Any] = {
        name: frozenset(value) if isinstance(value, set) else value for name, value in given.items()
    }
    return MeetingConditions(**sets)


TABLE: list[tuple[str, object, object, str]] = [
    ("ids", {"9", "8"}, {"8"}, "id"),
    ("status", "booked", "pending", "status"),
    ("person_id", {"1"}, {"2"}, "person"),
    ("person_ids", {"1"}, {"2"}, "person"),
    ("account_id", {"4"}, {"5"}, "account_id"),
    ("event_ids", {"e"}, {"f"}, "event_id"),
    ("i_cal_uids", {"u"}, {"v"}, "i_cal_uid"),
    ("task_ids", {"5"}, {"6"}, "task_id"),
    ("user_guids", {GUID.lower()}, {"x"}, "owned_by_user"),
    ("booked_by_user_uuid", GUID, "x", "booked_by_user"),
    ("meeting_type_id", {"6"}, {"7"}, "meeting_type_id"),
    ("cadence_id", "2", "3", "cadence"),
    ("step_id", "3", "4", "step"),
]


@pytest.mark.parametrize(("name", "met", "unmet", "field"), TABLE)
def test_each_condition(name: str, met: object, unmet: object, field: str) -> None:
    assert own.admits(conditions(**{name: met}), meeting())
    assert not own.admits(conditions(**{name: unmet}), meeting())
    if field != "id":
        assert own.admits(conditions(**{name: unmet}), meeting(**{field: None}))
        assert not own.admits(conditions(**{name: unmet}), meeting(**{field: None}), frozenset({name}))


@pytest.mark.parametrize(
    ("given", "fields", "admitted"),
    [
        ({"show_deleted": True}, {}, False),
        ({"show_deleted": True}, {"canceled_at": BEGIN}, True),
        ({"show_deleted": False}, {"canceled_at": BEGIN}, False),
        ({"no_show": True}, {}, False),
        ({"no_show": True}, {"no_show": True}, True),
        ({"no_show": False}, {"no_show": True}, False),
        ({"no_show": True}, {"no_show": None}, True),
        ({"event_ids": {"x"}, "i_cal_uids": {"u"}}, {}, True),
        ({"event_ids": {"e"}, "i_cal_uids": {"x"}}, {}, True),
        ({"event_ids": {"x"}, "i_cal_uids": {"x"}}, {}, False),
        ({"event_ids": set(), "i_cal_uids": {"u"}}, {}, True),
        ({"meeting_type_id": {DEFAULT_PERSONAL_MEETING}}, {}, True),
        ({"start_time": TimeRange(gte=parsed(BEGIN))}, {}, True),
        ({"start_time": TimeRange(gt=parsed(BEGIN))}, {}, False),
        ({"start_time": TimeRange(gte=parsed(BEGIN))}, {"start_time": None}, False),
        ({"created_at": TimeRange(lt=parsed(BEGIN))}, {}, False),
        ({"created_at": TimeRange(lte=parsed(BEGIN))}, {}, True),
        ({"cadence_id": "2", "step_id": "4"}, {}, False),
    ],
)
def test_more_of_them(given: dict[str, Any], fields: dict[str, Any], admitted: bool) -> None:
    assert own.admits(conditions(**given), meeting(**fields)) is admitted


def test_the_conditions_of_a_filter_are_salesloft_s_alone() -> None:
    mine = MeetingConditions(ids=frozenset({"1"}))

    assert own.conditions(MeetingFilter(own={Source.SALESLOFT: mine, Source.DRIFT: object()})) is mine
    assert own.conditions(MeetingFilter(own={Source.DRIFT: object()})) == MeetingConditions()
