"""A hook of mkdocs: what a page links to in the checkout, which the site does not hold, is named there instead."""

from __future__ import annotations

import re
from posixpath import join, normpath

OUTSIDE = re.compile(r"\[([^\]]+)\]\((\.\./[^)\s]+)\)")


def on_page_markdown(markdown: str, page: object, **_: object) -> str:
    """Replaces links that lead out of docs/."""
    folder = str(getattr(getattr(page, "file", None), "src_uri", "")).rpartition("/")[0]

    def named(match: re.Match[str]) -> str:
        text, target = match.groups()
        if not normpath(join(folder, target)).startswith(".."):
            return match.group()
        path = target.lstrip("./")
        return text if path in text else f"{text} (`{path}`)"

    return OUTSIDE.sub(named, markdown)
