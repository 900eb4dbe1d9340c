"""What Drift holds: its users, accounts, contacts, conversations and meetings (Drift: Meeting model, User, Contact).

Some meetings are Salesloft's events too, some Drift alone knows.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random
from uuid import UUID

from gateway.emulator import names
from gateway.emulator.calendar import (
    before,
    google_event_id,
    instant,
    millis,
    occurrence_id,
    outlook_event_id,
    utc_text,
    working_slot,
)
from gateway.emulator.meetings import REACH_AHEAD, REACH_BACK
from gateway.emulator.table import Row, chance, nth

FIRST_ID = 10_200_000_000
"""Where contacts and conversations begin: one number names a record of each."""
STEP = 1_009


class Visitors:
    """Makes contacts and conversations as meetings need them, and keeps what it made."""

    def __init__(self, rng: Random, now: datetime, strangers: int) -> None:
        self.contacts: dict[int, Row] = {}
        self.conversations: dict[int, Row] = {}
        self.bare_emails: set[str] = set()
        self._rng = rng
        self._now = now
        self._of_person: dict[int, Row] = {}
        self._strangers = iter(names.people_names(rng, strangers))

    def contact_of(self, person: Row) -> Row:
        """Give the contact of one of Salesloft's people, the same each time; sometimes a second contact of that e-mail.

        The address is the person's first, second or private one, now and then in capitals; where there is none at all,
        the contact has none either.
        """
        known = self._of_person.get(person["id"])
        if known is not None and not chance(self._rng, 0.1):
            return known
        number = len(self.contacts)
        email = person["email_address"]
        if nth(number, 2) and person["secondary_email_address"]:
            email = person["secondary_email_address"]
        elif not email or (nth(number, 3) and person["personal_email_address"]):
            email = person["personal_email_address"]
        if email and nth(number, 9):
            email = email.strip().upper()
        contact = self._contact(person["display_name"], email)
        self._of_person[person["id"]] = contact
        return contact

    def stranger(self) -> Row:
        """Make a contact whom Salesloft does not know; every twelfth left no e-mail address."""
        first, last, mailbox = next(self._strangers)
        email = None if nth(len(self.contacts), 12) else f"{mailbox}@visitor-{len(self.contacts)}.example"
        return self._contact(f"{first} {last}", email)

    def _contact(self, name: str, email: str | None) -> Row:
        rng, number = self._rng, len(self.contacts)
        seen = before(rng, self._now, days=60)
        attributes = _attributes(number, name, millis(seen), ip=f"192.0.2.{rng.randrange(1, 255)}")
        if email:
            attributes["email"] = email
            if nth(number, 25, 1):
                self.bare_emails.add(email.strip().lower())
        if nth(number, 2):
            attributes["phone"] = f"+1558{number:07d}"
            attributes["last_contacted"] = millis(seen)
        if nth(number, 3):
            attributes["externalId"] = f"a12-{number}"
        contact: Row = {"id": FIRST_ID + number * STEP, "createdAt": millis(seen), "attributes": attributes}
        self.contacts[contact["id"]] = contact
        return contact

    def conversation(self, contact: int, agents: list[int], at: datetime) -> int:
        """Make the conversation that led to a meeting.

        Returns:
            Its id.
        """
        rng, number = self._rng, len(self.conversations)
        tags = [{"color": "0960C5", "name": "pricing"}, {"color": "7695A5", "name": "enterprise"}]
        row: Row = {
            "id": FIRST_ID + number * STEP,
            "orgId": ORG_ID,
            "status": ("closed", "open", "pending", "bulk_sent")[number % 4],
            "participants": agents,
            "contactId": contact,
            "inboxId": 116_983,
            "conversationTags": tags[: number % 3],
            "createdAt": millis(at),
            "updatedAt": millis(before(rng, self._now, days=5)),
        }
        if nth(number, 2):
            row["relatedPlaybookId"] = 63_505 + number % 9
        self.conversations[row["id"]] = row
        return int(row["id"])


def _attributes(number: int, name: str, seen: int, *, ip: str) -> Row:
    """Make what the chat widget gathers, most of it no one's business."""
    return {
        "_END_USER_VERSION": 87,
        "_end_user_version": 87,
        "_calculated_version": 87,
        "ip": ip,
        "original_ip": ip,
        "last_context_location": '{"city":"Springfield","region":"Oregon","latitude":44.05,"longitude":-123.02}',
        "recent_entrance_page_url": "https://www.brightquay.example/pricing",
        "recent_entrance_page_title": "Pricing",
        "original_entrance_page_url": "https://www.brightquay.example",
        "original_entrance_page_title": "Brightquay",
        "socialProfiles": {"linkedin": f"https://linkedin.example/in/visitor-{number}"} if nth(number, 4) else {},
        "events": {"pricing-page": seen} if nth(number, 3) else {},
        "tags": [{"name": "hot", "color": "F00000"}] if nth(number, 6) else [],
        ("name" if nth(number, 2) else "first_name"): name,
        "start_date": seen,
        "last_active": seen,
    }


ORG_ID = 48_210
FIRST_USER_ID = 2_322_700
_OWN = 4


def users(rng: Random, now: datetime, team: list[Row]) -> list[Row]:
    """Make Drift's users: two thirds of the Salesloft users, by one or another of their addresses, and a few others.

    The last of the others is a bot, without an e-mail address.
    """
    rows = [
        _user(rng, number, now, user["name"], _address(user, number))
        for number, user in enumerate(team)
        if not nth(number, 3, 2)
    ]
    for number, (first, last, mailbox) in enumerate(names.people_names(rng, _OWN)):
        row = _user(rng, len(team) + number, now, f"{first} {last}", f"{mailbox}@chat.{names.TEAM_DOMAIN}")
        if number == _OWN - 1:
            row["name"], row["bot"] = "Brightquay Bot", True
            del row["email"]
        rows.append(row)
    return rows


def _address(user: Row, number: int) -> str:
    email = user["from_address"] or user["email_client_email_address"]
    return str(email).upper() if nth(number, 7, 3) else str(email)


def _user(rng: Random, number: int, now: datetime, name: str, email: str) -> Row:
    created = before(rng, now - timedelta(days=300), days=500)
    row: Row = {
        "id": FIRST_USER_ID + number * 3,
        "orgId": ORG_ID,
        "name": name,
        "alias": email.partition("@")[0],
        "email": email,
        "phone": f"555-{number:03d}-0100",
        "locale": "en-US",
        "availability": ("AVAILABLE", "OFFLINE", "ON_CALL", "ONLINE")[number % 4],
        "role": ("admin", "member", "agent")[number % 3],
        "timeZone": names.PLACES[number % len(names.PLACES)][4],
        "avatarUrl": f"https://avatars.example/{number}.png",
        "verified": True,
        "bot": False,
        "createdAt": millis(created),
        "updatedAt": millis(before(rng, now, days=100)),
    }
    for at, key in enumerate(("alias", "phone", "timeZone", "avatarUrl")):
        if nth(number, 5, at):
            del row[key]
    return row


def accounts(rng: Random, now: datetime, companies: list[Row], owners: list[Row]) -> list[Row]:
    """Make Drift's accounts: every other company of Salesloft's; every fifteenth is deleted."""
    rows = []
    for number, company in enumerate(companies[::2]):
        created = before(rng, now - timedelta(days=40), days=400)
        rows.append(
            {
                "accountId": str(UUID(int=rng.getrandbits(128), version=4)),
                "ownerId": owners[number % len(owners)]["id"],
                "name": company["name"],
                "domain": company["domain"],
                "deleted": nth(number, 15, 14),
                "customProperties": [{"label": "Tier", "name": "tier", "value": number % 3, "type": "NUMBER"}],
                "targeted": nth(number, 4),
                "createDateTime": millis(created),
                "updateDateTime": millis(before(rng, now, days=40)),
            }
        )
    return rows


HORIZON = timedelta(days=30)
_SLUG = "abcdefghjkmnpqrstuvwxyz23456789"
_TWINS = (
    *("same",) * 12,
    *("moved in Salesloft", "moved in Drift") * 2,
    *("canceled in Salesloft", "canceled in Drift") * 2,
    "canceled in both",
    *("by iCalendar UID",) * 3,
    "iCalendar UID alone",
)


class BookingMaker:
    """Makes Drift meetings; where one is to tell another story than Salesloft's record, either is changed."""

    def __init__(self, rng: Random, now: datetime, team: list[Row], agents: list[Row], visitors: Visitors) -> None:
        self._rng = rng
        self._now = now
        self._agents = [agent for agent in agents if not agent["bot"]]
        self._visitors = visitors
        by_email = {agent["email"].lower(): agent for agent in self._agents}
        self._agent_of = {
            user["guid"]: by_email[address.lower()]
            for user in team
            for address in (user["email"], user["email_client_email_address"], user["from_address"])
            if address and address.lower() in by_email
        }

    def fill(self, count: int, salesloft: list[Row], people: dict[int, Row]) -> dict[str, Row]:
        """Make so many meetings, half of them twins of Salesloft's, one in eight beyond Drift's own horizon."""
        rows: list[Row] = []
        far, near = self._candidates(salesloft)
        for number, event in enumerate([*far[: count // 16], *near[: count // 2 - count // 16]]):
            rows.append(self._twin(event, people, _TWINS[number % len(_TWINS)]))
            if nth(number, 60, 7):
                rows.append(self._rebooked(rows[-1]))
        rows += self._unknown_occurrences(near, count // 40)
        while len(rows) < count:
            rows.append(self._alone(len(rows), far=nth(len(rows), 7)))
        self._rng.shuffle(rows)
        return {row["slug"]: row for row in rows}

    def _candidates(self, salesloft: list[Row]) -> tuple[list[Row], list[Row]]:
        """Give Salesloft's Google events before and within Drift's horizon, shuffled; of a shared event one record.

        Events that two calendars hold come first, so that enough of them have a twin.
        """
        edge = utc_text(self._now - HORIZON)
        fit = [
            row
            for row in salesloft
            if row["event_id"]
            and (row["start_time"] or "").endswith("000Z")
            and not row["all_day"]
            and str(row["i_cal_uid"]).endswith("google.com")
        ]
        self._rng.shuffle(fit)
        times = Counter(row["event_id"] for row in fit)
        once = list({row["event_id"]: row for row in fit}.values())
        shared = [row for row in once if times[row["event_id"]] > 1]
        far = [row for row in once if row["start_time"] < edge]
        near = [row for row in shared if row["start_time"] >= edge]
        near += [row for row in once if row["start_time"] >= edge and times[row["event_id"]] == 1]
        return far, near

    def _twin(self, event: Row, people: dict[int, Row], story: str) -> Row:
        rng = self._rng
        start, end = instant(event["start_time"]), instant(event["end_time"])
        start = start.replace(microsecond=start.microsecond // 1000 * 1000)
        owner = event.get("owned_by_user") or {}
        agent = self._agent_of.get(owner.get("id", "")) or rng.choice(self._agents)
        contact = self._visitors.contact_of(people[event["person"]["id"]])
        event_id = event["event_id"]
        row = self._booking(start, end - start, agent, contact, event_id)
        changed = utc_text(max(before(rng, self._now, days=2), instant(event["created_at"])))
        if story == "moved in Salesloft":
            moved = timedelta(days=2, minutes=15)
            times = {"start_time": utc_text(start + moved), "end_time": utc_text(end + moved)}
            event.update(times, updated_at=changed, no_show=False)
        elif story == "moved in Drift":
            row["slotStart"], row["slotEnd"] = millis(start + timedelta(days=1)), millis(end + timedelta(days=1))
        elif story.startswith("canceled"):
            if story != "canceled in Drift":
                event.update(canceled_at=changed, updated_at=changed)
            row["status"] = "ACTIVE" if story == "canceled in Salesloft" else "CANCELED"
        elif "iCalendar" in story:
            event["event_id"] = outlook_event_id(rng)
            if not event_id.partition("_")[2] and event.get("recurring"):
                row["eventId"] = occurrence_id(event_id, start)
            if story == "iCalendar UID alone":
                row["slotStart"] += 3_600_000
                row["slotEnd"] += 3_600_000
        return row

    def _rebooked(self, row: Row) -> Row:
        """Make a second, newer Drift record of the same event."""
        return row | {"slug": self._slug(), "updatedAt": row["updatedAt"] + 1, "meetingType": "Follow Up"}

    def _unknown_occurrences(self, near: list[Row], count: int) -> Iterator[Row]:
        """Make occurrences of Salesloft's series when Salesloft has none: the UID is shared, the event is not."""
        series = {row["i_cal_uid"]: row for row in near if row.get("recurring")}
        for row in list(series.values())[:count]:
            start = instant(row["start_time"]) + timedelta(days=3)
            event_id = occurrence_id(row["i_cal_uid"].partition("@")[0], start)
            agent, contact = self._rng.choice(self._agents), self._visitors.stranger()
            yield self._booking(start, timedelta(minutes=30), agent, contact, event_id) | {"isRecurring": True}

    def _alone(self, number: int, *, far: bool) -> Row:
        rng = self._rng
        first, last = (-REACH_BACK, -HORIZON) if far else (-HORIZON, REACH_AHEAD)
        start = working_slot(rng, self._now + first, self._now + last)
        event_id = outlook_event_id(rng) if nth(number, 5) else google_event_id(rng)
        row = self._booking(start, timedelta(minutes=30), rng.choice(self._agents), self._visitors.stranger(), event_id)
        if nth(number, 11):
            row["status"] = "CANCELLED" if nth(number, 2) else "CANCELED"
        if nth(number, 190, 3):
            row["status"] = "RESCHEDULED"
        if nth(number, 40, 9):
            del row["eventId"]
        if nth(number, 90, 9):
            row["schedulerId"] = 10_100_000_000 + number
        return row

    def _booking(self, start: datetime, length: timedelta, agent: Row, contact: Row, event_id: str) -> Row:
        rng = self._rng
        booked = before(rng, min(start, self._now), days=20)
        row: Row = {
            "agentId": agent["id"],
            "orgId": ORG_ID,
            "status": "ACTIVE",
            "meetingSource": rng.choice(("EMAIL_DROP", "WIDGET", "LANDING_PAGE")),
            "schedulerId": contact["id"],
            "eventId": event_id,
            "slug": self._slug(),
            "slotStart": millis(start),
            "slotEnd": millis(start + length),
            "updatedAt": millis(booked if chance(rng, 0.5) else before(rng, self._now, days=1)),
            "scheduledAt": millis(booked),
            "meetingType": rng.choice(("New Meeting", "Follow Up")),
        }
        row["updatedAt"] = max(row["updatedAt"], row["scheduledAt"])
        optional: Row = {
            "endUserTimeZone": rng.choice(names.PLACES)[4],
            "meetingNotes": "Would like to see the reporting, gern auf Deutsch",
            "bookedBy": rng.choice(self._agents)["id"],
            "conferenceType": rng.choice(("ZOOM", "GOOGLE_MEET")),
            "conferenceDetails": {"join_url": f"https://meet.example/j/{rng.randrange(10**9)}"},
            "isRecurring": False,
            "isPrivate": chance(rng, 0.1),
            "meetingSlug": "intro",
            "isOrgSlug": True,
        }
        row.update((key, value) for key, value in optional.items() if chance(rng, 0.6))
        if chance(rng, 0.7):
            row["conversationId"] = self._visitors.conversation(contact["id"], [agent["id"]], booked)
            if chance(rng, 0.02):
                row["conversationId"] += 3
        return row

    def _slug(self) -> str:
        return "".join(self._rng.choices(_SLUG, k=12))
