"""The example page, built as `make agenda-build` builds it, and tried in a browser."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.applications import Starlette

from gateway.app import create_app
from gateway.commands.demo import deliver_to, variables
from gateway.emulator import life
from gateway.emulator.conditions import Conditions
from gateway.emulator.server import Emulators
from gateway.settings.settings import Settings
from tests.http.harness import served
from tests.interop.conftest import HERE, RunNode
from tests.interop.test_browser import SCREENSHOTS
from tests.interop.test_browser import browser as browser
from tests.interop.test_live import SECRETS

pytestmark = pytest.mark.slow

FOLDER = HERE.parent.parent / "examples" / "agenda"
PACKAGES = FOLDER / "node_modules"


async def test_the_page_is_typed_built_and_works(
    node: RunNode, browser: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not (PACKAGES / ".package-lock.json").exists():
        pytest.skip("the packages of examples/agenda are not installed: 'make interop' installs them")
    await node(PACKAGES / "@graphql-codegen/cli/cjs/bin.js", "--config", "codegen.ts", "--silent", cwd=FOLDER)
    await node(PACKAGES / "typescript/bin/tsc", "--noEmit", cwd=FOLDER)
    await node(PACKAGES / "vite/bin/vite.js", "build", "--outDir", str(tmp_path), "--logLevel", "warn", cwd=FOLDER)
    monkeypatch.setattr(life, "PAUSE", 1.0)
    monkeypatch.setattr(life, "_soon", lambda _rng, now: now)  # in the week that is shown, whichever day it is
    async with (
        Emulators.start() as emulators,
        Emulators.start(conditions=Conditions(down=frozenset({"drift"}))) as bad,
        Emulators.start(live=True) as busy,
        served(page_over(emulators, tmp_path)) as url,
        served(page_over(bad, tmp_path)) as down,
        served(page_over(busy, tmp_path)) as living,
    ):
        deliver_to(busy, living, SECRETS)
        assert (await node(HERE / "agenda.mjs", url, browser, down, living, SCREENSHOTS)).endswith("done\n")


def page_over(emulators: Emulators, built: Path) -> Starlette:
    """A gateway that serves the built page."""
    return create_app(Settings.read({**variables(emulators), **SECRETS}), page_folder=built)
