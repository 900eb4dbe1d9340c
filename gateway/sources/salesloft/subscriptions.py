"""Salesloft's subscriptions to events of meetings: one event each (Salesloft: Webhook subscriptions)."""

from __future__ import annotations

import msgspec

from gateway.errors import UpstreamError, UpstreamMalformed, UpstreamRefused, UpstreamUnavailable
from gateway.model.records import Source
from gateway.request import Request
from gateway.sources.live import WebhookSubscription
from gateway.sources.salesloft.live import EVENTS
from gateway.upstream.client import Client

PATH = "/v2/webhook_subscriptions"
UNAUTHORIZED, FORBIDDEN, NOT_FOUND = 401, 403, 404


class _Row(msgspec.Struct):
    id: int
    event_type: str = ""
    callback_url: str = ""
    callback_token: str = ""
    enabled: bool = True


class _Rows(msgspec.Struct):
    data: list[_Row]


_rows = msgspec.json.Decoder(_Rows)


class SalesloftSubscriptions:
    """The subscriptions of the credential's user.

    Args:
        client: Calls Salesloft.
    """

    events = EVENTS

    def __init__(self, client: Client) -> None:
        self._client = client

    def address(self, url: str, secret: str) -> str:  # noqa: ARG002 - the secret is shown with the subscription
        """The same URL: several subscriptions may have it."""
        return url

    async def all(self, request: Request) -> list[WebhookSubscription]:
        """Those that there are, of any event.

        Raises:
            UpstreamError: They could not be read.
        """
        body = await self._call(request, "GET", PATH)
        try:
            rows = _rows.decode(body).data
        except msgspec.MsgspecError:
            raise UpstreamMalformed("The source's answer cannot be read.", source=Source.SALESLOFT.value) from None
        return [
            WebhookSubscription(
                id=str(row.id),
                event=row.event_type,
                url=row.callback_url,
                secret=row.callback_token or None,
                enabled=row.enabled,
            )
            for row in rows
        ]

    async def create(self, request: Request, event: str, url: str, secret: str) -> None:
        """Makes one.

        Raises:
            UpstreamError: It was not made.
        """
        body = {"callback_url": url, "callback_token": secret, "event_type": event}
        await self._call(request, "POST", PATH, msgspec.json.encode(body))

    async def delete(self, request: Request, id_: str) -> None:
        """Deletes one; one that is gone already is fine.

        Raises:
            UpstreamError: It was not deleted.
        """
        await self._call(request, "DELETE", f"{PATH}/{id_}", absent=True)

    async def _call(
        self, request: Request, method: str, path: str, body: bytes | None = None, *, absent: bool = False
    ) -> bytes:
        status, answer = await self._client.send(request, method, path, body)
        if status < 300 or (absent and status == NOT_FOUND):  # noqa: PLR2004 - the class of success
            return answer
        error: type[UpstreamError] = UpstreamRefused if status in {UNAUTHORIZED, FORBIDDEN} else UpstreamUnavailable
        raise error(f"Salesloft answered {status} to {method} {PATH}.", source=Source.SALESLOFT.value)
