"""Takes the explorer's files out of their npm packages.

`python tools/explorer_files.py [NODE_MODULES]` copies them into gateway/web/static/; `make` runs it after npm, which
has checked the packages against the hashes of package-lock.json. They are taken as their packages ship them.
"""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Mapping
from pathlib import Path

from gateway.web.explorer import FILES, STATIC

NODE_MODULES = Path(__file__).parents[1] / "node_modules"
NOTICES = "THIRD-PARTY-LICENSES.txt"

ORIGINS: Mapping[str, str] = {
    "react.js": "react/umd/react.production.min.js",
    "react-dom.js": "react-dom/umd/react-dom.production.min.js",
    "graphiql.js": "graphiql/graphiql.min.js",
    "graphiql.css": "graphiql/graphiql.min.css",
    "explorer.js": "@graphiql/plugin-explorer/dist/index.umd.js",
    "explorer.css": "@graphiql/plugin-explorer/dist/style.css",
}
"""Where each file lies under node_modules, by the name that the gateway knows it by."""


class NotInstalled(Exception):
    """A package or file is not there; the message says how to get it."""


def take(node_modules: Path, folder: Path = STATIC) -> None:
    """Copies the explorer's files out of installed packages, all or none, with compressed siblings and the licences.

    Args:
        node_modules: What npm has installed.
        folder: Where the files go; whatever else is in there is removed.

    Raises:
        NotInstalled: A package or file is not there.
    """
    contents = {}
    for name in FILES:
        content = _read(node_modules, ORIGINS[name])
        contents[folder / name] = content
        contents[folder / f"{name}.gz"] = gzip.compress(content, mtime=0)  # no time in it: equal builds are equal
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
        raise NotInstalled(f"{node_modules} was not written by npm: run 'npm ci'.") from None
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


def _read(node_modules: Path, path: str) -> bytes:
    try:
        return (node_modules / path).read_bytes()
    except OSError:
        raise NotInstalled(f"{path} is not in {node_modules}: run 'npm ci'.") from None


def main(arguments: list[str]) -> None:
    """Takes the files; one line says what is wrong where that fails."""
    try:
        take(Path(arguments[0]) if arguments else NODE_MODULES)
    except NotInstalled as error:
        sys.exit(f"explorer files: {error}")
    print(f"{len(FILES)} files of the explorer are in {STATIC.name}/")


if __name__ == "__main__":
    main(sys.argv[1:])
