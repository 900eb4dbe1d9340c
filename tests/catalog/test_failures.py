"""Sources that fail in the middle of things: what is missing is said, what is whole stays whole."""

from __future__ import annotations

import dataclasses
import datetime as dt
import itertools
from collections.abc import Collection, Mapping, Sequence
from typing import TypeVar

from hypothesis import example, given
from hypothesis import strategies as st

from gateway.catalog.answer import MeetingQuery
from gateway.catalog.pages import ListPage
from gateway.errors import (
    DeadlineExceeded,
    GatewayError,
    UpstreamMalformed,
    UpstreamRateLimited,
    UpstreamRefused,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from gateway.model.filters import Canceled, MeetingFilter
from gateway.model.order import Order, Walk
from gateway.model.records import Meeting, Source
from gateway.model.status import ReportStatus
from gateway.paging.window import Window
from tests.catalog.asking import WHOLE, Run, ask, fake_of, keys, place_of
from tests.catalog.fake import Fake
from tests.catalog.fakes import NOW, Rows, Words
from tests.catalog.oracle import SHARED_FIELDS, Oracle, sort
from tests.catalog.worlds import Case, cases
from tests.properties import share

T = TypeVar("T")
FIELDS = frozenset({*SHARED_FIELDS, "sources", "drift", "calendly"})
INVITEES = "calendly.invitees"
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
        st.sampled_from(
            [
                *("salesloft", "drift", "calendly", "salesloft.meetings", "salesloft.same_events", "users", "people"),
                *("calendly.events", "calendly.invitees"),
            ]
        ),
    ),
    error=st.sampled_from(ERRORS),
    size=st.integers(1, 6),
    read=st.sampled_from([None, 1, 2]),
    start=st.integers(-1, 10),
    backward=st.booleans(),
)


OF_BOTH = Case(
    [Meeting(source=Source.SALESLOFT, source_id="4", start_time=NOW, created_at=NOW, i_cal_uid="abcde1@google.com")],
    [Meeting(source=Source.DRIFT, source_id="slug4", start_time=NOW, created_at=NOW, calendar_event_id="abcde1")],
    MeetingFilter(
        canceled=Canceled.INCLUDE, own={source: Words(frozenset({"a"})) for source in (Source.SALESLOFT, Source.DRIFT)}
    ),
    Order(),
)
"""Found: Salesloft was OK though its meetings come by Drift's, which did not answer."""


@share(0.15)
@given(case=cases(), trial=TRIALS)
@example(OF_BOTH, Trial("drift", UpstreamUnavailable("down", source="X"), size=1, read=None, start=1, backward=False))
def test_what_is_missing_is_said(run: Run, case: Case, trial: Trial) -> None:
    fake = fake_of(case)
    fake.listing.size = trial.read
    everything = Oracle(fake.rows).listed(case.wanted, case.order)
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
        reported = statuses(answer)
        unsaid = set(failed) - {INVITEES}  # which is said where a field is selected, if the row is shown at all
        if reported.get(Source.CALENDLY) is ReportStatus.SKIPPED:
            unsaid.discard(
                "calendly.users"
            )  # they have one address each, and bridge nobody to a list of another source
        assert not unsaid or not set(reported.values()) <= WHOLE or nothing_starts_then(case.wanted, reported)
        assert answer.total is None or answer.total == len(everything)
        if not failed:
            assert keys(answer) == [each.key for each in turned(ahead[: trial.size], trial)]
        check_rows(fake.rows, failed, case, answer)
        check_no_holes(answer, [each.key for each in ahead], turned(keys(answer), trial))
        if not answer.page.ahead and len(answer.page.rows) < trial.size:
            reached = {source for source, status in reported.items() if status is ReportStatus.OK}
            assert {each.key for each in ahead if each.key[0] in reached} <= set(keys(answer))
    fake.log.failing = lambda _name, _number: None
    again = run(ask(fake, query))
    assert keys(again) == [each.key for each in turned(ahead[: trial.size], trial)]
    assert set(statuses(again).values()) <= WHOLE


def nothing_starts_then(wanted: MeetingFilter, reported: Mapping[Source, ReportStatus]) -> bool:
    """Whether only the second source is asked, for starts that it does not go back to.

    Then it makes no difference who is meant.
    """
    ends = [end for span in wanted.starts for end in (span.lt, span.lte) if end is not None]
    asked = {source for source, status in reported.items() if status is not ReportStatus.SKIPPED}
    return asked <= {Source.DRIFT} and bool(ends) and min(ends) < NOW - dt.timedelta(days=31)


def knowing(every: Sequence[Rows], failed: Collection[str]) -> list[Oracle]:
    """What there is to see for somebody who knows less.

    No users of the sources whose users could not be had; and no meetings of any of those that failed.
    """

    def known(rows: Rows) -> Rows:
        users = [] if f"{rows.source.name.lower()}.users" in failed else rows.users
        return dataclasses.replace(rows, users=users)

    failing = {name.partition(".")[0] for name in failed}
    shaky = [rows.source for rows in every if rows.source.name.lower() in failing]
    gone = [set(some) for size in range(len(shaky) + 1) for some in itertools.combinations(shaky, size)]
    return [
        Oracle(
            [dataclasses.replace(known(rows), meetings=[]) if rows.source in some else known(rows) for rows in every]
        )
        for some in gone
    ]


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


def check_rows(every: Sequence[Rows], failed: Collection[str], case: Case, answer: ListPage[Meeting]) -> None:
    """Each row once, in order, and only what the filter admits, as far as others are known that hold its event."""
    rows = [next(own for own in case.rows if (own.source, own.source_id) == key) for key in keys(answer)]
    oracles = knowing(every, failed)
    shown = [oracles[0].shown(row) for row in rows]
    assert sort(shown, case.order) == shown
    assert len(set(keys(answer))) == len(rows)
    for row in rows:
        assert any(oracle.admits(case.wanted, oracle.shown(row)) for oracle in oracles)
