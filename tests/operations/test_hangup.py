"""SIGHUP in every mode: files that settings name are read again, each step is logged, and no request is lost."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import aiohttp
import pytest

from gateway.commands.demo import emulated
from tests.cli.test_commands import ask
from tests.operations.children import LONGEST, Child, Load, serving, wait_until
from tests.two_sources import variables

pytestmark = pytest.mark.slow

QUERY = "{ meetings(first: 5, filter: {sources: [SALESLOFT]}) { nodes { title } } }"
CLIENTS = 8
OLD, NEW = "key-old-0123456789abcdef", "key-new-0123456789abcdef"


def hang_up(child: Child, then: str) -> None:
    """Sends SIGHUP, and waits until the log says something once more."""
    before = said(child, then)
    child.process.send_signal(signal.SIGHUP)
    wait_until(lambda: said(child, then) > before, child.process)


def said(child: Child, part: str) -> int:
    return sum(part in str(line["message"]) for line in child.lines())


async def status(child: Child, key: str, query: str = QUERY) -> int:
    async with aiohttp.ClientSession() as session:
        asked = session.post(f"{child.url}/graphql", json={"query": query}, headers={"X-API-Key": key})
        async with asked as response:
            await response.read()
            return response.status


async def until(true: Callable[[], bool], child: Child) -> None:
    await asyncio.to_thread(wait_until, true, child.process)


async def test_one_process_reads_its_files_again(tmp_path: Path) -> None:
    token, keys, manifest, off = (tmp_path / name for name in ("token", "keys", "manifest", "off"))
    settings_file = tmp_path / "settings"
    other = "{ sources { state } }"
    with emulated() as emulators:
        named = {
            **variables(emulators),
            "SALESLOFT_TOKEN": "",
            "SALESLOFT_TOKEN_FILE": str(token),
            "GATEWAY_API_KEYS_FILE": str(keys),
            "GATEWAY_TRUSTED_DOCUMENTS": str(manifest),
            "GATEWAY_OFF_FILE": str(off),
            "GATEWAY_ENV_FILE": str(settings_file),
        }
        token.write_text(emulators.salesloft.token)
        keys.write_text(OLD)
        manifest.write_text(json.dumps({"one": QUERY}))
        settings_file.write_text("GATEWAY_MAX_COST=1000\n")
        with serving(tmp_path, named) as child:
            assert [await status(child, OLD), await status(child, NEW), await status(child, OLD, other)] == [
                200,
                401,
                200,
            ]
            keys.write_text(NEW)
            manifest.write_text(json.dumps({"two": other}))
            settings_file.write_text("GATEWAY_MAX_COST=900\n")
            off.write_text("DRIFT")
            hang_up(child, "reload: done")
            assert [await status(child, OLD), await status(child, NEW)] == [401, 200]
            for line in (
                "reload: reading the files",
                "GATEWAY_API_KEYS: another value is in use",
                "reload: GATEWAY_TRUSTED_DOCUMENTS was read",
                "reload: GATEWAY_OFF_FILE was read",
                "reload: GATEWAY_MAX_COST has changed; it will be used from the next start on",
                "DRIFT is switched off by GATEWAY_OFF_FILE",
            ):
                assert said(child, line) == 1, line
            keys.write_text("two words")
            manifest.write_text("{")
            hang_up(child, "reload: done")
            assert await status(child, NEW) == 200
            assert said(child, "what was read before stays in use") == 2
            child.process.send_signal(signal.SIGTERM)
            assert child.ended() == 0
        assert not [key for key in (OLD, NEW, emulators.salesloft.token) if key in child.log.read_text()]


async def test_one_process_loses_no_request(tmp_path: Path) -> None:
    with emulated() as emulators, serving(tmp_path, {**variables(emulators), "GATEWAY_DRAIN": "0"}) as child:
        load = Load(child.url, [QUERY])
        async with load.running(CLIENTS):
            await until(lambda: load.answered > CLIENTS, child)
            for number in range(1, 6):
                asked = load.answered
                child.process.send_signal(signal.SIGHUP)
                await until(lambda: said(child, "reload: done") >= number, child)  # noqa: B023 - it is awaited here
                await until(lambda: load.answered > asked + CLIENTS, child)  # noqa: B023
        assert load.lost.total() == 0, load.lost
        child.process.send_signal(signal.SIGTERM)
        assert child.ended() == 0


def test_a_signal_that_comes_while_the_process_starts_is_not_lost(tmp_path: Path) -> None:
    with emulated() as emulators, serving(tmp_path, variables(emulators)) as child:
        hang_up(child, "reload: done")  # the address is logged before the application is up
        child.process.send_signal(signal.SIGTERM)
        assert child.ended() == 0


async def test_workers_are_replaced_one_by_one_unless_they_would_not_start(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text(OLD)
    settings = {"GATEWAY_DRAIN": "0", "GATEWAY_API_KEYS_FILE": str(keys)}
    with emulated() as emulators, serving(tmp_path, {**variables(emulators), **settings}, workers=2) as child:
        await until(lambda: len(child.workers()) == 2, child)
        before = child.workers()
        keys.write_text("two words")
        await asyncio.to_thread(hang_up, child, "the workers stay as they are")
        assert child.workers() == before
        keys.write_text(NEW)
        await asyncio.to_thread(hang_up, child, "reload: done")
        assert not child.workers() & before
        assert said(child, "is ready, worker") == 2
        assert [await status(child, OLD), await status(child, NEW)] == [401, 200]
        child.process.send_signal(signal.SIGTERM)
        assert child.ended() == 0


async def test_a_stop_while_workers_are_replaced_does_not_wait_for_the_others(tmp_path: Path) -> None:
    settings = {"GATEWAY_DRAIN": "600"}
    with emulated() as emulators, serving(tmp_path, {**variables(emulators), **settings}, workers=2) as child:
        await until(lambda: len(child.workers()) == 2, child)
        before = child.workers()
        await asyncio.to_thread(hang_up, child, "is ready, worker")  # the one that ends drains for ten minutes
        child.process.send_signal(signal.SIGTERM)
        await until(lambda: said(child, "is ready, worker") == 1, child)
        for pid in before | child.workers():
            os.kill(pid, signal.SIGTERM)  # a second one ends the drain
        assert child.ended() == 0


@pytest.mark.parametrize("command", ["demo", "emulate"])
def test_the_demo_and_the_emulators_go_on(command: str) -> None:
    port = ["--port", "0"] if command == "demo" else []
    process = subprocess.Popen(
        [sys.executable, "-m", "gateway", command, *port],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    try:
        assert process.stdout is not None
        ready = "Ctrl-C" if command == "demo" else "DRIFT_TOKEN"
        assert any(ready in line for line in process.stdout)
        for _ in range(3):
            process.send_signal(signal.SIGHUP)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=LONGEST)
        assert process.returncode == 0
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_terminal_that_goes_away_takes_the_demo_along(workers: int) -> None:
    pid, terminal = pty.fork()
    if not pid:
        os.execv(sys.executable, [sys.executable, "-m", "gateway", "demo", "--port", "0", "--workers", str(workers)])
    try:
        text = b""
        while b"Ctrl-C" not in text:
            text += os.read(terminal, 4096)
        url = re.search(r"GraphiQL +(\S+)/graphql", text.decode())
        assert url is not None
        assert ask(url[1], "/healthz")[0] == 200
        os.close(terminal)  # the kernel sends SIGHUP to the processes that have it
        _, ended = os.waitpid(pid, 0)
        assert os.waitstatus_to_exitcode(ended) == 0
    except BaseException:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        raise
