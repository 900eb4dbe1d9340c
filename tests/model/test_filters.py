"""What each condition admits, what a missing value does to it, and what matches nothing."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from gateway.model.conditions import TimeRange
from gateway.model.filters import Canceled, MeetingFilter, fold_email
from gateway.model.records import Attendee, Kind, Meeting, MeetingStatus, Ref, Source, UserKey

NOON = dt.datetime(2026, 3, 10, 12, tzinfo=dt.UTC)
TICK = dt.timedelta(microseconds=1)
S, D = Source.SALESLOFT, Source.DRIFT


@pytest.mark.parametrize(
    ("bounds", "inside", "outside"),
    [
        ({"gt": NOON}, [NOON + TICK], [NOON, NOON - TICK]),
        ({"gte": NOON}, [NOON, NOON + TICK], [NOON - TICK]),
        ({"lt": NOON}, [NOON - TICK], [NOON, NOON + TICK]),
        ({"lte": NOON}, [NOON, NOON - TICK], [NOON + TICK]),
        ({"gt": NOON - TICK, "lt": NOON + TICK}, [NOON], [NOON - TICK, NOON + TICK]),
        ({"gte": NOON, "gt": NOON}, [NOON + TICK], [NOON]),
        ({"gte": NOON, "lte": NOON}, [NOON], [NOON - TICK, NOON + TICK]),
        ({"gt": NOON, "lt": NOON}, [], [NOON, NOON + TICK, NOON - TICK]),
    ],
)
def test_bounds(bounds: dict[str, dt.datetime], inside: list[dt.datetime], outside: list[dt.datetime]) -> None:
    wanted = TimeRange(**bounds)
    assert wanted.bounded
    assert all(wanted.admits(moment) for moment in inside)
    assert not any(wanted.admits(moment) for moment in outside)
    assert not wanted.admits(None), "a missing value is in no range"


def test_a_range_without_bounds_is_no_condition() -> None:
    assert not TimeRange().bounded
    assert TimeRange().admits(None)
    assert TimeRange().admits(NOON)


def ref(kind: Kind, key: str, source: Source = S) -> Ref:
    return Ref(source, kind, key)


BOOKED = MeetingStatus.BOOKED
OWNER = Ref(S, Kind.USER, "guid-1", UserKey.GUID)
WHOLE = Meeting(
    source=S,
    source_id="1",
    status=BOOKED,
    no_show=False,
    start_time=NOON,
    end_time=NOON,
    created_at=NOON,
    updated_at=NOON,
    calendar_event_id="event",
    i_cal_uid="uid",
    person=ref(Kind.PERSON, "2"),
    owner=OWNER,
    booked_by=OWNER,
    cadence=ref(Kind.CADENCE, "3"),
    step=ref(Kind.STEP, "4"),
    account=ref(Kind.ACCOUNT, "5"),
    attendees=(Attendee(email=" Ann@Buyer.example"), Attendee()),
    guests=("Bob@buyer.example ",),
    twins=(Meeting(source=D, source_id="slug"),),
)
BARE = Meeting(source=S, source_id="9", status=BOOKED)


def some(*values: Any) -> frozenset[Any]:
    return frozenset(values)


@pytest.mark.parametrize(
    ("name", "met", "missed"),
    [
        ("ids", some(ref(Kind.MEETING, "1")), some(ref(Kind.MEETING, "2"))),
        ("ids", some(ref(Kind.MEETING, "slug", D)), some(ref(Kind.MEETING, "1", D), ref(Kind.MEETING, "slug"))),
        ("status", some(BOOKED, MeetingStatus.PENDING), some(MeetingStatus.CANCELED)),
        ("no_show", False, True),
        ("start_time", TimeRange(gte=NOON), TimeRange(gt=NOON)),
        ("end_time", TimeRange(gte=NOON), TimeRange(gt=NOON)),
        ("created_at", TimeRange(gte=NOON), TimeRange(gt=NOON)),
        ("updated_at", TimeRange(gte=NOON), TimeRange(gt=NOON)),
        ("persons", some(ref(Kind.PERSON, "2")), some(ref(Kind.PERSON, "2", D))),
        ("owners", some(OWNER), some(Ref(S, Kind.USER, "guid-1"))),
        ("bookers", some(OWNER), some(ref(Kind.USER, "1"))),
        ("cadence_ids", some(ref(Kind.CADENCE, "3"), ref(Kind.CADENCE, "4")), some(ref(Kind.CADENCE, "4"))),
        ("step_ids", some(ref(Kind.STEP, "4")), some(ref(Kind.STEP, "3"))),
        ("account_ids", some(ref(Kind.ACCOUNT, "5")), some(ref(Kind.PERSON, "5"))),
        ("calendar_event_ids", some("event", "other"), some("Event", "")),
        ("i_cal_uids", some("uid"), some("event")),
        ("attendee_emails", some("ann@buyer.example"), some("cy@buyer.example")),
        ("attendee_emails", some("bob@buyer.example"), some("")),
    ],
)
def test_each_condition(name: str, met: Any, missed: Any) -> None:
    assert MeetingFilter(**{name: met}).admits(WHOLE)
    assert not MeetingFilter(**{name: missed}).admits(WHOLE)
    assert not MeetingFilter(**{"status": some(BOOKED), name: missed}).admits(WHOLE), "all conditions are ANDed"
    if name not in {"status", "no_show"}:
        assert not MeetingFilter(**{name: met}).admits(BARE), "what is missing is not one of the values"


def test_an_unknown_no_show_counts_as_no() -> None:
    assert MeetingFilter(no_show=False).admits(BARE)
    assert not MeetingFilter(no_show=True).admits(BARE)


@pytest.mark.parametrize(
    ("canceled", "booked", "off"),
    [(Canceled.EXCLUDE, True, False), (Canceled.INCLUDE, True, True), (Canceled.ONLY, False, True)],
)
def test_cancelled_meetings(canceled: Canceled, booked: bool, off: bool) -> None:
    wanted = MeetingFilter(canceled=canceled)
    assert wanted.admits(BARE) is booked
    assert wanted.admits(Meeting(source=S, source_id="9", status=MeetingStatus.CANCELED)) is off


def test_cancelled_meetings_are_left_out_where_nothing_is_said() -> None:
    assert MeetingFilter().canceled is Canceled.EXCLUDE


@pytest.mark.parametrize("name", [n for n in MeetingFilter.__struct_fields__ if n not in {"under", "own"}])
def test_an_empty_set_matches_nothing(name: str) -> None:
    empty: Any = frozenset()
    sets = {"ids", "sources", "status", "calendar_event_ids", "i_cal_uids", "persons", "owners", "bookers"}
    is_set = name in sets or name.endswith(("_ids", "_emails", "_domains"))
    single = {"canceled", "no_show", "overlaps", "days", "all_day", "title_contains"}
    assert is_set is (name not in single and not name.endswith(("_time", "_at")))
    if is_set:
        assert MeetingFilter(**{name: empty}).impossible
        assert not MeetingFilter(**{name: frozenset({"x"})}).impossible  # type: ignore[arg-type]  # any value


def test_a_wide_filter_is_not_impossible() -> None:
    assert not MeetingFilter().impossible


@pytest.mark.parametrize(
    ("wanted", "touched"),
    [
        (MeetingFilter(), False),
        (MeetingFilter(start_time=TimeRange(gte=NOON), status=some(BOOKED)), False),
        (MeetingFilter(persons=some(ref(Kind.PERSON, "2"))), True),
        (MeetingFilter(persons=some(ref(Kind.PERSON, "3"))), False),
        (MeetingFilter(persons=some(ref(Kind.PERSON, "3")), owners=some(OWNER)), True),
        (MeetingFilter(ids=some(ref(Kind.MEETING, "1"))), True),
    ],
)
def test_a_record_touches_a_filter_by_any_link_that_it_meets(wanted: MeetingFilter, touched: bool) -> None:
    assert wanted.touches(WHOLE) is touched


def test_times_and_state_are_told_apart_from_links() -> None:
    wanted = MeetingFilter(persons=some(ref(Kind.PERSON, "404")), start_time=TimeRange(lte=NOON))
    assert wanted.admits_state(WHOLE)
    assert not wanted.admits(WHOLE)


@pytest.mark.parametrize("address", ["ann@buyer.example", " ANN@Buyer.example\t"])
def test_addresses_are_compared_trimmed_and_folded(address: str) -> None:
    assert fold_email(address) == "ann@buyer.example"
    assert fold_email("STRASSE@x.example") == fold_email("straße@x.example")
