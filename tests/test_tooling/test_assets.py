from __future__ import annotations

import gzip
import hashlib
import json
import re
from pathlib import Path

import pytest

from gateway.web import assets
from gateway.web.assets import AssetsMissing, Origin

CONTENTS = {"page.js": b"run()\n" * 100, "page.css": b"body{}"}


@pytest.fixture(name="node_modules")
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package as npm would have installed it, and the table that asks for its two files."""
    package = tmp_path / "node_modules" / "explorer"
    package.mkdir(parents=True)
    origins = {}
    for name, content in CONTENTS.items():
        (package / f"dist.{name}").write_bytes(content)
        origins[name] = Origin(f"explorer/dist.{name}", hashlib.sha256(content).hexdigest())
    (package / "LICENSE").write_text("Do as you like.\n")
    lock = {
        "packages": {
            "node_modules/explorer": {"version": "1.2.3", "license": "MIT"},
            "node_modules/tester": {"version": "9.9.9", "dev": True},
        }
    }
    (package.parent / ".package-lock.json").write_text(json.dumps(lock))
    monkeypatch.setattr(assets, "ORIGINS", origins)
    return package.parent


def test_files_are_taken_with_compressed_siblings_under_names_that_carry_their_hash(
    node_modules: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "static"

    assets.take(node_modules, folder)

    manifest = assets.manifest(folder)
    assert list(manifest) == list(CONTENTS)
    for name, content in CONTENTS.items():
        asset = manifest[name]
        sha256 = hashlib.sha256(content).hexdigest()
        assert asset.path.read_bytes() == content
        assert gzip.decompress(asset.gzip_path.read_bytes()) == content
        assert asset.file == asset.path.name == f"page.{sha256[:12]}.{name.partition('.')[2]}"
        assert asset.sha256 == sha256
        assert {asset.etag[0], asset.etag[-1], asset.gzip_etag[0], asset.gzip_etag[-1]} == {'"'}
    assert manifest["page.js"].content_type == "text/javascript; charset=utf-8"
    assert manifest["page.css"].content_type == "text/css; charset=utf-8"
    etags = [etag for asset in manifest.values() for etag in (asset.etag, asset.gzip_etag)]
    assert len(set(etags)) == len(etags)


def test_licences_of_what_the_files_are_built_from_come_with_them(node_modules: Path, tmp_path: Path) -> None:
    assets.take(node_modules, tmp_path / "static")

    text = (tmp_path / "static" / assets.NOTICES).read_text()
    assert "explorer 1.2.3 (MIT)\n\nDo as you like." in text
    assert "tester" not in text


def test_taking_twice_gives_the_same_bytes_and_clears_what_is_left_over(node_modules: Path, tmp_path: Path) -> None:
    folder = tmp_path / "static"
    assets.take(node_modules, folder)
    first = {path.name: path.read_bytes() for path in folder.iterdir()}
    (folder / "page.000000000000.js").write_bytes(b"an older version")

    assets.take(node_modules, folder)

    assert {path.name: path.read_bytes() for path in folder.iterdir()} == first


def test_another_content_than_the_one_expected_is_refused_whole(node_modules: Path, tmp_path: Path) -> None:
    (node_modules / "explorer" / "dist.page.css").write_bytes(b"body{background:url(//elsewhere.example)}")

    with pytest.raises(AssetsMissing, match=r"^explorer/dist\.page\.css is not the file expected: sha256 "):
        assets.take(node_modules, tmp_path / "static")

    assert not (tmp_path / "static").exists()


@pytest.mark.parametrize("gone", ["explorer/dist.page.js", ".package-lock.json"])
def test_what_is_not_installed_is_named(node_modules: Path, tmp_path: Path, gone: str) -> None:
    (node_modules / gone).unlink()

    with pytest.raises(AssetsMissing, match="run 'npm ci'"):
        assets.take(node_modules, tmp_path / "static")


def test_the_command_fails_with_one_line(node_modules: Path) -> None:
    (node_modules / "explorer" / "dist.page.js").unlink()

    with pytest.raises(SystemExit, match=r"^assets: explorer/dist\.page\.js is not in [^\n]+$"):
        assets.main([str(node_modules)])


def test_a_folder_without_the_files_has_no_manifest(tmp_path: Path) -> None:
    with pytest.raises(AssetsMissing, match="is not there"):
        assets.manifest(tmp_path / "static")


def test_a_folder_without_a_compressed_sibling_has_no_manifest(node_modules: Path, tmp_path: Path) -> None:
    assets.take(node_modules, tmp_path / "static")
    assets.manifest(tmp_path / "static")["page.css"].gzip_path.unlink()

    with pytest.raises(AssetsMissing, match=r"page\.\w+\.css\.gz is not there"):
        assets.manifest(tmp_path / "static")


def test_a_changed_file_is_not_served(node_modules: Path, tmp_path: Path) -> None:
    assets.take(node_modules, tmp_path / "static")
    assets.manifest(tmp_path / "static")["page.js"].path.write_bytes(b"half a fi")

    with pytest.raises(AssetsMissing, match="has been changed"):
        assets.manifest(tmp_path / "static")


def test_the_explorer_itself_loads_nothing_from_elsewhere() -> None:
    try:
        manifest = assets.manifest()
    except AssetsMissing as error:
        pytest.skip(str(error))

    assert list(manifest) == ["react.js", "react-dom.js", "graphiql.js", "graphiql.css", "explorer.js", "explorer.css"]
    for asset in manifest.values():
        text = asset.path.read_text(encoding="utf-8")
        assert gzip.decompress(asset.gzip_path.read_bytes()).decode() == text
        if asset.file.endswith(".css"):
            assert not re.findall(r"@import|url\((?![\"']?data:)", text)
        else:
            assert not re.findall(r"\bimport\(|importScripts\(|new Worker\(", text)
