"""What is known of one upstream before it is called."""

from __future__ import annotations

import msgspec


class Upstream(msgspec.Struct, frozen=True, kw_only=True):
    """One REST API.

    Attributes:
        name: What errors and the ledger call it.
        base_url: Scheme, host and, where there is one, port and path prefix; the only place a token goes to.
        timeout: Seconds for one call as a whole.
        refused_statuses: Answers that mean: not with this credential.
        max_body: Bytes of an answer, decompressed, that are read at most.
        cost_header: Response header with the units that the call took, where there is one.
        remaining_header: Response header with the units left in this window, for everybody, where there is one.
        longest_wait: Seconds that a `Retry-After` is believed for at most: a window of its rate limit, after which
            there are units again whatever an answer said.
        vital: Endpoints without which it is of no use; None: each is. It is degraded while another one is in trouble.
    """

    name: str
    base_url: str
    timeout: float = 10.0
    refused_statuses: frozenset[int] = frozenset({401, 403})
    max_body: int = 32 * 1024 * 1024
    cost_header: str | None = None
    remaining_header: str | None = None
    longest_wait: float = 60.0
    vital: frozenset[str] | None = None

    @property
    def connect_timeout(self) -> float:
        """Seconds for a connection: one that takes a third of a call's time leaves too little for the answer."""
        return self.timeout / 3

    @property
    def stall_timeout(self) -> float:
        """Seconds between two parts of a body once it has begun; an upstream thinks before its answer, not in it."""
        return self.timeout / 3
