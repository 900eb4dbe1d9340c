"""What a call proves itself with, wrapped so that nothing prints it."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import Protocol

from gateway.upstream.request import Request
from gateway.upstream.trouble import Reason


class Secret:
    """A text that shows itself only where it is asked to by name.

    Args:
        text: What is kept.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself: for the header or form field that it is sent in, and for nothing else."""
        return self._text

    def fingerprint(self, purpose: str) -> str:
        """A keyed hash with the secret as its key: tells two secrets apart and gives neither away."""
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
    """Where a bearer token comes from."""

    @property
    def identity(self) -> str:
        """Tells whose records an answer holds, without telling the token; the same as long as the account is."""
        ...

    @property
    def usable(self) -> bool:
        """Whether there is a token, or none was asked for yet."""
        ...

    @property
    def troubles(self) -> Mapping[str, Reason]:
        """What is wrong with the endpoint that gives tokens; nothing where it is well, or there is none."""
        ...

    async def token(self, request: Request) -> Secret:
        """A token that is good now.

        Raises:
            UpstreamError: There is none to be had.
            DeadlineExceeded: Not before the request's deadline.
        """
        ...

    async def rejected(self, token: Secret, *, known: bool) -> bool:
        """Learns that the upstream refused a token; whether asking for another one may help.

        Args:
            token: What was refused.
            known: Whether the upstream knows it (403), rather than not (401); some do not tell these apart.
        """
        ...


class StaticToken:
    """An API key, or an access token that somebody else renews.

    Args:
        secret: The token.
    """

    def __init__(self, secret: Secret) -> None:
        self._secret = secret
        self.identity = secret.fingerprint("meeting-gateway records")
        self.usable = True
        self.troubles: Mapping[str, Reason] = {}

    async def token(self, request: Request) -> Secret:  # noqa: ARG002 - the protocol's; others have to wait
        """The token."""
        return self._secret

    async def rejected(self, token: Secret, *, known: bool) -> bool:  # noqa: ARG002 - the protocol's; there is but one
        """There is no other."""
        return False
