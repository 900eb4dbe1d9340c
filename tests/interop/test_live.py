"""Subscriptions with the clients that people use, over a world in which something happens all the time."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from starlette.applications import Starlette

from gateway.app import create_app
from gateway.commands.demo import deliver_to, variables
from gateway.emulator import life
from gateway.emulator.server import Emulators
from gateway.settings.settings import Settings
from tests.http.harness import served
from tests.interop.conftest import HERE, RunNode

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
