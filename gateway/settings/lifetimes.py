"""How long records of each kind may be used, as it is set."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta

from gateway.settings.kinds import NUMBER, InvalidValue, ValueKind, like
from gateway.settings.table import SettingsGroup, SettingsTable
from gateway.upstream.lifetimes import DIRECTORY, PAGES, RECORDS, WINDOW, Lifetimes

LONGEST = 7 * 86_400


def ttl(default: Lifetimes) -> ValueKind:
    """Seconds fresh, then stale while fetched anew, then as a fallback; optionally how long an absence is believed."""
    example = _written(default)

    def read(text: str) -> Lifetimes:
        parts = [part.strip() for part in text.split(",")]
        if len(parts) not in {3, 4} or not all(NUMBER.fullmatch(part) and float(part) <= LONGEST for part in parts):
            raise InvalidValue(f'"{text[:40]}" is not three (or four) numbers of seconds; {like(example)}')
        fresh, stale, fallback, *absent = map(float, parts)
        return msgspec.structs.replace(
            default,
            fresh=fresh,
            stale=stale,
            fallback=fallback,
            absent=absent[0] if absent else min(default.absent, fresh),
        )

    return ValueKind(
        read=read,
        expected="three (or four) numbers of seconds",
        column="three or four numbers of seconds",
        show=_written,
    )


def _written(lifetimes: Lifetimes) -> str:
    return f"{lifetimes.fresh:g},{lifetimes.stale:g},{lifetimes.fallback:g}"


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
        Meta(title="GATEWAY_TTL_WINDOW", description="meetings that can only be had all at once (Drift's)"),
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
    about="""A lifetime is three numbers of seconds, each beginning where the one before ends: so long
a record is *fresh* and used as it is; then it is *stale*, used once more while it is fetched again in the background;
then it is only a fallback, used where the source does not answer. Answers made of either of the latter say `STALE`. A
fourth number says how long it is believed that something does not exist (60 for records, never longer than fresh).
`0,0,0` caches nothing.""",
    example="GATEWAY_TTL_PAGES=10,20,600\nGATEWAY_TTL_USERS=300,3600,86400,60",
)
