"""Which other origins' pages may call: those on the list, with credentials in headers, never in cookies (CORS).

The origin is what is checked. Headers are not: a page may send whichever its preflight names, since none of them lets
it do anything that its origin may not.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response

from gateway.web.csrf import listed
from gateway.web.problem import HTTPProblem

METHODS = ("GET", "HEAD", "POST")
EXPOSED_HEADERS = "ETag, Retry-After, WWW-Authenticate, X-Request-Id"
REMEMBERED = "3600"
"""Seconds for which a browser need not ask again."""

HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
ASKED = "Access-Control-Request-Method"
ASKED_HEADERS = "Access-Control-Request-Headers"
ASKED_NETWORK = "Access-Control-Request-Private-Network"
VARY = f"{ASKED}, {ASKED_HEADERS}, {ASKED_NETWORK}"
"""What a preflight's answer depends on beside the origin."""


@dataclass(frozen=True, slots=True)
class CrossOrigin:
    """What other origins' pages may do.

    Args:
        origins: The origins allowed, in lower case; with none, no header is added and no preflight answered.
    """

    origins: frozenset[str] = frozenset()

    def allows(self, origin: str | None) -> bool:
        """Whether pages of an origin may call."""
        return origin is not None and listed(origin, self.origins)

    def preflight(self, method: str, headers: Headers) -> Response | None:
        """What a browser is told that asks first; None where the request is no preflight.

        Raises:
            HTTPProblem: 400, naming what is refused.
        """
        origin = headers.get("origin")
        if not self.origins or method != "OPTIONS" or origin is None or ASKED not in headers:
            return None
        if not self.allows(origin):
            raise HTTPProblem(400, f'Pages of "{origin[:100]}" may not call: GATEWAY_CORS_ORIGINS does not list it.')
        wanted = headers[ASKED]
        if wanted not in METHODS:
            raise HTTPProblem(400, f'The method "{wanted[:20]}" may not be used: GET, HEAD and POST may.')
        names = [name.strip() for name in headers.get(ASKED_HEADERS, "").split(",") if name.strip()]
        for name in names:
            if not HEADER_NAME.fullmatch(name):
                raise HTTPProblem(400, f'"{name[:60]}" is not the name of a header.')
        answer = {"Access-Control-Allow-Methods": ", ".join(METHODS), "Access-Control-Max-Age": REMEMBERED}
        if names:
            answer["Access-Control-Allow-Headers"] = ", ".join(names)
        if headers.get(ASKED_NETWORK) == "true":
            answer["Access-Control-Allow-Private-Network"] = "true"
        return Response(b"", 200, {**answer, "Vary": VARY})

    def complete(self, answer: MutableHeaders, origin: str | None) -> None:
        """Lets an allowed origin's page read an answer, whatever its status."""
        if not self.origins:
            return
        answer.add_vary_header("Origin")
        if origin is not None and self.allows(origin):
            answer["Access-Control-Allow-Origin"] = origin
            answer["Access-Control-Expose-Headers"] = EXPOSED_HEADERS
