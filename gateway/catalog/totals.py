"""How many meetings a filter admits in all, each event once."""

from __future__ import annotations

import asyncio

from gateway.catalog.pages import UNKNOWN_TOTAL, count_of
from gateway.catalog.search import Search, Walked
from gateway.catalog.twins import meeting_ref
from gateway.catalog.window_search import WindowSearch
from gateway.errors import GatewayError
from gateway.model.records import Meeting
from gateway.upstream.request import Request

MOST_SCREENED = 500
"""Window rows that a total screens at the most: five or more calls upstream."""

TOO_MANY = f"totalCount is null: more than {MOST_SCREENED} rows would have to be looked up in another source."


async def total(request: Request, search: Search) -> int | None:
    """The exact number, or None with the reason in the reports."""
    counts = await asyncio.gather(*(_of_listing(request, search, walked) for walked in search.listings))
    lists = await asyncio.gather(*(_of_window(search, window) for window in search.windows))
    if None in counts or None in lists or search.reports.any_failed():
        return None
    # A meeting may be brought in from two windows.
    others = {meeting_ref(row): row for rows in lists for row in rows or ()}
    return sum(count or 0 for count in counts) + sum(not _listed(search, row) for row in others.values())


async def _of_listing(request: Request, search: Search, walked: Walked) -> int | None:
    if walked.wanted.impossible:
        return 0
    count = await count_of(request, walked.source, walked.listing, walked.wanted, search.reports)
    return count if walked.exact else None


async def _of_window(search: Search, window: WindowSearch) -> list[Meeting] | None:
    """What a window adds to the meetings that listings count."""
    try:
        rows = await window.rows()
    except GatewayError as error:
        search.reports.partial(window.source, error, UNKNOWN_TOTAL.format(error.message))
        return None
    if search.unsure(window.source):
        if len(rows) > MOST_SCREENED:
            search.reports.note(window.source, TOO_MANY)
            return None
        failures = await search.twins.screen(rows, search.plan.scope)
        search.reports.unscreened(failures)
        if failures:
            return None
        rows = [row for row in rows if not search.twins.holders(row, search.plan.scope)]
    return rows if window.exact else None


def _listed(search: Search, row: Meeting) -> bool:
    """Whether a meeting that a twin brought in is one that its own source counts for the filter as well."""
    holders = (holder for twin in row.twins for holder in search.twins.holders(twin))
    own = next((holder for holder in holders if meeting_ref(holder) == meeting_ref(row)), row)
    return any(
        walked.source is row.source and walked.wanted.admits(own) and walked.listing.admits(walked.wanted, own)
        for walked in search.listings
    )
