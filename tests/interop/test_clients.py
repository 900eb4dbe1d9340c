"""The conformance suite of GraphQL over HTTP, and the clients that people use."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from gateway.emulator.table import FIRST_ID, FIRST_LARGE_ID
from gateway.graph.schema import sdl
from tests.interop.conftest import HERE, PACKAGES, RunNode

pytestmark = pytest.mark.slow

AUDITS = 61


async def test_every_audit_passes(node: RunNode, url: str) -> None:
    audits = [json.loads(line) for line in (await node(HERE / "audits.mjs", url)).splitlines()]
    assert [audit for audit in audits if audit["status"] != "ok"] == []
    assert len(audits) == AUDITS


@pytest.mark.parametrize("client", ["apollo", "urql"])
async def test_a_client_as_people_set_it_up(node: RunNode, url: str, client: str) -> None:
    assert (await node(HERE / f"{client}.mjs", url)).endswith("done\n")


@pytest.fixture
async def relay(node: RunNode, tmp_path: Path) -> Path:
    """An application written with Relay, compiled against the schema."""
    app = tmp_path / "app"
    shutil.copytree(HERE / "relay", app)
    (app / "schema.graphql").write_text(sdl(), encoding="utf-8")
    (app / "node_modules").symlink_to(PACKAGES)
    (app / "__generated__").mkdir()
    await node(PACKAGES / "relay-compiler" / "cli.js", cwd=app)
    return app


async def test_a_server_between_a_browser_and_the_gateway(node: RunNode, url: str) -> None:
    assert (await node(HERE / "bff.mjs", url)).endswith("done\n")


async def test_types_are_generated_and_compile(node: RunNode, url: str) -> None:
    assert (await node(HERE / "codegen.mjs", url)).endswith("done\n")


async def test_relay_compiles_and_runs(node: RunNode, url: str, relay: Path) -> None:
    assert (await node(relay / "app.cjs", url)).endswith("done\n")


async def test_relay_takes_no_record_for_another_of_the_same_number(node: RunNode, url: str, relay: Path) -> None:
    assert (await node(relay / "numbers.cjs", url, str(FIRST_ID), str(FIRST_LARGE_ID))).endswith("done\n")
