"""The settings of a gateway over two of the emulated sources, whose calls and figures a test asserts."""

from __future__ import annotations

from gateway.commands import demo
from gateway.emulator.server import Emulators


def variables(emulators: Emulators) -> dict[str, str]:
    """Salesloft and Drift."""
    return demo.variables(emulators, ("salesloft", "drift"))
