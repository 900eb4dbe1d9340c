"""The meetings as Salesloft holds them (Salesloft: List meetings), without regard to Drift."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from uuid import UUID

from gateway.emulator import names
from gateway.emulator.calendar import (
    before,
    google_event_id,
    google_uid,
    instant,
    occurrence_id,
    outlook_event_id,
    outlook_uid,
    utc_text,
    working_slot,
)
from gateway.emulator.table import FIRST_ID, Row, chance, nth, stub

REACH_BACK = timedelta(days=270)
REACH_AHEAD = timedelta(days=90)
OLD = timedelta(days=200)
"""Rows that started longer ago lack the keys that captures of 2021 to 2023 lack."""
_NEWER_KEYS = (
    "owned_by_user",
    "owned_by_meetings_settings",
    "recurring",
    "recurrence",
    "recurring_interval",
    "last_occurrence_at",
    "meeting_type_id",
    "crm",
    "reschedule_guid",
    "undo_completion_count",
    "count_towards_meetings_attended_metric",
    "count_towards_meetings_booked_metric",
    "created_on_demand",
    "notes",
)
_MEETING_TYPES = ((4101, "Discovery call"), (4102, "Product demo"), (4103, "Quarterly review"))
_CALENDARS = ("gmail", "azure", "nylas", "linkedin_azure", "cerebro", "external", "nylas_v3", "internal")
_ANSWERS = ("needsAction", "accepted", "tentative", "declined")


@dataclass(frozen=True)
class Staff:
    """Whom and what meetings refer to."""

    users: list[Row]
    people: list[Row]
    cadences: list[Row]
    steps: list[Row]
    tasks: list[Row]


class MeetingMaker:
    """Makes Salesloft meetings out of one stream of random numbers; none has its `id` yet."""

    def __init__(self, rng: Random, now: datetime, staff: Staff) -> None:
        self._rng = rng
        self._now = now
        self._staff = staff
        self._steps: dict[int, list[Row]] = {}
        for step in staff.steps:
            self._steps.setdefault(step["cadence"]["id"], []).append(step)

    def meeting(self, start: datetime, title: str | None = None) -> Row:
        """Make a booked meeting with all its parties and a calendar event of its own."""
        rng = self._rng
        owner = rng.choice(self._staff.users)
        booker = owner if chance(rng, 0.6) else rng.choice(self._staff.users)
        person = rng.choice(self._staff.people)
        created = before(rng, min(start, self._now), days=30)
        row = self._base(start, created, person, title or rng.choice(names.TITLES))
        self._calendar(row, owner)
        self._people(row, owner, booker, person)
        self._sales(row)
        if chance(rng, 0.08):
            canceled = max(before(rng, min(start, self._now), days=1), instant(row["created_at"]))
            row["canceled_at"] = row["updated_at"] = utc_text(canceled)
        if start < self._now and chance(rng, 0.06):
            row["no_show"] = True
        if start < self._now - OLD:
            for key in _NEWER_KEYS:
                row.pop(key, None)
        return row

    def _base(self, start: datetime, created: datetime, person: Row, title: str) -> Row:
        rng = self._rng
        updated = (
            created if chance(rng, 0.4) else before(rng, self._now, days=(self._now - created) / timedelta(days=1))
        )
        company = person["person_company_name"] or "Brightquay"
        kind = rng.choice(_MEETING_TYPES) if chance(rng, 0.5) else None
        return {
            "title": title.format(company=company, person=person["display_name"]),
            "start_time": utc_text(start),
            "end_time": utc_text(start + timedelta(minutes=rng.choice((15, 30, 30, 45, 60)))),
            "meeting_type_id": kind[0] if kind else None,
            "meeting_type": kind[1] if kind else rng.choice(("default_personal_meeting", None)),
            "location": rng.choice(("", f"https://meet.example/{rng.getrandbits(32):08x}", "Room 4, Harbour Street")),
            "description": rng.choice(("", "<p>Agenda: <b>prices</b> &amp; dates</p>", "Looking forward to it")),
            "created_at": utc_text(created),
            "updated_at": utc_text(updated),
            "canceled_at": None,
            "all_day": False,
            "no_show": False,
            "status": "booked",
            "reschedule_status": rng.choice(("pending", "booked", "failed", "retry")) if chance(rng, 0.06) else None,
            "reschedule_guid": str(UUID(int=rng.getrandbits(128), version=4)) if chance(rng, 0.5) else None,
            "recurring": False,
            "last_occurrence_at": None,
            "undo_completion_count": 1 if chance(rng, 0.03) else 0,
            "count_towards_meetings_attended_metric": True,
            "count_towards_meetings_booked_metric": chance(rng, 0.9),
            "created_on_demand": chance(rng, 0.05),
            "notes": "Asked for a second licence" if chance(rng, 0.15) else None,
        }

    def _calendar(self, row: Row, owner: Row) -> None:
        rng = self._rng
        address = owner["email_client_email_address"]
        kind = "gmail" if chance(rng, 0.7) else rng.choice(_CALENDARS)
        row["calendar_type"] = kind
        row["calendar_id"] = f"external_{owner['guid']}" if kind == "external" else address
        if "azure" in kind:
            row["event_id"], row["i_cal_uid"] = outlook_event_id(rng), outlook_uid(rng)
        else:
            row["event_id"] = google_event_id(rng)
            row["i_cal_uid"] = google_uid(row["event_id"])
        row["event_source"] = "external" if chance(rng, 0.35) else "internal"

    def _people(self, row: Row, owner: Row, booker: Row, person: Row) -> None:
        rng = self._rng
        email = person["email_address"]
        row["recipient_name"] = person["display_name"]
        row["recipient_email"] = email.strip() if email else None
        row["account_id"] = person["account"]["id"] if person["account"] else None
        row["person"] = stub("people", person["id"])
        row["owned_by_user"] = stub("users", owner["guid"])
        row["booked_by_user"] = stub("users", booker["guid"]) if chance(rng, 0.95) else None
        row["owned_by_meetings_settings"] = {"email_address": owner["email_client_email_address"]}
        row["booked_by_meetings_settings"] = {"email_address": booker["email_client_email_address"]}
        row["attendees"] = []
        if chance(rng, 0.9):
            others = rng.sample(self._staff.people, rng.randrange(3))
            row["attendees"] = [
                self._attendee(owner["email_client_email_address"], owner["name"], organizer=True),
                *(
                    self._attendee(other["email_address"], other["display_name"], person=other["id"])
                    for other in (person, *others)
                ),
            ]
            if booker is not owner:
                row["attendees"].append(self._attendee(booker["email"], booker["name"]))
            if chance(rng, 0.1):
                row["attendees"].append(self._attendee(f"guest{rng.randrange(9999)}@elsewhere.example", None))
        row["guests"] = [
            attendee["email"] for attendee in row["attendees"] if attendee["email"] and not attendee["organizer"]
        ]

    def _attendee(
        self, email: str | None, name: str | None, *, organizer: bool = False, person: int | None = None
    ) -> Row:
        rng = self._rng
        return {
            "email": email,
            "name": name,
            "organizer": organizer,
            "status": "accepted" if organizer else rng.choice(_ANSWERS),
            "status_changed": chance(rng, 0.1),
            "person": stub("people", person),
            "deleted_at": utc_text(before(rng, self._now, days=20)) if chance(rng, 0.03) else None,
            "affiliation": "external" if person else "internal",
        }

    def _sales(self, row: Row) -> None:
        rng = self._rng
        cadence = rng.choice(self._staff.cadences) if chance(rng, 0.6) else None
        steps = self._steps.get(cadence["id"]) if cadence else None
        row["cadence"] = stub("cadences", cadence["id"]) if cadence else None
        row["step"] = stub("steps", rng.choice(steps)["id"]) if steps and chance(rng, 0.8) else None
        row["strict_attribution"] = cadence is not None and chance(rng, 0.5)
        row["task_id"] = rng.choice(self._staff.tasks)["id"] if self._staff.tasks and chance(rng, 0.3) else None
        deal = f"006Qy{rng.randrange(10**6):010d}AAQ"
        row["crm_references"] = {"opportunity": {"id": deal, "name": "New business"}} if chance(rng, 0.2) else None
        row["crm"] = {"lead_source": "Intake form"} if chance(rng, 0.1) else None
        row["crm_custom_fields"] = {"Type__c": "Demo", "Seats__c": rng.randrange(90)} if chance(rng, 0.2) else None

    def series(self, length: int) -> list[Row]:
        """Make a weekly Google series: one iCalendar UID, an event id an occurrence, the rules on its first row."""
        rng = self._rng
        title = rng.choice(names.SERIES_TITLES)
        first = working_slot(rng, self._now - REACH_BACK, self._now + REACH_AHEAD - timedelta(weeks=length))
        master = self.meeting(first, title)
        series_id = google_event_id(rng)
        last = utc_text(first + timedelta(weeks=length - 1))
        rows = []
        for number in range(length):
            start = first + timedelta(weeks=number)
            row = master if number == 0 else self.meeting(start, title)
            for key in ("title", "recipient_name", "recipient_email", "account_id", "person", "calendar_id"):
                row[key] = master[key]
            row["calendar_type"] = "gmail"
            row["i_cal_uid"] = google_uid(series_id)
            row["event_id"] = series_id if number == 0 else occurrence_id(series_id, start)
            row["event_source"] = "external"
            if start >= self._now - OLD:
                row["recurring"], row["last_occurrence_at"] = True, last
            rows.append(row)
        rules = (
            ([f"RRULE:FREQ=WEEKLY;COUNT={length}"], "Weekly")
            if chance(rng, 0.8)
            else (["RRULE:FREQ=MONTHLY"], "Monthly")
        )
        if "recurring" in master:
            master["recurrence"], master["recurring_interval"] = rules
        return rows

    def all_day(self) -> Row:
        """Make an all-day meeting: from one UTC midnight to the next."""
        day = working_slot(self._rng, self._now - REACH_BACK, self._now + REACH_AHEAD)
        day = day.replace(hour=0, minute=0)
        row = self.meeting(day, "Workshop day: {company}")
        row["all_day"] = True
        row["end_time"] = utc_text(day + timedelta(days=1))
        return row

    def unbooked(self, number: int) -> Row:
        """Make a meeting that no calendar has yet: no event id; every eighth has no start either."""
        start = working_slot(self._rng, self._now - REACH_BACK, self._now + REACH_AHEAD)
        row = self.meeting(start)
        row["status"] = ("pending", "retry", "failed")[number % 3]
        row["event_id"] = row["i_cal_uid"] = None
        if nth(number, 8):
            row["start_time"] = row["end_time"] = None
        return row

    def second_calendar(self, row: Row) -> Row:
        """Make another user's record of the same event; one in six was moved there alone."""
        rng = self._rng
        start = instant(row["start_time"])
        copy = self.meeting(start + timedelta(days=1) if chance(rng, 1 / 6) else start)
        for key in ("title", "event_id", "i_cal_uid", "calendar_type", "description", "location"):
            copy[key] = row[key]
        copy["event_source"] = "external"
        return copy


_SERIES_LENGTH = 8
_CLUSTERS = ((-201, 120), (-96, 30), (-12, 8), (3, 6), (40, 12))
"""Days from now, and how many meetings all start at one instant of that day."""


def fill(rng: Random, now: datetime, count: int, staff: Staff) -> list[Row]:
    """Make so many meetings, in no order and without ids: series, ties, all-day, unbooked, copies, the rest plain.

    The clusters shrink with the number.
    """
    maker = MeetingMaker(rng, now, staff)
    rows: list[Row] = []
    for _ in range(count // 100):
        rows += maker.series(_SERIES_LENGTH)
    for days, size in _CLUSTERS:
        rows += _cluster(maker, now + timedelta(days=days), min(size, count // 40))
    rows += _close_together(maker, now + timedelta(days=5))
    rows += [maker.all_day() for _ in range(count // 120)]
    rows += [maker.unbooked(number) for number in range(count // 80)]
    copies = count // 80
    _top_up(rng, now, maker, rows, count - copies)
    whole = [row for row in rows if row["event_id"] and str(row["start_time"]).endswith(":00.000000Z")]
    originals = [row for row in whole if not row["all_day"]]
    rows += [maker.second_calendar(row) for row in rng.sample(originals, min(copies, len(originals)))]
    _top_up(rng, now, maker, rows, count)
    del rows[count:]
    _bulk_touch(rng, rows, now)
    return rows


def _top_up(rng: Random, now: datetime, maker: MeetingMaker, rows: list[Row], count: int) -> None:
    while len(rows) < count:
        rows.append(maker.meeting(working_slot(rng, now - REACH_BACK, now + REACH_AHEAD)))


def number(rows: list[Row]) -> dict[int, Row]:
    """Give ids in the order in which the rows were created, with gaps, `id` being the first key."""
    numbered = {}
    key = FIRST_ID
    for row in sorted(rows, key=lambda row: str(row["created_at"])):
        numbered[key] = {"id": key, **row}
        key += 1 + len(numbered) % 3
    return numbered


def _cluster(maker: MeetingMaker, day: datetime, size: int) -> list[Row]:
    start = day.replace(hour=15, minute=0, second=0, microsecond=0)
    return [maker.meeting(start, "Kick-off round with {company}") for _ in range(size)]


def _close_together(maker: MeetingMaker, day: datetime) -> list[Row]:
    """Make meetings that lie one microsecond apart, two of them at the same one."""
    start = day.replace(hour=9, minute=30, second=0, microsecond=500_000)
    return [
        maker.meeting(start + timedelta(microseconds=apart), "Stand-up with {person}") for apart in (0, 1, 1, 2, -1)
    ]


def _bulk_touch(rng: Random, rows: list[Row], now: datetime) -> None:
    """Move `updated_at` of old rows within 50 ms, and `created_at` of some to one instant, as migrations do."""
    moment = now - timedelta(days=30)
    for row in rows:
        if row["created_at"] < utc_text(now - timedelta(days=250)) or chance(rng, 0.01):
            later = max(moment, instant(row["created_at"]))
            row["updated_at"] = utc_text(later + timedelta(microseconds=rng.randrange(50_000)))
    imported = utc_text(now - timedelta(days=120))
    for row in [
        row for row in rows if row["start_time"] and row["start_time"] > imported and row["updated_at"] > imported
    ][:12]:
        row["created_at"] = imported
