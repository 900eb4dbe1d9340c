"""Single records that could not be had a moment ago, so that not every query asks for them again."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable

from gateway.errors import UpstreamError

LASTING = 60.0
"""Seconds for which a record is not asked for again where another try is not likely to mend it."""

TRANSIENT = 30.0
"""Seconds where it is."""

MOST = 10_000
"""Records that are remembered; those that failed last stay."""


class FailedRecords:
    """What went wrong with records, by how they were asked for. Pure: times come in."""

    def __init__(self) -> None:
        self._known: OrderedDict[Hashable, tuple[float, UpstreamError]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known)

    def note(self, key: Hashable, error: UpstreamError, *, until: float) -> None:
        """Learns why a record could not be had, and until when it is not to be asked for again."""
        self._known[key] = until, error
        self._known.move_to_end(key)
        if len(self._known) > MOST:
            self._known.popitem(last=False)

    def error(self, key: Hashable, now: float) -> UpstreamError | None:
        """Why a record is not to be asked for now; None where it may be."""
        known = self._known.get(key)
        if known is None:
            return None
        until, error = known
        if now < until:
            return type(error)(error.message, source=error.source)  # one that was raised holds on to where it was
        del self._known[key]
        return None

    def sweep(self, now: float) -> None:
        """Forgets what is over: what records are asked for by may be somebody's address."""
        for key in [key for key, (until, _) in self._known.items() if until <= now]:
            del self._known[key]
