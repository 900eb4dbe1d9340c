"""What tests/conftest.py promises: no test leaves this machine, and none is skipped where CI runs."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import OutsideAccess

CONFTEST = Path(__file__).parent.parent / "conftest.py"
ELSEWHERE = ("192.0.2.1", 9)  # TEST-NET-1: nobody's, were it ever reached
SUITE = {
    "test_one.py": """
import pytest

def test_runs(): pass
def test_skips_itself(): pytest.skip("no engine here")
@pytest.mark.skipif(True, reason="not today")
def test_is_skipped(): pass
@pytest.mark.xfail(reason="known")
def test_is_known_to_fail(): assert False
""",
    "test_two.py": """
import pytest

pytest.importorskip("no_such_module")
""",
}


def run_suite(folder: Path, **environment: str) -> tuple[int, str]:
    shutil.copy(CONFTEST, folder / "conftest.py")
    for name, source in SUITE.items():
        (folder / name).write_text(source)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("NO_SKIPS", "PYTEST_"))}
    command = [sys.executable, "-m", "pytest", "-rs", "-p", "no:cacheprovider", "--rootdir", str(folder), str(folder)]
    done = subprocess.run(
        command, cwd=folder, env={**inherited, **environment}, capture_output=True, text=True, check=False, timeout=60
    )
    return done.returncode, done.stdout


def test_a_skip_is_seen_and_allowed_where_nobody_asks_for_more(tmp_path: Path) -> None:
    code, said = run_suite(tmp_path)

    assert code == 0
    assert "1 passed, 3 skipped, 1 xfailed" in said
    assert "no engine here" in said


def test_a_skip_is_a_failure_in_ci(tmp_path: Path) -> None:
    code, said = run_suite(tmp_path, NO_SKIPS="1")

    assert code != 0
    assert "skipped" not in said.splitlines()[-1]
    assert "no_such_module" in said
    assert "nothing may be skipped here" in said


def test_a_skipped_test_is_a_failure_in_ci_when_nothing_else_is_wrong(tmp_path: Path) -> None:
    code, said = run_suite(tmp_path, NO_SKIPS="1", PYTEST_ADDOPTS="--ignore=test_two.py")

    assert code == 1
    assert "1 failed, 1 passed, 1 xfailed, 1 error" in said
    assert "no engine here" in said
    assert "not today" in said


def with_socket(act: Callable[[socket.socket], object]) -> Callable[[], object]:
    def attempt() -> object:
        with socket.socket() as sock:
            return act(sock)

    return attempt


def datagram() -> object:
    with socket.socket(type=socket.SOCK_DGRAM) as sock:
        return sock.sendto(b"x", ELSEWHERE)


async def stream() -> None:
    await asyncio.open_connection("gateway.example", 443)


@pytest.mark.parametrize(
    "attempt",
    [
        with_socket(lambda sock: sock.connect(ELSEWHERE)),
        with_socket(lambda sock: sock.connect_ex(ELSEWHERE)),
        datagram,
        lambda: socket.create_connection(("gateway.example", 443)),
        lambda: socket.getaddrinfo("gateway.example", 443),
        lambda: asyncio.run(stream()),
    ],
    ids=["connect", "connect_ex", "sendto", "create_connection", "getaddrinfo", "asyncio"],
)
def test_another_machine_is_out_of_reach(attempt: Callable[[], object]) -> None:
    with pytest.raises(OutsideAccess):
        attempt()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1.2.3"])
def test_this_machine_is_in_reach(host: str) -> None:
    with socket.create_server(("127.0.0.1" if host == "localhost" else host, 0)) as server:
        socket.create_connection((host, server.getsockname()[1]), timeout=0.1).close()
