"""An upgrade on its way: a build of another version beside this one, on one Redis, each a process of its own.

The other build is a copy of this one in which everything that goes to Redis is laid out in another way. An older commit
would be no better a stranger, and is not to be had where only the sources are.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import re
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from redis import Redis

import gateway
from gateway.emulator.salesloft.api import SalesloftOptions
from gateway.emulator.server import Emulators
from gateway.emulator.world import World
from tests.two_sources import variables
from tests.upstream.replicas.redis_server import RedisServer, redis_server
from tests.upstream_e2e.test_killed_replica import LONGEST, serving

pytestmark = pytest.mark.slow

LIMIT = 40
VERSIONS = {
    "upstream/replicas/counter": ["REPORT_VERSION"],
    "upstream/replicas/store": ["RECORDS_VERSION", "TOKEN_VERSION"],
    "runtime/replicas": ["BUCKETS_VERSION", "DOCUMENTS_VERSION"],
    "runtime/changes": ["VERSION"],
    "live/log": ["VERSION"],
}
"""The versions of what lies in Redis, by the module that writes it."""
PAGE = """
query($since: DateTime) {
  meetings(first: 2, filter: {sources: [SALESLOFT], startTime: {gte: $since}}) {
    nodes { title person { name } }
    sourceReports { status code }
  }
}
"""


@pytest.fixture(scope="module")
def another(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where another build lies."""
    folder = tmp_path_factory.mktemp("build")
    source = Path(gateway.__file__).parent
    shutil.copytree(source, folder / "gateway", ignore=shutil.ignore_patterns("__pycache__", "static"))
    for name, versions in VERSIONS.items():
        file = folder / "gateway" / f"{name}.py"
        text = file.read_text()
        assert re.findall(r"^(\w*VERSION) = \d+$", text, flags=re.MULTILINE) == versions
        file.write_text(re.sub(r"^(\w*VERSION) = (\d+)$", r"\1 = 1000\2", text, flags=re.MULTILINE))
    reports = folder / "gateway" / "upstream" / "replicas" / "counter.py"
    text = reports.read_text()
    assert "msgspec.msgpack.encode(details)" in text
    reports.write_text(text.replace("msgspec.msgpack.encode(details)", 'msgspec.msgpack.encode({"in": "another way"})'))
    return folder


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    with redis_server() as server:
        yield server


def settings_for(emulators: Emulators, redis: RedisServer) -> dict[str, str]:
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("GATEWAY_", "SALESLOFT_", "DRIFT_"))
    }
    return {
        **kept,
        **variables(emulators),
        "GATEWAY_CACHE_URL": redis.url,
        "GATEWAY_DRAIN": "0",
        "GATEWAY_DEADLINE": "10",
        "GATEWAY_CLIENT_COST": "1000000",
        "SALESLOFT_RATE_LIMIT": f"{LIMIT}",
        "SALESLOFT_TIMEOUT": f"{LONGEST}",
    }


async def ask(session: aiohttp.ClientSession, url: str, number: int) -> dict[str, Any]:
    since = dt.datetime(2026, 1, 1, tzinfo=dt.UTC) + dt.timedelta(minutes=number)
    async with session.post(url, json={"query": PAGE, "variables": {"since": since.isoformat()}}) as response:
        answer: dict[str, Any] = await response.json()
        return answer


def codes(answers: Sequence[dict[str, Any]]) -> Counter[str]:
    return Counter(error["extensions"]["code"] for answer in answers for error in answer.get("errors", ()))


async def test_old_and_new_stay_within_one_budget_and_read_nothing_of_each_other(
    another: Path, redis: RedisServer
) -> None:
    world = World.seeded(
        dt.datetime.now(dt.UTC), users=12, accounts=12, people=80, cadences=8, salesloft_meetings=220, drift_meetings=10
    )
    async with (
        Emulators.start(world=world, salesloft=SalesloftOptions(rate_limit=LIMIT)) as emulators,
        AsyncExitStack() as stack,
        aiohttp.ClientSession() as session,
    ):
        settings = settings_for(emulators, redis)
        old = {**settings, "PYTHONPATH": str(another), "PYTHONSAFEPATH": "1"}  # rather than the folder we are in
        (_, new_url), (_, old_url) = [await stack.enter_async_context(serving(each)) for each in (settings, old)]
        calls = emulators.salesloft.calls

        first = [await ask(session, url, 0) for url in (new_url, new_url, old_url, old_url)]
        assert codes(first) == Counter()
        assert [call.endpoint for call in calls].count("people") == 2, "each looks them up, and neither twice"

        answers = await asyncio.gather(*(ask(session, (new_url, old_url)[n % 2], 1 + n) for n in range(8 * LIMIT)))
        reported = codes(answers)
        client = Redis.from_url(redis.url)
        names = [name.decode() for name in client.scan_iter("*", count=1000)]
        client.close()
    assert reported["UPSTREAM_RATE_LIMITED"] > 0, "there was more to be asked than may be spent"
    assert set(reported) <= {"UPSTREAM_RATE_LIMITED", "DEADLINE_EXCEEDED"}
    assert {call.status for call in calls} == {200}, "the vendor refuses what is over its limit in a minute of its own"
    assert sum(call.cost for call in calls) >= LIMIT // 2
    records = {name.split(":")[2] for name in names if name.startswith("gateway:records:")}
    assert records == {"1", "10001"}
