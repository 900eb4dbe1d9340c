"""The example page where the demo serves it."""

from __future__ import annotations

from pathlib import Path

from gateway.web.agenda import built
from tests.http.harness import PlainEngine, calling, plain_site


async def test_the_built_page_is_served_with_its_files(tmp_path: Path) -> None:
    assert built(tmp_path) is None
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<!doctype html>a page")
    (tmp_path / "assets" / "page.js").write_text("let page = 1;")
    assert built(tmp_path) == tmp_path
    async with calling(plain_site(PlainEngine(), page_folder=tmp_path)) as gateway:
        bare = await gateway.ask("GET", "/agenda")
        assert (bare.status, bare.headers["Location"]) == (307, "agenda/")
        page = await gateway.ask("GET", "/agenda/")
        assert (page.status, page.body) == (200, b"<!doctype html>a page")
        assert "script-src 'self';" in page.headers["Content-Security-Policy"]
        assert (await gateway.ask("GET", "/agenda/assets/page.js")).body == b"let page = 1;"
        for path in ("/agenda/assets/other.js", "/agenda/..%2findex.html"):
            assert (await gateway.ask("GET", path)).status == 404


async def test_there_is_no_page_where_it_was_not_built() -> None:
    async with calling(plain_site(PlainEngine())) as gateway:
        assert (await gateway.ask("GET", "/agenda/")).status == 404
