"""A world that changes by itself, replicas that come and go, and clients that hold a list by what they are told."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import json
import random
import signal
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from gateway.app import create_app
from gateway.commands import demo
from gateway.emulator.calendar import millis, utc_text
from gateway.emulator.conditions import Conditions
from gateway.emulator.life import BOOKED, UPDATED
from gateway.emulator.server import Emulators
from gateway.emulator.table import Row
from gateway.settings.settings import Settings
from tests.http.harness import calling
from tests.operations.children import LONGEST, PAUSE, PLENTY, Child, serving
from tests.seeded import seeded
from tests.upstream.replicas.redis_server import RedisServer

REPLICAS = 2
SECRETS = {f"{name}_WEBHOOK_SECRETS": f"{name.lower()}-secret" for name in ("SALESLOFT", "DRIFT", "CALENDLY")}
SETTINGS = {**PLENTY, "CALENDLY_RATE_LIMIT": "1000000", "GATEWAY_DRAIN": "1", "GATEWAY_SUBSCRIPTIONS": "1000"}

SHOWN = "id title startTime status sources"
LIST = f"""query ($filter: MeetingFilter, $after: String) {{ meetings(first: 200, filter: $filter, after: $after) {{
  nodes {{ {SHOWN} }} pageInfo {{ hasNextPage endCursor }} sourceReports {{ status }} }} }}"""
CHANGED = f"kind meetingId cursor meeting {{ {SHOWN} }}"
SUBSCRIPTION = f"""subscription ($filter: MeetingFilter, $since: String) {{
  meetingChanged(filter: $filter, since: $since) {{ {CHANGED} }} }}"""
CHANGES = f"""query ($filter: MeetingFilter, $since: String) {{
  meetingChanges(filter: $filter, since: $since, first: 7) {{ cursor more changes {{ {CHANGED} }} }} }}"""

FILTERS: list[Any] = [
    None,
    {"canceled": "INCLUDE"},
    {"sources": ["SALESLOFT"]},
    {"sources": ["DRIFT", "CALENDLY"], "canceled": "INCLUDE"},
]
ENDS = (OSError, aiohttp.ClientError, TimeoutError, EOFError)
"""How a connection may end for a client that comes back."""

Listed = dict[str, Any]


class Refused(EOFError):
    """A request that was not answered as it should be, so that it is sent again."""


async def listed(session: aiohttp.ClientSession, url: str, wanted: Any) -> Listed:
    """The list as whoever asks for it gets it, by id."""
    found: Listed = {}
    after = None
    while True:
        page = (await asked(session, url, LIST, {"filter": wanted, "after": after}))["meetings"]
        if {report["status"] for report in page["sourceReports"]} - {"OK", "SKIPPED"}:
            raise Refused(page["sourceReports"])
        found |= {node["id"]: node for node in page["nodes"]}
        if not page["pageInfo"]["hasNextPage"]:
            return found
        after = page["pageInfo"]["endCursor"]


async def asked(session: aiohttp.ClientSession, url: str, query: str, variables: Mapping[str, Any]) -> Any:
    """The data of a query."""
    async with session.post(f"{url}/graphql", json={"query": query, "variables": variables}) as response:
        answer = await response.json(content_type=None)
    if response.status != 200 or "errors" in answer:
        raise Refused(answer)
    return answer["data"]


@dataclass
class Fleet:
    """The replicas, each a process of its own, over one Redis.

    Attributes:
        up: Those that serve, by their place.
        counts: What was done to them.
    """

    folder: Path
    settings: Mapping[str, str]
    chance: random.Random
    up: dict[int, Child] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    _running: dict[int, contextlib.ExitStack] = field(default_factory=dict)

    def url(self) -> str:
        """One of them, as a balancer chooses.

        Raises:
            Refused: None serves.
        """
        if not self.up:
            raise Refused("nobody serves")
        return self.chance.choice(list(self.up.values())).url

    async def start(self, place: int) -> None:
        """Starts a replica."""
        stack = self._running[place] = contextlib.ExitStack()
        self.up[place] = await asyncio.to_thread(stack.enter_context, serving(self.folder, self.settings))

    async def stop(self, place: int, how: signal.Signals) -> None:
        """Ends a replica by a signal."""
        self.counts[how.name] += 1
        child = self.up.pop(place)
        child.process.send_signal(how)
        await asyncio.to_thread(child.ended)
        self._running.pop(place).close()

    def close(self) -> None:
        """Ends all of them."""
        for stack in self._running.values():
            stack.close()


@dataclass
class Client:
    """A client that holds a list, and applies to it what it is told.

    Attributes:
        listed: What it shows.
        cursor: Where it goes on.
        counts: What it was told, by kind.
        told: The same: when, kind, meeting, cursor.
    """

    fleet: Fleet
    transport: str
    wanted: Any
    listed: Listed = field(default_factory=dict)
    cursor: str | None = None
    counts: Counter[str] = field(default_factory=Counter)
    told: deque[tuple[float, str, str | None, str]] = field(default_factory=lambda: deque(maxlen=200))
    _connection: asyncio.Task[None] | None = None

    def drop(self) -> None:
        """Has its connection break off."""
        if self._connection is not None:
            self._connection.cancel()

    async def run(self) -> None:
        """Listens for ever, and comes back whenever the connection ends."""
        while True:
            self._connection = asyncio.ensure_future(self._listen())
            try:
                await asyncio.wait([self._connection])
            finally:
                self._connection.cancel()
                (error,) = await asyncio.gather(self._connection, return_exceptions=True)
            if isinstance(error, Exception) and not isinstance(error, ENDS):
                raise error
            self.counts["connections"] += 1
            await asyncio.sleep(PAUSE)

    async def _listen(self) -> None:
        connector = aiohttp.TCPConnector(force_close=True)
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=LONGEST)
        async with aiohttp.ClientSession(timeout=timeout, connector=connector) as session:
            events = getattr(self, f"_{self.transport}")(session, self.fleet.url())
            async with contextlib.aclosing(events):
                async for event in events:
                    await self._apply(session, event)

    async def _apply(self, session: aiohttp.ClientSession, event: Any) -> None:
        kind, ref = event["kind"], event["meetingId"]
        self.counts[kind] += 1
        self.told.append((time.time(), kind, ref, json.dumps(event["meeting"]) if ref else event["cursor"]))
        if kind == "RESET" or (kind == "READY" and self.cursor is None):
            self.listed = await listed(session, self.fleet.url(), self.wanted)  # any replica may be asked
        elif kind in {"LEFT", "GONE"} or (kind == "CANCELED" and "canceled" not in (self.wanted or {})):
            self.listed.pop(ref, None)
        elif kind != "READY":
            self.listed[ref] = event["meeting"]
        self.cursor = event["cursor"]

    @property
    def _variables(self) -> dict[str, Any]:
        return {"filter": self.wanted, "since": self.cursor}

    async def _sse(self, session: aiohttp.ClientSession, url: str) -> AsyncIterator[Any]:
        body = {"query": SUBSCRIPTION, "variables": self._variables}
        async with session.post(f"{url}/graphql", json=body, headers={"Accept": "text/event-stream"}) as response:
            if response.status != 200:
                raise Refused(await response.text())
            async for line in response.content:
                if line.startswith(b"data: {"):
                    yield _change(json.loads(line.removeprefix(b"data: ")))

    async def _websocket(self, session: aiohttp.ClientSession, url: str) -> AsyncIterator[Any]:
        address = f"{url.replace('http', 'ws', 1)}/graphql"
        async with session.ws_connect(address, protocols=("graphql-transport-ws",)) as socket:
            await socket.send_json({"type": "connection_init"})
            payload = {"query": SUBSCRIPTION, "variables": self._variables}
            await socket.send_json({"id": "1", "type": "subscribe", "payload": payload})
            async for message in socket:
                told = json.loads(message.data)
                if told["type"] == "next":
                    yield _change(told["payload"])
                elif told["type"] in {"error", "complete"}:
                    raise Refused(told)

    async def _pages(self, session: aiohttp.ClientSession, url: str) -> AsyncIterator[Any]:
        """Those who poll read a page of the log, and come back for the next."""
        page = (await asked(session, url, CHANGES, self._variables))["meetingChanges"]
        if self.cursor is None:
            yield {"kind": "READY", "meetingId": None, "cursor": page["cursor"]}
            return
        for change in page["changes"]:
            yield change
        self.cursor = page["cursor"]


def _change(result: Any) -> Any:
    if result.get("data") is None:
        raise Refused(result)
    return result["data"]["meetingChanged"]


@dataclass
class Happenings:
    """What happens in the world, and how it is delivered: late, twice, to either replica, tried again until taken.

    Attributes:
        lost: Whether deliveries are lost altogether.
    """

    emulators: Emulators
    fleet: Fleet
    chance: random.Random
    lost: bool
    counts: Counter[str] = field(default_factory=Counter)
    _sending: set[asyncio.Task[None]] = field(default_factory=set)

    def __post_init__(self) -> None:
        life = self.emulators.life
        demo.deliver_to(self.emulators, "http://127.0.0.1:9", SECRETS)
        life._send = self._send  # type: ignore[method-assign]

    def happen(self) -> None:
        """Lets one thing happen."""
        own = [self._retitle, self._retitle, self._remove, self._remove_chat, self._join, self._leave]
        if self.chance.random() < 0.5:
            self.emulators.life.happen(self.chance)
        else:
            self.chance.choice(own)()

    async def close(self) -> None:
        for task in self._sending:
            task.cancel()
        await asyncio.gather(*self._sending, return_exceptions=True)

    def _retitle(self) -> None:
        row = self._salesloft()
        row.update(title=f"Title {self.chance.random()}", updated_at=self._now())
        self.emulators.world.touch()
        self.emulators.life.deliver(row, UPDATED)

    def _remove(self) -> None:
        """Salesloft delivers no deletion: it is found where something else is delivered of the meeting."""
        if self.lost:
            return
        row = self._salesloft()
        del self.emulators.world.salesloft.meetings[row["id"]]
        row.update(updated_at=self._now())  # else it would be a repetition of what was delivered before
        self.emulators.life.deliver(row, UPDATED)

    def _remove_chat(self) -> None:
        row = self._chat()
        del self.emulators.world.drift.meetings[row["slug"]]
        self.emulators.life.deliver_drift(row, UPDATED)

    def _join(self) -> None:
        """A meeting of Drift's turns out to be one of Salesloft's."""
        self._move_chat(self._salesloft()["event_id"])

    def _leave(self) -> None:
        self._move_chat(f"apart{self.chance.getrandbits(40):010x}")

    def _move_chat(self, event: str) -> None:
        row = self._chat()
        row.update(eventId=event, updatedAt=millis(self.emulators.clock()))
        self.emulators.world.touch()
        self.emulators.life.deliver_drift(row, BOOKED)

    def _salesloft(self) -> Row:
        rows = self.emulators.world.salesloft.meetings.values()
        return self.chance.choice([row for row in rows if row["canceled_at"] is None and row["event_id"]])

    def _chat(self) -> Row:
        return self.chance.choice(
            [row for row in self.emulators.world.drift.meetings.values() if row["status"] == "ACTIVE"]
        )

    def _now(self) -> str:
        return utc_text(self.emulators.clock())

    def _send(self, url: str, body: bytes, headers: Mapping[str, str]) -> None:
        if self.lost:
            return
        for _ in range(self.chance.choice([1, 1, 2])):
            task = asyncio.ensure_future(self._deliver(f"/{url.split('/', 3)[3]}", body, headers))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)

    async def _deliver(self, path: str, body: bytes, headers: Mapping[str, str]) -> None:
        """Delivers until it is taken; what is delayed comes out of order."""
        await asyncio.sleep(self.chance.random() * 0.3)
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session:
            while True:
                with contextlib.suppress(*ENDS):
                    url = f"{self.fleet.url()}{path}"
                    both = {**headers, "Content-Type": "application/json"}
                    async with session.post(url, data=body, headers=both) as response:
                        self.counts[f"delivery {response.status}"] += 1
                        if response.status < 300:
                            return
                await asyncio.sleep(0.2)


@dataclass
class Soak:
    """All of it.

    Attributes:
        clients: Two of each transport and filter, at most.
    """

    emulators: Emulators
    fleet: Fleet
    redis: RedisServer
    happenings: Happenings
    chance: random.Random
    clients: list[Client]

    async def round(self, fault: str) -> None:
        """Something goes wrong while things happen; in the end every list is as it should be."""
        for client in self.clients:
            if self.chance.random() < 0.5:
                client.drop()
        self._some(3)
        await getattr(self, f"_{fault}")()
        self._some(3)
        await self.converged(fault)

    def _some(self, most: int) -> None:
        for _ in range(self.chance.randint(0, most)):
            self.happenings.happen()

    async def _between(self) -> None:
        """A moment of chance, so that what goes wrong meets each state that a change is in."""
        await asyncio.sleep(self.chance.random() * 0.8)

    async def _nothing(self) -> None:
        await self._between()

    async def _killed(self) -> None:
        await self._restart(signal.SIGKILL)

    async def _stopped(self) -> None:
        await self._restart(signal.SIGTERM)

    async def _restart(self, how: signal.Signals) -> None:
        await self._between()
        place = self.chance.randrange(REPLICAS)
        await self.fleet.stop(place, how)
        self._some(3)
        await self.fleet.start(place)

    async def _emptied(self) -> None:
        """Redis loses everything."""
        await self._between()
        self.redis.kill()
        self._some(3)
        await self._between()
        await asyncio.to_thread(self.redis.start)
        await self._between()

    async def _away(self) -> None:
        """Redis does not answer for a while, and has lost nothing."""
        await self._between()
        with self.redis.frozen():
            self._some(3)
            await self._between()
            await self._between()

    async def converged(self, fault: str) -> None:
        """Waits until every client shows what the list is."""
        truths = [await self._truth(wanted) for wanted in FILTERS]
        end = time.monotonic() + LONGEST
        while True:
            wrong = [each for each in self.clients if each.listed != truths[FILTERS.index(each.wanted)]]
            if not wrong:
                return
            if time.monotonic() > end:
                told = [difference(each, truths[FILTERS.index(each.wanted)]) for each in wrong]
                raise AssertionError(f"after {fault}: {told}")
            await asyncio.sleep(PAUSE)

    async def _truth(self, wanted: Any) -> Listed:
        """The list of a gateway that has only just begun, and knows nothing from before."""
        settings = Settings.read({**demo.variables(self.emulators), **SETTINGS, "GATEWAY_LIVE": "off"})
        async with calling(create_app(settings)) as caller:
            return await listed(caller.session, caller.url, wanted)


def difference(client: Client, truth: Listed) -> Any:
    """What a client shows that it should not, and what not that it should."""
    wrong = {key: value for key, value in client.listed.items() if truth.get(key) != value}
    missing = {key: value for key, value in truth.items() if client.listed.get(key) != value}
    concerned = {None, *wrong, *missing}
    told = [each for each in client.told if each[2] in concerned]
    return client.transport, client.wanted, "shows", wrong, "instead of", missing, "was told", told


@contextlib.asynccontextmanager
async def soaking(folder: Path, redis: RedisServer, seed: int, *, webhooks: bool) -> AsyncIterator[Soak]:
    """Everything, under way."""
    chance = random.Random(seed)
    world = seeded(
        dt.datetime.now(dt.UTC).replace(microsecond=0),
        users=6,
        accounts=6,
        people=40,
        cadences=4,
        tasks=10,
        salesloft_meetings=60,
        drift_meetings=25,
        calendly_meetings=20,
    )
    async with Emulators.start(world=world, conditions=Conditions(units=1_000_000)) as emulators:
        settings = {**demo.variables(emulators), **SETTINGS, "GATEWAY_CACHE_URL": redis.url}
        settings |= {**SECRETS, "GATEWAY_POLL": "30"} if webhooks else {"GATEWAY_POLL": "1"}
        fleet = Fleet(folder, settings, chance)
        happenings = Happenings(emulators, fleet, chance, lost=not webhooks)
        transports = ["sse", "websocket", "pages"]
        clients = [Client(fleet, transports[n % 3], FILTERS[n % 4]) for n in range(12)]
        async with asyncio.TaskGroup() as group:
            try:
                await asyncio.gather(*(fleet.start(place) for place in range(REPLICAS)))
                tasks = [group.create_task(client.run()) for client in clients]
                soak = Soak(emulators, fleet, redis, happenings, chance, clients)
                await soak.converged("the start")
                yield soak
                for task in tasks:
                    task.cancel()
            finally:
                await happenings.close()
                await asyncio.to_thread(fleet.close)
