"""The workload on Strawberry as its documentation has it: types of its own, Relay's node and connection, DataLoader."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec
import strawberry
import workload
from aiodataloader import DataLoader
from strawberry import Info, relay
from strawberry.extensions import ParserCache, ValidationCache
from strawberry.schema.config import StrawberryConfig

Status = strawberry.enum(workload.Status)


@strawberry.type
class Person(relay.Node):
    number: relay.NodeID[int]
    first_name: str | None
    last_name: str | None
    email_address: str


@strawberry.type
class Cadence(relay.Node):
    number: relay.NodeID[int]
    name: str


@strawberry.type
class User(relay.Node):
    number: relay.NodeID[int]
    name: str
    email: str


@strawberry.type
class Attendee(relay.Node):
    key: relay.NodeID[str]
    name: str | None
    email: str
    status: str | None


@strawberry.type
class Meeting(relay.Node):
    number: relay.NodeID[int]
    title: str
    status: Status | None
    start_time: dt.datetime
    end_time: dt.datetime | None
    duration: int
    meeting_url: str | None
    description: str | None
    location: str | None
    no_show: bool
    created_at: dt.datetime
    updated_at: dt.datetime
    attendees: list[Attendee]
    person_key: strawberry.Private[int | None]
    cadence_key: strawberry.Private[int | None]
    owner_key: strawberry.Private[int]

    @strawberry.field
    async def person(self, info: Info) -> Person | None:
        return None if self.person_key is None else await info.context["person"].load(self.person_key)

    @strawberry.field
    async def cadence(self, info: Info) -> Cadence | None:
        return None if self.cadence_key is None else await info.context["cadence"].load(self.cadence_key)

    @strawberry.field
    async def owner(self, info: Info) -> User:
        return await info.context["user"].load(self.owner_key)


def _plain(cls: type[Any], row: Any, **more: Any) -> Any:
    return cls(**{**msgspec.structs.asdict(row), **more})


PEOPLE = {key: _plain(Person, row) for key, row in workload.PEOPLE.items()}
CADENCES = {key: _plain(Cadence, row) for key, row in workload.CADENCES.items()}
USERS = {key: _plain(User, row) for key, row in workload.USERS.items()}


def _meeting(row: workload.Meeting) -> Meeting:
    told = msgspec.structs.asdict(row)
    keys = {f"{name}_key": told.pop(name) for name in ("person", "cadence", "owner")}
    return Meeting(**{**told, **keys, "attendees": [_plain(Attendee, each) for each in row.attendees]})


MEETINGS = [_meeting(row) for row in workload.MEETINGS]


@strawberry.type
class Query:
    @relay.connection(relay.ListConnection[Meeting])
    async def meetings(self) -> Iterable[Meeting]:
        return MEETINGS

    @strawberry.field
    def ping(self) -> str:
        return "pong"


def _batch(rows: Mapping[int, Any]) -> Callable[[Sequence[int]], Any]:
    async def load(keys: Sequence[int]) -> list[Any]:
        return [rows.get(key) for key in keys]

    return load


def _context() -> dict[str, Any]:
    batches = {"person": PEOPLE, "cadence": CADENCES, "user": USERS}
    return {name: DataLoader(_batch(rows)) for name, rows in batches.items()}


SCHEMA = strawberry.Schema(
    Query,
    extensions=[lambda: ParserCache(), lambda: ValidationCache()],  # noqa: PLW0108 - one for each operation
    config=StrawberryConfig(relay_max_results=workload.MOST),
)


async def answer(query: str, variables: dict[str, Any]) -> bytes:
    """The answer's data as JSON."""
    result = await SCHEMA.execute(query, variable_values=variables, context_value=_context())
    return msgspec.json.encode(result.data)
