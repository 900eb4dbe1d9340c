"""What a request gets that cannot be answered: a status, and errors in GraphQL's form."""

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
"""The statuses of answers without data; every other code's is 400."""


BAD_REQUEST = 400
NO_STORE = "no-store"


class HTTPError(Exception):
    """A request that is refused before its operation is looked at.

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
    """Errors of a request that did not come to be executed.

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
    """The status of an answer that has these errors and no data."""
    for error in errors:
        extensions = error.get("extensions")
        code = extensions.get("code") if isinstance(extensions, dict) else None
        if isinstance(code, str) and code in STATUS:
            return STATUS[code]
    return 400


def error_response(problem: HTTPError, accept: str | None) -> Response:
    """An answer in GraphQL's form to what may be no GraphQL at all; JSON also where the client takes none."""
    return _response([problem.error], problem.status, accept, problem.headers)


def internal_error_response(error: Mapping[str, object], accept: str | None) -> Response:
    """An answer to what went wrong here; the error is already formatted, and says nothing."""
    return _response([error], status_of([error]), accept, {})


def _response(
    errors: Sequence[Mapping[str, object]], status: int, accept: str | None, headers: Mapping[str, str]
) -> Response:
    kind = answer_type(accept) or MediaType.JSON
    body = msgspec.json.encode({"errors": errors})
    return Response(body, status, {"Cache-Control": NO_STORE, **headers}, media_type=f"{kind.value}; charset=utf-8")
