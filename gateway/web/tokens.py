"""JWTs: whose they are and what they allow, by the keys that their issuer publishes, or why they are not accepted."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import re
from collections.abc import Awaitable, Callable, Mapping

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt import PyJWK
from jwt.exceptions import (
    DecodeError,
    InvalidAlgorithmError,
    InvalidAudienceError,
    InvalidIssuerError,
    InvalidSignatureError,
    MissingRequiredClaimError,
    PyJWTError,
)

from gateway.errors import RefusalReason, Unauthenticated
from gateway.model.scopes import SCOPES, Principal
from gateway.request import Clock

log = logging.getLogger(__name__)

ALGORITHMS = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"})
"""Signatures by a private key only: with a shared secret, who can check a token can also make one."""

FRESH = 600.0
"""Seconds after which keys are fetched again, so that a revoked one is dropped."""

LONGEST_USE = 86_400.0
"""Seconds for which keys are used while they cannot be fetched again."""

PAUSE = 10.0
"""Seconds between two fetches: a flood of made-up key ids asks the issuer no oftener."""

MAX_KEYS = 100
LEAST_RSA_BITS = 2048
"""Shorter moduli are within reach of those who factor numbers (NIST SP 800-131A)."""


class KeysUnavailable(Exception):
    """There are no keys to check a token with, or not the one that it names, and the issuer cannot be asked."""


class Published(msgspec.Struct):
    """A JWK set (RFC 7517); each key by itself, so that one that cannot be read does not lose the others."""

    keys: list[msgspec.Raw]


class KeySet:
    """One issuer's keys: fetched when first needed, then renewed in the background.

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
            self._keys = signing_keys(await self._fetch())
        except Exception as error:  # noqa: BLE001 - whatever is wrong at the issuer, the known keys go on for a while
            self._failed = True
            log.warning("signing keys could not be fetched", extra={"kind": type(error).__name__})
        else:
            self._failed, self._fetched = False, now


def signing_keys(body: bytes) -> dict[str | None, PyJWK]:
    """The keys of a published set that may sign, by their ids; those of another kind or use are left out.

    Raises:
        msgspec.DecodeError: It is not a JWK set.
    """
    keys: dict[str | None, PyJWK] = {}
    for published in msgspec.json.decode(body, type=Published).keys[:MAX_KEYS]:
        try:
            key = _key(msgspec.json.decode(published, type=dict[str, object]))
        except Exception as error:  # noqa: BLE001 - whatever it is, it cannot be used
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


EMAIL_CLAIM = "email"

VERIFIED = (True, "true")
"""What `email_verified` says of an address that is; some issuers send it as a text."""

SKEW = 60.0
"""Seconds by which clocks may differ."""

LONGEST = 8192
"""Characters of a token; more than any header can hold."""

COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")
"""The form of a signed token (RFC 7515, 7.1); Python's decoder of base64 would pass over any other character."""

LAST_SECOND = 253_402_300_799
"""Of the year 9999: later times, NaN and infinity never come."""

UNREADABLE = (PyJWTError, ValueError, TypeError, KeyError, AttributeError, RecursionError)
"""What PyJWT raises for a malformed token; it does not expect every wrong type."""

REASONS: Mapping[type[PyJWTError], RefusalReason] = {
    InvalidSignatureError: "signature",
    DecodeError: "malformed",
    InvalidAlgorithmError: "algorithm",
    InvalidIssuerError: "issuer",
    InvalidAudienceError: "audience",
}
MISSING: Mapping[str, RefusalReason] = {"iss": "issuer", "aud": "audience"}


class Tokens:
    """The tokens of one issuer.

    Args:
        keys: What they are signed with.
        issuer: What `iss` has to be; any where empty.
        audience: What `aud` has to name; any where empty.
        clock: Tells whether they are still good.
        email_claim: The claim with the address that a token was issued for.
    """

    def __init__(self, keys: KeySet, issuer: str, audience: str, clock: Clock, email_claim: str = EMAIL_CLAIM) -> None:
        self._email_claim = email_claim
        self._keys = keys
        self._issuer = issuer
        self._audience = audience
        self._clock = clock

    async def principal(self, token: str) -> Principal:
        """The subject of a token.

        Raises:
            Unauthenticated: It is not accepted; the message does not say what would be.
            KeysUnavailable: The issuer's keys cannot be fetched.
        """
        if len(token) > LONGEST:
            raise Unauthenticated("The token is too long.", reason="malformed")
        if not COMPACT.fullmatch(token):
            raise Unauthenticated("The token is not a JWT.", reason="malformed")
        try:
            header = jwt.get_unverified_header(token)
        except UNREADABLE:
            raise Unauthenticated("The token is not a JWT.", reason="malformed") from None
        algorithm = header.get("alg")
        if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
            raise Unauthenticated("The token is not accepted.", reason="algorithm")
        key_id = header.get("kid")
        key = await self._keys.key(key_id if isinstance(key_id, str) else None)
        if key is None:
            raise Unauthenticated("The token is not signed with a known key.", reason="key")
        return self._of(self._claims(token, key))

    def _claims(self, token: str, key: jwt.PyJWK) -> Mapping[str, object]:
        try:
            claims: Mapping[str, object] = jwt.decode(
                token,
                key,
                algorithms=[key.algorithm_name],  # the key's own, never the one that a token claims
                issuer=self._issuer or None,
                audience=self._audience or None,
                options={
                    "require": ["exp"],
                    "verify_aud": bool(self._audience),
                    "verify_exp": False,  # times are checked below, by our clock
                    "verify_nbf": False,
                    "verify_iat": False,
                },
            )
        except UNREADABLE as error:
            raise Unauthenticated("The token is not accepted.", reason=reason_of(error)) from None
        return claims

    def _of(self, claims: Mapping[str, object]) -> Principal:
        now = self._clock.time()
        if _seconds(claims, "exp", 0.0) <= now - SKEW:
            raise Unauthenticated("The token has expired.", reason="expired")
        if max(_seconds(claims, "nbf", 0.0), _seconds(claims, "iat", 0.0)) > now + SKEW:
            raise Unauthenticated("The token is not valid yet.", reason="early")
        return Principal(
            name=subject(claims.get("sub")), scopes=_scopes(claims), email=_email(claims, self._email_claim)
        )


def _email(claims: Mapping[str, object], name: str) -> str | None:
    """The address that a token was issued for; none that the issuer says is not verified (OpenID Connect, 5.1)."""
    email, verified = claims.get(name), claims.get("email_verified", True)
    return email if isinstance(email, str) and verified in VERIFIED else None


def subject(sub: object) -> str:
    """A JWT's subject as logs and metrics name it, and its rate is counted under: a hash, since it may be an address.

    No key of `GATEWAY_API_KEYS` can have such a name, as their names hold no colon.
    """
    if sub is None:
        return "sub:none"
    return f"sub:{hashlib.sha256(str(sub).encode(errors='surrogatepass')).hexdigest()[:16]}"


def reason_of(error: Exception) -> RefusalReason:
    """What is wrong with a token that PyJWT refused, or could not read."""
    if isinstance(error, MissingRequiredClaimError):
        return MISSING.get(error.claim, "claims")
    other: RefusalReason = "claims" if isinstance(error, PyJWTError) else "malformed"
    return next((reason for kind, reason in REASONS.items() if isinstance(error, kind)), other)


def _seconds(claims: Mapping[str, object], name: str, default: float) -> float:
    value = claims.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= LAST_SECOND:
        raise Unauthenticated("The token has an invalid time.", reason="claims")
    return float(value)


def _scopes(claims: Mapping[str, object]) -> frozenset[str]:
    """`scope` (RFC 8693: words in a text) and `scp` (a text or a list); of ours only."""
    granted: set[str] = set()
    for name in ("scope", "scp"):
        value = claims.get(name)
        if isinstance(value, str):
            granted.update(value.split())
        elif isinstance(value, list):
            granted.update(word for word in value if isinstance(word, str))
    return SCOPES & granted
