"""What is wrong with an upstream's endpoints, in our own words: for logs, metrics, `/readyz` and `check`."""

from __future__ import annotations

import enum
import logging
from collections.abc import Mapping

import msgspec

from gateway.request import Clock


class Trouble(enum.Enum):
    """Why a call has no usable response."""

    REFUSED = "refused"
    """It does not accept the credential: 401, 403, or the token endpoint rejects the client."""
    GONE = "gone"
    """It no longer exists: 404 for a list, 410, a redirect."""
    REJECTED = "rejected"
    """It does not accept the call: 400, 422 and other 4xx."""
    SERVER_ERROR = "server_error"
    """It failed: 5xx."""
    NOT_JSON = "not_json"
    """Its response is something else: a web page, an empty body."""
    MALFORMED = "malformed"
    """Its response is JSON, but not what was requested."""
    TOO_LARGE = "too_large"
    """Its response is larger than the gateway reads."""
    TRUNCATED = "truncated"
    """Its response was cut off."""
    TIMEOUT = "timeout"
    """It took too long to connect or to respond."""
    DNS = "dns"
    """Its host name cannot be resolved."""
    CONNECTION_REFUSED = "connection_refused"
    """Nothing listens at its address."""
    NO_ROUTE = "no_route"
    """Its address cannot be reached for another reason."""
    TLS = "tls"
    """No secure connection: an invalid certificate, or no TLS at all."""
    RESET = "reset"
    """The connection was closed without a response."""
    PROTOCOL = "protocol"
    """Its response is not valid HTTP."""


UNREACHABLE = frozenset({Trouble.DNS, Trouble.CONNECTION_REFUSED, Trouble.NO_ROUTE, Trouble.TLS, Trouble.TIMEOUT})
"""No connection was made, as far as can be known."""

OF_THE_HOST = frozenset({Trouble.DNS, Trouble.CONNECTION_REFUSED, Trouble.NO_ROUTE, Trouble.TLS})
"""Failures that do not depend on what was requested."""

ABSENT = frozenset({404, 410})
"""Statuses for what does not exist: a single record, or a whole API that is gone."""


class Reason(msgspec.Struct, frozen=True):
    """What is wrong with an endpoint.

    Attributes:
        trouble: The kind of it.
        status: The HTTP status that it came with; None where there was none.
    """

    trouble: Trouble
    status: int | None = None

    def __str__(self) -> str:
        return self.trouble.value if self.status is None else f"{self.trouble.value} ({self.status})"


log = logging.getLogger(__name__)

GOOD_FOR = 30.0
"""Seconds after a success in which single failures do not count: an endpoint that fails now and then is not down."""

APART = frozenset({Trouble.REFUSED, Trouble.GONE})
"""Troubles that are logged even where there was another one before."""


class Troubles:
    """What is wrong with each endpoint, by its last calls; logs every change.

    Args:
        source: The upstream's name.
        clock: Measures how long ago an endpoint succeeded.
    """

    def __init__(self, source: str, clock: Clock) -> None:
        self._source = source
        self._clock = clock
        self._now: dict[str, Reason] = {}
        self._answered: dict[str, float] = {}

    @property
    def now(self) -> Mapping[str, Reason]:
        """The endpoints that fail, with the reasons."""
        return self._now

    def answered_within(self, endpoint: str, seconds: float) -> bool:
        """Whether an endpoint has succeeded within so many seconds."""
        when = self._answered.get(endpoint)
        return when is not None and self._clock.monotonic() - when < seconds

    def answered(self, endpoint: str) -> None:
        """Takes a success of an endpoint."""
        self._answered[endpoint] = self._clock.monotonic()
        before = self._now.pop(endpoint, None)
        if before is not None:
            facts = {"source": self._source, "endpoint": endpoint, "trouble": before.trouble.value}
            log.info("an upstream endpoint answers again", extra=facts)

    def failed(self, endpoint: str, reason: Reason, *, sure: bool = False) -> None:
        """Takes a failure of an endpoint.

        Args:
            endpoint: Its name.
            reason: What was wrong.
            sure: Whether it is more than a single failure, so that a recent success does not outweigh it.
        """
        if not sure and self.answered_within(endpoint, GOOD_FOR):
            return
        before = self._now.get(endpoint)
        self._now[endpoint] = reason
        if before is None or (before.trouble is not reason.trouble and {before.trouble, reason.trouble} & APART):
            facts: dict[str, object] = {"source": self._source, "endpoint": endpoint, "trouble": reason.trouble.value}
            if reason.status is not None:
                facts["status"] = reason.status
            log.warning("an upstream endpoint does not answer as it should", extra=facts)
