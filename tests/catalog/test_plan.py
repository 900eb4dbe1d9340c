"""Which sources a filter asks and which it leaves out, with the reason that clients see."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from gateway.catalog.plan import out_of_reach, plan
from gateway.model.conditions import TimeRange
from gateway.model.filters import LINKED_INPUTS, Canceled, MeetingFilter
from gateway.model.records import Kind, MeetingStatus, Ref, Source
from gateway.sources.base import Ports, Traits
from tests.catalog.fakes import LITTLE, NOW, FakeListing, FakeWindow, Log, Rows, Words

S, D = Source.SALESLOFT, Source.DRIFT
DAY = dt.timedelta(days=1)
BOTH = [
    Ports(source=S, meetings=FakeListing(Rows(S), Log())),
    Ports(source=D, meetings=FakeWindow(Rows(D), Log())),
]


def some(*values: Any) -> frozenset[Any]:
    return frozenset(values)


def on(name: str) -> MeetingFilter:
    """A filter with one condition."""
    given: dict[str, Any] = {name: some("x")}
    return MeetingFilter(**given)


LEFT_OUT = "Left out by filter.sources."
NO_RECORD = "filter.ids names no record of this source."


@pytest.mark.parametrize(
    ("wanted", "skipped", "by_links"),
    [
        (MeetingFilter(), {}, False),
        (MeetingFilter(canceled=Canceled.ONLY, start_time=TimeRange(gte=NOW), no_show=False), {}, False),
        (MeetingFilter(sources=some(S)), {D: LEFT_OUT}, False),
        (MeetingFilter(sources=some(D)), {S: LEFT_OUT}, False),
        (MeetingFilter(sources=some(S, D)), {}, False),
        (MeetingFilter(ids=some(Ref(S, Kind.MEETING, "1"))), {D: NO_RECORD}, False),
        (MeetingFilter(ids=some(Ref(D, Kind.MEETING, "a"))), {S: NO_RECORD}, True),
        (MeetingFilter(ids=some(Ref(S, Kind.MEETING, "1"), Ref(D, Kind.MEETING, "a"))), {}, True),
        (MeetingFilter(person_ids=some(Ref(S, Kind.PERSON, "1"))), {}, True),
        (MeetingFilter(person_ids=some(Ref(S, Kind.PERSON, "1")), sources=some(S)), {D: LEFT_OUT}, True),
        (MeetingFilter(person_ids=some(Ref(D, Kind.PERSON, "1")), sources=some(D)), {S: LEFT_OUT}, False),
        (MeetingFilter(calendar_event_ids=some("e")), {}, True),
        (
            MeetingFilter(cadence_ids=some(Ref(S, Kind.CADENCE, "1"))),
            {D: "This source cannot apply filter.cadenceIds."},
            False,
        ),
        (
            MeetingFilter(step_ids=some(Ref(S, Kind.STEP, "1")), i_cal_uids=some("u"), owner_emails=some("x")),
            {D: "This source cannot apply filter.stepIds or filter.iCalUids."},
            True,
        ),
        (
            MeetingFilter(status=some(MeetingStatus.PENDING)),
            {D: "This source has no meetings of the statuses in filter.status."},
            False,
        ),
        (MeetingFilter(no_show=True), {D: "This source does not know of no-shows (filter.noShow)."}, False),
        (MeetingFilter(own={S: Words(some("a"))}), {D: "Only SALESLOFT can meet filter.salesloft."}, False),
        (MeetingFilter(own={D: Words(some("a"))}), {S: "Only DRIFT can meet filter.drift."}, True),
    ],
)
def test_the_plan_for_a_filter(wanted: MeetingFilter, skipped: dict[Source, str], by_links: bool) -> None:
    made = plan(wanted, BOTH)
    assert dict(made.skipped) == skipped
    assert made.by_links is by_links
    assert [port.source for port in made.walked] == [S] * (S not in skipped)
    assert [port.source for port in made.searched] == [D] * (D not in skipped or by_links)
    assert made.scope == {S, D} if wanted.sources is None else made.scope == wanted.sources
    assert made.listed == made.scope - skipped.keys()


@pytest.mark.parametrize("name", sorted(LINKED_INPUTS.keys() & LITTLE.lacks(MeetingFilter)))
def test_what_a_source_never_bears_it_cannot_add_to_a_meeting(name: str) -> None:
    made = plan(on(name), BOTH)
    assert not made.by_links
    assert made.skipped == {D: f"This source cannot apply filter.{LINKED_INPUTS[name]}."}


@pytest.mark.parametrize("name", sorted(LINKED_INPUTS.keys() - LITTLE.lacks(MeetingFilter)))
def test_what_a_source_may_add_to_a_meeting_is_looked_for_in_it(name: str) -> None:
    made = plan(on(name), BOTH)
    assert made.by_links
    assert made.skipped == {}


def test_conditions_of_both_sources_are_met_together_or_not_at_all() -> None:
    made = plan(MeetingFilter(own={S: Words(some("a")), D: Words(some("b"))}), BOTH)
    assert made.together == {S, D}
    assert made.by_links
    assert [port.source for port in made.searched] == [D]


def test_a_source_without_meetings_is_not_spoken_of() -> None:
    made = plan(MeetingFilter(sources=some(S)), [Ports(source=S), BOTH[1]])
    assert made.walked == ()
    assert made.skipped == {D: LEFT_OUT}
    assert made.scope == frozenset()


REACHING = Traits(reaches_back=30 * DAY)


@pytest.mark.parametrize(
    ("traits", "wanted", "out"),
    [
        (REACHING, TimeRange(lt=NOW - 32 * DAY), True),
        (REACHING, TimeRange(lte=NOW - 32 * DAY), True),
        (REACHING, TimeRange(lt=NOW, lte=NOW - 32 * DAY), True),
        (REACHING, TimeRange(gte=NOW - 90 * DAY, lt=NOW - 32 * DAY), True),
        (REACHING, TimeRange(lt=NOW - 31 * DAY), False),
        (REACHING, TimeRange(lt=NOW), False),
        (REACHING, TimeRange(gte=NOW - 90 * DAY), False),
        (REACHING, None, False),
        (Traits(), TimeRange(lt=NOW - 90 * DAY), False),
    ],
)
def test_what_lies_further_back_than_a_source_goes(traits: Traits, wanted: TimeRange | None, out: bool) -> None:
    assert out_of_reach(MeetingFilter(start_time=wanted), traits, NOW) is out
