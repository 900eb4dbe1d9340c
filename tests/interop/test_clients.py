"""The conformance suite of GraphQL over HTTP, and the clients that people use."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from gateway.graph.schema import sdl
from tests.interop.conftest import HERE, PACKAGES, RunNode

AUDITS = 61


async def test_every_audit_passes(node: RunNode, url: str) -> None:
    audits = [json.loads(line) for line in (await node(HERE / "audits.mjs", url)).splitlines()]
    assert [audit for audit in audits if audit["status"] != "ok"] == []
    assert len(audits) == AUDITS


@pytest.mark.parametrize("client", ["apollo", "urql"])
async def test_a_client_as_people_set_it_up(node: RunNode, url: str, client: str) -> None:
    assert (await node(HERE / f"{client}.mjs", url)).endswith("done\n")


async def test_relay_compiles_and_runs(node: RunNode, url: str, tmp_path: Path) -> None:
    app = tmp_path / "app"
    shutil.copytree(HERE / "relay", app)
    (app / "schema.graphql").write_text(sdl(), encoding="utf-8")
    (app / "node_modules").symlink_to(PACKAGES)
    (app / "__generated__").mkdir()
    await node(PACKAGES / "relay-compiler" / "cli.js", cwd=app)
    assert (await node(app / "app.cjs", url)).endswith("done\n")
