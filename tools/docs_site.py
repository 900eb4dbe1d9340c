"""What mkdocs does to pages beyond Markdown; `mkdocs.yml` names this file as a hook."""

from __future__ import annotations

import json
import re
from posixpath import join, normpath, relpath
from urllib.parse import quote

DEMO = "http://127.0.0.1:8000/graphql"
"""Where `make demo` serves GraphiQL."""

GENERATED = {
    "benchmarks/RESULTS.md": "reference/benchmarks.md",
    "schema.graphql": "reference/types.md",
    "CHANGELOG.md": "reference/changelog.md",
}
"""What `tools/reference.py` makes pages of."""

OUTSIDE = re.compile(r"\[([^\]]+)\]\((\.\./[^)\s]+)\)")
NAMED_FENCE = re.compile(r"^```(\w+) (\w+)$", re.MULTILINE)
TITLES = {
    "variables": "Variables",
    "calls": "Upstream calls, nothing cached",
    "answer": "Answer",
    "plan": "Plan",
}
"""What a fence's second word, which tests go by, is called on the page."""

RECIPE = re.compile(
    r"^```graphql\n(?P<query>.*?)^```$(?:\n+^```json variables\n(?P<variables>.*?)^```$)?", re.MULTILINE | re.DOTALL
)
TABLE = re.compile(r"<table>.*?</table>", re.DOTALL)
HEAD = re.compile(r"<th[^>]*>(.*?)</th>", re.DOTALL)
ROW = re.compile(r"<tr>(.*?)</tr>", re.DOTALL)
CELL = re.compile(r"<td")
TAG = re.compile(r"<[^>]+>")


def on_page_markdown(markdown: str, page: object, **_: object) -> str:
    """Prepares a page: links out of docs/, GraphiQL links below queries, titles of blocks."""
    path = str(getattr(getattr(page, "file", None), "src_uri", ""))
    markdown = with_outside_named(markdown, path.rpartition("/")[0])
    if path == "cookbook.md":
        markdown = RECIPE.sub(with_link, markdown)
    return NAMED_FENCE.sub(lambda fence: f'```{fence[1]} title="{TITLES.get(fence[2], fence[2])}"', markdown)


def with_outside_named(markdown: str, folder: str) -> str:
    """What a page links to in the checkout, which the site does not hold, is named there instead."""

    def named(match: re.Match[str]) -> str:
        text, target = match.groups()
        if not normpath(join(folder, target)).startswith(".."):
            return match.group()
        path = target.lstrip("./")
        if path in GENERATED:
            return f"[{text}]({relpath(GENERATED[path], folder or '.')})"
        return text if path in text else f"{text} (`{path}`)"

    return OUTSIDE.sub(named, markdown)


def with_link(recipe: re.Match[str]) -> str:
    """A query with its variables, and a link that opens both in the demo's GraphiQL."""
    parameters = f"query={quote(recipe['query'])}"
    if recipe["variables"]:
        parameters += f"&variables={quote(json.dumps(json.loads(recipe['variables']), indent=2))}"
    return f'{recipe.group()}\n\n<a class="try" href="{DEMO}?{parameters}">Open in the demo\'s GraphiQL</a>\n'


def on_page_content(html: str, page: object, **_: object) -> str:
    """Labels the cells of tables by their columns, for narrow screens.

    Raises:
        ValueError: A fence was not read as one, and would be shown as it is written.
    """
    if "```" in html:
        raise ValueError(f"{getattr(page, 'title', page)}: a block is shown with its fence")
    return TABLE.sub(lambda table: with_labels(table.group()), html)


def with_labels(table: str) -> str:
    """A table whose cells bear the names of their columns."""
    names = [TAG.sub("", name).strip() for name in HEAD.findall(table)]

    def labelled(row: re.Match[str]) -> str:
        columns = iter(names)
        return CELL.sub(lambda _: f'<td data-label="{next(columns, "")}"', row.group())

    return ROW.sub(labelled, table)
