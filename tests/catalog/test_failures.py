"""Sources that fail in the middle of things: what is missing is said, what is whole stays whole."""

from __future__ import annotations

import dataclasses
from typing import TypeVar

from hypothesis import given
from hypothesis import strategies as st

from gateway.catalog.answer import MeetingQuery
from gateway.catalog.pages import ListPage
from gateway.catalog.reports import ReportStatus
from gateway.errors import (
    DeadlineExceeded,
    GatewayError,
    UpstreamMalformed,
    UpstreamRateLimited,
    UpstreamRefused,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from gateway.model.order import Walk
from gateway.model.records import Meeting, Source
from gateway.paging.window import Window
from tests.catalog.asking import WHOLE, Run, ask, fake_of, keys, place_of
from tests.catalog.fakes import Fake, Rows
from tests.catalog.oracle import SHARED_FIELDS, Oracle, sort
from tests.catalog.worlds import Case, cases
from tests.properties import share

T = TypeVar("T")
FIELDS = frozenset({*SHARED_FIELDS, "sources", "drift"})
ERRORS: list[GatewayError] = [
    UpstreamUnavailable("down", source="X"),
    UpstreamTimeout("slow", source="X"),
    UpstreamRateLimited("busy", source="X", retry_after=12.5),
    UpstreamRefused("locked out", source="X"),
    UpstreamMalformed("nonsense", source="X"),
    DeadlineExceeded("too late"),
]


def statuses(answer: ListPage[Meeting]) -> dict[Source, ReportStatus]:
    return {report.source: report.status for report in answer.reports}


@dataclasses.dataclass(frozen=True)
class Trial:
    """A page that is asked while some calls fail: those of these numbers, or of a name."""

    failing: frozenset[int] | str
    error: GatewayError
    size: int
    read: int | None
    start: int
    backward: bool

    def fails(self, name: str, number: int) -> bool:
        return self.failing in name if isinstance(self.failing, str) else number in self.failing


TRIALS = st.builds(
    Trial,
    failing=st.one_of(
        st.frozensets(st.integers(0, 12), min_size=1, max_size=4),
        st.sampled_from(["salesloft", "drift", "salesloft.meetings", "salesloft.same_events", "users", "people"]),
    ),
    error=st.sampled_from(ERRORS),
    size=st.integers(1, 6),
    read=st.sampled_from([None, 1, 2]),
    start=st.integers(-1, 10),
    backward=st.booleans(),
)


@share(0.15)
@given(case=cases(), trial=TRIALS)
def test_what_is_missing_is_said(run: Run, case: Case, trial: Trial) -> None:
    fake = fake_of(case)
    fake.listing.size = trial.read
    oracle = Oracle(fake.salesloft, fake.drift)
    everything = oracle.listed(case.wanted, case.order)
    row = everything[trial.start] if 0 <= trial.start < len(everything) else None
    walk = Walk(case.order, backward=trial.backward, start=None if row is None else place_of(row, case.order))
    along = everything[::-1] if trial.backward else everything
    ahead = along if row is None else along[along.index(row) + 1 :]
    query = MeetingQuery(window=Window(walk, trial.size), wanted=case.wanted, fields=FIELDS, total=True)
    failed: list[str] = []

    def fails(name: str, number: int) -> GatewayError | None:
        if not trial.fails(name, number):
            return None
        failed.append(name)
        return trial.error

    fake.log.failing = fails
    answer, raised = run(outcome(fake, query))
    if raised is not None:
        assert raised is trial.error
        assert failed
    if answer is not None:
        told = statuses(answer)
        assert not failed or not set(told.values()) <= WHOLE
        assert answer.total is None or answer.total == len(everything)
        if not failed:
            assert keys(answer) == [each.key for each in turned(ahead[: trial.size], trial)]
        check_rows(knowing(fake, failed), case, answer)
        check_no_holes(answer, [each.key for each in ahead], turned(keys(answer), trial))
        if not answer.page.ahead and len(answer.page.rows) < trial.size:
            reached = {source for source, status in told.items() if status is ReportStatus.OK}
            assert {each.key for each in ahead if each.key[0] in reached} <= set(keys(answer))
    fake.log.failing = lambda _name, _number: None
    again = run(ask(fake, query))
    assert keys(again) == [each.key for each in turned(ahead[: trial.size], trial)]
    assert set(statuses(again).values()) <= WHOLE


def knowing(fake: Fake, failed: list[str]) -> Oracle:
    """What there is to see for somebody who knows no users of the sources whose users could not be had."""

    def known(rows: Rows) -> Rows:
        users = [] if f"{rows.source.name.lower()}.users" in failed else rows.users
        return dataclasses.replace(rows, users=users)

    return Oracle(known(fake.salesloft), known(fake.drift))


async def outcome(fake: Fake, query: MeetingQuery) -> tuple[ListPage[Meeting] | None, GatewayError | None]:
    """The answer, or what was raised in its place."""
    try:
        return await ask(fake, query), None
    except GatewayError as error:
        return None, error


def turned(rows: list[T], trial: Trial) -> list[T]:
    """Rows along the walk in the list's own order, and the other way round."""
    return rows[::-1] if trial.backward else rows


def check_no_holes(answer: ListPage[Meeting], ahead: list[tuple[Source, str]], shown: list[tuple[Source, str]]) -> None:
    """Up to the page's last row nothing is missing of a source that is said to be whole."""
    whole = {source for source, status in statuses(answer).items() if status is ReportStatus.OK}
    reached = [place for place, key in enumerate(ahead) if key in shown]
    upto = ahead[: reached[-1] + 1] if reached else []
    assert [key for key in upto if key[0] in whole] == [key for key in shown if key[0] in whole and key in upto]


def check_rows(oracle: Oracle, case: Case, answer: ListPage[Meeting]) -> None:
    """Each row once, in order, and only what the filter admits: of Drift's also what it would if nobody held it."""
    rows = [
        next(own for own in (*case.salesloft, *case.drift) if (own.source, own.source_id) == key)
        for key in keys(answer)
    ]
    shown = [oracle.folded(row) if row.source is Source.SALESLOFT else oracle.bare(row) for row in rows]
    assert sort(shown, case.order) == shown
    assert len(set(keys(answer))) == len(rows)
    assert all(oracle.admits(case.wanted, each) for each in shown)
