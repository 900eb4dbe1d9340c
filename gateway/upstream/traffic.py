"""Who is about to ask an upstream for more: requests that wait for calls, or for batches that others make."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator

from gateway.upstream.request import Flow, Priority, Request


class Group:
    """The requests that wait for one batch.

    Attributes:
        flows: Who they are; only those that a person waits for.
        open: Whether more may join, so that no call is made yet.
    """

    def __init__(self) -> None:
        self.flows: set[Flow] = set()
        self.open = True

    def join(self, request: Request) -> None:
        """Waits too."""
        if request.priority is Priority.INTERACTIVE:
            self.flows.add(request.flow)


class Traffic:
    """What is under way at one upstream."""

    def __init__(self) -> None:
        self._calls: Counter[Flow] = Counter()
        self._groups: dict[Group, None] = {}

    @contextlib.contextmanager
    def call(self, request: Request) -> Iterator[None]:
        """Counts a request as waiting for a call within the block, where a person waits for it."""
        if request.priority is not Priority.INTERACTIVE:
            yield
            return
        self._calls[request.flow] += 1
        try:
            yield
        finally:
            self._calls[request.flow] -= 1
            if not self._calls[request.flow]:
                del self._calls[request.flow]

    @contextlib.contextmanager
    def group(self, group: Group) -> Iterator[None]:
        """Counts a batch's requests as waiting for it within the block."""
        self._groups[group] = None
        try:
            yield
        finally:
            del self._groups[group]

    def busy(self, group: Group | None = None) -> set[Flow]:
        """The requests that wait for anything.

        Args:
            group: Seen from an open batch: without its own requests, and without those of open batches that were
                opened later, so that no two batches wait for each other.
        """
        flows = set(self._calls)
        earlier = True
        for other in self._groups:
            earlier = earlier and other is not group
            if other is not group and (earlier or not other.open):
                flows |= other.flows
        return flows if group is None else flows - group.flows
