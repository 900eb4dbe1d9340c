"""Salesloft's lists: each is one row of a table, with all that differs between them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, TypeAlias, TypeVar, cast

import msgspec

from gateway.model.conditions import Filter
from gateway.model.cost import ASSUMED
from gateway.model.filters import MeetingFilter
from gateway.model.order import OrderField
from gateway.model.record_filters import AccountFilter, PersonFilter
from gateway.model.records import Account, Cadence, Meeting, Person, Record, Source, Step, Task, User
from gateway.paging.merge import Problem
from gateway.settings.lifetimes import RecordLifetimes
from gateway.sources.base import Found
from gateway.sources.cached import Translated, Translator
from gateway.sources.decode import Body, BodyDecoder, Row
from gateway.sources.problems import problems_of
from gateway.sources.salesloft import related, translate, wire
from gateway.upstream.freshness import Lifetimes
from gateway.upstream.http import Params, UpstreamCall

W = TypeVar("W", bound=msgspec.Struct)
R = TypeVar("R", bound=Record)

MOST_ROWS = 100
"""`per_page` of a call at most (Salesloft: List meetings)."""

COSTS = ((100, 1), (150, 3), (250, 8), (500, 10))
"""Pages up to a number, and what each costs (Salesloft: Rate limits)."""

DEEPEST_COST = 30

NEXT_PAGE = "paging.next_page"
"""Where a page says whether another one follows."""

EVERYBODY: Params = (("visible_only", "false"),)
"""Without it users are hidden by group privacy (Salesloft: List users)."""

NO_FILTERS = frozenset(
    {
        *("per_page", "page", "sort_by", "sort_direction", "include_paging_counts", "limit_paging_counts"),
        *("include_meetings_settings", "show_deleted", "visible_only"),
    }
)
"""Parameters that hold nothing of a client's: where a call without others is not accepted, no filter is to blame."""


def cost_of(page: int) -> int:
    """Units that a page costs, by how deep it lies."""
    return next((cost for until, cost in COSTS if page <= until), DEEPEST_COST)


class RecordPage(msgspec.Struct, Generic[R], frozen=True, kw_only=True):
    """A page of a list.

    Attributes:
        rows: Its records in the order sent.
        last: Whether nothing comes after it.
        lost: How many rows of it could not be read at all.
        per_page: The rows that pages have, as Salesloft corrected them; None where it does not say.
        total: How many rows the whole list has; None where it was not asked for or is not known.
        problems: What could not be read.
    """

    rows: list[R]
    last: bool
    lost: int = 0
    per_page: int | None = None
    total: int | None = None
    problems: tuple[Problem, ...] = ()


class SentPage(msgspec.Struct, Generic[W], frozen=True):
    """A page as it was sent.

    Attributes:
        body: Its rows and where it says it stands.
        per_page: The rows asked for, None where no page was.
    """

    body: Body[W, wire.Metadata]
    per_page: int | None


class RecordRows(msgspec.Struct, Generic[W], frozen=True, kw_only=True):
    """Rows of a list, of one page or several.

    Attributes:
        rows: The rows.
        lost: Those that could not be read at all; see `Body.lost`.
        incomplete: Why rows are missing, in a sentence for clients; None where none are.
    """

    rows: list[Row[W]]
    lost: tuple[str, ...] = ()
    incomplete: str | None = None


Entry: TypeAlias = R | Translated[RecordRows[W], Found[R]]
"""What is cached of a key: its record alone, which is nearly all there is, or rows of which more is to be said."""


class EntryCodec(Generic[W, R]):
    """Entries of keys as bytes and back: whichever it is, they are encoded as rows.

    Args:
        founds: Encodes rows.
    """

    def __init__(self, founds: Translator[RecordRows[W], Found[R]]) -> None:
        self._founds = founds

    @property
    def layout(self) -> str:
        """Which type the rows are of."""
        return self._founds.layout

    def encode(self, value: Entry[R, W], /) -> bytes:
        """The rows as bytes."""
        if isinstance(value, Translated):
            return self._founds.encode(value)
        return self._founds.encode(Translated(RecordRows(rows=[Row(cast("W", value.raw))]), Found(rows=[value])))

    def decode(self, data: bytes, /) -> Entry[R, W]:
        """What these bytes hold, translated anew.

        Raises:
            msgspec.MsgspecError: They hold no such rows.
        """
        return slim(self._founds.decode(data))


def slim(entry: Translated[RecordRows[W], Found[R]]) -> Entry[R, W]:
    """The record alone, where an entry is one that could be read whole."""
    sent = entry.sent
    if len(sent.rows) != 1 or sent.rows[0].unreadable or sent.lost or sent.incomplete or entry.value.problems:
        return entry
    return entry.value.rows[0]


def is_doubtful(entry: Entry[R, W]) -> bool:
    """Whether some of it could not be read; see `CachePolicy.doubtful`."""
    return isinstance(entry, Translated) and bool(entry.value.problems)


@dataclasses.dataclass(frozen=True, slots=True)
class Resource(Generic[W, R]):
    """One kind of record, and its list.

    Attributes:
        scope: The scope that its calls take (Salesloft: OAuth scopes).
        lifetimes: How long its records may be used, of what is set.
        path: Its path, which is also its name in the ledger.
        decoder: Bytes into its rows.
        pages: Its pages, as sent and as records.
        founds: Rows of it, likewise.
        entries: What is cached of a key of theirs.
        plain: A call for a row of it, whichever; see `Call.plain`.
        times: The times that its rows have and can be sorted by.
        always: Parameters of every call.
        looked_up: Further parameters of calls by key.
        told_of: Whether it is known when its records change.
        filter: What its list is narrowed by; None where nothing is listed. `parameters.TABLES` has what is asked for.
        most: Records that a team has at most, whatever refers to them; None where there is no telling.
    """

    path: str
    scope: str
    lifetimes: Callable[[RecordLifetimes], Lifetimes]
    decoder: BodyDecoder[W, wire.Metadata]
    pages: Translator[SentPage[W], RecordPage[R]]
    founds: Translator[RecordRows[W], Found[R]]
    entries: EntryCodec[W, R]
    plain: UpstreamCall[Body[W, wire.Metadata]]
    times: tuple[OrderField, ...]
    always: Params = ()
    looked_up: Params = ()
    told_of: bool = False
    filter: type[Filter[Any]] | None = None
    most: int | None = None


def _resource(
    path: str,
    row: type[W],
    record_of: Callable[[Row[W]], R],
    *,
    scope: str,
    lifetimes: Callable[[RecordLifetimes], Lifetimes],
    times: tuple[OrderField, ...] = (OrderField.CREATED_AT, OrderField.UPDATED_AT),
    always: Params = (),
    active: Params = (),
    looked_up: Params = (),
    told_of: bool = False,
    filter: type[Filter[Any]] | None = None,  # noqa: A002 - the graph's word
    most: int | None = None,
) -> Resource[W, R]:
    def page_of(sent: SentPage[W]) -> RecordPage[R]:
        return _page(sent, [record_of(each) for each in sent.body.rows])

    def found_in(rows: RecordRows[W]) -> Found[R]:
        records = [record_of(each) for each in rows.rows]
        return Found(rows=records, problems=problems_of(records, rows.lost), incomplete=rows.incomplete)

    decoder = BodyDecoder(row, wire.Metadata, source=Source.SALESLOFT.value)
    sent, rows = cast("Any", SentPage)[row], cast("Any", RecordRows)[row]
    founds = Translator(rows, found_in)
    plain = UpstreamCall(path, path, decoder.read_list, (*always, *active, ("per_page", "1"), ("page", "1")))
    return Resource(
        path=path,
        scope=scope,
        lifetimes=lifetimes,
        decoder=decoder,
        pages=Translator(sent, page_of),
        founds=founds,
        entries=EntryCodec(founds),
        plain=plain,
        times=times,
        always=always,
        looked_up=looked_up,
        told_of=told_of,
        filter=filter,
        most=most,
    )


def _page(sent: SentPage[W], records: list[R]) -> RecordPage[R]:
    """What an answer says. Salesloft may correct the size of its pages; `next_page` knows."""
    body = sent.body
    paging = body.metadata.paging if body.metadata is not None else None
    if paging is None or paging.current_page is None or NEXT_PAGE in body.unreadable:
        last = sent.per_page is None or len(body.rows) + len(body.lost) < sent.per_page
    else:
        last = paging.next_page is None
    return RecordPage(
        rows=records,
        last=last or not (body.rows or body.lost),
        lost=len(body.lost),
        per_page=None if paging is None else paging.per_page,
        total=None if paging is None else paging.total_count,
        problems=problems_of(records, body.lost, body.unreadable),
    )


MEETINGS: Resource[wire.Meeting, Meeting] = _resource(
    "/v2/meetings",
    wire.Meeting,
    translate.meeting,
    scope="meetings:read",
    lifetimes=lambda lifetimes: lifetimes.pages,
    times=(OrderField.CREATED_AT, OrderField.START_TIME, OrderField.UPDATED_AT),
    always=(("include_meetings_settings", "true"),),  # whose calendars they are in, by address; costs nothing
    active=(("show_deleted", "false"),),
    told_of=True,
    filter=MeetingFilter,
)
PEOPLE: Resource[wire.Person, Person] = _resource(
    "/v2/people",
    wire.Person,
    related.person,
    scope="people:read",
    lifetimes=lambda lifetimes: lifetimes.people,
    filter=PersonFilter,
)
USERS: Resource[wire.User, User] = _resource(
    "/v2/users",
    wire.User,
    related.user,
    scope="team:read",
    lifetimes=lambda lifetimes: lifetimes.users,
    looked_up=EVERYBODY,
    most=ASSUMED.users,
)
CADENCES: Resource[wire.Cadence, Cadence] = _resource(
    "/v2/cadences",
    wire.Cadence,
    related.cadence,
    scope="cadences:read",
    lifetimes=lambda lifetimes: lifetimes.cadences,
    most=ASSUMED.cadences,
)
STEPS: Resource[wire.Step, Step] = _resource(
    "/v2/steps",
    wire.Step,
    related.step,
    scope="cadences:read",
    lifetimes=lambda lifetimes: lifetimes.steps,
    most=ASSUMED.steps,
)
ACCOUNTS: Resource[wire.Account, Account] = _resource(
    "/v2/accounts",
    wire.Account,
    related.account,
    scope="accounts:read",
    lifetimes=lambda lifetimes: lifetimes.accounts,
    filter=AccountFilter,
)
TASKS: Resource[wire.Task, Task] = _resource(
    "/v2/tasks", wire.Task, related.task, scope="tasks:read", lifetimes=lambda lifetimes: lifetimes.tasks
)

RESOURCES: Sequence[Resource[Any, Any]] = (MEETINGS, PEOPLE, USERS, CADENCES, STEPS, ACCOUNTS, TASKS)

PROBES: Mapping[str, Resource[Any, Any]] = {
    scope: next(each for each in RESOURCES if each.scope == scope)
    for scope in dict.fromkeys(each.scope for each in RESOURCES)
    if scope != MEETINGS.scope
}
"""The scopes beside that for meetings, each with the first list that takes it."""

VITAL = frozenset({MEETINGS.path})
"""Without these there are no meetings; all others are asked for what stands beside them."""
