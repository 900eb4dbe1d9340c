"""People, each once: the record of the first source that has one of their addresses."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

import msgspec

from gateway.errors import GatewayError, OperationTooCostly
from gateway.model.filters import fold_email
from gateway.model.order import RANK, id_key
from gateway.model.records import Kind, Person, Ref, Source
from gateway.request import Request
from gateway.sources.base import Found, PeopleLookup, Ports

MAX_SINGLY = 100
"""Addresses that a source which takes one a call is asked for at once."""


def addresses(person: Person) -> list[str]:
    """A person's addresses, folded, each once."""
    return list(dict.fromkeys(fold_email(email) for email in person.emails or ()))


def person_ref(person: Person) -> Ref:
    """The reference of a person's own record."""
    return Ref(person.source, Kind.PERSON, person.source_id)


class Holders(msgspec.Struct, frozen=True):
    """A source's people with some addresses, and why some may be missing.

    Attributes:
        refs: References to those of whom no more than that is known.
    """

    people: list[Person]
    error: GatewayError | None = None
    refs: frozenset[Ref] = frozenset()


class People:
    """People by reference or by address.

    Args:
        ports: The sources, in order of rank.
    """

    def __init__(self, ports: Sequence[Ports]) -> None:
        self._ports: dict[Source, PeopleLookup] = {
            port.source: port.people for port in ports if port.people is not None
        }
        self._addressed = {port.source: port.addressed for port in ports if port.addressed is not None}

    def named(self, source: Source, emails: Iterable[str]) -> frozenset[Ref] | None:
        """A source's references to the people with some addresses; None where that takes a call."""
        addressed = self._addressed.get(source)
        return None if addressed is None else frozenset(map(addressed.ref_of, emails))

    def addresses_of(self, refs: Iterable[Ref]) -> dict[Ref, str]:
        """The addresses that references are made of, of those which are."""
        known = ((ref, self._addressed[ref.source].address_of(ref)) for ref in refs if ref.source in self._addressed)
        return {ref: address for ref, address in known if address is not None}

    async def by_refs(self, request: Request, refs: Sequence[Ref]) -> dict[Ref, Person | GatewayError | None]:
        """The people that references name, each as the first source that has one of their addresses shows them."""
        own = [ref for ref in refs if self._highest(ref.source)]
        others = [ref for ref in refs if not self._highest(ref.source)]
        if not own or not others:
            return await (self.records(request, own) if own else self._best(request, others))
        records, best = await asyncio.gather(self.records(request, own), self._best(request, others))
        return {ref: records[ref] if ref in records else best[ref] for ref in refs}

    async def _best(self, request: Request, refs: Sequence[Ref]) -> dict[Ref, Person | GatewayError | None]:
        """The people that references to records of lower sources name."""
        found = await self.records(request, refs)
        people = [answer for answer in found.values() if isinstance(answer, Person)]
        better = await self._higher(request, people) if people else {}
        return {
            ref: better.get(person_ref(answer), answer) if isinstance(answer, Person) else answer
            for ref, answer in found.items()
        }

    async def records(self, request: Request, refs: Iterable[Ref]) -> dict[Ref, Person | GatewayError | None]:
        """The records that references name, as each one's own source has them."""
        by_source: dict[Source, list[Ref]] = {}
        for ref in dict.fromkeys(refs):
            by_source.setdefault(ref.source, []).append(ref)
        if len(by_source) == 1:
            return await self._of_source(request, *by_source.popitem())
        answers = await asyncio.gather(*(self._of_source(request, source, part) for source, part in by_source.items()))
        return {ref: person for answer in answers for ref, person in answer.items()}

    async def holders(self, request: Request, source: Source, emails: Iterable[str]) -> Holders:
        """One source's people with these addresses (folded), by id; a failure is noted."""
        wanted = set(emails)
        if source not in self._ports or not wanted:
            return Holders([])
        try:
            found = await self._ports[source].by_emails(request, sorted(wanted))
        except GatewayError as error:
            return Holders([], error)
        matching = [person for person in found.rows if not wanted.isdisjoint(addresses(person))]
        failure = next(iter(found.failures.values()), None)
        return Holders(sorted(matching, key=lambda person: id_key(person.source_id)), failure)

    async def by_email(self, request: Request, email: str) -> Person | None:
        """Whoever has an address: the first source's record of the lowest id.

        Raises:
            UpstreamError: A source that would come first did not answer.
        """
        found = (await self.by_emails(request, [fold_email(email)]))[fold_email(email)]
        if isinstance(found, GatewayError):
            raise found
        return found

    async def by_emails(self, request: Request, emails: Iterable[str]) -> dict[str, Person | GatewayError | None]:
        """The same for many addresses (folded), each by itself, or why it is unknown.

        The first source is asked for a hundred in one call. Those below it may be asked for one a call, and so for
        `MAX_SINGLY` addresses at most.
        """
        found: dict[str, Person | GatewayError | None] = dict.fromkeys(emails)
        for source, port in self._ports.items():
            unknown = [email for email, answer in found.items() if answer is None]
            if not self._highest(source):
                found.update(dict.fromkeys(unknown[MAX_SINGLY:], _too_many(len(unknown))))
                unknown = unknown[:MAX_SINGLY]
            if unknown:
                found.update(await _each_of(port, request, unknown))
        return found

    async def whole(self, request: Request, person: Person, source: Source | None = None) -> Person:
        """A person with what every lower source, or one of them, has of them folded in: a look-up per address and each.

        Raises:
            UpstreamError: A source that was asked did not answer, and so cannot be spoken for.
        """
        lower = [each for each in self._ports if RANK[each] > RANK[person.source] and source in {None, each}]
        answers = await asyncio.gather(*(self.holders(request, source, addresses(person)) for source in lower))
        for answer in answers:
            if answer.error is not None:
                raise answer.error
        return msgspec.structs.replace(person, twins=tuple(twin for answer in answers for twin in answer.people))

    def sources(self) -> list[Source]:
        """The sources that hold people, in order of rank."""
        return list(self._ports)

    async def _of_source(
        self, request: Request, source: Source, refs: Sequence[Ref]
    ) -> dict[Ref, Person | GatewayError | None]:
        if source not in self._ports:
            return dict.fromkeys(refs)
        try:
            found: Found[Person] = await self._ports[source].by_ids(request, [ref.id for ref in refs])
        except GatewayError as error:
            return dict.fromkeys(refs, error)
        by_id: dict[str, Person | GatewayError] = {person.source_id: person for person in found.rows}
        by_id |= found.failures
        return {ref: by_id.get(ref.id) for ref in refs}

    async def _higher(self, request: Request, people: Sequence[Person]) -> dict[Ref, Person]:
        """For each of the people the record of a higher source with one of their addresses, where there is one.

        Where that source cannot be asked, the lower record is shown: better than nobody.
        """
        better: dict[Ref, Person] = {}
        for source in self._ports:
            waiting = [p for p in people if RANK[p.source] > RANK[source] and person_ref(p) not in better]
            emails = {email for person in waiting for email in addresses(person)}
            by_email: dict[str, Person] = {}
            for holder in (await self.holders(request, source, emails)).people:
                for email in addresses(holder):
                    by_email.setdefault(email, holder)
            for person in waiting:
                match = next((by_email[email] for email in addresses(person) if email in by_email), None)
                if match is not None:
                    better[person_ref(person)] = match
        return better

    def _highest(self, source: Source) -> bool:
        return source is next(iter(self._ports), None)


async def _each_of(
    port: PeopleLookup, request: Request, emails: Sequence[str]
) -> dict[str, Person | GatewayError | None]:
    """One source's person with each address, of several the one of the lowest id."""
    try:
        answer = await port.by_emails(request, emails)
    except GatewayError as error:
        return dict.fromkeys(emails, error)
    by_email: dict[str, Person | GatewayError] = {}
    for person in sorted(answer.rows, key=lambda person: id_key(person.source_id)):
        for email in addresses(person):
            by_email.setdefault(email, person)
    return {email: by_email.get(email) or answer.failures.get(email) for email in emails}


def _too_many(count: int) -> OperationTooCostly:
    return OperationTooCostly(
        f"{count} addresses would have to be looked up one by one; the maximum for one operation is {MAX_SINGLY}.",
        measured=count,
        allowed=MAX_SINGLY,
    )
