"""What can be wrong with an upstream, in words of our own: for logs, metrics, `/readyz` and `check`."""

from __future__ import annotations

import enum

import msgspec


class Trouble(enum.Enum):
    """Why a call has no answer that can be used."""

    REFUSED = "refused"
    """It does not accept the credential: 401, 403, or a token that cannot be had with the client."""
    GONE = "gone"
    """It is not there any more: 404 for a list, 410, a redirect."""
    REJECTED = "rejected"
    """It does not accept the call: 400, 422 and other 4xx."""
    SERVER_ERROR = "server_error"
    """It failed: 5xx."""
    NOT_JSON = "not_json"
    """It answered with something else: a web page, nothing at all."""
    MALFORMED = "malformed"
    """It answered with JSON that is not what was asked for."""
    TOO_LARGE = "too_large"
    """Its answer is larger than the gateway reads."""
    TRUNCATED = "truncated"
    """Its answer broke off."""
    TIMEOUT = "timeout"
    """It took too long, to connect or to answer."""
    DNS = "dns"
    """Its host name cannot be resolved."""
    CONNECTION_REFUSED = "connection_refused"
    """Nobody listens at its address."""
    NO_ROUTE = "no_route"
    """Its address cannot be reached for another reason."""
    TLS = "tls"
    """No secure connection: a certificate that is not valid, or no TLS at all."""
    RESET = "reset"
    """The connection was closed instead of an answer."""
    PROTOCOL = "protocol"
    """It does not speak HTTP, or not as agreed."""


UNREACHABLE = frozenset({Trouble.DNS, Trouble.CONNECTION_REFUSED, Trouble.NO_ROUTE, Trouble.TLS, Trouble.TIMEOUT})
"""There was nobody to talk to, as far as can be told."""

OF_THE_HOST = frozenset({Trouble.DNS, Trouble.CONNECTION_REFUSED, Trouble.NO_ROUTE, Trouble.TLS})
"""Whatever had been asked, this would have come of it."""

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
