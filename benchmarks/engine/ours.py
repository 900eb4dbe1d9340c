"""The workload on this project's executor, its schema declared as the gateway declares its own."""

from __future__ import annotations

import datetime as dt
import enum
from binascii import b2a_base64
from collections.abc import Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import msgspec
import strawberry
import workload
from graphql import DocumentNode, parse
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from workload import CADENCES, MEETINGS, MOST, PEOPLE, USERS

from gateway.execution.executor import Operations
from gateway.execution.lexer import Text
from gateway.graph.declarations import GraphDeclarations
from gateway.graph.fields import face_of, field, read, relation
from gateway.graph.level_loader import LevelLoader


@strawberry.enum
class Status(enum.Enum):
    BOOKED = workload.Status.BOOKED
    PENDING = workload.Status.PENDING
    HELD = workload.Status.HELD


def text_id(plain: bytes) -> str:
    """A global id: `Kind:key` in base64."""
    return b2a_base64(plain, newline=False).decode()


@strawberry.type
@face_of(workload.Person)
class Person:
    id: strawberry.ID = field("", lambda o: text_id(b"Person:%d" % o.number))
    first_name: str | None = field("")
    last_name: str | None = field("")
    email_address: str = field("")


@strawberry.type
@face_of(workload.Cadence)
class Cadence:
    id: strawberry.ID = field("", lambda o: text_id(b"Cadence:%d" % o.number))
    name: str = field("")


@strawberry.type
@face_of(workload.User)
class User:
    id: strawberry.ID = field("", lambda o: text_id(b"User:%d" % o.number))
    name: str = field("")
    email: str = field("")


@strawberry.type
@face_of(workload.Attendee)
class Attendee:
    id: strawberry.ID = field("", lambda o: text_id(b"Attendee:%s" % o.key.encode()))
    name: str | None = field("")
    email: str = field("")
    status: str | None = field("")


@strawberry.type
@face_of(workload.Meeting)
class Meeting:
    id: strawberry.ID = field("", lambda o: text_id(b"Meeting:%d" % o.number))
    title: str = field("")
    status: Status | None = field("")
    start_time: dt.datetime = field("")
    end_time: dt.datetime | None = field("")
    duration: int = field("")
    meeting_url: str | None = field("")
    description: str | None = field("")
    location: str | None = field("")
    no_show: bool = field("")
    created_at: dt.datetime = field("")
    updated_at: dt.datetime = field("")
    person: Person | None = relation("person", lambda o: o.person, "")
    cadence: Cadence | None = relation("cadence", lambda o: o.cadence, "")
    owner: User = relation("user", lambda o: o.owner, "")
    attendees: list[Attendee] = field("")


class EdgeRecord(msgspec.Struct, frozen=True):
    """A row and its place."""

    place: int
    node: workload.Meeting


class PageRecord(msgspec.Struct, frozen=True):
    """Where a page lies."""

    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


class ConnectionRecord(msgspec.Struct, frozen=True):
    """A page."""

    edges: list[EdgeRecord]
    page_info: PageRecord


@strawberry.type
@face_of(PageRecord)
class PageInfo:
    has_next_page: bool = field("")
    has_previous_page: bool = field("")
    start_cursor: str | None = field("")
    end_cursor: str | None = field("")


@strawberry.type
@face_of(EdgeRecord)
class MeetingEdge:
    cursor: str = field("", lambda o: text_id(b"arrayconnection:%d" % o.place))
    node: Meeting = field("")


@strawberry.type
@face_of(ConnectionRecord)
class MeetingConnection:
    page_info: PageInfo = field("")
    edges: list[MeetingEdge] = field("")


async def meetings(first: int) -> Any:
    edges = [EdgeRecord(place, node) for place, node in enumerate(MEETINGS[:first])]
    ends = [text_id(b"arrayconnection:%d" % edges[place].place) for place in (0, -1)]
    return ConnectionRecord(edges, PageRecord(MOST > first, False, *ends))


def ping() -> str:
    return "pong"


@strawberry.type
class Query:
    meetings: MeetingConnection = strawberry.field(resolver=meetings)
    ping: str = strawberry.field(resolver=ping)


def _batch(rows: Mapping[int, Any]) -> Callable[[Sequence[int]], Any]:
    async def load(keys: Sequence[int]) -> Mapping[int, Any]:
        return {key: rows.get(key) for key in keys}

    return load


BATCHES = {"person": _batch(PEOPLE), "cadence": _batch(CADENCES), "user": _batch(USERS)}


def context(batches: Mapping[str, Any] = BATCHES) -> Any:
    """What one operation is given."""
    loaders = SimpleNamespace(**{name: LevelLoader(batch) for name, batch in batches.items()})
    return SimpleNamespace(loaders=loaders, principal=None)


SCHEMA = strawberry.Schema(Query, config=StrawberryConfig(default_resolver=read))
ENCODE = msgspec.json.Encoder().encode


class Ours:
    """The executor, with documents prepared."""

    def __init__(self, query: str) -> None:
        self.operations = Operations(
            SCHEMA._schema, GraphDeclarations(), executor_class=StrawberryGraphQLCoreExecutionContext
        )
        self.document: DocumentNode = parse(Text(query))

    async def answer(self, variables: Mapping[str, Any], batches: Mapping[str, Any] = BATCHES) -> bytes:
        """The answer's data as JSON."""
        outcome = await self.operations.execute(self.document, context=context(batches), variables=variables)
        return ENCODE(outcome.data)
