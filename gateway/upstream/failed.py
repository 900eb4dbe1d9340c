"""Single records that could not be had a moment ago, so that not every query asks for them again."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable

from gateway.errors import UpstreamError
from gateway.upstream.retry import Failure
from gateway.upstream.trouble import OF_THE_HOST

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

    def note(self, key: Hashable, failure: Failure, now: float) -> None:
        """Learns how a call for a record failed; nothing, where that says nothing of the record."""
        if failure.trouble is None or failure.trouble in OF_THE_HOST or failure.unauthorized:
            return
        self._known[key] = (now + (TRANSIENT if failure.transient else LASTING), failure.error)
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
