"""What clients ask for all day: pages, filters, look-ups and the walk to the next page."""

from __future__ import annotations

import datetime as dt
from itertools import islice
from typing import NamedTuple

from gateway.emulator.world import World
from gateway.graph.ids import global_id
from gateway.model.records import Kind, Source

ROW = "id title status startTime endTime sources"
PEOPLE = "person { id name email } owner { id name } attendees { email status }"
AROUND = f"{PEOPLE} bookedBy {{ name }} cadence {{ name }} step {{ name }} account {{ name }}"
PAGE = "pageInfo { hasNextPage endCursor } sourceReports { source status }"
OF_EACH = 3


class Question(NamedTuple):
    """A document and its variables.

    Attributes:
        pages: Whether the page after the answer's is asked for next, by `$after`.
    """

    query: str
    variables: dict[str, object]
    pages: bool = False


def meetings(arguments: str, fields: str, **variables: object) -> Question:
    """A page of meetings."""
    types = {"first": "Int", "filter": "MeetingFilter", "orderBy": "MeetingOrder", "after": "String"}
    declared = ", ".join(f"${name}: {types[name]}" for name in (*variables, "after"))
    query = (
        f"query Meetings({declared}) {{ meetings({arguments}, after: $after) {{ nodes {{ {ROW} {fields} }} {PAGE} }} }}"
    )
    return Question(query, variables, pages=True)


def questions(world: World) -> list[Question]:
    """Some of each, about what the world holds."""
    hub = world.salesloft
    people = [global_id(Kind.PERSON, Source.SALESLOFT, str(id_)) for id_ in islice(hub.people, OF_EACH)]
    cadences = [global_id(Kind.CADENCE, Source.SALESLOFT, str(id_)) for id_ in islice(hub.cadences, OF_EACH)]
    rows = [global_id(Kind.MEETING, Source.SALESLOFT, str(id_)) for id_ in islice(hub.meetings, 8 * OF_EACH)]
    page = "first: $first, filter: $filter"
    asked = [
        meetings("first: $first", AROUND, first=25),
        meetings("first: $first", PEOPLE, first=100),
        meetings(
            "first: $first, orderBy: $orderBy", "", first=50, orderBy={"field": "UPDATED_AT", "direction": "DESC"}
        ),
        meetings("first: $first, orderBy: $orderBy", "", first=50, orderBy={"field": "CREATED_AT", "direction": "ASC"}),
        meetings(page, PEOPLE, first=20, filter={"sources": ["DRIFT"]}),
        meetings(page, AROUND, first=20, filter={"sources": ["SALESLOFT"], "canceled": "INCLUDE"}),
        Question("query Team { users(first: 100) { nodes { id name email active } } }", {}),
        Question("query Cadences { cadences(first: 50) { nodes { id name owner { name } } } }", {}),
        Question("query Accounts { accounts(first: 25) { nodes { id name owner { name } } } }", {}),
        Question("query Sources { sources { source state budgetRemaining } }", {}),
        Question("query Rows($ids: [ID!]!) { nodes(ids: $ids) { id ... on Meeting { title } } }", {"ids": rows}),
    ]
    asked += [meetings(page, PEOPLE, first=10, filter={"personIds": [id_]}) for id_ in people]
    asked += [meetings(page, PEOPLE, first=25, filter={"cadenceIds": [id_]}) for id_ in cadences]
    for day in range(OF_EACH):
        since = world.now - dt.timedelta(days=day + 1)
        range_ = {"gte": since.isoformat(), "lt": (since + dt.timedelta(days=1)).isoformat()}
        asked.append(meetings(page, AROUND, first=50, filter={"startTime": range_}))
    return asked
