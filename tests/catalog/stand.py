"""The catalog over both real sources, each over a vendor in memory: the same worlds as the fakes hold, no sockets.

What the adapters do (reading on from an instant, holding its edge back, checking each row) is under proof here as well.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import msgspec

from gateway.catalog.catalog import Catalog
from gateway.model.order import micros
from gateway.model.records import Attendee, Meeting, MeetingStatus, Ref
from gateway.settings.lifetimes import RecordLifetimes
from gateway.sources.base import Ports
from gateway.sources.drift import source as drift_source
from gateway.sources.salesloft import source as salesloft_source
from tests.catalog.calendly_vendor import CallingCalendly, Rowed, booker
from tests.catalog.fake import EVERY, FakeInvitees
from tests.catalog.fakes import FakeClock, FakePeople, FakeUsers, Log, Rows
from tests.catalog.oracle import to_the_millisecond
from tests.catalog.worlds import Case, everybody
from tests.sources.drift.fake import FakeDrift
from tests.sources.salesloft_vendor import NOTHING, NOTHING_KEPT, Row, Vendor, row, stub
from tests.sources.salesloft_worlds import formatted

SALESLOFT, DRIFT, CALENDLY = EVERY
TIMES = ("start_time", "end_time", "created_at", "updated_at")
NOT_SENT = frozenset({"attendees", "guests", "conference_url", "description", "location", "recurrence", "task"})
"""Fields of a meeting that the vendors here are not given, or not as they are."""

DRIFT_WORDS = {MeetingStatus.BOOKED: "ACTIVE", MeetingStatus.CANCELED: "CANCELED"}


def salesloft_row(meeting: Meeting) -> Row:
    """A meeting as Salesloft sends it."""
    sent = row(
        int(meeting.source_id),
        title=meeting.title,
        start_time=text(meeting.start_time),
        end_time=text(meeting.end_time),
        created_at=text(meeting.created_at),
        updated_at=text(meeting.updated_at),
        canceled_at=text(meeting.canceled_at),
        no_show=meeting.status is MeetingStatus.NO_SHOW,
        status="booked" if meeting.status is MeetingStatus.BOOKED else "unheard of",
        event_id=meeting.calendar_event_id,
        i_cal_uid=meeting.i_cal_uid,
        person=stub(number(meeting.person)),
        cadence=stub(number(meeting.cadence)),
        step=stub(number(meeting.step)),
        account_id=number(meeting.account),
        owned_by_user=stub(key(meeting.owner)),
        booked_by_user=stub(key(meeting.booked_by)),
        attendees=[{"email": attendee.email} for attendee in meeting.attendees or ()],
        guests=list(meeting.guests or ()),
    )
    return {**sent, "notes": meeting.notes, "all_day": meeting.all_day}


def drift_row(meeting: Meeting) -> Row:
    """A meeting as Drift sends it: what has no value is left out."""
    sent = {
        "slug": meeting.source_id,
        "agentId": number(meeting.owner),
        "status": DRIFT_WORDS.get(meeting.status, "unheard of"),
        "schedulerId": number(meeting.person),
        "eventId": meeting.calendar_event_id,
        "slotStart": milliseconds(meeting.start_time),
        "slotEnd": milliseconds(meeting.end_time),
        "updatedAt": milliseconds(meeting.updated_at),
        "scheduledAt": milliseconds(meeting.created_at),
        "endUserTimeZone": meeting.time_zone,
        "meetingNotes": meeting.notes,
        "bookedBy": number(meeting.booked_by),
        "conversationId": number(meeting.conversation),
    }
    return {name: value for name, value in sent.items() if value is not None}


def text(moment: dt.datetime | None) -> str | None:
    return None if moment is None else formatted(moment)


def number(ref: Ref | None) -> int | None:
    return None if ref is None else int(ref.id)


def key(ref: Ref | None) -> str | None:
    return None if ref is None else ref.id


def milliseconds(moment: dt.datetime | None) -> int | None:
    return None if moment is None else micros(moment) // 1000


class Calling(Vendor):
    """Salesloft over records, with every call in a log."""

    def __init__(self, rows: Rows, log: Log) -> None:
        super().__init__(())
        self._rowed = Rowed(rows, salesloft_row)
        self._log = log

    def _answer(self, params: Sequence[tuple[str, str]]) -> Row:
        self._log.call(SALESLOFT, "meetings")
        self.rows = self._rowed.now()
        return super()._answer(params)


class CallingDrift(FakeDrift):
    """Drift over records, with every call in a log."""

    def __init__(self, rows: Rows, log: Log) -> None:
        super().__init__()
        self._rowed = Rowed(rows, drift_row)
        self._log = log

    def _answer(self, path: str, params: dict[str, str]) -> Any:
        self._log.call(DRIFT, "window")
        self.meetings = self._rowed.now()
        return super()._answer(path, params)


class Stand:
    """The real sources and the catalog over them; people and users are the fakes'.

    Attributes:
        salesloft: What the first holds.
        drift: What the second holds.
        calendly: What the third holds.
        rows: What each of them that is there holds, in order of rank.
        vendor: Salesloft's API.
        log: The calls.
    """

    def __init__(self, case: Case) -> None:
        self.log = Log()
        self.salesloft = Rows(SALESLOFT, list(case.salesloft))
        self.drift = Rows(DRIFT, list(case.drift))
        self.calendly = Rows(CALENDLY, list(case.calendly))
        everybody(self.salesloft, self.drift, self.calendly)
        self.rows = [rows for rows in (self.salesloft, self.drift, self.calendly) if rows.source not in case.off]
        self.vendor = Calling(self.salesloft, self.log)
        drift = CallingDrift(self.drift, self.log)
        calendly = CallingCalendly(self.calendly, self.log).ports()
        invitees = FakeInvitees(self.calendly, self.log)
        ports = [
            Ports(
                source=SALESLOFT,
                meetings=salesloft_source.open(self.vendor, NOTHING_KEPT).meetings,
                people=FakePeople(self.salesloft, self.log),
                users=FakeUsers(self.salesloft, self.log),
            ),
            Ports(
                source=DRIFT,
                meetings=drift_source.open(drift, drift.clock, RecordLifetimes(window=NOTHING)).meetings,
                people=FakePeople(self.drift, self.log),
                users=FakeUsers(self.drift, self.log),
            ),
            Ports(
                source=CALENDLY,
                meetings=calendly.meetings,
                details=calendly.details,
                people=invitees,
                addressed=invitees,
                users=FakeUsers(self.calendly, self.log),
            ),
        ]
        self.catalog = Catalog([port for port in ports if port.source not in case.off], FakeClock())


def as_sent(case: Case) -> Case:
    """A case as the vendors could hold it.

    An empty event id does not count, Drift's clock goes by milliseconds, and the fakes' own conditions are unknown.
    Salesloft sends lists, be they empty, and Calendly's meetings tell of one invitee what they tell of them.
    """
    replace = msgspec.structs.replace

    def sendable(meeting: Meeting) -> Meeting:
        times = {name: getattr(meeting, name) for name in TIMES} if meeting.source is DRIFT else {}
        values: dict[str, Any] = {name: to_the_millisecond(value) for name, value in times.items() if value is not None}
        if meeting.source is not DRIFT:
            values["guests"] = meeting.guests or ()
        if meeting.source is SALESLOFT:
            values["attendees"] = meeting.attendees or ()
        if meeting.source is CALENDLY:
            address = booker(meeting)
            values["attendees"] = () if address is None else (Attendee(email=address),)
            values["time_zone"] = None if address is None else meeting.time_zone
        return replace(meeting, raw=None, calendar_event_id=meeting.calendar_event_id or None, **values)

    salesloft, drift, calendly = (list(map(sendable, rows)) for rows in (case.salesloft, case.drift, case.calendly))
    own = replace(case.wanted, own={})
    return replace(case, salesloft=salesloft, drift=drift, calendly=calendly, wanted=own, listed=False)
