"""The explorer's files: which they are, taking them out of their npm packages, and finding them again.

`python -m gateway.web.assets [NODE_MODULES]` copies them beside this file, into `static/`; `make` runs it after npm.
They are taken as their packages ship them, checked against the hashes below, so that nothing else can reach a browser.
File names carry the hash of the content: what is served under a name never changes.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

STATIC = Path(__file__).with_name("static")
NODE_MODULES = Path(__file__).parents[2] / "node_modules"
NOTICES = "THIRD-PARTY-LICENSES.txt"
CONTENT_TYPES = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8"}


class AssetsMissing(Exception):
    """The explorer's files are not there, or not what they should be; the message says how to get them."""


@dataclass(frozen=True, slots=True)
class Origin:
    """A file as its package ships it.

    Attributes:
        path: Where it lies under node_modules.
        sha256: The hash of its content, in hex.
    """

    path: str
    sha256: str


ORIGINS: Mapping[str, Origin] = MappingProxyType(
    {
        "react.js": Origin(
            "react/umd/react.production.min.js",
            "4b4969fa4ef3594324da2c6d78ce8766fbbc2fd121fff395aedf997db0a99a06",
        ),
        "react-dom.js": Origin(
            "react-dom/umd/react-dom.production.min.js",
            "21758ed084cd0e37e735722ee4f3957ea960628a29dfa6c3ce1a1d47a2d6e4f7",
        ),
        "graphiql.js": Origin(
            "graphiql/graphiql.min.js",
            "867226ba8af5ce7949903fc53932f78dac9f4bfc6cc8da0fd3869b8bc6c5256b",
        ),
        "graphiql.css": Origin(
            "graphiql/graphiql.min.css",
            "30487e07635d312a63f647b140d37740a73c53332b0975bf4b1fe985ca6ec885",
        ),
        "explorer.js": Origin(
            "@graphiql/plugin-explorer/dist/index.umd.js",
            "50cf2c58e4b45daf722d8f39aba0a5874a45e2aa715fe4ce709e357e5102a81b",
        ),
        "explorer.css": Origin(
            "@graphiql/plugin-explorer/dist/style.css",
            "68909a4ae23bfadfc4591acb4e2b3c8d4f44153b9ae7fa3b7e7c319eba310ef1",
        ),
    }
)
"""By the name that a page knows them by, in the order in which a page has to load them."""


@dataclass(frozen=True, slots=True)
class Asset:
    """A file to serve; what lies under its `file` name never changes, so it may be cached for ever.

    Attributes:
        file: Its file name with the content's hash in it, for the URL: `graphiql.867226ba8af5.js`.
        path: The file itself.
        gzip_path: The same content, compressed, for clients that accept `gzip`.
        content_type: The `Content-Type` of both.
        sha256: The hash of the content, in hex.
        etag: A strong entity tag of the file as it is, quotes included; the compressed one's is `gzip_etag`.
        gzip_etag: A strong entity tag of the compressed file, quotes included.
    """

    file: str
    path: Path
    gzip_path: Path
    content_type: str
    sha256: str
    etag: str
    gzip_etag: str


def manifest(folder: Path = STATIC) -> Mapping[str, Asset]:
    """Every file of the explorer, by the name that a page knows it by, in the order in which a page has to load them.

    Reads and checks all of them (2 MB, a few milliseconds), so ask once, at the start.

    Raises:
        AssetsMissing: One of them is not there, or is not what was taken.
    """
    found = {}
    for name, origin in ORIGINS.items():
        asset = found[name] = _asset(name, origin, folder)
        for path in (asset.path, asset.gzip_path):
            if not path.is_file():
                raise AssetsMissing(f"The explorer's {path.name} is not there: 'make demo' fetches it.")
        if hashlib.sha256(asset.path.read_bytes()).hexdigest() != origin.sha256:
            raise AssetsMissing(f"The explorer's {asset.file} has been changed: 'make clean demo' fetches it.")
    return MappingProxyType(found)


def take(node_modules: Path, folder: Path = STATIC) -> None:
    """Copies the explorer's files out of installed packages, all or none, with compressed siblings and the licences.

    Args:
        node_modules: What npm has installed.
        folder: Where the files go; whatever else is in there is removed.

    Raises:
        AssetsMissing: A package or file is not there, or is not the one whose hash is written here.
    """
    contents = {}
    for name, origin in ORIGINS.items():
        asset = _asset(name, origin, folder)
        content = _checked(node_modules, origin)
        contents[asset.path] = content
        contents[asset.gzip_path] = gzip.compress(content, mtime=0)  # no time in it: equal builds are equal
    contents[folder / NOTICES] = notices(node_modules).encode()  # last, as make's sign that all are there
    folder.mkdir(parents=True, exist_ok=True)
    for path in set(filter(Path.is_file, folder.iterdir())) - contents.keys():
        path.unlink()
    for path, content in contents.items():
        part = path.with_name(f"{path.name}.part")
        part.write_bytes(content)
        part.replace(path)


def notices(node_modules: Path) -> str:
    """The licences of every package that the files were built from, as they ask for."""
    try:
        packages = json.loads((node_modules / ".package-lock.json").read_bytes())["packages"]
    except (OSError, ValueError, KeyError):
        raise AssetsMissing(f"{node_modules} was not written by npm: run 'npm ci'.") from None
    parts = ["GraphiQL's files in this folder are built from the packages below.\n"]
    for path, package in packages.items():
        if package.get("dev"):
            continue
        title = f"{path.rpartition('node_modules/')[2]} {package['version']} ({package.get('license', 'see its page')})"
        texts = [
            file.read_text(encoding="utf-8", errors="replace").strip()
            for file in sorted((node_modules.parent / path).glob("[Ll][Ii][Cc][Ee][Nn][CScs][Ee]*"))
        ]
        parts.append("\n\n".join([f"{'-' * 80}\n{title}", *texts]) + "\n")
    return "\n".join(parts)


def _asset(name: str, origin: Origin, folder: Path) -> Asset:
    stem, _, suffix = name.rpartition(".")
    file = f"{stem}.{origin.sha256[:12]}.{suffix}"
    return Asset(
        file=file,
        path=folder / file,
        gzip_path=folder / f"{file}.gz",
        content_type=CONTENT_TYPES[f".{suffix}"],
        sha256=origin.sha256,
        etag=f'"{origin.sha256[:32]}"',
        gzip_etag=f'"{origin.sha256[:32]}-gzip"',
    )


def _checked(node_modules: Path, origin: Origin) -> bytes:
    try:
        content = (node_modules / origin.path).read_bytes()
    except OSError:
        raise AssetsMissing(f"{origin.path} is not in {node_modules}: run 'npm ci'.") from None
    if (found := hashlib.sha256(content).hexdigest()) != origin.sha256:
        raise AssetsMissing(f"{origin.path} is not the file expected: sha256 {found}, not {origin.sha256}.")
    return content


def main(arguments: list[str]) -> None:
    """Takes the files; one line says what is wrong where that fails."""
    try:
        take(Path(arguments[0]) if arguments else NODE_MODULES)
    except AssetsMissing as error:
        sys.exit(f"assets: {error}")
    print(f"{len(ORIGINS)} files of the explorer are in {STATIC.name}/")


if __name__ == "__main__":
    main(sys.argv[1:])
