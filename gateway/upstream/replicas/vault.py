"""A token that one replica asked for and the others use, kept so that only they can read it."""

from __future__ import annotations

import base64
import contextlib

import msgspec
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from redis.asyncio.lock import Lock
from redis.exceptions import LockError

from gateway.upstream.credentials import Secret
from gateway.upstream.oauth import Token
from gateway.upstream.replicas.link import AnyRedis, Link

VERSION = 1
"""Of how a token is laid out and encrypted."""


class SharedVault:
    """Keeps a token in Redis, encrypted with a key that comes from the client secret, which all replicas have.

    Args:
        link: The Redis.
        identity: Whose token it is, as a keyed hash.
        client_secret: What the key is made of.
    """

    def __init__(self, link: Link, identity: str, client_secret: Secret) -> None:
        self._link = link
        self._key = f"{link.prefix}:token:{VERSION}:{identity}"
        self._claim: Lock | None = None
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
        """Keeps a token as long as it lasts, unless another replica has claimed the question meanwhile."""
        claim = self._claim
        if claim is not None and await self._link.ask(lambda _: claim.owned()) is False:
            return
        data = self._cipher.encrypt(msgspec.msgpack.encode((token.secret.reveal(), token.issued, token.lasts)))
        await self._link.ask(lambda redis: redis.set(self._key, data, px=max(1, round(token.lasts * 1000))))

    async def claim(self, seconds: float) -> bool:
        """Whether this replica is the one to ask for a token now; while Redis is away, each is."""

        async def acquire(redis: AnyRedis) -> Lock | bool:
            lock = redis.lock(f"{self._key}:claim", timeout=seconds, blocking=False, thread_local=False)
            return lock if await lock.acquire() else False

        claimed = await self._link.ask(acquire)
        self._claim = claimed if isinstance(claimed, Lock) else None
        return claimed is not False

    async def release(self) -> None:
        """Lets another replica ask; does nothing where this one's claim is over."""
        claim, self._claim = self._claim, None

        async def give_up(_: AnyRedis) -> None:
            assert claim is not None
            with contextlib.suppress(LockError):
                await claim.release()

        if claim is not None:
            await self._link.ask(give_up)
