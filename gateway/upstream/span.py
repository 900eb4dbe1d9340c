"""What upstream calls tell a trace: a seam, behind which nothing is where nobody traces."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol


class Span(Protocol):
    """A piece of work that is traced: a client's request, a batch, a call."""

    def batch(self, endpoint: str) -> Span:
        """Begins a child that gathers keys for one call of an endpoint, for several requests maybe."""
        ...

    def call(self, source: str, endpoint: str, host: str | None, port: int | None) -> Span:
        """Begins a child that is one HTTP call; what else a URL holds is nobody's business."""
        ...

    def headers(self) -> Mapping[str, str]:
        """What a call sends along, so that who is called can go on with the trace; often nothing."""
        ...

    def joined(self, other: Span) -> None:
        """Notes that this work is done for another request too."""
        ...

    def end(self, *, error: str | None = None, **facts: str | int) -> None:
        """Ends it.

        Args:
            error: The code of what went wrong; None where nothing did.
            facts: What is known by now: `keys` of a batch, `status` and `cost` of a call.
        """
        ...
