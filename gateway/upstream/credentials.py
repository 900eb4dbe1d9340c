"""Credentials of calls: secrets that are never printed, static tokens, and replacement while in use."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from gateway.errors import UpstreamRefused
from gateway.request import Request
from gateway.upstream.trouble import Reason


class Secret:
    """A text that no log, error or repr can show; only `reveal` returns it.

    Args:
        text: The text.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text, for the header or form field that it is sent in, and for nothing else."""
        return self._text

    def fingerprint(self, purpose: str) -> str:
        """A keyed hash with the secret as the key: it distinguishes secrets and discloses none."""
        return hmac.new(self._text.encode(), purpose.encode(), hashlib.sha256).hexdigest()[:32]

    def __repr__(self) -> str:
        return "Secret('***')"

    def __str__(self) -> str:
        return "***"

    def __format__(self, spec: str) -> str:
        return "***"

    def __reduce__(self) -> str | tuple[object, ...]:
        msg = "a secret is not pickled"
        raise TypeError(msg)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self._text.encode(), other._text.encode())

    def __hash__(self) -> int:
        return hash((Secret, self._text))


class Credential(Protocol):
    """A source of bearer tokens."""

    @property
    def identity(self) -> str:
        """The account as a keyed hash, which does not disclose the token; constant as long as the account is."""
        ...

    @property
    def usable(self) -> bool:
        """Whether there is a token, or none has been requested yet."""
        ...

    @property
    def troubles(self) -> Mapping[str, Reason]:
        """What is wrong with the token endpoint; empty where it works, or there is none."""
        ...

    async def token(self, request: Request) -> Secret:
        """A valid token.

        Raises:
            UpstreamError: No token could be obtained.
            DeadlineExceeded: Not by the request's deadline.
        """
        ...

    async def rejected(self, token: Secret, *, known: bool) -> bool:
        """Takes that the upstream refused a token; returns whether another attempt with a newer one may help.

        Args:
            token: The token.
            known: Whether the upstream knows the token (403) rather than not (401); some do not distinguish these.
        """
        ...


class StaticToken:
    """An API key, or an access token that is renewed elsewhere.

    Args:
        secret: The token.
    """

    def __init__(self, secret: Secret) -> None:
        self._secret = secret
        self.identity = secret.fingerprint("meeting-gateway records")
        self.usable = True
        self.troubles: Mapping[str, Reason] = {}

    async def token(self, request: Request) -> Secret:  # noqa: ARG002 - the protocol's
        """The token."""
        return self._secret

    async def rejected(self, token: Secret, *, known: bool) -> bool:  # noqa: ARG002 - the protocol's
        """Always False: there is no other token."""
        return False


class RotatingCredential:
    """A credential that can be replaced while it is in use, when its file has another one.

    Args:
        first: The credential at the start.

    Attributes:
        look: Reads the settings again and calls `replace` where the credential has changed; awaited after a refusal.
    """

    def __init__(self, first: Credential) -> None:
        self._current = first
        self._followers: list[Callable[[], None]] = []
        self.look: Callable[[], Awaitable[object]] | None = None

    def follow(self, replaced: Callable[[], None]) -> None:
        """Has a function called after each replacement."""
        self._followers.append(replaced)

    def replace(self, credential: Credential) -> None:
        """Replaces the credential, from the next call on."""
        self._current = credential
        for replaced in self._followers:
            replaced()

    @property
    def identity(self) -> str:
        """The current account; another credential may be another account's."""
        return self._current.identity

    @property
    def usable(self) -> bool:
        """Whether there is a token, or none has been requested yet."""
        return self._current.usable

    @property
    def troubles(self) -> Mapping[str, Reason]:
        """What is wrong with the token endpoint."""
        return self._current.troubles

    async def token(self, request: Request) -> Secret:
        """A valid token; see `Credential`."""
        current = self._current
        try:
            return await current.token(request)
        except UpstreamRefused:
            if not await self._replaced(current):
                raise
            return await self._current.token(request)

    async def rejected(self, token: Secret, *, known: bool) -> bool:
        """Takes that the upstream refused a token; returns whether another attempt may help."""
        current = self._current
        return await current.rejected(token, known=known) or await self._replaced(current)

    async def _replaced(self, credential: Credential) -> bool:
        """Whether the refused credential has been replaced by now."""
        if self._current is credential and self.look is not None:
            await self.look()
        return self._current is not credential
