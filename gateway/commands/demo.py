"""`meeting-gateway demo` and `emulate`: the emulated upstreams, in a thread of their own, with or without a gateway."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import logging
import os
import secrets
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future

import msgspec

from gateway.commands.reload import serve_reloading
from gateway.commands.serve import MANIFEST, run
from gateway.emulator.conditions import VENDORS, Conditions
from gateway.emulator.life import BOOKED, DROPPED, PICKED, UPDATED
from gateway.emulator.server import Emulators
from gateway.emulator.world import World
from gateway.graph.ids import global_id
from gateway.model.records import Kind, Source
from gateway.runtime.signals import hangups_taken
from gateway.settings.environment import BadSetting
from gateway.settings.server import ServerSettings
from gateway.web import agenda
from gateway.web.explorer import Examples

DEFAULT_PORT = ServerSettings().port
LOOK = 0.5
"""Seconds between two looks whether a signal has come: one that another thread was given wakes nobody."""

READY_QUERY = "{ meetings(first: 3) { nodes { title startTime sources person { name } } } }"

WEBHOOK_SECRETS = {
    "SALESLOFT_WEBHOOK_SECRETS": secrets.token_hex(16),
    "DRIFT_WEBHOOK_SECRETS": secrets.token_hex(16),
    "CALENDLY_WEBHOOK_SECRETS": secrets.token_hex(16),
}
"""What the emulated vendors sign with in the demo."""

OWN_PAGES = "http://localhost:*,http://127.0.0.1:*"
"""Origins of pages that are developed on this machine; all data is made up."""


def demo(args: argparse.Namespace) -> int:
    """Serves the graph over a seeded sales team; says where to look before it serves."""
    print("Making up a sales team …", flush=True)
    conditions = conditions_of(args)
    if conditions != Conditions():
        print(_told(conditions), flush=True)
    with hangups_taken(), emulated(seed=args.seed, conditions=conditions, live=args.live) as emulators:
        os.environ.update(variables(emulators) | {"GATEWAY_DRAIN": "0"} | WEBHOOK_SECRETS)
        deliver_to(emulators, _address(args), WEBHOOK_SECRETS)  # a free port is known once it is taken
        os.environ.setdefault("GATEWAY_CORS_ORIGINS", OWN_PAGES)
        if args.workers > 1:
            os.environ.setdefault("GATEWAY_LIVE", "off")  # it takes a Redis, which the demo does not bring
        if args.reload:
            serve_reloading(args, msgspec.structs.asdict(examples(emulators.world)))
        else:
            shown = msgspec.structs.asdict(examples(emulators.world))
            serve_over(
                args, shown, listens=lambda url: deliver_to(emulators, url.removesuffix("/graphql"), WEBHOOK_SECRETS)
            )
    print("\nStopped.")
    return 0


def _address(args: argparse.Namespace) -> str:
    """Where the gateway will listen, as far as the vendors are concerned: it has yet to begin."""
    port = args.port if args.port is not None else os.environ.get("GATEWAY_PORT") or DEFAULT_PORT
    return f"http://127.0.0.1:{port}"


def deliver_to(emulators: Emulators, base: str, secrets: Mapping[str, str]) -> None:
    """Has the vendors deliver what happens to a gateway, signed with its secrets."""
    emulators.salesloft.app.webhooks.rows.clear()
    for event in (BOOKED, UPDATED):
        url, token = f"{base}/webhooks/salesloft", secrets["SALESLOFT_WEBHOOK_SECRETS"]
        emulators.salesloft.app.webhooks.subscribe(url, token, event)
    book, calendly = emulators.calendly.app, emulators.world.calendly
    book.webhooks.rows.clear()
    book.webhooks.subscribe(
        f"{base}/webhooks/calendly",
        [PICKED, DROPPED],
        calendly.users[calendly.me]["current_organization"],
        secrets["CALENDLY_WEBHOOK_SECRETS"],
    )
    emulators.life.drift_token = secrets["DRIFT_WEBHOOK_SECRETS"]
    emulators.life.drift_url = f"{base}/webhooks/drift"


def serve_over(
    args: argparse.Namespace,
    examples: Mapping[str, str],
    *,
    announce: bool = True,
    listens: Callable[[str], object] = lambda _url: None,
) -> None:
    """Serves over the emulators that the environment's settings name.

    Args:
        args: The command line.
        examples: What the explorer's starting tabs ask about.
        announce: Whether the address is printed.
        listens: Told of the graph's address.
    """

    def begun(url: str) -> None:
        listens(url)
        if announce:
            _print_address(url)

    run(args, (MANIFEST,), Examples(**examples), logging.WARNING, begun, page_folder=agenda.built())


def emulate(args: argparse.Namespace) -> int:
    """Serves the vendors' APIs on loopback; prints what a gateway or another client needs to reach them."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    print("Making up a sales team …", file=sys.stderr, flush=True)
    try:
        ports = {vendor: getattr(args, f"{vendor}_port") for vendor in VENDORS}
        conditions = conditions_of(args)
        with hangups_taken(), emulated(seed=args.seed, conditions=conditions, live=args.live, **ports) as emulators:
            for name, value in variables(emulators).items():
                print(f"{name}={value}", flush=True)
            print("Serving until Ctrl-C.", file=sys.stderr, flush=True)
            while True:
                time.sleep(LOOK)
    except OSError as error:
        options = ", ".join(f"--{vendor}-port" for vendor in VENDORS)
        raise BadSetting(options, f"cannot listen: {error.strerror}; choose another") from None
    return 0


def _told(conditions: Conditions) -> str:
    """The conditions of a bad day, as a sentence."""
    parts = [f"{vendor} is down" for vendor in sorted(conditions.down)]
    if conditions.latency:
        parts.append(f"every call takes {conditions.latency * 1000:.0f} ms longer")
    if conditions.failing:
        parts.append(f"{conditions.failing:.0%} of the calls fail")
    if conditions.units is not None:
        parts.append(f"vendors give {conditions.units} units a minute")
    return f"Today {', '.join(parts)}."


def conditions_of(args: argparse.Namespace) -> Conditions:
    """The day that a command line asks for."""
    return Conditions(frozenset(args.down), args.latency / 1000, args.fail / 100, args.units)


@contextlib.contextmanager
def emulated(
    host: str = "127.0.0.1",
    *,
    seed: int = 7,
    conditions: Conditions | None = None,
    live: bool = False,
    **ports: int,
) -> Iterator[Emulators]:
    """The vendors' emulators for as long as the block runs, each on the port that is given by its name, or a free one.

    They have an event loop of their own, since the gateway's comes and goes with uvicorn, or is in other processes.

    Raises:
        OSError: A port is taken; other errors of their start are raised likewise.
    """
    started: Future[tuple[Emulators, asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def serve() -> None:
        ended = asyncio.Event()
        async with Emulators.start(host=host, ports=ports, seed=seed, conditions=conditions, live=live) as emulators:
            started.set_result((emulators, asyncio.get_running_loop(), ended))
            await ended.wait()

    def run_thread() -> None:
        try:
            asyncio.run(serve())
        except BaseException as error:
            if started.done():
                raise
            started.set_exception(error)  # the waiting thread gets it

    thread = threading.Thread(target=run_thread, name="emulators", daemon=True)
    thread.start()
    emulators, loop, ended = started.result()
    try:
        yield emulators
    finally:
        with contextlib.suppress(RuntimeError):  # they have ended by themselves
            loop.call_soon_threadsafe(ended.set)
        thread.join()


def variables(emulators: Emulators, vendors: Sequence[str] = VENDORS) -> dict[str, str]:
    """The settings of a gateway over the emulators, or over some of them."""
    emulators_by_vendor = {vendor: emulators.of(vendor) for vendor in vendors}
    return {
        name: value
        for vendor, emulated in emulators_by_vendor.items()
        for name, value in ((f"{vendor.upper()}_URL", emulated.url), (f"{vendor.upper()}_TOKEN", emulated.token))
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


def _page(url: str) -> str:
    """Where the example page is, if it was built."""
    return "" if agenda.built() is None else f"  A page     {url.removesuffix('/graphql')}{agenda.PATH}\n"


def _print_address(url: str) -> None:
    query = json.dumps({"query": READY_QUERY})
    print(
        f"\n  GraphiQL   {url}\n"
        f"{_page(url)}\n"
        f"  One query  curl -s {url} -H 'Content-Type: application/json' \\\n"
        f"               -d '{query}'\n\n"
        "  Ctrl-C ends it.",
        flush=True,
    )
