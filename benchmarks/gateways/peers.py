"""Who is measured, how each is set up and started, and what each is asked."""

from __future__ import annotations

import datetime as dt
import json
import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template

from benchmarks.gateways import rows
from benchmarks.gateways.load import MARK
from benchmarks.gateways.processes import NotUpError, Server, free_port

HERE = Path(__file__).resolve().parent
PEERS, ROOT = HERE.parent, HERE.parent.parent
COMPOSING = 120
"""Seconds that making a supergraph may take."""
MOST_VALUES = 50_000
"""Values that one run has; more than it sends queries."""

NODES = """nodes {
      sourceId title startTime
      person { salesloftId firstName email }
      cadence { salesloftId name }
      owner { salesloftId name email }
      attendees { email name status }
    }"""
QUERY = f"""{{
  meetings(first: 100) {{
    {NODES}
  }}
}}"""
ENDING = """query ($at: DateTime) {
  meetings(first: %d, filter: {startTime: {gte: "2000-01-01T00:00:00Z"}, endTime: {gt: $at}}) {
    %s
  }
}"""
"""A condition that every row meets, and that upstream is not asked for: other operations, the same calls."""
BEFORE = f"""query ($at: DateTime) {{
  meetings(first: 100, filter: {{startTime: {{lt: $at}}}}) {{
    {NODES}
  }}
}}"""
"""Another page for every value: nobody in common, no call that is another's."""
NEW = f"query {MARK.decode()} {QUERY}"
"""Another document for every value."""
HIVE_QUERY = """{
  meetings(first: 100) {
    nodes {
      sourceId: id title startTime: start_time
      person: fullPerson { salesloftId: id firstName: first_name email: email_address }
      cadence: fullCadence { salesloftId: id name }
      owner { salesloftId: id name email }
      attendees { email name status }
    }
  }
}"""
"""The same answer: Mesh's fields have their upstream names, which aliases change."""

OURS, OURS_WARM, JIT = "this project", "this project, warm records", "graphql-yoga + graphql-jit"
JIT_CACHED = f"{JIT} + response cache"
OURS_ALONE, OURS_VARIED = (f"{name}, no query twice" for name in (OURS, OURS_WARM))
BY_HAND = "by hand"
OURS_APART, JIT_APART, BY_HAND_APART = (f"{name}, every query another page" for name in (OURS, JIT, BY_HAND))
OURS_NEW, JIT_NEW = (f"{name}, every document new" for name in (OURS_WARM, JIT))
OURS_TWO, JIT_TWO = (f"{name}, two processes" for name in (OURS_ALONE, JIT))
OURS_ONE, JIT_CACHED_ONE = (f"{name}, one meeting" for name in (OURS_VARIED, JIT_CACHED))
TAILCALL, HIVE, STRAWBERRY = "Tailcall", "Hive Gateway + Mesh", "Strawberry"
NOTHING = "0,0"
KINDS = ("PAGES", "WINDOW", "DIRECTORIES", "PEOPLE", "USERS", "CADENCES", "STEPS", "ACCOUNTS", "TASKS", "CONVERSATIONS")


def sized(name: str, size: int) -> str:
    """One of the peers, asked for pages of a size."""
    return f"{name}, first: {size}"


Start = Callable[[str, Path], Server]


def instants() -> list[str]:
    """Instants before any meeting ends, other ones each time."""
    start = dt.datetime(1990, 1, 1, tzinfo=dt.UTC) + dt.timedelta(days=secrets.randbelow(3_000))
    return [rows.told(start + dt.timedelta(microseconds=number)) for number in range(1, MOST_VALUES)]


def pages() -> list[str]:
    """Where pages of 100 begin that have nothing in common."""
    return [rows.told(rows.EPOCH + dt.timedelta(hours=number + 1)) for number in range(rows.MEETINGS, 99, -100)]


def names() -> list[str]:
    """Names of operations, as long as the mark is."""
    start = secrets.randbelow(10**12) * MOST_VALUES
    return [f"Q{start + number:0{len(MARK) - 1}d}" for number in range(MOST_VALUES)]


@dataclass(frozen=True)
class Question:
    """What a gateway is asked again and again.

    Attributes:
        query: The document.
        values: What its queries have in the mark's place, or in their variable `at`; none for always the same query.
        each: Whether each value has an answer of its own.
        size: Meetings of an answer.
    """

    query: str
    values: Callable[[], Sequence[str]] = tuple
    each: bool = False
    size: int = 100

    def body(self, value: str | None = None) -> bytes:
        """The request's JSON, with a value in it, or the mark."""
        mark = MARK.decode()
        asked = {"query": self.query, **({"variables": {"at": mark}} if "$at" in self.query else {})}
        return json.dumps(asked).replace(mark, value or mark).encode()


SAME = Question(QUERY)
ALONE = Question(ENDING % (100, NODES), instants)
APART = Question(BEFORE, pages, each=True)
EVERY_NEW = Question(NEW, names)


@dataclass(frozen=True)
class Peer:
    """One that is measured.

    Attributes:
        name: What it is called in the tables.
        how: Its configuration, in words.
        needs: The folder under benchmarks/ whose packages it needs; empty for none beyond the project's own.
        start: Starts it, given the upstream's URL and a folder for what it makes; those of the same start share a
            process.
        asked: What it is asked.
        cells: Delays and clients that it is measured with; all of the plan's unless given.
    """

    name: str
    how: str
    needs: str
    start: Start
    asked: Question = SAME
    cells: Collection[tuple[int, int]] | None = None

    def measured(self, delay: int, connections: int) -> bool:
        """Whether it is measured with a delay and so many clients."""
        return self.cells is None or (delay, connections) in self.cells


def ours(settings: Mapping[str, str], workers: int = 1) -> Start:
    """This project with some settings."""

    def start(upstream: str, _: Path) -> Server:
        port = free_port()
        given = {
            "SALESLOFT_URL": upstream,
            "SALESLOFT_TOKEN": "benchmark",
            "SALESLOFT_RATE_LIMIT": "1000000",
            "GATEWAY_CLIENT_RATE": "1000000",
            "GATEWAY_CLIENT_COST": "1000000",
            **settings,
        }
        command = [sys.executable, "-m", "gateway", "serve", "--port", str(port), "--workers", str(workers)]
        return Server(command, port, given, ROOT)

    return start


COLD = {f"GATEWAY_TTL_{kind}": NOTHING for kind in KINDS}


def _by_hand(upstream: str, _: Path) -> Server:
    port = free_port()
    return Server([sys.executable, "-m", "benchmarks.gateways.by_hand", str(port), upstream], port, {}, ROOT)


def _node(script: str, **settings: str) -> Start:
    def start(upstream: str, _: Path) -> Server:
        port = free_port()
        given = {"NODE_ENV": "production", "PORT": str(port), "UPSTREAM": upstream, **settings}
        return Server(["node", script], port, given, PEERS / "node")

    return start


def _tailcall(upstream: str, made: Path) -> Server:
    port = free_port()
    text = (PEERS / "tailcall" / "gateway.graphql").read_text(encoding="utf-8")
    config = made / "tailcall.graphql"
    config.write_text(Template(text).safe_substitute(PORT=port, UPSTREAM=upstream), encoding="utf-8")
    program = next((PEERS / "tailcall" / "node_modules").glob("@tailcallhq/*/bin/tailcall"), None)
    if program is None:
        raise NotUpError("its program is not installed")
    program.chmod(0o755)
    quiet = {"TAILCALL_TELEMETRY": "false", "TAILCALL_TRACKER": "false", "TAILCALL_LOG_LEVEL": "error"}
    return Server([program, "start", config], port, quiet, made)


def _hive(upstream: str, made: Path) -> Server:
    port, folder = free_port(), PEERS / "hive"
    given = {
        "NODE_ENV": "production",
        "PORT": str(port),
        "UPSTREAM": upstream,
        "SUPERGRAPH": str(made / "hive.graphql"),
    }
    compose = ["node", "node_modules/.bin/mesh-compose", "-c", "mesh.config.mjs", "-o", given["SUPERGRAPH"]]
    try:
        environment = {**os.environ, **given}
        subprocess.run(compose, cwd=folder, env=environment, check=True, capture_output=True, timeout=COMPOSING)
    except (OSError, subprocess.SubprocessError) as error:
        raise NotUpError(f"its supergraph could not be composed: {type(error).__name__}") from None
    command = ["node", "node_modules/.bin/hive-gateway", "supergraph", "-c", "gateway.config.mjs"]
    return Server(command, port, given, folder)


def _strawberry(upstream: str, _: Path) -> Server:
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.gateways.strawberry_app", str(port), upstream]
    return Server(command, port, {}, ROOT)


BUSY = ((0, 1), (0, 32))
SLOW = ((50, 1),)
COLD_START, WARM_START, YOGA, CACHED = ours(COLD), ours({}), _node("yoga.mjs"), _node("yoga.mjs", CACHED="1")
PEERS_OF_OURS: tuple[Peer, ...] = (
    Peer(OURS, "every lifetime 0: nothing is kept, what runs at the same time is shared", "", ours(COLD)),
    Peer(
        OURS_ALONE,
        "the same, each query with another value of its variable, so that no operation is run for several",
        "",
        COLD_START,
        ALONE,
    ),
    Peer(OURS_WARM, "default lifetimes", "", ours({})),
    Peer(OURS_VARIED, "likewise, so that no answer is given again", "", WARM_START, ALONE),
    Peer(
        JIT, "DataLoader for each request, undici with 64 connections, NODE_ENV=production", "node", _node("yoga.mjs")
    ),
    Peer(JIT_CACHED, "the same and its plugin, which keeps whole answers for 10 s", "node", CACHED),
    Peer("mercurius + jit", "its own loaders, jit: 1, Fastify, undici likewise", "node", _node("mercurius.mjs")),
    Peer(TAILCALL, "batches of 100 gathered for 1 ms across requests, two worker threads", "tailcall", _tailcall),
    Peer(HIVE, "batched by key, fork: 1, NODE_ENV=production", "hive", _hive, Question(HIVE_QUERY)),
    Peer(STRAWBERRY, "parser and validation caches, DataLoader for each request, aiohttp, uvloop", "", _strawberry),
    Peer(
        BY_HAND,
        "one function that knows nothing but this query: the same calls and bytes, by uvicorn, aiohttp and msgspec",
        "",
        _by_hand,
        ALONE,
        cells=BUSY,
    ),
    Peer(
        OURS_APART,
        "cold, and each client asks for another page: the team's 20 users and 12 cadences are all that is in common",
        "",
        COLD_START,
        APART,
        cells=BUSY,
    ),
    Peer(JIT_APART, "likewise", "node", YOGA, APART, cells=BUSY),
    Peer(BY_HAND_APART, "likewise", "", _by_hand, APART, cells=BUSY),
    Peer(OURS_NEW, "default lifetimes, each document sent once", "", WARM_START, EVERY_NEW, cells=BUSY[:1]),
    Peer(JIT_NEW, "likewise, four calls each", "node", YOGA, EVERY_NEW, cells=BUSY[:1]),
    Peer(OURS_TWO, "cold, no query twice, `--workers 2`", "", ours(COLD, 2), ALONE, cells=BUSY[1:]),
    Peer(JIT_TWO, "node:cluster", "node", _node("yoga.mjs", WORKERS="2"), cells=BUSY[1:]),
    Peer(
        OURS_ONE,
        "default lifetimes, no query twice",
        "",
        WARM_START,
        Question(ENDING % (1, NODES), instants, size=1),
        cells=BUSY[:1],
    ),
    Peer(
        JIT_CACHED_ONE,
        "always the same query",
        "node",
        CACHED,
        Question(QUERY.replace("100", "1"), size=1),
        cells=BUSY[:1],
    ),
    *(
        Peer(
            sized(name, size),
            "no query twice" if start is COLD_START else "pages of 100 at a time",
            "" if start is COLD_START else "node",
            start,
            Question(ENDING % (size, NODES), instants, size=size),
            cells=SLOW,
        )
        for size in (25, 100, 500)
        for name, start in ((OURS, COLD_START), (JIT, YOGA))
    ),
)
