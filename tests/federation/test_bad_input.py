"""What cannot be meant is refused by the subgraph as by the gateway itself, before any call, whatever its names."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.emulator.world import World
from tests.federation.stage import Asks
from tests.graph.test_meeting_stats import BAD, WEEKS
from tests.world import running
from tests.world import small as small

STATS = """query($f: %(p)sMeetingFilter, $by: [%(p)sMeetingGroup!]!, $z: String! = "UTC") {
  found: %(stats)s(filter: $f, groupBy: $by, timeZone: $z) { total { meetings } } }"""
LIST = "query($f: %(p)sMeetingFilter) { found: %(meetings)s(first: 2, filter: $f) { nodes { id } } }"


@pytest.mark.parametrize("prefix", ["", "Crm"])
async def test_what_cannot_be_meant_is_refused_before_any_call(small: World, prefix: str) -> None:
    roots = {"stats": "meetingStats", "meetings": "meetings"}
    if prefix:
        roots = {key: prefix.lower() + name[0].upper() + name[1:] for key, name in roots.items()}
    names = {"p": prefix, **roots}
    async with running(small) as gateway:
        asks = Asks.of(gateway, prefix)
        asks.sources = ("SALESLOFT", "DRIFT", "CALENDLY")
        assert (await asks.ask(STATS % names, f=WEEKS, by=["STATUS"])).ok["found"]["total"]["meetings"] > 0
        for asked, argument in BAD:
            variables: dict[str, Any] = {"f": WEEKS, "by": [], **asked}
            answer = await asks.ask(STATS % names, **variables)
            assert (answer.data, answer.codes, answer.calls) == ({"found": None}, ["BAD_USER_INPUT"], []), asked
            assert answer.errors[0]["extensions"]["argument"] == argument
            if (argument.startswith("filter.") and argument.count(".") > 1) or "[" in argument:
                answer = await asks.ask(LIST % names, f=asked["f"])
                assert (answer.codes, answer.calls) == (["BAD_USER_INPUT"], []), asked
                assert answer.errors[0]["extensions"]["argument"] == argument
