"""The scheduled events that Calendly holds, and their invitees.

Some are calendar events that Salesloft or Drift hold as well. Nothing of theirs is changed for it.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from random import Random
from typing import Any

from gateway.emulator import names
from gateway.emulator.calendar import (
    before,
    google_event_id,
    instant,
    of_millis,
    outlook_event_id,
    utc_text,
    working_slot,
)
from gateway.emulator.calendly.team import key_of, uri, uuid
from gateway.emulator.table import Row, chance, nth

REACH_BACK = timedelta(days=120)
REACH_AHEAD = timedelta(days=90)
OLD = timedelta(days=60)
"""Older rows may name hosts by `user` alone, as those of before 2023 do."""
_CONFERENCES = ("zoom", "google_conference", "zoom_conference", "microsoft_teams_conference", "webex_conference")
_PLACES = ("physical", "custom", "ask_invitee", "inbound_call", "outbound_call", "hologram")
_STORIES = (*("same",) * 8, "moved", "canceled", "rescheduled")
_CANCELED = {"status": "canceled"}


class EventMaker:
    """Makes events and invitees out of one stream of random numbers.

    Args:
        rng: The stream.
        now: The world's moment.
        hosts: Calendly's users.
        event_types: What they offer.
        people: Salesloft's people, who are among the invitees.

    Attributes:
        events: What it made, by id; `invitees` likewise, each naming its event.
    """

    def __init__(
        self, rng: Random, now: datetime, *, hosts: list[Row], event_types: list[Row], people: Iterable[Row]
    ) -> None:
        self.events: dict[str, Row] = {}
        self.invitees: dict[str, Row] = {}
        self._rng = rng
        self._now = now
        self._hosts = hosts
        self._event_types = event_types
        self._people = [row for row in people if row["email_address"]]
        self._host_of = {user["email"].lower(): user for user in hosts}
        self._strangers = iter(names.people_names(rng, 400))

    def fill(
        self,
        count: int,
        *,
        salesloft: list[Row],
        salesloft_people: dict[int, Row],
        drift: list[Row],
        contacts: dict[int, Row],
    ) -> None:
        """Make so many events: a third of them Salesloft's as well, a tenth Drift's."""
        both, alone = _split(drift, {row["event_id"] for row in salesloft})
        by_event = {row["event_id"]: row for row in salesloft if self._fits(row)}
        shared = [row for row in both if row["eventId"] in by_event][: count // 20]
        chosen = [by_event[row["eventId"]] for row in shared]
        taken = {row["event_id"] for row in chosen}
        others = [row for row in by_event.values() if row["event_id"] not in taken]
        self._rng.shuffle(others)
        for number, row in enumerate([*chosen, *others][: count // 3]):
            self._of_salesloft(row, salesloft_people, _STORIES[number % len(_STORIES)])
        near = [row for row in alone if abs(of_millis(row["slotStart"]) - self._now) < REACH_BACK]
        for row in near[: count // 10 - len(shared)]:
            self._of_drift(row, contacts)
        while len(self.events) < count:
            self._alone(len(self.events), pair=len(self.events) + 1 < count)

    def _fits(self, row: Row) -> bool:
        """Say whether Calendly may have booked one of Salesloft's meetings."""
        plain = row["event_id"] and row["start_time"] and row["person"] and not row["all_day"]
        within = plain and -REACH_BACK < instant(row["start_time"]) - self._now < REACH_AHEAD
        return bool(within and str(row["start_time"]).endswith(":00.000000Z") and not row.get("recurring"))

    def _of_salesloft(self, row: Row, people: dict[int, Row], story: str) -> None:
        start, end = instant(row["start_time"]), instant(row["end_time"])
        moved = timedelta(days=1) if story == "moved" else timedelta()
        kind = "outlook" if row["event_id"].startswith("AAMk") else "google"
        host = self._host_of.get(str((row.get("owned_by_meetings_settings") or {}).get("email_address")).lower())
        person = people[row["person"]["id"]]
        email = person["email_address"] or f"{person['id']}@nowhere.example"
        event = self._event(start + moved, end - start, host=host, calendar=(kind, row["event_id"]))
        self._invitee(event, person["display_name"], str(email))
        if story == "canceled":
            self._cancel(event)
        elif story == "rescheduled":
            self._reschedule(event)

    def _of_drift(self, row: Row, contacts: dict[int, Row]) -> None:
        start, end = of_millis(row["slotStart"]), of_millis(row["slotEnd"])
        event = self._event(start, end - start, calendar=("google", row["eventId"]))
        known = contacts.get(row["schedulerId"], {}).get("attributes", {})
        name, email = known.get("name") or known.get("first_name"), known.get("email")
        self._invitee(event, *((name, email) if name and email else self._stranger()))

    def _alone(self, number: int, *, pair: bool) -> None:
        rng = self._rng
        start = working_slot(rng, self._now - REACH_BACK, self._now + REACH_AHEAD)
        calendar = None if nth(number, 9) else ("google", google_event_id(rng))
        if nth(number, 9, 4):
            calendar = (rng.choice(("exchange", "icloud", "outlook_desktop")), outlook_event_id(rng))
        group = nth(number, 11)
        event = self._event(start, timedelta(minutes=rng.choice((15, 30, 60))), calendar=calendar, group=group)
        for _ in range(rng.randrange(2, 6) if group else 1):
            person = rng.choice(self._people) if self._people and chance(rng, 0.4) else None
            self._invitee(
                event, *((person["display_name"], str(person["email_address"])) if person else self._stranger())
            )
        if nth(number, 13) and pair:
            self._reschedule(event)
        elif nth(number, 10, 3):
            self._cancel(event)
        elif group and nth(number, 2):
            self._leave(event)

    def _stranger(self) -> tuple[str, str]:
        first, last, mailbox = next(self._strangers)
        return f"{first} {last}", f"{mailbox}@booker-{len(self.invitees)}.example"

    def _event(
        self,
        start: datetime,
        length: timedelta,
        *,
        host: Row | None = None,
        calendar: tuple[str, str] | None,
        group: bool = False,
    ) -> Row:
        rng, number = self._rng, len(self.events)
        kind = self._event_types[2] if group else rng.choice(self._event_types)
        created = before(rng, min(start, self._now), days=25)
        hosts = [host or rng.choice(self._hosts)]
        if nth(number, 8):
            hosts += [other for other in rng.sample(self._hosts, 2) if other not in hosts][:1]
        guests = [f"guest-{number}-{place}@buyer.example" for place in range(rng.randrange(3) if nth(number, 3) else 0)]
        row: Row = {
            "uri": uri("scheduled_events", uuid(rng, number)),
            "name": kind["name"],
            "meeting_notes_plain": "Asked about single sign-on" if nth(number, 7) else None,
            "meeting_notes_html": "<p>Asked about single sign-on</p>" if nth(number, 7) else None,
            "status": "active",
            "booking_method": "instant",
            "start_time": utc_text(start),
            "end_time": utc_text(start + length),
            "created_at": utc_text(created),
            "updated_at": utc_text(min(created + timedelta(seconds=2), self._now)),
            "event_type": None if nth(number, 40, 7) else kind["uri"],
            "location": self._location(number),
            "invitees_counter": {"total": 0, "active": 0, "limit": 10 if group else 1},
            "event_memberships": [
                {
                    "user": user["uri"],
                    "user_email": user["email"],
                    "user_name": user["name"],
                    "buffered_start_time": utc_text(start - timedelta(minutes=5)),
                    "buffered_end_time": utc_text(start + length + timedelta(minutes=5)),
                }
                for user in hosts
            ],
            "event_guests": [
                {"email": email, "created_at": utc_text(created), "updated_at": utc_text(created)} for email in guests
            ],
            "calendar_event": calendar and {"kind": calendar[0], "external_id": calendar[1]},
        }
        if start < self._now - OLD and nth(number, 2):
            row["event_memberships"] = [{"user": user["uri"]} for user in hosts]
            del row["booking_method"]
        self.events[key_of(row["uri"])] = row
        return row

    def _location(self, number: int) -> Row | None:
        rng = self._rng
        if nth(number, 15, 14):
            return None
        if nth(number, 3, 2):
            kind = _PLACES[number // 3 % len(_PLACES)]
            place = f"+1557{number:07d}" if kind.endswith("_call") else "Room 4, Harbour Street"
            return {"type": kind, "location": place}
        url = f"https://meet.example/c/{rng.randrange(10**9)}"
        status = rng.choice(("pushed", "pushed", "processing", "initiated", "failed"))
        kind = rng.choice(_CONFERENCES)
        return {"type": kind, "status": status, "join_url": url if status == "pushed" else None, "data": {}}

    def _invitee(self, event: Row, name: str, email: str, old: Row | None = None) -> Row:
        rng, number = self._rng, len(self.invitees)
        key, event_key = uuid(rng, number), key_of(event["uri"])
        first, _, last = name.partition(" ")
        created = instant(event["created_at"]) + timedelta(seconds=event["invitees_counter"]["total"])
        past = instant(event["start_time"]) < self._now
        row: Row = {
            "uri": uri("scheduled_events", event_key, "invitees", key),
            "email": email.strip().upper() if nth(number, 14) else email,
            "first_name": None if nth(number, 3) else first,
            "last_name": None if nth(number, 3) else last,
            "name": name,
            "status": "active",
            "timezone": None if nth(number, 20, 9) else rng.choice(names.PLACES)[4],
            "event": event["uri"],
            "created_at": utc_text(created),
            "updated_at": event["updated_at"],
            "questions_and_answers": _answers(number),
            "tracking": _tracking(number),
            "text_reminder_number": f"+1556{number:07d}" if nth(number, 6) else None,
            "rescheduled": False,
            "old_invitee": old and old["uri"],
            "new_invitee": None,
            "cancel_url": f"https://calendly.com/cancellations/{key}",
            "reschedule_url": f"https://calendly.com/reschedulings/{key}",
            "routing_form_submission": uri("routing_form_submissions", f"{number:08d}") if nth(number, 19) else None,
            "cancellation": None,
            "payment": _payment(number),
            "no_show": None,
            "reconfirmation": {"created_at": event["created_at"], "confirmed_at": None} if nth(number, 16) else None,
            "scheduling_method": "instant_book" if nth(number, 5) else None,
            "invitee_scheduled_by": None,
        }
        del row["cancellation"]
        if past and nth(number, 9):
            marked = utc_text(min(instant(event["end_time"]) + timedelta(hours=1), self._now))
            row["no_show"] = {"uri": uri("invitee_no_shows", uuid(rng, 0)), "created_at": marked}
            row["updated_at"] = marked
        counter = event["invitees_counter"]
        counter["total"] += 1
        counter["active"] += 1
        self.invitees[key] = row
        return row

    def _of(self, event: Row) -> list[Row]:
        return [row for row in self.invitees.values() if row["event"] == event["uri"]]

    def _cancel(self, event: Row, *, by_host: bool = True) -> None:
        first = self._of(event)[0]
        at = utc_text(min(instant(event["start_time"]), self._now) - timedelta(minutes=30))
        at = max(at, event["created_at"])
        cancellation = {
            "canceled_by": event["event_memberships"][0].get("user_name", "A host") if by_host else first["name"],
            "reason": "Another time suits better" if nth(len(self.events), 2) else None,
            "canceler_type": "host" if by_host else "invitee",
            "created_at": at,
        }
        if nth(len(self.events), 5):
            del cancellation["created_at"]
        changed: dict[str, Any] = {**_CANCELED, "updated_at": at, "cancellation": cancellation}
        event.update(changed)
        event["invitees_counter"]["active"] = 0
        for row in self._of(event):
            row.update(changed)
            row["no_show"] = None

    def _leave(self, event: Row) -> None:
        """Let the first of several invitees cancel: the event goes on without them."""
        row = self._of(event)[0]
        at = max(utc_text(min(instant(event["start_time"]), self._now) - timedelta(hours=2)), event["created_at"])
        left = {"canceled_by": row["name"], "reason": None, "canceler_type": "invitee", "created_at": at}
        row.update(**_CANCELED, updated_at=at, cancellation=left, no_show=None)
        event["updated_at"] = at
        event["invitees_counter"]["active"] -= 1

    def _reschedule(self, event: Row) -> None:
        """Let the invitees move an event: a new one is made, the old is cancelled."""
        start = instant(event["start_time"]) + timedelta(days=3)
        length = instant(event["end_time"]) - instant(event["start_time"])
        new = self._event(start, length, calendar=("google", google_event_id(self._rng)))
        new["created_at"] = event["created_at"]
        new["event_memberships"] = [dict(host) for host in event["event_memberships"]]
        before_it = self._of(event)
        self._cancel(event, by_host=False)
        for row in before_it:
            booked = self._invitee(new, row["name"], row["email"], old=row)
            row.update(rescheduled=True, new_invitee=booked["uri"])


def _split(drift: list[Row], known: set[str]) -> tuple[list[Row], list[Row]]:
    """Part Drift's active meetings with an event by whether Salesloft holds it."""
    plain = [row for row in drift if row.get("eventId") and row["status"] == "ACTIVE" and not row.get("isRecurring")]
    return [row for row in plain if row["eventId"] in known], [row for row in plain if row["eventId"] not in known]


def _answers(number: int) -> list[Row]:
    asked = (("Company size?", "50 to 200"), ("What shall we talk about?", "Prüfung der Preise, and dates"))
    return [
        {"question": question, "answer": answer, "position": place}
        for place, (question, answer) in enumerate(asked[: number % 3])
    ]


def _tracking(number: int) -> Row:
    names_of = ("utm_campaign", "utm_source", "utm_medium", "utm_content", "utm_term", "salesforce_uuid")
    given = {"utm_campaign": "spring", "utm_source": "newsletter", "utm_medium": "email"} if nth(number, 4) else {}
    return dict.fromkeys(names_of) | given


def _payment(number: int) -> Row | None:
    if not nth(number, 30, 4):
        return None
    return {
        "external_id": f"ch_{number:012d}",
        "provider": "stripe",
        "amount": 49.5,
        "currency": "USD",
        "terms": "Refunded up to a day before",
        "successful": True,
    }
