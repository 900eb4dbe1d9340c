"""Salesloft's ports over an emulated Salesloft on a socket, with a small world of a test's own."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import AsyncIterator

import pytest

from gateway.emulator.salesloft.api import SalesloftOptions
from gateway.emulator.server import Emulators
from gateway.emulator.world import World
from gateway.model.filters import MeetingFilter
from gateway.model.order import Walk
from gateway.model.records import Kind, Meeting, Ref, Source, UserKey
from gateway.request import Request
from gateway.sources.base import MeetingListing, Ports
from gateway.sources.salesloft import source
from gateway.upstream.budget import Budget
from gateway.upstream.client import Client
from gateway.upstream.clock import ManualClock
from gateway.upstream.credentials import Secret, StaticToken
from gateway.upstream.http import Upstream, open_session
from tests.seeded import seeded
from tests.sources.salesloft_vendor import Row, row

NOW = dt.datetime(2026, 3, 18, 15, 20, tzinfo=dt.UTC)


@dataclasses.dataclass
class Stand:
    """Salesloft's ports over an emulated Salesloft.

    Attributes:
        world: What it holds.
        ports: The source, which keeps nothing yet.
        emulators: What is called.
    """

    world: World
    ports: Ports
    emulators: Emulators

    @property
    def rows(self) -> list[Row]:
        absent = dict.fromkeys(row(0))
        return [{**absent, **each} for each in self.world.salesloft.meetings.values()]

    @property
    def listing(self) -> MeetingListing:
        assert self.ports.meetings is not None
        return self.ports.meetings

    def request(self) -> Request:
        return Request(1e9)

    def called(self) -> list[tuple[str, dict[str, list[str]]]]:
        """The calls since it was last asked for, none of them with a parameter that the vendor does not know."""
        calls = list(self.emulators.salesloft.calls)
        self.emulators.salesloft.calls.clear()
        assert [call.unknown_params for call in calls if call.unknown_params] == []
        assert {call.status for call in calls} <= {200}
        made = []
        for call in calls:
            params: dict[str, list[str]] = {}
            for name, value in call.params:
                params.setdefault(name, []).append(value)
            made.append((call.endpoint, params))
        return made

    async def walked(self, walk: Walk, wanted: MeetingFilter) -> list[str]:
        """The ids along a walk, all lanes read to their ends and merged."""
        rows: list[Meeting] = []
        for lane in self.listing.lanes(self.request(), walk, wanted):
            done = False
            while not done:
                chunk = await lane.read(100)
                assert chunk.problems == ()
                assert not chunk.paused
                rows.extend(chunk.rows)
                done = chunk.done
        key = walk.order.key
        rows.sort(key=lambda each: key(walk.order.position(each)), reverse=walk.backward)
        return [each.source_id for each in rows]


@pytest.fixture
async def stand(request: pytest.FixtureRequest) -> AsyncIterator[Stand]:
    """A small world of the test's own; a parameter is the emulator's options."""
    world = seeded(
        NOW, users=12, accounts=12, people=80, cadences=8, tasks=30, salesloft_meetings=320, drift_meetings=80
    )
    clock = ManualClock(NOW.timestamp(), jumps=True)
    options = dataclasses.replace(getattr(request, "param", SalesloftOptions()), rate_limit=None)
    async with (
        Emulators.start(clock=lambda: NOW, world=world, salesloft=options) as emulators,
        open_session() as session,
    ):
        client = Client(
            Upstream(name="SALESLOFT", base_url=emulators.salesloft.url),
            StaticToken(Secret(emulators.salesloft.token)),
            Budget("SALESLOFT", 1_000_000, clock),
            session,
            clock,
        )
        yield Stand(world, source.open(client), emulators)
        await client.close()


def ref(kind: Kind, identifier: object, key: UserKey = UserKey.ID) -> Ref:
    return Ref(Source.SALESLOFT, kind, str(identifier), key)
