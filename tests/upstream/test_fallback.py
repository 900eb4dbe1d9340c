"""Old records that stand in for what cannot be had, and those that must not."""

from __future__ import annotations

import asyncio

import pytest

from gateway.errors import UpstreamRefused, UpstreamUnavailable
from gateway.request import Hit
from gateway.upstream.client import Client
from gateway.upstream.clock import ManualClock
from tests.upstream.conftest import MakeClient
from tests.upstream.server import Received, Server, reply
from tests.upstream.things import Ask, Thing, World, kept, things


async def test_an_old_record_stands_in_for_one_that_cannot_be_had(
    client: Client, server: Server, world: World, ask: Ask, clock: ManualClock
) -> None:
    records = things(client)
    await records.get(ask(), ["1"])
    clock.advance(99)
    server.otherwise = reply(500)

    request = ask()
    answers = await records.get(request, ["1", "2"])
    assert answers.found == {"1": Thing("1", 1)}
    assert answers.stale
    assert isinstance(answers.failed["2"], UpstreamUnavailable)
    assert request.freshness.max_age == 0
    assert request.freshness.stale("SALESLOFT")

    clock.advance(2)
    with pytest.raises(UpstreamUnavailable):
        await records.get(ask(), ["1"])
    server.otherwise = world
    assert (await records.get(ask(), ["1"])).found  # the failure was not kept


async def test_an_old_record_is_shown_when_a_new_one_takes_long(
    client: Client, server: Server, world: World, ask: Ask, clock: ManualClock
) -> None:
    records, gate = things(client), asyncio.Event()
    await records.get(ask(), ["1"])
    clock.advance(50)
    world.version = 2

    async def slowly(request: Received, writer: asyncio.StreamWriter) -> None:
        await gate.wait()
        await world(request, writer)

    server.otherwise = slowly
    request = ask()
    reading = asyncio.ensure_future(records.get(request, ["1"]))
    await server.asked(2)
    clock.advance(2)
    answers = await reading
    assert (answers.found["1"].version, answers.stale) == (1, True)

    gate.set()
    await client.wait_for_background()
    assert (await records.get(ask(), ["1"])).found["1"].version == 2
    assert world.asked == [["1"], ["1"]]  # the call that was under way was not dropped
    assert kept(request) == [Hit.STALE, Hit.MISS]


async def test_an_old_record_is_shown_at_once_when_there_are_no_units(
    make_client: MakeClient, world: World, ask: Ask, clock: ManualClock
) -> None:
    client = make_client(limit=2)
    records = things(client)
    await records.get(ask(), ["1"])
    clock.advance(61)
    await records.get(ask(), ["2"])
    await records.get(ask(), ["3"])
    answers = await records.get(ask(), ["1"])
    assert (answers.found["1"].version, answers.stale) == (1, True)
    assert world.asked == [["1"], ["2"], ["3"]]
    clock.advance(61)
    await client.wait_for_background()
    assert world.asked == [["1"], ["2"], ["3"], ["1"]]


async def test_a_refused_credential_shows_nothing_old(
    client: Client, server: Server, world: World, ask: Ask, clock: ManualClock
) -> None:
    records = things(client)
    await records.get(ask(), ["1"])
    assert world.asked
    clock.advance(50)
    server.otherwise = reply(401)

    with pytest.raises(UpstreamRefused):
        await records.get(ask(), ["1"])


async def test_a_source_that_is_off_shows_nothing_cached(client: Client, world: World, ask: Ask) -> None:
    records = things(client)
    await records.get(ask(), ["1"])
    assert world.asked

    client.switch(on=False)
    with pytest.raises(UpstreamUnavailable, match="switched off"):
        await records.get(ask(), ["1"])
