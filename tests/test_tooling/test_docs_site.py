"""The documentation's site: what is done to pages, and what readers look for in their headings."""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import pytest

from gateway import errors
from tools.docs_site import on_page_content, on_page_markdown

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [path for path in sorted(DOCS.rglob("*.md")) if "reference" not in path.parts]
WORDS = [
    *(
        "apollo",
        "authentication",
        "caching",
        "circuit breakers",
        "cors",
        "csrf",
        "duplicates",
        "federation",
        "glossary",
    ),
    *(
        "pagination",
        "performance",
        "persisted queries",
        "rate limits",
        "retries",
        "troubleshooting",
        "ttl",
        "typescript",
    ),
]
"""What readers type into a search box, which weighs headings most."""
FENCE = re.compile(r"^```.*$", re.MULTILINE)


def page(path: str) -> SimpleNamespace:
    return SimpleNamespace(title=path, file=SimpleNamespace(src_uri=path))


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(DOCS).as_posix())
def test_every_fence_is_one_that_the_site_reads(path: Path) -> None:
    name = path.relative_to(DOCS).as_posix()
    fences = FENCE.findall(on_page_markdown(path.read_text(encoding="utf-8"), page(name)))
    assert [fence for fence in fences if not re.fullmatch(r'```(\w+( title="[^"]+")?)?', fence)] == []


def test_a_block_that_was_not_read_stops_the_build() -> None:
    with pytest.raises(ValueError, match="shown with its fence"):
        on_page_content("<p>```json calls</p>", page("cookbook.md"))


def test_each_recipe_links_to_graphiql_with_its_variables() -> None:
    text = (DOCS / "cookbook.md").read_text(encoding="utf-8")
    links = re.findall(r'<a class="try" href="([^"]+)"', on_page_markdown(text, page("cookbook.md")))
    assert len(links) == len(re.findall(r"^```graphql$", text, re.MULTILINE))
    for link in links:
        given = parse_qs(urlsplit(link).query)
        assert given["query"][0].startswith("query ")
        for name in json.loads(given["variables"][0]):
            assert f"${name}:" in given["query"][0]


def test_links_out_of_the_docs_become_names_or_pages_of_the_site() -> None:
    text = "[results](../../benchmarks/RESULTS.md), [code](../../gateway/cli.py), [up](../errors.md)"
    made = on_page_markdown(text, page("operations/metrics.md"))
    assert made == "[results](../reference/benchmarks.md), code (`gateway/cli.py`), [up](../errors.md)"


def test_a_cell_knows_its_column() -> None:
    table = '<table><tr><th>A <code>b</code></th><th>C</th></tr><tr><td>1</td><td style="x">2</td></tr></table>'
    assert on_page_content(table, page("x")).endswith(
        '<tr><td data-label="A b">1</td><td data-label="C" style="x">2</td></tr></table>'
    )


@pytest.mark.parametrize("word", WORDS)
def test_headings_have_the_words_of_the_trade(word: str) -> None:
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").partition("\nnav:")[2]
    headings = [line for path in PAGES for line in path.read_text(encoding="utf-8").splitlines() if line[:1] == "#"]
    assert word in "\n".join([navigation, *headings]).lower()


def test_every_error_code_has_a_heading() -> None:
    codes = {
        str(vars(kind)["code"]) for kind in vars(errors).values() if isinstance(kind, type) and "code" in vars(kind)
    }
    codes |= {"GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED", "INTERNAL_SERVER_ERROR"}
    headings = re.findall(r"^### `([A-Z_]+)`$", (DOCS / "errors.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(headings) == sorted(codes)


def test_the_front_page_promises_what_the_benchmarks_measured() -> None:
    promised = re.findall(r"\*\*(\d+)\u00d7\*\* less CPU", (DOCS / "index.md").read_text(encoding="utf-8"))
    results = (ROOT / "benchmarks" / "RESULTS.md").read_text(encoding="utf-8")
    measured = re.findall(r"M100, engine: Strawberry's time to ours \| [^|]+ \| ([0-9.]+)\u00d7", results)
    assert [int(figure) for figure in promised] == [int(float(figure)) for figure in measured]
