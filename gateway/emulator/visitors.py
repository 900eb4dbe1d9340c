"""Who came to the site and what was said, as Drift knows it (Drift: Contact, Conversation)."""

from datetime import datetime
from random import Random

from gateway.emulator import names
from gateway.emulator.agents import ORG_ID
from gateway.emulator.calendar import before, millis
from gateway.emulator.draw import chance, nth
from gateway.emulator.table import Row

FIRST_CONTACT_ID = 10_200_000_000
FIRST_CONVERSATION_ID = 4_019_061_071


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
        contact: Row = {"id": FIRST_CONTACT_ID + number * 1_009, "createdAt": millis(seen), "attributes": attributes}
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
            "id": FIRST_CONVERSATION_ID + number * 7,
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
