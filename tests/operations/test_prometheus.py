"""Every query of the dashboard and every alert, in a real Prometheus over a gateway of two workers under load."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import NamedTuple

import aiohttp
import pytest

from gateway.commands.demo import emulated
from gateway.emulator.faults import Status
from gateway.emulator.server import Emulators
from tests.operations.children import LONGEST, Child, serving
from tests.operations.prometheus import RULES, Prometheus, dashboard, measured, metrics_in, watching
from tests.two_sources import variables
from tests.upstream.replicas.redis_server import redis_server

pytestmark = pytest.mark.slow

NEVER_HERE = {
    "GatewayDown": "comes when the gateway is stopped, at the end of this file",
    "GatewayFault": "counts faults of ours, and there is none",
    "WebhooksSilent": "begins with a first delivery, and no vendor delivers here",
    "BudgetRefuses": "counts calls for which a minute's units were not enough",
}
"""Alerts whose left side has nothing to show here, and why."""

NOTHING_HERE = {
    '="refused"': "no call waits for units in vain",
    "gateway_webhook_last_delivery_timestamp_seconds": "no vendor delivers here, so there is no time since",
}
"""Parts of the dashboard's queries that nothing here leads to, and why."""


class Stage(NamedTuple):
    """A gateway under load, and a Prometheus that has watched it for a while."""

    child: Child
    prometheus: Prometheus


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("prometheus")
    with ExitStack() as stack:
        emulators, redis = stack.enter_context(emulated()), stack.enter_context(redis_server())
        settings = {**variables(emulators), "GATEWAY_CACHE_URL": redis.url, "GATEWAY_DRAIN": "0"}
        child = stack.enter_context(serving(folder, settings, workers=2))
        prometheus = stack.enter_context(watching(folder, child.url))
        asyncio.run(under_load(child, emulators, lambda: unseen(prometheus)))
        yield Stage(child, prometheus)


def unseen(prometheus: Prometheus) -> list[str]:
    """The dashboard's queries that should show something, and do not."""
    return [query for query in wanted() if not prometheus.query(query)]


def wanted() -> list[str]:
    """The dashboard's queries that have to show something."""
    return [query for query in dashboard() if not any(text in query for text in NOTHING_HERE)]


async def under_load(child: Child, emulators: Emulators, unseen: Callable[[], list[str]]) -> None:
    """Asks for all sorts of things, lets both vendors fail now and then, and goes on until all is seen."""
    end, number = time.monotonic() + LONGEST, 0
    async with aiohttp.ClientSession() as session:

        async def ask(query: str) -> None:
            async with session.post(f"{child.url}/graphql", json={"query": query}) as response:
                await response.read()

        while number < 3 or (missing := await asyncio.to_thread(unseen)):
            assert time.monotonic() < end, missing
            number += 1
            page = f"meetings(first: {number}) {{ nodes {{ title person {{ name }} owner {{ name }} }} }}"
            # Under other names, for equal operations are run once: it is their calls that are to be shared.
            pages = (f"query Page {{ page{n}: {page} }}" for n in range(8))
            await asyncio.gather(*map(ask, pages), ask("{ nothing }"), ask("{"), ask("{ __schema { __typename } }"))
            for vendor in (emulators.salesloft, emulators.drift):
                vendor.faults.add(Status(500 if number % 2 else 401), times=12)
            await asyncio.gather(*(ask(f"{{ people(first: {number + n}) {{ nodes {{ name }} }} }}") for n in range(8)))
            emulators.salesloft.faults.clear()
            emulators.drift.faults.clear()


def test_promtool_finds_nothing_wrong_with_the_rules() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("no promtool on this machine: apt-get install --no-install-recommends prometheus")
    done = subprocess.run([promtool, "check", "rules", str(RULES)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_query_of_the_dashboard_shows_something(stage: Stage) -> None:
    queries = dashboard()
    assert len(queries) > 20
    assert unseen(stage.prometheus) == []
    for query in queries:
        stage.prometheus.query(query)


def test_every_metric_that_is_named_is_there(stage: Stage) -> None:
    there = stage.prometheus.names()
    named = {
        name
        for query in [*dashboard(), *(rule["query"] for rule in stage.prometheus.rules())]
        for name in metrics_in(query)
    }
    assert len(named) > 20
    assert named - there == set()


def test_every_alert_is_evaluated_and_measures_something(stage: Stage) -> None:
    rules = stage.prometheus.rules()
    assert len(rules) == RULES.read_text().count("- alert:")
    assert {rule["name"]: rule["lastError"] for rule in rules if rule.get("lastError")} == {}
    assert {rule["health"] for rule in rules} == {"ok"}
    silent = {rule["name"] for rule in rules if not stage.prometheus.query(measured(rule["query"]))}
    assert silent == NEVER_HERE.keys()


def test_promtool_finds_nothing_wrong_with_the_metrics(stage: Stage) -> None:
    page = asyncio.run(metrics(stage.child))
    promtool = shutil.which("promtool")
    assert promtool is not None
    done = subprocess.run([promtool, "check", "metrics"], input=page, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_alert_that_a_gateway_is_down_comes_when_it_is(stage: Stage) -> None:
    assert state_of(stage, "GatewayDown") == "inactive"
    os.killpg(stage.child.process.pid, signal.SIGKILL)
    end = time.monotonic() + LONGEST
    while state_of(stage, "GatewayDown") == "inactive":
        assert time.monotonic() < end
        time.sleep(0.1)
    assert state_of(stage, "GatewayDown") == "pending"


def state_of(stage: Stage, alert: str) -> str:
    (state,) = [rule["state"] for rule in stage.prometheus.rules() if rule["name"] == alert]
    return str(state)


async def metrics(child: Child) -> bytes:
    async with aiohttp.ClientSession() as session, session.get(f"{child.url}/metrics") as response:
        assert response.status == 200
        return await response.read()
