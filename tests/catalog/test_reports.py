"""What the report of a source says: the worst that happened to it, and every message."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest

from gateway.catalog.reports import Reports
from gateway.errors import DeadlineExceeded, UpstreamRateLimited, UpstreamUnavailable
from gateway.model.filters import MeetingFilter
from gateway.model.order import micros
from gateway.model.records import Kind, Ref, Source
from gateway.model.status import ReportStatus, SourceReport
from gateway.paging.merge import Problem
from gateway.request import Freshness, Stale, Why
from tests.catalog.fakes import NOW

S, D = Source.SALESLOFT, Source.DRIFT
DOWN = UpstreamUnavailable("It is down.", source="SALESLOFT")
BUSY = UpstreamRateLimited("It is busy.", source="DRIFT", retry_after=12.5)
MONTH = dt.timedelta(days=30)
HOUR = dt.timedelta(hours=1)

Step = Callable[[Reports], None]


def reported(*steps: Step, freshness: Freshness | None = None) -> dict[Source, SourceReport]:
    reports = Reports(NOW, freshness or Freshness())
    for step in steps:
        step(reports)
    return {report.source: report for report in reports.all()}


def ago(past: dt.timedelta) -> float:
    return micros(NOW - past) / 1_000_000


def ok(reports: Reports) -> None:
    reports.ok(S)
    reports.ok(D, reaches_back=MONTH)


def test_a_source_that_answered() -> None:
    reports = reported(ok)
    assert reports[S] == SourceReport(source=S, status=ReportStatus.OK, as_of=NOW)
    assert reports[D] == SourceReport(source=D, status=ReportStatus.OK, as_of=NOW, complete_since=NOW - MONTH)


def test_reports_come_in_order_of_rank() -> None:
    assert list(reported(lambda r: r.skip(D, "no"), lambda r: r.ok(S))) == [S, D]


@pytest.mark.parametrize(
    ("step", "status", "code", "message", "retry_after"),
    [
        (lambda r: r.skip(D, "Left out."), ReportStatus.SKIPPED, None, "Left out.", None),
        (lambda r: r.fail(D, BUSY), ReportStatus.FAILED, "UPSTREAM_RATE_LIMITED", "It is busy.", 12.5),
        (lambda r: r.partial(D, BUSY), ReportStatus.PARTIAL, "UPSTREAM_RATE_LIMITED", "It is busy.", 12.5),
        (lambda r: r.partial(D, BUSY, "Said."), ReportStatus.PARTIAL, "UPSTREAM_RATE_LIMITED", "Said.", 12.5),
        (
            lambda r: r.partial(D, DeadlineExceeded("Too late.")),
            ReportStatus.PARTIAL,
            "DEADLINE_EXCEEDED",
            "Too late.",
            None,
        ),
        (lambda r: r.incomplete(D, "Some are missing."), ReportStatus.PARTIAL, None, "Some are missing.", None),
        (lambda r: r.note(D, "By the way."), ReportStatus.OK, None, "By the way.", None),
        (lambda r: r.problems(D, []), ReportStatus.OK, None, None, None),
    ],
)
def test_what_happens_to_a_source(
    step: Step, status: ReportStatus, code: str | None, message: str | None, retry_after: float | None
) -> None:
    report = reported(ok, step)[D]
    assert (report.status, report.code, report.message, report.retry_after) == (status, code, message, retry_after)
    assert report.complete_since == NOW - MONTH, "how far back it goes holds whatever happens"
    assert reported(ok, step)[S].status is ReportStatus.OK


WORSE: list[tuple[ReportStatus, Step]] = [
    (ReportStatus.OK, lambda r: r.note(S, "noted")),
    (ReportStatus.SKIPPED, lambda r: r.skip(S, "skipped")),
    (ReportStatus.PARTIAL, lambda r: r.partial(S, BUSY, "partial")),
    (ReportStatus.FAILED, lambda r: r.fail(S, DOWN)),
]


@pytest.mark.parametrize(("worse", "later"), [(one, other) for one in range(4) for other in range(one)])
def test_the_worst_is_reported_whatever_comes_first(worse: int, later: int) -> None:
    status, step = WORSE[worse]
    for steps in ((step, WORSE[later][1]), (WORSE[later][1], step)):
        report = reported(*steps)[S]
        assert report.status is status
        assert (report.message or "").startswith(reported(step)[S].message or "?"), "what the worst said comes first"
        assert (reported(WORSE[later][1])[S].message or "?") in (report.message or ""), "and nothing is left unsaid"


def test_nothing_is_said_twice() -> None:
    assert reported(*[lambda r: r.partial(S, DOWN)] * 3)[S].message == "It is down."


def odd(where: str, *rows: str) -> Problem:
    return Problem(where, rows=frozenset(rows))


LOST = Problem("a row without a readable id", lost=True, rows=frozenset({"x", "y"}))


def test_values_that_cannot_be_read_leave_the_source_well_and_are_counted_by_rows() -> None:
    steps: list[Step] = [
        ok,
        lambda r: r.problems(S, [odd("title", "1", "2"), odd("attendees.email", "1"), odd("metadata")]),
        lambda r: r.problems(S, [odd("title", "2", "3")]),
    ]
    report = reported(*steps)[S]
    assert (report.status, report.code) == (ReportStatus.OK, "UPSTREAM_MALFORMED")
    assert report.message == "Values that cannot be read: attendees.email (1 row), metadata, title (3 rows)."


def test_a_row_that_is_lost_is_told_apart_from_values_that_cannot_be_read() -> None:
    report = reported(ok, lambda r: r.problems(S, [odd("title", "1"), LOST]))[S]
    assert (report.status, report.code) == (ReportStatus.PARTIAL, "UPSTREAM_MALFORMED")
    assert report.message == (
        "Rows are missing: a row without a readable id (2 rows). Values that cannot be read: title (1 row)."
    )


def test_what_else_happened_to_a_source_keeps_its_code() -> None:
    busy, odd_title = (lambda r: r.partial(D, BUSY)), (lambda r: r.problems(D, [odd("title", "1")]))
    for steps in ((ok, busy, odd_title), (ok, odd_title, busy)):
        report = reported(*steps)[D]
        assert (report.status, report.code) == (ReportStatus.PARTIAL, "UPSTREAM_RATE_LIMITED")
        assert report.message == "It is busy. Values that cannot be read: title (1 row)."


def test_a_stale_source_reports_odd_values_too() -> None:
    freshness = Freshness()
    freshness.note("DRIFT", as_of=ago(HOUR), stale=Stale(ago(HOUR), Why.RENEWED), max_age=60)
    report = reported(ok, lambda r: r.problems(D, [odd("title", "1")]), freshness=freshness)[D]
    assert (report.status, report.code) == (ReportStatus.STALE, "UPSTREAM_MALFORMED")
    assert report.message == "60 min old, being fetched anew. Values that cannot be read: title (1 row)."


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ([(12, Why.RENEWED)], "12 s old, being fetched anew."),
        ([(12, Why.NO_ANSWER), (240, Why.RENEWED), (30, Why.NO_UNITS)], "4 min old, the source does not answer."),
        ([(3 * 3600, Why.NO_UNITS), (12, Why.RENEWED)], "3 h old, its rate limit is spent."),
        ([(-1, Why.RENEWED)], "0 s old, being fetched anew."),
    ],
)
def test_a_stale_source_says_how_old_it_is_and_why(parts: list[tuple[int, Why]], message: str) -> None:
    freshness = Freshness()
    for seconds, why in parts:
        as_of = ago(dt.timedelta(seconds=seconds))
        other = Freshness()
        other.note("DRIFT", as_of=as_of, stale=Stale(as_of, why), max_age=60)
        freshness.take(other)
    assert reported(ok, freshness=freshness)[D].message == message


def test_rows_that_could_not_be_looked_up() -> None:
    report = reported(ok, lambda r: r.unscreened({S: DOWN}))[S]
    assert report.status is ReportStatus.PARTIAL
    assert "an event may be shown twice: It is down." in (report.message or "")


@pytest.mark.parametrize(
    ("persons", "status"),
    [
        (frozenset({Ref(S, Kind.PERSON, "1")}), ReportStatus.FAILED),
        (frozenset({Ref(D, Kind.PERSON, "1")}), ReportStatus.PARTIAL),
        (None, ReportStatus.PARTIAL),
    ],
)
def test_whom_a_filter_means_is_not_known(persons: frozenset[Ref] | None, status: ReportStatus) -> None:
    """Nothing of a source can be shown where nobody of it is known to be meant."""
    report = reported(ok, lambda r: r.unknown({D: BUSY}, MeetingFilter(persons=persons)))[D]
    assert (report.status, report.code) == (status, "UPSTREAM_RATE_LIMITED")


def test_what_a_lower_source_might_have_brought_in() -> None:
    reports = reported(ok, lambda r: r.unbrought(D, [S, D]))
    assert reports[S].status is ReportStatus.PARTIAL
    assert "what DRIFT adds to them may be missing" in (reports[S].message or "")
    assert reports[D].status is ReportStatus.OK


def test_how_old_what_is_shown_is() -> None:
    freshness = Freshness()
    freshness.note("SALESLOFT", as_of=ago(HOUR), max_age=60)
    freshness.note("DRIFT", as_of=ago(2 * HOUR), stale=Stale(ago(HOUR), Why.RENEWED), max_age=60)
    reports = reported(ok, freshness=freshness)
    assert (reports[S].status, reports[S].as_of) == (ReportStatus.OK, NOW - HOUR)
    assert (reports[D].status, reports[D].as_of) == (ReportStatus.STALE, NOW - 2 * HOUR)
    failed = reported(ok, lambda r: r.fail(D, BUSY), freshness=freshness)[D]
    assert (failed.status, failed.as_of) == (ReportStatus.FAILED, None), "nothing of it is shown"
    partial = reported(ok, lambda r: r.partial(D, BUSY), freshness=freshness)[D]
    assert (partial.status, partial.as_of) == (ReportStatus.PARTIAL, NOW - 2 * HOUR), "worse than stale"


def test_only_where_every_source_that_was_asked_failed_is_it_an_error() -> None:
    reports = Reports(NOW, Freshness())
    reports.raise_if_all_failed()
    reports.skip(D, "no")
    reports.raise_if_all_failed()
    reports.fail(S, DOWN)
    assert reports.failed(S)
    assert reports.any_failed()
    assert not reports.failed(D)
    assert reports.error_of(S) is DOWN
    with pytest.raises(UpstreamUnavailable):
        reports.raise_if_all_failed()
    reports.ok(S)
    with pytest.raises(UpstreamUnavailable):
        reports.raise_if_all_failed()
