"""Calendly's webhook subscriptions: one for all events that are wanted (Calendly: Webhook subscriptions)."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from urllib.parse import quote

import msgspec

from gateway.errors import UpstreamError, UpstreamMalformed, UpstreamRefused, UpstreamUnavailable
from gateway.model.records import Source
from gateway.request import Request
from gateway.sources.calendly.api import MOST_ROWS, CalendlyApi
from gateway.sources.calendly.live import BOOKINGS, NO_SHOWS
from gateway.sources.calendly.wire import id_of
from gateway.sources.live import WebhookSubscription
from gateway.upstream.client import Client
from gateway.upstream.http import Params

PATH = "/webhook_subscriptions"
UNAUTHORIZED, FORBIDDEN, NOT_FOUND = 401, 403, 404
ACTIVE = "active"
MOST_PAGES = 20
KEY_LENGTH = 12
"""Characters of a secret's mark in the URL: enough to tell two secrets apart, and no help to guess one."""


class _Row(msgspec.Struct):
    uri: str
    callback_url: str = ""
    state: str = ""
    events: list[str] = []


class _Pagination(msgspec.Struct):
    next_page_token: str | None = None


class _Rows(msgspec.Struct):
    collection: list[_Row]
    pagination: _Pagination = msgspec.field(default_factory=_Pagination)


_rows = msgspec.json.Decoder(_Rows)


class CalendlySubscriptions:
    """The organization's subscriptions.

    A subscription's secret is never shown, cannot be changed, and there is one subscription for a URL. So each secret
    has a URL of its own, and a subscription with another one can be made before the old one goes.

    Args:
        client: Calls Calendly.
        api: Knows the organization.
    """

    events: Sequence[str] = (", ".join((*BOOKINGS, *NO_SHOWS)),)

    def __init__(self, client: Client, api: CalendlyApi) -> None:
        self._client = client
        self._api = api

    def address(self, url: str, secret: str) -> str:
        """The URL for deliveries that are signed with a secret."""
        mark = hmac.new(secret.encode(), b"webhook subscription", hashlib.sha256).hexdigest()[:KEY_LENGTH]
        return f"{url}?key={mark}"

    async def all(self, request: Request) -> list[WebhookSubscription]:
        """Those that there are, of any event.

        Raises:
            UpstreamError: They could not be read.
        """
        organization = await self._api.organization(request)
        params: Params = (("organization", organization), ("scope", "organization"), ("count", str(MOST_ROWS)))
        found: list[WebhookSubscription] = []
        token: str | None = None
        for _ in range(MOST_PAGES):
            page: Params = () if token is None else (("page_token", token),)
            body = await self._call(request, "GET", PATH, params=(*params, *page))
            try:
                rows = _rows.decode(body)
            except msgspec.MsgspecError:
                raise UpstreamMalformed("The source's answer cannot be read.", source=Source.CALENDLY.value) from None
            found += map(_subscription, rows.collection)
            token = rows.pagination.next_page_token
            if token is None:
                break
        return found

    async def create(self, request: Request, event: str, url: str, secret: str) -> None:
        """Makes one.

        Raises:
            UpstreamError: It was not made.
        """
        body = {
            "url": url,
            "events": event.split(", "),
            "organization": await self._api.organization(request),
            "scope": "organization",
            "signing_key": secret,
        }
        await self._call(request, "POST", PATH, msgspec.json.encode(body))

    async def delete(self, request: Request, id_: str) -> None:
        """Deletes one; one that is gone already is fine.

        Raises:
            UpstreamError: It was not deleted.
        """
        await self._call(request, "DELETE", f"{PATH}/{quote(id_, safe='')}", absent=True)

    async def _call(
        self,
        request: Request,
        method: str,
        path: str,
        body: bytes | None = None,
        *,
        params: Params = (),
        absent: bool = False,
    ) -> bytes:
        status, answer = await self._client.send(request, method, path, body, params)
        if status < 300 or (absent and status == NOT_FOUND):  # noqa: PLR2004 - the class of success
            return answer
        error: type[UpstreamError] = UpstreamRefused if status in {UNAUTHORIZED, FORBIDDEN} else UpstreamUnavailable
        raise error(f"Calendly answered {status} to {method} {PATH}.", source=Source.CALENDLY.value)


def _subscription(row: _Row) -> WebhookSubscription:
    wanted = (*BOOKINGS, *NO_SHOWS)
    complete = set(wanted) <= set(row.events)
    events = CalendlySubscriptions.events[0] if complete else ", ".join(row.events)
    return WebhookSubscription(id=id_of(row.uri) or "", event=events, url=row.callback_url, enabled=row.state == ACTIVE)
