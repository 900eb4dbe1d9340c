"""Salesloft's records by their keys: cached one by one, asked for in batches, whichever requests want them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Generic, TypeAlias, TypeVar

import msgspec

from gateway.errors import LoadError
from gateway.model.cost import Needs
from gateway.model.filters import fold_email
from gateway.model.records import Person, Record, Ref, Source, User, UserKey
from gateway.request import Request
from gateway.sources.base import Found, Traits
from gateway.sources.bounds import is_number
from gateway.sources.cached import Translated, is_partial
from gateway.sources.decode import Row
from gateway.sources.problems import another
from gateway.sources.salesloft import prices, wire
from gateway.sources.salesloft.api import SalesloftApi, joined, pieced, together
from gateway.sources.salesloft.filters import Params
from gateway.sources.salesloft.resources import (
    EVERYBODY,
    PEOPLE,
    USERS,
    Entry,
    RecordRows,
    Resource,
    is_doubtful,
    slim,
)
from gateway.upstream.batch import chunks
from gateway.upstream.cache import ListCache, RecordCache
from gateway.upstream.freshness import CachePolicy, LookupResult
from gateway.upstream.http import encoded_len

W = TypeVar("W", bound=msgspec.Struct)
R = TypeVar("R", bound=Record)

Key: TypeAlias = tuple[str, str]
"""The parameter that takes a value, and the value: one that Salesloft can have given, since it refuses any other."""

IDS, EMAILS, GUIDS = "ids[]", "email_addresses[]", "guid[]"

MOST_USER_PAGES = 100
"""Pages of the team that are read at most, where it does not come whole: 10,000 users."""

MOST_CHARS = 1024
"""Characters of a value that is asked for: a call has the keys of many, and may be refused for one of them."""


def keys(name: str, values: Iterable[str]) -> list[Key]:
    """Values of one parameter as keys; what cannot be printed, or is longer than any, is no key of any record."""
    return [(name, value) for value in values if value.isprintable() and 0 < len(value) <= MOST_CHARS]


def by_id(record: Record) -> Iterable[Key]:
    """The key that every list can be asked by."""
    return ((IDS, record.source_id),)


class RecordsByKey(Generic[W, R]):
    """The rows of one list that bear given keys.

    Args:
        api: The calls.
        resource: The list.
        name: The name of their cache.
        keys_of: The keys that a record bears; it is found under no other, were a parameter ignored.
        changed_at: When what a key stands for is known to have changed; see `Kind.changed_at`.
        extra: Further parameters of every call.
    """

    def __init__(
        self,
        api: SalesloftApi,
        resource: Resource[W, R],
        *,
        name: str,
        keys_of: Callable[[R], Iterable[Key]] = by_id,
        changed_at: Callable[[Key], float] | None = None,
        extra: Params = (),
    ) -> None:
        self._api = api
        self._resource = resource
        self._keys_of = keys_of
        self._extra = (*resource.looked_up, *extra)
        self._records: RecordCache[Key, Entry[R, W]] = RecordCache(
            api.client,
            CachePolicy(
                name=name,
                endpoint=resource.path,
                codec=resource.entries,
                lifetimes=resource.lifetimes(api.lifetimes),
                doubtful=is_doubtful,
                changed_at=changed_at,
            ),
            self._fetch,
            encoded_len=lambda key: _name_len(key[0]) + encoded_len(key[1]),
        )

    async def get(self, request: Request, asked: Iterable[Key]) -> Found[R]:
        """The rows with any of these keys; failures are by the keys' values.

        A key without a row is among the failures where the answer held a row that may be its own: one that could not
        be read, or that nobody had asked for.

        Raises:
            UpstreamError: None of the calls was answered, and nothing cached could stand in.
            DeadlineExceeded: Likewise.
        """
        return self._found(await self._records.get(request, _in_order(set(asked))))

    async def renew(self, request: Request, asked: Iterable[Key]) -> Found[R]:
        """The same as they are now, in one call, whatever is cached.

        Raises:
            UpstreamError: The call was not answered.
            DeadlineExceeded: Not before the request's deadline.
        """
        return self._found(await self._records.renew(request, _in_order(set(asked))))

    def _found(self, answers: LookupResult[Key, Entry[R, W]]) -> Found[R]:
        failures: dict[str, LoadError] = {key[1]: each for key, each in answers.failed.items()}
        records: dict[str, R] = {}
        wrapped: list[Found[R]] = []
        for (_, value), entry in answers.found.items():
            if not isinstance(entry, Translated):
                records[entry.source_id] = entry
                continue
            wrapped.append(entry.value)
            records.update((row.source_id, row) for row in entry.value.rows)
            if entry.sent.lost and not entry.sent.rows:
                failures[value] = another(Source.SALESLOFT)
        found = joined(wrapped) if wrapped else None
        return Found(
            rows=list(records.values()),
            problems=found.problems if found else (),
            incomplete=found.incomplete if found else None,
            failures=failures,
        )

    def calls(self, asked: Iterable[Key]) -> int:
        """Calls that some keys take at most, where none of them is cached."""
        lengths = {f"{name} {value}": _name_len(name) + encoded_len(value) for name, value in asked}
        return len(chunks(list(lengths), encoded_len=lengths.__getitem__))

    async def _fetch(self, request: Request, asked: Sequence[Key]) -> Mapping[Key, Entry[R, W]]:
        whole = await self._api.whole(request, self._resource, (*_in_order(asked), *self._extra))
        wanted = frozenset(asked)
        by_key: dict[Key, list[tuple[Row[W], R]]] = {}
        lost = [*whole.sent.lost]
        for row, record in zip(whole.sent.rows, whole.value.rows, strict=True):
            borne = wanted.intersection(self._keys_of(record))
            for key in borne:
                by_key.setdefault(key, []).append((row, record))
            if not borne:
                lost.append(record.source_id)
        incomplete = whole.sent.incomplete
        # What could not be read, or nobody asked for, may be the row of any key that has none.
        missing = [key for key in asked if key not in by_key] if lost or incomplete else ()
        # Those found are by the records' own keys, whose texts they share while they are cached.
        found: dict[Key, Entry[R, W]] = {key: slim(pieced(rows, (), incomplete)) for key, rows in by_key.items()}
        return found | {key: pieced((), tuple(lost), incomplete) for key in missing}


@functools.lru_cache(maxsize=64)
def _name_len(name: str) -> int:
    """Characters of URL that a parameter's name takes beside each value."""
    return encoded_len(name) + len("=&")


def _in_order(asked: Iterable[Key]) -> list[Key]:
    return sorted(asked, key=lambda key: (key[0], len(key[1]), key[1]))  # by `id_key`, without the call


class SalesloftPeople:
    """`/v2/people`."""

    most_addresses = 3
    """Salesloft: Person model."""

    def __init__(self, api: SalesloftApi) -> None:
        self._by_id = RecordsByKey(api, PEOPLE, name="people")
        self._by_email = RecordsByKey(api, PEOPLE, name="people by email", keys_of=_addresses)

    async def by_ids(self, request: Request, ids: Sequence[str]) -> Found[Person]:
        """The people with these ids."""
        return await self._by_id.get(request, keys(IDS, filter(is_number, ids)))

    def price_of_ids(self, ids: int) -> Needs:
        """What so many ids cost: a hundred a call."""
        return prices.ids(PEOPLE, ids)

    def price_of_emails(self, emails: int) -> Needs:
        """What so many addresses cost: a hundred a call."""
        return [(prices.PEOPLE_BY_EMAIL, emails)]

    async def by_emails(self, request: Request, emails: Sequence[str]) -> Found[Person]:
        """Everybody who has one of these addresses, in any of their three fields."""
        return await self._by_email.get(request, keys(EMAILS, filter(None, map(fold_email, emails))))


class SalesloftUsers:
    """`/v2/users`: by GUID for a meeting's owner and booker, by number for everything else."""

    traits = Traits()

    def __init__(self, api: SalesloftApi) -> None:
        self._api = api
        self._by_id = RecordsByKey(api, USERS, name="users")
        self._by_guid = RecordsByKey(api, USERS, name="users by guid", keys_of=_guid)
        team = CachePolicy(
            name="team",
            endpoint=USERS.path,
            codec=USERS.founds,
            lifetimes=api.lifetimes.directories,
            doubtful=is_partial,
        )
        self._team = ListCache(api.client, team, self._everybody)

    async def by_refs(self, request: Request, refs: Sequence[Ref]) -> Found[User]:
        """The users named by GUID or by id, those that group privacy hides included."""
        ours = [ref for ref in refs if ref.source is Source.SALESLOFT]
        guids = {ref.id.lower(): ref.id for ref in ours if ref.key is UserKey.GUID and ref.id}
        ids = [ref.id for ref in ours if ref.key is UserKey.ID and is_number(ref.id)]
        by_guid = self._by_guid.get(request, keys(GUIDS, guids))
        found = joined(await together((by_guid, self._by_id.get(request, keys(IDS, ids)))))
        failures = {guids.get(key, key): failure for key, failure in found.failures.items()}
        return msgspec.structs.replace(found, failures=failures)

    async def all(self, request: Request) -> Found[User]:
        """The whole team, in one answer where Salesloft gives it so."""
        return (await self._team.get(request, EVERYBODY)).value.value

    def price_of_refs(self, refs: int) -> Needs:
        """What so many references cost: a hundred a call, of a team of the assumed size."""
        return prices.ids(USERS, refs)

    def price_of_all(self) -> Needs:
        """What the whole team costs: one call, where it comes whole."""
        return [(prices.TEAM, 1)]

    async def _everybody(self, request: Request, params: Params) -> Translated[RecordRows[wire.User], Found[User]]:
        whole = await self._api.unpaged(request, USERS, params)
        return await self._api.whole(request, USERS, params, MOST_USER_PAGES) if whole is None else whole


class IdLookup(Generic[W, R]):
    """Records of one list by their ids.

    Args:
        api: The calls.
        resource: The list.
    """

    def __init__(self, api: SalesloftApi, resource: Resource[W, R]) -> None:
        self._resource = resource
        self._by_id = RecordsByKey(api, resource, name=resource.path)

    def price_of_ids(self, ids: int) -> Needs:
        """What so many ids cost: a hundred a call."""
        return prices.ids(self._resource, ids)

    async def by_ids(self, request: Request, ids: Sequence[str]) -> Found[R]:
        """The records with these ids."""
        return await self._by_id.get(request, keys(IDS, filter(is_number, ids)))


def _addresses(person: Person) -> list[Key]:
    return keys(EMAILS, map(fold_email, person.emails or ()))


def _guid(user: User) -> list[Key]:
    return [] if user.guid is None else [(GUIDS, user.guid.lower())]
