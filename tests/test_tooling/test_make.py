from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tools import bootstrap

ROOT = Path(__file__).parents[2]


def sh(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")} | environment
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=60)


def program(path: Path, body: str) -> Path:
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def test_plain_make_lists_the_targets() -> None:
    said = sh("make").stdout

    for target in ("demo", "test", "check", "fmt", "schema", "lock", "clean", "help"):
        assert f"make {target} " in said


def test_the_python_that_is_asked_for_is_taken() -> None:
    assert sh("tools/find-python", PYTHON=sys.executable).stdout.strip() == sys.executable


def test_without_a_wish_the_first_that_will_do_is_taken(tmp_path: Path) -> None:
    program(tmp_path / "python3", "echo is Python 3.9.2")
    program(tmp_path / "python3.14", "exit 127")
    program(tmp_path / "python3.12", "echo fits")

    assert sh("/bin/sh", "tools/find-python", PYTHON="", PATH=str(tmp_path)).stdout.strip() == f"{tmp_path}/python3.12"


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("echo is Python 3.9.2", "python3 is Python 3.9.2"),
        ("echo 'has no venv module (Debian: apt-get install python3-venv)'", "python3-venv"),
        ("exit 1", "python3 does not start"),
    ],
)
def test_a_python_that_will_not_do_is_refused_in_one_line(tmp_path: Path, body: str, why: str) -> None:
    program(tmp_path / "python3", body)

    done = sh("/bin/sh", "tools/find-python", PYTHON="", PATH=str(tmp_path))

    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("Python 3.11 or newer is needed")
    assert why in done.stderr


def test_no_python_at_all_is_said_in_one_line(tmp_path: Path) -> None:
    done = sh("/bin/sh", "tools/find-python", PYTHON="", PATH=str(tmp_path))

    assert done.returncode == 1
    assert done.stderr.startswith("Python 3.11 or newer is needed, but there is no python3.")


def test_a_step_that_fails_shows_what_was_said_and_which_it_was(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match=r"^Trying: failed$"):
        bootstrap.follow("Trying", [sys.executable, "-c", "print('the reason'); raise SystemExit(3)"])

    assert capfd.readouterr().err == "the reason\n"


@pytest.mark.parametrize(
    ("body", "usable"), [("echo 11.2.0", True), ("echo 6.14.18", False), ("exit 1", False), ("echo what", False)]
)
def test_an_old_or_broken_npm_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str, usable: bool
) -> None:
    program(tmp_path / "npm", body)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert bootstrap.npm_on_path() is usable


def test_no_npm_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    assert not bootstrap.npm_on_path()


def test_an_environment_that_is_broken_is_made_anew(tmp_path: Path) -> None:
    assert bootstrap.usable(Path(sys.executable))
    assert not bootstrap.usable(tmp_path / "bin" / "python")
    assert not bootstrap.usable(program(tmp_path / "python", "exit 1"))
