"""What tracing costs: a page of 100 meetings, everything kept, with tracing off, on for 1 % of requests, and for all.

CPU of the whole process, the exporting thread included, the gateways asked by turns; no socket but the collector's.
`python benchmarks/tracing.py [--rounds 30] [--requests 20]` prints a line of JSON and, last, a table's row each.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import multiprocessing
import os
import statistics
import time
from collections.abc import AsyncIterator, Mapping, MutableMapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from typing import Any

from gateway.app import create_app
from gateway.commands.demo import emulated, variables
from gateway.settings.settings import Settings

QUERY = """query M100 { meetings(first: 100, filter: {sources: [SALESLOFT]}) {
  pageInfo { hasNextPage endCursor }
  edges { cursor node { id title status startTime endTime location noShow createdAt updatedAt
    person { id name email } cadence { id name } owner { id name email } attendees { email name status } } } } }"""
PLENTY = {"GATEWAY_CLIENT_RATE": "1000000", "GATEWAY_CLIENT_COST": "1000000"}
KEPT = {
    f"GATEWAY_TTL_{name}": "3600,3600" for name in ("PAGES", "WINDOW", "DIRECTORIES", "PEOPLE", "USERS", "CADENCES")
}
VARIANTS: Mapping[str, Mapping[str, str]] = {
    "off": {},
    "1 %": {"GATEWAY_OTEL": "on", "OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.01"},
    "100 %": {"GATEWAY_OTEL": "on", "OTEL_TRACES_SAMPLER": "always_on"},
}


class Collector(BaseHTTPRequestHandler):
    """Takes spans and forgets them."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Says nothing."""


def collect(port: Connection) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Collector) as server:
        port.send(server.server_port)
        server.serve_forever()


@contextlib.asynccontextmanager
async def gateway(settings: Mapping[str, str]) -> AsyncIterator[Any]:
    os.environ.update({name: value for name, value in settings.items() if name.startswith("OTEL_")})
    app = create_app(Settings.read({k: v for k, v in settings.items() if not k.startswith("OTEL_")}))
    async with app.router.lifespan_context(app) as state:

        async def ask() -> bytes:
            body, parts = json.dumps({"query": QUERY}).encode(), []
            sent = [{"type": "http.request", "body": body, "more_body": False}]

            async def receive() -> MutableMapping[str, Any]:
                if sent:
                    return sent.pop()
                await asyncio.Event().wait()
                raise AssertionError

            async def send(message: MutableMapping[str, Any]) -> None:
                parts.append(message.get("body", b""))

            scope = {
                "type": "http",
                "http_version": "1.1",
                "method": "POST",
                "path": "/graphql",
                "query_string": b"",
                "scheme": "http",
                "server": ("127.0.0.1", 8000),
                "client": ("127.0.0.1", 9),
                "headers": [(b"host", b"127.0.0.1"), (b"content-type", b"application/json")],
                "state": dict(state or {}),
            }
            await app(scope, receive, send)
            return b"".join(parts)

        yield ask


async def measure(rounds: int, requests: int, collector: str) -> dict[str, float]:
    """Milliseconds of CPU a request, by variant: medians of rounds."""
    with emulated() as emulators:
        async with contextlib.AsyncExitStack() as stack:
            common = {**PLENTY, **KEPT, **variables(emulators), "OTEL_EXPORTER_OTLP_ENDPOINT": collector}
            asks = {
                name: await stack.enter_async_context(gateway({**common, **more})) for name, more in VARIANTS.items()
            }
            answers = {await ask() for ask in asks.values() for _ in range(5)}
            assert len(answers) == 1
            assert b'"errors"' not in answers.pop()
            taken: dict[str, list[float]] = {name: [] for name in asks}
            for number in range(rounds):
                for name in sorted(asks, key=lambda name: hash((name, number))):
                    started = time.process_time()
                    for _ in range(requests):
                        await asks[name]()
                    taken[name].append((time.process_time() - started) / requests * 1000)
    return {name: statistics.median(times) for name, times in taken.items()}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=30)
    options.add_argument("--requests", type=int, default=20)
    given = options.parse_args()
    spawning = multiprocessing.get_context("spawn")
    mine, theirs = spawning.Pipe()
    child = spawning.Process(target=collect, args=(theirs,), daemon=True)
    child.start()
    try:
        took = asyncio.run(measure(given.rounds, given.requests, f"http://127.0.0.1:{mine.recv()}"))
    finally:
        child.terminate()
    print(json.dumps({name: round(ms, 3) for name, ms in took.items()}))
    for name, ms in took.items():
        print(f"| tracing {name} | {ms:.2f} ms | {ms / took['off'] - 1:+.1%} |")


if __name__ == "__main__":
    main()
