"""Opens authentication: the accepted API keys, and the issuer's signing keys where tokens are accepted."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

from yarl import URL

from gateway.errors import UpstreamUnavailable
from gateway.settings.api_keys import LiveKeys
from gateway.settings.clients import AccessSettings
from gateway.upstream.clock import Timer
from gateway.upstream.http import Failure, Upstream, exchange, open_session, url_of
from gateway.web.authentication import Authenticator
from gateway.web.tokens import KeySet, Tokens

ISSUER = "ISSUER"
OK = 200
MAX_BYTES = 256 * 1024
"""The largest key set that is read, in bytes; a typical one has ten keys of half a kilobyte."""

SECONDS = 5.0
"""The time-out of fetching it; a client waits for it."""


@contextlib.asynccontextmanager
async def authenticator(settings: AccessSettings, keys: LiveKeys, clock: Timer) -> AsyncIterator[Authenticator]:
    """Opens authentication for as long as the block runs.

    Args:
        settings: What is set.
        keys: The accepted keys, as they are now.
        clock: The source of time.
    """
    if not settings.required or not settings.jwks_url:
        yield Authenticator(required=settings.required, keys=keys)
        return
    async with open_session(connections=2) as session:
        issuer, url = issuer_at(settings.jwks_url)

        async def published() -> bytes:
            ended = await exchange(session, issuer, url, {}, fresh=True)
            if isinstance(ended, Failure):
                raise ended.error
            if ended.status != OK:
                raise UpstreamUnavailable("The issuer's keys cannot be had.", source=ISSUER)
            return ended.body

        published_keys = KeySet(published, clock)
        tokens = Tokens(published_keys, settings.issuer, settings.audience, clock, settings.email_claim)
        try:
            yield Authenticator(required=True, keys=keys, tokens=tokens)
        finally:
            await published_keys.close()


def issuer_at(jwks_url: str) -> tuple[Upstream, URL]:
    """An issuer as an upstream, and the URL of its key set."""
    parts = urlsplit(jwks_url)
    origin = f"{parts.scheme}://{parts.netloc}"
    issuer = Upstream(name=ISSUER, base_url=origin, timeout=SECONDS, max_body=MAX_BYTES)
    return issuer, url_of(origin, "keys", parts.path or "/")
