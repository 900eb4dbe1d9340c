"""`/metrics` for Prometheus: no private data, and a key is required if one is set."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from prometheus_client import CollectorRegistry, disable_created_metrics, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from starlette.requests import Request
from starlette.responses import Response

from gateway.errors import Unauthenticated
from gateway.web.authentication import Authenticator, challenge
from gateway.web.http_errors import HTTPError
from gateway.web.metrics.gauges import Execution, Gauges, Reading
from gateway.web.metrics.live import LiveMetrics
from gateway.web.metrics.requests import OperationLabels, Requests, UpstreamMetrics
from gateway.web.request import RequestHeaders
from gateway.web.request_log import record_of
from gateway.web.response import compressed


class Metrics:
    """All metrics, and the page that shows them.

    Args:
        names: Which operation names become labels.
        shared: Whether processes count their budget together.
        release: The gateway's.
        access: Who may read the page.
        folder: Where the workers of this address leave their counts; None where there is one process. The library
            leaves them where `PROMETHEUS_MULTIPROC_DIR` says, once it is imported.
    """

    def __init__(
        self, *, names: OperationLabels, shared: bool, release: str, access: Authenticator, folder: Path | None = None
    ) -> None:
        # Beside each counter there would be a gauge, which nobody asks for.
        disable_created_metrics()  # type: ignore[no-untyped-call]  # the library's own
        self._registry = CollectorRegistry()
        self._access = access
        self._folder = folder
        self._read: Callable[[], None] = lambda: None
        self._writing = asyncio.Lock()
        self.requests = Requests(self._registry, names)
        self.upstream = UpstreamMetrics(self._registry)
        self.live = LiveMetrics(self._registry)
        self.gauges = Gauges(self._registry, shared=shared, release=release)

    @contextlib.asynccontextmanager
    async def following(
        self, reading: Callable[[], Reading], execution: Callable[[], Execution]
    ) -> AsyncIterator[None]:
        """Keeps the gauges up to date within the block."""
        self._read = lambda: self.gauges.read(reading, execution)
        async with self.gauges.followed(self._read):
            yield

    async def page(self, request: Request) -> Response:
        """The metrics of all workers.

        Raises:
            HTTPError: 401, where a key is asked for.
        """
        headers = RequestHeaders(scope=request.scope)
        try:
            await self._access.principal(headers)
        except Unauthenticated as error:
            record_of(request.scope).refused = error.reason
            raise HTTPError(401, error, {"WWW-Authenticate": challenge(headers)}) from None
        async with self._writing:  # requests for many at once are served one after the other
            self._read()
            text = await asyncio.to_thread(self._written)
        body, coding = compressed(text, headers.get("accept-encoding"))
        sent = {"Cache-Control": "no-store", "Vary": "Accept-Encoding, Authorization, X-API-Key"}
        if coding is not None:
            sent["Content-Encoding"] = coding
        return Response(body, 200, {**sent, "Content-Type": CONTENT_TYPE_PLAIN_0_0_4})

    def _written(self) -> bytes:
        if self._folder is None:
            return generate_latest(self._registry)
        bury(self._folder)
        together = CollectorRegistry()
        MultiProcessCollector(together, path=str(self._folder))  # type: ignore[no-untyped-call]  # the library's own
        return generate_latest(together)


def bury(folder: Path) -> None:
    """Removes the gauges of workers that have ended; their counters remain."""
    for pid in {file.stem.rpartition("_")[2] for file in folder.glob("gauge_live*.db")}:
        if pid.isdecimal() and not lives(int(pid)):
            with contextlib.suppress(FileNotFoundError):  # another worker was quicker
                mark_process_dead(int(pid), path=str(folder))  # type: ignore[no-untyped-call]  # the library's own


def lives(pid: int) -> bool:
    """Whether a process has that id."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
