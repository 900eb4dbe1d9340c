"""Who is measured, how each is set up and started, and what each is asked."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Template

from benchmarks.gateways.processes import NotUpError, Server, free_port

HERE = Path(__file__).resolve().parent
PEERS, ROOT = HERE.parent, HERE.parent.parent
COMPOSING = 120
"""Seconds that making a supergraph may take."""

QUERY = """{
  meetings(first: 100) {
    nodes {
      sourceId title startTime
      person { salesloftId firstName email }
      cadence { salesloftId name }
      owner { salesloftId name email }
      attendees { email name status }
    }
  }
}"""
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
OURS_ALONE, OURS_VARIED = (f"{name}, no query twice" for name in (OURS, OURS_WARM))
TAILCALL, HIVE, STRAWBERRY = "Tailcall", "Hive Gateway + Mesh", "Strawberry"
NOTHING = "0,0,0"
KINDS = ("PAGES", "WINDOW", "DIRECTORIES", "PEOPLE", "USERS", "CADENCES", "STEPS", "ACCOUNTS", "TASKS", "CONVERSATIONS")

Start = Callable[[str, Path], Server]


@dataclass(frozen=True)
class Peer:
    """One that is measured.

    Attributes:
        name: What it is called in the tables.
        how: Its configuration, in words.
        needs: The folder under benchmarks/ whose packages it needs; empty for none beyond the project's own.
        start: Starts it, given the upstream's URL and a folder for what it makes.
        query: What it is asked.
        varied: Whether each query has other variables, which its document does not name; the answer is the same.
    """

    name: str
    how: str
    needs: str
    start: Start
    query: str = QUERY
    varied: bool = False


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


PEERS_OF_OURS: tuple[Peer, ...] = (
    Peer(OURS, "every lifetime 0: nothing is kept, what runs at the same time is shared", "", ours(COLD)),
    Peer(
        OURS_ALONE,
        "the same, each query with other variables, so that no operation is run for several",
        "",
        ours(COLD),
        varied=True,
    ),
    Peer(OURS_WARM, "default lifetimes", "", ours({})),
    Peer(
        OURS_VARIED,
        "likewise, so that no answer is given again",
        "",
        ours({}),
        varied=True,
    ),
    Peer(
        JIT, "DataLoader for each request, undici with 64 connections, NODE_ENV=production", "node", _node("yoga.mjs")
    ),
    Peer(
        f"{JIT} + response cache",
        "the same and its plugin, which keeps whole answers for 10 s",
        "node",
        _node("yoga.mjs", CACHED="1"),
    ),
    Peer("mercurius + jit", "its own loaders, jit: 1, Fastify, undici likewise", "node", _node("mercurius.mjs")),
    Peer(TAILCALL, "batches of 100 gathered for 1 ms across requests, two worker threads", "tailcall", _tailcall),
    Peer(HIVE, "batched by key, fork: 1, NODE_ENV=production", "hive", _hive, query=HIVE_QUERY),
    Peer(STRAWBERRY, "parser and validation caches, DataLoader for each request, aiohttp, uvloop", "", _strawberry),
)
