"""The sales team, joined over the sources by any of each user's e-mail addresses."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from gateway.errors import GatewayError
from gateway.model.conditions import Filter, argument
from gateway.model.cost import ListPrice, ListShape, Needs
from gateway.model.filters import fold_email
from gateway.model.order import Walk, id_key
from gateway.model.record_filters import UserFilter
from gateway.model.records import Kind, Ref, Source, User, UserKey
from gateway.paging.memory import DeferredLane, MemoryLane, Snapshot
from gateway.paging.merge import Lane
from gateway.request import Request
from gateway.sources.base import Found, Ports, Traits, UserLookup, lost_in

CANNOT_MEET = "This source cannot apply filter.{}."


def lacking(traits: Traits, wanted: Filter[Any]) -> list[str]:
    """The conditions that are given and that a source cannot meet, as clients write them."""
    lacks = traits.lacks(type(wanted))
    return [argument(name) for name, row, _ in wanted.given() if name in lacks and row.description is not None]


def user_refs(user: User) -> frozenset[Ref]:
    """Every reference that may name a user: id, GUID in small letters, and those of the folded records."""
    own = [Ref(user.source, Kind.USER, user.source_id)]
    if user.guid is not None:
        own.append(Ref(user.source, Kind.USER, user.guid.lower(), UserKey.GUID))
    return frozenset(own).union(*(user_refs(twin) for twin in user.twins))


class Team:
    """The users of several sources, each person once.

    Args:
        lists: Each source's users, in order of rank.
    """

    def __init__(self, lists: Mapping[Source, Sequence[User]]) -> None:
        self._made_of = dict(lists)
        self.users: list[User] = []
        by_email: dict[str, int] = {}
        for users in lists.values():
            known = dict(by_email)
            for user in sorted(users, key=lambda user: id_key(user.source_id)):
                place = next((known[email] for email in _addresses(user) if email in known), None)
                if place is None:
                    place = len(self.users)
                    self.users.append(user)
                else:
                    self.users[place] = _joined(self.users[place], user)
                for email in _addresses(user):
                    by_email.setdefault(email, place)
        self._by_email = {email: self.users[place] for email, place in by_email.items()}
        self._by_ref = {ref: user for user in self.users for ref in user_refs(user)}
        self._led: dict[Source, Snapshot[User]] = {}

    def led_by(self, source: Source) -> Snapshot[User]:
        """The users whom a source knows and no higher one does."""
        known = self._led.get(source)
        if known is None:
            known = self._led[source] = Snapshot([user for user in self.users if user.source is source])
        return known

    def made_of(self, lists: Mapping[Source, Sequence[User]]) -> bool:
        """Whether it is the team of just these objects."""
        return all(users is self._made_of.get(source) for source, users in lists.items())

    def by_ref(self, ref: Ref) -> User | None:
        """The user that a reference names."""
        return self._by_ref.get(ref)

    def by_email(self, address: str) -> User | None:
        """The user with an address; where several have it, the first source's of the lowest id."""
        return self._by_email.get(fold_email(address))

    def addresses(self, ref: Ref) -> frozenset[str]:
        """Every address, folded, of the user that a reference names, whichever source knows it."""
        user = self.by_ref(ref)
        return frozenset() if user is None else frozenset(_addresses(user)).union(*map(_addresses, user.twins))

    def aliases(self, refs: Iterable[Ref]) -> frozenset[Ref]:
        """The references themselves and all others of the same users."""
        given = frozenset(refs)
        return given.union(*(user_refs(user) for ref in given if (user := self.by_ref(ref)) is not None))


class Directory:
    """Users by reference or by address.

    Args:
        ports: The sources, in order of rank.
    """

    def __init__(self, ports: Sequence[Ports]) -> None:
        self._ports = {port.source: port.users for port in ports if port.users is not None}
        self._teams: dict[tuple[Source, ...], Team] = {}

    def listings(self) -> dict[Source, FoldedUsers]:
        """The list of those whom each source leads, in order of rank."""
        return {source: FoldedUsers(self, source, port) for source, port in self._ports.items()}

    def able(self, wanted: UserFilter) -> frozenset[Source]:
        """The sources whose users bear what a filter speaks of."""
        return frozenset(source for source, port in self._ports.items() if not lacking(port.traits, wanted))

    def needed(self, sources: Collection[Source]) -> frozenset[Source]:
        """The sources whose users tell who is whom among those of some: they, and the first if any is below it."""
        first = next(iter(self._ports), None)
        above = [first] if first is not None and any(source is not first for source in sources) else []
        return frozenset((*sources, *above))

    async def team(
        self, request: Request, sources: frozenset[Source] | None = None
    ) -> tuple[Team, dict[Source, GatewayError]]:
        """The whole team of some sources (None: of all), and which of them failed."""
        asked = [source for source in self._ports if sources is None or source in sources]

        async def join() -> tuple[Team, dict[Source, GatewayError]]:
            answers = await asyncio.gather(
                *(self.users_of(request, source) for source in asked), return_exceptions=True
            )
            lists: dict[Source, Sequence[User]] = {}
            errors: dict[Source, GatewayError] = {}
            for source, answer in zip(asked, answers, strict=True):
                if isinstance(answer, GatewayError):
                    errors[source] = answer
                elif isinstance(answer, BaseException):
                    raise answer
                else:
                    lists[source] = answer.rows
            return self._joined(lists), errors

        return await request.once(("team", *asked), join)

    def _joined(self, lists: Mapping[Source, Sequence[User]]) -> Team:
        """The team of these lists; the one that was made last where they are the very same."""
        sources = tuple(lists)
        known = self._teams.get(sources)
        if known is None or not known.made_of(lists):
            known = self._teams[sources] = Team(lists)
        return known

    async def by_refs(self, request: Request, refs: Sequence[Ref]) -> dict[Ref, User | GatewayError | None]:
        """The users that references name, each as the first source that has them shows them.

        Only the first source's are asked for by key. A user of a lower source is looked for in the higher ones by
        e-mail address, which no vendor can search by: for those the whole team is read. There are none of a source that
        is not there.
        """
        asked = {ref.source for ref in refs} & self._ports.keys()
        highest = next(iter(self._ports), None)
        if not asked:
            return dict.fromkeys(refs)
        if highest is not None and asked == {highest}:
            found = await self._of_highest(request, highest, [ref for ref in refs if ref.source is highest])
            return {ref: found.get(ref) for ref in refs}
        team, errors = await self.team(request)
        unknown: dict[Source, GatewayError | None] = {**errors}
        for source in self._ports.keys() - errors.keys():
            unknown[source] = lost_in(await self.users_of(request, source), source)
        users = {ref: team.by_ref(ref) for ref in refs}
        return {ref: unknown.get(ref.source) if user is None else bare(user) for ref, user in users.items()}

    async def whole(self, request: Request, user: User) -> User:
        """A user with what every other source has of them folded in; what those did not tell that failed is noted."""
        team, errors = await self.team(request)
        whole = team.by_ref(Ref(user.source, Kind.USER, user.source_id)) or user
        failed: dict[str, GatewayError] = {}
        for source, error in errors.items():
            attributes = set(User.__struct_fields__) - self._ports[source].traits.blank
            # Whoever the user's own source does not tell of any more is joined with nobody.
            others = [source] if source is not user.source else self._ports
            failed |= dict.fromkeys([*attributes, *(each.value.lower() for each in others)], error)
        return msgspec.structs.replace(whole, failed=failed) if failed else whole

    async def _of_highest(
        self, request: Request, source: Source, refs: Sequence[Ref]
    ) -> dict[Ref, User | GatewayError | None]:
        try:
            answer = await self._ports[source].by_refs(request, refs)
        except GatewayError as error:
            return dict.fromkeys(refs, error)
        by_ref = {ref: user for user in answer.rows for ref in user_refs(user)}
        return {ref: by_ref.get(ref) or answer.failures.get(ref.id) for ref in refs}

    async def users_of(self, request: Request, source: Source) -> Found[User]:
        """A source's users as it has them; the same ones throughout a request.

        Raises:
            UpstreamError: The source did not answer.
        """
        port = self._ports[source]
        return await request.once(("users", source), lambda: port.all(request))


class FoldedUsers:
    """The users whom one source leads, with their records of lower sources folded in; see `sources.base.Listing`.

    Args:
        directory: The users of every source.
        source: The source.
        port: Its users.
    """

    def __init__(self, directory: Directory, source: Source, port: UserLookup) -> None:
        self.traits = port.traits
        self._directory = directory
        self._source = source
        self._port = port

    def lanes(self, request: Request, walk: Walk, wanted: UserFilter) -> Sequence[Lane[User]]:
        """One lane of those whom the filter admits, by whichever record of theirs."""

        async def open_lane() -> Lane[User]:
            found, led = await self._led(request, wanted)
            return MemoryLane(
                led, walk, admits=wanted.admits, show=bare, problems=found.problems, incomplete=found.incomplete
            )

        return (DeferredLane(open_lane),)

    async def count(self, request: Request, wanted: UserFilter) -> int | None:
        """How many of them the filter admits."""
        _, led = await self._led(request, wanted)
        return sum(map(wanted.admits, led.rows))

    async def by_ids(self, request: Request, ids: Sequence[str]) -> Found[User]:
        """The source's own records with these ids."""
        found = await self._directory.users_of(request, self._source)
        wanted = frozenset(ids)
        return msgspec.structs.replace(found, rows=[user for user in found.rows if user.source_id in wanted])

    def price_of_ids(self, ids: int) -> Needs:  # noqa: ARG002 - see `Listing`
        """What any number of ids costs: all of them, once."""
        return self._port.price_of_all()

    def price(self, shape: ListShape) -> ListPrice:  # noqa: ARG002 - see `Listing`
        """What a page costs: all of them, once."""
        ((ask, calls),) = self._port.price_of_all()
        return ListPrice(ask=ask, calls=calls)

    def admits(self, wanted: UserFilter, record: User) -> bool:  # noqa: ARG002 - see `Listing`
        """Whether the source's own part of a filter holds: there is none."""
        return True

    async def _led(self, request: Request, wanted: UserFilter) -> tuple[Found[User], Snapshot[User]]:
        found = await self._directory.users_of(request, self._source)
        team, _ = await self._directory.team(request, self._directory.able(wanted))
        return found, team.led_by(self._source)


def _addresses(user: User) -> list[str]:
    return list(dict.fromkeys(fold_email(email) for email in user.emails or ()))


def _joined(user: User, twin: User) -> User:
    return msgspec.structs.replace(user, twins=(*user.twins, twin))


def bare(user: User) -> User:
    """Without its twins: a user looks the same however found, and asks for the rest when it is selected."""
    return msgspec.structs.replace(user, twins=()) if user.twins else user
