from __future__ import annotations

import gzip
import html
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.web.explorer import (
    PREFIX,
    Examples,
    Explorer,
    ExplorerMissing,
    File,
    explorer_files,
    installed_files,
    tabs,
)
from tests.http.harness import NOW, PAGE_FILE, Caller, PlainEngine, calling, plain_site

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


@pytest.fixture
async def gateway() -> AsyncIterator[Caller]:
    async with calling(plain_site(PlainEngine())) as caller:
        yield caller


async def test_a_browser_gets_the_page(gateway: Caller) -> None:
    reply = await gateway.ask("GET", headers=BROWSER)
    assert (reply.status, reply.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert reply.headers["Vary"] == "Accept"
    policy = reply.headers["Content-Security-Policy"]
    assert "default-src 'none'; script-src 'self';" in policy
    assert "unsafe-eval" not in policy
    text = reply.body.decode()
    assert '<script defer src="graphql/assets/page.0123.js">' in text
    assert "http" not in re.sub(r'data-config="[^"]*"|href="data:image/svg[^"]*"', "", text)
    config = json.loads(html.unescape(re.findall(r'data-config="([^"]*)"', text)[0]))
    assert "NextMeetings" in config["tabs"][0]["query"]
    assert json.loads(config["tabs"][0]["variables"])["from"] == "2026-11-20T12:00:00Z"


async def test_the_bare_address_leads_to_the_page(gateway: Caller) -> None:
    reply = await gateway.ask("GET", "/", headers=BROWSER)
    assert (reply.status, reply.headers["Location"]) == (307, "graphql")


async def test_tools_get_no_page(gateway: Caller) -> None:
    reply = await gateway.ask("GET", "/graphql?query={hello}", headers={"Accept": "*/*"})
    assert reply.json == {"data": {"hello": "Hello, None"}}


async def test_a_browser_gets_no_page_where_it_is_off() -> None:
    async with calling(plain_site(PlainEngine(), graphiql=False)) as gateway:
        assert (await gateway.ask("GET", "/graphql?query={hello}", headers=BROWSER)).status == 200
        assert (await gateway.ask("GET", "/graphql", headers=BROWSER)).status == 400
        assert (await gateway.ask("GET", "/", headers=BROWSER)).status == 404
        assert (await gateway.ask("GET", f"{PREFIX}/{PAGE_FILE.name}")).status == 404


async def test_files_are_cached_for_ever_and_compressed(gateway: Caller) -> None:
    plain = await gateway.ask("GET", f"{PREFIX}/{PAGE_FILE.name}", headers={"Accept-Encoding": "identity"})
    assert (plain.status, plain.body, plain.headers["ETag"]) == (200, PAGE_FILE.content, '"plain"')
    assert plain.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert plain.headers["Vary"] == "Accept-Encoding"
    again = await gateway.ask(
        "GET", f"{PREFIX}/{PAGE_FILE.name}", headers={"Accept-Encoding": "identity", "If-None-Match": '"plain"'}
    )
    assert (again.status, again.body) == (304, b"")
    head = await gateway.ask("HEAD", f"{PREFIX}/{PAGE_FILE.name}", headers={"Accept-Encoding": "identity"})
    assert (head.status, head.body) == (200, b"")


@pytest.mark.parametrize("name", ["nothing.js", "..%2f..%2fsettings.py", "..%2fconsole.js"])
async def test_nothing_else_is_served(gateway: Caller, name: str) -> None:
    assert (await gateway.ask("GET", f"{PREFIX}/{name}")).status in {400, 404}


async def test_a_plain_page_where_the_files_are_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("gateway.web.explorer.explorer_files", lambda: explorer_files(tmp_path))
    files = installed_files()
    assert files == []
    assert "make demo" in caplog.text
    page = Explorer(files, Examples(), lambda: NOW).page()
    assert b"NextMeetings" in page.body
    assert b"<script" not in page.body


@pytest.fixture
def files() -> list[File]:
    try:
        explorer_files()
    except ExplorerMissing as error:
        pytest.skip(str(error))
    return installed_files()


def test_every_file_is_named_by_its_content_and_packed(files: list[File]) -> None:
    assert [file.name.split(".")[0] for file in files] == [
        "react",
        "react-dom",
        "graphiql",
        "graphiql",
        "explorer",
        "explorer",
        "console",
        "console",
    ]
    assert len({file.name for file in files}) == len({file.etag for file in files}) == len(files)
    for file in files:
        assert gzip.decompress(file.compressed) == file.content


def test_the_page_asks_for_nothing_outside(files: list[File]) -> None:
    page = bytes(Explorer(files, Examples(), lambda: NOW).page().body).decode()
    assert not re.findall(r'(?:src|href)="(?!graphql/assets/|data:)', page)


def test_examples_fill_the_tabs() -> None:
    made = tabs(Examples(person="p-1", cadence="c-1"), NOW)
    assert [json.loads(tab.variables) if tab.variables else None for tab in made] == [
        {"from": "2026-11-20T12:00:00Z", "first": 20},
        {"person": "p-1"},
        {"cadence": "c-1"},
        None,
        None,
        None,
    ]
