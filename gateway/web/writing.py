"""An answer as it goes out: its status, its media type, its coding, and for how long it may be kept."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import msgspec
from starlette.datastructures import Headers
from starlette.responses import Response

from gateway.graph.engine import Answer
from gateway.web.compression import compressed
from gateway.web.negotiation import MediaType
from gateway.web.problem import BAD_REQUEST, NO_STORE, Refusal, status_of

VARY = (
    "Accept, Accept-Encoding, Authorization, X-API-Key, Router-Authorization, X-Gateway-Trace, X-Gateway-Cost, "
    "Apollo-Federation-Include-Trace"
)
"""Every request header that an answer's body depends on."""


def cache_control(max_age: float | None, *, good: bool, private: bool) -> str:
    """For how long an answer may be kept.

    Args:
        max_age: Seconds that the shortest-lived of what it is made of stays fresh; None where it is made of nothing.
        good: Whether it is whole: no errors.
        private: Whether it was made for one client.
    """
    if not good:
        return NO_STORE
    scope = "private" if private else "public"
    seconds = int(max_age or 0)
    return f"{scope}, max-age={seconds}" if seconds > 0 else f"{scope}, no-cache"


def written(
    outcome: Answer | Refusal,
    kind: MediaType,
    headers: Headers,
    *,
    extensions: Mapping[str, object],
    caching: str,
    get: bool,
) -> Response:
    """The HTTP answer.

    Args:
        outcome: What the operation came to.
        kind: What it is written as.
        headers: The request's.
        extensions: What the answer's `extensions` hold; left out where empty.
        caching: Its `Cache-Control`.
        get: Whether it was asked for by GET, so that it may be kept and asked for again.
    """
    answer: dict[str, object] = {}
    status = 200
    if outcome.errors:
        answer["errors"] = outcome.errors
    if isinstance(outcome, Answer) and outcome.started:
        answer["data"] = outcome.data
    else:
        status = status_of(outcome.errors)
        if status == BAD_REQUEST and kind is MediaType.JSON:
            status = 200  # what clients of that age expect (GraphQL over HTTP: "application/json")
    if extensions:
        answer["extensions"] = extensions
        caching = NO_STORE  # they tell how this one answer was made
    body = msgspec.json.encode(answer)
    sent = {"Vary": VARY, "Cache-Control": caching}
    if get and caching != NO_STORE:
        sent["ETag"] = tag = f'W/"{hashlib.blake2b(body, digest_size=16).hexdigest()}"'
        if same(tag, headers.get("if-none-match")):
            return Response(b"", 304, sent)
    body, coding = compressed(body, headers.get("accept-encoding"))
    if coding is not None:
        sent["Content-Encoding"] = coding
    return Response(body, status, sent, media_type=f"{kind.value}; charset=utf-8")


def same(tag: str, if_none_match: str | None) -> bool:
    """Whether a client has this answer already; weak tags are compared without their mark (RFC 9110, 8.8.3.2)."""
    known = [part.strip().removeprefix("W/") for part in (if_none_match or "").split(",")]
    return tag.removeprefix("W/") in known or "*" in known
