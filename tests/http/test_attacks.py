"""Every attack gets the stated status and code within a second, and others are answered meanwhile."""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import AsyncIterator

import msgspec
import pytest
import pytest_asyncio
from yarl import URL

from gateway.app import create_app
from gateway.demo import variables
from gateway.emulator.server import Emulators
from gateway.settings import Settings
from tests.http.attacks import ATTACKS, JSON, RESPONSE, Attack
from tests.http.harness import Caller, Reply, calling

pytestmark = pytest.mark.asyncio(loop_scope="module")

KEY = "a-production-key"
LONGEST = 1.0
"""Seconds that any answer may take."""

PRODUCTION = {
    "GATEWAY_API_KEYS": f"web:{KEY}",
    "GATEWAY_CLIENT_RATE": "1000000",
    "GATEWAY_INTROSPECTION": "off",
    "GATEWAY_GRAPHIQL": "off",
    "GATEWAY_TRACE": "off",
}


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def gateway() -> AsyncIterator[Caller]:
    """A gateway as it is set up in production, over the demo's world."""
    async with Emulators.start() as emulators:
        app = create_app(Settings.read({**variables(emulators), **PRODUCTION}))
        async with calling(app) as caller:
            yield caller


async def send(gateway: Caller, attack: Attack) -> Reply:
    headers = {"Authorization": f"Bearer {KEY}", "Accept": RESPONSE, "Content-Type": JSON, **attack.headers}
    body = attack.body if isinstance(attack.body, bytes) else msgspec.json.encode(attack.body)
    return await gateway.ask(
        attack.method,
        URL(attack.path, encoded=True).raw_path_qs,
        data=None if attack.body is None else io.BytesIO(body),
        headers={name: value for name, value in headers.items() if value is not None},
        skip_auto_headers=["Content-Type"],
    )


async def normal(gateway: Caller) -> Reply:
    return await send(gateway, Attack("normal", 200, "", {"query": "{ sources { source } }"}))


async def test_there_are_enough() -> None:
    assert len(ATTACKS) >= 150
    assert len({attack.name for attack in ATTACKS}) == len(ATTACKS)


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
async def test_an_attack_gets_what_it_deserves(gateway: Caller, attack: Attack) -> None:
    started = time.perf_counter()
    reply, other = await asyncio.gather(send(gateway, attack), normal(gateway))
    took = time.perf_counter() - started
    code = "" if reply.status == 200 and "errors" not in reply.json else reply.code
    assert (reply.status, code) == (attack.status, attack.code)
    assert took < LONGEST
    assert (other.status, len(other.json["data"]["sources"])) == (200, 2)
    if reply.status != 200:
        assert "data" not in reply.json
    leaked = [
        word for word in (b"Traceback", b"gateway/", b".py", KEY.encode(), b"salesloft.com") if word in reply.body
    ]
    assert leaked == []
