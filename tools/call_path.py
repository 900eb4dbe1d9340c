"""Traces which files of `gateway/` the simplest query enters between the catalog and the first byte on the wire.

The query runs cold over the emulated Salesloft, in this process. From the moment that it asks the catalog for a page
until a request is written to a socket, every function of the package that is called counts with its file.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from inspect import CO_COROUTINE
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from gateway.catalog.catalog import Catalog
from gateway.catalog.meetings import Meetings
from gateway.emulator.server import Emulators
from gateway.graph.documents import Prepared
from gateway.graph.engine import Engine
from gateway.request import Request
from gateway.runtime.upstreams import opened
from gateway.settings.settings import Settings
from gateway.upstream.clock import SystemClock

PACKAGE = Path(__file__).resolve().parent.parent / "gateway"
QUERY = "{ meetings(first: 25) { nodes { id } } }"
DEADLINE = 60.0
ENTRANCE = Meetings.page.__code__
SENDS = {"send", "sendmsg"}


class CallPath:
    """A profiler (see `sys.setprofile`) of the functions that are called from the entrance to the first byte sent.

    A coroutine that goes on counts as a call too, so that those which wait for the page are left out.

    Attributes:
        entered: Their code.
    """

    def __init__(self) -> None:
        self.entered: set[CodeType] = set()
        self._started = False
        self._waiting: set[CodeType] = set()

    def __call__(self, frame: FrameType, event: str, arg: Any) -> None:
        """Takes one event."""
        if event == "call":
            self._started = self._started or frame.f_code is ENTRANCE
            if not self._started:
                self._waiting.add(frame.f_code)
            elif frame.f_code not in self._waiting or not frame.f_code.co_flags & CO_COROUTINE:
                self.entered.add(frame.f_code)
        elif event == "c_call" and self._started and arg.__name__ in SENDS and isinstance(arg.__self__, socket.socket):
            sys.setprofile(None)

    @property
    def files(self) -> list[str]:
        """The files of the package that were entered, but for the emulator's."""
        paths = {Path(code.co_filename) for code in self.entered if code.co_name != "<module>"}
        inside = {path.relative_to(PACKAGE) for path in paths if path.is_relative_to(PACKAGE)}
        return sorted(str(path) for path in inside if path.parts[0] != "emulator")


async def _traced() -> CallPath:
    path = CallPath()
    clock = SystemClock()
    async with Emulators.start() as emulators:
        salesloft = emulators.salesloft
        settings = Settings.read({"SALESLOFT_URL": salesloft.url, "SALESLOFT_TOKEN": salesloft.token})
        async with opened(settings, clock, workers=1) as upstreams:
            engine = Engine(Catalog(upstreams.ports(), clock))
            prepared = engine.prepare(QUERY)
            assert isinstance(prepared, Prepared)
            request = Request(clock.monotonic() + DEADLINE)
            sys.setprofile(path)
            try:
                result = await engine.execute(prepared, variables=None, operation_name=None, request=request)
            finally:
                sys.setprofile(None)
    if result.errors or not path.entered:
        msg = f"the query was not answered as expected: {result.errors}"
        raise RuntimeError(msg)
    return path


def files_entered() -> list[str]:
    """The files that the query enters."""
    return asyncio.run(_traced()).files
