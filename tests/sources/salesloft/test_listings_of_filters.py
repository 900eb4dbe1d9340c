"""Which listings a filter comes to, and what each asks for."""

from __future__ import annotations

import datetime as dt
import itertools
from typing import Any

import pytest

from gateway.model.conditions import TimeRange
from gateway.model.filters import Canceled, MeetingFilter
from gateway.model.records import Kind, MeetingStatus, Ref, Source, UserKey
from gateway.sources.salesloft.conditions import DEFAULT_PERSONAL_MEETING, MeetingConditions
from gateway.sources.salesloft.filters import UpstreamList, meeting_listings
from gateway.sources.salesloft.parameters import TimeSpan

ACTIVE, CANCELED = ("show_deleted", "false"), ("show_deleted", "true")
GUIDS = [f"00000000-0000-4000-8000-{number:012}" for number in range(300)]
DRIFT = Ref(Source.DRIFT, Kind.PERSON, "9")


def refs(kind: Kind, *ids: str, key: UserKey = UserKey.ID) -> frozenset[Ref]:
    return frozenset(Ref(Source.SALESLOFT, kind, each, key) for each in ids)


def guids(*ids: str) -> frozenset[Ref]:
    return refs(Kind.USER, *ids, key=UserKey.GUID)


def own(**conditions: Any) -> MeetingFilter:
    sets: dict[str, Any] = {
        name: frozenset(value) if isinstance(value, list) else value for name, value in conditions.items()
    }
    include = "show_deleted" in conditions  # as the graph reads it
    return MeetingFilter(
        own={Source.SALESLOFT: MeetingConditions(**sets)}, canceled=Canceled.INCLUDE if include else Canceled.EXCLUDE
    )


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


def ranges(listing: UpstreamList) -> tuple[tuple[str, str], ...]:
    return (*listing.start_time.params("start_time"), *listing.created_at.params("created_at"))


STATES: list[tuple[dict[str, Any], list[tuple[list[tuple[str, str]], bool]]]] = [
    ({}, [([ACTIVE], True)]),
    ({"canceled": Canceled.ONLY}, [([CANCELED], True)]),
    ({"canceled": Canceled.INCLUDE}, [([ACTIVE], True), ([CANCELED], True)]),
    ({"no_show": False}, [([ACTIVE, ("no_show", "false")], True)]),
    ({"no_show": True}, [([ACTIVE, ("no_show", "true")], False)]),
    (
        {"no_show": False, "canceled": Canceled.INCLUDE},
        [([ACTIVE, ("no_show", "false")], True), ([CANCELED, ("no_show", "false")], True)],
    ),
    ({"status": {"BOOKED"}}, [([ACTIVE, ("no_show", "false"), ("status", "booked")], True)]),
    ({"status": {"FAILED"}}, [([ACTIVE, ("no_show", "false"), ("status", "failed")], True)]),
    ({"status": {"PENDING"}}, [([ACTIVE, ("no_show", "false")], False)]),
    ({"status": {"UNKNOWN"}}, [([ACTIVE, ("no_show", "false")], False)]),
    ({"status": {"BOOKED", "FAILED"}}, [([ACTIVE, ("no_show", "false")], False)]),
    ({"status": {"NO_SHOW"}}, [([ACTIVE, ("no_show", "true")], False)]),
    ({"status": {"BOOKED", "NO_SHOW"}}, [([ACTIVE], False)]),
    (
        {"status": {"BOOKED", "NO_SHOW"}, "no_show": False},
        [([ACTIVE, ("no_show", "false"), ("status", "booked")], True)],
    ),
    ({"status": {"BOOKED"}, "no_show": True}, []),
    ({"status": {"PENDING", "BOOKED", "FAILED", "UNKNOWN"}}, [([ACTIVE, ("no_show", "false")], True)]),
    ({"status": {status.value for status in MeetingStatus}}, [([ACTIVE], True)]),
    ({"status": {"CANCELED"}}, []),
    ({"status": {"CANCELED"}, "canceled": Canceled.INCLUDE}, [([CANCELED], True)]),
    ({"status": {"BOOKED"}, "canceled": Canceled.ONLY}, []),
    (
        {"status": {"BOOKED", "CANCELED"}, "canceled": Canceled.INCLUDE},
        [([ACTIVE, ("no_show", "false"), ("status", "booked")], True), ([CANCELED], True)],
    ),
]


@pytest.mark.parametrize(("conditions", "expected"), STATES)
def test_states(conditions: dict[str, Any], expected: list[tuple[list[tuple[str, str]], bool]]) -> None:
    status = conditions.pop("status", None)
    wanted = MeetingFilter(status=status and frozenset(map(MeetingStatus, status)), **conditions)

    assert [(list(listing.params), listing.exact) for listing in meeting_listings(wanted)] == expected


OWN_STATES: list[tuple[dict[str, Any], list[list[tuple[str, str]]]]] = [
    ({"show_deleted": True}, [[CANCELED]]),
    ({"show_deleted": False}, [[ACTIVE]]),
    ({"status": "retry"}, [[ACTIVE, ("status", "retry")]]),
    ({"no_show": True}, [[ACTIVE, ("no_show", "true")]]),
    ({"no_show": False, "show_deleted": True}, [[CANCELED, ("no_show", "false")]]),
]


@pytest.mark.parametrize(("conditions", "expected"), OWN_STATES)
def test_own_states(conditions: dict[str, Any], expected: list[list[tuple[str, str]]]) -> None:
    assert [list(listing.params) for listing in meeting_listings(own(**conditions))] == expected


def test_a_word_that_no_wanted_status_means_is_not_asked_for() -> None:
    conditions = {Source.SALESLOFT: MeetingConditions(status="failed")}

    assert meeting_listings(MeetingFilter(status=frozenset({MeetingStatus.BOOKED}), own=conditions)) == []
    (also,) = meeting_listings(
        MeetingFilter(status=frozenset({MeetingStatus.BOOKED, MeetingStatus.NO_SHOW}), own=conditions)
    )
    assert (also.params, also.exact) == ((ACTIVE, ("status", "failed")), False)
    (same,) = meeting_listings(MeetingFilter(status=frozenset({MeetingStatus.FAILED}), own=conditions))
    assert (same.params, same.exact) == ((ACTIVE, ("no_show", "false"), ("status", "failed")), True)


PUSHED: list[tuple[MeetingFilter, list[tuple[str, str]]]] = [
    (MeetingFilter(ids=refs(Kind.MEETING, "10", "9")), [("ids[]", "9"), ("ids[]", "10")]),
    (own(ids=["7"]), [("ids[]", "7")]),
    (MeetingFilter(persons=refs(Kind.PERSON, "1", "2") | {DRIFT}), [("person_ids[]", "1"), ("person_ids[]", "2")]),
    (own(person_ids=["5"]), [("person_ids[]", "5")]),
    (own(person_id=["5"]), [("person_id", "5")]),
    (own(person_id=["5", "6"]), [("person_ids[]", "5"), ("person_ids[]", "6")]),
    (own(person_id=["5", "6"], person_ids=["6"]), [("person_ids[]", "6")]),
    (MeetingFilter(owners=guids(*GUIDS[:2])), [("user_guids[]", GUIDS[0]), ("user_guids[]", GUIDS[1])]),
    (own(user_guids=[GUIDS[0]]), [("user_guids[]", GUIDS[0])]),
    (MeetingFilter(bookers=guids(GUIDS[0])), [("booked_by_user_uuid", GUIDS[0])]),
    (own(booked_by_user_uuid=GUIDS[1]), [("booked_by_user_uuid", GUIDS[1])]),
    (MeetingFilter(cadence_ids=refs(Kind.CADENCE, "3")), [("cadence_id", "3")]),
    (own(cadence_id="3"), [("cadence_id", "3")]),
    (MeetingFilter(step_ids=refs(Kind.STEP, "4")), [("step_id", "4")]),
    (own(step_id="4"), [("step_id", "4")]),
    (MeetingFilter(account_ids=refs(Kind.ACCOUNT, "5")), [("account_id", "5")]),
    (own(account_id=["5"]), [("account_id", "5")]),
    (own(task_ids=["6"]), [("task_ids[]", "6")]),
    (own(meeting_type_id=["7"]), [("meeting_type_id", "7")]),
    (own(meeting_type_id=[DEFAULT_PERSONAL_MEETING]), [("meeting_type_id", DEFAULT_PERSONAL_MEETING)]),
    (MeetingFilter(calendar_event_ids=frozenset({"a b"})), [("event_ids[]", "a b")]),
    (own(event_ids=["e"]), [("event_ids[]", "e")]),
    (MeetingFilter(i_cal_uids=frozenset({"u"})), [("i_cal_uids[]", "u")]),
    (own(i_cal_uids=["u"]), [("i_cal_uids[]", "u")]),
    (own(event_ids=["e"], i_cal_uids=["u"]), [("event_ids[]", "e"), ("i_cal_uids[]", "u")]),
    (own(event_ids=[], i_cal_uids=["u"]), [("i_cal_uids[]", "u")]),
    (
        own(start_time=TimeRange(gt=at("2026-01-01T00:00:00Z"), lte=at("2026-02-01T01:00:00+01:00"))),
        [("start_time[gt]", "2026-01-01T00:00:00.000000Z"), ("start_time[lte]", "2026-02-01T00:00:00.000000Z")],
    ),
    (
        MeetingFilter(created_at=TimeRange(gte=at("2026-01-01T00:00:00.000001Z"), lt=at("2026-02-01T00:00:00Z"))),
        [("created_at[gte]", "2026-01-01T00:00:00.000001Z"), ("created_at[lt]", "2026-02-01T00:00:00.000000Z")],
    ),
]


@pytest.mark.parametrize(("wanted", "asked"), PUSHED)
def test_what_is_asked_for_exactly(wanted: MeetingFilter, asked: list[tuple[str, str]]) -> None:
    (listing,) = meeting_listings(wanted)

    assert [*listing.params[1:], *ranges(listing)] == asked
    assert listing.exact
    assert listing.strict == frozenset()


NOTHING: list[MeetingFilter] = [
    MeetingFilter(ids=frozenset()),
    MeetingFilter(ids=frozenset({Ref(Source.DRIFT, Kind.MEETING, "slug")})),
    MeetingFilter(ids=refs(Kind.MEETING, "not-a-number", "", "\u0661", "9" * 40)),
    MeetingFilter(ids=refs(Kind.PERSON, "1")),
    MeetingFilter(persons=frozenset({DRIFT})),
    MeetingFilter(owners=refs(Kind.USER, "6970")),
    MeetingFilter(ids=refs(Kind.MEETING, "1"), own={Source.SALESLOFT: MeetingConditions(ids=frozenset({"2"}))}),
    MeetingFilter(
        start_time=TimeRange(gt=at("2026-01-01T00:00:00Z"), lt=at("2026-01-01T00:00:00.000001Z")),
    ),
    MeetingFilter(created_at=TimeRange(gte=at("2026-01-02T00:00:00Z"), lte=at("2026-01-01T00:00:00Z"))),
    own(person_id=["5"], person_ids=["6"]),
    own(cadence_id="x"),
    *(own(**{name: []}) for name in ("ids", "person_id", "account_id", "person_ids", "task_ids", "user_guids")),
    own(meeting_type_id=[]),
    own(event_ids=[]),
    own(event_ids=[], i_cal_uids=[]),
    MeetingFilter(
        calendar_event_ids=frozenset({"a"}), own={Source.SALESLOFT: MeetingConditions(event_ids=frozenset({"b"}))}
    ),
]


@pytest.mark.parametrize("wanted", NOTHING)
def test_what_nothing_can_match_costs_no_call(wanted: MeetingFilter) -> None:
    assert meeting_listings(wanted) == []


INEXACT: list[tuple[MeetingFilter, list[tuple[str, str]], set[str]]] = [
    (MeetingFilter(end_time=TimeRange(gte=at("2026-01-01T00:00:00Z"))), [], set()),
    (MeetingFilter(updated_at=TimeRange(gte=at("2026-01-01T00:00:00Z"))), [], set()),
    (MeetingFilter(attendee_emails=frozenset({"a@b.example"})), [], set()),
    (
        MeetingFilter(calendar_event_ids=frozenset({"e"}), i_cal_uids=frozenset({"u"})),
        [("event_ids[]", "e")],
        set(),
    ),
    (
        MeetingFilter(
            calendar_event_ids=frozenset({"e"}), own={Source.SALESLOFT: MeetingConditions(i_cal_uids=frozenset({"u"}))}
        ),
        [("event_ids[]", "e")],
        {"i_cal_uids"},
    ),
    (
        MeetingFilter(
            i_cal_uids=frozenset({"u"}),
            own={
                Source.SALESLOFT: MeetingConditions(event_ids=frozenset({"e"}), i_cal_uids=frozenset({"v"})),
            },
        ),
        [("i_cal_uids[]", "u")],
        {"event_ids", "i_cal_uids"},
    ),
    (own(account_id=[str(number) for number in range(6)]), [], {"account_id"}),
    (MeetingFilter(bookers=guids(*GUIDS[:6])), [], {"booked_by_user_uuid"}),
]


@pytest.mark.parametrize(("wanted", "asked", "strict"), INEXACT)
def test_what_has_to_be_checked_here(wanted: MeetingFilter, asked: list[tuple[str, str]], strict: set[str]) -> None:
    (listing,) = meeting_listings(wanted)

    assert list(listing.params[1:]) == asked
    assert not listing.exact
    assert listing.strict == strict


def test_a_few_values_of_a_parameter_that_takes_one_are_a_listing_each() -> None:
    wanted = MeetingFilter(cadence_ids=refs(Kind.CADENCE, *"12345"), canceled=Canceled.INCLUDE)

    found = meeting_listings(wanted)

    expected = [(state, ("cadence_id", each)) for state in (ACTIVE, CANCELED) for each in "12345"]
    assert [listing.params for listing in found] == expected
    assert all(listing.exact for listing in found)


def test_only_one_parameter_is_fanned_out() -> None:
    wanted = MeetingFilter(cadence_ids=refs(Kind.CADENCE, "1", "2"), step_ids=refs(Kind.STEP, "3", "4"))

    found = meeting_listings(wanted)

    assert [listing.params for listing in found] == [(ACTIVE, ("step_id", "3")), (ACTIVE, ("step_id", "4"))]
    assert all(not listing.exact and listing.strict == {"cadence_id"} for listing in found)


def test_many_values_are_split_into_disjoint_listings() -> None:
    ids = [str(number) for number in range(1000, 1230)]

    found = meeting_listings(MeetingFilter(ids=refs(Kind.MEETING, *ids), owners=guids(GUIDS[0])))

    parts = [[value for name, value in listing.params if name == "ids[]"] for listing in found]
    assert [len(part) for part in parts] == [100, 100, 30]
    assert list(itertools.chain(*parts)) == ids
    assert all(("user_guids[]", GUIDS[0]) in listing.params and listing.exact for listing in found)


def test_long_values_are_split_by_the_length_of_the_url() -> None:
    events = [f"{number:03}" + "/" * 100 for number in range(50)]  # 300 and odd characters each, once encoded

    found = meeting_listings(MeetingFilter(calendar_event_ids=frozenset(events)))

    parts = [[value for _, value in listing.params[1:]] for listing in found]
    assert list(itertools.chain(*parts)) == events
    assert [len(part) for part in parts] == [18, 18, 14]


def test_the_shorter_of_two_long_lists_is_asked_for_whole() -> None:
    persons = [str(number) for number in range(10_000, 10_100)]

    found = meeting_listings(MeetingFilter(persons=refs(Kind.PERSON, *persons), owners=guids(*GUIDS[:100])))

    for listing in found:
        assert [value for name, value in listing.params if name == "person_ids[]"] == persons
        assert listing.exact
    assert [value for each in found for name, value in each.params if name == "user_guids[]"] == GUIDS[:100]
    assert len(found) == 2


def test_a_third_long_list_is_checked_here() -> None:
    wanted = own(
        person_ids=[str(number) for number in range(150)],
        user_guids=GUIDS[:150],
        task_ids=[str(number) for number in range(150)],
    )

    for listing in meeting_listings(wanted):
        split = {name for name, _ in listing.params} & {"person_ids[]", "user_guids[]", "task_ids[]"}
        assert len(split) == 1
        assert not listing.exact
        assert len(listing.strict & {"person_ids", "user_guids", "task_ids"}) == 2


def test_event_ids_and_uids_that_do_not_fit_into_one_call_stay_disjoint() -> None:
    events, uids = [f"e{number}" for number in range(120)], [f"u{number}" for number in range(120)]

    found = meeting_listings(own(event_ids=events, i_cal_uids=uids))

    by_event = [listing for listing in found if any(name == "event_ids[]" for name, _ in listing.params)]
    by_uid = [listing for listing in found if any(name == "i_cal_uids[]" for name, _ in listing.params)]
    assert (len(by_event), len(by_uid), len(found)) == (2, 2, 4)
    assert all(listing.not_events == frozenset(events) and not listing.exact for listing in by_uid)
    assert all(listing.not_events == frozenset() for listing in by_event)


def test_default_personal_meetings_are_asked_for_apart() -> None:
    found = meeting_listings(own(meeting_type_id=[DEFAULT_PERSONAL_MEETING, "7"]))

    assert [(listing.params[1], listing.not_types, listing.strict) for listing in found] == [
        (("meeting_type_id", "7"), frozenset(), {"meeting_type_id"}),
        (("meeting_type_id", DEFAULT_PERSONAL_MEETING), {"7"}, frozenset()),
    ]


def test_spans_keep_the_tighter_bound_and_say_it_as_it_was_said() -> None:
    one = TimeSpan().within(TimeRange(gte=at("2026-01-01T00:00:00Z"), lt=at("2026-03-01T00:00:00Z")))
    both = one.within(TimeRange(gt=at("2026-01-01T00:00:00Z"), lt=at("2026-04-01T00:00:00Z")))

    assert both.params("x") == (("x[gt]", "2026-01-01T00:00:00.000000Z"), ("x[lt]", "2026-03-01T00:00:00.000000Z"))


@pytest.mark.parametrize(
    ("wanted", "asked"),
    [
        (TimeRange(gte=dt.datetime.min.replace(tzinfo=dt.UTC)), (("x[gte]", "1000-01-01T00:00:00.000000Z"),)),
        (TimeRange(gt=dt.datetime.min.replace(tzinfo=dt.UTC)), (("x[gte]", "1000-01-01T00:00:00.000000Z"),)),
        (TimeRange(lte=dt.datetime.max.replace(tzinfo=dt.UTC)), (("x[lte]", "9999-12-31T23:59:59.999999Z"),)),
        (TimeRange(lt=dt.datetime.max.replace(tzinfo=dt.UTC)), (("x[lt]", "9999-12-31T23:59:59.999999Z"),)),
    ],
)
def test_bounds_at_the_ends_of_time_can_be_sent(wanted: TimeRange, asked: tuple[tuple[str, str], ...]) -> None:
    assert TimeSpan().within(wanted).params("x") == asked


@pytest.mark.parametrize(
    "wanted",
    [TimeRange(gt=dt.datetime.max.replace(tzinfo=dt.UTC)), TimeRange(lt=dt.datetime.min.replace(tzinfo=dt.UTC))],
)
def test_nothing_lies_beyond_the_ends_of_time(wanted: TimeRange) -> None:
    assert TimeSpan().within(wanted).empty
