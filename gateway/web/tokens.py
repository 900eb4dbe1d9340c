"""JWTs: whose they are and what they allow, or why they are not accepted."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping

import jwt
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
from gateway.upstream.request import Clock
from gateway.web.keyset import ALGORITHMS, KeySet

SKEW = 60.0
"""Seconds by which clocks may differ."""

LONGEST = 8192
"""Characters of a token; more than any header can hold."""

COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")
"""The form of a signed token (RFC 7515, 7.1); Python's decoder of base64 would pass over any other character."""

LAST_SECOND = 253_402_300_799
"""Of the year 9999: a time beyond it, or one that is no number at all, is none that ever comes."""

UNREADABLE = (PyJWTError, ValueError, TypeError, KeyError, AttributeError, RecursionError)
"""What PyJWT raises over a token that is none; of the wrong types it does not expect all."""

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
    """

    def __init__(self, keys: KeySet, issuer: str, audience: str, clock: Clock) -> None:
        self._keys = keys
        self._issuer = issuer
        self._audience = audience
        self._clock = clock

    async def principal(self, token: str) -> Principal:
        """Whoever a token was given to.

        Raises:
            Unauthenticated: It is not accepted; the message does not say what would be.
            KeysUnavailable: The issuer's keys cannot be had.
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
        return Principal(name=subject(claims.get("sub")), scopes=_scopes(claims))


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
        raise Unauthenticated("The token has a time that is none.", reason="claims")
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
