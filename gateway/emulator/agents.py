"""The team and the companies it talks to, as Drift knows them (Drift: User, Account)."""

from datetime import datetime, timedelta
from random import Random
from uuid import UUID

from gateway.emulator import names
from gateway.emulator.calendar import before, millis
from gateway.emulator.draw import nth
from gateway.emulator.table import Row

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
