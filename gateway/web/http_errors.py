"""Error responses: a status, and errors in GraphQL's form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
from starlette.responses import Response

from gateway.errors import BadUserInput, GatewayError
from gateway.web.negotiation import MediaType, answer_type

STATUS: Mapping[str, int] = {
    "UNAUTHENTICATED": 401,
    "FORBIDDEN": 403,
    "RATE_LIMITED": 429,
    "INTERNAL_SERVER_ERROR": 500,
    "DEADLINE_EXCEEDED": 504,
}
"""The statuses of responses without data, by error code; that of other codes is 400."""


BAD_REQUEST = 400
NO_STORE = "no-store"


class HTTPError(Exception):
    """A request that is refused before its operation is read.

    Beside 400, a status says all that a code could: an error that is only one of HTTP's has none.

    Args:
        status: The HTTP status, 4xx.
        problem: What is wrong: one sentence for the client, or an error that has a code of its own.
        headers: Headers that the status calls for.
    """

    def __init__(self, status: int, problem: str | GatewayError, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(str(problem))
        self.status = status
        self.headers = dict(headers or {})
        self.error: Mapping[str, object] = (
            {"message": problem.message, "extensions": problem.extensions()}
            if isinstance(problem, GatewayError)
            else {"message": problem, "extensions": {"code": BadUserInput.code}}
            if status == BAD_REQUEST
            else {"message": problem}
        )


class RequestError(msgspec.Struct, frozen=True):
    """The errors of a request whose operation was not executed.

    Attributes:
        errors: In GraphQL's response form.
        status: What they call for.
    """

    errors: Sequence[Mapping[str, object]]
    status: int

    @classmethod
    def of(cls, error: GatewayError) -> RequestError:
        """One error of our own."""
        extensions = error.extensions()
        return cls([{"message": error.message, "extensions": extensions}], status_of([{"extensions": extensions}]))


def status_of(errors: Sequence[Mapping[str, object]]) -> int:
    """The status of a response with these errors and no data."""
    for error in errors:
        extensions = error.get("extensions")
        code = extensions.get("code") if isinstance(extensions, dict) else None
        if isinstance(code, str) and code in STATUS:
            return STATUS[code]
    return 400


def error_response(problem: HTTPError, accept: str | None) -> Response:
    """An error response in GraphQL's form, as JSON even where the client does not accept it."""
    return _response([problem.error], problem.status, accept, problem.headers)


def internal_error_response(error: Mapping[str, object], accept: str | None) -> Response:
    """The response to an internal error, which is already formatted and masked."""
    return _response([error], status_of([error]), accept, {})


def _response(
    errors: Sequence[Mapping[str, object]], status: int, accept: str | None, headers: Mapping[str, str]
) -> Response:
    kind = answer_type(accept) or MediaType.JSON
    body = msgspec.json.encode({"errors": errors})
    return Response(body, status, {"Cache-Control": NO_STORE, **headers}, media_type=f"{kind.value}; charset=utf-8")
