from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tools import tracked

CHECKOUT = "/srv/builds/gateway"


@pytest.mark.parametrize(
    ("name", "line", "fault"),
    [
        ("a.md", "see /" + "root/notes", "a path of one machine"),
        ("a.py", "open('/" + "home/ada/x.json')", "a path of one machine"),
        ("a.md", "file:///" + "Users/ada/x", "a path of one machine"),
        ("a.sh", "cd /" + "work/somewhere", "a path of one machine"),
        ("a.md", f"cd {CHECKOUT}", "the path of this checkout"),
        ("a.md", "](../" + "other/README.md)", "leaves the checkout"),
        ("docs/a.md", "](../../" + "other.md)", "leaves the checkout"),
        ("a.md", "https://py" + "pi.org/project/x", "a host that packages come from"),
        ("lock.json", "https://registry." + "somewhere.org/x.tgz", "a host that packages come from"),
        ("a.txt", "https://files.python" + "hosted.org/x", "a host that packages come from"),
    ],
)
def test_what_is_true_on_one_machine_only_is_named(name: str, line: str, fault: str) -> None:
    (found,) = tracked.faults(name, f"first\n{line}\nlast", CHECKOUT)

    assert found.startswith(f"{name}:2: ")
    assert fault in found


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("docs/a.md", "](../README.md)"),
        ("tests/a/b.py", "from ..model import records"),
        ("a.md", "https://api.example/work/items and /v2/meetings and /workspace"),
        ("a.md", "make PYTHON=/path/to/python3"),
        ("a.py", "for index.items in files.append(registry.get(x))"),
        ("a.md", "first ... then .../meetings"),
    ],
)
def test_what_holds_everywhere_is_not(name: str, line: str) -> None:
    assert not list(tracked.faults(name, line, CHECKOUT))


def test_tracked_text_is_looked_through_and_nothing_else(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    secret_place = "/" + "root/x"
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    (tmp_path / "said.md").write_text(f"{secret_place}\n")
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\xff" + secret_place.encode())
    (tmp_path / "untracked.md").write_text(secret_place)
    subprocess.run(["git", "add", "said.md", "picture.png"], cwd=tmp_path, check=True)

    assert tracked.main(tmp_path) == 1
    assert capsys.readouterr().err == f"said.md:1: a path of one machine: {secret_place}\n"


def test_a_folder_that_is_no_checkout_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))

    assert tracked.main(tmp_path) == 1
    assert capsys.readouterr().err == "tracked: not a git checkout, or there is no git\n"
