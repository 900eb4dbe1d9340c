"""Drift's meetings as they change: its webhooks, and the window that is read again because of them."""

from __future__ import annotations

import datetime as dt
import hmac
from collections.abc import Mapping, Sequence

import msgspec

from gateway.model.records import Meeting
from gateway.request import Request
from gateway.sources.base import Found
from gateway.sources.cached import Translated
from gateway.sources.drift.window import MeetingWindow
from gateway.sources.live import FORGED, DeliveryCheck, RecentChanges, Reread
from gateway.upstream.cache import ListCache
from gateway.upstream.client import Client

TOKEN = "x-verification-token"  # noqa: S105 - a header's name
EVENTS = ("new_meeting", "meeting_updated")
"""Of meetings (Drift: Webhook events); what is delivered is thinner than what can be read."""


class _Envelope(msgspec.Struct):
    """What every delivery has; `data` is not looked at."""

    type: str = ""
    token: str = ""


_decoder = msgspec.json.Decoder(_Envelope)


class DriftWebhooks:
    """Deliveries: proved by the app's token alone, in a header and in the body; there is no signature."""

    signed_events: Sequence[str] = EVENTS

    def verdict(self, headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: float) -> DeliveryCheck:  # noqa: ARG002 - a delivery bears no time
        """What a delivery is."""
        try:
            sent = _decoder.decode(body)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            sent = _Envelope()
        presented = [each.encode() for each in (headers.get(TOKEN, ""), sent.token) if each]
        known = [secret.encode() for secret in secrets]
        if not sum(hmac.compare_digest(one, other) for one in presented for other in known):
            return FORGED
        return DeliveryCheck(authentic=True, event=sent.type if sent.type in EVENTS else None)


class DriftLive:
    """The window, read past the cache: Drift has no call for one meeting.

    Args:
        client: The upstream.
        window: Where the window is cached.
        key: What it is cached under.
    """

    webhooks = DriftWebhooks()
    reread_cost = 1

    def __init__(
        self, client: Client, window: ListCache[str, Translated[MeetingWindow, Found[Meeting]]], key: str
    ) -> None:
        self._client = client
        self._window = window
        self._key = key

    async def reread(self, request: Request, ids: Sequence[str]) -> Reread:  # noqa: ARG002 - it comes whole
        """The whole window as it is now."""
        recent = await self.recent(request, None)
        return Reread(rows=recent.rows, as_of=recent.as_of, whole=True)

    async def recent(self, request: Request, since: dt.datetime | None) -> RecentChanges:  # noqa: ARG002 - it comes whole
        """The whole window as it is now."""
        held = await self._window.renew(request, self._key)
        return RecentChanges(rows=held.value.value.rows, as_of=held.as_of, whole=True)

    def outdate(self, ids: Sequence[str], as_of: float) -> None:  # noqa: ARG002 - it comes whole
        """Has a window that was read before a moment read anew before it is used again."""
        self._client.outdated.note_lists(as_of)
