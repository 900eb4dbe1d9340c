"""The files of docs/typescript.md: types are generated, TypeScript is content with what uses them, and they run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.interop.conftest import HERE, RunNode

pytestmark = pytest.mark.slow

ROOT = HERE.parent.parent
PACKAGES = ROOT / "examples" / "agenda" / "node_modules"
PAGE = ROOT / "docs" / "typescript.md"
DEMO = "http://127.0.0.1:8000/graphql"
BLOCK = re.compile(r"^```ts\n// (\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TSCONFIG = re.compile(r"^```json\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FIRST = 20
"""Meetings that its query asks for."""


async def test_the_pages_files_are_typed_and_run(node: RunNode, url: str, tmp_path: Path) -> None:
    if not (PACKAGES / ".package-lock.json").exists():
        pytest.skip("the packages of examples/agenda are not installed: 'make interop' installs them")
    schema = str(ROOT / "schema.graphql")
    (tmp_path / "src").mkdir()
    (tmp_path / "node_modules").symlink_to(PACKAGES)
    page = PAGE.read_text(encoding="utf-8")
    files = BLOCK.findall(page)
    assert [name for name, _ in files] == ["codegen.ts", "src/upcoming.ts", "src/ask.ts", "src/main.ts"]
    for name, text in files:
        (tmp_path / name).write_text(text.replace(DEMO, schema if name == "codegen.ts" else url), encoding="utf-8")
    await node(PACKAGES / "@graphql-codegen/cli/cjs/bin.js", "--config", "codegen.ts", "--silent", cwd=tmp_path)
    (options,) = TSCONFIG.findall(page)
    (tmp_path / "tsconfig.json").write_text(options, encoding="utf-8")
    await node(PACKAGES / "typescript/bin/tsc", cwd=tmp_path)
    (tmp_path / "package.json").write_text('{"type": "module"}', encoding="utf-8")
    await node(PACKAGES / "vite/bin/vite.js", "build", "--ssr", "src/main.ts", "--logLevel", "warn", cwd=tmp_path)
    printed = (await node(tmp_path / "dist/main.js")).splitlines()
    assert len(printed) == FIRST, printed
