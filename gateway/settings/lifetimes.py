"""How long records of each kind may be used: two settings each, over a preset."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta

from gateway.settings.kinds import NUMBER, InvalidValue, ValueKind, like
from gateway.settings.table import SettingsGroup, SettingsTable
from gateway.upstream.freshness import DIRECTORY, PAGES, RECORDS, WINDOW, Lifetimes

LONGEST = 7 * 86_400
NUMBERS = 2


def ttl(preset: Lifetimes) -> ValueKind:
    """Seconds for which a record is fresh, then stale; all else is the preset's."""
    example = _written(preset)

    def read(text: str) -> Lifetimes:
        parts = [part.strip() for part in text.split(",")]
        if len(parts) != NUMBERS or not all(NUMBER.fullmatch(part) and float(part) <= LONGEST for part in parts):
            raise InvalidValue(f'"{text[:40]}" is not two numbers of seconds; {like(example)}')
        fresh, stale = map(float, parts)
        return msgspec.structs.replace(
            preset,
            fresh=fresh,
            stale=stale,
            fallback=preset.fallback if fresh or stale else 0.0,
            absent=min(preset.absent, fresh),
            accepted=preset.accepted if fresh or stale else 0.0,
        )

    return ValueKind(
        read=read,
        expected="two numbers of seconds",
        show=_written,
    )


def _written(lifetimes: Lifetimes) -> str:
    return f"{lifetimes.fresh:g},{lifetimes.stale:g}"


Record: TypeAlias = Annotated[Lifetimes, ttl(RECORDS)]


class RecordLifetimes(SettingsGroup, frozen=True, kw_only=True):
    """A lifetime for each kind of record or list, whichever source it is of."""

    pages: Annotated[
        Lifetimes,
        ttl(PAGES),
        Meta(title="GATEWAY_TTL_PAGES", description="pages of lists, and meetings that were looked up"),
    ] = PAGES
    window: Annotated[
        Lifetimes,
        ttl(WINDOW),
        Meta(
            title="GATEWAY_TTL_WINDOW",
            description="meetings that are read all at once, or a month at once (Drift's, Calendly's)",
        ),
    ] = WINDOW
    directories: Annotated[
        Lifetimes,
        ttl(DIRECTORY),
        Meta(title="GATEWAY_TTL_DIRECTORIES", description="lists of all users, all cadences and a cadence's steps"),
    ] = DIRECTORY
    people: Annotated[Record, Meta(title="GATEWAY_TTL_PEOPLE", description="people by id and by e-mail")] = RECORDS
    users: Annotated[Record, Meta(title="GATEWAY_TTL_USERS", description="users by their keys")] = RECORDS
    cadences: Annotated[Record, Meta(title="GATEWAY_TTL_CADENCES", description="cadences by id")] = RECORDS
    steps: Annotated[Record, Meta(title="GATEWAY_TTL_STEPS", description="steps by id")] = RECORDS
    accounts: Annotated[Record, Meta(title="GATEWAY_TTL_ACCOUNTS", description="accounts by id")] = RECORDS
    tasks: Annotated[Record, Meta(title="GATEWAY_TTL_TASKS", description="tasks by id")] = RECORDS
    conversations: Annotated[Record, Meta(title="GATEWAY_TTL_CONVERSATIONS", description="conversations by id")] = (
        RECORDS
    )


DEFAULT = RecordLifetimes()
"""What holds where nothing is set."""

LIFETIMES = SettingsTable(
    "Lifetimes of what is cached",
    RecordLifetimes,
    about="""A lifetime is two numbers of seconds, the second beginning where the first ends: so long a
record is *fresh* and used as it is; then it is *stale*, used once more while it is fetched again in the background.
After that it is only a fallback, used where the source does not answer: pages of lists for 10 minutes, what
`GATEWAY_TTL_WINDOW` is for an hour, all else for a day. Answers made of a stale record or a fallback say `STALE`. That
a record does not exist is cached for a minute (of pages 10 seconds, of windows 30), and never longer than records are
fresh. Months of Calendly's that are over (of windows), and invitees (of pages), are cached twenty times as long as is
set. `0,0` caches nothing.""",
    example="GATEWAY_TTL_PAGES=10,20\nGATEWAY_TTL_USERS=300,3600",
)
