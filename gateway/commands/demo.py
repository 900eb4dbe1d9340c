"""`meeting-gateway demo` and `emulate`: the emulated upstreams, in a thread of their own, with or without a gateway."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import logging
import os
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future

from gateway.commands.serve import MANIFEST, run
from gateway.emulator.server import Emulators
from gateway.emulator.world import World
from gateway.graph.ids import global_id
from gateway.model.records import Kind, Source
from gateway.runtime.signals import hangups_taken
from gateway.settings.environment import BadSetting
from gateway.web.explorer import Examples

LOOK = 0.5
"""Seconds between two looks whether a signal has come: one that another thread was given wakes nobody."""

READY_QUERY = "{ meetings(first: 3) { nodes { title startTime sources person { name } } } }"

OWN_PAGES = "http://localhost:*,http://127.0.0.1:*"
"""Origins of whoever develops a page on this machine; there is nobody's data to be seen."""


def demo(args: argparse.Namespace) -> int:
    """Serves the graph over a seeded sales team; says where to look before it serves."""
    print("Making up a sales team …", flush=True)
    with hangups_taken(), emulated() as emulators:
        os.environ.update(variables(emulators) | {"GATEWAY_DRAIN": "0"})
        os.environ.setdefault("GATEWAY_CORS_ORIGINS", OWN_PAGES)
        run(args, (MANIFEST,), examples(emulators.world), logging.WARNING, _print_address)
    print("\nStopped.")
    return 0


def emulate(args: argparse.Namespace) -> int:
    """Serves the vendors' APIs on loopback; prints what a gateway or another client needs to reach them."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    print("Making up a sales team …", file=sys.stderr, flush=True)
    try:
        with hangups_taken(), emulated(salesloft_port=args.salesloft_port, drift_port=args.drift_port) as emulators:
            for name, value in variables(emulators).items():
                print(f"{name}={value}", flush=True)
            print("Serving until Ctrl-C.", file=sys.stderr, flush=True)
            while True:
                time.sleep(LOOK)
    except OSError as error:
        raise BadSetting("--salesloft-port, --drift-port", f"cannot listen: {error.strerror}; choose another") from None
    return 0


@contextlib.contextmanager
def emulated(*, salesloft_port: int = 0, drift_port: int = 0, host: str = "127.0.0.1") -> Iterator[Emulators]:
    """Both vendors' emulators for as long as the block runs; a port of 0 takes a free one.

    They have an event loop of their own, since the gateway's comes and goes with uvicorn, or is in other processes.

    Raises:
        OSError: A port is taken; whatever else keeps them from starting is raised likewise.
    """
    started: Future[tuple[Emulators, asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def serve() -> None:
        ended = asyncio.Event()
        async with Emulators.start(host=host, salesloft_port=salesloft_port, drift_port=drift_port) as emulators:
            started.set_result((emulators, asyncio.get_running_loop(), ended))
            await ended.wait()

    def run_thread() -> None:
        try:
            asyncio.run(serve())
        except BaseException as error:
            if started.done():
                raise
            started.set_exception(error)  # whoever waits for them is told, whatever it was

    thread = threading.Thread(target=run_thread, name="emulators", daemon=True)
    thread.start()
    emulators, loop, ended = started.result()
    try:
        yield emulators
    finally:
        with contextlib.suppress(RuntimeError):  # they have ended by themselves
            loop.call_soon_threadsafe(ended.set)
        thread.join()


def variables(emulators: Emulators) -> dict[str, str]:
    """The settings of a gateway over the emulators."""
    return {
        "SALESLOFT_URL": emulators.salesloft.url,
        "SALESLOFT_TOKEN": emulators.salesloft.token,
        "DRIFT_URL": emulators.drift.url,
        "DRIFT_TOKEN": emulators.drift.token,
    }


def examples(world: World) -> Examples:
    """A person and a cadence of the world with many meetings."""
    rows = list(world.salesloft.meetings.values())
    people = Counter(row["person"]["id"] for row in rows if row.get("person"))
    cadences = Counter(row["cadence"]["id"] for row in rows if row.get("cadence"))
    person = _most(people, world.salesloft.hidden_people)
    cadence = _most(cadences, world.salesloft.hidden_cadences)
    return Examples(
        person=global_id(Kind.PERSON, Source.SALESLOFT, str(person)),
        cadence=global_id(Kind.CADENCE, Source.SALESLOFT, str(cadence)),
    )


def _most(counts: Counter[int], hidden: set[int]) -> int:
    return min((-count, id_) for id_, count in counts.items() if id_ not in hidden)[1]


def _print_address(url: str) -> None:
    query = json.dumps({"query": READY_QUERY})
    print(
        f"\n  GraphiQL   {url}\n\n"
        f"  One query  curl -s {url} -H 'Content-Type: application/json' \\\n"
        f"               -d '{query}'\n\n"
        "  Ctrl-C ends it.",
        flush=True,
    )
