"""What every answer passes on its way out: security headers, and a word to clients while the process closes.

What else every request passes is in `request_log`, `metrics` and, where there are traces, `tracing`.
"""

from __future__ import annotations

from collections.abc import Callable

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
"""On every answer that does not say otherwise itself."""


class CommonHeaders:
    """Security headers on every answer; while the process is about to close, clients are sent elsewhere.

    Args:
        app: What is called.
        closing: Whether the process is about to close.
    """

    def __init__(self, app: ASGIApp, closing: Callable[[], bool]) -> None:
        self._app = app
        self._closing = closing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Calls the application, its answer's headers completed."""

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                if self._closing():
                    headers["Connection"] = "close"
            await send(message)

        await self._app(scope, receive, sent if scope["type"] == "http" else send)
