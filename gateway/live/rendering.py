"""What is sent of events: made once for all subscribers whose operations differ at most in the filter."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from cachetools import LRUCache

from gateway.live.follower import Event

T = TypeVar("T")

MOST_RENDERINGS = 256
"""Events whose renderings one operation caches."""


class Rendering(Generic[T]):
    """What is sent of one event.

    Args:
        work: Makes it.

    Attributes:
        charged: Whether a subscriber has paid for it.
    """

    __slots__ = ("_framed", "_task", "charged")

    def __init__(self, work: Awaitable[T]) -> None:
        self.charged = False
        self._task = asyncio.ensure_future(work)
        self._framed: dict[str, bytes] = {}

    @property
    def done(self) -> bool:
        """Whether it is made."""
        return self._task.done()

    def call_when_done(self, wake: Callable[[], object]) -> None:
        """Calls back once it is made, at once where it is."""
        if self._task.done():
            wake()
        else:
            self._task.add_done_callback(lambda _: wake())

    def result(self) -> T:
        """It, once it is made."""
        return self._task.result()

    def framed(self, transport: str, frame: Callable[[T], bytes]) -> bytes:
        """Its bytes as a transport sends them, made once for each."""
        data = self._framed.get(transport)
        if data is None:
            data = self._framed[transport] = frame(self._task.result())
        return data


class Renderer(Generic[T]):
    """Renders the events of one operation.

    Args:
        render: Makes what is sent of an event.
    """

    def __init__(self, render: Callable[[Event], Awaitable[T]]) -> None:
        self._render = render
        self._renderings: LRUCache[tuple[object, ...], Rendering[T]] = LRUCache(MOST_RENDERINGS)

    def of(self, event: Event) -> Rendering[T]:
        """The rendering of an event, which is begun where it was not yet."""
        key = event.key
        rendering = self._renderings.get(key)
        if rendering is None:
            rendering = self._renderings[key] = Rendering(self._render(event))
        return rendering
