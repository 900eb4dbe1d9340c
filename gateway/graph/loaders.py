"""The loaders of one request: what each loads, by which key, and what that costs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Generic, NamedTuple, Protocol, TypeAlias, TypeVar

from gateway.catalog.answer import MeetingQuery
from gateway.catalog.catalog import Catalog
from gateway.catalog.pages import ListPage
from gateway.catalog.prices import Prices
from gateway.catalog.whole_list import WholeList
from gateway.errors import GatewayError
from gateway.graph.level_loader import LevelLoader
from gateway.model.cost import ASSUMED, Needs
from gateway.model.filters import MeetingFilter
from gateway.model.records import (
    Account,
    Cadence,
    Conversation,
    Kind,
    Meeting,
    Person,
    Record,
    Ref,
    Source,
    Step,
    Task,
    User,
)
from gateway.request import Request

R = TypeVar("R", bound=Record)


class Keyed(Generic[R]):
    """A record as a loader's key: two of the same record are one.

    Attributes:
        record: The record.
        source: The one source whose record of the same is looked for; None for every source's.
    """

    __slots__ = ("record", "ref", "source")

    def __init__(self, record: R, source: Source | None = None) -> None:
        self.record = record
        self.source = source
        self.ref = (type(record), record.source, record.source_id, source)

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


class Counted:
    """A list of meetings that is to be counted as a loader's key; as with `Listed`, no two are one.

    Attributes:
        wanted: The filter.
        fields: Names of the fields of `Meeting` that are looked at.
    """

    __slots__ = ("fields", "wanted")

    def __init__(self, wanted: MeetingFilter, fields: frozenset[str]) -> None:
        self.wanted = wanted
        self.fields = fields


class MeetingKey(NamedTuple):
    """A meeting as a loader's key, with the names of the fields that are selected on it."""

    ref: Ref
    fields: frozenset[str]


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
    whole_list_by_filter: LevelLoader[Counted, WholeList]
    meeting_by_ref: LevelLoader[MeetingKey, Meeting]

    def __init__(self, catalog: Catalog, request: Request) -> None:
        self._catalog = catalog
        self._request = request
        self._made: list[LevelLoader[Any, Any]] = []

    def __getattr__(self, name: str) -> LevelLoader[Any, Any]:
        if name not in LOADERS:
            raise AttributeError(name)
        load, catalog, request = LOADERS[name].load, self._catalog, self._request
        made: LevelLoader[Any, Any] = LevelLoader(lambda keys: load(catalog, request, keys))
        self._made.append(made)
        setattr(self, name, made)
        return made

    async def close(self) -> None:
        """Ends what nobody waits for any more."""
        busy = [loader for loader in self._made if not loader.idle]
        if busy:
            await asyncio.gather(*(loader.close() for loader in busy))


class RecordSource(Protocol):
    """What looks records up by reference."""

    def by_refs(self, request: Request, refs: Sequence[Ref], /) -> Awaitable[Mapping[Ref, Any]]:
        """The record, error or None of each reference."""
        ...


Load: TypeAlias = Callable[[Catalog, Request, Sequence[Any]], Awaitable[Mapping[Any, Any]]]


async def _meetings_by_ref(
    catalog: Catalog, request: Request, keys: Sequence[MeetingKey]
) -> Mapping[MeetingKey, Meeting | GatewayError | None]:
    """Those of which the same is selected are looked up together."""
    found: dict[MeetingKey, Meeting | GatewayError | None] = {}
    for fields in {key.fields for key in keys}:
        mine = [key for key in keys if key.fields == fields]
        answers = await catalog.meetings.by_refs(request, [key.ref for key in mine], fields)
        found.update((key, answers[key.ref]) for key in mine)
    return found


async def _whole_people(
    catalog: Catalog, request: Request, keys: Sequence[Keyed[Person]]
) -> Mapping[Keyed[Person], Person | Exception]:
    return await _each(keys, lambda key: catalog.people.whole(request, key.record, key.source))


async def _whole_users(
    catalog: Catalog, request: Request, keys: Sequence[Keyed[User]]
) -> Mapping[Keyed[User], User | Exception]:
    return await _each(keys, lambda key: catalog.directory.whole(request, key.record))


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


async def _whole_lists(
    catalog: Catalog, request: Request, keys: Sequence[Counted]
) -> Mapping[Counted, WholeList | GatewayError]:
    """Those of one filter are read once, whatever is looked at."""
    alike: list[tuple[MeetingFilter, list[Counted]]] = []
    for key in keys:
        same = next((group for wanted, group in alike if wanted == key.wanted), None)
        if same is None:
            alike.append((key.wanted, [key]))
        else:
            same.append(key)

    async def read(wanted: MeetingFilter, group: Sequence[Counted]) -> WholeList | GatewayError:
        fields = frozenset[str]().union(*(key.fields for key in group))
        try:
            return await catalog.meetings.whole(request, wanted, fields, catalog.stats_rows)
        except GatewayError as error:
            return error

    answers = await asyncio.gather(*(read(*each) for each in alike))
    return {key: answer for (_, group), answer in zip(alike, answers, strict=True) for key in group}


class Loading(NamedTuple):
    """How a loader loads, and what that costs.

    Attributes:
        load: Loads many keys.
        price: What so many keys cost, of records of one source where it is known; None where the field that uses the
            loader has a price of its own.
        singly: Calls that one key may take where the keys do not go together.
    """

    load: Load
    price: Callable[[Prices, int, Source | None], Needs] | None = None
    singly: int = 1


def _by_refs(kind: Kind, lookup: Callable[[Catalog], RecordSource]) -> Loading:
    return Loading(
        lambda catalog, request, keys: lookup(catalog).by_refs(request, keys),
        lambda prices, number, source: prices.by_refs(kind, number, source),
    )


LOADERS: Mapping[str, Loading] = {
    "person_by_ref": _by_refs(Kind.PERSON, lambda catalog: catalog.people),
    "person_record_by_ref": Loading(lambda catalog, request, keys: catalog.people.records(request, keys)),
    "user_by_ref": _by_refs(Kind.USER, lambda catalog: catalog.directory),
    "cadence_by_ref": _by_refs(Kind.CADENCE, lambda catalog: catalog.cadences),
    "step_by_ref": _by_refs(Kind.STEP, lambda catalog: catalog.steps),
    "account_by_ref": _by_refs(Kind.ACCOUNT, lambda catalog: catalog.accounts),
    "task_by_ref": _by_refs(Kind.TASK, lambda catalog: catalog.tasks),
    "conversation_by_ref": _by_refs(Kind.CONVERSATION, lambda catalog: catalog.conversations),
    "steps_by_cadence": Loading(
        lambda catalog, request, keys: catalog.steps_of_cadences.by_cadences(request, keys),
        lambda prices, number, _: prices.steps_of_cadences(number),
    ),
    "whole_person_by_person": Loading(
        _whole_people, lambda prices, number, source: prices.people_below(number, source), singly=ASSUMED.addresses
    ),
    "whole_user_by_user": Loading(_whole_users, lambda prices, _number, _source: prices.team()),
    "user_by_email": Loading(_users_by_email, lambda prices, _number, _source: prices.team()),
    "meetings_under_record": Loading(_meetings_under),
    "whole_list_by_filter": Loading(_whole_lists),
    "meeting_by_ref": Loading(_meetings_by_ref),
}
"""Every loader, by its name on `Loaders`."""


async def _each(keys: Sequence[Keyed[R]], load: Callable[[Keyed[R]], Awaitable[R]]) -> dict[Keyed[R], R | Exception]:
    """Each record loaded by itself; one that fails fails alone."""

    async def attempt(key: Keyed[R]) -> R | Exception:
        try:
            return await load(key)
        except Exception as error:  # noqa: BLE001 - whatever one ends with is its own
            return error

    return dict(zip(keys, await asyncio.gather(*map(attempt, keys)), strict=True))
