"""The error tree. Each leaf has one stable code, which is what clients program against.

    GatewayError
    ├── BadUserInput                BAD_USER_INPUT              argument
    ├── OperationTooCostly          OPERATION_TOO_COSTLY        measured, allowed
    ├── RateLimited                 RATE_LIMITED                retry_after
    ├── Unauthenticated             UNAUTHENTICATED
    ├── Forbidden                   FORBIDDEN                   argument
    ├── PersistedQueryNotFound      PERSISTED_QUERY_NOT_FOUND
    ├── LimitReached
    │   ├── DeadlineExceeded        DEADLINE_EXCEEDED
    │   └── CostLimitReached        OPERATION_TOO_COSTLY        allowed
    └── UpstreamError                                           source, retry_after
        ├── UpstreamRateLimited     UPSTREAM_RATE_LIMITED
        ├── UpstreamTimeout         UPSTREAM_TIMEOUT
        ├── UpstreamUnavailable     UPSTREAM_UNAVAILABLE
        │   └── UpstreamRejected    UPSTREAM_UNAVAILABLE
        ├── UpstreamRefused         UPSTREAM_REFUSED
        └── UpstreamMalformed       UPSTREAM_MALFORMED
            ├── UpstreamTooLarge    UPSTREAM_MALFORMED
            └── UpstreamTooMany     UPSTREAM_MALFORMED

A message is written for the client and holds nothing that an upstream said: no body, URL or token.
Whatever is not a GatewayError is a fault of ours and reaches nobody but the log (INTERNAL_SERVER_ERROR).
"""

from __future__ import annotations

from typing import ClassVar, Literal, TypeAlias


class GatewayError(Exception):
    """An error that clients may see.

    Args:
        message: One sentence for the client.
    """

    code: ClassVar[str]

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    def extensions(self) -> dict[str, object]:
        """What `errors[].extensions` holds: the code, and what the leaf adds to it."""
        return {"code": self.code}


class BadUserInput(GatewayError):
    """An invalid argument; raised before any upstream call.

    Args:
        message: What was wrong with it and what would be right.
        argument: Its dotted path, for example `filter.startTime.gte`.
    """

    code = "BAD_USER_INPUT"

    def __init__(self, message: str, *, argument: str) -> None:
        super().__init__(message)
        self.argument = argument

    def extensions(self) -> dict[str, object]:
        """What `errors[].extensions` holds: the code and the argument."""
        return {"code": self.code, "argument": self.argument}


class OperationTooCostly(GatewayError):
    """The operation is over a limit.

    Args:
        message: One sentence for the client that names both figures.
        measured: What was measured; at least that, where measuring stopped there. None where it was not counted.
        allowed: The most that is allowed.
    """

    code = "OPERATION_TOO_COSTLY"

    def __init__(self, message: str, *, measured: int | None = None, allowed: int | None = None) -> None:
        super().__init__(message)
        self.measured = measured
        self.allowed = allowed

    def extensions(self) -> dict[str, object]:
        """What `errors[].extensions` holds: the code and both figures."""
        figures = {"measured": self.measured, "allowed": self.allowed}
        return {"code": self.code, **{name: figure for name, figure in figures.items() if figure is not None}}


class RateLimited(GatewayError):
    """This client has used up its own rate.

    Args:
        message: One sentence for the client.
        retry_after: Seconds until it is worth asking again.
    """

    code = "RATE_LIMITED"

    def __init__(self, message: str, *, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after

    def extensions(self) -> dict[str, object]:
        """What `errors[].extensions` holds: the code and the seconds."""
        return {"code": self.code, "retryAfter": round(self.retry_after, 3)}


RefusalReason: TypeAlias = Literal[
    "missing",
    "several",
    "scheme",
    "unknown",
    "malformed",
    "algorithm",
    "key",
    "signature",
    "claims",
    "expired",
    "early",
    "issuer",
    "audience",
    "unavailable",
]
"""Why a credential is refused: none, more than one, not as a bearer token; a key that is not listed; of a JWT, what is
wrong with it, or that its issuer's keys cannot be had."""


class Unauthenticated(GatewayError):
    """No credential, or one that is not accepted.

    Args:
        message: One sentence for the client, which does not help it to guess.
        reason: Why, for the gateway's own log and metrics.
    """

    code = "UNAUTHENTICATED"

    def __init__(self, message: str, *, reason: RefusalReason) -> None:
        super().__init__(message)
        self.reason: RefusalReason = reason


class Forbidden(GatewayError):
    """The credential lacks a scope.

    Args:
        message: One sentence for the client, which names the scope.
        argument: The dotted path of the argument that needs it; None where a field does.
    """

    code = "FORBIDDEN"

    def __init__(self, message: str, *, argument: str | None = None) -> None:
        super().__init__(message)
        self.argument = argument

    def extensions(self) -> dict[str, object]:
        """What `errors[].extensions` holds: the code and, where an argument needs the scope, the argument."""
        return {"code": self.code} if self.argument is None else {"code": self.code, "argument": self.argument}


class LiveUpdatesOff(GatewayError):
    """Changes are asked for where live updates are off (`GATEWAY_LIVE`)."""

    code = "GRAPHQL_VALIDATION_FAILED"

    def __init__(self, message: str = "Live updates are switched off here.") -> None:
        super().__init__(message)


class PersistedQueryNotFound(GatewayError):
    """A hash that no document is known for."""

    code = "PERSISTED_QUERY_NOT_FOUND"


class LimitReached(GatewayError):
    """The operation reached a limit of its own while it ran; it asks for nothing more."""


class DeadlineExceeded(LimitReached):
    """The operation's own time is up (`GATEWAY_DEADLINE`)."""

    code = "DEADLINE_EXCEEDED"


class CostLimitReached(LimitReached, OperationTooCostly):
    """The operation has spent the upstream units that it may spend (`GATEWAY_MAX_COST`).

    Args:
        allowed: How many those are.
    """

    def __init__(self, allowed: int) -> None:
        OperationTooCostly.__init__(
            self,
            f"The operation stopped after {allowed} upstream units, the most that one may spend; "
            "what was read until then is in the answer.",
            allowed=allowed,
        )


class UpstreamError(GatewayError):
    """A source did not answer as asked.

    Args:
        message: One sentence for the client, in our own words.
        source: The source's name, as in the enum `Source`.
        retry_after: Seconds until it is worth asking again, where known.
    """

    def __init__(self, message: str, *, source: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.source = source
        self.retry_after = retry_after

    def extensions(self) -> dict[str, object]:
        """What `errors[].extensions` holds: the code, the source and, where known, the seconds."""
        known = {} if self.retry_after is None else {"retryAfter": round(self.retry_after, 3)}
        return {"code": self.code, "source": self.source, **known}


class UpstreamRateLimited(UpstreamError):
    """The source's limit, or our own budget for it, is used up."""

    code = "UPSTREAM_RATE_LIMITED"


class UpstreamTimeout(UpstreamError):
    """The source took longer than its timeout."""

    code = "UPSTREAM_TIMEOUT"


class UpstreamUnavailable(UpstreamError):
    """The source cannot be reached, or answers with a server error."""

    code = "UPSTREAM_UNAVAILABLE"


class UpstreamRejected(UpstreamUnavailable):
    """The source does not accept the call; one that asks for less, or for something else, may be."""


class UpstreamRefused(UpstreamError):
    """The source does not accept the gateway's credential."""

    code = "UPSTREAM_REFUSED"


class UpstreamMalformed(UpstreamError):
    """The source's answer, or a field of it, cannot be read."""

    code = "UPSTREAM_MALFORMED"


class UpstreamTooLarge(UpstreamMalformed):
    """The source's answer has more bytes than are read; asking for fewer rows may do."""


class UpstreamTooMany(UpstreamMalformed):
    """The source's answer has more rows than are read; asking for a part of the list may do."""


LoadError: TypeAlias = UpstreamError | LimitReached
"""Why a record could not be loaded, kept in its place."""
