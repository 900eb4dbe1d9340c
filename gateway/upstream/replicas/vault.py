"""A token that one replica asked for and the others use, kept so that only they can read it."""

from __future__ import annotations

import base64

import msgspec
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gateway.upstream.credentials import Secret
from gateway.upstream.oauth import Token
from gateway.upstream.replicas.link import Link


class SharedVault:
    """Keeps a token in Redis, encrypted with a key that comes from the client secret, which all replicas have.

    Args:
        link: The Redis.
        identity: Whose token it is, as a keyed hash.
        client_secret: What the key is made of.
    """

    def __init__(self, link: Link, identity: str, client_secret: Secret) -> None:
        self._link = link
        self._key = f"{link.prefix}:token:{identity}"
        derived = HKDF(SHA256(), length=32, salt=None, info=b"meeting-gateway token")
        self._cipher = Fernet(base64.urlsafe_b64encode(derived.derive(client_secret.reveal().encode())))

    async def load(self) -> Token | None:
        """The token that was kept last; None where there is none, or none to be read."""
        data = await self._link.ask(lambda redis: redis.get(self._key))
        if not isinstance(data, bytes):
            return None
        try:
            text, issued, lasts = msgspec.msgpack.decode(self._cipher.decrypt(data), type=tuple[str, float, float])
        except (InvalidToken, msgspec.MsgspecError):
            return None
        return Token(Secret(text), issued, lasts)

    async def keep(self, token: Token) -> None:
        """Keeps a token as long as it lasts."""
        data = self._cipher.encrypt(msgspec.msgpack.encode((token.secret.reveal(), token.issued, token.lasts)))
        await self._link.ask(lambda redis: redis.set(self._key, data, px=max(1, round(token.lasts * 1000))))

    async def claim(self, seconds: float) -> bool:
        """Whether this replica is the one to ask for a token now; while Redis is away, each is."""
        name = f"{self._key}:claim"
        claimed = await self._link.ask(lambda redis: redis.set(name, 1, nx=True, px=round(seconds * 1000)))
        return claimed is not None or not self._link.up

    async def release(self) -> None:
        """Lets another replica ask, after this one could not."""
        await self._link.ask(lambda redis: redis.delete(f"{self._key}:claim"))
