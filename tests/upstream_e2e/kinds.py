"""Every kind of wrong answer, and what is made of it: the table that `test_troubles.py` goes through."""

from __future__ import annotations

import gzip
from dataclasses import dataclass

from gateway.emulator.faults import (
    BAD_GATEWAY,
    Empty,
    Fault,
    Hang,
    Huge,
    MalformedJson,
    Reset,
    SlowBody,
    Status,
    Truncated,
)
from tests.upstream_e2e.faults import Break, answering, refuse, unname

SECRET = "the vendor's own words"
"""What a vendor says in its wrong answers, and no client sees."""

PAGE = f"<html><head><title>Moved</title></head><body>{SECRET}</body></html>".encode()
JSON = f'{{"error": {{"type": "not_found", "message": "{SECRET}"}}}}'.encode()
CUT_OFF = gzip.compress(b'{"data": [' + b'{"id": 1, "title": "x"},' * 200)[:-40]

UNAVAILABLE, TIMEOUT = "UPSTREAM_UNAVAILABLE", "UPSTREAM_TIMEOUT"
REFUSED, MALFORMED = "UPSTREAM_REFUSED", "UPSTREAM_MALFORMED"


@dataclass(frozen=True)
class Kind:
    """One way for a source not to answer.

    Attributes:
        name: What it is called here.
        begin: Lets it begin.
        code: What answers and reports call it.
        trouble: What the log, `/readyz`, metrics and `check` call it.
        status: The HTTP status that it comes with; None where there is none.
        lasting: Whether another try is not likely to mend it, so that three calls are enough.
        scheme: What the source's URL begins with.
    """

    name: str
    begin: Break
    code: str
    trouble: str
    status: int | None = None
    lasting: bool = True
    scheme: str = "http"

    @property
    def state(self) -> str:
        """The state that the source is in."""
        return "REFUSED" if self.trouble == "refused" else "UNAVAILABLE"

    @property
    def left_alone(self) -> str:
        """What it is called while it is left alone."""
        return self.code if self.trouble == "refused" else UNAVAILABLE

    @property
    def alert(self) -> str:
        """Which alert that is."""
        return "SourceRefused" if self.trouble == "refused" else "SourceUnavailable"


def _kind(name: str, fault: Fault, code: str, trouble: str, status: int | None = None, *, lasting: bool = True) -> Kind:
    return Kind(name, answering(fault), code, trouble, status, lasting)


async def nothing(*_: object) -> None:
    """It is so from the start."""


KINDS = [
    _kind("404", Status(404, JSON), UNAVAILABLE, "gone", 404),
    _kind("404 web page", Status(404, PAGE), UNAVAILABLE, "gone", 404),
    _kind("410", Status(410, JSON), UNAVAILABLE, "gone", 410),
    _kind("301 elsewhere", Status(301, PAGE, {"Location": "https://elsewhere.example/"}), UNAVAILABLE, "gone", 301),
    _kind("302 sign-in", Status(302, PAGE, {"Location": "/login"}), UNAVAILABLE, "gone", 302),
    _kind("308", Status(308, b"", {"Location": "/v3/"}), UNAVAILABLE, "gone", 308),
    _kind("200 web page", Status(200, PAGE), MALFORMED, "not_json", 200),
    _kind("200 text", Status(200, SECRET.encode()), MALFORMED, "not_json", 200),
    _kind("200 empty", Empty(), MALFORMED, "not_json", 200),
    _kind("202 empty", Empty(202), MALFORMED, "not_json", 202),
    _kind("204", Empty(204), MALFORMED, "not_json", 204),
    _kind("{}", Status(200, b"{}"), MALFORMED, "malformed", 200),
    _kind("null", Status(200, b"null"), MALFORMED, "malformed", 200),
    _kind("[]", Status(200, b"[]"), MALFORMED, "malformed", 200),
    _kind("data null", Status(200, b'{"data": null}'), MALFORMED, "malformed", 200),
    _kind("data text", Status(200, b'{"data": "none"}'), MALFORMED, "malformed", 200),
    _kind("other rows", Status(200, b'{"data": [{"a": 1}, {"a": 2}, {"a": 3}]}'), MALFORMED, "malformed", 200),
    _kind("numbers for rows", Status(200, b'{"data": [1, 2, 3, 4]}'), MALFORMED, "malformed", 200),
    _kind("200 error", Status(200, JSON), MALFORMED, "malformed", 200),
    _kind("bad json", MalformedJson(), MALFORMED, "truncated", 200),
    _kind("400", Status(400, JSON), UNAVAILABLE, "rejected", 400),
    _kind("402", Status(402, JSON), UNAVAILABLE, "rejected", 402),
    _kind("422", Status(422, JSON), UNAVAILABLE, "rejected", 422),
    _kind("451", Status(451, JSON), UNAVAILABLE, "rejected", 451),
    _kind("401", Status(401, JSON), REFUSED, "refused", 401),
    _kind("403", Status(403, JSON), REFUSED, "refused", 403),
    _kind("403 web page", Status(403, PAGE), REFUSED, "refused", 403),
    _kind("huge", Huge(), MALFORMED, "too_large", lasting=False),  # less is asked for first
    _kind("408", Status(408, PAGE), TIMEOUT, "timeout", 408, lasting=False),
    _kind("500", Status(500, JSON), UNAVAILABLE, "server_error", 500, lasting=False),
    _kind("502 web page", BAD_GATEWAY, UNAVAILABLE, "server_error", 502, lasting=False),
    _kind("503", Status(503, PAGE, {"Retry-After": "120"}), UNAVAILABLE, "server_error", 503, lasting=False),
    _kind("599", Status(599, PAGE), UNAVAILABLE, "server_error", 599, lasting=False),
    _kind("reset", Reset(), UNAVAILABLE, "reset", lasting=False),
    _kind("truncated", Truncated(), MALFORMED, "truncated", lasting=False),
    _kind("cut-off gzip", Status(200, CUT_OFF, {"Content-Encoding": "gzip"}), MALFORMED, "truncated", 200),
    _kind("rubbish as gzip", Status(200, PAGE, {"Content-Encoding": "gzip"}), MALFORMED, "truncated", lasting=False),
    _kind("hang", Hang(), TIMEOUT, "timeout", lasting=False),
    _kind("slow body", SlowBody(pause=60), TIMEOUT, "timeout", lasting=False),
    Kind("connection refused", refuse, UNAVAILABLE, "connection_refused", lasting=False),
    Kind("dns", unname, UNAVAILABLE, "dns", lasting=False),
    Kind("tls", nothing, UNAVAILABLE, "tls", scheme="https"),
]
