"""The blocks of docs/clients.md, run as they stand there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gateway.graph.schema import sdl
from tests.interop.conftest import HERE, PACKAGES, RunNode
from tests.interop.test_browser import browser as browser

pytestmark = pytest.mark.slow

PAGE = Path(__file__).parents[2] / "docs" / "clients.md"
DEMO = "http://127.0.0.1:8000/graphql"
BLOCK = re.compile(r"^```\w+\n// file: (\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

FETCH_IN_RELAY = """
import { environment } from "./environment.mjs";
import { fetchQuery } from "relay-runtime";
import query from "./__generated__/historyQuery.graphql.js";
const data = await fetchQuery(environment, query, { count: 10 }).toPromise();
console.log(data.sources.length, "sources");
"""

FAILS_IN_RELAY = """
import { environment } from "./environment.mjs";
import { fetchQuery } from "relay-runtime";
import query from "./__generated__/historyQuery.graphql.js";
const asked = fetchQuery(environment, query, { count: -1 }).toPromise();
await asked.catch((error) => console.log(error.message.split(":")[0]));
"""

BESIDE_THE_MANIFEST = {"relay.config.json", "vite.config.js"}
"""Files of the page that do not go into `src`."""

INDEX = '<!doctype html><div id="root"></div><script type="module" src="/src/main.jsx"></script>'
"""What `npm create vite` makes of it, less the trimmings."""


@pytest.fixture
def app(tmp_path: Path, url: str) -> Path:
    """A folder with the page's files, as an application would have them."""
    (tmp_path / "src" / "__generated__").mkdir(parents=True)
    for name, text in BLOCK.findall(PAGE.read_text(encoding="utf-8")):
        folder = tmp_path if name in BESIDE_THE_MANIFEST else tmp_path / "src"
        (folder / name).write_text(text.replace(DEMO, url), encoding="utf-8")
    (tmp_path / "package.json").write_text('{"type": "module"}', encoding="utf-8")
    (tmp_path / "index.html").write_text(INDEX, encoding="utf-8")
    (tmp_path / "schema.graphql").write_text(sdl(), encoding="utf-8")
    (tmp_path / "node_modules").symlink_to(PACKAGES)
    return tmp_path


async def test_apollo(node: RunNode, app: Path) -> None:
    assert (await node(app / "src/try-apollo.mjs")).splitlines()[-1] == "20 meetings"


async def test_urql(node: RunNode, app: Path) -> None:
    assert await node(app / "src/try-urql.mjs") == "20 meetings\n"  # and no warning of a type without a key


async def test_relay(node: RunNode, app: Path) -> None:
    await node(PACKAGES / "relay-compiler" / "cli.js", cwd=app)
    made = {path.name.removesuffix(".graphql.js") for path in (app / "src/__generated__").iterdir()}
    assert {"historyQuery", "historyPageQuery", "historyMeetingQuery", "RelayMeetingsPageQuery"} <= made
    (app / "src/fetch.mjs").write_text(FETCH_IN_RELAY, encoding="utf-8")
    assert (await node(app / "src/fetch.mjs")).splitlines()[-1] == "3 sources"
    (app / "src/fails.mjs").write_text(FAILS_IN_RELAY, encoding="utf-8")
    assert (await node(app / "src/fails.mjs")).splitlines()[-1] == "BAD_USER_INPUT"


@pytest.mark.parametrize("client", ["Apollo", "Urql", "Relay"])
async def test_components_in_a_browser(node: RunNode, app: Path, url: str, browser: str, client: str) -> None:
    main = app / "src/main.jsx"
    main.write_text(main.read_text(encoding="utf-8").replace("ApolloPage", f"{client}Page"), encoding="utf-8")
    if client == "Relay":
        await node(PACKAGES / "relay-compiler" / "cli.js", cwd=app)
    await node(PACKAGES / "vite/bin/vite.js", "build", "--logLevel", "warn", cwd=app)
    assert (await node(HERE / "components.mjs", url, browser, str(app / "dist"))).endswith("done\n")


def test_every_block_is_run() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert len(BLOCK.findall(text)) == text.count("```") // 2 - text.count("```sh")
    assert "node:" not in text, "browsers have no Node.js"
