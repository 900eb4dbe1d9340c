"""The walk of examples/supergraph: every command of it, in its order, in one shell."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import signal
import socket
from pathlib import Path
from typing import Any

import pytest

from tests.federation.node import LOCKED_NODE, LONGEST, program

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "supergraph"
BLOCK = re.compile(r"^(<!-- elsewhere: .*-->\n)?```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PORTS = ("8000", "8002", "4000", "4001")


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on."""
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def commands() -> str:
    """What a reader types, but for the packages, which `make interop` installs; the ports are other ones."""
    text = (EXAMPLE / "README.md").read_text(encoding="utf-8")
    here = [block for elsewhere, block in BLOCK.findall(text) if not elsewhere]
    assert [block for elsewhere, block in BLOCK.findall(text) if elsewhere] == ["npm ci\n"]
    script = "\n".join(here)
    for port, free in zip(PORTS, free_ports(len(PORTS)), strict=True):
        script = re.sub(rf"\b{port}\b", str(free), script)
    return script


def read(folder: Path, name: str) -> Any:
    return json.loads((folder / name).read_text(encoding="utf-8"))


def laid_out(root: Path) -> Path:
    """A checkout with the example in it; what the commands write stays there."""
    folder = root / "examples" / "supergraph"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("node_modules"))
    (folder / "node_modules").symlink_to(EXAMPLE / "node_modules")
    (root / ".venv").symlink_to(ROOT / ".venv")
    return folder


async def test_the_walk_leads_to_a_running_supergraph(tmp_path: Path) -> None:
    program()
    if not (EXAMPLE / "node_modules" / ".package-lock.json").exists():
        pytest.skip("the packages of examples/supergraph are not installed: 'make interop' installs them")
    folder = laid_out(tmp_path)
    said = tmp_path / "said"
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("GATEWAY_", "SALESLOFT_", "DRIFT_"))
    }
    with said.open("wb") as out:
        process = await asyncio.create_subprocess_exec(
            *("bash", "-euc", f"set -m\n{commands()}"),
            cwd=folder,
            env={**kept, "PATH": f"{kept['PATH']}{os.pathsep}{LOCKED_NODE}", "GATEWAY_DRAIN": "0"},
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
        try:
            async with asyncio.timeout(LONGEST):
                code = await process.wait()
        finally:
            end(process.pid)
    assert code == 0, said.read_text()
    shown_is_right(folder)


def shown_is_right(folder: Path) -> None:
    first = read(folder, "answer.json")["data"]["reviews"][0]
    assert first["author"]["name"] == "Ruben Wetherby"
    assert first["author"]["greeting"] == "Dear Ruben Wetherby"
    assert first["author"]["reviews"] == [{"text": "Quick and kind."}, {"text": "Came late."}]
    assert first["author"]["account"]["name"]
    people = read(folder, "people.json")["data"]["people"]["nodes"]
    assert [person["greeting"] for person in people] == [f"Dear {person['name']}" for person in people]
    assert read(folder, "refused.json")["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert (folder / "guarded.graphql").read_text() != ""


def end(leader: int) -> None:
    """Ends what the commands left running: every process of their session, by id."""
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if os.getsid(int(entry.name)) == leader:
                os.kill(int(entry.name), signal.SIGKILL)
        except ProcessLookupError:
            continue
