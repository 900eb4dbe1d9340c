"""Calendly over records, in memory: events by start or by invitee, and their invitees. No socket is opened."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, cast

from gateway.model.records import Kind, Meeting, MeetingStatus, Source
from gateway.request import Request
from gateway.settings.lifetimes import RecordLifetimes
from gateway.sources.base import Ports
from gateway.sources.calendly import source
from gateway.upstream.budget import Budget
from gateway.upstream.client import Client, raw_body
from gateway.upstream.clock import ManualClock
from gateway.upstream.credentials import Secret, StaticToken
from gateway.upstream.http import Session, Upstream, UpstreamCall
from tests.catalog.fake import ADDRESS_IDS, ID_SECRET
from tests.catalog.fakes import NOW, Log, Rows
from tests.sources.salesloft_vendor import NOTHING, Row
from tests.sources.salesloft_worlds import formatted

API = "https://api.calendly.com"
STATUS = {MeetingStatus.BOOKED: "active", MeetingStatus.CANCELED: "canceled"}
PAGES = 3
"""Pages of a list, about, whatever its length."""


class Rowed:
    """Records as a vendor's rows; each is made once, for tests change records by replacing them."""

    def __init__(self, rows: Rows, made: Callable[[Meeting], Row]) -> None:
        self._rows = rows
        self._make = made
        self._made: dict[int, tuple[Meeting, Row]] = {}

    def now(self) -> list[Row]:
        """The rows as they stand."""
        return [*map(self.of, self._rows.meetings)]

    def of(self, meeting: Meeting) -> Row:
        """One record's row."""
        if id(meeting) not in self._made:
            made = meeting, self._make(meeting)  # the record too, or its id might be given to another
            self._made[id(meeting)] = made
        return self._made[id(meeting)][1]


def event_row(meeting: Meeting) -> Row:
    """A meeting as Calendly sends it: its host by URI alone, as before 2023."""
    text = {
        name: None if value is None else formatted(value)
        for name in ("start_time", "end_time", "created_at", "updated_at", "canceled_at")
        for value in (getattr(meeting, name),)
    }
    canceled_at, event = text.pop("canceled_at"), meeting.calendar_event_id
    invited = int(meeting.person is not None)
    return {
        **text,
        "uri": f"{API}/scheduled_events/{meeting.source_id}",
        "name": meeting.title,
        "meeting_notes_plain": meeting.notes,
        "status": STATUS.get(meeting.status, "unheard of"),
        "calendar_event": None if event is None else {"kind": "google", "external_id": event},
        "event_memberships": [] if meeting.owner is None else [{"user": f"{API}/users/{meeting.owner.id}"}],
        "event_guests": [{"email": email} for email in meeting.guests or ()],
        "invitees_counter": {"total": invited, "active": invited, "limit": 1},
        "cancellation": None if meeting.status is not MeetingStatus.CANCELED else {"created_at": canceled_at},
    }


def invitee_rows(meeting: Meeting) -> list[Row]:
    """Who booked it: one person, or nobody whom we are told of."""
    address = booker(meeting)
    if address is None:
        return []
    uri = f"{API}/scheduled_events/{meeting.source_id}/invitees/1"
    no_show = {"uri": f"{API}/invitee_no_shows/1"} if meeting.no_show else None
    return [{"uri": uri, "email": address, "status": "active", "timezone": meeting.time_zone, "no_show": no_show}]


def booker(meeting: Meeting) -> str | None:
    """The address of whoever booked a meeting."""
    if meeting.person is None:
        return None
    assert (meeting.person.source, meeting.person.kind) == (Source.CALENDLY, Kind.PERSON)
    return ADDRESS_IDS.address_of(meeting.person.id)


class CallingCalendly(Client):
    """Calendly over records, with every call in a log."""

    def __init__(self, rows: Rows, log: Log) -> None:
        self.clock = ManualClock(NOW.timestamp())
        super().__init__(
            Upstream(name="CALENDLY", base_url="http://127.0.0.1"),
            StaticToken(Secret("t0ken")),
            Budget("CALENDLY", 300, self.clock),
            cast("Session", None),
            self.clock,
        )
        self._rows = rows
        self._rowed = Rowed(rows, event_row)
        self._log = log

    def ports(self) -> Ports:
        """The source over this, with nothing kept from before."""
        lives = RecordLifetimes(pages=NOTHING, window=NOTHING, directories=NOTHING)
        return source.open(self, self.clock, lives, organization="team", id_secret=ID_SECRET)

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
        self._log.call(Source.CALENDLY, "invitees" if path.endswith("/invitees") else "events")
        answer = self._answer(path.strip("/").split("/"), dict(params))
        return None if answer is None else await read(json.dumps(answer).encode())

    def _answer(self, path: list[str], params: dict[str, str]) -> Row | None:
        every = self._rows.meetings
        if len(path) == 1:
            return self._page(self._listed(params), params)
        meeting = next((row for row in every if row.source_id == path[1]), None)
        if meeting is None:
            return None
        return {"resource": self._rowed.of(meeting)} if len(path) == 2 else self._page(invitee_rows(meeting), params)

    def _listed(self, params: dict[str, str]) -> list[Row]:
        address = params.get("invitee_email")
        mine = [row for row in self._rows.meetings if address is None or booker(row) == address]
        rows = sorted(map(self._rowed.of, mine), key=lambda row: row["start_time"] or "")
        low, high = params["min_start_time"], params["max_start_time"]
        within = [row for row in rows if row["start_time"] is None or low <= row["start_time"] <= high]
        return within[::-1] if params["sort"].endswith("desc") else within

    def _page(self, rows: list[Row], params: dict[str, str]) -> Row:
        first, count = int(params.get("page_token", 0)), 1 + len(rows) // PAGES
        following = str(first + count) if first + count < len(rows) else None
        return {"collection": rows[first : first + count], "pagination": {"next_page_token": following}}
