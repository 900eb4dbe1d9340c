"""An issuer of tokens, and a gateway that accepts them and API keys."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from gateway.settings.api_keys import read_keys
from gateway.upstream.clock import ManualClock
from gateway.web.authentication import Authenticator
from gateway.web.tokens import KeySet, Tokens
from tests.http.harness import Caller, PlainEngine, Reply, calling, plain_site

KEY, OTHER = "a-long-enough-key", "another-long-enough-key"
ISSUER, AUDIENCE = "https://login.example", "meetings"


@dataclass
class Issuer:
    """Signs tokens and publishes keys; `published` is what the next fetch gets."""

    keys: dict[str, Any] = field(default_factory=dict)
    fetched: int = 0
    failing: bool = False
    extra: list[Any] = field(default_factory=list)
    hanging: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.hanging.set()

    def add(self, key_id: str, *, curve: bool = False) -> None:
        self.keys[key_id] = ec.generate_private_key(ec.SECP256R1()) if curve else rsa.generate_private_key(65537, 2048)

    async def publish(self) -> bytes:
        self.fetched += 1
        await self.hanging.wait()
        if self.failing:
            raise OSError("down")
        entries = [public_jwk(key) | {"kid": key_id, "use": "sig"} for key_id, key in self.keys.items()]
        return json.dumps({"keys": entries + self.extra}).encode()

    def token(self, clock: ManualClock, key_id: str = "one", **changes: Any) -> str:
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": "zoe",
            "exp": int(clock.time()) + 300,
            "scope": "openid meetings:read people:read",
            **changes,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        algorithm = "RS256" if isinstance(self.keys[key_id], rsa.RSAPrivateKey) else "ES256"
        return jwt.encode(claims, self.keys[key_id], algorithm, headers={"kid": key_id})


def public_jwk(key: Any) -> dict[str, Any]:
    kind: Any = RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else ECAlgorithm
    made: dict[str, Any] = kind.to_jwk(key.public_key(), as_dict=True)
    return made


async def settled() -> None:
    """Lets a fetch end that nobody waits for."""
    for _ in range(5):
        await asyncio.sleep(0)


@pytest.fixture(scope="module")
def signing() -> Mapping[str, Any]:
    """Keys are slow to make: one set for all tests."""
    issuer = Issuer()
    issuer.add("one")
    issuer.add("two", curve=True)
    issuer.add("stranger")
    return issuer.keys


@pytest.fixture
def issuer(signing: Mapping[str, Any]) -> Issuer:
    return Issuer({"one": signing["one"], "two": signing["two"]})


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def engine() -> PlainEngine:
    return PlainEngine()


@pytest.fixture
async def gateway(issuer: Issuer, clock: ManualClock, engine: PlainEngine) -> AsyncIterator[Caller]:
    tokens = Tokens(KeySet(issuer.publish, clock), ISSUER, AUDIENCE, clock)
    keys = read_keys(f"web:{KEY},bot:{OTHER}:meetings:read")
    async with calling(
        plain_site(engine, access=Authenticator(required=True, keys=keys, tokens=tokens), clock=clock)
    ) as caller:
        yield caller


async def ask(gateway: Caller, **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await gateway.ask("POST", json={"query": "{ hello }"}, headers=named)


Forge = Callable[[Issuer, ManualClock], str]
