"""Replicas that know of one another, and a switch that reaches them all."""

from __future__ import annotations

from gateway.upstream.clock import ManualClock
from gateway.upstream.replicas.fleet import Fleet
from gateway.upstream.switches import Switches
from tests.upstream.conftest import MakeClient
from tests.upstream.replicas.conftest import MakeLink
from tests.upstream.replicas.redis_server import RedisServer
from tests.upstream.turns import pass_time


async def test_replicas_are_counted_and_the_count_is_remembered(
    make_link: MakeLink, one_redis: RedisServer, clock: ManualClock
) -> None:
    fleets = [Fleet(make_link(patience=0.1), clock, expected=7) for _ in range(3)]
    nobody = Switches([])
    for fleet in fleets:
        await fleet.beat(nobody)
    await fleets[0].beat(nobody)
    assert [fleet.size for fleet in fleets] == [3, 2, 3]

    with one_redis.frozen():
        await fleets[0].beat(nobody)
        assert fleets[0].size == 3
    assert Fleet(make_link(), clock, expected=7).size == 7


async def test_a_replica_that_leaves_is_not_counted(make_link: MakeLink, clock: ManualClock) -> None:
    staying, leaving = Fleet(make_link(), clock), Fleet(make_link(), clock)
    nobody = Switches([])
    async with staying.joined(nobody):
        async with leaving.joined(nobody):
            await staying.beat(nobody)
            assert staying.size == 2
        await staying.beat(nobody)
        assert staying.size == 1


async def test_a_source_is_switched_off_for_all(
    make_link: MakeLink, make_client: MakeClient, clock: ManualClock
) -> None:
    operator = make_link()
    clients = [make_client(name=name) for name in ("SALESLOFT", "DRIFT", "DRIFT")]
    one, other = Fleet(make_link(), clock), Fleet(make_link(), clock)
    here, there = Switches(clients[:2]), Switches(clients[2:])
    async with one.joined(here), other.joined(there):
        await operator.ask(lambda redis: redis.sadd(one.off_key, "DRIFT"))
        await one.beat(here)
        await other.beat(there)
        assert [client.on for client in clients] == [True, False, False]

        await operator.ask(lambda redis: redis.srem(one.off_key, "DRIFT"))
        await one.beat(here)
        await other.beat(there)
        assert [client.on for client in clients] == [True, True, True]


async def test_it_beats_by_itself(make_link: MakeLink, clock: ManualClock) -> None:
    one, other = Fleet(make_link(), clock), Fleet(make_link(), clock)
    async with one.joined(Switches([])), other.joined(Switches([])):
        assert one.size == 1
        clock.advance(1)
        while one.size == 1:
            await pass_time(clock, 0)
        assert one.size == 2
