"""A connection: what has to be read for the fields selected of it, and the records that its fields are read off."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias, TypeVar

import msgspec

from gateway.catalog.pages import ListPage
from gateway.errors import GatewayError
from gateway.graph.lookahead import LookAhead
from gateway.model.order import Position
from gateway.model.records import Record
from gateway.model.status import SourceReport
from gateway.paging import cursor
from gateway.paging.window import Window

Write: TypeAlias = Callable[[Any], str]
"""Writes the cursor of a row."""


Query = TypeVar("Query")


def list_query(query: Callable[..., Query], selected: LookAhead, window: Window, wanted: object) -> Query:
    """What has to be read for what is selected of a connection.

    Args:
        query: Makes the query: `ListQuery` or a class of it.
        selected: The connection's selected fields.
        window: Walk and count.
        wanted: The filter.
    """
    flags = selected["pageInfo"]
    facing, other = ("hasPreviousPage", "hasNextPage") if window.walk.backward else ("hasNextPage", "hasPreviousPage")
    shown = "edges" in selected or "nodes" in selected
    rows = shown or any(name in flags for name in ("startCursor", "endCursor", facing))
    return query(
        window=window if rows else Window(window.walk, 0),
        wanted=wanted,
        fields=selected["nodes"].attributes() | selected["edges"]["node"].attributes(),
        rows=rows or bool(flags) or "sourceReports" in selected,
        ahead=facing in flags,
        behind=other in flags,
        total="totalCount" in selected,
    )


class EdgeRecord(msgspec.Struct, frozen=True):
    """A row and how its cursor is written, which is done where it is selected."""

    node: Record
    write: Write


class PageInfoRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What Relay's `PageInfo` says."""

    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


class ConnectionRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A page as a connection.

    Attributes:
        total_error: See `ListPage`.
    """

    nodes: Sequence[Record]
    edges: Sequence[EdgeRecord]
    page_info: PageInfoRecord
    total_count: int | None
    total_error: GatewayError | None
    source_reports: list[SourceReport]


def connection(answer: ListPage[Any], window: Window) -> ConnectionRecord:
    """The connection that a page of a list is shown as."""
    page, walk = answer.page, window.walk
    order = walk.order

    def place(position: Position | None) -> str | None:
        if position is None:
            return None
        hint = page.hint if position.hint is None else position.hint
        return cursor.encode(msgspec.structs.replace(position, hint=hint, aside=page.aside), order.field)

    def write(row: Record) -> str:
        return cursor.encode(order.position(row, page.hint, page.aside), order.field)

    ahead, behind = page.ahead, answer.behind
    return ConnectionRecord(
        nodes=page.rows,
        edges=[EdgeRecord(row, write) for row in page.rows],
        page_info=PageInfoRecord(
            has_next_page=behind if walk.backward else ahead,
            has_previous_page=ahead if walk.backward else behind,
            start_cursor=place(page.start),
            end_cursor=place(page.end),
        ),
        total_count=answer.total,
        total_error=answer.total_error,
        source_reports=answer.reports,
    )
