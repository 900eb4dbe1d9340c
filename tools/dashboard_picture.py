"""Draws docs/images/dashboard.svg: the panels of the Grafana dashboard, without a Grafana.

Runs the demo on a day with failures under a load of its own, lets a real Prometheus (Debian's package `prometheus`)
watch it for some minutes, asks that for each panel's own queries, and draws what it answers.

    .venv/bin/python -m tools.dashboard_picture
"""

from __future__ import annotations

import asyncio
import datetime as dt
import itertools
import os
import random
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import aiohttp
import msgspec

from tests.operations.prometheus import DASHBOARD, ROOT, Prometheus, watching

PICTURE = ROOT / "docs" / "images" / "dashboard.svg"
MINUTES, STEP = 6, 5
BAD_DAY = ("--latency", "80", "--fail", "4")
QUERIES = (
    "query Agenda($first: Int) { meetings(first: $first) { nodes { title owner { name } person { name } } } }",
    "query People($first: Int) { people(first: $first) { nodes { name account { name } } } }",
    "query Report($days: DayRange) { meetingStats(filter: {days: $days}, groupBy: OWNER) { total { meetings } } }",
    "query Mistaken { meetings { title } }",
)
TODAY = dt.datetime.now(dt.UTC).date()
MONTH = {"days": {"from": f"{TODAY - dt.timedelta(30)}", "to": f"{TODAY}", "timeZone": "UTC"}}
WATCH = "subscription { meetingChanged { kind meeting { title } } }"

COLUMNS, WIDTH, HEIGHT, PLOT, HEADING = 3, 400, 176, 92, 34
COLOURS = ("#3987e5", "#2fa35e", "#e0872c", "#d9534f", "#9a6fd0", "#1f9fae", "#b0851f", "#8a8f98")
SHOWN = 6
"""Series that a panel's legend names."""
NAME = 26
"""Characters of a name."""
STYLE = """<style>
text { font: 11px system-ui, sans-serif; fill: #1f2328 } .s { fill: #636c76 } .h { font-size: 14px; font-weight: 600 }
.b { font-weight: 600; font-size: 12px } .page { fill: #f4f5f5 }
.panel { fill: #fff; stroke: #d8dbdf } .line { stroke: #e4e7ea }
@media (prefers-color-scheme: dark) {
text { fill: #e3e5e8 } .s { fill: #9ba1a9 } .page { fill: #111217 }
.panel { fill: #181b1f; stroke: #2c3038 } .line { stroke: #2a2e35 }
}</style>"""

Line = Sequence[tuple[float, float]]


async def load(url: str, until: float) -> None:
    """Several people at work, in waves, and two who watch."""
    dice = random.Random(7)  # noqa: S311 - no secrets here
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None)) as session:

        async def watch() -> None:
            headers = {"Accept": "text/event-stream"}
            async with session.post(url, json={"query": WATCH}, headers=headers) as events:
                await events.content.read()

        watchers = [asyncio.create_task(watch()) for _ in range(2)]
        for turn in itertools.count():
            if time.monotonic() > until:
                break
            for query in dice.choices(QUERIES, weights=(12, 6, 2, 1), k=2 + turn // 30 % 3 * 2):
                asked = {"query": query, "variables": {"first": dice.randint(1, 9), **MONTH}}
                async with session.post(url, json=asked) as answer:
                    await answer.read()
            await asyncio.sleep(0.5)
        for each in watchers:
            each.cancel()
        await asyncio.gather(*watchers, return_exceptions=True)


def measured() -> list[tuple[dict[str, Any], dict[str, Line]]]:
    """Each panel of the dashboard, with its lines by name."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    names = ",".join(re.findall(r"query (\w+)", " ".join(QUERIES)))
    environment = {**os.environ, "GATEWAY_METRICS_OPERATIONS": names, "GATEWAY_CLIENT_RATE": "100000"}
    command = [sys.executable, "-m", "gateway", "demo", "--port", str(port), *BAD_DAY]
    demo = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        assert demo.stdout is not None
        next(line for line in demo.stdout if "Ctrl-C" in line)
        with tempfile.TemporaryDirectory() as folder, watching(Path(folder), url) as prometheus:
            asyncio.run(load(f"{url}/graphql", time.monotonic() + MINUTES * 60))
            now = time.time()
            panels = msgspec.json.decode(DASHBOARD.read_bytes())["panels"]
            return [(panel, lines(prometheus, panel, now)) for panel in panels]
    finally:
        demo.terminate()
        demo.wait(60)


def lines(prometheus: Prometheus, panel: Mapping[str, Any], now: float) -> dict[str, Line]:
    """What the panel's queries answer, as Grafana would ask them, of all minutes but the first."""
    found: dict[str, Line] = {}
    for target in panel.get("targets", ()):
        query = target["expr"].replace("$__rate_interval", "1m").replace("$instance", ".*")
        start = now - (MINUTES - 1) * 60
        answer = prometheus.get("query_range", query=query, start=str(start), end=str(now), step=str(STEP))
        for series in answer["result"]:
            values = {**series["metric"], "instance": "gateway:8000"}
            name = target["legendFormat"]
            for label in re.findall(r"\{\{(\w+)\}\}", name):
                name = name.replace(f"{{{{{label}}}}}", values.get(label, ""))
            found[name] = [(float(at) - start, float(value)) for at, value in series["values"] if value != "NaN"]
    return {name: line for name, line in found.items() if line}


def short(value: float, unit: str) -> str:
    """A value as the panel's axis shows it."""
    if unit == "bytes":
        return f"{value / 2**20:,.3g} MiB"
    if unit == "percentunit":
        return f"{value:.0%}"
    if unit == "s":
        return f"{value * 1000:.3g} ms" if value < 1 else f"{value:.3g} s"
    return f"{value:,.3g}" + (" /s" if unit in {"reqps", "ops"} else "")


def drawn(panel: Mapping[str, Any], found: Mapping[str, Line]) -> list[str]:
    """One panel, from its own corner on."""
    unit, wide = panel["fieldConfig"]["defaults"]["unit"], WIDTH - 24
    parts = [
        f'<rect class="panel" x="4" y="4" width="{WIDTH - 8}" height="{HEIGHT - 8}" rx="4"/>',
        f'<text class="b" x="12" y="22">{escape(panel["title"])}</text>',
    ]
    if not found:
        return [*parts, f'<text class="s" x="{WIDTH / 2}" y="90" text-anchor="middle">No data</text>']
    if panel["type"] == "stat":
        moment = max(value for line in found.values() for _, value in line) / 1000
        shown = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(moment))
        return [*parts, f'<text class="h" x="{WIDTH / 2}" y="90" text-anchor="middle">{shown}</text>']
    highest = max(value for line in found.values() for _, value in line)
    top = 1.1 * highest or 1.0
    parts += [f'<path class="line" d="M12 {32 + PLOT * k / 2}h{wide}"/>' for k in range(3)]
    parts.append(f'<text class="s" x="{WIDTH - 12}" y="22" text-anchor="end">max {short(highest, unit)}</text>')
    ranked = sorted(found.items(), key=lambda each: -max(value for _, value in each[1]))
    for (_, line), colour in zip(ranked, itertools.cycle(COLOURS), strict=False):
        points = " ".join(
            f"{12 + x / ((MINUTES - 1) * 60) * wide:.0f},{32 + PLOT * (1 - y / top):.0f}" for x, y in line
        )
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
    legend = [(name if len(name) <= NAME else f"{name[: NAME - 1]}…") for name, _ in ranked]
    keys = list(zip(legend, COLOURS, strict=False))
    if len(legend) > SHOWN:
        keys = [*keys[: SHOWN - 1], (f"and {len(legend) - SHOWN + 1} more", "none")]
    for place, (name, colour) in enumerate(keys):
        x, y = 12 + place % 2 * wide // 2, 140 + place // 2 * 13
        parts.append(
            f'<rect x="{x}" y="{y - 5}" width="10" height="3" fill="{colour}"/>'
            f'<text class="s" x="{x + 14}" y="{y}">{escape(name)}</text>'
        )
    return parts


def picture(panels: Sequence[tuple[Mapping[str, Any], Mapping[str, Line]]]) -> str:
    """All panels, row by row, in the dashboard's order."""
    parts: list[str] = []
    y, column = 0, 0
    for panel, found in panels:
        if panel["type"] == "row":
            y, column = y + HEIGHT * (column > 0) + HEADING, 0
            parts.append(f'<text class="h" x="8" y="{y - 10}">{escape(panel["title"])}</text>')
            continue
        parts += [f'<g transform="translate({column * WIDTH},{y})">', *drawn(panel, found), "</g>"]
        y, column = y + HEIGHT * (column == COLUMNS - 1), (column + 1) % COLUMNS
    wide, high = COLUMNS * WIDTH, y + HEIGHT * (column > 0)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" width="{wide}" height="{high}">'
    return "\n".join([head, STYLE, f'<rect class="page" width="{wide}" height="{high}"/>', *parts, "</svg>\n"])


if __name__ == "__main__":
    if shutil.which("prometheus") is None:
        sys.exit("There is no prometheus: apt-get install --no-install-recommends prometheus")
    PICTURE.write_text(picture(measured()), encoding="utf-8")
