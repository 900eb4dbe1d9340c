"""The table of settings for terminals."""

from __future__ import annotations

import re
import textwrap

from gateway.settings.settings import TABLES
from gateway.settings.table import Setting

LINK = re.compile(r"\[([^\]]+)\]\([^)]+\)")
WIDTH = 100


def option(row: Setting) -> str:
    """The help of a command's option that stands before a setting."""
    return f"{plain(row.description)} ({row.name}, {row.shown_default})"


def listing() -> str:
    """Every setting, by group."""
    lines = ["settings, from the environment or the file that GATEWAY_ENV_FILE names:"]
    for table in TABLES:
        lines += ["", f"  {table.title}"]
        for row in table.rows:
            default = f" [{plain(row.shown_default)}]" if row.shown_default else ""
            lines.append(f"    {', '.join(row.names)}{default}")
            lines += textwrap.wrap(plain(row.description), WIDTH, initial_indent=" " * 8, subsequent_indent=" " * 8)
    return "\n".join(lines)


def plain(text: str) -> str:
    """Markdown without its marks."""
    return LINK.sub(r"\1", text).replace("`", "")
