"""What kind of day the emulated vendors have: who is down, how slow, how often they fail, how much they give."""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from gateway.emulator.faults import BAD_GATEWAY, Faults

VENDORS = ("salesloft", "drift", "calendly")
"""Who is emulated, in the order in which they are named."""


@dataclass(frozen=True)
class Conditions:
    """The day that all vendors have; a good one by default.

    Attributes:
        down: vendors whose port refuses connections.
        latency: seconds before each answer.
        failing: the share of calls, from 0 to 1, that get a 502.
        units: calls, or Salesloft's cost units, that a vendor gives in a minute; None for as many as its options say.
    """

    down: frozenset[str] = frozenset()
    latency: float = 0.0
    failing: float = 0.0
    units: int | None = None

    def options(self) -> Mapping[str, Any]:
        """The options of a vendor that they change."""
        changed = {"latency": self.latency or None, "rate_limit": self.units}
        return {name: value for name, value in changed.items() if value is not None}

    def apply(self, faults: Faults, random: Random) -> None:
        """Let the share of a vendor's calls fail."""
        if self.failing:
            faults.add(BAD_GATEWAY, share=self.failing, random=random)
