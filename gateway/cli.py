"""The command line. A command's module is imported when it is run, so that `--help` and `--version` cost little."""

from __future__ import annotations

import argparse
import re
import sys
import textwrap
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeAlias

from gateway.emulator.conditions import VENDORS
from gateway.settings.environment import BadSetting
from gateway.settings.server import PORTS, SERVER
from gateway.settings.settings import TABLES
from gateway.settings.sources import SOURCES
from gateway.settings.table import Setting, SettingsTable

PROGRAM = "meeting-gateway"
BAD_USAGE = 2
MAX_WORKERS = 64
LINK = re.compile(r"\[([^\]]+)\]\([^)]+\)")
WIDTH = 100

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
    """The command line's parser."""
    top = argparse.ArgumentParser(
        prog=PROGRAM, description=f"One GraphQL graph over meetings booked in {joined(SOURCES)}."
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
        "demo",
        demo,
        "Serve the graph over emulated upstreams: no credentials, no network",
        f"{PROGRAM} demo --down drift",
    )
    demonstrated.add_argument(
        "--reload", action="store_true", help="restart the gateway when a file of the package changes"
    )
    for serving in (served, demonstrated):
        _listen(serving)

    emulated = command(
        "emulate",
        emulate,
        "Serve only the emulated upstreams, for development against them",
        f"{PROGRAM} emulate --salesloft-port 9001 --drift-port 9002 --latency 200",
    )
    for emulating, live in ((demonstrated, True), (emulated, False)):
        _conditions(emulating)
        emulating.add_argument(
            "--live",
            action=argparse.BooleanOptionalAction,
            default=live,
            help=f"whether meetings are booked, moved and cancelled as time goes by ({'on' if live else 'off'})",
        )
    for vendor in VENDORS:
        emulated.add_argument(
            f"--{vendor}-port", type=_number(0, PORTS), default=0, help=f"where {vendor.title()} listens (a free one)"
        )

    checked = command(
        "check",
        check,
        "Read a sample from each enabled source, and report the credential's scopes and anything unusual",
        f"SALESLOFT_TOKEN=… {PROGRAM} check --json",
        settings=True,
    )
    checked.add_argument("--json", action="store_true", help="print JSON")
    instead = checked.add_mutually_exclusive_group()
    instead.add_argument(
        "--verify",
        action="store_true",
        help="test what the vendors' documents leave open: read-only, within 30 units, without showing anybody's data",
    )
    instead.add_argument(
        "--settings", action="store_true", help="only check whether the settings are valid, without any call"
    )

    subscribed = command(
        "webhooks",
        webhooks,
        "List, make or delete the vendors' subscriptions to this gateway's GATEWAY_PUBLIC_URL",
        f"GATEWAY_PUBLIC_URL=https://gateway.example {PROGRAM} webhooks create salesloft",
        settings=True,
    )
    subscribed.add_argument("action", choices=("list", "create", "delete"), help="what to do; create may be repeated")
    subscribed.add_argument("source", nargs="?", metavar="SOURCE", help="of which source alone (of all)")

    printed = command("schema", schema, "Print the schema (SDL)", f"{PROGRAM} schema --check schema.graphql")
    printed.add_argument(
        "--federation", action="store_true", help="the subgraph's, for composers (GATEWAY_FEDERATION_VERSION, 2.9)"
    )
    printed.add_argument("--check", type=Path, metavar="FILE", help="show how FILE differs from it; exit 1 if it does")

    explained = command(
        "explain",
        explain,
        "Show how a query would run, without running it: levels, batches, upstream calls, and what falls back and why",
        f"{PROGRAM} explain '{{ meetings {{ nodes {{ title }} }} }}'",
    )
    explained.add_argument("query", metavar="QUERY", help="the query, a file with it, or - for standard input")
    explained.add_argument("--variables", metavar="JSON", default="{}", help="its variables, a JSON object ({})")
    explained.add_argument("--operation", metavar="NAME", help="the operation to explain, where there are several")
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


def webhooks(args: argparse.Namespace) -> int:
    """`webhooks`."""
    from gateway.commands.webhooks import webhooks as run

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
    command.add_argument("--workers", type=_number(1, MAX_WORKERS), default=1, help="worker processes (1)")
    command.add_argument(
        "--log-format", choices=("text", "json"), default="text", help="the format of log lines (text)"
    )


def _conditions(command: argparse.ArgumentParser) -> None:
    """The options of what emulates vendors: what kind of day they have."""
    day = command.add_argument_group("a bad day")
    day.add_argument(
        "--down",
        type=str.lower,
        choices=VENDORS,
        action="append",
        default=[],
        metavar="SOURCE",
        help=f"make a source unreachable ({', '.join(VENDORS)}); repeatable",
    )
    day.add_argument("--latency", type=_number(0, 60_000), default=0, metavar="MS", help="delay every call by MS (0)")
    day.add_argument(
        "--fail", type=_number(0, 100), default=0, metavar="PERCENT", help="answer this share of calls with 502 (0)"
    )
    day.add_argument(
        "--units", type=_number(1, 1_000_000), metavar="N", help="the vendors' rate limit in units a minute"
    )
    day.add_argument("--seed", type=_number(0, 2**31), default=7, metavar="N", help="the seed of the made-up team (7)")


def _number(least: int, most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not (text.isascii() and text.isdecimal() and least <= int(text[:19]) <= most):
            raise argparse.ArgumentTypeError(f"{text[:40]!r} is not a whole number from {least} to {most}")
        return int(text)

    return read


def option(row: Setting) -> str:
    """The help of a command's option that stands before a setting."""
    return f"{plain(row.description)} ({row.name}, {row.shown_default})"


def listing() -> str:
    """Every setting, by group."""
    lines = ["settings, from the environment or the file that GATEWAY_ENV_FILE names:"]
    for table in TABLES:
        lines += ["", f"  {table.title}"]
        for row in table.rows:
            default = f" [{plain(row.shown_default)}]" if row.shown_default else ""
            lines.append(f"    {', '.join(row.names)}{default}")
            lines += textwrap.wrap(plain(row.description), WIDTH, initial_indent=" " * 8, subsequent_indent=" " * 8)
    return "\n".join(lines)


def joined(tables: Sequence[SettingsTable[Any]]) -> str:
    """The titles of some tables, as a sentence has them."""
    *first, last = (table.title for table in tables)
    return f"{', '.join(first)} and {last}"


def plain(text: str) -> str:
    """Markdown without its marks."""
    return LINK.sub(r"\1", text).replace("`", "")
