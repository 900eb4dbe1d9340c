"""The workload on graphql-core alone, and as a function written by hand for this one query."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import workload
from aiodataloader import DataLoader
from graphql import ExecutionResult, build_schema, execute, parse
from ours import ENCODE, ConnectionRecord, EdgeRecord, PageRecord, text_id
from workload import CADENCES, MEETINGS, MOST, PEOPLE, USERS

SCHEMA = build_schema(workload.SDL)


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


def _attribute(name: str) -> Callable[[Any, Any], Any]:
    return lambda row, _info: getattr(row, name)


def _loaded(loader: str, key: str) -> Callable[[Any, Any], Any]:
    def resolve(row: Any, info: Any) -> Any:
        wanted = getattr(row, key)
        return None if wanted is None else info.context[loader].load(wanted)

    return resolve


async def _meetings(_: Any, _info: Any, first: int) -> Any:
    edges = [EdgeRecord(place, node) for place, node in enumerate(MEETINGS[:first])]
    start, end = (text_id(b"arrayconnection:%d" % edges[place].place) for place in (0, -1))
    return ConnectionRecord(edges, PageRecord(MOST > first, False, start, end))


for kind in SCHEMA.type_map.values():
    if not kind.name.startswith("__"):
        for name, field in getattr(kind, "fields", {}).items():
            field.resolve = _attribute(_snake(name))
for kind, key in (
    ("Person", "number"),
    ("Cadence", "number"),
    ("User", "number"),
    ("Attendee", "key"),
    ("Meeting", "number"),
):
    SCHEMA.type_map[kind].fields["id"].resolve = lambda row, _info, kind=kind, key=key: text_id(
        f"{kind}:{getattr(row, key)}".encode()
    )
SCHEMA.type_map["MeetingEdge"].fields["cursor"].resolve = lambda edge, _: text_id(b"arrayconnection:%d" % edge.place)
SCHEMA.type_map["DateTime"].coerce_output_value = lambda moment: moment.isoformat()
for name, member in SCHEMA.type_map["Status"].values.items():
    member.value = workload.Status[name]
for name, loader in (("person", "person"), ("cadence", "cadence"), ("owner", "user")):
    SCHEMA.type_map["Meeting"].fields[name].resolve = _loaded(loader, name)
SCHEMA.query_type.fields["meetings"].resolve = _meetings
SCHEMA.query_type.fields["ping"].resolve = lambda *_: "pong"


def _batch(rows: Mapping[int, Any]) -> Callable[[Sequence[int]], Any]:
    async def load(keys: Sequence[int]) -> list[Any]:
        return [rows.get(key) for key in keys]

    return load


class Plain:
    """graphql-core, with the document parsed."""

    def __init__(self, query: str) -> None:
        self._document = parse(query)

    async def answer(self, variables: dict[str, Any]) -> bytes:
        """The answer's data as JSON."""
        batches = {"person": PEOPLE, "cadence": CADENCES, "user": USERS}
        context = {name: DataLoader(_batch(rows)) for name, rows in batches.items()}
        result = execute(SCHEMA, self._document, variable_values=variables, context_value=context)
        told = result if isinstance(result, ExecutionResult) else await result
        return ENCODE(told.data)


async def by_hand(variables: Mapping[str, Any]) -> bytes:
    """The same JSON by a function that knows nothing else: no GraphQL, no loaders, each record made once."""
    people = {
        key: {
            "id": text_id(b"Person:%d" % row.number),
            "firstName": row.first_name,
            "lastName": row.last_name,
            "emailAddress": row.email_address,
        }
        for key, row in PEOPLE.items()
    }
    cadences = {key: {"id": text_id(b"Cadence:%d" % row.number), "name": row.name} for key, row in CADENCES.items()}
    users = {
        key: {"id": text_id(b"User:%d" % row.number), "name": row.name, "email": row.email}
        for key, row in USERS.items()
    }
    edges = [
        {
            "cursor": text_id(b"arrayconnection:%d" % place),
            "node": {
                "id": text_id(b"Meeting:%d" % row.number),
                "title": row.title,
                "status": row.status,
                "startTime": row.start_time.isoformat(),
                "endTime": row.end_time.isoformat() if row.end_time else None,
                "duration": row.duration,
                "meetingUrl": row.meeting_url,
                "description": row.description,
                "location": row.location,
                "noShow": row.no_show,
                "createdAt": row.created_at.isoformat(),
                "updatedAt": row.updated_at.isoformat(),
                "person": people.get(row.person),
                "cadence": cadences.get(row.cadence),
                "owner": users[row.owner],
                "attendees": [
                    {
                        "id": text_id(b"Attendee:%s" % each.key.encode()),
                        "name": each.name,
                        "email": each.email,
                        "status": each.status,
                    }
                    for each in row.attendees
                ],
            },
        }
        for place, row in enumerate(MEETINGS[: variables["first"]])
    ]
    page = {
        "hasNextPage": variables["first"] < MOST,
        "hasPreviousPage": False,
        "startCursor": edges[0]["cursor"],
        "endCursor": edges[-1]["cursor"],
    }
    return ENCODE({"meetings": {"pageInfo": page, "edges": edges}})
