"""Every attack gets the stated status and code for less than a second of CPU, and others are answered meanwhile."""

from __future__ import annotations

import asyncio
import io
import time

import msgspec
import pytest
from yarl import URL

from tests.http.attacks import ATTACKS, JSON, KEY, RESPONSE, Attack
from tests.http.harness import Caller, Reply

pytestmark = pytest.mark.asyncio(loop_scope="module")

LONGEST = 10.0
"""Seconds after which a server that does not answer is taken to hang."""

CPU = 1.0
"""Seconds of CPU that an attack may take, client, server and vendors together: what else the machine does, does not
count."""


async def send(production: Caller, attack: Attack) -> Reply:
    headers = {"Authorization": f"Bearer {KEY}", "Accept": RESPONSE, "Content-Type": JSON, **attack.headers}
    body = attack.body if isinstance(attack.body, bytes) else msgspec.json.encode(attack.body)
    return await production.ask(
        attack.method,
        URL(attack.path, encoded=True).raw_path_qs,
        data=None if attack.body is None else io.BytesIO(body),
        headers={name: value for name, value in headers.items() if value is not None},
        skip_auto_headers=["Content-Type"],
    )


async def normal(production: Caller) -> Reply:
    return await send(production, Attack("normal", 200, "", {"query": "{ sources { source } }"}))


async def test_there_are_enough() -> None:
    assert len(ATTACKS) >= 150
    assert len({attack.name for attack in ATTACKS}) == len(ATTACKS)


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
async def test_an_attack_gets_what_it_deserves(production: Caller, attack: Attack) -> None:
    began = time.process_time()
    async with asyncio.timeout(LONGEST):
        reply, other = await asyncio.gather(send(production, attack), normal(production))
    assert time.process_time() - began < CPU
    code = "" if reply.status == 200 and "errors" not in reply.json else reply.code
    assert (reply.status, code) == (attack.status, attack.code)
    assert (other.status, len(other.json["data"]["sources"])) == (200, 3)
    if reply.status != 200:
        assert "data" not in reply.json
    leaked = [
        word for word in (b"Traceback", b"gateway/", b".py", KEY.encode(), b"salesloft.com") if word in reply.body
    ]
    assert leaked == []
