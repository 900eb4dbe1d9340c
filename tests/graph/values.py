"""Single values of the vendors' rows, in the form in which the graph has to show them."""

from __future__ import annotations

import base64
import datetime as dt
import re
from typing import Any

Row = dict[str, Any]
UTC = dt.UTC
EPOCH = dt.datetime(1970, 1, 1, tzinfo=UTC)

STATUS = {"pending": "PENDING", "retry": "PENDING", "booked": "BOOKED", "failed": "FAILED"}
ANSWER = {
    "needsAction": "NEEDS_ACTION",
    "accepted": "ACCEPTED",
    "tentative": "TENTATIVE",
    "declined": "DECLINED",
}


def global_id(kind: str, source: str, key: object) -> str:
    return base64.urlsafe_b64encode(f"{kind}:{source}:{key}".encode()).decode().rstrip("=")


def plain(key: str) -> str:
    """The id in its source of a global id."""
    return base64.urlsafe_b64decode(key + "=" * (-len(key) % 4)).decode().split(":", 2)[2]


def when(text: str | None) -> dt.datetime | None:
    return None if text is None else dt.datetime.fromisoformat(text).astimezone(UTC)


def from_ms(value: int | None) -> dt.datetime | None:
    return None if value is None else EPOCH + dt.timedelta(milliseconds=value)


def formatted(value: dt.datetime | None) -> str | None:
    return None if value is None else value.strftime("%Y-%m-%dT%H:%M:%S.") + f"{value.microsecond:06d}Z"


def fold(address: str) -> str:
    return address.strip().casefold()


def stub(row: Row, name: str) -> Any:
    return (row.get(name) or {}).get("id")


def uid_of(event_id: str) -> str:
    return re.sub(r"_\d{8}(T\d{6}Z?)?$", "", event_id) + "@google.com"


def changed(chat: Row) -> int:
    return int(chat.get("updatedAt") or chat.get("scheduledAt") or 0)


def hub_user(row: Row) -> Row:
    return {"id": global_id("User", "SALESLOFT", row["id"]), "name": row["name"], "email": row["email"]}


def addresses(person: Row) -> list[str]:
    names = ("email_address", "secondary_email_address", "personal_email_address")
    known: dict[str, str] = {}
    for name in names:
        if person.get(name) and person[name].strip():
            known.setdefault(fold(person[name]), person[name])
    return list(known.values())


def hub_person(row: Row) -> Row:
    emails = addresses(row)
    return {
        "id": global_id("Person", "SALESLOFT", row["id"]),
        "name": row["display_name"] or " ".join(filter(None, (row["first_name"], row["last_name"]))) or None,
        "email": emails[0] if emails else None,
        "emails": emails or None,
    }


def hub_recurrence(row: Row) -> Row | None:
    found = {
        "recurring": row.get("recurring"),
        "rules": row.get("recurrence"),
        "interval": row.get("recurring_interval"),
        "lastOccurrenceAt": formatted(when(row.get("last_occurrence_at"))),
    }
    return found if any(value is not None for value in found.values()) else None


def chat_recurrence(row: Row) -> Row | None:
    if "isRecurring" not in row:
        return None
    return {"recurring": row["isRecurring"], "rules": None, "interval": None, "lastOccurrenceAt": None}
