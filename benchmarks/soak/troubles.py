"""What goes wrong with the vendors, again and again, every minute in the same order."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from gateway.emulator.faults import (
    BAD_GATEWAY,
    BadRows,
    Fault,
    Hang,
    MalformedJson,
    Reset,
    SlowBody,
    Status,
    Truncated,
    wrong_type,
)
from gateway.emulator.server import Emulators

MINUTE = 60.0


class Trouble(NamedTuple):
    """A fault on some calls from a second of the minute on."""

    second: float
    vendor: str
    fault: Fault
    times: int


TROUBLES: Sequence[Trouble] = (
    Trouble(4, "salesloft", Status(500), 6),
    Trouble(9, "drift", Reset(), 4),
    Trouble(14, "salesloft", SlowBody(pause=0.03), 6),
    Trouble(18, "drift", BAD_GATEWAY, 4),
    Trouble(22, "salesloft", Reset(), 4),
    Trouble(26, "drift", Status(429, headers={"Retry-After": "2"}), 1),
    Trouble(31, "salesloft", Truncated(), 3),
    Trouble(35, "salesloft", MalformedJson(), 3),
    Trouble(39, "drift", BadRows(wrong_type("endUserTimeZone"), at=None), 3),
    Trouble(43, "salesloft", BadRows(wrong_type("title")), 5),
    Trouble(47, "salesloft", Status(429, headers={"Retry-After": "1"}), 1),
    Trouble(51, "drift", Hang(), 2),
    Trouble(55, "salesloft", Hang(), 2),
)


async def keep_failing(emulators: Emulators) -> None:
    """Lets all of them happen every minute, for ever; what did not come to act within one is taken back."""
    vendors = {"salesloft": emulators.salesloft, "drift": emulators.drift}
    loop = asyncio.get_running_loop()
    begun = loop.time()
    while True:
        for trouble in TROUBLES:
            await asyncio.sleep(max(0.0, begun + trouble.second - loop.time()))
            vendors[trouble.vendor].faults.add(trouble.fault, times=trouble.times)
        begun += MINUTE
        await asyncio.sleep(max(0.0, begun - loop.time()))
        for vendor in vendors.values():
            vendor.faults.clear()
