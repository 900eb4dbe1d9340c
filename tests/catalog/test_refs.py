"""Meetings by their ids and by calendar event: a folded record's id finds the meeting that holds it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import GatewayError, UpstreamUnavailable
from gateway.model.records import Kind, Meeting, Ref, Source
from gateway.request import Request
from tests.catalog.asking import Asked, Run, assert_shown, fake_of
from tests.catalog.fake import Fake
from tests.catalog.oracle import SHARED_FIELDS, Oracle, Shown
from tests.catalog.stand import NOT_SENT, Stand, as_sent
from tests.catalog.worlds import EVENTS, Case, cases
from tests.properties import share

SALESLOFT, DRIFT = Source.SALESLOFT, Source.DRIFT
FIELDS = frozenset({*SHARED_FIELDS, "sources", "drift", "alternate_ids"})
DOWN = UpstreamUnavailable("down", source="SALESLOFT")


def ref_of(meeting: Meeting) -> Ref:
    return Ref(meeting.source, Kind.MEETING, meeting.source_id)


async def found(
    fake: Asked, refs: Sequence[Ref], fields: frozenset[str] = FIELDS
) -> dict[Ref, Meeting | GatewayError | None]:
    request = Request(deadline=1000)
    try:
        return await fake.catalog.meetings.by_refs(request, refs, fields)
    finally:
        await request.close()


async def of_event(fake: Asked, event: str, fields: frozenset[str] = FIELDS) -> Meeting | None:
    request = Request(deadline=1000)
    try:
        return await fake.catalog.meetings.by_calendar_event(request, event, fields)
    finally:
        await request.close()


def opened(case: Case, *, real: bool) -> tuple[Case, Fake | Stand, frozenset[str]]:
    """A case behind the fakes or the real sources, and the fields in which it can be seen there."""
    if not real:
        return case, fake_of(case), FIELDS
    case = as_sent(case)
    return case, Stand(case), FIELDS - NOT_SENT


@share(0.05)
@given(case=cases(), some=st.sets(st.integers(0, 26)), real=st.booleans())
def test_an_id_finds_the_meeting_that_holds_it(run: Run, case: Case, some: set[int], *, real: bool) -> None:
    case, fake, fields = opened(case, real=real)
    oracle = Oracle(fake.rows)
    everything = [*case.salesloft, *case.drift, *case.calendly]
    refs = [ref_of(everything[place]) for place in some if place < len(everything)]
    refs += [Ref(SALESLOFT, Kind.MEETING, "404"), Ref(DRIFT, Kind.MEETING, "gone")]
    answers = run(found(fake, refs, fields))
    assert list(answers) == refs
    for ref, answer in answers.items():
        shown = oracle.shown_by(ref.source, ref.id)
        if shown is None:
            assert answer is None
        else:
            assert isinstance(answer, Meeting)
            assert ref_of(answer) == ref_of(shown.own)
            assert_shown(answer, shown, fields)


@share(0.05)
@given(case=cases(), event=st.sampled_from([event for event in EVENTS if event]), real=st.booleans())
def test_a_calendar_event_finds_salesloft_s_record_of_the_lowest_id(
    run: Run, case: Case, event: str, *, real: bool
) -> None:
    case, fake, fields = opened(case, real=real)
    oracle = Oracle(fake.rows)

    def rank(shown: Shown) -> tuple[int, int, str]:
        return oracle.rank.index(shown.own.source), len(shown.own.source_id), shown.own.source_id

    bearing = [shown for shown in oracle.candidates(None) if shown.values["calendar_event_id"] == event]
    answer = run(of_event(fake, event, fields))
    if not bearing:
        assert answer is None
    else:
        shown = min(bearing, key=rank)
        assert answer is not None
        assert ref_of(answer) == ref_of(shown.own)
        assert_shown(answer, shown, fields)


@pytest.fixture
def fake() -> Fake:
    """A meeting of Salesloft's with its twin, and one of Drift's alone."""
    fake = Fake()
    fake.salesloft.meetings = [Meeting(source=SALESLOFT, source_id="1", calendar_event_id="event1")]
    fake.drift.meetings = [
        Meeting(source=DRIFT, source_id="twin", calendar_event_id="event1", notes="theirs"),
        Meeting(source=DRIFT, source_id="alone", calendar_event_id="event2"),
    ]
    return fake


OURS = Ref(SALESLOFT, Kind.MEETING, "1")
TWIN, ALONE = Ref(DRIFT, Kind.MEETING, "twin"), Ref(DRIFT, Kind.MEETING, "alone")


async def test_a_source_that_is_down_takes_only_its_own(fake: Fake) -> None:
    fake.log.failing = lambda name, _: DOWN if name == "salesloft.by_ids" else None
    answers = await found(fake, [OURS, ALONE])
    assert answers[OURS] is DOWN
    assert isinstance(answers[ALONE], Meeting)


async def test_an_id_whose_holder_cannot_be_looked_up_is_not_answered(fake: Fake) -> None:
    fake.log.failing = lambda name, _: DOWN if name == "salesloft.same_events" else None
    answers = await found(fake, [OURS, TWIN], frozenset({"title"}))
    assert isinstance(answers[OURS], Meeting)
    assert answers[TWIN] is DOWN


async def test_what_only_a_duplicate_would_show_is_reported_as_unknown(fake: Fake) -> None:
    fake.log.failing = lambda name, _: DOWN if name == "drift.window" else None
    (answer,) = (await found(fake, [OURS], frozenset({"notes"}))).values()
    assert isinstance(answer, Meeting)
    assert answer.notes is None
    assert answer.unfolded is DOWN
    (answer,) = (await found(fake, [OURS], frozenset({"status"}))).values()
    assert isinstance(answer, Meeting)
    assert answer.unfolded is None, "nothing that is selected could differ"


@pytest.mark.parametrize(
    ("fields", "calls"),
    [
        ({"status"}, ["salesloft.by_ids"]),
        ({"attendees"}, ["salesloft.by_ids"]),
        ({"notes"}, ["salesloft.by_ids", "drift.window", "salesloft.same_events"]),
        ({"alternate_ids"}, ["salesloft.by_ids", "drift.window", "salesloft.same_events"]),
    ],
)
async def test_an_id_costs_no_more_than_its_fields(fake: Fake, fields: set[str], calls: list[str]) -> None:
    await found(fake, [OURS], frozenset(fields))
    assert fake.log.calls == calls


async def test_an_event_is_found_though_the_lower_source_is_down(fake: Fake) -> None:
    fake.log.failing = lambda name, _: DOWN if name.startswith("drift") else None
    meeting = await of_event(fake, "event1")
    assert meeting is not None
    assert meeting.source_id == "1"
    with pytest.raises(UpstreamUnavailable):
        await of_event(fake, "event2")


async def test_an_event_is_not_answered_while_the_higher_source_is_down(fake: Fake) -> None:
    fake.log.failing = lambda name, _: DOWN if name.startswith("salesloft") else None
    with pytest.raises(UpstreamUnavailable):
        await of_event(fake, "event1")
    with pytest.raises(UpstreamUnavailable):
        await of_event(fake, "event2")
