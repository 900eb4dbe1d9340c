"""Which sources a filter asks, and in which of two ways; and whom it means.

A filter that only speaks of times and states is decided by each row as its own source has it. One that speaks of whose
meeting it is (or of a lower source's own fields) may be met by a folded meeting through its twin alone: then every row
of a lower source that meets part of it is screened first, and brings the meeting that holds it in.

Whoever is named by a record of one source is known to the others by any of its addresses. Two records of one source
are one person only where a record of a higher source has addresses of both.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence

import msgspec

from gateway.catalog.directory import CANNOT_MEET, Directory, lacking, user_refs
from gateway.catalog.people import Holders, People, addresses, person_ref
from gateway.errors import GatewayError
from gateway.model.conditions import Refs
from gateway.model.filters import LINKED_INPUTS, MeetingFilter
from gateway.model.order import RANK
from gateway.model.records import Kind, Person, Ref, Source
from gateway.request import Request
from gateway.sources.base import Ports, Traits


class SearchPlan(msgspec.Struct, frozen=True, kw_only=True):
    """How a filter is answered.

    Attributes:
        walked: The sources that are walked upstream.
        searched: The sources that are looked through: those in memory, and those that may bring in meetings.
        skipped: The sources none of whose own rows can match, and why.
        together: The sources whose own conditions only a meeting can meet that they all hold, where there are several:
            no row of theirs is shown by itself, but each of them is in every row shown.
        scope: The sources among which each event is shown once.
        by_links: Whether the rows that may bring in meetings are screened before the walk.
    """

    walked: tuple[Ports, ...]
    searched: tuple[Ports, ...]
    skipped: Mapping[Source, str]
    scope: frozenset[Source]
    by_links: bool
    together: frozenset[Source] = frozenset()

    @property
    def listed(self) -> frozenset[Source]:
        """The sources whose own rows are listed."""
        return self.scope - self.skipped.keys()

    @property
    def shown(self) -> frozenset[Source]:
        """The sources whose rows may be shown, of their own or brought in."""
        asked = frozenset(port.source for port in (*self.walked, *self.searched))
        return asked | self.scope if self.by_links else asked


def plan(wanted: MeetingFilter, ports: Sequence[Ports]) -> SearchPlan:
    """The plan for a filter over the sources that are there, in order of rank."""
    having = [port for port in ports if traits_of(port) is not None]
    skipped = {port.source: reason for port in having if (reason := _reason_to_skip(wanted, port)) is not None}
    scope = frozenset(port.source for port in having if wanted.sources is None or port.source in wanted.sources)
    bringing = {
        port.source for port in having if any(RANK[s] < RANK[port.source] for s in scope) and _brings(wanted, port)
    }
    by_links = bool(bringing)
    return SearchPlan(
        walked=tuple(port for port in having if not in_memory(port) and port.source not in skipped),
        searched=tuple(
            port for port in having if port.source in bringing or (in_memory(port) and port.source not in skipped)
        ),
        skipped=skipped,
        scope=scope,
        by_links=by_links,
        together=scope & wanted.own.keys() if by_links and len(wanted.own) > 1 else frozenset(),
    )


def named(sources: Iterable[Source]) -> str:
    """Who can meet the sources' own conditions, in words for clients."""
    names = [source.name for source in sources]
    return f"{' and '.join(names)} can meet filter.{' and filter.'.join(names).lower()}"


def traits_of(port: Ports) -> Traits | None:
    """What a source can tell about meetings; None where it has none."""
    return None if port.meetings is None else port.meetings.traits


def in_memory(port: Ports) -> bool:
    """Whether a source's meetings are held in memory."""
    return port.meetings is not None and port.meetings.traits.in_memory


def out_of_reach(wanted: MeetingFilter, traits: Traits, now: dt.datetime) -> bool:
    """Whether every start time asked for lies further back than the source goes, with a day to spare."""
    if traits.reaches_back is None:
        return False
    ends = [end for span in wanted.starts for end in (span.lt, span.lte) if end is not None]
    return bool(ends) and min(ends) < now - traits.reaches_back - dt.timedelta(days=1)


def _brings(wanted: MeetingFilter, port: Ports) -> bool:
    """Whether a meeting of a higher source may match by what a record of this one adds to it."""
    traits = traits_of(port) or Traits()
    return (
        port.source in wanted.own
        or (wanted.ids is not None and _any_of(port.source, wanted.ids))
        or not traits.lacks(MeetingFilter).issuperset(name for name, *_ in wanted.given() if name in LINKED_INPUTS)
    )


def _reason_to_skip(wanted: MeetingFilter, port: Ports) -> str | None:
    """Why none of a source's own rows can match, in a sentence for clients."""
    traits = traits_of(port) or Traits()
    unmet = lacking(traits, wanted)
    others = [other for other in wanted.own if other is not port.source]
    reasons = {
        "Left out by filter.sources.": wanted.sources is not None and port.source not in wanted.sources,
        f"Only {named(others)}.": bool(others),
        "filter.ids names no record of this source.": wanted.ids is not None and not _any_of(port.source, wanted.ids),
        CANNOT_MEET.format(" or filter.".join(unmet)): bool(unmet),
        "This source has no meetings of the statuses in filter.status.": (
            wanted.status is not None and wanted.status.isdisjoint(traits.statuses)
        ),
        "This source does not know of no-shows (filter.noShow).": bool(wanted.no_show) and not traits.tells_no_show,
        "This source has no all-day meetings (filter.allDay).": bool(wanted.all_day) and not traits.has_all_day,
    }
    return next((reason for reason, holds in reasons.items() if holds), None)


def _any_of(source: Source, refs: frozenset[Ref]) -> bool:
    return any(ref.source is source for ref in refs)


class FilterPeople:
    """Whom one filter means in one request; found out for each source only once it is asked.

    Args:
        request: The request.
        wanted: The filter.
        people: The people of every source.
        directory: The users of every source.

    Attributes:
        wanted: The filter, with `owners` and `bookers` once they were found.
    """

    def __init__(self, request: Request, wanted: MeetingFilter, people: People, directory: Directory) -> None:
        self.wanted = wanted
        self._request = request
        self._directory = directory
        self._errors: dict[Source, GatewayError] = {}
        self._groups: list[_Group] = []
        if wanted.person_ids is not None:
            self._groups.append(_Group(request, people, refs=wanted.person_ids))
        if wanted.person_emails is not None:
            self._groups.append(_Group(request, people, emails=wanted.person_emails))
        if wanted.under is not None and wanted.under.kind is Kind.PERSON:
            self._groups.append(_Group(request, people, refs=frozenset({wanted.under})))

    async def find_users(self, asked: Collection[Source]) -> None:
        """Fills in `owners` and `bookers` for the asked sources."""
        wanted = self.wanted
        parent = [] if wanted.under is None or wanted.under.kind is not Kind.USER else [wanted.under]
        ids = [*(wanted.owner_ids or ()), *(wanted.booked_by_ids or ()), *parent]
        if not asked or (not ids and wanted.owner_emails is None):
            return
        needed = self._directory.needed(frozenset(asked) | {ref.source for ref in ids})
        team, errors = await self._directory.team(self._request, needed)
        unknown = any(ref.source in errors for ref in ids)
        meant = [team.aliases(refs) for refs in (wanted.owner_ids, parent or None) if refs is not None]
        if wanted.owner_emails is not None:
            named = [team.by_email(email) for email in wanted.owner_emails]
            unknown = unknown or None in named
            meant.append(frozenset(ref for user in named if user is not None for ref in user_refs(user)))
        owners = frozenset[Ref].intersection(*meant) if meant else None
        bookers = None if wanted.booked_by_ids is None else team.aliases(wanted.booked_by_ids)
        self.wanted = msgspec.structs.replace(wanted, owners=owners, bookers=bookers)
        for source in asked:
            # Who a user of a lower source is, the sources above it say.
            missing = [error for other, error in errors.items() if unknown or RANK[other] <= RANK[source]]
            if missing:
                self._errors[source] = errors.get(source, missing[0])

    async def filter_for(
        self, sources: Collection[Source], *, people: bool = True
    ) -> tuple[MeetingFilter, dict[Source, GatewayError]]:
        """The filter as it is meant for meetings of some sources, and why some of those may not be known by it.

        Args:
            sources: The sources.
            people: Whether any of those meetings has a person; where none has, nobody is looked up.
        """
        errors = {source: self._errors[source] for source in sources if source in self._errors}
        persons: Refs = None
        for group in self._groups:
            named: frozenset[Ref] = frozenset()
            for source in sources if people else ():
                refs, error = await group.refs_in(source)
                named |= refs
                if error is not None:
                    errors.setdefault(source, error)
            persons = named if persons is None else persons & named
        wanted = self.wanted if persons is None else msgspec.structs.replace(self.wanted, persons=persons)
        return wanted, errors


class _Group:
    """People who are named in one way: by references, or by addresses."""

    def __init__(
        self,
        request: Request,
        people: People,
        *,
        refs: frozenset[Ref] = frozenset(),
        emails: frozenset[str] = frozenset(),
    ) -> None:
        self._request = request
        self._people = people
        self._refs = refs
        self._emails = emails

    async def refs_in(self, source: Source) -> tuple[frozenset[Ref], GatewayError | None]:
        """One source's references to them, and why some may be missing."""
        own = frozenset(ref for ref in self._refs if ref.source is source)
        found = await self._sharing(source)
        return own | {person_ref(person) for person in found.people} | found.refs, found.error

    async def _sharing(self, source: Source) -> Holders:
        """A source's people who have an address that is named, or that a record of another source has who is meant."""
        return await self._request.once((self, source), lambda: self._look_up(source))

    async def _records(self, source: Source) -> list[Person | GatewayError | None]:
        """One source's records of its own people who are named, looked up once though every other needs them."""

        async def look_up() -> list[Person | GatewayError | None]:
            own = [ref for ref in self._refs if ref.source is source]
            plain = self._people.addresses_of(own)
            return list((await self._people.records(self._request, [ref for ref in own if ref not in plain])).values())

        return await self._request.once((self, "records", source), look_up)

    async def _look_up(self, source: Source) -> Holders:
        elsewhere = [ref for ref in self._refs if ref.source is not source]
        plain = self._people.addresses_of(elsewhere)
        others = sorted({ref.source for ref in elsewhere if ref not in plain}, key=RANK.__getitem__)
        answers = [answer for answers in await asyncio.gather(*map(self._records, others)) for answer in answers]
        known = [answer for answer in answers if isinstance(answer, Person)]
        errors = [answer for answer in answers if isinstance(answer, GatewayError)]
        first = next(iter(self._people.sources()), source)
        if source is not first:
            above = await self._sharing(first)
            known += above.people
            errors += [] if above.error is None else [above.error]
        emails = self._emails.union(plain.values(), *(addresses(person) for person in known))
        refs = self._people.named(source, emails)
        if refs is not None:
            return Holders([], next(iter(errors), None), refs)
        found = await self._people.holders(self._request, source, emails)
        return Holders(found.people, next(iter(errors), found.error))
