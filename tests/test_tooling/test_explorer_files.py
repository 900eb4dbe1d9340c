from __future__ import annotations

import gzip
import json
import re
from pathlib import Path

import pytest

from gateway.web.explorer import FILES, ExplorerMissing, explorer_files
from tools import explorer_files as tool
from tools.explorer_files import NotInstalled, take

CONTENTS = {name: f"/* {name} */".encode() * 100 for name in FILES}


@pytest.fixture(name="node_modules")
def installed(tmp_path: Path) -> Path:
    """The packages as npm would have installed them."""
    folder = tmp_path / "node_modules"
    for name, path in tool.ORIGINS.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(CONTENTS[name])
    (folder / "react" / "LICENSE").write_text("Do as you like.\n")
    lock = {
        "packages": {
            "node_modules/react": {"version": "1.2.3", "license": "MIT"},
            "node_modules/tester": {"version": "9.9.9", "dev": True},
        }
    }
    (folder / ".package-lock.json").write_text(json.dumps(lock))
    return folder


def test_every_file_has_an_origin() -> None:
    assert tool.ORIGINS.keys() == set(FILES)


def test_files_are_taken_with_compressed_siblings(node_modules: Path, tmp_path: Path) -> None:
    take(node_modules, tmp_path / "static")
    files = explorer_files(tmp_path / "static")
    assert len(files) == len(FILES)
    for name, file in zip(FILES, files, strict=True):
        assert file.content == CONTENTS[name]
        assert gzip.decompress(file.compressed) == CONTENTS[name]
        assert file.content_type.startswith("text/css" if name.endswith(".css") else "text/javascript")


def test_licences_of_what_the_files_are_built_from_come_with_them(node_modules: Path, tmp_path: Path) -> None:
    take(node_modules, tmp_path / "static")
    text = (tmp_path / "static" / tool.NOTICES).read_text()
    assert "react 1.2.3 (MIT)\n\nDo as you like." in text
    assert "tester" not in text


def test_taking_twice_gives_the_same_bytes_and_clears_what_is_left_over(node_modules: Path, tmp_path: Path) -> None:
    folder = tmp_path / "static"
    take(node_modules, folder)
    first = {path.name: path.read_bytes() for path in folder.iterdir()}
    (folder / "react.000000000000.js").write_bytes(b"an older version")
    take(node_modules, folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == first


@pytest.mark.parametrize("gone", ["graphiql/graphiql.min.js", ".package-lock.json"])
def test_what_is_not_installed_is_named_and_nothing_is_taken(node_modules: Path, tmp_path: Path, gone: str) -> None:
    (node_modules / gone).unlink()
    with pytest.raises(NotInstalled, match="run 'npm ci'"):
        take(node_modules, tmp_path / "static")
    assert not (tmp_path / "static").exists()


def test_the_command_fails_with_one_line(node_modules: Path) -> None:
    (node_modules / "graphiql" / "graphiql.min.js").unlink()
    with pytest.raises(SystemExit, match=r"^explorer files: graphiql/graphiql\.min\.js is not in [^\n]+$"):
        tool.main([str(node_modules)])


@pytest.mark.parametrize("gone", ["graphiql.css", "graphiql.css.gz"])
def test_a_folder_in_which_a_file_lacks_is_not_served(node_modules: Path, tmp_path: Path, gone: str) -> None:
    with pytest.raises(ExplorerMissing, match="is not there"):
        explorer_files(tmp_path / "static")
    take(node_modules, tmp_path / "static")
    (tmp_path / "static" / gone).unlink()
    with pytest.raises(ExplorerMissing, match=re.escape(f"{gone} is not there")):
        explorer_files(tmp_path / "static")


def test_the_explorer_itself_loads_nothing_from_elsewhere() -> None:
    try:
        files = explorer_files()
    except ExplorerMissing as error:
        pytest.skip(str(error))
    for file in files:
        text = file.content.decode()
        assert gzip.decompress(file.compressed).decode() == text
        if file.name.endswith(".css"):
            assert not re.findall(r"@import|url\((?![\"']?data:)", text)
        else:
            assert not re.findall(r"\bimport\(|importScripts\(|new Worker\(", text)
