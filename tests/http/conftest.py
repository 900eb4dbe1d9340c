"""A gateway as it is set up in production, for whole modules of tests."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from gateway.app import create_app
from gateway.emulator.server import Emulators
from gateway.settings.settings import Settings
from tests.http.attacks import KEY
from tests.http.harness import Caller, calling
from tests.two_sources import variables

PRODUCTION = {
    "GATEWAY_API_KEYS": f"web:{KEY}",
    "GATEWAY_CLIENT_RATE": "1000000",
    "GATEWAY_INTROSPECTION": "off",
    "GATEWAY_GRAPHIQL": "off",
    "GATEWAY_TRACE": "off",
}


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def production() -> AsyncIterator[Caller]:
    """Over the demo's world."""
    async with Emulators.start() as emulators:
        app = create_app(Settings.read({**variables(emulators), **PRODUCTION}))
        async with calling(app) as caller:
            yield caller
