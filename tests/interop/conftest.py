"""What it takes to try the gateway with others' tools: Node.js, their packages, a gateway over the demo's world."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from gateway.app import create_app
from gateway.commands.demo import examples, variables
from gateway.emulator.server import Emulators
from gateway.settings.settings import Settings
from tests.http.harness import served

HERE = Path(__file__).parent
PACKAGES = HERE / "node_modules"
LOCKED_NODE = HERE.parent.parent / ".tools" / "node" / "bin"
"""Where the project's own Node.js is, on a machine without one."""

LONGEST = 120.0
"""Seconds that one script may take on a busy machine."""

RunNode = Callable[..., Awaitable[str]]


@pytest.fixture
def node() -> RunNode:
    """Runs a script under Node.js, the event loop free to answer it; what it printed."""
    program = shutil.which("node") or shutil.which("node", path=LOCKED_NODE)
    if program is None:
        pytest.skip("there is no Node.js: 'make interop' brings it")
    if not (PACKAGES / ".package-lock.json").exists():
        pytest.skip("the packages of tests/interop are not installed: 'make interop' installs them")

    async def run(script: Path, *arguments: str, cwd: Path | None = None) -> str:
        process = await asyncio.create_subprocess_exec(
            *(program, str(script), *arguments),
            cwd=cwd,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            async with asyncio.timeout(LONGEST):
                out, _ = await process.communicate()
        except TimeoutError:
            process.kill()
            await process.wait()
            raise
        said = out.decode()
        assert process.returncode == 0, said
        return said

    return run


@pytest.fixture
async def url() -> AsyncIterator[str]:
    """A gateway over the demo's world, which pages of `localhost` may call."""
    async with Emulators.start() as emulators:
        settings = Settings.read({**variables(emulators), "GATEWAY_CORS_ORIGINS": "http://localhost:*"})
        app = create_app(settings, examples=examples(emulators.world))
        async with served(app) as base:
            yield f"{base}/graphql"
