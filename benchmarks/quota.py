"""An hour of a sales team at work over one upstream budget, in virtual time: what it costs, who waits, who is refused.

    .venv/bin/python -m benchmarks.quota --users 10 100 1000 --svg docs/quota.svg

Everything of `gateway.upstream` is real but the socket: an answer comes after a drawn latency, out of a vendor's fixed
minute that other integrations spend from as well. The event loop's time jumps to the next moment that anything waits
for, so that an hour takes about as long as its work.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime as dt
import random
import selectors
import statistics
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from email.utils import format_datetime
from pathlib import Path
from typing import Any, cast
from unittest import mock

from yarl import URL

from benchmarks.quota_plot import Panel, draw
from gateway.errors import GatewayError
from gateway.request import Hit, Request
from gateway.upstream import attempts
from gateway.upstream.budget import Budget
from gateway.upstream.cache import ListCache, RecordCache
from gateway.upstream.client import Client
from gateway.upstream.clock import Handle
from gateway.upstream.credentials import Secret, StaticToken
from gateway.upstream.freshness import DIRECTORY, PAGES, RECORDS, CachePolicy
from gateway.upstream.http import ConnectionInfo, Response, Upstream
from gateway.upstream.store import MsgpackCodec

START = 1_800_000_000
HOUR = 3600
VENDOR_LIMIT = 600
OURS = 300
OTHERS = 60
"""Units a minute that the team's other integrations spend."""

THINK = 60.0
"""Seconds between two queries of one user, on average."""

DEADLINE = 25.0
PEOPLE, CADENCES, ROWS = 20_000, 60, 25
MINE, TEAM = 0.6, 0.25
"""Shares of queries for one's own next meetings and the team's; the others are one person's history."""


class JumpingSelector(selectors.SelectSelector):
    """Never waits: where nothing is ready, time is what moves."""

    elapsed = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """What is ready by now."""
        ready = super().select(0)
        if not ready and timeout:
            self.elapsed += timeout
        return ready


class LoopClock:
    """The event loop's time, as everything else's."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.monotonic = now

    def time(self) -> float:
        """Seconds since 1970."""
        return START + self.monotonic()

    def call_later(self, seconds: float, callback: Callable[[], object]) -> Handle:
        """Makes a call after that many seconds."""
        return asyncio.get_running_loop().call_later(max(0.0, seconds), callback)

    async def sleep(self, seconds: float) -> None:
        """Waits that long."""
        await asyncio.sleep(max(0.0, seconds))


class Vendor:
    """600 units a minute for the whole team; an answer takes a quarter of a second, sometimes two."""

    def __init__(self, clock: LoopClock, dice: random.Random) -> None:
        self._clock = clock
        self._dice = dice
        self.ours: Counter[int] = Counter()
        self.refused = 0

    async def exchange(
        self, _: object, __: object, url: URL, ___: object, *, connection: ConnectionInfo, **____: object
    ) -> Response:
        """Stands for `gateway.upstream.http.exchange`."""
        connection.connected = True
        await asyncio.sleep(min(5.0, self._dice.lognormvariate(-1.4, 0.6)))
        now = self._clock.time()
        minute = int(now // 60) - START // 60
        date = format_datetime(dt.datetime.fromtimestamp(int(now), dt.UTC), usegmt=True)
        spent = self.ours[minute] + round(OTHERS * (now % 60) / 60)
        if spent >= VENDOR_LIMIT:
            self.refused += 1
            return Response(429, {"Date": date}, b"")
        self.ours[minute] += 1
        return Response(200, {"Date": date, "x-cost": "1", "x-left": f"{VENDOR_LIMIT - spent - 1}"}, str(url).encode())


@dataclass
class Tally:
    """What became of the queries of one minute: answered with a page as fresh as asked for, an older one, or not."""

    fresh: int = 0
    stale: int = 0
    refused: int = 0
    waits: list[float] = field(default_factory=list)


class Team:
    """The users and what their queries read: a page of meetings, then its people, cadences and owners."""

    def __init__(self, users: int, clock: LoopClock, client: Client, dice: random.Random) -> None:
        self._users = users
        self._clock = clock
        self._client = client
        self._dice = dice
        self.minutes = [Tally() for _ in range(HOUR // 60)]
        self.hits: Counter[tuple[str, Hit]] = Counter()
        self.errors: Counter[str] = Counter()
        row = MsgpackCodec(list[int])
        self._pages = ListCache(
            client, CachePolicy(name="pages", endpoint="pages", codec=row, lifetimes=PAGES), self._page
        )
        users_kind = CachePolicy(name="users", endpoint="users", codec=row, lifetimes=DIRECTORY)
        self._directory = ListCache(client, users_kind, self._page)
        people = CachePolicy(name="people", endpoint="people", codec=MsgpackCodec(int), lifetimes=RECORDS)
        cadences = CachePolicy(name="cadences", endpoint="cadences", codec=MsgpackCodec(int), lifetimes=RECORDS)
        self._people: RecordCache[int, int] = RecordCache(client, people, self._fetch("/people"))
        self._cadences: RecordCache[int, int] = RecordCache(client, cadences, self._fetch("/cadences"))

    def _fetch(self, endpoint: str) -> Callable[[Request, Sequence[int]], Any]:
        async def fetch(request: Request, keys: Sequence[int]) -> Mapping[int, int]:
            await self._client.get(request, endpoint, endpoint, [("ids[]", f"{key}") for key in keys])
            return {key: key for key in keys}

        return fetch

    async def _page(self, request: Request, key: str) -> list[int]:
        await self._client.get(request, "/meetings", "/meetings", [("of", key)])
        who = random.Random(f"{key} {int(self._clock.time() // 600)}")  # noqa: S311 - the rows of a page
        book = random.Random(key)  # noqa: S311 - whom somebody deals with
        known = [book.randrange(PEOPLE) for _ in range(ROWS * 3)]
        return [who.choice(known) for _ in range(ROWS)]

    async def work(self) -> None:
        """An hour of everybody."""
        await asyncio.gather(*(self._user(name) for name in range(self._users)))

    async def _user(self, name: int) -> None:
        await asyncio.sleep(self._dice.uniform(0, THINK))
        while self._clock.monotonic() < HOUR:
            draw_ = self._dice.random()
            person = min(int(self._dice.paretovariate(0.6)), PEOPLE)
            key = f"user {name}" if draw_ < MINE else "team" if draw_ < MINE + TEAM else f"person {person}"
            await self._query(key)
            await asyncio.sleep(self._dice.expovariate(1 / THINK))

    async def _query(self, key: str) -> None:
        began = self._clock.monotonic()
        tally = self.minutes[min(int(began // 60), len(self.minutes) - 1)]
        request = Request(began + DEADLINE)
        try:
            page = await self._pages.get(request, key)
            await asyncio.gather(
                self._people.get(request, page.value),
                self._cadences.get(request, {row % CADENCES for row in page.value}),
                self._directory.get(request, "everybody"),
            )
        except GatewayError as error:
            self.errors[error.code] += 1
            tally.refused += 1
        else:
            tally.stale += page.stale
            tally.fresh += not page.stale
            tally.waits.append(self._clock.monotonic() - began)
        for entry in request.ledger.entries:
            self.hits[entry.endpoint.removeprefix("/").replace("meetings", "pages"), entry.cache] += 1
        await request.close()


@dataclass(frozen=True)
class Hour:
    """An hour's figures."""

    users: int
    team: Team
    vendor: Vendor
    took: float

    def report(self) -> str:
        """A row of the table."""
        minutes = self.team.minutes
        fresh, stale, refused = (sum(getattr(m, name) for m in minutes) for name in ("fresh", "stale", "refused"))
        total = fresh + stale + refused
        waits = sorted(wait for minute in minutes for wait in minute.waits)
        at = statistics.quantiles(waits, n=100) if len(waits) > 1 else [0.0] * 99
        units = [self.vendor.ours[minute] for minute in range(len(minutes))]
        kept = {kind: self._kept(kind) for kind in ("pages", "people", "cadences")}
        return (
            f"| {self.users:,} | {total:,} | {sum(units):,} | {4 * total:,} | {max(units)} | {self.vendor.refused} | "
            + " | ".join(f"{share:.0%}" for share in kept.values())
            + f" | {fresh / total:.1%} | {stale / total:.1%} | {refused / total:.1%} | "
            f"{at[49]:.2f} | {at[94]:.2f} | {at[98]:.2f} |"
        )

    def _kept(self, kind: str) -> float:
        """Share of look-ups that made no call of their own."""
        hits = {hit: self.team.hits[kind, hit] for hit in Hit}
        return 1 - hits[Hit.MISS] / max(1, sum(hits.values()))

    def panels(self) -> list[Panel]:
        """A row of the picture."""
        minutes = self.team.minutes
        waits = [statistics.quantiles(m.waits, n=20)[-1] if len(m.waits) > 1 else 0.0 for m in minutes]
        return [
            Panel(
                title=f"{self.users:,} users: units a minute",
                layers={"spent": [float(self.vendor.ours[minute]) for minute in range(len(minutes))]},
                limit=float(OURS),
                top=OURS * 1.2,
            ),
            Panel(
                title="queries a minute",
                layers={name: [float(getattr(m, name)) for m in minutes] for name in ("fresh", "stale", "refused")},
            ),
            Panel(title="seconds waited, 95th percentile", layers={"waited": waits}, top=max(DEADLINE, *waits)),
        ]


def hour(users: int, seed: int = 7) -> Hour:
    """Lets an hour pass."""
    dice = random.Random(seed)  # noqa: S311 - a simulation
    selector = JumpingSelector()
    loop = asyncio.SelectorEventLoop(selector)
    loop.time = lambda: selector.elapsed  # type: ignore[method-assign]  # that is the trick
    clock = LoopClock(loop.time)
    vendor = Vendor(clock, dice)
    upstream = Upstream(name="CRM", base_url="http://vendor", cost_header="x-cost", remaining_header="x-left")
    budget = Budget("CRM", OURS, clock)

    async def run() -> Team:
        client = Client(upstream, StaticToken(Secret("none")), budget, cast("Any", None), clock)
        team = Team(users, clock, client, dice)
        await team.work()
        await client.close()
        return team

    began = time.perf_counter()
    with mock.patch.object(attempts, "exchange", vendor.exchange):
        team = loop.run_until_complete(run())
    loop.close()
    return Hour(users, team, vendor, time.perf_counter() - began)


HEAD = """\
| users | queries | units | without | most a minute | 429s | pages | people | cadences | fresh | stale | refused | p50 s | p95 s | p99 s |
|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|"""  # noqa: E501 - a table


def main() -> None:
    """Prints a table and draws a picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", type=int, nargs="+", default=[10, 100, 1000])
    parser.add_argument("--svg", type=Path, help="where to draw the picture")
    options = parser.parse_args()
    hours = []
    print(HEAD, flush=True)
    for users in options.users:
        hours.append(hour(users))
        print(hours[-1].report(), flush=True)
    print("took " + ", ".join(f"{each.took:.0f} s" for each in hours))
    if options.svg is not None:
        options.svg.write_text(draw([each.panels() for each in hours]), encoding="utf-8")


if __name__ == "__main__":
    main()
