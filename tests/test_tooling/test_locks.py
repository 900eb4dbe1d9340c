from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tools import locks


@pytest.fixture(name="copy")
def copy_of_the_project(tmp_path: Path) -> Path:
    npm = [f"{folder}/{name}" for folder in locks.NPM for name in ("package.json", "package-lock.json")]
    for name in ("pyproject.toml", *npm):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(locks.ROOT / name, tmp_path / name)
    shutil.copytree(locks.ROOT / "requirements", tmp_path / "requirements")
    return tmp_path


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_the_project_s_own_locks_are_up_to_date() -> None:
    assert not list(locks.faults(locks.ROOT))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"aiohttp>=', '"another>=1", "aiohttp>='),
        ('requires-python = ">=3.11"', 'requires-python = ">=3.12"'),
        ('"pytest>=', '"pytest!=0,>='),
        ('requires = ["hatchling', 'requires = ["another", "hatchling'),
    ],
)
def test_another_dependency_makes_every_lock_stale(copy: Path, old: str, new: str) -> None:
    change(copy / "pyproject.toml", old, new)

    found = list(locks.faults(copy))

    assert [line.partition(" ")[0] for line in found] == [f"requirements/{name}.txt" for name in locks.LOCKS]


def test_a_setting_of_a_tool_makes_none_stale(copy: Path) -> None:
    change(copy / "pyproject.toml", "line-length = 120", "line-length = 100")

    assert not list(locks.faults(copy))


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("aiohttp==", "--index-url https://packages.example/simple\naiohttp==", "--index-url"),
        ("aiohttp==", "--extra-index-url https://packages.example/simple\naiohttp==", "--extra-index-url"),
        ("aiohttp==", "left @ https://packages.example/left.whl\naiohttp==", "left @ https"),
        ("aiohttp==", "left==1.0\naiohttp==", "left==1.0"),
        ("    --hash=sha256:", "    --hash=md5:", "--hash=md5:"),
    ],
)
def test_a_lock_holds_pins_with_hashes_and_nothing_else(copy: Path, old: str, new: str, fault: str) -> None:
    change(copy / "requirements" / "run.txt", old, new)

    (found,) = locks.faults(copy)

    assert found.startswith("requirements/run.txt:")
    assert f"neither a pin nor its hash: {fault}" in found


def test_a_lock_that_is_gone_is_named(copy: Path) -> None:
    (copy / "requirements" / "node.txt").unlink()

    assert list(locks.faults(copy)) == ["requirements/node.txt is not what pyproject.toml asks for: run 'make lock'"]


@pytest.mark.parametrize(
    ("file", "old", "new", "fault"),
    [
        ("package.json", '"graphiql": "4.1.2"', '"graphiql": "4.1.1"', "is not what package.json asks for"),
        ("package-lock.json", '"integrity"', '"was"', "has no hash"),
        ("package-lock.json", '"integrity"', '"resolved": "x", "integrity"', "names the place it comes from"),
        ("tests/interop/package.json", '"rxjs": "7', '"rxjs": "6', "is not what package.json asks for"),
        ("tests/interop/package-lock.json", '"integrity"', '"was"', "has no hash"),
    ],
)
def test_npm_s_lock_is_held_to_the_same(copy: Path, file: str, old: str, new: str, fault: str) -> None:
    change(copy / file, old, new)

    (found,) = locks.faults(copy)

    assert found.startswith(file.replace("package.json", "package-lock.json"))
    assert fault in found
