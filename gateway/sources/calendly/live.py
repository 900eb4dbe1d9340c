"""Calendly's events as they change: its webhooks, and what is read again because of them."""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import hmac
from collections.abc import Mapping, Sequence

import msgspec

from gateway.errors import UpstreamError
from gateway.model.records import Meeting
from gateway.request import Request
from gateway.sources.calendly.meetings import CalendlyMeetings
from gateway.sources.calendly.months import EventWindow, Month
from gateway.sources.live import FORGED, DeliveryCheck, RecentChanges, Reread
from gateway.upstream.client import Client

SIGNATURE = "calendly-webhook-signature"
TOLERANCE = 180.0
"""Seconds between what a delivery says it was signed at and now (Calendly: Webhook signatures)."""

BOOKINGS = ("invitee.created", "invitee.canceled")
NO_SHOWS = ("invitee_no_show.created", "invitee_no_show.deleted")
"""There is none of an event that its host changes (Calendly: Webhook events): those are found by looking."""

EVENTS_PART = "scheduled_events"


class _ScheduledEvent(msgspec.Struct):
    uri: str = ""


class _Payload(msgspec.Struct):
    """Of an invitee the event it belongs to, of a no-show the invitee, both by their URIs."""

    scheduled_event: _ScheduledEvent | None = None
    invitee: str = ""


class _Envelope(msgspec.Struct):
    event: str = ""
    payload: _Payload | None = None


_decoder = msgspec.json.Decoder(_Envelope)


class CalendlyWebhooks:
    """Deliveries, signed with the time that they were signed at."""

    signed_events: Sequence[str] = (*BOOKINGS, *NO_SHOWS)

    def verdict(self, headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: float) -> DeliveryCheck:
        """What a delivery is; parts of the header that nobody knows are ignored, and several signatures may come."""
        parts = [part.strip().partition("=") for part in headers.get(SIGNATURE, "").split(",")]
        at = next((value for name, _, value in parts if name == "t"), "")
        presented = [value.encode() for name, _, value in parts if name == "v1"]
        if not at.isdecimal() or not at.isascii() or len(at) > 12:  # noqa: PLR2004 - seconds of the next 30,000 years
            return FORGED
        signed = [hmac.new(key.encode(), at.encode() + b"." + body, hashlib.sha256).hexdigest() for key in secrets]
        if not sum(hmac.compare_digest(one, other.encode()) for one in presented for other in signed):
            return FORGED
        if abs(now - int(at)) > TOLERANCE:
            return DeliveryCheck(authentic=True, stale=True)
        try:
            sent = _decoder.decode(body)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            return DeliveryCheck(authentic=True)
        id_ = _event_id(sent)
        if sent.event not in self.signed_events or id_ is None:
            return DeliveryCheck(authentic=True)
        return DeliveryCheck(authentic=True, event=sent.event, ids=(id_,))


def _event_id(sent: _Envelope) -> str | None:
    """The id of the event that a delivery is about."""
    payload = sent.payload
    if payload is None:
        return None
    uri = payload.invitee if payload.scheduled_event is None else payload.scheduled_event.uri
    _, found, rest = uri.partition(f"/{EVENTS_PART}/")
    id_ = rest.partition("/")[0]
    return id_ if found and id_ and id_.isascii() and id_.replace("-", "").isalnum() else None


class CalendlyLive:
    """Events by id, and the months of the window one after the other.

    Args:
        client: The upstream.
        meetings: Its events.
        window: The months.
    """

    webhooks = CalendlyWebhooks()
    reread_cost = 10

    def __init__(self, client: Client, meetings: CalendlyMeetings, window: EventWindow) -> None:
        self._client = client
        self._meetings = meetings
        self._window = window
        self._looked = 0

    async def reread(self, request: Request, ids: Sequence[str]) -> Reread:
        """The events with these ids as they are now, a call each."""
        as_of = self._client.now()
        answers = await asyncio.gather(*(self._meetings.renew(request, id_) for id_ in ids), return_exceptions=True)
        rows: list[Meeting] = []
        failed: dict[str, UpstreamError] = {}
        for id_, answer in zip(ids, answers, strict=True):
            if isinstance(answer, UpstreamError):
                failed[id_] = answer
            elif isinstance(answer, BaseException):
                raise answer
            else:
                rows += answer.rows
                failed |= {key: error for key, error in answer.failures.items() if isinstance(error, UpstreamError)}
        if failed and len(failed) == len(ids):
            raise next(iter(failed.values()))
        missing = frozenset(ids) - {row.source_id for row in rows} - failed.keys()
        return Reread(rows=rows, missing=missing, failed=failed, as_of=as_of)

    async def recent(self, request: Request, since: dt.datetime | None) -> RecentChanges:  # noqa: ARG002 - no call goes by that time
        """The events of this month, and of one other month in turn."""
        as_of = self._client.now()
        months = self._window.months()
        present = Month.of(self._window.now())
        self._looked = (self._looked + 1) % len(months)
        asked = dict.fromkeys([present, months[self._looked]])
        founds = await asyncio.gather(*(self._window.renew(request, month) for month in asked))
        return RecentChanges(rows=[row for found in founds for row in found.rows], as_of=as_of)

    def outdate(self, ids: Sequence[str], as_of: float) -> None:
        """Has what was cached before a moment read anew before it is used again."""
        for id_ in ids:
            self._client.outdated.note(id_, as_of)
        self._client.outdated.note_lists(as_of)
