"""The documentation's site in a browser, from its folder.

To be run by name, right after `make site`: in a checkout where people work, `dist/site` may be of another day.
"""

from __future__ import annotations

import os

from tests.interop.conftest import HERE, RunNode
from tests.interop.test_browser import browser as browser

SITE = HERE.parent.parent / "dist" / "site"


async def test_the_site_from_its_folder(node: RunNode, browser: str) -> None:
    said = await node(HERE / "site.mjs", str(SITE), browser, os.environ.get("SCREENSHOTS", ""))
    assert said.endswith("done\n")
