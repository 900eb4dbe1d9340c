"""Lists of users and cadences: held whole, ordered by name."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Generic, TypeVar

import msgspec

from gateway.catalog.directory import Directory, bare
from gateway.catalog.reports import Reports, SourceReport
from gateway.errors import GatewayError
from gateway.model.neighbours import CadenceFilter, UserFilter
from gateway.model.records import Cadence, Record, Source, User
from gateway.paging.named import NamePlace, cut
from gateway.sources.base import Found, Whole
from gateway.upstream.request import Request

R = TypeVar("R", bound=Record)


class NamedQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which part of a list is asked for."""

    count: int
    backward: bool = False
    after: NamePlace | None = None
    before: NamePlace | None = None


class NamedPage(msgspec.Struct, Generic[R], frozen=True, kw_only=True):
    """A page of a list by name, and what became of the sources."""

    rows: list[R]
    has_next: bool = False
    has_previous: bool = False
    total: int = 0
    reports: list[SourceReport]


def place_of(record: User | Cadence) -> NamePlace:
    """Where a record stands in the order by name."""
    return NamePlace(record.name, record.source, record.source_id)


class WholeLists:
    """Users and cadences of every source.

    Args:
        directory: The users.
        cadences: The cadences of each source that has any.
        now: Tells the time.
    """

    def __init__(
        self, directory: Directory, cadences: Mapping[Source, Whole[Cadence]], now: Callable[[], dt.datetime]
    ) -> None:
        self._directory = directory
        self._cadences = cadences
        self._now = now

    async def users(self, request: Request, wanted: UserFilter, query: NamedQuery) -> NamedPage[User]:
        """A page of the team, each person once.

        Raises:
            UpstreamError: No source that was asked answered.
        """
        if wanted.impossible:
            return NamedPage(rows=[], reports=[])
        reports = Reports(self._now(), request.freshness)
        asked = self._who_can_meet(wanted, reports)
        team, errors = await self._directory.team(request, frozenset(asked))
        for source in asked:
            reports.ok(source)
        for source, error in errors.items():
            reports.fail(source, error)
        for source, found in (await self._directory.lists(request, asked)).items():
            _tell(reports, source, found)
        reports.raise_if_all_failed()
        rows = [bare(user) for user in team.users if wanted.admits(user)]
        return _page(rows, place_of, query, reports)

    async def cadences(self, request: Request, wanted: CadenceFilter, query: NamedQuery) -> NamedPage[Cadence]:
        """A page of the cadences.

        Raises:
            UpstreamError: No source that has any answered, or owners could not be found out.
        """
        if wanted.impossible:
            return NamedPage(rows=[], reports=[])
        reports = Reports(self._now(), request.freshness)
        answers = await asyncio.gather(*(port.all(request) for port in self._cadences.values()), return_exceptions=True)
        rows: list[Cadence] = []
        for source, answer in zip(self._cadences, answers, strict=True):
            reports.ok(source)
            if isinstance(answer, GatewayError):
                reports.fail(source, answer)
            elif isinstance(answer, BaseException):
                raise answer
            else:
                _tell(reports, source, answer)
                rows.extend(answer.rows)
        reports.raise_if_all_failed()
        if rows and wanted.owner_ids is not None and any(ref.source not in self._cadences for ref in wanted.owner_ids):
            team, failures = await self._directory.team(request)
            for error in failures.values():
                raise error
            wanted = msgspec.structs.replace(wanted, owner_ids=team.aliases(wanted.owner_ids))
        return _page([row for row in rows if wanted.admits(row)], place_of, query, reports)

    def _who_can_meet(self, wanted: UserFilter, reports: Reports) -> list[Source]:
        """The sources whose users bear what the filter speaks of; the others are skipped."""
        asked: list[Source] = []
        for source in self._directory.sources():
            lacking = [name for name in sorted(self._directory.lacks[source]) if getattr(wanted, name) is not None]
            if lacking:
                reports.skip(source, f"This source cannot meet filter.{lacking[0]}.")
            else:
                asked.append(source)
        return asked


def _tell(reports: Reports, source: Source, found: Found[R]) -> None:
    reports.problems(source, found.problems)
    if found.incomplete is not None:
        reports.incomplete(source, found.incomplete)


def _page(rows: Sequence[R], place: Callable[[R], NamePlace], query: NamedQuery, reports: Reports) -> NamedPage[R]:
    page = cut(rows, place, after=query.after, before=query.before, count=query.count, backward=query.backward)
    return NamedPage(
        rows=page.rows,
        has_next=page.has_next,
        has_previous=page.has_previous,
        total=len(rows),
        reports=reports.all(),
    )
