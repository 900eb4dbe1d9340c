"""Every peer over one upstream with one query: the answers compared, then medians of interleaved runs."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.gateways import rows
from benchmarks.gateways.peers import PEERS_OF_OURS, ROOT, SAME, Peer, Question, Start
from benchmarks.gateways.processes import NotUpError, Server

LOAD_GRACE = 60
ANSWERING = 30


@dataclass(frozen=True)
class Plan:
    """How much is measured.

    Attributes:
        rounds: Runs of each cell, in turns.
        seconds: How long one is.
        warming: Seconds of load before the first.
        delays: Milliseconds that the upstream takes.
        connections: Clients at a time.
    """

    rounds: int = 3
    seconds: float = 1.5
    warming: float = 2.0
    delays: tuple[int, ...] = (0, 50)
    connections: tuple[int, ...] = (1, 32, 256)


@dataclass(frozen=True)
class Cell:
    """What was measured of one peer with one delay and so many connections; medians.

    Attributes:
        per_second: Queries answered.
        p50: Milliseconds that half of them took at most.
        p99: Milliseconds that 99 of 100 took at most.
        cpu: Milliseconds of CPU a query, of the whole process tree.
        calls: Upstream calls a query.
        count: Queries of all runs.
        wrong: Of them, those refused or answered unlike the first.
    """

    peer: str
    delay: int
    connections: int
    per_second: float
    p50: float
    p99: float
    cpu: float
    calls: float
    count: int
    wrong: int


class Upstream:
    """The upstream's process, and its control.

    Args:
        world: How many users the team has, and how many meetings Drift; Salesloft's usual world where nothing is given.
    """

    def __init__(self, *world: int) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.gateways.upstream", *map(str, world)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self.url = f"http://127.0.0.1:{int(self._process.stdout.readline())}"

    def calls(self) -> int:
        """Calls since this was last asked."""
        with urllib.request.urlopen(f"{self.url}/_stats", timeout=ANSWERING) as answer:  # noqa: S310 - our own
            return sum(json.load(answer).values())

    def delay(self, milliseconds: int) -> None:
        """Sets how long each answer waits."""
        urllib.request.urlopen(f"{self.url}/_delay?ms={milliseconds}", timeout=ANSWERING).close()  # noqa: S310 - our own

    def end(self) -> None:
        """Ends it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(ANSWERING)


def load(server: Server, asked: Question, connections: int, seconds: float) -> dict[str, float]:
    """One run of load."""
    command = [sys.executable, "-m", "benchmarks.gateways.load", url(server), str(connections), str(seconds)]
    command += ["each"] * asked.each
    lines = b"\n".join([asked.body(), *(value.encode() for value in asked.values())])
    done = subprocess.run(
        command, cwd=ROOT, input=lines, stdout=subprocess.PIPE, check=True, timeout=seconds + LOAD_GRACE
    )
    told: dict[str, float] = json.loads(done.stdout)
    return told


def url(server: Server) -> str:
    """Where a server answers."""
    return f"http://127.0.0.1:{server.port}/graphql"


def ask(server: Server, body: bytes, *, traced: bool = False) -> Any:
    """The answer to one request."""
    head = {"Content-Type": "application/json", **({"X-Gateway-Trace": "1"} if traced else {})}
    request = urllib.request.Request(url(server), body, head)  # noqa: S310 - our own
    with urllib.request.urlopen(request, timeout=ANSWERING) as answer:  # noqa: S310 - our own
        return json.load(answer)


def expected(size: int = 100, last: int = rows.MEETINGS) -> Any:
    """What every peer has to answer, made from the rows themselves: so many meetings from the last one back."""
    nodes = []
    for number in range(last, last - size, -1):
        row = rows.meeting(number)
        person, cadence = rows.person(row["person"]["id"]), rows.cadence(row["cadence"]["id"])
        owner = rows.user(int(row["owned_by_user"]["id"][-12:]))
        nodes.append(
            {
                "sourceId": str(row["id"]),
                "title": row["title"],
                "startTime": row["start_time"],
                "person": {
                    "salesloftId": str(person["id"]),
                    "firstName": person["first_name"],
                    "email": person["email_address"],
                },
                "cadence": {"salesloftId": str(cadence["id"]), "name": cadence["name"]},
                "owner": {"salesloftId": str(owner["id"]), "name": owner["name"], "email": owner["email"]},
                "attendees": [
                    {"email": each["email"], "name": each["name"], "status": each["status"].upper()}
                    for each in row["attendees"]
                ],
            }
        )
    return {"meetings": {"nodes": nodes}}


def normal(answer: Any) -> Any:
    """An answer's data, whether its ids are numbers and however its words are spelt."""
    if isinstance(answer, dict):
        return {
            key: value.upper().replace("_", "") if key == "status" else normal(value) for key, value in answer.items()
        }
    if isinstance(answer, list):
        return [normal(each) for each in answer]
    return str(answer) if isinstance(answer, int) else answer


@contextmanager
def running(peers: Sequence[Peer], missing: dict[str, str], unable: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """An upstream and everybody who can be started and answers rightly, by name; why not goes into `missing`."""
    with ExitStack() as stack:
        made = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        upstream = Upstream()
        stack.callback(upstream.end)
        servers: dict[str, Server] = {}
        started: dict[Start, Server] = {}
        for peer in peers:
            if reason := unable.get(peer.needs):
                missing[peer.name] = reason
                continue
            try:
                server = started.get(peer.start)
                if server is None:
                    server = started[peer.start] = peer.start(upstream.url, made)
                    stack.callback(server.end)
                    server.wait()
                wrong = _wrong(server, peer.asked)
            except (NotUpError, OSError, ValueError) as error:
                missing[peer.name] = str(error) or type(error).__name__
                continue
            if wrong is not None:
                missing[peer.name] = wrong
                continue
            servers[peer.name] = server
        yield {"upstream": upstream, "servers": servers}


def _wrong(server: Server, asked: Question) -> str | None:
    """What is wrong with the answers to a question's first two values; None where nothing is."""
    for place, value in enumerate(asked.values()[:2] or [""]):
        answer = ask(server, asked.body(value))
        last = rows.MEETINGS - place * asked.size if asked.each else rows.MEETINGS
        if normal(answer.get("data")) != expected(asked.size, last):
            faults = [error.get("message", "") for error in answer.get("errors", ())]
            return f"answers something else {faults[:1]}"
    return None


def measure(plan: Plan, unable: Mapping[str, str]) -> dict[str, Any]:
    """Every cell, peak memory, and who is missing."""
    missing: dict[str, str] = {}
    peers = {peer.name: peer for peer in PEERS_OF_OURS}
    runs: dict[tuple[int, int, str], list[dict[str, float]]] = {}
    with running(PEERS_OF_OURS, missing, unable) as up:
        upstream, servers = up["upstream"], up["servers"]
        for name, server in servers.items():
            load(server, peers[name].asked, 8, plan.warming)
        for turn in range(plan.rounds):
            for delay in plan.delays:
                upstream.delay(delay)
                for connections in plan.connections:
                    due = {name: each for name, each in servers.items() if peers[name].measured(delay, connections)}
                    for name, server in due.items():
                        figures = _run(upstream, server, peers[name], connections, plan.seconds)
                        runs.setdefault((delay, connections, name), []).append(figures)
            _say(f"gateways: round {turn + 1} of {plan.rounds}")
        upstream.delay(0)
        peaks = {name: server.peak() for name, server in servers.items()}
        ours = servers.get(PEERS_OF_OURS[0].name)
        trace = ask(ours, SAME.body(), traced=True)["extensions"]["upstream"] if ours else {}
    return {
        "cells": [asdict(_cell(*key, figures)) for key, figures in runs.items()],
        "peaks": peaks,
        "missing": missing,
        "how": {peer.name: peer.how for peer in PEERS_OF_OURS},
        "waves": trace.get("waves", 0),
    }


def _run(upstream: Upstream, server: Server, peer: Peer, connections: int, seconds: float) -> dict[str, float]:
    upstream.calls()
    before = server.cpu()
    told = load(server, peer.asked, connections, seconds)
    count = max(1.0, told["count"])
    told["cpu"] = (server.cpu() - before) / count * 1_000
    told["calls"] = upstream.calls() / count
    return told


def _cell(delay: int, connections: int, name: str, runs: Sequence[Mapping[str, float]]) -> Cell:
    def middle(figure: str) -> float:
        return statistics.median(run[figure] for run in runs)

    return Cell(
        peer=name,
        delay=delay,
        connections=connections,
        per_second=statistics.median(run["count"] / run["seconds"] for run in runs),
        p50=middle("p50"),
        p99=middle("p99"),
        cpu=middle("cpu"),
        calls=middle("calls"),
        count=int(sum(run["count"] for run in runs)),
        wrong=int(sum(run["refused"] + run["unlike"] for run in runs)),
    )


def _say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)
