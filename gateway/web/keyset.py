"""The keys that sign JWTs, as their issuer publishes them: fetched when needed, held for a while, bounded."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping

import msgspec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt import PyJWK

from gateway.upstream.request import Clock

log = logging.getLogger(__name__)

ALGORITHMS = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"})
"""Signatures by a private key only: with a shared secret, whoever checks a token could also make one."""

FRESH = 600.0
"""Seconds after which keys are fetched again, so that a revoked one is dropped."""

LONGEST_USE = 86_400.0
"""Seconds for which keys are used while they cannot be fetched again."""

PAUSE = 10.0
"""Seconds between two fetches: a flood of made-up key ids asks the issuer no oftener."""

MOST_KEYS = 100
LEAST_RSA_BITS = 2048
"""Shorter moduli are within reach of those who factor numbers (NIST SP 800-131A)."""


class KeysUnavailable(Exception):
    """There are no keys to check a token with, or not the one that it names, and the issuer cannot be asked."""


class Published(msgspec.Struct):
    """A JWK set (RFC 7517); each key by itself, so that one that cannot be read does not lose the others."""

    keys: list[msgspec.Raw]


class KeySet:
    """One issuer's keys: fetched when they are first needed, and then behind whoever needs one that is known.

    Args:
        fetch: Gets the published set; raises whatever it likes.
        clock: Tells how old it is.
    """

    def __init__(self, fetch: Callable[[], Awaitable[bytes]], clock: Clock) -> None:
        self._fetch = fetch
        self._clock = clock
        self._keys: Mapping[str | None, PyJWK] = {}
        self._fetched: float | None = None
        self._tried: float | None = None
        self._failed = False
        self._fetching: asyncio.Task[None] | None = None

    async def key(self, key_id: str | None) -> PyJWK | None:
        """The key with that id, or the only one where a token names none; None where the issuer has no such key.

        Raises:
            KeysUnavailable: It is not known, and the issuer did not answer when it was last asked.
        """
        known = self._find(key_id)
        if known is not None:
            if self._age() > FRESH:
                self._renew()
            return known
        fetching = self._renew()
        if fetching is not None:
            await asyncio.shield(fetching)
        known = self._find(key_id)
        if known is None and self._failed:
            raise KeysUnavailable
        return known

    async def close(self) -> None:
        """Ends a fetch that is under way."""
        if self._fetching is not None:
            self._fetching.cancel()
            await asyncio.gather(self._fetching, return_exceptions=True)

    def _age(self) -> float:
        return float("inf") if self._fetched is None else self._clock.monotonic() - self._fetched

    def _find(self, key_id: str | None) -> PyJWK | None:
        if self._age() > LONGEST_USE:
            return None
        if key_id is None and len(self._keys) == 1:
            return next(iter(self._keys.values()))
        return self._keys.get(key_id)

    def _renew(self) -> asyncio.Task[None] | None:
        """The fetch that is under way, or that begins now; None where the last one was just before."""
        now = self._clock.monotonic()
        if self._fetching is not None and not self._fetching.done():
            return self._fetching
        if self._tried is not None and now - self._tried < PAUSE:
            return None
        self._tried = now
        self._fetching = asyncio.ensure_future(self._replace(now))
        return self._fetching

    async def _replace(self, now: float) -> None:
        try:
            self._keys = usable(await self._fetch())
        except Exception as error:  # noqa: BLE001 - whatever is wrong at the issuer, the known keys go on for a while
            self._failed = True
            log.warning("signing keys could not be fetched", extra={"kind": type(error).__name__})
        else:
            self._failed, self._fetched = False, now


def usable(body: bytes) -> dict[str | None, PyJWK]:
    """The keys of a published set that may sign, by their ids; those of another kind or use are left out.

    Raises:
        msgspec.DecodeError: It is no JWK set.
    """
    keys: dict[str | None, PyJWK] = {}
    for published in msgspec.json.decode(body, type=Published).keys[:MOST_KEYS]:
        try:
            key = _key(msgspec.json.decode(published, type=dict[str, object]))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is no key that signs
            log.warning("a published signing key cannot be read", extra={"kind": type(error).__name__})
            continue
        if key is not None:
            keys[key.key_id] = key
    return keys


def _key(published: Mapping[str, object]) -> PyJWK | None:
    """A key; None where it is not one that may sign."""
    if published.get("use", "sig") != "sig" or published.get("kty") not in ("RSA", "EC", "OKP"):
        return None
    key = PyJWK(dict(published))
    if key.algorithm_name not in ALGORITHMS or not isinstance(key.key_id, str | None):
        return None
    if isinstance(key.key, RSAPublicKey) and key.key.key_size < LEAST_RSA_BITS:
        log.warning("a published RSA key of less than %d bits is not accepted", LEAST_RSA_BITS)
        return None
    return key
