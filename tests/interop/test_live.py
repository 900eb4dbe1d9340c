"""Subscriptions with the clients that people use, over a world in which something happens all the time."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from starlette.applications import Starlette

from gateway.app import create_app
from gateway.commands.demo import deliver_to, variables
from gateway.emulator import life
from gateway.emulator.server import Emulators
from gateway.settings.settings import Settings
from tests.http.harness import served
from tests.interop.conftest import HERE, PACKAGES, RunNode
from tests.interop.test_clients_page import page_files

pytestmark = pytest.mark.slow

SECRETS = {f"{name}_WEBHOOK_SECRETS": f"{name.lower()}-secret" for name in ("SALESLOFT", "DRIFT", "CALENDLY")}


@pytest.fixture
async def living(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    """A gateway that vendors deliver to; its URL."""
    monkeypatch.setattr(life, "PAUSE", 0.5)
    async with Emulators.start(live=True) as emulators, served(_gateway(emulators)) as base:
        deliver_to(emulators, base, SECRETS)
        yield f"{base}/graphql"


def _gateway(emulators: Emulators) -> Starlette:
    return create_app(Settings.read({**variables(emulators), **SECRETS}))


async def test_subscriptions_by_every_client(node: RunNode, living: str) -> None:
    assert (await node(HERE / "live.mjs", living)).endswith("done\n")


async def test_a_list_in_relays_store_stays_fresh(node: RunNode, living: str, tmp_path: Path) -> None:
    """The files of docs/clients.md, as an application has them."""
    page_files(tmp_path, living)
    for name in ("live_relay.mjs", "checks.mjs"):
        shutil.copy(HERE / name, tmp_path / "src")
    await node(PACKAGES / "relay-compiler" / "cli.js", cwd=tmp_path)
    vite = ("build", "--ssr", "src/live_relay.mjs", "--logLevel", "warn")
    await node(PACKAGES / "vite/bin/vite.js", *vite, cwd=tmp_path)
    assert (await node(tmp_path / "dist/live_relay.js", living)).endswith("done\n")
