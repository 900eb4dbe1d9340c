"""The running world, for every test of the graph."""

from __future__ import annotations

from tests.world import gateway as gateway
from tests.world import little as little
from tests.world import small as small
from tests.world import world as world
