"""The peer "Strawberry": its own types, a DataLoader for each request, aiohttp, uvicorn; documents parsed once.

python -m benchmarks.gateways.strawberry_app PORT UPSTREAM
"""

# No `from __future__ import annotations`: Strawberry would look the types up by name.
import sys
from collections.abc import Sequence
from typing import Any

import aiohttp
import strawberry
import uvicorn
from aiodataloader import DataLoader
from starlette.applications import Starlette
from starlette.routing import Route
from strawberry.asgi import GraphQL
from strawberry.extensions import ParserCache, ValidationCache

MOST_ROWS = 100


class Source:
    """The upstream."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._session: aiohttp.ClientSession | None = None

    async def get(self, path: str) -> Any:
        if self._session is None:
            self._session = aiohttp.ClientSession(self._url, connector=aiohttp.TCPConnector(limit=64))
        async with self._session.get(path) as answer:
            return (await answer.json())["data"]

    def loader(self, path: str, param: str, key: str) -> DataLoader[Any, Any]:
        async def load(keys: Sequence[Any]) -> list[Any]:
            asked = "&".join(f"{param}[]={each}" for each in keys)
            found = {row[key]: row for row in await self.get(f"{path}?per_page={MOST_ROWS}&{asked}")}
            return [found.get(each) for each in keys]

        return DataLoader(load, max_batch_size=MOST_ROWS)


@strawberry.type
class Person:
    salesloft_id: strawberry.ID
    first_name: str | None
    email: str | None


@strawberry.type
class Cadence:
    salesloft_id: strawberry.ID
    name: str | None


@strawberry.type
class User:
    salesloft_id: strawberry.ID
    name: str | None
    email: str | None


@strawberry.type
class Attendee:
    email: str | None
    name: str | None
    status: str | None


@strawberry.type
class Meeting:
    source_id: strawberry.ID
    title: str | None
    start_time: str | None
    attendees: list[Attendee]
    row: strawberry.Private[dict[str, Any]]

    @strawberry.field
    async def person(self, info: strawberry.Info) -> Person | None:
        row = await info.context["people"].load(self.row["person"]["id"])
        return row and Person(salesloft_id=row["id"], first_name=row["first_name"], email=row["email_address"])

    @strawberry.field
    async def cadence(self, info: strawberry.Info) -> Cadence | None:
        row = await info.context["cadences"].load(self.row["cadence"]["id"])
        return row and Cadence(salesloft_id=row["id"], name=row["name"])

    @strawberry.field
    async def owner(self, info: strawberry.Info) -> User | None:
        row = await info.context["users"].load(self.row["owned_by_user"]["id"])
        return row and User(salesloft_id=row["id"], name=row["name"], email=row["email"])


@strawberry.type
class Connection:
    nodes: list[Meeting]


def _meeting(row: dict[str, Any]) -> Meeting:
    return Meeting(
        source_id=row["id"],
        title=row["title"],
        start_time=row["start_time"],
        attendees=[Attendee(email=a["email"], name=a["name"], status=a["status"]) for a in row["attendees"]],
        row=row,
    )


@strawberry.type
class Query:
    @strawberry.field
    async def meetings(self, info: strawberry.Info, first: int = 25) -> Connection:
        order = "sort_by=start_time&sort_direction=DESC"
        rows = await info.context["source"].get(f"/v2/meetings?per_page={first}&page=1&{order}")
        return Connection(nodes=[_meeting(row) for row in rows])


class App(GraphQL[dict[str, Any], None]):
    source: Source

    async def get_context(self, request: Any, response: Any) -> dict[str, Any]:  # noqa: ARG002 - Strawberry's own
        return {
            "source": self.source,
            "people": self.source.loader("/v2/people", "ids", "id"),
            "cadences": self.source.loader("/v2/cadences", "ids", "id"),
            "users": self.source.loader("/v2/users", "guid", "guid"),
        }


def application(url: str) -> Starlette:
    """The peer."""
    schema = strawberry.Schema(Query, extensions=[lambda: ParserCache(), lambda: ValidationCache()])  # noqa: PLW0108 - one for each operation
    graphql = App(schema)
    graphql.source = Source(url)
    return Starlette(routes=[Route("/graphql", graphql)])


if __name__ == "__main__":
    config = uvicorn.Config(
        application(sys.argv[2]), port=int(sys.argv[1]), log_level="warning", access_log=False, loop="uvloop"
    )
    uvicorn.Server(config).run()
