"""An upstream that is never what is measured: Salesloft's lists over a fixed world, each answer made once.

    python -m benchmarks.gateways.upstream                prints its port; ends with its standard input
    python -m benchmarks.gateways.upstream TEAM CHATS     the same with a team of so many users, and as Drift as well,
                                                          with so many meetings of its own

It knows what the gateways here ask: pages, orders, ranges, keys. `/_delay?ms=50` sets how long an answer waits, and
`/_stats` tells the calls since the last time it was asked.
"""

from __future__ import annotations

import asyncio
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from typing import cast
from urllib.parse import parse_qsl, urlsplit

import msgspec
import uvloop

from benchmarks.gateways.rows import USERS, Row, person, tables

PER_PAGE, MOST_ROWS = 25, 100
KEYS = {"ids": "id", "guid": "guid", "event_ids": "event_id", "i_cal_uids": "i_cal_uid"}
CHATS, CHAT_USERS = "org", "list"
"""Drift's lists, by the last part of their paths: `/users/meetings/org` and `/users/list`."""
RANGE = re.compile(r"(\w+)\[(gte?|lte?)\]")
KEPT = 50_000
"""Answers that are kept at most."""

COMPARE: dict[str, Callable[[str, str], bool]] = {
    "gt": lambda value, bound: value > bound,
    "gte": lambda value, bound: value >= bound,
    "lt": lambda value, bound: value < bound,
    "lte": lambda value, bound: value <= bound,
}
"""On text: every instant here is UTC with six digits."""


def _keeps(params: list[tuple[str, str]]) -> Iterator[Callable[[Row], bool]]:
    """The conditions that a row has to meet."""
    wanted: dict[str, set[str]] = {}
    for name, value in params:
        found = RANGE.fullmatch(name)
        field = KEYS.get(re.sub(r"\[\d*\]$", "", name))
        if found is not None:
            yield _bounded(found[1], COMPARE[found[2]], value)
        elif field is not None:
            wanted.setdefault(field, set()).add(value)
        elif name == "show_deleted" and value == "true":
            yield lambda _: False
    for field, values in wanted.items():
        yield _among(field, values)


def _bounded(field: str, compare: Callable[[str, str], bool], bound: str) -> Callable[[Row], bool]:
    return lambda row: compare(row[field], bound)


def _among(field: str, values: set[str]) -> Callable[[Row], bool]:
    return lambda row: str(row[field]) in values


class World:
    """Answers by what is asked."""

    def __init__(self, team: int, chats: int) -> None:
        self._tables = tables(team, chats)
        self._made: dict[str, tuple[str, bytes]] = {}

    def answer(self, target: str) -> tuple[str, bytes]:
        """The list that is asked for, and the answer as it goes out."""
        made = self._made.get(target)
        if made is None:
            made = self._make(target)
            if len(self._made) < KEPT:
                self._made[target] = made
        return made

    def _make(self, target: str) -> tuple[str, bytes]:
        url = urlsplit(target)
        name = url.path.rpartition("/")[2]
        if name not in self._tables:
            return "other", told(404, b'{"error":"Not Found"}')
        params = parse_qsl(url.query, keep_blank_values=True)
        if name in {CHATS, CHAT_USERS}:
            return name, told(200, msgspec.json.encode({"data": self._window(name, dict(params))}))
        given, keeps = dict(params), list(_keeps(params))
        table = self._tables[name]
        ids = [int(value) for key, value in params if key.startswith("ids[")]
        if name == "people" and ids:
            table = [person(number) for number in ids]  # there are as many as anybody asks for
        rows = [row for row in table if all(keep(row) for keep in keeps)]
        field, down = given.get("sort_by", "updated_at"), given.get("sort_direction", "DESC") == "DESC"
        rows.sort(key=lambda row: (row.get(field) or "", row["id"]), reverse=down)
        if name == "users" and "page" not in given:
            return name, told(200, msgspec.json.encode({"metadata": {"filtering": {}}, "data": rows}))
        size = min(max(int(given.get("per_page", PER_PAGE)), 1), MOST_ROWS)
        page = int(given.get("page", 1))
        end = page * size
        paging = {
            "per_page": size,
            "current_page": page,
            "next_page": page + 1 if end < len(rows) else None,
            "prev_page": page - 1 or None,
        }
        if given.get("include_paging_counts") == "true":
            paging |= {"total_pages": -(-len(rows) // size), "total_count": len(rows)}
        body = {"metadata": {"filtering": {}, "paging": paging}, "data": rows[end - size : end]}
        return name, told(200, msgspec.json.encode(body))

    def _window(self, name: str, given: dict[str, str]) -> list[Row]:
        """Drift's rows, its meetings within a stretch of time and up to a limit."""
        if name == CHAT_USERS:
            return self._tables[name]
        first, last = int(given["min_start_time"]), int(given["max_start_time"])
        rows = [row for row in self._tables[name] if first <= row["slotStart"] <= last]
        return rows[: int(given["limit"])]


def told(status: int, body: bytes) -> bytes:
    """An answer's bytes."""
    reason = "OK" if status == 200 else "Not Found"  # noqa: PLR2004 - HTTP's
    head = f"HTTP/1.1 {status} {reason}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


class Upstream:
    """What all connections share."""

    def __init__(self, team: int, chats: int) -> None:
        self.world = World(team, chats)
        self.delay = 0.0
        self.calls: Counter[str] = Counter()

    def control(self, target: str) -> bytes:
        """A command's answer."""
        url = urlsplit(target)
        if url.path == "/_delay":
            self.delay = float(dict(parse_qsl(url.query))["ms"]) / 1_000
        calls, self.calls = self.calls, Counter()
        return told(200, msgspec.json.encode(dict(calls)))


class Connection(asyncio.Protocol):
    """One connection: requests without bodies, one after another."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream
        self._loop = asyncio.get_running_loop()
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        *heads, self._rest = (self._rest + data).split(b"\r\n\r\n")
        for head in heads:
            target = head[4 : head.index(b" ", 4)].decode()
            if target.startswith("/_"):
                self._transport.write(self._upstream.control(target))
                continue
            name, answer = self._upstream.world.answer(target)
            self._upstream.calls[name] += 1
            if self._upstream.delay:
                self._loop.call_later(self._upstream.delay, self._transport.write, answer)
            else:
                self._transport.write(answer)


async def serve(team: int = USERS, chats: int = 0) -> None:
    """Until standard input ends."""
    upstream = Upstream(team, chats)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(upstream), "127.0.0.1", 0, backlog=1_024)
    async with server:
        print(server.sockets[0].getsockname()[1], flush=True)
        await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    uvloop.run(serve(*map(int, sys.argv[1:])))
