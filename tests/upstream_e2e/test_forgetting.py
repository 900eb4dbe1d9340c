"""What is cached has an end in time: nobody's data lies in memory because nothing else came to crowd it out."""

from __future__ import annotations

import gc
from typing import Any

from msgspec import Struct

from gateway.sources.salesloft.wire import Person
from gateway.upstream.store import SWEEP_INTERVAL
from tests.http.test_metrics import parsed, total
from tests.upstream_e2e.stage import Product, product, world

PAGE = "{ meetings(first: 12) { nodes { title person { name emails } owner { name } attendees { email } } } }"

LONGEST = 86_400 + 3600 + 600
"""Seconds that a directory is of any use, the longest of all by default."""


async def cached(stage: Product) -> float:
    page = await stage.caller.ask("GET", "/metrics")
    return total(parsed(page.body.decode()), "gateway_cache_bytes")


def people() -> int:
    """Salesloft's people that anything in this process still refers to, those of the emulated world left out."""
    gc.collect()
    found: set[int] = set()
    for referents in map(gc.get_referents, gc.get_objects()):
        due = [each for each in referents if isinstance(each, Struct)]
        while due:  # records are not among the collector's objects, nor is what refers to them, when it is a record
            each = due.pop()
            if type(each) is Person:
                found.add(id(each))
            elif not gc.is_tracked(each):
                due.extend(
                    value for value in map(each.__getattribute__, each.__struct_fields__) if isinstance(value, Struct)
                )
    return len(found)


async def pass_by(stage: Product, seconds: float) -> None:
    """Lets time pass, in steps at which something is due."""
    end = stage.clock.monotonic() + seconds
    while (left := end - stage.clock.monotonic()) > 0:
        stage.clock.advance(min(left, SWEEP_INTERVAL))
        await stage.settle()


async def test_what_is_past_its_last_use_is_dropped() -> None:
    async with product(world(), jumps=False) as stage:
        before = people()
        for _ in range(2):  # the second answer is kept as it is
            (reply,) = await stage.drive([stage.ask(PAGE)])
        nodes: list[dict[str, Any]] = reply.ok["meetings"]["nodes"]
        assert nodes
        del reply
        assert await cached(stage) > 10_000
        assert people() > before
        await pass_by(stage, 700)
        some = await cached(stage)
        assert some > 10_000, "people are of use for a day where they cannot be had anew"
        stage.clock.advance(LONGEST)
        await pass_by(stage, 2 * SWEEP_INTERVAL)
        assert await cached(stage) == 0
        assert people() == before
