"""The sales team, joined over the sources by any of each user's e-mail addresses."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence

import msgspec

from gateway.errors import GatewayError
from gateway.model.filters import fold_email
from gateway.model.order import id_key
from gateway.model.records import Kind, Ref, Source, User, UserKey
from gateway.sources.base import Found, Ports
from gateway.upstream.request import Request


def user_refs(user: User) -> frozenset[Ref]:
    """Every reference that may name a user: id, GUID, and those of the folded records."""
    own = [Ref(user.source, Kind.USER, user.source_id)]
    if user.guid is not None:
        own.append(Ref(user.source, Kind.USER, user.guid, UserKey.GUID))
    return frozenset(own).union(*(user_refs(twin) for twin in user.twins))


class Team:
    """The users of several sources, each person once.

    Args:
        lists: Each source's users, in order of rank.
    """

    def __init__(self, lists: Mapping[Source, Sequence[User]]) -> None:
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
        self.lacks = {port.source: port.users_lack for port in ports if port.users is not None}

    def sources(self) -> list[Source]:
        """The sources that hold users, in order of rank."""
        return list(self._ports)

    async def lists(self, request: Request, sources: Iterable[Source]) -> dict[Source, Found[User]]:
        """Each source's users as it has them; those that fail are left out, and told by `team`."""
        asked = list(sources)
        answers = await asyncio.gather(*(self._users_of(request, source) for source in asked), return_exceptions=True)
        return {
            source: answer
            for source, answer in zip(asked, answers, strict=True)
            if not isinstance(answer, BaseException)
        }

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
                *(self._users_of(request, source) for source in asked), return_exceptions=True
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
            return Team(lists), errors

        return await request.once(("team", *asked), join)

    async def by_refs(self, request: Request, refs: Sequence[Ref]) -> dict[Ref, User | GatewayError | None]:
        """The users that references name, each as the first source that has them shows them.

        Only Salesloft's are asked for by key. A user of a lower source is looked for in the higher ones by e-mail
        address, which no vendor can search by: for those the whole team is read.
        """
        highest = next(iter(self._ports), None)
        if all(ref.source is highest for ref in refs) and highest is not None:
            return await self._of_highest(request, highest, refs)
        team, errors = await self.team(request)
        found: dict[Ref, User | GatewayError | None] = {}
        for ref in refs:
            user = team.by_ref(ref)
            found[ref] = bare(user) if user is not None else errors.get(ref.source)
        return found

    async def whole(self, request: Request, user: User) -> User:
        """A user with what every other source has of them folded in.

        Raises:
            UpstreamError: A source did not answer, and so cannot be spoken for.
        """
        team, errors = await self.team(request)
        for error in errors.values():
            raise error
        return team.by_ref(Ref(user.source, Kind.USER, user.source_id)) or user

    async def _of_highest(
        self, request: Request, source: Source, refs: Sequence[Ref]
    ) -> dict[Ref, User | GatewayError | None]:
        try:
            answer = await self._ports[source].by_refs(request, refs)
        except GatewayError as error:
            return dict.fromkeys(refs, error)
        by_ref = {ref: user for user in answer.rows for ref in user_refs(user)}
        return {ref: by_ref.get(ref) or answer.failures.get(ref.id) for ref in refs}

    async def _users_of(self, request: Request, source: Source) -> Found[User]:
        port = self._ports[source]
        return await request.once(("users", source), lambda: port.all(request))


def _addresses(user: User) -> list[str]:
    return list(dict.fromkeys(fold_email(email) for email in user.emails or ()))


def _joined(user: User, twin: User) -> User:
    return msgspec.structs.replace(user, twins=(*user.twins, twin))


def bare(user: User) -> User:
    """Without its twins: a user looks the same however found, and asks for the rest when it is selected."""
    return msgspec.structs.replace(user, twins=()) if user.twins else user
