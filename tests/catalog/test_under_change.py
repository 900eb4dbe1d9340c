"""Lists that change between two pages, and while one is read: a machine that does anything at any time.

A page during which nothing changes is what brute force says of the world as it is then. Along a walk what stays as it
is comes exactly once, nothing comes twice at one place, the order never breaks, and the walk ends.
"""

from __future__ import annotations

import asyncio
import itertools

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from gateway.catalog.answer import MeetingQuery
from gateway.catalog.pages import ListPage
from gateway.errors import GatewayError, UpstreamUnavailable
from gateway.model.filters import MeetingFilter
from gateway.model.order import Order, Position, Walk
from gateway.model.records import Meeting, MeetingStatus, Source
from gateway.paging.window import Window
from tests.catalog.asking import WHOLE, as_cursor, ask, fake_of, keys, place
from tests.catalog.changing import Change, Key, Standing, What, World, between, steady
from tests.catalog.fake import Fake
from tests.catalog.stand import Stand, as_sent
from tests.catalog.worlds import MOMENTS, ROW, SIZES, Case, cases, crowds
from tests.properties import share

SOURCES = st.sampled_from(Source)
PLACES = st.integers(0, 400)
CHANGES = st.builds(Change, st.sampled_from(What), SOURCES, PLACES, ROW)
MOST_PAGES = 1_000


class Sweep:
    """A walk in one direction, from where it began.

    Attributes:
        backward: The direction.
        origin: The place it began at.
        start: The place that the next page is asked from.
        met: What has been shown along it, each at its place.
        whole: Whether every page of it was.
        ended: Whether nothing follows.
    """

    def __init__(self, origin: Position | None, first: int, *, backward: bool) -> None:
        self.backward = backward
        self.origin = self.start = origin
        self.first = first
        self.met: list[tuple[Key, Position]] = []
        self.whole = True
        self.ended = False


@share(0.06, steps=30)
class UnderChange(RuleBasedStateMachine):
    """A client that pages through a list, and a world that changes under it."""

    stand: Fake | Stand
    world: World
    sweep: Sweep
    wanted: MeetingFilter
    order: Order
    page: ListPage[Meeting] | None = None
    sound = False

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.coming: list[tuple[int, Change]] = []

    @initialize(
        case=st.one_of(*[cases(least=3, most=12)] * 4, crowds(most=150)),
        real=st.booleans(),
        narrow=st.sampled_from([False, False, True]),
        restless=st.booleans(),
        read=st.sampled_from([None, 1, 2, 5]),
        bound=st.sampled_from([None, None, 2, 4]),
        backward=st.booleans(),
    )
    def begin(  # noqa: PLR0917 - what is drawn
        self, case: Case, real: bool, narrow: bool, restless: bool, read: int | None, bound: int | None, backward: bool
    ) -> None:
        case = as_sent(case)
        self.wanted = case.wanted if narrow else MeetingFilter(canceled=case.wanted.canceled)
        self.order = case.order
        self.pausing = bound is not None and not real
        self.restless = restless and real
        if real:
            self.stand = Stand(case)
            self.stand.vendor.restless = restless
        else:
            self.stand = fake_of(case)
            self.stand.listing.size, self.stand.listing.bound = read, bound
            self.stand.listing.pushes = bound is None
        self.stand.log.failing = self.called
        self.world = World(self.stand.rows, self.wanted, self.order)
        self.sweep = Sweep(None, 0, backward=backward)
        self.sound = True

    @rule(change=CHANGES)
    def something_changes(self, change: Change) -> None:
        """Between two pages."""
        self.world.change(change)

    @rule(call=st.integers(0, 4), change=CHANGES)
    def something_will_change(self, call: int, change: Change) -> None:
        """While the next page is read: before one of its calls is answered."""
        self.coming.append((call, change))

    @rule(size=st.one_of(st.integers(1, 4), SIZES))
    def next_page(self, size: int) -> None:
        """Goes on from where the last page ends; at the list's end, back from there."""
        if self.sweep.ended:
            self.sweep = Sweep(None, len(self.world.states) - 1, backward=not self.sweep.backward)
        self.sound = False
        self.calls = 0
        before = len(self.world.states) - 1
        walk = Walk(self.order, backward=self.sweep.backward, start=self.sweep.start)
        query = MeetingQuery(window=Window(walk, size), wanted=self.wanted, behind=True)
        try:
            answer = self.runner.run(ask(self.stand, query))
        except UpstreamUnavailable:
            assert len(self.world.states) > before + 1, "nothing has changed, and yet it changes too fast"
            self.coming.clear()
            self.sound = True
            return
        self.coming.clear()
        states = self.world.states[before:]
        event("a page of a list that stands still" if len(states) == 1 else "a page of a list that shifts")
        shown = keys(answer)[::-1] if self.sweep.backward else keys(answer)
        # Rows of one instant are read twice at most; where their order is another one every time, some may be said to
        # be missing of a list that stands still.
        if len(states) == 1 and not (self.restless and self.missing(answer)):
            self.check_still(answer, shown, size)
        else:
            self.check_shifting(answer, shown, states)
        self.go_on(answer, states)
        self.sound = True

    @rule(row=PLACES, backward=st.booleans())
    def turn(self, row: int, backward: bool) -> None:
        """Walks from a row of the last page, in either direction."""
        if self.page is None or not self.page.page.rows:
            return
        rows = self.page.page.rows
        at = self.order.position(rows[row % len(rows)], self.page.page.hint)
        origin = as_cursor(at, self.order, None, self.page.page.aside)
        self.sweep = Sweep(origin, len(self.world.states) - 1, backward=backward)
        self.page = None

    def teardown(self) -> None:
        """The walk ends, once nothing changes any more."""
        try:
            if self.sound:
                self.coming.clear()
                for _ in range(MOST_PAGES):
                    if self.sweep.ended:
                        break
                    self.next_page(40)
                assert self.sweep.ended, "the walk does not end"
        finally:
            self.runner.close()

    def called(self, _name: str, _number: int) -> GatewayError | None:
        """Before each call is answered."""
        due = [change for call, change in self.coming if call == self.calls]
        self.calls += 1
        for change in due:
            self.world.change(change)
        return None

    def check_still(self, answer: ListPage[Meeting], shown: list[Key], size: int) -> None:
        """A page of a list that stands still: rows, flags and all."""
        ahead = between(self.world.now, self.order, self.sweep.start, None, backward=self.sweep.backward)
        assert shown == ahead[: len(shown)]
        assert len(shown) == min(size, len(ahead)) or (self.pausing and len(shown) < size and answer.page.ahead)
        assert answer.page.ahead is (len(shown) < len(ahead)) or (self.pausing and answer.page.ahead)
        assert answer.behind is (len(ahead) < len(self.world.now)) or (self.pausing and answer.behind)
        assert {report.status for report in answer.reports} <= WHOLE

    def missing(self, answer: ListPage[Meeting]) -> bool:
        """Whether something is said to be missing."""
        return not {report.status for report in answer.reports} <= WHOLE

    def check_shifting(self, answer: ListPage[Meeting], shown: list[Key], states: list[Standing]) -> None:
        """A page of a list that changes meanwhile: nothing that stayed as it is is missing up to the page's end."""
        if self.missing(answer):
            event("a page that is said to miss something")
            self.sweep.whole = False
            return
        far = answer.page.start if self.sweep.backward else answer.page.end
        stayed = steady(states)
        upto = far if answer.page.ahead else None
        passed = between(stayed, self.order, self.sweep.start, upto, backward=self.sweep.backward)
        assert [key for key in shown if key in stayed] == passed

    def go_on(self, answer: ListPage[Meeting], states: list[Standing]) -> None:
        """Notes what was shown, and where the walk goes on."""
        sweep, page = self.sweep, answer.page
        walk = Walk(self.order, backward=sweep.backward)
        for row in reversed(page.rows) if sweep.backward else page.rows:
            key, at = (row.source, row.source_id), place(row, self.order)
            assert any(
                key in state and place(state[key], self.order) == at
                for state in itertools.chain(states, self.world.mixed(len(self.world.states) - len(states)))
            ), "was never there"
            last = sweep.met[-1][1] if sweep.met else sweep.origin
            assert last is None or walk.before(last, at), "the order breaks"
            sweep.met.append((key, at))
        self.page = answer
        if page.ahead:
            far = page.start if sweep.backward else page.end
            assert far is not None, "a page says that there is more, but not where"
            assert not sweep.met or not walk.before(far, sweep.met[-1][1]), "goes on before its own last row"
            sweep.start = as_cursor(far, self.order, page.hint, page.aside)
            return
        sweep.ended = True
        if sweep.whole:
            stayed = steady(self.world.states[sweep.first :])
            due = between(stayed, self.order, sweep.origin, None, backward=sweep.backward)
            assert [key for key, _ in sweep.met if key in stayed] == due, "unchanged: exactly once"


TestUnderChange = pytest.mark.slow(UnderChange.TestCase)


@settings(derandomize=True, database=None, deadline=None)
@given(call=st.integers(0, 5))
def test_both_records_of_a_meeting_go_while_a_page_is_read(call: int) -> None:
    """The active one is read before they go, and the cancelled one, which stands for both, looked for afterwards."""
    held = "abcde1"
    canceled = Meeting(
        source=Source.SALESLOFT,
        source_id="4",
        start_time=MOMENTS[0],
        status=MeetingStatus.CANCELED,
        calendar_event_id=held,
    )
    twin = Meeting(source=Source.DRIFT, source_id="slug", start_time=MOMENTS[6], calendar_event_id=held)
    machine = UnderChange()
    machine.begin(
        case=Case([canceled], [twin], MeetingFilter()),
        real=False,
        narrow=False,
        restless=False,
        read=None,
        bound=None,
        backward=False,
    )
    for source in (Source.DRIFT, Source.SALESLOFT):
        machine.something_will_change(call, Change(What.DELETE, source, 0, bytes(20)))
    try:
        machine.next_page(3)
    finally:
        machine.teardown()
