"""What derives from the table of settings: the page of the documentation, `--help`, what one command reads."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from gateway.settings.clients import LIMITS
from gateway.settings.environment import BadSetting, parsed
from gateway.settings.settings import NAMES, TABLES, read_group
from gateway.settings.sources import SOURCES, source
from gateway.settings.table import SettingsGroup, SettingsTable
from tests.cli.test_commands import TOKEN, Run
from tests.cli.test_commands import run as run
from tools.settings_page import PAGE, page


def test_the_page_is_what_the_table_says() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "write it anew with `make settings`"


def test_no_setting_stands_in_the_table_twice() -> None:
    names = [name for table in TABLES for row in table.rows for name in row.names]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.title)
def test_the_example_of_a_group_is_valid(table: SettingsTable[SettingsGroup]) -> None:
    example = parsed(table.example)
    own = {name for row in table.rows for name in row.names}
    assert example.keys() <= own | {"OTEL_EXPORTER_OTLP_ENDPOINT"}
    read_group(table, {name: value for name, value in example.items() if not name.endswith("_FILE")})


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.title)
def test_every_row_is_described(table: SettingsTable[SettingsGroup]) -> None:
    for row in table.rows:
        assert row.description
        assert row.description[-1] != "."
        assert "{" not in row.description


@pytest.mark.parametrize("command", ["serve", "check"])
def test_help_lists_every_setting(run: Run, command: str) -> None:
    shown = run(command, "--help").stdout
    assert all(name in shown for name in NAMES)


def test_a_group_is_read_without_the_others() -> None:
    assert read_group(LIMITS, {"GATEWAY_PORT": "x", "GATEWAY_MAX_DEPTH": "9"}).depth == 9
    with pytest.raises(BadSetting):
        read_group(LIMITS, {"GATEWAY_MAX_DEPTH": "x"})


WRONG = {"GATEWAY_PORT": "x", "SALESLOFT_URL": "x", "DRIFT_TOKEN": "a b"}


def test_schema_and_explain_read_only_what_they_need(run: Run) -> None:
    assert run("schema", **WRONG, GATEWAY_FEDERATION_VERSION="x", GATEWAY_MAX_DEPTH="x").returncode == 0
    assert run("schema", "--federation", **WRONG, GATEWAY_MAX_DEPTH="x").returncode == 0
    assert run("schema", "--federation", GATEWAY_FEDERATION_VERSION="x").returncode == 2
    assert run("explain", "{ sources { state } }", **WRONG, GATEWAY_FEDERATION_VERSION="x").returncode == 0
    assert run("explain", "{ sources { state } }", GATEWAY_MAX_DEPTH="x").returncode == 2


def test_check_settings(run: Run) -> None:
    valid = run("check", "--settings", DRIFT_TOKEN=TOKEN, DRIFT_URL="https://drift.invalid", GATEWAY_PROT="1")
    assert valid.returncode == 0
    assert "DRIFT" in valid.stdout
    assert "did you mean GATEWAY_PORT?" in valid.stderr
    wrong = run("check", "--settings", **WRONG)
    assert wrong.returncode == 2
    assert [line.split(": ")[1] for line in wrong.stderr.splitlines()] == [
        "SALESLOFT_URL",
        "DRIFT_TOKEN",
        "GATEWAY_PORT",
    ]
    assert wrong.stdout == ""


def test_check_settings_for_machines(run: Run) -> None:
    assert json.loads(run("check", "--settings", "--json", DRIFT_TOKEN=TOKEN).stdout) == {
        "valid": True,
        "faults": [],
        "warnings": [],
        "sources": ["DRIFT"],
    }
    both = json.loads(run("check", "--settings", "--json", GATEWAY_TRUSTED_DOCUMENTS="/no/such/file").stdout)
    assert both["valid"] is False
    assert [fault.split(":")[0] for fault in both["faults"]] == [
        " or ".join(f"{source.prefix}_TOKEN" for source in SOURCES),
        "GATEWAY_TRUSTED_DOCUMENTS",
    ]


HEAVY = {"aiohttp", "asyncio", "graphql", "prometheus_client", "redis", "starlette", "strawberry", "uvicorn"}


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["serve", "--help"]], ids=" ".join)
def test_help_imports_nothing_that_it_does_not_use(arguments: list[str]) -> None:
    code = (
        "import sys\nfrom gateway.cli import main\ntry:\n    main(sys.argv[1:])\n"
        "except SystemExit:\n    print(*sorted(sys.modules), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
    assert not HEAVY & set(done.stderr.split()) - {"asyncio"}


def test_another_source_is_one_row() -> None:
    notebook = source("NOTEBOOK", "Notebook", token="a word", units="pages", url="https://notebook.example")
    names = [name for row in notebook.rows for name in row.names]
    assert names == [
        *("NOTEBOOK_TOKEN", "NOTEBOOK_TOKEN_FILE", "NOTEBOOK_URL", "NOTEBOOK_RATE_LIMIT", "NOTEBOOK_TIMEOUT"),
        *("NOTEBOOK_WEBHOOK_SECRETS", "NOTEBOOK_WEBHOOK_SECRETS_FILE"),
    ]
    off = read_group(notebook, {})
    on = read_group(notebook, {"NOTEBOOK_TOKEN": TOKEN, "NOTEBOOK_TIMEOUT": "3"})
    assert (off.name, off.enabled, off.url, off.rate_limit) == ("NOTEBOOK", False, "https://notebook.example", 300)
    assert (on.enabled, on.timeout) == (True, 3.0)
    assert "pages a minute" in notebook.rows[2].description
    with pytest.raises(BadSetting, match="NOTEBOOK_URL: has no scheme"):
        read_group(notebook, {"NOTEBOOK_URL": "notebook.example"})
