"""The connection to Redis: bursts, outages, and errors that are reported as what they are."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from redis import Redis

from gateway.runtime import changes, replicas
from gateway.upstream.clock import ManualClock
from gateway.upstream.replicas import counter, fleet
from gateway.upstream.replicas import link as link_module
from gateway.upstream.replicas.link import (
    CONNECTIONS,
    LONG_PAUSE,
    PAUSE,
    TURNS,
    AnyRedis,
    Link,
    LinkTrouble,
    Script,
    within,
)
from tests.upstream.replicas.conftest import MakeLink
from tests.upstream.replicas.redis_server import RedisServer, redis_server

SECRET = "pw-not-to-be-seen"

MakeLinkTo = Callable[[str], Link]


@pytest.fixture
async def link_to(clock: ManualClock) -> AsyncIterator[MakeLinkTo]:
    links: list[Link] = []

    def make(url: str) -> Link:
        links.append(Link(url, clock, patience=5.0))
        return links[-1]

    yield make
    for link in links:
        await link.close()


async def ping(redis: AnyRedis) -> bool:
    return bool(await redis.set("gateway:ping", "1"))


@pytest.mark.parametrize("questions", [CONNECTIONS + 1, 1000])
async def test_many_questions_at_once_are_no_outage(make_link: MakeLink, questions: int) -> None:
    link = make_link()
    assert await asyncio.gather(*(link.ask(ping) for _ in range(questions))) == [True] * questions
    assert link.up


async def test_when_it_is_away_nobody_waits_behind_those_who_find_out(
    make_link: MakeLink, one_redis: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    link, asked = make_link(patience=0.05), 0

    async def question(redis: AnyRedis) -> bool:
        nonlocal asked
        asked += 1
        return await ping(redis)

    assert await link.ask(question)
    with one_redis.frozen():
        assert await asyncio.gather(*(link.ask(question) for _ in range(1000))) == [None] * 1000
    assert asked <= 1 + CONNECTIONS
    assert [record.message for record in caplog.records if "Redis" in record.message] == [
        "Redis does not answer (TimeoutError); this process goes on alone"
    ]


async def test_an_answer_that_came_while_the_event_loop_was_busy_counts() -> None:
    async with within(0):
        for _ in range(TURNS - 1):
            await asyncio.sleep(0)

    async def too_late() -> None:
        async with within(0):
            await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        await too_late()


async def test_a_restart_is_got_over(make_link: MakeLink, one_redis: RedisServer, clock: ManualClock) -> None:
    link = make_link()
    assert await asyncio.gather(*(link.ask(ping) for _ in range(20))) == [True] * 20
    one_redis.kill()
    assert await link.ask(ping) is None
    one_redis.start()
    assert await link.ask(ping) is None, "it was asked a moment ago"
    clock.advance(PAUSE)
    assert await asyncio.gather(*(link.ask(ping) for _ in range(20))) == [True] + [None] * 19, "one goes to see"
    assert await asyncio.gather(*(link.ask(ping) for _ in range(20))) == [True] * 20


def test_the_probe_tries_every_command_of_every_script() -> None:
    scripts = [
        each.text
        for module in (changes, counter, fleet, replicas)
        for each in vars(module).values()
        if isinstance(each, Script)
    ]
    assert len(scripts) >= 8
    commands = {command for text in scripts for command in re.findall(r"redis\.call\('(\w+)'", text)}
    assert commands <= set(re.findall(r"redis\.call\('(\w+)'", link_module.PROBE))


PAGE = Path(__file__).parents[3] / "docs/operations/redis.md"
(RULE,) = re.findall(r"`ACL SETUSER gateway on >… ~gateway:\* (.*?)`", PAGE.read_text(encoding="utf-8"))
DOCUMENTED = tuple(RULE.split())
"""What the documentation says that a user needs."""


def test_every_trouble_is_documented() -> None:
    page = PAGE.read_text(encoding="utf-8")
    troubles = [each for each in vars(link_module).values() if isinstance(each, LinkTrouble)]
    assert len(troubles) >= 7
    assert [each.reason for each in troubles if each.reason.partition(";")[0] not in page] == []


@pytest.fixture(scope="module")
def guarded() -> Iterator[RedisServer]:
    """A server that wants a password, and knows users with less than all rights."""
    with redis_server("--requirepass", SECRET) as server:
        admin = Redis.from_url(f"redis://:{SECRET}@127.0.0.1:{server.port}/0")
        for name, rules in {
            "gateway": DOCUMENTED,
            "reader": ("+@read", "+@scripting", "+@connection", "+time"),
            "scriptless": ("+@read", "+@write", "+@connection"),
            "half": (*DOCUMENTED, "-zadd"),
            "streamless": (*DOCUMENTED, "-xadd"),
        }.items():
            admin.acl_setuser(
                name, enabled=True, passwords=[f"+{SECRET}"], keys=["gateway:*"], commands=[*rules], reset=True
            )
        admin.acl_setuser("elsewhere", enabled=True, passwords=[f"+{SECRET}"], keys=["other:*"], commands=["+@all"])
        admin.close()
        yield server


PASSWORD, RIGHTS = link_module.PASSWORD, link_module.RIGHTS


@pytest.mark.parametrize(
    ("user", "trouble"),
    [
        ("", PASSWORD),
        (":wrong@", PASSWORD),
        (f"nobody:{SECRET}@", PASSWORD),
        ("gateway:wrong@", PASSWORD),
        (f"reader:{SECRET}@", RIGHTS),
        (f"scriptless:{SECRET}@", RIGHTS),
        (f"half:{SECRET}@", RIGHTS),
        (f"streamless:{SECRET}@", RIGHTS),
        (f"elsewhere:{SECRET}@", RIGHTS),
        (f"gateway:{SECRET}@", None),
        (f":{SECRET}@", None),
    ],
)
async def test_a_credential_that_is_refused_is_reported_as_such(
    link_to: MakeLinkTo, guarded: RedisServer, caplog: pytest.LogCaptureFixture, user: str, trouble: LinkTrouble | None
) -> None:
    caplog.set_level(logging.DEBUG)
    link = link_to(f"redis://{user}127.0.0.1:{guarded.port}/0")
    assert await link.probe() == trouble
    assert link.up is (trouble is None)
    for _ in range(5):
        await link.ask(ping)
    said = [record.message for record in caplog.records if record.name.startswith("gateway")]
    assert said == ([] if trouble is None else [f"Redis {trouble.reason}; this process goes on alone"])
    assert SECRET not in caplog.text
    assert SECRET not in repr(link.trouble)


async def test_a_password_that_is_set_right_is_found_out(
    link_to: MakeLinkTo, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    with redis_server("--requirepass", "another") as server:
        link = link_to(f"redis://:{SECRET}@127.0.0.1:{server.port}/0")
        assert await link.probe() == PASSWORD
        admin = Redis.from_url(f"redis://:another@127.0.0.1:{server.port}/0")
        admin.config_set("requirepass", SECRET)
        clock.advance(PAUSE)
        assert await link.ask(ping) is None, "such an error is not asked about twice a second"
        clock.advance(LONG_PAUSE)
        assert await link.ask(ping)
        admin.close()
    assert [record.message for record in caplog.records][-1] == "Redis answers again"


async def test_a_read_only_replica_is_reported_as_such(link_to: MakeLinkTo, one_redis: RedisServer) -> None:
    with redis_server("--replicaof", "127.0.0.1", f"{one_redis.port}") as replica:
        assert await link_to(replica.url).probe() == link_module.READ_ONLY


async def test_a_full_memory_is_reported_as_such(link_to: MakeLinkTo) -> None:
    with redis_server("--maxmemory", "1", "--maxmemory-policy", "noeviction") as server:
        assert await link_to(server.url).probe() == link_module.FULL


async def test_a_server_that_cannot_save_is_reported_as_such(link_to: MakeLinkTo) -> None:
    with redis_server("--min-replicas-to-write", "1") as server:
        assert await link_to(server.url).probe() == link_module.NO_WRITES


async def test_a_wrong_kind_of_value_is_not_taken_for_an_outage(
    make_link: MakeLink, caplog: pytest.LogCaptureFixture
) -> None:
    link = make_link()
    assert await link.ask(ping)
    for _ in range(3):
        assert await link.ask(lambda redis: redis.lpush("gateway:ping", "x")) is None
    assert link.up
    assert await link.ask(ping)
    assert [record.message for record in caplog.records] == ["Redis answers with an error (WRONGTYPE)"]


async def test_an_address_without_a_server(link_to: MakeLinkTo, unused_tcp_port: int) -> None:
    refused = await link_to(f"redis://127.0.0.1:{unused_tcp_port}/0").probe()
    assert refused == LinkTrouble("does not answer (ConnectionError)")

    async def web(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(web, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        trouble = await link_to(f"redis://127.0.0.1:{port}/0").probe()
    assert trouble is not None
    assert trouble.reason.startswith("does not answer")


async def test_several_faults_in_a_row_are_each_reported_once(
    link_to: MakeLinkTo, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    with ExitStack() as stack:
        server = stack.enter_context(redis_server())
        link = link_to(server.url)
        assert await link.probe() is None
        admin = stack.enter_context(Redis.from_url(server.url))
        admin.config_set("maxmemory-policy", "noeviction")
        admin.config_set("maxmemory", "1")
        for _ in range(3):
            clock.advance(LONG_PAUSE)
            assert await link.ask(ping) is None
        admin.config_set("maxmemory", "0")
        clock.advance(LONG_PAUSE)
        assert await link.ask(ping)
        server.kill()
        for _ in range(3):
            clock.advance(PAUSE)
            assert await link.ask(ping) is None
    assert [record.message for record in caplog.records] == [
        f"Redis {link_module.FULL.reason}; this process goes on alone",
        "Redis answers again",
        "Redis does not answer (ConnectionError); this process goes on alone",
    ]
