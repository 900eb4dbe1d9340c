"""A load generator: connections that each send the next query when they have their answer, for some seconds.

    python -m benchmarks.gateways.load URL CONNECTIONS SECONDS [each]

The query's JSON is the first line of standard input. The lines after it are values of `MARK`'s length: each query has
the next one in the mark's place. With `each`, each value has an answer of its own; else all answers are alike.

Prints JSON: queries, seconds, the queries that were refused, the answers unlike the first, and two percentiles of the
milliseconds that answers took. Where an answer was unlike the first, both are shown in short on standard error.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Sequence
from typing import cast
from urllib.parse import urlsplit

import uvloop

MOST = 2_000_000
"""Queries of one run at most."""

GRACE = 8.0
"""Seconds that the last answers may take; those that take longer are not counted."""


MARK = b"VALUE00000000000000000VALUE"
"""What a query has in the place of a value: as long as an instant of six digits is, and a name, too."""

SHOWN = 200
"""Characters before and after the first difference that are shown."""


class Run:
    """What all connections share."""

    def __init__(self, request: bytes, values: Sequence[bytes], seconds: float, *, each: bool) -> None:
        self._before, _, self._after = request.partition(MARK)
        self._values = values
        self._each = each
        self._sent = 0
        self.began = time.perf_counter()
        self.until = self.began + seconds
        self.took: list[float] = []
        self.refused = 0
        self.unlike = 0
        self._firsts: dict[bytes, bytes] = {}

    def request(self) -> tuple[bytes, bytes]:
        """The next query, and the value in it."""
        if not self._values:
            return self._before, b""
        self._sent += 1
        value = self._values[self._sent % len(self._values)]
        return b"%s%s%s" % (self._before, value, self._after), value

    def answered(self, value: bytes, status: bytes, body: bytes, took: float) -> bool:
        """Takes the answer to a query; whether to send another one."""
        self.took.append(took)
        first = self._firsts.setdefault(value if self._each else b"", body)
        self.refused += status != b"200"
        if body != first:
            self._differ(first, body)
        return time.perf_counter() < self.until and len(self.took) < MOST

    def _differ(self, first: bytes, body: bytes) -> None:
        self.unlike += 1
        if self.unlike == 1:
            place = next((at for at, pair in enumerate(zip(first, body, strict=False)) if pair[0] != pair[1]), 0)
            shown = [each[max(0, place - SHOWN) : place + SHOWN].decode(errors="replace") for each in (first, body)]
            print(*shown, sep="\n", file=sys.stderr, flush=True)

    def report(self) -> dict[str, float]:
        """The figures."""
        seconds = time.perf_counter() - self.began
        took = sorted(self.took)
        count = len(took)
        at = [took[min(count - 1, count * share // 100)] * 1_000 for share in (50, 99)] if took else [0.0, 0.0]
        return {
            "count": count,
            "seconds": seconds,
            "refused": self.refused,
            "unlike": self.unlike,
            "p50": at[0],
            "p99": at[1],
        }


class Connection(asyncio.Protocol):
    """One connection, and the answer that it is reading."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._parts: list[bytes] = []
        self._size = 0
        self._end: int | None = None
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._send()

    def connection_lost(self, _: Exception | None) -> None:
        if not self.done.done():
            self._run.refused += 1
            self.done.set_result(None)

    def _send(self) -> None:
        self._parts, self._size, self._end = [], 0, None
        self._sent = time.perf_counter()
        request, self._value = self._run.request()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._parts.append(data)
        self._size += len(data)
        if self._end is None and not self._head():
            return
        if self._chunked:
            if not self._parts[-1].endswith(b"0\r\n\r\n"):
                return
        elif self._size < cast("int", self._end):
            return
        whole = b"".join(self._parts)
        again = self._run.answered(self._value, whole[9:12], whole[self._body :], time.perf_counter() - self._sent)
        if again:
            self._send()
        else:
            self.done.set_result(None)
            self._transport.close()

    def _head(self) -> bool:
        """Reads what says how long the answer is; whether it is there."""
        whole = b"".join(self._parts)
        self._parts = [whole]
        end = whole.find(b"\r\n\r\n")
        if end < 0:
            return False
        self._body = end + 4
        lines = whole[:end].lower().split(b"\r\n")
        sizes = [int(line.partition(b":")[2]) for line in lines if line.startswith(b"content-length:")]
        self._chunked = not sizes
        self._end = self._body + sizes[0] if sizes else self._body
        return True


async def load(
    url: str, query: bytes, values: Sequence[bytes], connections: int, seconds: float, *, each: bool
) -> dict[str, float]:
    """Asks again and again."""
    parts = urlsplit(url)
    head = (
        f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Type: application/json\r\n"
        f"Accept: application/json\r\nContent-Length: {len(query)}\r\n\r\n"
    )
    run = Run(head.encode() + query, values, seconds, each=each)
    loop = asyncio.get_running_loop()
    made = [
        await loop.create_connection(lambda: Connection(run), parts.hostname or "", parts.port or 0)
        for _ in range(connections)
    ]
    await asyncio.wait([connection.done for _, connection in made], timeout=seconds + GRACE)
    report = run.report()
    for transport, connection in made:
        connection.done.cancel()
        transport.close()
    return report


if __name__ == "__main__":
    to, clients, lasting, *apart = sys.argv[1:]
    asked, *others = sys.stdin.buffer.read().splitlines()
    print(json.dumps(uvloop.run(load(to, asked, others, int(clients), float(lasting), each=bool(apart)))))
