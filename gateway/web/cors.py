"""Which other origins' pages may call: those on the list, with credentials in headers, never in cookies."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp

from gateway.web.csrf import CREDENTIALS, PREFLIGHTED
from gateway.web.problem import HTTPProblem, problem_response

ALLOWED_HEADERS = ("Content-Type", "X-Gateway-Trace", "X-Gateway-Cost", "X-Request-Id", *CREDENTIALS, *PREFLIGHTED)
EXPOSED_HEADERS = ("ETag", "Retry-After", "WWW-Authenticate", "X-Request-Id")
REMEMBERED = 3600
"""Seconds for which a browser need not ask again."""


class CrossOrigin(CORSMiddleware):
    """Starlette's CORS, its refusals told in JSON like every other.

    Args:
        app: What is called.
        origins: The origins allowed.
    """

    def __init__(self, app: ASGIApp, origins: frozenset[str]) -> None:
        super().__init__(
            app,
            allow_origins=sorted(origins),
            allow_methods=("GET", "POST"),
            allow_headers=ALLOWED_HEADERS,
            expose_headers=EXPOSED_HEADERS,
            max_age=REMEMBERED,
        )

    def preflight_response(self, request_headers: Headers) -> Response:
        """What a browser is told that asks first."""
        response = super().preflight_response(request_headers)
        if response.status_code < 400:  # noqa: PLR2004 - the class of refusals
            return response
        refused = problem_response(HTTPProblem(400, f"{bytes(response.body).decode()}."), None)
        for name, value in response.headers.items():
            if name.startswith("access-control-") or name == "vary":
                refused.headers[name] = value
        return refused
