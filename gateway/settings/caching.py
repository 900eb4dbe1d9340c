"""What of the sources' answers is cached, where and for how long, and who shares it, as it is set."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from gateway.settings.kinds import CACHE, MEMORY, NUMBER, InvalidValue, Kind, Unset, like
from gateway.settings.table import Group, Table
from gateway.sources.lives import DEFAULT, Lives
from gateway.upstream.credentials import Secret
from gateway.upstream.lifetimes import Lifetimes

LONGEST = 7 * 86_400
MEGABYTE = 1024 * 1024


def ttl(default: Lifetimes) -> Kind:
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

    return Kind(
        read=read,
        expected="three (or four) numbers of seconds",
        column="three or four numbers of seconds",
        show=_written,
    )


def _written(lifetimes: Lifetimes) -> str:
    return f"{lifetimes.fresh:g},{lifetimes.stale:g},{lifetimes.fallback:g}"


PAGES, WINDOW = ttl(DEFAULT.pages), ttl(DEFAULT.window)
DIRECTORIES, RECORDS = ttl(DEFAULT.directories), ttl(DEFAULT.people)


class CacheSettings(Group, frozen=True, kw_only=True):
    """Where records are cached between requests, and for how long."""

    url: Annotated[
        Secret | None,
        CACHE,
        Unset(f"`{MEMORY}`"),
        Meta(
            title="GATEWAY_CACHE_URL",
            description="the Redis or Valkey that replicas share cache and budget through; with `memory://` each "
            "process has its own",
        ),
    ] = None
    size: Annotated[
        int,
        Meta(
            title="GATEWAY_CACHE_SIZE",
            ge=1,
            le=65_536,
            description="megabytes of memory that the cached records of one process may take",
        ),
    ] = 128
    replicas: Annotated[
        int,
        Meta(
            title="GATEWAY_REPLICAS",
            ge=1,
            le=1000,
            description="how many gateways share the upstream budgets where no Redis counts them; each worker then has "
            "the limit divided by replicas and by workers",
        ),
    ] = 1
    pages: Annotated[
        Lifetimes,
        PAGES,
        Meta(title="GATEWAY_TTL_PAGES", description="pages of Salesloft's lists, and meetings that were looked up"),
    ] = DEFAULT.pages
    window: Annotated[
        Lifetimes,
        WINDOW,
        Meta(title="GATEWAY_TTL_WINDOW", description="Drift's meetings, which can only be had all at once"),
    ] = DEFAULT.window
    directories: Annotated[
        Lifetimes,
        DIRECTORIES,
        Meta(
            title="GATEWAY_TTL_DIRECTORIES",
            description="lists of all users, of all cadences and of a cadence's steps",
        ),
    ] = DEFAULT.directories
    people: Annotated[Lifetimes, RECORDS, Meta(title="GATEWAY_TTL_PEOPLE", description="people")] = DEFAULT.people
    users: Annotated[Lifetimes, RECORDS, Meta(title="GATEWAY_TTL_USERS", description="users")] = DEFAULT.users
    cadences: Annotated[Lifetimes, RECORDS, Meta(title="GATEWAY_TTL_CADENCES", description="cadences")] = (
        DEFAULT.cadences
    )
    steps: Annotated[Lifetimes, RECORDS, Meta(title="GATEWAY_TTL_STEPS", description="steps of cadences")] = (
        DEFAULT.steps
    )
    accounts: Annotated[Lifetimes, RECORDS, Meta(title="GATEWAY_TTL_ACCOUNTS", description="accounts")] = (
        DEFAULT.accounts
    )
    tasks: Annotated[Lifetimes, RECORDS, Meta(title="GATEWAY_TTL_TASKS", description="tasks")] = DEFAULT.tasks
    conversations: Annotated[
        Lifetimes, RECORDS, Meta(title="GATEWAY_TTL_CONVERSATIONS", description="conversations")
    ] = DEFAULT.conversations

    @property
    def bytes(self) -> int:
        """The memory that the cached records of one process may take."""
        return self.size * MEGABYTE

    @property
    def lives(self) -> Lives:
        """The lifetimes by kind."""
        return Lives(**{kind: getattr(self, kind) for kind in Lives.__struct_fields__})


CACHING = Table(
    "Caching and replicas",
    CacheSettings,
    about="""A lifetime (`GATEWAY_TTL_…`) is three numbers of seconds, each beginning where the one before ends: so long
a record is *fresh* and used as it is; then it is *stale*, used once more while it is fetched again in the background;
then it is only a fallback, used where the source does not answer. Answers made of either of the latter say `STALE`. A
fourth number says how long it is believed that something does not exist (60 for records, never longer than fresh).
`0,0,0` caches nothing.""",
    example="GATEWAY_CACHE_URL=redis://cache:6379/0\nGATEWAY_TTL_PAGES=10,20,600",
)
