"""Which records are one event, and what a folded meeting shows: every rule with its near-misses."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from gateway.model.identity import choose, contenders, derived_uid, fold, same_event
from gateway.model.records import Kind, Meeting, MeetingStatus, Ref, Source, UserKey

NOON = dt.datetime(2026, 3, 10, 12, tzinfo=dt.UTC)
MILLISECOND = dt.timedelta(milliseconds=1)
OWNER = Ref(Source.SALESLOFT, Kind.USER, "guid-1", UserKey.GUID)


def ours(source_id: str = "1", **values: Any) -> Meeting:
    return Meeting(source=Source.SALESLOFT, source_id=source_id, **values)


def theirs(source_id: str = "a", **values: Any) -> Meeting:
    return Meeting(source=Source.DRIFT, source_id=source_id, **values)


@pytest.mark.parametrize(
    ("event", "uid"),
    [
        ("rf641atglm8tt4hkbu91kv1p6c", "rf641atglm8tt4hkbu91kv1p6c@google.com"),
        ("abc123_20260310T120000Z", "abc123@google.com"),
        ("abc123_20260310", "abc123@google.com"),
        ("abc123_2026", "abc123_2026@google.com"),
        ("AAMkAGI2=", None),
        ("abc", None),
        ("", None),
    ],
)
def test_a_google_uid_comes_of_its_event_id(event: str, uid: str | None) -> None:
    assert derived_uid(event) == uid


SERIES = "abc123@google.com"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (ours(calendar_event_id="e1"), theirs(calendar_event_id="e1"), True),
        (ours(calendar_event_id="e1", start_time=NOON), theirs(calendar_event_id="e1", start_time=None), True),
        (ours(calendar_event_id="e1"), theirs(calendar_event_id="E1"), False),
        (ours(calendar_event_id=""), theirs(calendar_event_id=""), False),
        (ours(), theirs(), False),
        (ours(start_time=NOON, title="a"), theirs(start_time=NOON, title="a"), False),
        (ours(i_cal_uid=SERIES, start_time=NOON), theirs(calendar_event_id="abc123", start_time=NOON), True),
        (
            ours(i_cal_uid=SERIES, start_time=NOON),
            theirs(calendar_event_id="abc123_20260310T120000Z", start_time=NOON),
            True,
        ),
        (
            ours(i_cal_uid=SERIES, start_time=NOON + MILLISECOND / 2),
            theirs(calendar_event_id="abc123", start_time=NOON),
            True,
        ),
        (
            ours(i_cal_uid=SERIES, start_time=NOON + MILLISECOND),
            theirs(calendar_event_id="abc123", start_time=NOON),
            False,
        ),
        (ours(i_cal_uid=SERIES), theirs(calendar_event_id="abc123"), False),
        (ours(i_cal_uid=SERIES, start_time=NOON), theirs(i_cal_uid=SERIES, start_time=NOON), False),
        (ours(calendar_event_id="e1"), ours("2", calendar_event_id="e1"), False),
    ],
)
def test_the_same_event(one: Meeting, other: Meeting, *, same: bool) -> None:
    assert same_event(one, other) is same
    assert same_event(other, one) is same


def test_a_twin_folds_into_the_record_with_its_start_else_its_owner_s_else_the_lowest_id() -> None:
    twin = theirs(start_time=NOON)
    later = NOON + MILLISECOND
    held = ours("30", start_time=NOON)
    owned, low = ours("20", start_time=later, owner=OWNER), ours("9", start_time=later)
    assert contenders(twin, [low, owned, held]) == [held]
    assert contenders(twin, [owned, low]) == [low, owned]
    assert choose([low, owned], frozenset({OWNER})) is owned
    assert choose([low, owned], frozenset()) is low


def test_times_and_state_are_the_meeting_s_own() -> None:
    twin = theirs(start_time=NOON, created_at=NOON, updated_at=NOON, status=MeetingStatus.CANCELED, no_show=True)
    whole = fold(ours(status=MeetingStatus.BOOKED), [twin])
    assert (whole.start_time, whole.created_at, whole.updated_at, whole.no_show) == (None, None, None, None)
    assert whole.status is MeetingStatus.BOOKED


def test_what_is_null_shows_the_newest_twin_s() -> None:
    old = theirs("a", notes="old", time_zone="Asia/Tokyo", updated_at=NOON)
    new = theirs("b", notes="new", updated_at=NOON + MILLISECOND)
    whole = fold(ours(unreadable=frozenset({"notes", "title"})), [old, new])
    assert whole.notes == "new"
    assert whole.time_zone is None, "the newest has none"
    assert [twin.source_id for twin in whole.twins] == ["b", "a"]
    assert whole.unreadable == {"title"}
    assert fold(ours(notes=""), [new]).notes == "", "an empty text is a value"


def test_without_twins_a_meeting_is_as_it_is() -> None:
    meeting = ours()
    assert fold(meeting, []) is meeting


def test_folding_twice_changes_nothing() -> None:
    once = fold(ours(), [theirs(notes="x"), theirs("b", updated_at=NOON)])
    assert fold(once, once.twins) == once
