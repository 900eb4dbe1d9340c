"""What lives as long as one request."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from typing import Any, Generic, TypeVar

from gateway.catalog.catalog import Catalog
from gateway.errors import GatewayError
from gateway.graph.access import Principal
from gateway.graph.loaders import LevelLoader
from gateway.graph.status import SourceStatus
from gateway.model.records import Account, Cadence, Conversation, Person, Record, Ref, Step, Task, User
from gateway.upstream.request import Request

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
R = TypeVar("R", bound=Record)


class Keyed(Generic[R]):
    """A record as a loader's key: two of the same record are one."""

    __slots__ = ("record", "ref")

    def __init__(self, record: R) -> None:
        self.record = record
        self.ref = (type(record), record.source, record.source_id)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Keyed) and self.ref == other.ref

    def __hash__(self) -> int:
        return hash(self.ref)


class Loaders:
    """The loaders of one request, each named for what it loads and by which key.

    Args:
        catalog: Where they load from.
        request: The request.
    """

    def __init__(self, catalog: Catalog, request: Request) -> None:
        people, directory = catalog.people, catalog.directory

        async def whole_people(keys: Sequence[Keyed[Person]]) -> Mapping[Keyed[Person], Person | GatewayError]:
            return await _each(keys, lambda person: people.whole(request, person))

        async def whole_users(keys: Sequence[Keyed[User]]) -> Mapping[Keyed[User], User | GatewayError]:
            return await _each(keys, lambda user: directory.whole(request, user))

        async def users_by_email(keys: Sequence[str]) -> Mapping[str, Any]:
            team, errors = await directory.team(request)
            failed = next(iter(errors.values()), None)
            return {key: team.by_email(key) or failed for key in keys}

        def by_ref(load: Callable[[Request, Sequence[K]], Any]) -> LevelLoader[K, Any]:
            return LevelLoader(lambda keys: load(request, keys))

        self.person_by_ref: LevelLoader[Ref, Person] = by_ref(people.by_refs)
        self.person_record_by_ref: LevelLoader[Ref, Person] = by_ref(people.records)
        self.user_by_ref: LevelLoader[Ref, User] = by_ref(directory.by_refs)
        self.cadence_by_ref: LevelLoader[Ref, Cadence] = by_ref(catalog.cadences.by_refs)
        self.step_by_ref: LevelLoader[Ref, Step] = by_ref(catalog.steps.by_refs)
        self.account_by_ref: LevelLoader[Ref, Account] = by_ref(catalog.accounts.by_refs)
        self.task_by_ref: LevelLoader[Ref, Task] = by_ref(catalog.tasks.by_refs)
        self.conversation_by_ref: LevelLoader[Ref, Conversation] = by_ref(catalog.conversations.by_refs)
        self.steps_by_cadence: LevelLoader[Ref, list[Step]] = by_ref(catalog.steps_of_cadences.by_cadences)
        self.whole_person_by_person: LevelLoader[Keyed[Person], Person] = LevelLoader(whole_people)
        self.whole_user_by_user: LevelLoader[Keyed[User], User] = LevelLoader(whole_users)
        self.user_by_email: LevelLoader[str, User] = LevelLoader(users_by_email)

    async def close(self) -> None:
        """Ends what nobody waits for any more."""
        await asyncio.gather(*(loader.close() for loader in vars(self).values()))


class Context:
    """What resolvers are given.

    Args:
        catalog: The sources, joined.
        request: The request as upstream calls see it.
        statuses: What `Query.sources` answers.
        principal: Who asks; None where access control is off.
    """

    def __init__(
        self,
        catalog: Catalog,
        request: Request,
        statuses: Callable[[], Sequence[SourceStatus]],
        principal: Principal | None = None,
    ) -> None:
        self.principal = principal
        self.catalog = catalog
        self.request = request
        self.statuses = statuses
        self.loaders = Loaders(catalog, request)

    async def close(self) -> None:
        """Ends everything that the request started."""
        await self.loaders.close()
        await self.request.close()


async def _each(keys: Sequence[Keyed[R]], load: Callable[[R], Awaitable[R]]) -> dict[Keyed[R], R | GatewayError]:
    """Each record loaded by itself; one that fails fails alone."""

    async def attempt(record: R) -> R | GatewayError:
        try:
            return await load(record)
        except GatewayError as error:
            return error

    return dict(zip(keys, await asyncio.gather(*(attempt(key.record) for key in keys)), strict=True))
