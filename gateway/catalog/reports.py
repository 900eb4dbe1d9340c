"""What became of each source in one answer."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping

import msgspec

from gateway.errors import (
    CostLimitReached,
    GatewayError,
    LimitReached,
    OperationTooCostly,
    UpstreamError,
    UpstreamMalformed,
    UpstreamRateLimited,
)
from gateway.model.filters import MeetingFilter
from gateway.model.order import RANK, moment
from gateway.model.records import Source
from gateway.model.status import ReportStatus, SourceReport
from gateway.paging.merge import Problem
from gateway.request import Freshness, Why

UNSCREENED = "Rows of other sources could not be looked up in this one, so an event may be shown twice: {}"
UNBROUGHT = "Meetings that match only by what {} adds to them may be missing."
UNKNOWN = "The people named in the filter could not be looked up in every source: {}"
WHY = {
    Why.RENEWED: "being fetched anew",
    Why.NO_UNITS: "its rate limit is spent",
    Why.NO_ANSWER: "the source does not answer",
}

SEVERITY = [ReportStatus.OK, ReportStatus.SKIPPED, ReportStatus.STALE, ReportStatus.PARTIAL, ReportStatus.FAILED]


class Reports:
    """Gathers what happens to the sources while an answer is put together; the worst of each is reported.

    Args:
        now: The time of the answer.
        freshness: How old what is used for it is.
    """

    def __init__(self, now: dt.datetime, freshness: Freshness) -> None:
        self._now = now
        self._freshness = freshness
        self._reports: dict[Source, SourceReport] = {}
        self._missing: dict[Source, dict[str, set[str]]] = {}
        self._odd: dict[Source, dict[str, set[str]]] = {}
        self._messages: dict[Source, list[str]] = {}
        self._errors: dict[Source, GatewayError] = {}
        self._absent: set[Source] = set()

    def ok(
        self, source: Source, *, reaches_back: dt.timedelta | None = None, reaches_ahead: dt.timedelta | None = None
    ) -> None:
        """The source is asked."""
        since = None if reaches_back is None else self._now - reaches_back
        until = None if reaches_ahead is None else self._now + reaches_ahead
        report = SourceReport(source=source, status=ReportStatus.OK, complete_since=since, complete_until=until)
        self._note(report)

    def skip(self, source: Source, message: str) -> None:
        """The source is not asked for rows of its own."""
        self._note(SourceReport(source=source, status=ReportStatus.SKIPPED, message=message))

    def fail(self, source: Source, error: GatewayError) -> None:
        """Nothing of the source is in the answer."""
        self._errors.setdefault(source, error)
        self._wrong(source, ReportStatus.FAILED, error, error.message)

    def partial(self, source: Source, error: GatewayError, message: str | None = None) -> None:
        """Some of the source is missing from the answer, or doubled in it."""
        self._errors.setdefault(source, error)
        self._wrong(source, ReportStatus.PARTIAL, error, message or error.message)

    def unscreened(self, failures: Mapping[Source, GatewayError]) -> None:
        """Rows of lower sources could not be looked up in these."""
        for source, error in failures.items():
            self.partial(source, error, UNSCREENED.format(error.message))

    def unknown(self, errors: Mapping[Source, GatewayError], wanted: MeetingFilter) -> None:
        """Whom the filter means could not be found out for these sources, or not everybody."""
        named = [refs for refs in (wanted.persons, wanted.owners, wanted.bookers) if refs is not None]
        for source, error in errors.items():
            somebody = all(any(ref.source is source for ref in refs) for refs in named)
            self._errors.setdefault(source, error)
            status = ReportStatus.PARTIAL if somebody else ReportStatus.FAILED
            self._wrong(source, status, error, UNKNOWN.format(error.message))

    def unbrought(self, source: Source, others: Iterable[Source]) -> None:
        """Records of one source that may bring in meetings of these higher ones are not all known."""
        for other in others:
            if RANK[other] < RANK[source]:
                self.incomplete(other, UNBROUGHT.format(source.name))

    def incomplete(self, source: Source, message: str) -> None:
        """Rows are missing though nothing failed."""
        self._note(SourceReport(source=source, status=ReportStatus.PARTIAL, message=message))

    def note(self, source: Source, message: str) -> None:
        """Something to know that takes nothing from the rows."""
        self._note(SourceReport(source=source, status=ReportStatus.OK, message=message))

    def problems(self, source: Source, problems: Iterable[Problem]) -> None:
        """What of the source's answers could not be read: values, which will stay odd, or whole rows."""
        for problem in problems:
            known, status = (self._missing, ReportStatus.PARTIAL) if problem.lost else (self._odd, ReportStatus.OK)
            known.setdefault(source, {}).setdefault(problem.where, set()).update(problem.rows)
            self._note(SourceReport(source=source, status=status, code=UpstreamMalformed.code))

    def failed(self, source: Source) -> bool:
        """Whether nothing of a source is in the answer."""
        return source in self._absent

    def any_failed(self) -> bool:
        """Whether some source's part is missing."""
        return any(map(self.failed, self._reports))

    @property
    def whole(self) -> bool:
        """Whether no source's part is missing, or may be incomplete."""
        incomplete = {ReportStatus.FAILED, ReportStatus.PARTIAL}
        return not any(report.status in incomplete for report in self._reports.values())

    @property
    def shortage(self) -> GatewayError | None:
        """The first thing that failed since units or time ran out."""
        short = (UpstreamRateLimited, OperationTooCostly, LimitReached)
        return next((error for error in self._errors.values() if isinstance(error, short)), None)

    def error_of(self, source: Source) -> GatewayError | None:
        """The first thing that failed at a source."""
        return self._errors.get(source)

    def raise_if_all_failed(self) -> None:
        """Raises the first source's error where every source that was asked failed."""
        asked = [report for report in self.all() if report.status is not ReportStatus.SKIPPED]
        if asked and all(report.source in self._absent for report in asked):
            raise self._errors[asked[0].source]

    def all(self) -> list[SourceReport]:
        """The reports, in order of rank."""
        return [self._whole(each) for each in sorted(self._reports.values(), key=lambda each: RANK[each.source])]

    def _whole(self, report: SourceReport) -> SourceReport:
        """A report with all that was said, and when what is shown of the source was read."""
        name, status = report.source.name, report.status
        read = self._freshness.as_of(name)
        as_of = None if read is None else moment(int(read * 1_000_000))
        messages = [*self._messages[report.source], *self._unreadable(report.source)]
        if status is ReportStatus.OK and (stale := self._freshness.stale(name)) is not None:
            status = ReportStatus.STALE
            messages.insert(0, f"{_age(self._now.timestamp() - stale.as_of)} old, {WHY[stale.why]}.")
        absent = report.source in self._absent
        return msgspec.structs.replace(
            report,
            status=status,
            message=" ".join(messages) or None,
            as_of=None if absent else as_of if status is ReportStatus.SKIPPED else as_of or self._now,
        )

    def _unreadable(self, source: Source) -> list[str]:
        """What of the source is missing or could not be read, and in how many rows, in a sentence each."""
        sentences = (("Rows are missing", self._missing), ("Values that cannot be read", self._odd))
        return [f"{begin}: {_listed(known[source])}." for begin, known in sentences if source in known]

    def _wrong(self, source: Source, status: ReportStatus, error: GatewayError, message: str) -> None:
        retry_after = error.retry_after if isinstance(error, UpstreamError) else None
        if status is ReportStatus.FAILED:
            self._absent.add(source)
            if isinstance(error, CostLimitReached):
                status = ReportStatus.PARTIAL  # the source did not fail: it was not asked any more
        self._note(
            SourceReport(source=source, status=status, code=error.code, message=message, retry_after=retry_after)
        )

    def _note(self, report: SourceReport) -> None:
        """Notes the worst that is reported of a source, and every message, that of the worst first."""
        known = self._reports.get(report.source)
        worse = known is None or SEVERITY.index(report.status) > SEVERITY.index(known.status)
        messages = self._messages.setdefault(report.source, [])
        if report.message is not None and report.message not in messages:
            messages.insert(0 if worse else len(messages), report.message)
        if known is None:
            self._reports[report.source] = report
        elif worse:
            since = report.complete_since or known.complete_since
            until = report.complete_until or known.complete_until
            updated = msgspec.structs.replace(report, complete_since=since, complete_until=until)
            self._reports[report.source] = updated
        elif known.code is None and report.code is not None:
            self._reports[report.source] = msgspec.structs.replace(known, code=report.code)


def _age(seconds: float) -> str:
    """An age in the unit in which it is easily read: 12 s, 4 min, 3 h."""
    unit, size = next((each for each in (("h", 3600), ("min", 60)) if seconds >= 2 * each[1]), ("s", 1))
    return f"{max(0, int(seconds // size))} {unit}"


def _listed(known: Mapping[str, Collection[str]]) -> str:
    """What could not be read, each with the number of rows where that is known."""
    counts = {where: f" ({len(rows):,} row{'s' * (len(rows) > 1)})" * bool(rows) for where, rows in known.items()}
    return ", ".join(f"{where}{counts[where]}" for where in sorted(counts))
