"""GraphiQL in a browser."""

from __future__ import annotations

import os
import shutil

import pytest

from tests.interop.conftest import HERE, RunNode

SCREENSHOTS = os.environ.get("SCREENSHOTS", "")
"""A folder for pictures of the page, docs/images for those of the README."""


async def test_the_first_minutes_in_graphiql(node: RunNode, url: str) -> None:
    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    if browser is None:
        pytest.skip("there is no Chromium: Debian's package 'chromium' brings it")
    assert (await node(HERE / "explore.mjs", url, browser, SCREENSHOTS)).endswith("done\n")
