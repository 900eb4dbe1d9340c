"""A credential that is replaced while it is in use, when its owner puts another one into its file."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from gateway.errors import UpstreamRefused
from gateway.upstream.credentials import Credential, Secret
from gateway.upstream.request import Request
from gateway.upstream.trouble import Reason


class RotatingCredential:
    """What calls prove themselves with now.

    Args:
        first: What they do it with at the start.

    Attributes:
        look: Looks whether there is another one, which is then given to `replace`; awaited when one is refused.
    """

    def __init__(self, first: Credential) -> None:
        self._current = first
        self._followers: list[Callable[[], None]] = []
        self.look: Callable[[], Awaitable[object]] | None = None

    def follow(self, replaced: Callable[[], None]) -> None:
        """Has something called after each replacement."""
        self._followers.append(replaced)

    def replace(self, credential: Credential) -> None:
        """Puts another one in its place, from the next call on."""
        self._current = credential
        for replaced in self._followers:
            replaced()

    @property
    def identity(self) -> str:
        """Whose records an answer holds: another credential may be another account's."""
        return self._current.identity

    @property
    def usable(self) -> bool:
        """Whether there is a token, or none was asked for yet."""
        return self._current.usable

    @property
    def troubles(self) -> Mapping[str, Reason]:
        """What is wrong with the endpoint that gives tokens."""
        return self._current.troubles

    async def token(self, request: Request) -> Secret:
        """A token that is good now; see `Credential`."""
        current = self._current
        try:
            return await current.token(request)
        except UpstreamRefused:
            if not await self._replaced(current):
                raise
            return await self._current.token(request)

    async def rejected(self, token: Secret, *, known: bool) -> bool:
        """Learns that the upstream refused a token; whether asking for another one may help."""
        current = self._current
        return await current.rejected(token, known=known) or await self._replaced(current)

    async def _replaced(self, credential: Credential) -> bool:
        """Whether there is another one by now than that which was refused."""
        if self._current is credential and self.look is not None:
            await self.look()
        return self._current is not credential
