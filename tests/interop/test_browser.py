"""GraphiQL, and pages of others, in a browser."""

from __future__ import annotations

import os
import shutil

import pytest

from tests.interop.conftest import HERE, RunNode

pytestmark = pytest.mark.slow

SCREENSHOTS = os.environ.get("SCREENSHOTS", "")
"""A folder for pictures of the page, docs/images for those of the README."""


@pytest.fixture
def browser() -> str:
    """The program."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        pytest.skip("there is no Chromium: Debian's package 'chromium' brings it")
    return program


async def test_the_first_minutes_in_graphiql(node: RunNode, url: str, browser: str) -> None:
    assert (await node(HERE / "explore.mjs", url, browser, SCREENSHOTS)).endswith("done\n")


async def test_links_waterfall_keyboard_and_phone(node: RunNode, url: str, browser: str) -> None:
    assert (await node(HERE / "explore_more.mjs", url, browser, SCREENSHOTS)).endswith("done\n")


async def test_a_page_of_another_origin(node: RunNode, url: str, browser: str) -> None:
    assert (await node(HERE / "preflights.mjs", url, browser)).endswith("done\n")
