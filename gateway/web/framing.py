"""How the transports write events over HTTP: graphql-sse's distinct connections, and Apollo's multipart protocol."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from gateway.graph.engine import OperationResult
from gateway.web.http_errors import RequestError
from gateway.web.response import encode

HEADERS = (
    (b"cache-control", b"no-cache, no-transform"),
    (b"x-accel-buffering", b"no"),
    (b"vary", b"Accept, Authorization, X-API-Key"),
)
"""That no proxy may buffer what is sent, or compress it."""


class Framing(Protocol):
    """How a transport writes events."""

    name: str
    content_type: bytes

    def begin(self) -> bytes:
        """What is sent first."""
        ...

    def event(self, body: bytes, cursor: str | None) -> bytes:
        """An event."""
        ...

    def heartbeat(self) -> bytes:
        """What is sent where nothing happens."""
        ...

    def complete(self) -> bytes:
        """The end, after which the client does not come back."""
        ...

    def error(self, errors: bytes) -> bytes:
        """The end because of errors."""
        ...

    def away(self, seconds: float) -> bytes:
        """The end with the hint to come back."""
        ...


class ServerSentEvents:
    """graphql-sse, "distinct connections"; `id` lines are for plain `EventSource`."""

    name = "sse"
    content_type = b"text/event-stream; charset=utf-8"

    def begin(self) -> bytes:
        """Nothing."""
        return b""

    def event(self, body: bytes, cursor: str | None) -> bytes:
        """A `next`; JSON has no line breaks."""
        place = b"" if cursor is None else b"id: %s\n" % cursor.encode()
        return b"event: next\n%sdata: %s\n\n" % (place, body)

    def heartbeat(self) -> bytes:
        """A comment."""
        return b":\n\n"

    def complete(self) -> bytes:
        """With an empty `data` line, else browsers drop it."""
        return b"event: complete\ndata:\n\n"

    def error(self, errors: bytes) -> bytes:
        """A result with errors, and the end."""
        return self.event(b'{"errors":%s}' % errors, None) + self.complete()

    def away(self, seconds: float) -> bytes:
        """When to come back. No `complete`: graphql-sse clients come back only without it."""
        return b"retry: %d\n\n" % round(seconds * 1000)


class Multipart:
    """Apollo's multipart protocol; each part is closed at once by the delimiter of the next, so that it is shown."""

    name = "multipart"
    content_type = b'multipart/mixed;boundary="graphql";subscriptionSpec="1.0"'

    def begin(self) -> bytes:
        """The first delimiter, and a heartbeat: clients wait for something before they show that they are connected."""
        return b"\r\n--graphql" + self.heartbeat()

    def event(self, body: bytes, cursor: str | None) -> bytes:  # noqa: ARG002 - there is no place for it
        """A payload."""
        return self._part(b'{"payload":%s}' % body)

    def heartbeat(self) -> bytes:
        """An empty object."""
        return self._part(b"{}")

    def complete(self) -> bytes:
        """The end mark."""
        return b"--\r\n"

    def error(self, errors: bytes) -> bytes:
        """A fatal error, and the end mark."""
        return self._part(b'{"payload":null,"errors":%s}' % errors) + self.complete()

    def away(self, seconds: float) -> bytes:
        """An error that says when to come back."""
        hint = {"message": "The gateway restarts: come back.", "extensions": {"retryAfter": round(seconds, 3)}}
        return self.error(encode([hint]))

    def _part(self, body: bytes) -> bytes:
        return b"\r\ncontent-type: application/json\r\n\r\n%s\r\n--graphql" % body


SSE, MULTIPART = ServerSentEvents(), Multipart()
FRAMINGS: Mapping[str, Framing] = {"text/event-stream": SSE, "multipart/mixed": MULTIPART}


def result_bytes(result: OperationResult | RequestError) -> bytes:
    """A result as it is sent."""
    answer: dict[str, object] = {}
    if result.errors:
        answer["errors"] = result.errors
    if isinstance(result, OperationResult) and result.started:
        answer["data"] = result.data
    return encode(answer)


def start_of(framing: Framing) -> dict[str, Any]:
    """The head of an answer."""
    headers = [(b"content-type", framing.content_type), *HEADERS]
    return {"type": "http.response.start", "status": 200, "headers": headers}
