"""The command line: `meeting-gateway serve`, `demo`, `emulate`, `check`, `schema` and `explain`."""

from __future__ import annotations

import argparse
import asyncio
import difflib
import json
import logging
import os
import signal
import sys
from collections.abc import Callable, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TypeAlias

import msgspec

from gateway import demo, logs, serving
from gateway.app import from_environment
from gateway.checking import findings, good, table
from gateway.environment import BadSetting
from gateway.explaining import BadQuery, explanation, read_query, read_variables
from gateway.graph.federation.sdl import subgraph_sdl
from gateway.graph.schema import sdl
from gateway.settings import PORTS, Settings
from gateway.web.documents import trusted
from gateway.web.explorer import Examples

log = logging.getLogger("gateway")

PROGRAM = "meeting-gateway"
FAILED = 1
BAD_USAGE = 2
MOST_WORKERS = 64
READY_QUERY = "{ meetings(first: 3) { nodes { title startTime sources person { name } } } }"

Command: TypeAlias = Callable[[argparse.Namespace], int]


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command; its exit code.

    Args:
        arguments: The command line after the program's name; the process's own unless given.
    """
    args = parser().parse_args(arguments)
    command: Command = args.command
    try:
        return command(args)
    except (BadSetting, BadQuery) as error:
        print(f"{PROGRAM}: {error}", file=sys.stderr)
        return BAD_USAGE
    except KeyboardInterrupt:
        return 0


def parser() -> argparse.ArgumentParser:
    """What the command line may say."""
    top = argparse.ArgumentParser(
        prog=PROGRAM, description="One GraphQL graph over meetings booked in Salesloft and Drift."
    )
    top.add_argument("--version", action="version", version=f"{PROGRAM} {version(PROGRAM)}")
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: Command, does: str, example: str) -> argparse.ArgumentParser:
        made = commands.add_parser(
            name,
            help=does,
            description=f"{does[0].upper()}{does[1:]}.",
            epilog=f"example: {example}",
        )
        made.set_defaults(command=run)
        return made

    for served in (
        command("serve", serve, "serves the graph over the real upstreams", f"SALESLOFT_TOKEN=… {PROGRAM} serve"),
        command("demo", serve_demo, "serves the graph over emulated upstreams, no credentials", f"{PROGRAM} demo"),
    ):
        served.add_argument("--host", help="address to listen on (GATEWAY_HOST, 127.0.0.1)")
        served.add_argument(
            "--port", type=_number(0, PORTS), help="port to listen on (GATEWAY_PORT, 8000); 0: a free one"
        )
        served.add_argument("--workers", type=_number(1, MOST_WORKERS), default=1, help="processes that answer (1)")
        served.add_argument(
            "--log-format", choices=("text", "json"), default="text", help="how a log line looks (text)"
        )

    emulated = command(
        "emulate",
        emulate,
        "serves only the emulated upstreams, for people who develop against them",
        f"{PROGRAM} emulate --salesloft-port 9001 --drift-port 9002",
    )
    for vendor in ("salesloft", "drift"):
        emulated.add_argument(
            f"--{vendor}-port", type=_number(0, PORTS), default=0, help=f"where {vendor.title()} listens (a free one)"
        )

    checked = command(
        "check",
        check,
        "asks each source that is on for a row or two, and says what the credential may do, and what is odd",
        f"SALESLOFT_TOKEN=… {PROGRAM} check --json",
    )
    checked.add_argument("--json", action="store_true", help="prints JSON")

    printed = command("schema", schema, "prints the schema (SDL)", f"{PROGRAM} schema --check schema.graphql")
    printed.add_argument(
        "--federation", action="store_true", help="the subgraph's, for composers (GATEWAY_FEDERATION_VERSION, 2.9)"
    )
    printed.add_argument("--check", type=Path, metavar="FILE", help="shows how FILE differs from it, and then exits 1")

    explained = command(
        "explain",
        explain,
        "says how a query would run, without running it: levels, batches, upstream calls, and what falls back and why",
        f"{PROGRAM} explain '{{ meetings {{ nodes {{ title }} }} }}'",
    )
    explained.add_argument("query", metavar="QUERY", help="the query, a file of it, or - for standard input")
    explained.add_argument("--variables", metavar="JSON", default="{}", help="its variables, an object ({})")
    explained.add_argument("--operation", metavar="NAME", help="which operation, where there are several")
    return top


def serve(args: argparse.Namespace) -> int:
    """`serve`: over the upstreams that the settings name, until it is told to stop."""
    Settings.read(_environment(args)).require_access()
    _run(args, Examples(), logging.INFO, _log_address)
    return 0


def serve_demo(args: argparse.Namespace) -> int:
    """`demo`: over a seeded sales team; says where to look before it serves."""
    print("Making up a sales team …", flush=True)
    with demo.emulated() as emulators:
        os.environ.update(demo.variables(emulators) | {"GATEWAY_DRAIN": "0"})
        _run(args, demo.examples(emulators.world), logging.WARNING, _print_address)
    print("\nStopped.")
    return 0


def emulate(args: argparse.Namespace) -> int:
    """`emulate`: the vendors' APIs on loopback; prints what a gateway or another client needs to reach them."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    print("Making up a sales team …", file=sys.stderr, flush=True)
    try:
        with demo.emulated(salesloft_port=args.salesloft_port, drift_port=args.drift_port) as emulators:
            for name, value in demo.variables(emulators).items():
                print(f"{name}={value}", flush=True)
            print("Serving until Ctrl-C.", file=sys.stderr, flush=True)
            signal.pause()
    except OSError as error:
        raise BadSetting("--salesloft-port, --drift-port", f"cannot listen: {error.strerror}; choose another") from None
    return 0


def check(args: argparse.Namespace) -> int:
    """`check`: what each source says to a few cheap questions; fails where there is something to be put right."""
    logs.configure("text", level=logging.ERROR)
    settings = Settings.read(os.environ)
    settings.require_source()
    for warning in settings.warnings:
        print(f"{PROGRAM}: {warning}", file=sys.stderr)
    found = asyncio.run(findings(settings))
    if args.json:
        print(msgspec.json.encode(found).decode())
    else:
        print(table(found))
    return 0 if good(found) else FAILED


def schema(args: argparse.Namespace) -> int:
    """`schema`: prints the SDL, or says how a file of it is out of date."""
    text = subgraph_sdl(Settings.read(os.environ).federation.options) if args.federation else sdl()
    if args.check is None:
        print(text, end="")
        return 0
    try:
        kept = args.check.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        print(f"{PROGRAM}: {args.check} cannot be read: {error}", file=sys.stderr)
        return FAILED
    if kept == text:
        return 0
    lines = difflib.unified_diff(
        kept.splitlines(keepends=True), text.splitlines(keepends=True), str(args.check), "the code's schema"
    )
    sys.stdout.writelines(lines)
    again = f"{PROGRAM} schema{' --federation' if args.federation else ''} > {args.check}"
    print(f"{PROGRAM}: {args.check} is stale; write it anew with '{again}'", file=sys.stderr)
    return FAILED


def explain(args: argparse.Namespace) -> int:
    """`explain`: how a query would run under the limits that are set."""
    limits = Settings.read(os.environ).limits
    print(explanation(read_query(args.query), read_variables(args.variables), args.operation, limits))
    return 0


def _run(args: argparse.Namespace, examples: Examples, log_level: int, announce: Callable[[str], None]) -> None:
    """Serves by the settings, those on the command line put before the environment's."""
    logs.configure(args.log_format, level=log_level)
    os.environ.update(_environment(args))
    settings = Settings.read(os.environ)
    settings.require_source()
    if settings.trusted_documents:
        trusted(settings.trusted_documents)  # read again by each worker; what is wrong with it is said here
    for warning in settings.warnings:
        log.warning("%s", warning)
    listener = serving.listen(settings.host, settings.port)
    announce(f"{serving.address(settings.host, listener)}/graphql")
    with serving.counts_of(args.workers) as counts:
        application = partial(
            from_environment,
            workers=args.workers,
            log_format=args.log_format,
            log_level=log_level,
            examples=examples,
            counts=counts,
        )
        serving.run(settings, listener, application, workers=args.workers)


def _environment(args: argparse.Namespace) -> dict[str, str]:
    """The environment, with what the command line says put before it; workers read it again."""
    given = {"GATEWAY_HOST": args.host, "GATEWAY_PORT": args.port}
    return {**os.environ, **{name: str(value) for name, value in given.items() if value is not None}}


def _log_address(url: str) -> None:
    log.info("listening", extra={"url": url})


def _print_address(url: str) -> None:
    query = json.dumps({"query": READY_QUERY})
    print(
        f"\n  GraphiQL   {url}\n\n"
        f"  One query  curl -s {url} -H 'Content-Type: application/json' \\\n"
        f"               -d '{query}'\n\n"
        "  Ctrl-C ends it.",
        flush=True,
    )


def _number(least: int, most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not (text.isascii() and text.isdecimal() and least <= int(text[:19]) <= most):
            raise argparse.ArgumentTypeError(f"{text[:40]!r} is not a whole number from {least} to {most}")
        return int(text)

    return read
