"""What is possible: one function that knows nothing but this query, over the same libraries as this project.

    python -m benchmarks.gateways.by_hand PORT UPSTREAM

It makes the same upstream calls and answers with the same bytes. It looks at nothing that a client sends but the
variable `at`, knows no error, and keeps nothing.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import gc
import sys
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import aiohttp
import msgspec
import uvicorn
from yarl import URL

SIZE = 100
HEADERS = {"Authorization": "Bearer benchmark", "Accept": "application/json"}
LIST = "/v2/meetings?include_meetings_settings=true&show_deleted=false&sort_by=start_time&sort_direction=DESC"
WORDS = {"accepted": "ACCEPTED", "declined": "DECLINED", "needsAction": "NEEDS_ACTION", "tentative": "TENTATIVE"}


class Key(msgspec.Struct, frozen=True, gc=False):
    id: int | str


class Attendee(msgspec.Struct, frozen=True, gc=False):
    email: str
    name: str
    status: str


class Meeting(msgspec.Struct, frozen=True, gc=False):
    id: int
    title: str
    start_time: dt.datetime
    end_time: str
    attendees: tuple[Attendee, ...]
    person: Key
    cadence: Key
    owned_by_user: Key


class Person(msgspec.Struct, frozen=True, gc=False):
    id: int
    first_name: str
    email_address: str


class Cadence(msgspec.Struct, frozen=True, gc=False):
    id: int
    name: str


class User(msgspec.Struct, frozen=True, gc=False):
    id: int
    guid: str
    name: str
    email: str


class Meetings(msgspec.Struct, frozen=True, gc=False):
    data: list[Meeting]


class People(msgspec.Struct, frozen=True, gc=False):
    data: list[Person]


class Cadences(msgspec.Struct, frozen=True, gc=False):
    data: list[Cadence]


class Users(msgspec.Struct, frozen=True, gc=False):
    data: list[User]


class ShownPerson(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    salesloft_id: str
    first_name: str
    email: str


class ShownCadence(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    salesloft_id: str
    name: str


class ShownUser(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    salesloft_id: str
    name: str
    email: str


class ShownMeeting(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    source_id: str
    title: str
    start_time: str
    person: ShownPerson
    cadence: ShownCadence
    owner: ShownUser
    attendees: list[Attendee]


class Variables(msgspec.Struct, frozen=True, gc=False):
    at: str


class Asked(msgspec.Struct, frozen=True, gc=False):
    query: str
    variables: Variables


read_asked = msgspec.json.Decoder(Asked).decode
read_meetings = msgspec.json.Decoder(Meetings).decode
read_people = msgspec.json.Decoder(People).decode
read_cadences = msgspec.json.Decoder(Cadences).decode
read_users = msgspec.json.Decoder(Users).decode
write = msgspec.json.Encoder().encode
Get = Callable[[str], Awaitable[bytes]]


def text(moment: dt.datetime) -> str:
    """An instant as it is sent."""
    return moment.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def keys(name: str, values: Iterable[int | str]) -> str:
    """A look-up's parameters."""
    return "&".join(f"{name}%5B%5D={value}" for value in values) + f"&per_page={SIZE}&page=1"


async def answer(get: Get, body: bytes) -> bytes:
    """The page before an instant, or the newest one, with everything around it."""
    asked = read_asked(body)
    at = asked.variables.at
    before = f"&start_time%5Blt%5D={at.replace(':', '%3A')}" if "lt: $at" in asked.query else ""
    rows = read_meetings(await get(f"{LIST}{before}&per_page={SIZE}&page=1")).data
    last = rows[-1].start_time
    edge = f"&start_time%5Blte%5D={text(last).replace(':', '%3A')}"
    rest = read_meetings(await get(f"{LIST}{edge}&per_page=2&page=1")).data
    by_id = {row.id: row for row in (*rows, *(row for row in rest if row.start_time >= last))}
    rows = sorted(by_id.values(), key=lambda row: (-row.start_time.timestamp(), row.id))[:SIZE]
    if not before:
        rows = [row for row in rows if row.end_time > at]
    people, cadences, users = await asyncio.gather(
        get("/v2/people?" + keys("ids", sorted({int(row.person.id) for row in rows}))),
        get("/v2/cadences?" + keys("ids", sorted({int(row.cadence.id) for row in rows}))),
        get("/v2/users?visible_only=false&" + keys("guid", sorted({str(row.owned_by_user.id) for row in rows}))),
    )
    person = {row.id: ShownPerson(str(row.id), row.first_name, row.email_address) for row in read_people(people).data}
    cadence = {row.id: ShownCadence(str(row.id), row.name) for row in read_cadences(cadences).data}
    user = {row.guid: ShownUser(str(row.id), row.name, row.email) for row in read_users(users).data}
    nodes = [
        ShownMeeting(
            str(row.id),
            row.title,
            text(row.start_time),
            person[int(row.person.id)],
            cadence[int(row.cadence.id)],
            user[str(row.owned_by_user.id)],
            [Attendee(each.email, each.name, WORDS[each.status]) for each in row.attendees],
        )
        for row in rows
    ]
    return write({"data": {"meetings": {"nodes": nodes}}})


class App:
    """The function as an ASGI application.

    Args:
        upstream: Where the lists are.
    """

    def __init__(self, upstream: str) -> None:
        self._upstream = upstream
        self._session: aiohttp.ClientSession | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        message = await receive()
        body = await answer(self._get, message["body"])
        headers = [(b"content-type", b"application/json; charset=utf-8"), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _live(self, receive: Any, send: Any) -> None:
        await receive()
        self._session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
        gc.collect()
        gc.freeze()
        gc.set_threshold(10_000, 20, 50)
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._session.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _get(self, path: str) -> bytes:
        assert self._session is not None
        async with self._session.get(URL(self._upstream + path, encoded=True), headers=HEADERS) as found:
            return await found.read()


if __name__ == "__main__":
    uvicorn.run(
        App(sys.argv[2]), host="127.0.0.1", port=int(sys.argv[1]), log_level="error", loop="uvloop", access_log=False
    )
