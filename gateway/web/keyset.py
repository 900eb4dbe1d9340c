"""The keys that sign JWTs, as their issuer publishes them: fetched when needed, held for a while, bounded."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping

import msgspec
from jwt import PyJWK
from jwt.exceptions import PyJWTError

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


class KeysUnavailable(Exception):
    """There are no keys to check a token with."""


class Published(msgspec.Struct):
    """A JWK set (RFC 7517)."""

    keys: list[dict[str, object]]


class KeySet:
    """One issuer's keys.

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
        self._fetching = asyncio.Lock()

    async def key(self, key_id: str | None) -> PyJWK | None:
        """The key with that id, or the only one where a token names none; None where there is no such key.

        Raises:
            KeysUnavailable: None could be fetched for too long.
        """
        if self._age() > FRESH or self._find(key_id) is None:
            await self._renew(key_id)
        if self._age() > LONGEST_USE:
            raise KeysUnavailable
        return self._find(key_id)

    def _age(self) -> float:
        return float("inf") if self._fetched is None else self._clock.monotonic() - self._fetched

    def _find(self, key_id: str | None) -> PyJWK | None:
        if key_id is None and len(self._keys) == 1:
            return next(iter(self._keys.values()))
        return self._keys.get(key_id)

    async def _renew(self, key_id: str | None) -> None:
        async with self._fetching:
            now = self._clock.monotonic()
            if self._age() <= FRESH and self._find(key_id) is not None:
                return  # another request has fetched them meanwhile
            if self._tried is not None and now - self._tried < PAUSE:
                return
            self._tried = now
            try:
                self._keys = usable(await self._fetch())
            except Exception as error:  # noqa: BLE001 - whatever is wrong at the issuer, the keys held go on for a while
                log.warning("signing keys could not be fetched", extra={"kind": type(error).__name__})
            else:
                self._fetched = now


def usable(body: bytes) -> dict[str | None, PyJWK]:
    """The keys of a published set that may sign, by their ids; those of another kind or use are left out.

    Raises:
        msgspec.DecodeError: It is no JWK set.
    """
    keys: dict[str | None, PyJWK] = {}
    for published in msgspec.json.decode(body, type=Published).keys[:MOST_KEYS]:
        if published.get("use", "sig") != "sig" or published.get("kty") not in {"RSA", "EC", "OKP"}:
            continue
        try:
            key = PyJWK(published)
        except (PyJWTError, ValueError, TypeError, KeyError):
            continue
        if key.algorithm_name in ALGORITHMS:
            keys[key.key_id] = key
    return keys
