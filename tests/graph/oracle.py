"""What the graph has to say of a world, worked out from the vendors' rows by the contract's words alone.

Nothing here is shared with the gateway: it is the other opinion.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from gateway.emulator.world import World
from tests.graph.values import (
    ANSWER,
    EPOCH,
    STATUS,
    addresses,
    changed,
    chat_recurrence,
    hub_person,
    hub_recurrence,
    hub_user,
    uid_of,
)
from tests.graph.values import Row as Row
from tests.graph.values import fold as fold
from tests.graph.values import formatted as formatted
from tests.graph.values import from_ms as from_ms
from tests.graph.values import global_id as global_id
from tests.graph.values import plain as plain
from tests.graph.values import stub as stub
from tests.graph.values import when as when


@dataclass
class Event:
    """One calendar event: Salesloft's row, Drift's rows newest first, either of which may be missing."""

    hub: Row | None
    chats: list[Row] = field(default_factory=list)
    both: bool = False
    """Whether both sources hold the event, be it that Drift's record is folded into another of Salesloft's."""

    @property
    def source(self) -> str:
        return "SALESLOFT" if self.hub is not None else "DRIFT"

    @property
    def key(self) -> str:
        return str(self.hub["id"]) if self.hub is not None else str(self.chats[0]["slug"])

    @property
    def start(self) -> dt.datetime | None:
        return when(self.hub["start_time"]) if self.hub is not None else from_ms(self.chats[0]["slotStart"])

    @property
    def made(self) -> dt.datetime | None:
        return when(self.hub["created_at"]) if self.hub is not None else from_ms(self.chats[0].get("scheduledAt"))

    @property
    def changed(self) -> dt.datetime | None:
        return when(self.hub["updated_at"]) if self.hub is not None else from_ms(self.chats[0].get("updatedAt"))

    @property
    def status(self) -> str:
        if self.hub is None:
            word = str(self.chats[0].get("status", "")).upper()
            return {"ACTIVE": "BOOKED", "CANCELED": "CANCELED", "CANCELLED": "CANCELED"}.get(word, "UNKNOWN")
        if self.hub["canceled_at"] is not None:
            return "CANCELED"
        return "NO_SHOW" if self.hub["no_show"] else STATUS.get(self.hub["status"], "UNKNOWN")

    @property
    def no_show(self) -> bool | None:
        return None if self.hub is None else self.hub["no_show"]

    def either(self, of_hub: Callable[[Row], Any], of_chat: Callable[[Row], Any]) -> Any:
        """Salesloft's value, else the first of Drift's that is there."""
        own = None if self.hub is None else of_hub(self.hub)
        if own is not None:
            return own
        return next((value for chat in self.chats if (value := of_chat(chat)) is not None), None)

    @property
    def id(self) -> str:
        return global_id("Meeting", self.source, self.key)


class Truth:
    """A world, seen whole."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.hub = world.salesloft
        self.chat = world.drift
        since = world.now - dt.timedelta(days=30)
        self.window = [row for row in self.chat.meetings.values() if (from_ms(row["slotStart"]) or EPOCH) >= since]

    @cached_property
    def events(self) -> list[Event]:
        """Every event that the gateway can know of."""
        by_event: dict[str, list[Row]] = {}
        by_uid: dict[str, list[Row]] = {}
        for row in self.hub.meetings.values():
            by_event.setdefault(row.get("event_id") or "", []).append(row)
            by_uid.setdefault(row.get("i_cal_uid") or "", []).append(row)
        folded: dict[int, list[Row]] = {}
        both: set[int] = set()
        alone: list[Event] = []
        for chat in self.window:
            event = chat.get("eventId")
            holders = [] if event is None else list(by_event.get(event, ()))
            if event is not None:
                holders += [
                    row for row in by_uid.get(uid_of(event), ()) if row not in holders and self._together(row, chat)
                ]
            both.update(row["id"] for row in holders)
            if holders:
                folded.setdefault(self._holder(holders, chat)["id"], []).append(chat)
            else:
                alone.append(Event(None, [chat]))
        for chats in folded.values():
            chats.sort(key=lambda chat: chat["slug"])
            chats.sort(key=changed, reverse=True)
        return [Event(row, folded.get(row["id"], []), row["id"] in both) for row in self.hub.meetings.values()] + alone

    def _together(self, hub: Row, chat: Row) -> bool:
        start = when(hub["start_time"])
        return start is not None and (start - EPOCH) // dt.timedelta(milliseconds=1) == chat["slotStart"]

    def _holder(self, holders: list[Row], chat: Row) -> Row:
        best = [row for row in holders if self._together(row, chat)] or holders
        owner = self.user_of_chat(chat.get("agentId"))
        same = [row for row in best if owner is not None and self.user_of_guid(stub(row, "owned_by_user")) == owner]
        return min(same or best, key=lambda row: int(row["id"]))

    # People and users, each once

    @cached_property
    def _by_address(self) -> dict[str, Row]:
        known: dict[str, Row] = {}
        for user in sorted(self.hub.users.values(), key=lambda row: int(row["id"])):
            for name in ("email", "email_client_email_address", "sending_email_address", "from_address"):
                if user.get(name):
                    known.setdefault(fold(user[name]), user)
        return known

    def user_of_guid(self, guid: str | None) -> Row | None:
        found = next((row for row in self.hub.users.values() if row["guid"] == guid), None)
        return None if found is None else hub_user(found)

    def user_of_chat(self, agent: int | None) -> Row | None:
        """A Drift user, as Salesloft has them where it does."""
        found = self.chat.users.data.get(agent) if agent is not None else None
        if found is None:
            return None
        twin = self._by_address.get(fold(found.get("email") or ""))
        if twin is not None:
            return hub_user(twin)
        name, email = found.get("name"), found.get("email")
        return {"id": global_id("User", "DRIFT", found["id"]), "name": name, "email": email}

    @cached_property
    def _people_by_address(self) -> dict[str, Row]:
        known: dict[str, Row] = {}
        for person in sorted(self.hub.people.values(), key=lambda row: int(row["id"])):
            if person["id"] not in self.hub.hidden_people:
                for email in addresses(person):
                    known.setdefault(fold(email), person)
        return known

    def person(self, key: int | None) -> Row | None:
        found = self.hub.people.data.get(key) if key is not None else None
        return None if found is None or key in self.hub.hidden_people else hub_person(found)

    def contact(self, key: int | None) -> Row | None:
        """A contact, as Salesloft's person with that address where there is one."""
        found = self.chat.contacts.data.get(key) if key is not None else None
        if found is None:
            return None
        attributes = found["attributes"]
        twin = self._people_by_address.get(fold(attributes.get("email") or ""))
        if twin is not None:
            return hub_person(twin)
        email = attributes.get("email")
        return {
            "id": global_id("Person", "DRIFT", found["id"]),
            "name": attributes.get("name") or attributes.get("first_name"),
            "email": email,
            "emails": [email] if email else None,
        }

    # What is shown

    def meeting(self, event: Event) -> Row:
        """The fields of `FIELDS`."""
        hub, either = event.hub or {}, event.either
        start = event.start
        end = when(hub.get("end_time")) if event.hub else from_ms(event.chats[0].get("slotEnd"))
        all_day = hub.get("all_day")
        minutes = round((end - start).total_seconds() / 60) if start and end else None
        return {
            "id": event.id,
            "source": event.source,
            "sourceId": event.key,
            "sources": ["SALESLOFT", "DRIFT"] if event.both else [event.source],
            "alternateIds": [global_id("Meeting", "DRIFT", chat["slug"]) for chat in event.chats if event.hub],
            "title": hub.get("title"),
            "description": hub.get("description"),
            "location": hub.get("location"),
            "notes": either(lambda row: row.get("notes"), lambda row: row.get("meetingNotes")),
            "startTime": formatted(start),
            "endTime": formatted(end),
            "durationMinutes": minutes,
            "allDay": all_day,
            "startDate": start.date().isoformat() if all_day and start else None,
            "endDate": end.date().isoformat() if all_day and end else None,
            "timeZone": either(lambda _: None, lambda row: row.get("endUserTimeZone")),
            "status": event.status,
            "noShow": event.no_show,
            "canceledAt": formatted(when(hub.get("canceled_at"))),
            "createdAt": formatted(event.made),
            "updatedAt": formatted(event.changed),
            "calendarEventId": either(lambda row: row.get("event_id") or None, lambda row: row.get("eventId")),
            "iCalUid": hub.get("i_cal_uid"),
            "conferenceUrl": either(
                lambda row: row["location"] if str(row.get("location")).startswith("http") else None,
                lambda row: row.get("conferenceDetails", {}).get("join_url"),
            ),
            "recurrence": either(hub_recurrence, chat_recurrence),
            "guests": hub.get("guests"),
            "owner": either(
                lambda row: self.user_of_guid(stub(row, "owned_by_user")),
                lambda row: self.user_of_chat(row.get("agentId")),
            ),
            "bookedBy": either(
                lambda row: self.user_of_guid(stub(row, "booked_by_user")),
                lambda row: self.user_of_chat(row.get("bookedBy")),
            ),
            "person": self.person(hub["person"]["id"])
            if hub.get("person")
            else either(lambda _: None, lambda row: self.contact(row.get("schedulerId"))),
            "attendees": self._attendees(hub.get("attendees")),
            "cadence": self._cadence(stub(hub, "cadence")),
            "step": self._named("step", self.hub.steps.data.get(stub(hub, "step") or 0), "displayName", "display_name"),
            "account": self._named("account", self.hub.accounts.data.get(hub.get("account_id") or 0), "name", "name"),
            "task": self._named("task", self.hub.tasks.data.get(hub.get("task_id") or 0), "subject", "subject"),
            "conversation": either(
                lambda _: None,
                lambda row: self._conversation(self.chat.conversations.data.get(row.get("conversationId", 0))),
            ),
        }

    def _attendees(self, rows: list[Row] | None) -> list[Row] | None:
        if rows is None:
            return None
        return [
            {
                "email": row["email"],
                "name": row["name"],
                "organizer": row["organizer"],
                "status": ANSWER.get(row["status"], "UNKNOWN"),
                "statusChanged": row["status_changed"],
                "deletedAt": formatted(when(row["deleted_at"])),
                "person": self.person(stub(row, "person")),
            }
            for row in rows
        ]

    def _cadence(self, key: int | None) -> Row | None:
        row = self.hub.cadences.data.get(key) if key is not None and key not in self.hub.hidden_cadences else None
        return self._named("cadence", row, "name", "name")

    @staticmethod
    def _named(kind: str, row: Row | None, shown: str, name: str) -> Row | None:
        if row is None:
            return None
        return {"id": global_id(kind.capitalize(), "SALESLOFT", row["id"]), shown: row[name]}

    @staticmethod
    def _conversation(row: Row | None) -> Row | None:
        return None if row is None else {"id": global_id("Conversation", "DRIFT", row["id"]), "status": row["status"]}


def ordered(events: Iterable[Event], value: str = "start", *, descending: bool = True) -> list[Event]:
    """The documented order: by the value, rows without it last, then Salesloft before Drift, then by id."""

    def key(event: Event) -> tuple[Any, ...]:
        at = getattr(event, value)
        source = ("SALESLOFT", "DRIFT").index(event.source)
        if at is None:
            return 1, 0, source, len(event.key), event.key
        micros = (at - EPOCH) // dt.timedelta(microseconds=1)
        return 0, -micros if descending else micros, source, len(event.key), event.key

    return sorted(events, key=key)


JOINED = """
  owner { id name email } bookedBy { id name email } person { id name email emails } cadence { id name }
  step { id displayName } account { id name }
  attendees { email name organizer status statusChanged deletedAt person { id name email emails } }
"""
FIELDS = (
    """
  id source sourceId sources alternateIds title description location notes startTime endTime durationMinutes allDay
  startDate endDate timeZone status noShow canceledAt createdAt updatedAt calendarEventId iCalUid conferenceUrl
  recurrence { recurring rules interval lastOccurrenceAt } guests task { id subject } conversation { id status }
"""
    + JOINED
)
