"""The command line. A command's module is imported when it is run, so that `--help` and `--version` cost little."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TypeAlias

from gateway.settings.environment import BadSetting
from gateway.settings.help import listing, option
from gateway.settings.server import PORTS, SERVER

PROGRAM = "meeting-gateway"
BAD_USAGE = 2
MOST_WORKERS = 64

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
    except BadSetting as error:
        for line in str(error).splitlines():
            print(f"{PROGRAM}: {line}", file=sys.stderr)
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

    def command(name: str, run: Command, does: str, example: str, *, settings: bool = False) -> argparse.ArgumentParser:
        made = commands.add_parser(
            name,
            help=f"{does[0].lower()}{does[1:]}",
            description=f"{does}.",
            epilog="\n\n".join([f"example: {example}", *([listing()] if settings else [])]),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        made.set_defaults(command=run)
        return made

    served = command(
        "serve", serve, "Serve the graph over the real upstreams", f"SALESLOFT_TOKEN=… {PROGRAM} serve", settings=True
    )
    demonstrated = command(
        "demo", demo, "Serve the graph over emulated upstreams, no credentials, no network", f"{PROGRAM} demo"
    )
    for serving in (served, demonstrated):
        _listen(serving)

    emulated = command(
        "emulate",
        emulate,
        "Serve only the emulated upstreams, for people who develop against them",
        f"{PROGRAM} emulate --salesloft-port 9001 --drift-port 9002",
    )
    for vendor in ("salesloft", "drift"):
        emulated.add_argument(
            f"--{vendor}-port", type=_number(0, PORTS), default=0, help=f"where {vendor.title()} listens (a free one)"
        )

    checked = command(
        "check",
        check,
        "Ask each source that is on for a row or two, and say what the credential may do, and what is odd",
        f"SALESLOFT_TOKEN=… {PROGRAM} check --json",
        settings=True,
    )
    checked.add_argument("--json", action="store_true", help="print JSON")
    instead = checked.add_mutually_exclusive_group()
    instead.add_argument(
        "--verify",
        action="store_true",
        help="ask what the vendors' documents leave open, reading only, within 30 units; shows nobody's data",
    )
    instead.add_argument(
        "--settings", action="store_true", help="only say whether the settings are valid; nobody is called"
    )

    printed = command("schema", schema, "Print the schema (SDL)", f"{PROGRAM} schema --check schema.graphql")
    printed.add_argument(
        "--federation", action="store_true", help="the subgraph's, for composers (GATEWAY_FEDERATION_VERSION, 2.9)"
    )
    printed.add_argument("--check", type=Path, metavar="FILE", help="show how FILE differs from it, and then exit 1")

    explained = command(
        "explain",
        explain,
        "Say how a query would run, without running it: levels, batches, upstream calls, and what falls back and why",
        f"{PROGRAM} explain '{{ meetings {{ nodes {{ title }} }} }}'",
    )
    explained.add_argument("query", metavar="QUERY", help="the query, a file of it, or - for standard input")
    explained.add_argument("--variables", metavar="JSON", default="{}", help="its variables, an object ({})")
    explained.add_argument("--operation", metavar="NAME", help="which operation, where there are several")
    return top


def serve(args: argparse.Namespace) -> int:
    """`serve`."""
    from gateway.commands.serve import serve as run

    return run(args)


def demo(args: argparse.Namespace) -> int:
    """`demo`."""
    from gateway.commands.demo import demo as run

    return run(args)


def emulate(args: argparse.Namespace) -> int:
    """`emulate`."""
    from gateway.commands.demo import emulate as run

    return run(args)


def check(args: argparse.Namespace) -> int:
    """`check`."""
    if args.settings:
        from gateway.commands.check_settings import check_settings as run
    elif args.verify:
        from gateway.commands.verify import verify as run
    else:
        from gateway.commands.check import check as run
    return run(args)


def schema(args: argparse.Namespace) -> int:
    """`schema`."""
    from gateway.commands.schema import schema as run

    return run(args)


def explain(args: argparse.Namespace) -> int:
    """`explain`."""
    from gateway.commands.explain import explain as run

    return run(args)


def _listen(command: argparse.ArgumentParser) -> None:
    """The options of what serves the graph."""
    host, port = (row for row in SERVER.rows if row.field in {"host", "port"})
    command.add_argument("--host", help=option(host))
    command.add_argument("--port", type=_number(0, PORTS), help=option(port))
    command.add_argument("--workers", type=_number(1, MOST_WORKERS), default=1, help="processes that answer (1)")
    command.add_argument("--log-format", choices=("text", "json"), default="text", help="how a log line looks (text)")


def _number(least: int, most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not (text.isascii() and text.isdecimal() and least <= int(text[:19]) <= most):
            raise argparse.ArgumentTypeError(f"{text[:40]!r} is not a whole number from {least} to {most}")
        return int(text)

    return read
