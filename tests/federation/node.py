"""Others' composers and routers, under Node.js."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
PACKAGES = HERE / "node_modules"
LOCKED_NODE = HERE.parent.parent / ".tools" / "node" / "bin"
"""Where the project's own Node.js is, on a machine without one."""

LONGEST = 120.0
"""Seconds that one step may take on a busy machine."""
LONGEST_LINE = 32 * 1024 * 1024


def program() -> str:
    """Node.js, where it and the packages of this folder are; else the test is skipped."""
    found = shutil.which("node") or shutil.which("node", path=LOCKED_NODE)
    if found is None:
        pytest.skip("there is no Node.js: 'make interop' brings it")
    if not (PACKAGES / ".package-lock.json").exists():
        pytest.skip("the packages of tests/federation are not installed: 'make interop' installs them")
    return found


async def run(script: str, *arguments: str) -> str:
    """What a script of this folder prints."""
    process = await asyncio.create_subprocess_exec(
        *(program(), str(HERE / script), *arguments), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(LONGEST):
            out, said = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        raise
    assert process.returncode == 0, said.decode()
    return out.decode()


@dataclass
class Router:
    """A router with a supergraph, asked by lines."""

    process: asyncio.subprocess.Process

    async def ask(self, query: str, variables: Mapping[str, Any] | None = None, **headers: str) -> Any:
        """Its answer to one request."""
        assert self.process.stdin is not None
        line = {"query": query, "variables": variables or {}, "headers": headers}
        self.process.stdin.write(json.dumps(line).encode() + b"\n")
        await self.process.stdin.drain()
        return json.loads(await self.line())

    async def line(self) -> bytes:
        """The next line that it writes."""
        assert self.process.stdout is not None
        async with asyncio.timeout(LONGEST):
            return await self.process.stdout.readline()


@contextlib.asynccontextmanager
async def router(name: str, data: Path) -> AsyncIterator[Router]:
    """A router of that name; `data` is what `supergraph.mjs` says."""
    process = await asyncio.create_subprocess_exec(
        *(program(), str(HERE / "supergraph.mjs"), name, str(data)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=LONGEST_LINE,
    )
    try:
        made = Router(process)
        assert await made.line() == b"ready\n"
        yield made
    finally:
        process.kill()
        await process.wait()
