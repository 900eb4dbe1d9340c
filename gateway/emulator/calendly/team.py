"""The organization as Calendly knows it: users, their memberships, the kinds of events that they offer."""

from datetime import datetime, timedelta
from random import Random
from uuid import UUID

from gateway.emulator import names
from gateway.emulator.calendar import before, utc_text
from gateway.emulator.table import Row, nth

API = "https://api.calendly.com"
"""Records are addressed by URIs below this, wherever the emulator listens."""
_OWN = 3
_EVENT_TYPES = (("Product demo", 30), ("Discovery call", 15), ("Group webinar", 60), ("Pricing talk", 45))


def uuid(rng: Random, number: int) -> str:
    """Make an id: a UUID, or now and then sixteen letters."""
    if nth(number, 6, 5):
        return "".join(rng.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ", k=16))
    return str(UUID(int=rng.getrandbits(128), version=4))


def uri(*path: str) -> str:
    """Make the URI of a record."""
    return "/".join((API, *path))


def key_of(address: str) -> str:
    """Read the id out of a URI."""
    return address.rpartition("/")[2]


def users(rng: Random, now: datetime, team: list[Row]) -> list[Row]:
    """Make the users: every second Salesloft user, by one or another of their addresses, and a few others.

    The first is the token's own, and the organization's owner.
    """
    organization = uri("organizations", uuid(rng, 0))
    known = [
        (user["name"], str(user["email_client_email_address"] if nth(number, 4) else user["email"]))
        for number, user in enumerate(team)
        if nth(number, 2)
    ]
    others = [
        (f"{first} {last}", f"{mailbox}@book.{names.TEAM_DOMAIN}")
        for first, last, mailbox in names.people_names(rng, _OWN)
    ]
    return [
        _user(rng, number, now, name=name, email=email, organization=organization)
        for number, (name, email) in enumerate([*known, *others])
    ]


def _user(rng: Random, number: int, now: datetime, *, name: str, email: str, organization: str) -> Row:
    created = before(rng, now - timedelta(days=300), days=500)
    slug = email.partition("@")[0].lower()
    return {
        "uri": uri("users", uuid(rng, number)),
        "name": name,
        "slug": slug,
        "email": email,
        "scheduling_url": f"https://calendly.com/{slug}",
        "timezone": names.PLACES[number % len(names.PLACES)][4],
        "avatar_url": None if nth(number, 3) else f"https://avatars.example/calendly/{number}.png",
        "created_at": utc_text(created),
        "updated_at": utc_text(before(rng, now, days=200)),
        "current_organization": organization,
        "locale": "en",
        "resource_type": "User",
    }


def memberships(rng: Random, people: list[Row]) -> list[Row]:
    """Make each user's membership; the first owns the organization, the second is an admin of it."""
    return [
        {
            "uri": uri("organization_memberships", uuid(rng, number)),
            "role": ("owner", "admin")[number] if number < len(("owner", "admin")) else "user",
            "user": {key: value for key, value in user.items() if key not in {"current_organization", "resource_type"}},
            "organization": user["current_organization"],
            "created_at": user["created_at"],
            "updated_at": user["updated_at"],
        }
        for number, user in enumerate(people)
    ]


def event_types(rng: Random, now: datetime, people: list[Row]) -> list[Row]:
    """Make the kinds of events that can be booked, each of one user."""
    return [
        {
            "uri": uri("event_types", uuid(rng, number)),
            "name": name,
            "active": True,
            "slug": name.lower().replace(" ", "-"),
            "scheduling_url": f"https://calendly.com/{people[0]['slug']}/{number}",
            "duration": minutes,
            "kind": "group" if name.startswith("Group") else "solo",
            "type": "StandardEventType",
            "created_at": utc_text(now - timedelta(days=400)),
            "updated_at": utc_text(now - timedelta(days=90)),
            "profile": {"type": "User", "name": people[0]["name"], "owner": people[0]["uri"]},
        }
        for number, (name, minutes) in enumerate(_EVENT_TYPES)
    ]
