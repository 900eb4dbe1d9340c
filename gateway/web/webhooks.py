"""`/webhooks/{source}`: where vendors deliver. A delivery is a hint: it is answered at once, and looked into later."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gateway.live.live import Live
from gateway.model.records import Source
from gateway.request import Clock
from gateway.web.http_errors import HTTPError, error_response
from gateway.web.rate_limit import Bucket
from gateway.web.request import ClientGone, RequestHeaders, check_content, receive_body
from gateway.web.request_log import record_of

LARGEST = 256 * 1024
"""Bytes of a delivery."""

A_MINUTE = 3_000
"""Authentic deliveries of one source that are taken in a minute; vendors try again when they are refused."""

BODIES = 100
"""Deliveries that are read at a time; unsigned ones cost memory too."""


@dataclass(slots=True)
class WebhookEndpoint:
    """The ASGI application behind `/webhooks/{source}`.

    Args:
        live: Takes deliveries; None where there are no live updates.
        clock: For the limit of deliveries.
        count: Counts deliveries by source and verdict.
    """

    live: Live | None
    clock: Clock
    count: Callable[[str, str], object] = lambda _source, _verdict: None
    _buckets: dict[Source, Bucket] = field(default_factory=dict)
    _reading: int = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one delivery."""
        headers = RequestHeaders(scope=scope)
        try:
            response = await self._respond(scope, receive, headers)
        except HTTPError as error:
            record_of(scope).add_errors([error.error])
            response = error_response(error, "application/json")
        except ClientGone:
            record_of(scope).gone = True
            return
        await response(scope, receive, send)

    async def _respond(self, scope: Scope, receive: Receive, headers: RequestHeaders) -> Response:
        name = scope["path_params"]["source"].upper()
        source = next((each for each in Source if each.value == name), None)
        live = self.live
        if live is None or source is None or not live.secrets(source):
            raise HTTPError(404, "Nothing is delivered here.")
        if scope["method"] != "POST":
            raise HTTPError(405, "Use POST.", {"Allow": "POST"})
        try:
            body = await self._read(receive, headers)
            verdict = live.verdict(source, {key.lower(): value for key, value in headers.items()}, body)
            if verdict.authentic and not verdict.stale:
                self._admit(source)
        except HTTPError:
            self._count(source, "refused")
            raise
        if not verdict.authentic or verdict.stale:
            self._count(source, "stale" if verdict.authentic else "forged")
            raise HTTPError(
                401, "The signature is not valid." if not verdict.authentic else "It was signed too long ago."
            )
        if not await live.deliver(source, verdict, body):
            self._count(source, "repeated")
        else:
            self._count(source, "accepted" if verdict.event is not None else "ignored")
        return Response(b"", 202, {"Cache-Control": "no-store"})

    async def _read(self, receive: Receive, headers: RequestHeaders) -> bytes:
        check_content(headers)
        if headers.get("content-encoding", "identity").strip().lower() not in {"", "identity"}:
            raise HTTPError(415, "Send the body as it is.")
        if self._reading >= BODIES:
            raise HTTPError(503, "Too many deliveries at a time.", {"Retry-After": "1"})
        self._reading += 1
        try:
            return await receive_body(receive, headers, LARGEST)
        finally:
            self._reading -= 1

    def _count(self, source: Source, verdict: str) -> None:
        self.count(source.value, verdict)

    def _admit(self, source: Source) -> None:
        """Takes one delivery from what a source may deliver in a minute.

        Raises:
            HTTPError: 429.
        """
        now = self.clock.monotonic()
        bucket = self._buckets.setdefault(source, Bucket(A_MINUTE, now))
        wait = bucket.wait(now, 1.0)
        if wait:
            raise HTTPError(429, "Too many deliveries.", {"Retry-After": str(math.ceil(wait))})
        bucket.left -= 1.0
