"""Turns the people and users that a filter names into the references that matching meetings may bear.

Whoever is named by a record of one source is known to the others by any of its addresses. Two records of one source
are one person only where a record of a higher source has addresses of both.
"""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from gateway.catalog.directory import Directory, user_refs
from gateway.catalog.people import Holders, People, addresses, person_ref
from gateway.errors import GatewayError
from gateway.model.filters import MeetingFilter, Refs
from gateway.model.order import RANK
from gateway.model.records import Kind, Person, Ref, Source
from gateway.upstream.request import Request


class Meaning:
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
        found = await self._sharing(source)
        own = frozenset(ref for ref in self._refs if ref.source is source)
        return own | {person_ref(person) for person in found.people}, found.error

    async def _sharing(self, source: Source) -> Holders:
        """A source's people who have an address that is named, or that a record of another source has who is meant."""
        return await self._request.once((self, source), lambda: self._look_up(source))

    async def _look_up(self, source: Source) -> Holders:
        elsewhere = await self._people.records(self._request, [ref for ref in self._refs if ref.source is not source])
        known = [person for person in elsewhere.values() if isinstance(person, Person)]
        errors = [answer for answer in elsewhere.values() if isinstance(answer, GatewayError)]
        first = next(iter(self._people.sources()), source)
        if source is not first:
            above = await self._sharing(first)
            known += above.people
            errors += [] if above.error is None else [above.error]
        emails = self._emails.union(*(addresses(person) for person in known))
        found = await self._people.holders(self._request, source, emails)
        return Holders(found.people, next(iter(errors), found.error))
