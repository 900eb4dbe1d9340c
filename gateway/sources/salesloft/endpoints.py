"""Salesloft's lists: their paths, their rows, and what a page of them says."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, Generic, TypeVar, cast

import msgspec

from gateway.model.order import OrderField
from gateway.model.records import Account, Cadence, Meeting, Person, Record, Source, Step, Task, User
from gateway.paging.merge import Problem
from gateway.sources.base import Found
from gateway.sources.decode import Body, BodyDecoder, Row
from gateway.sources.kept import Translator
from gateway.sources.problems import problems_of
from gateway.sources.salesloft import neighbours, translate, wire
from gateway.upstream.call import Call, Params

W = TypeVar("W", bound=msgspec.Struct)
R = TypeVar("R", bound=Record)

MOST_ROWS = 100
"""`per_page` of a call at most (Salesloft: List meetings)."""

COSTS = ((100, 1), (150, 3), (250, 8), (500, 10))
"""Pages up to a number, and what each costs (Salesloft: Rate limits)."""

DEEPEST_COST = 30

NEXT_PAGE = "paging.next_page"
"""Where a page says whether another one follows."""

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
        total: How many rows the whole list has; None where it was not asked for or not told.
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


@dataclasses.dataclass(frozen=True, slots=True)
class ListEndpoint(Generic[W, R]):
    """One list.

    Attributes:
        path: Its path, which is also its name in the ledger.
        decoder: Bytes into its rows.
        pages: Its pages, as sent and as records.
        founds: Rows of it, likewise.
        plain: A call for a row of it, whichever; see `Call.plain`.
        times: The times that its rows have and can be sorted by.
        always: Parameters of every call.
    """

    path: str
    decoder: BodyDecoder[W, wire.Metadata]
    pages: Translator[SentPage[W], RecordPage[R]]
    founds: Translator[RecordRows[W], Found[R]]
    plain: Call[Body[W, wire.Metadata]]
    times: tuple[OrderField, ...]
    always: Params = ()


def _endpoint(
    path: str,
    row: type[W],
    record_of: Callable[[Row[W]], R],
    *,
    times: tuple[OrderField, ...] = (OrderField.CREATED_AT, OrderField.UPDATED_AT),
    always: Params = (),
    active: Params = (),
) -> ListEndpoint[W, R]:
    def page_of(sent: SentPage[W]) -> RecordPage[R]:
        return _page(sent, [record_of(each) for each in sent.body.rows])

    def found_in(rows: RecordRows[W]) -> Found[R]:
        records = [record_of(each) for each in rows.rows]
        return Found(rows=records, problems=problems_of(records, rows.lost), incomplete=rows.incomplete)

    decoder = BodyDecoder(row, wire.Metadata, source=Source.SALESLOFT.value)
    sent, rows = cast("Any", SentPage)[row], cast("Any", RecordRows)[row]
    plain = Call(path, path, decoder.read_list, (*always, *active, ("per_page", "1"), ("page", "1")))
    return ListEndpoint(path, decoder, Translator(sent, page_of), Translator(rows, found_in), plain, times, always)


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


MEETINGS: ListEndpoint[wire.Meeting, Meeting] = _endpoint(
    "/v2/meetings",
    wire.Meeting,
    translate.meeting,
    times=(OrderField.CREATED_AT, OrderField.START_TIME, OrderField.UPDATED_AT),
    always=(("include_meetings_settings", "true"),),  # whose calendars they are in, by address; costs nothing
    active=(("show_deleted", "false"),),
)
PEOPLE: ListEndpoint[wire.Person, Person] = _endpoint("/v2/people", wire.Person, neighbours.person)
USERS: ListEndpoint[wire.User, User] = _endpoint("/v2/users", wire.User, neighbours.user)
CADENCES: ListEndpoint[wire.Cadence, Cadence] = _endpoint("/v2/cadences", wire.Cadence, neighbours.cadence)
STEPS: ListEndpoint[wire.Step, Step] = _endpoint("/v2/steps", wire.Step, neighbours.step)
ACCOUNTS: ListEndpoint[wire.Account, Account] = _endpoint("/v2/accounts", wire.Account, neighbours.account)
TASKS: ListEndpoint[wire.Task, Task] = _endpoint("/v2/tasks", wire.Task, neighbours.task)

VITAL = frozenset({MEETINGS.path})
"""Without these there are no meetings; all others are asked for what stands beside them."""
