"""Writes docs/settings.md from the table of settings: `make settings`."""

from __future__ import annotations

from pathlib import Path

from gateway.settings.environment import ENV_FILE
from gateway.settings.settings import TABLES
from gateway.settings.table import Setting, SettingsGroup, SettingsTable

PAGE = Path(__file__).parent.parent / "docs" / "settings.md"
TOP = f"""# Settings

<!-- Generated from gateway/settings/ by `make settings`. -->

Read at the start from the environment, or from a dotenv file that `{ENV_FILE}` names (the environment wins; values are
taken as they stand, `$` included). An empty value counts as not set. A secret may come from a file instead, which
`<NAME>_FILE` names; it is [read again](operations/health.md#sighup) while the gateway runs.

Where settings are not valid, the start ends with exit code 2 and a line for each: its name, what is wrong and what
would be right. A name that begins like one of ours and is not a setting is warned of, with what may have been meant.
`meeting-gateway check --settings` says all of that without starting anything or calling anybody (`--json` for
machines); `meeting-gateway serve --help` lists every setting. At least one source has to be on.
"""


def page() -> str:
    """The whole page."""
    return "\n".join([TOP, *map(section, TABLES)])


def section(table: SettingsTable[SettingsGroup]) -> str:
    """A group: its rows, what there is to say of them all, an example."""
    head = ["| Name | Value | Meaning | Default |", "|---|---|---|---|"]
    about = [table.about, ""] if table.about else []
    example = ["```ini", table.example, "```", ""]
    return "\n".join([f"## {table.title}", "", *head, *map(line, table.rows), "", *about, *example])


def line(row: Setting) -> str:
    """A row of a group's table."""
    names = ", ".join(f"`{name}`" for name in row.names)
    default = row.shown_default
    written = default if "`" in default or row.unset else f"`{default}`" if default else ""
    return f"| {names} | {row.kind.column or row.kind.expected} | {row.description} | {written} |"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
