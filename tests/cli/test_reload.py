"""`demo --reload`: another file, another gateway; the emulators stay."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from gateway.commands.reload import state, wait_for_change
from tests.cli.test_commands import LONGEST, Start, ask, line_with
from tests.cli.test_commands import start as start

ROOT = Path(__file__).parents[2]
TOUCHED = ROOT / "gateway" / "web" / "page" / "new-tab.graphql"


def test_a_file_that_is_new_gone_or_another_is_a_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "gateway"
    package.mkdir()
    monkeypatch.setattr("gateway.commands.reload.PACKAGE", package)
    kept, other = package / "kept.py", package / "other.py"
    kept.write_text("1")
    before = state()
    (package / "notes.txt").write_text("of no concern")
    assert state() == before
    other.write_text("2")
    assert wait_for_change(before) == "gateway/other.py"
    before = state()
    os.utime(kept, (1, 1))
    assert wait_for_change(before) == "gateway/kept.py"
    before = state()
    other.unlink()
    assert wait_for_change(before) == "gateway/other.py"


@pytest.mark.slow
def test_the_demo_starts_anew_and_ends_on_ctrl_c(start: Start) -> None:
    process = start("demo", "--port", "0", "--reload")
    url = line_with(process.stdout, "GraphiQL").split()[1]
    assert until_ready(url)
    TOUCHED.touch()
    assert "gateway/web/page/new-tab.graphql has changed" in line_with(process.stdout, "starting anew")
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    process.communicate(timeout=LONGEST)
    assert process.returncode == 0


def until_ready(url: str) -> bool:
    end = time.monotonic() + LONGEST
    while time.monotonic() < end:
        try:
            return ask(url, "/healthz")[0] == 200
        except OSError:
            time.sleep(0.05)
    return False
