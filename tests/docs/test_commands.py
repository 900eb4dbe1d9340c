"""The commands of the README and of docs/, run as a reader would: a page is one shell, its blocks in their order.

A block that cannot be run here says why in a comment before it, `<!-- elsewhere: … -->`: a test that runs it, or what
it needs. Only the port is another, so that nothing of the reader's is in the way.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(
    r"(?:^<!-- elsewhere: (?P<elsewhere>[^>]+) -->\n+)?^```sh\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)
LONGEST = 120.0
"""Seconds that a page may take on a busy machine."""


def blocks(page: Path) -> list[tuple[str | None, str]]:
    """Where a page's commands are run, None for here, and what they are."""
    return [(found["elsewhere"], found["text"]) for found in BLOCK.finditer(page.read_text(encoding="utf-8"))]


RUN_HERE = [page for page in PAGES if any(elsewhere is None for elsewhere, _ in blocks(page))]


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder that looks like the checkout; what a command writes stays in it."""
    for path in ROOT.iterdir():
        (tmp_path / path.name).symlink_to(path)
    return tmp_path


@pytest.mark.parametrize("page", RUN_HERE, ids=lambda page: str(page.relative_to(ROOT)))
async def test_a_pages_commands_work(page: Path, checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    port = str(free_port())
    script = "\n".join(text for elsewhere, text in blocks(page) if elsewhere is None).replace(":8000", f":{port}")
    log = tmp_path_factory.mktemp("said") / "said.log"
    with log.open("wb") as out:  # no pipe: what the page leaves running would hold it open
        process = await asyncio.create_subprocess_exec(
            *("bash", "-e", "-u", "-o", "pipefail", "-c", script),
            cwd=checkout,
            env={
                "PATH": f"{ROOT / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}",
                "HOME": str(checkout),
                "GATEWAY_PORT": port,
                "GATEWAY_DRAIN": "0",
                "KEY": "k",
            },
            stdin=asyncio.subprocess.DEVNULL,
            stdout=out,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        async with asyncio.timeout(LONGEST):
            await process.wait()
    finally:
        end_session(process.pid)
    said = log.read_text(encoding="utf-8", errors="replace")
    assert process.returncode == 0, said
    assert '"errors"' not in said, said


def end_session(leader: int) -> None:
    """Ends what the shell left running: every process of its session, by id."""
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text(encoding="utf-8").rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[3]) == leader:
            os.kill(int(entry.parent.name), signal.SIGKILL)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_is_not_run_here_says_where_it_is(page: Path) -> None:
    for elsewhere, text in blocks(page):
        if elsewhere is not None and not elsewhere.startswith("needs "):
            assert (ROOT / elsewhere).exists(), f"{page.name}: {elsewhere} does not exist, for:\n{text}"


def test_the_first_page_is_run() -> None:
    assert ROOT / "docs" / "getting-started.md" in RUN_HERE
