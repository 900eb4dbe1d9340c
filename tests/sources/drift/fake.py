"""A client of Drift that answers out of a table, and remembers what it was asked."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeAlias, cast

from gateway.errors import DeadlineExceeded, UpstreamError
from gateway.model.records import Meeting
from gateway.request import Request
from gateway.sources import base
from gateway.sources.drift import source
from gateway.sources.memory import MemoryMeetings
from gateway.upstream.budget import Budget
from gateway.upstream.client import Client, raw_body
from gateway.upstream.clock import ManualClock
from gateway.upstream.credentials import Secret, StaticToken
from gateway.upstream.http import Session, Upstream, UpstreamCall
from gateway.upstream.store import MemoryStore

JSON: TypeAlias = Any
NOW = 1_790_000_000_000
"""Milliseconds: September 2026."""

HOUR = 3_600_000


class FakeDrift(Client):
    """Answers `/users/meetings/org` from `meetings`, everything else from `answers` by path, or by `/contacts?<email>`.

    An answer is JSON, bytes as they are, an error to raise, or None for a 404. No socket is opened.
    """

    def __init__(self, *, meetings: Sequence[JSON] = (), answers: dict[str, JSON] | None = None) -> None:
        self.clock: ManualClock = ManualClock(NOW / 1000)
        super().__init__(
            Upstream(name="DRIFT", base_url="http://127.0.0.1"),
            StaticToken(Secret("t0ken")),
            Budget("DRIFT", 300, self.clock),
            cast("Session", None),
            self.clock,
        )
        self.meetings = list(meetings)
        self.answers = answers or {}
        self.calls: list[tuple[str, str, dict[str, str]]] = []
        self.in_flight = 0
        self.most_in_flight = 0

    async def get(
        self,
        request: Request,
        endpoint: str,
        path: str,
        params: Sequence[tuple[str, str]] = (),
        *,
        read: Callable[[bytes], Awaitable[Any]] = raw_body,
        cost: int = 1,
        one: bool = False,
        large: bool = False,
        plain: UpstreamCall[Any] | None = None,
    ) -> Any:
        self.calls.append((endpoint, path, dict(params)))
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            await asyncio.sleep(0)
            answer = self._answer(path, dict(params))
        finally:
            self.in_flight -= 1
        if isinstance(answer, UpstreamError | DeadlineExceeded):
            raise answer
        if answer is None:
            assert one, f"a 404 for {path} would be an error"
            return None
        assert (plain is None) is not one, "there is a doubt about single records alone"
        return await read(answer if isinstance(answer, bytes) else json.dumps({"data": answer}).encode())

    def _answer(self, path: str, params: dict[str, str]) -> JSON:
        if path == "/users/meetings/org" and path not in self.answers:
            since, until = int(params["min_start_time"]), int(params["max_start_time"])
            starts = ((row, row.get("slotStart")) for row in self.meetings)
            inside = [row for row, start in starts if start is None or since <= start <= until]
            return inside[: int(params["limit"])]
        if path == "/contacts":
            return self.answers[f"/contacts?{params['email']}"]
        return self.answers[path]

    @property
    def ports(self) -> base.Ports:
        """The source over this, with nothing kept from before."""
        self.store = MemoryStore()
        return source.open(self, self.clock)

    async def window(self) -> base.Found[Meeting]:
        """The window, for a request of its own."""
        window = self.ports.meetings
        assert isinstance(window, MemoryMeetings)
        return (await window.all(request()))[0]

    async def meeting(self, row: JSON) -> Meeting:
        """The record that one row becomes."""
        self.meetings = [row]
        (record,) = (await self.window()).rows
        return record

    @property
    def paths(self) -> list[str]:
        """The paths asked for, in order."""
        return [path for _, path, _ in self.calls]


def request() -> Request:
    """A request whose deadline nothing here reaches."""
    return Request(deadline=1e12)


def meeting(slug: str = "intro-7f3a", **fields: JSON) -> dict[str, JSON]:
    """A row of `/users/meetings/org`; a field given as None is absent."""
    row = {
        "slug": slug,
        "agentId": 2104417,
        "orgId": 88120,
        "status": "ACTIVE",
        "meetingSource": "EMAIL_DROP",
        "schedulerId": 18330425511,
        "eventId": "k3v0p1q9s8",
        "slotStart": NOW + 24 * HOUR,
        "slotEnd": NOW + 25 * HOUR,
        "updatedAt": NOW - HOUR,
        "scheduledAt": NOW - 2 * HOUR,
        "meetingType": "New Meeting",
        "conversationId": 4402218876,
        "endUserTimeZone": "Europe/Lisbon",
    }
    return {name: value for name, value in (row | fields).items() if value is not None}
