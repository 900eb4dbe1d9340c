"""Upstream calls in waves: each is answered only once all that do not wait for an answer were made.

So a query takes as many waves as its longest chain of calls, however fast or busy the machine is.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any
from unittest import mock

from gateway.upstream import attempts
from gateway.upstream.http import exchange

IDLE = 300
"""Turns of the loop without a further call after which all that wait for an answer are answered: more than any chain of
callbacks between an answer and the call that it leads to."""


class Waves:
    """The calls so far.

    Attributes:
        made: Of each wave, how many calls each upstream was sent.
    """

    def __init__(self) -> None:
        self.made: list[Counter[str]] = []
        self._waiting: list[tuple[str, asyncio.Event]] = []
        self._answering = 0

    async def exchange(self, *arguments: Any, **options: Any) -> Any:
        """Makes a call once its wave has come."""
        turn = asyncio.Event()
        self._waiting.append((arguments[1].name, turn))
        await turn.wait()
        self._answering += 1
        try:
            return await exchange(*arguments, **options)
        finally:
            self._answering -= 1

    async def answer(self) -> None:
        """Answers wave after wave, for ever."""
        idle, before = 0, 0
        while True:
            await asyncio.sleep(0)
            idle = 0 if self._answering or len(self._waiting) != before else idle + 1
            before = len(self._waiting)
            if idle > IDLE and self._waiting:
                wave, self._waiting = self._waiting, []
                self.made.append(Counter(name for name, _ in wave))
                for _, turn in wave:
                    turn.set()


@contextlib.asynccontextmanager
async def in_waves() -> AsyncIterator[Waves]:
    """Has every upstream call of what runs meanwhile made in waves."""
    waves = Waves()
    answering = asyncio.ensure_future(waves.answer())
    with mock.patch.object(attempts, "exchange", waves.exchange):
        yield waves
    answering.cancel()
