"""What lives as long as one request."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from typing import Any, Generic, TypeAlias, TypeVar

from gateway.catalog.answer import MeetingQuery
from gateway.catalog.catalog import Catalog
from gateway.catalog.pages import ListPage
from gateway.errors import GatewayError
from gateway.execution.collected import Operation
from gateway.graph.loaders import LevelLoader
from gateway.graph.status import SourceStatus
from gateway.model.records import Account, Cadence, Conversation, Meeting, Person, Record, Ref, Step, Task, User
from gateway.model.scopes import Principal
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


class Listed:
    """The list of meetings under a record as a loader's key: no two are one, for a filter has no hash.

    Attributes:
        record: The record.
        query: What is asked of its list.
    """

    __slots__ = ("query", "record")

    def __init__(self, record: Ref, query: MeetingQuery) -> None:
        self.record = record
        self.query = query


class Loaders:
    """The loaders of one request, each named for what it loads and by which key; each made when it is first asked for.

    Args:
        catalog: Where they load from.
        request: The request.
    """

    person_by_ref: LevelLoader[Ref, Person]
    person_record_by_ref: LevelLoader[Ref, Person]
    user_by_ref: LevelLoader[Ref, User]
    cadence_by_ref: LevelLoader[Ref, Cadence]
    step_by_ref: LevelLoader[Ref, Step]
    account_by_ref: LevelLoader[Ref, Account]
    task_by_ref: LevelLoader[Ref, Task]
    conversation_by_ref: LevelLoader[Ref, Conversation]
    steps_by_cadence: LevelLoader[Ref, list[Step]]
    whole_person_by_person: LevelLoader[Keyed[Person], Person]
    whole_user_by_user: LevelLoader[Keyed[User], User]
    user_by_email: LevelLoader[str, User]
    meetings_under_record: LevelLoader[Listed, ListPage[Meeting]]

    def __init__(self, catalog: Catalog, request: Request) -> None:
        self._catalog = catalog
        self._request = request
        self._made: list[LevelLoader[Any, Any]] = []

    def __getattr__(self, name: str) -> LevelLoader[Any, Any]:
        if name not in _BATCHES:
            raise AttributeError(name)
        load, catalog, request = _BATCHES[name], self._catalog, self._request
        made: LevelLoader[Any, Any] = LevelLoader(lambda keys: load(catalog, request, keys))
        self._made.append(made)
        setattr(self, name, made)
        return made

    async def close(self) -> None:
        """Ends what nobody waits for any more."""
        busy = [loader for loader in self._made if not loader.idle]
        if busy:
            await asyncio.gather(*(loader.close() for loader in busy))


class Context:
    """What resolvers are given.

    Args:
        catalog: The sources, joined.
        request: The request as upstream calls see it.
        operation: What the operation selects.
        statuses: What `Query.sources` answers.
        principal: Who asks; None where access control is off.
        router: Whether it came through a router that proved to be one.
    """

    def __init__(
        self,
        catalog: Catalog,
        request: Request,
        operation: Operation,
        statuses: Callable[[], Sequence[SourceStatus]],
        principal: Principal | None = None,
        *,
        router: bool = False,
    ) -> None:
        self.principal = principal
        self.operation = operation
        self.router = router
        self.catalog = catalog
        self.request = request
        self._statuses = statuses
        self.loaders = Loaders(catalog, request)

    def states(self) -> Sequence[SourceStatus]:
        """How each source is doing at this moment, and at no other: no answer with it may be kept."""
        self.request.freshness.spoil()
        self.request.uses.spoil()
        return self._statuses()

    async def close(self) -> None:
        """Ends everything that the request started."""
        await self.loaders.close()
        await self.request.close()


Load: TypeAlias = Callable[[Catalog, Request, Sequence[Any]], Awaitable[Mapping[Any, Any]]]


async def _whole_people(
    catalog: Catalog, request: Request, keys: Sequence[Keyed[Person]]
) -> Mapping[Keyed[Person], Person | Exception]:
    return await _each(keys, lambda person: catalog.people.whole(request, person))


async def _whole_users(
    catalog: Catalog, request: Request, keys: Sequence[Keyed[User]]
) -> Mapping[Keyed[User], User | Exception]:
    return await _each(keys, lambda user: catalog.directory.whole(request, user))


async def _users_by_email(catalog: Catalog, request: Request, keys: Sequence[str]) -> Mapping[str, Any]:
    team, errors = await catalog.directory.team(request)
    failed = next(iter(errors.values()), None)
    return {key: team.by_email(key) or failed for key in keys}


async def _meetings_under(
    catalog: Catalog, request: Request, keys: Sequence[Listed]
) -> Mapping[Listed, ListPage[Meeting] | GatewayError | None]:
    """Those of which the same is asked are answered together."""
    alike: list[tuple[MeetingQuery, list[Listed]]] = []
    for key in keys:
        same = next((group for query, group in alike if query == key.query), None)
        if same is None:
            alike.append((key.query, [key]))
        else:
            same.append(key)
    answers = await asyncio.gather(
        *(
            catalog.meetings.pages(request, query, list(dict.fromkeys(key.record for key in group)))
            for query, group in alike
        )
    )
    groups = zip(alike, answers, strict=True)
    return {key: answer.get(key.record) for (_, group), answer in groups for key in group}


_BATCHES: Mapping[str, Load] = {
    "person_by_ref": lambda catalog, request, keys: catalog.people.by_refs(request, keys),
    "person_record_by_ref": lambda catalog, request, keys: catalog.people.records(request, keys),
    "user_by_ref": lambda catalog, request, keys: catalog.directory.by_refs(request, keys),
    "cadence_by_ref": lambda catalog, request, keys: catalog.cadences.by_refs(request, keys),
    "step_by_ref": lambda catalog, request, keys: catalog.steps.by_refs(request, keys),
    "account_by_ref": lambda catalog, request, keys: catalog.accounts.by_refs(request, keys),
    "task_by_ref": lambda catalog, request, keys: catalog.tasks.by_refs(request, keys),
    "conversation_by_ref": lambda catalog, request, keys: catalog.conversations.by_refs(request, keys),
    "steps_by_cadence": lambda catalog, request, keys: catalog.steps_of_cadences.by_cadences(request, keys),
    "whole_person_by_person": _whole_people,
    "whole_user_by_user": _whole_users,
    "user_by_email": _users_by_email,
    "meetings_under_record": _meetings_under,
}
"""How each loader loads many keys."""


async def _each(keys: Sequence[Keyed[R]], load: Callable[[R], Awaitable[R]]) -> dict[Keyed[R], R | Exception]:
    """Each record loaded by itself; one that fails fails alone."""

    async def attempt(record: R) -> R | Exception:
        try:
            return await load(record)
        except Exception as error:  # noqa: BLE001 - whatever one ends with is its own
            return error

    return dict(zip(keys, await asyncio.gather(*(attempt(key.record) for key in keys)), strict=True))
