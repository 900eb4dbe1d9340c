"""The blocks of docs/clients.md, run as they stand there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gateway.graph.schema import sdl
from tests.interop.conftest import PACKAGES, RunNode

PAGE = Path(__file__).parents[2] / "docs" / "clients.md"
BLOCK = re.compile(r"^```\w+\n// file: (\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

FETCH_IN_RELAY = """
import { environment } from "./environment.mjs";
import { createRequire } from "node:module";
import { fetchQuery } from "relay-runtime";
const query = createRequire(import.meta.url)("./__generated__/historyQuery.graphql");
const data = await fetchQuery(environment, query, { count: 10 }).toPromise();
console.log(data.sources.length, "sources");
"""


@pytest.fixture
def app(tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the page's files, as an application would have them."""
    monkeypatch.setenv("GATEWAY_URL", url)
    for name, text in BLOCK.findall(PAGE.read_text(encoding="utf-8")):
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "node_modules").symlink_to(PACKAGES)
    return tmp_path


async def test_apollo(node: RunNode, app: Path) -> None:
    assert (await node(app / "apollo.mjs")).splitlines()[-1] == "20 meetings"


async def test_urql(node: RunNode, app: Path) -> None:
    assert (await node(app / "urql.mjs")).splitlines()[-1] == "20 meetings"


async def test_relay(node: RunNode, app: Path) -> None:
    (app / "schema.graphql").write_text(sdl(), encoding="utf-8")
    (app / "__generated__").mkdir()
    await node(PACKAGES / "relay-compiler" / "cli.js", cwd=app)
    made = {path.name.removesuffix(".graphql.js") for path in (app / "__generated__").iterdir()}
    assert {"historyQuery", "historyPageQuery", "historyMeetingQuery"} <= made
    (app / "fetch.mjs").write_text(FETCH_IN_RELAY, encoding="utf-8")
    assert (await node(app / "fetch.mjs")).splitlines()[-1] == "2 sources"


def test_every_block_is_run() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert len(BLOCK.findall(text)) == text.count("```") // 2
