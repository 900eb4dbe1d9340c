"""Reads the log once for all feeds of a process."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable
from typing import Protocol

from gateway.errors import GatewayError
from gateway.live.follower import Follower
from gateway.live.log import ChangeLog, Cursor
from gateway.live.states import States

TURN = 100
"""Feeds that are served before others of the event loop have a turn."""


class DispatchedFeed(Protocol):
    """What is notified that the log has gone on."""

    follower: Follower

    def advance(self) -> None:
        """Finds its events of what the log has got."""
        ...

    def fail(self, failure: BaseException) -> None:
        """Ends it for all subscribers."""
        ...


class Dispatcher:
    """Waits for the log, loads the meetings that have changed, and has each feed look whether they match its filter.

    Args:
        log: The log.
        states: The states of meetings.
    """

    def __init__(self, log: ChangeLog, states: States) -> None:
        self._log = log
        self._states = states
        self._feeds: dict[DispatchedFeed, None] = {}
        self._task: asyncio.Task[None] | None = None

    def add(self, feed: DispatchedFeed) -> None:
        """Serves a feed from now on."""
        self._feeds[feed] = None
        if self._task is None or self._task.done():
            self._task = asyncio.ensure_future(self._run(self._log.end()))
        if feed.follower.more or feed.follower.lost:  # the log has gone on since the feed was made
            feed.advance()

    async def remove(self, feed: DispatchedFeed) -> None:
        """Serves it no more; without any feed nothing is read."""
        self._feeds.pop(feed, None)
        if not self._feeds and self._task is not None:
            task, self._task = self._task, None
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _run(self, here: Cursor) -> None:
        try:
            await self._follow(here)
        except Exception as failure:  # noqa: BLE001 - whatever it was, subscribers are not left in silence
            for feed in list(self._feeds):
                feed.fail(failure)

    async def _follow(self, here: Cursor) -> None:
        while True:
            await self._log.moved(here)
            here = self._log.end()
            feeds = list(self._feeds)
            await self._load(feeds)
            for number, feed in enumerate(feeds, 1):
                if feed in self._feeds:
                    feed.advance()
                if number % TURN == 0:
                    await asyncio.sleep(0)

    async def _load(self, feeds: Iterable[DispatchedFeed]) -> None:
        """Loads what the feeds need, together; where that fails, each tries by itself."""
        followers = {feed.follower.reads: feed.follower for feed in feeds}
        places = {place: None for follower in followers.values() for place in follower.places()}
        with contextlib.suppress(GatewayError):
            await self._states.load(list(places))
