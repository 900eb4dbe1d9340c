"""Salesloft's meetings as they change: its webhooks, and what is read again because of them."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
from collections.abc import Mapping, Sequence

import msgspec

from gateway.errors import UpstreamError
from gateway.model.records import Meeting
from gateway.request import Request
from gateway.sources.bounds import is_number
from gateway.sources.live import FORGED, DeliveryCheck, RecentChanges, Reread
from gateway.sources.salesloft.api import SalesloftApi, joined, together
from gateway.sources.salesloft.filters import Params
from gateway.sources.salesloft.lookups import IDS, RecordsByKey, keys
from gateway.sources.salesloft.resources import MEETINGS, MOST_ROWS
from gateway.sources.salesloft.wire import Meeting as SentMeeting

SIGNATURE, EVENT = "x-salesloft-signature", "x-salesloft-event"
EVENTS = ("meeting_booked", "meeting_updated")
"""There are no others of meetings: a cancellation is an update, a deletion is not delivered (Salesloft: Webhooks)."""

NEWEST_FIRST: Params = (("sort_by", "updated_at"), ("sort_direction", "DESC"))
LISTINGS: Sequence[Params] = ((("show_deleted", "false"),), (("show_deleted", "true"),))
"""The active meetings, and the cancelled ones."""

OVERLAP = dt.timedelta(seconds=10)
"""By which a look goes back before the last one: a change may become visible after a later one."""

MOST_PAGES = 5
"""Of a listing that one look reads; they cost a unit each."""


class _Hint(msgspec.Struct):
    """Of a delivered meeting no captured body is known: only its id is read, whatever its type."""

    id: int | str


_decoder = msgspec.json.Decoder(_Hint)


class SalesloftWebhooks:
    """Deliveries: a bare meeting, signed by its subscription's token (Salesloft: Webhooks)."""

    signed_events: Sequence[str] = EVENTS

    def verdict(self, headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: float) -> DeliveryCheck:  # noqa: ARG002 - a delivery bears no time
        """What a delivery is. It bears neither a time nor an id, so that a replay is known by its content alone."""
        presented = headers.get(SIGNATURE, "").encode()
        signed = [hmac.new(secret.encode(), body, hashlib.sha1).hexdigest().encode() for secret in secrets]
        if not sum(hmac.compare_digest(presented, each) for each in signed):  # each is compared, whichever fits
            return FORGED
        event = headers.get(EVENT, "")
        try:
            id_ = str(_decoder.decode(body).id)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            return DeliveryCheck(authentic=True)
        if event not in EVENTS or not is_number(id_):
            return DeliveryCheck(authentic=True)
        return DeliveryCheck(authentic=True, event=event, ids=(id_,))


class SalesloftLive:
    """`/v2/meetings`, read past the cache.

    Args:
        api: The calls.
        active: Where active meetings are cached by id.
        canceled: Where cancelled ones are.
    """

    webhooks = SalesloftWebhooks()
    reread_cost = 2

    def __init__(
        self,
        api: SalesloftApi,
        active: RecordsByKey[SentMeeting, Meeting],
        canceled: RecordsByKey[SentMeeting, Meeting],
    ) -> None:
        self._api = api
        self._active = active
        self._canceled = canceled

    async def reread(self, request: Request, ids: Sequence[str]) -> Reread:
        """The meetings with these ids as they are now: what is not active is looked for among the cancelled."""
        as_of = self._api.client.now()
        wanted = set(filter(is_number, ids))
        if not wanted:
            return Reread(rows=(), as_of=as_of)
        active = await self._active.renew(request, keys(IDS, wanted))
        others = wanted - {row.source_id for row in active.rows} - active.failures.keys()
        canceled = await self._canceled.renew(request, keys(IDS, others)) if others else None
        found = active if canceled is None else joined([active, canceled])
        failed = {id_: error for id_, error in found.failures.items() if isinstance(error, UpstreamError)}
        missing = wanted - {row.source_id for row in found.rows} - found.failures.keys()
        return Reread(rows=found.rows, missing=frozenset(missing), failed=failed, as_of=as_of)

    async def recent(self, request: Request, since: dt.datetime | None) -> RecentChanges:
        """Both listings by their latest change; no filter goes by that time (Salesloft: List meetings)."""
        as_of = self._api.client.now()
        until = None if since is None else since - OVERLAP
        parts = await together(self._listing(request, params, until) for params in LISTINGS)
        rows = {row.source_id: row for part, _ in parts for row in part}
        return RecentChanges(rows=list(rows.values()), reached=all(reached for _, reached in parts), as_of=as_of)

    async def _listing(self, request: Request, params: Params, until: dt.datetime | None) -> tuple[list[Meeting], bool]:
        rows: list[Meeting] = []
        for number in range(1, (1 if until is None else MOST_PAGES) + 1):
            page = await self._api.page(request, MEETINGS, (*params, *NEWEST_FIRST), number=number, per_page=MOST_ROWS)
            rows += page.rows
            last = page.rows[-1].updated_at if page.rows else None
            if page.last or until is None or (last is not None and last < until):
                return [row for row in rows if until is None or row.updated_at is None or row.updated_at >= until], True
        return rows, False

    def outdate(self, ids: Sequence[str], as_of: float) -> None:
        """Has what was cached before a moment read anew before it is used again."""
        outdated = self._api.client.outdated
        for id_ in ids:
            outdated.note(id_, as_of)
        outdated.note_lists(as_of)
