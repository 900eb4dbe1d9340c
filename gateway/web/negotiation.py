"""Which representation a client wants: its `Accept` headers read, without any I/O."""

from __future__ import annotations

import enum
from collections.abc import Sequence

import msgspec

MAX_RANGES = 64
"""Ranges of one header that are read; browsers send eight."""


class MediaType(enum.Enum):
    """The media types of GraphQL responses (GraphQL over HTTP: "Media Types")."""

    JSON = "application/json"
    RESPONSE = "application/graphql-response+json"
    HTML = "text/html"


JSON_FIRST = (MediaType.JSON, MediaType.RESPONSE)
"""The media types, the default first."""


class Range(msgspec.Struct, frozen=True):
    """One element of an `Accept`-like header: `text/*;q=0.5`."""

    name: str
    weight: float

    def matches(self, name: str) -> bool:
        """Whether it stands for `name`."""
        kind, _, _ = name.partition("/")
        return self.name in {name, "*/*", "*", f"{kind}/*"}


def ranges(header: str) -> list[Range]:
    """The elements of a header, those that cannot be read left out."""
    found = []
    for element in header.split(",")[:MAX_RANGES]:
        name, *parameters = (part.strip().lower() for part in element.split(";"))
        weight = 1.0
        for parameter in parameters:
            if parameter.startswith("q="):
                weight = _weight(parameter[2:])
        if name:
            found.append(Range(name, weight))
    return found


def _weight(text: str) -> float:
    try:
        weight = float(text)
    except ValueError:
        return 0.0
    return weight if 0.0 <= weight <= 1.0 else 0.0


def weight_of(name: str, wanted: Sequence[Range]) -> tuple[float, int]:
    """The weight of `name` and its place in the list, by the most specific range."""
    best = (0, 0.0, 0)
    for place, element in enumerate(wanted):
        if element.matches(name):
            specific = 3 if element.name == name else 2 if not element.name.startswith("*") else 1
            best = max(best, (specific, element.weight, -place))
    return best[1], best[2]


def answer_type(accept: str | None) -> MediaType | None:
    """The response's media type: the heaviest, among equals the first; None where the client accepts neither.

    No header, or `*/*`, is `application/json`, as old clients expect.
    """
    if accept is None or not (wanted := ranges(accept)):
        return MediaType.JSON
    weights = {kind: weight_of(kind.value, wanted) for kind in JSON_FIRST}
    best = max(JSON_FIRST, key=lambda kind: weights[kind])
    return best if weights[best][0] > 0 else None


STREAMS = ("text/event-stream", "multipart/mixed")
SUBSCRIPTION_SPEC = "subscriptionspec"
"""The parameter by which Apollo's protocol is asked for; without it `multipart/mixed` is another one's."""


def stream_type(accept: str | None) -> str | None:
    """What to send a stream in, one of `STREAMS`; None where the client takes neither."""
    wanted = ranges(accept or "")
    apollo = SUBSCRIPTION_SPEC in (accept or "").lower()
    weights = {kind: weight_of(kind, wanted) for kind in STREAMS if kind == STREAMS[0] or apollo}
    best = max(weights, key=lambda kind: weights[kind])
    return best if weights[best][0] > 0 else None


def takes_json(accept: str | None) -> bool:
    """Whether the client accepts `application/json`, if only as the second choice."""
    return accept is None or weight_of(MediaType.JSON.value, ranges(accept))[0] > 0


def prefers_html(accept: str | None) -> bool:
    """Whether `text/html` is asked for by name and at least as much as any JSON that is."""
    wanted = ranges(accept or "")
    named = {element.name: element.weight for element in wanted}
    html = named.get(MediaType.HTML.value, 0.0)
    return html > 0 and all(html >= named.get(kind.value, 0.0) for kind in JSON_FIRST)


def takes_encoding(accept_encoding: str | None, name: str) -> bool:
    """Whether a content coding such as `gzip` may be sent."""
    return weight_of(name, ranges(accept_encoding or ""))[0] > 0
