"""Results as Markdown and pictures."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import goals, plots
from benchmarks.gateways.peers import BY_HAND, OURS, OURS_ALONE, OURS_APART, OURS_VARIED, OURS_WARM, QUERY

HERE = Path(__file__).resolve().parent
PYTHON = ("strawberry-graphql", "graphql-core", "msgspec", "aiohttp", "aiodataloader", "starlette", "uvicorn", "uvloop")
LOCKS = ("node", "hive", "tailcall")
ENGINE = "this project"
MARKDOWN = {"entities": "Entities for a router", "tuning": "Start-up", "endless": "Endless distinct documents"}
"""Parts that write their own tables."""

AXES = {
    "page size": "meetings a page",
    "nesting": "step of nesting",
    "depth in the list": "meetings before the page",
    "window": "meetings of Drift",
    "team": "users",
    "workers": "processes",
}


def machine() -> dict[str, str]:
    """What this is measured on: nothing that names it."""
    kind = next(iter(_lines("/proc/cpuinfo", "model name")), platform.machine())
    memory = int(next(iter(_lines("/proc/meminfo", "MemTotal")), "0 kB").split()[0])
    node = subprocess.run(["node", "--version"], capture_output=True, text=True, check=False)
    return {
        "processor": f"{kind}, {os.cpu_count()} cores",
        "memory": f"{memory / 1024**2:.0f} GB",
        "load before": f"{os.getloadavg()[0]:.1f}",
        "system": f"{platform.system()} {platform.release()}",
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        "Node.js": node.stdout.strip().removeprefix("v") or "none",
        **{name: importlib.metadata.version(name) for name in PYTHON},
        **{name: version for folder in LOCKS for name, version in _asked(folder).items()},
    }


def _lines(path: str, name: str) -> list[str]:
    text = Path(path).read_text(encoding="utf-8") if Path(path).exists() else ""
    return [line.partition(":")[2].strip() for line in text.splitlines() if line.startswith(name)]


def _asked(folder: str) -> dict[str, str]:
    told = json.loads((HERE / folder / "package.json").read_text(encoding="utf-8"))
    found: dict[str, str] = told["dependencies"]
    return found


def write(results: Mapping[str, Any], folder: Path) -> None:
    """Writes results.json, RESULTS.md and the pictures."""
    (folder / "plots").mkdir(parents=True, exist_ok=True)
    (folder / "results.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    pictures = dict(_pictures(results))
    for name, picture in pictures.items():
        (folder / "plots" / f"{name}.svg").write_text(picture, encoding="utf-8")
    (folder / "RESULTS.md").write_text(markdown(results, pictures), encoding="utf-8")


def markdown(results: Mapping[str, Any], pictures: Iterable[str]) -> str:
    """The page."""
    shown = set(pictures)
    parts = [
        "# Results",
        INTRODUCTION,
        "## Goals",
        goals.table(results),
        "Parity with graphql-core is no figure: it is held by the tests (`tests/execution`).",
    ]
    if "engine" in results:
        parts += ["## Engines", ENGINES, _engines(results["engine"])]
        if reason := results.get("engine_missing"):
            parts.append(f"Engines of Node.js were not measured: {reason}.")
    parts += _single(results)
    if "gateways" in results:
        parts += _gateways(results["gateways"], shown)
    if "growth" in results:
        parts += ["## Growth", GROWTH, *([picture("growth")] if "growth" in shown else [])]
        parts += [_curve(name, points) for name, points in results["growth"].items()]
    if "emulators" in results:
        parts += [
            "## Emulators",
            "Milliseconds of CPU of the emulators' thread for a page, asked for over a socket, lists sorted before.",
        ]
        parts.append(_figures("page", "ms", results["emulators"]))
    for page in sorted(HERE.glob("*/RESULT.md")):
        parts += [f"## {page.parent.name.title()}", page.read_text(encoding="utf-8").strip()]
    parts += [f"Not measured: {part}, since it failed." for part in results.get("failed", {})]
    parts += ["## Machine and versions"]
    parts.append(grid(["", ""], [[name, version] for name, version in results["machine"].items()], words=1))
    return "\n\n".join(parts) + "\n"


INTRODUCTION = """Written by `make bench`, which [benchmarks/README.md](README.md) explains. Medians of
interleaved runs on one machine; read ratios, not figures. Everything runs on loopback, upstream and load
generator beside what is measured, so that it is CPU a query that decides."""

ENGINES = """Milliseconds of CPU for one answer as JSON, in process, document parsed and validated
(Strawberry's by its caches). M100 is 100 meetings with everything around them: 3,907 fields, 106 KB; M10 is
ten; tiny is one field. `by hand` is a function that knows nothing but this query. JSON is msgspec's for
Python's engines (as fast as orjson), `JSON.stringify` for Node.js's. Ids are made in base64, instants
formatted, and people, cadences and users loaded in batches by all of them. Python's collector is set as a
serving process sets it (`gateway/runtime/server.py`), for all of Python's engines."""

GATEWAYS = f"""The same answer (compared before anything is measured) over one upstream that speaks Salesloft's lists;
one process each, unless a row says more. `c` is how many clients ask at a time; CPU is that of the whole process tree.

The rows `every query another page` are those to look at first: no client asks for anything that another one asks for,
but the team's 20 users and 12 cadences. Then the rows `no query twice`: all clients ask for the same page, each by an
operation of its own, so that upstream calls are shared, and answers are not. All other rows are of clients that ask the
same query: {OURS} runs equal operations that are under way once, and gives an answer again while its records are the
same. `{BY_HAND}` is a function that knows nothing but this query.

It asks {{waves}} times in a row for this query where others ask twice, since it also looks whether rows of the page's
last instant go on."""

BOMBS = """Milliseconds of CPU of a document of the largest size (`GATEWAY_MAX_DOCUMENT`), or of a list among its
variables, until it is refused or answered; sent for the first time each."""

ODD = """Milliseconds of CPU to read an answer where every row is as the vendor documents it, and one where a field of
every row has another type, as on the day of a vendor's change. An answer with far too many rows is refused before any
is made."""

STATS = """Milliseconds of CPU to count 5,000 meetings in all and in groups, beyond reading them."""

DASHBOARD = """Eight weeks by owner and status (`meetingStats`), polled every minute for an hour: units of the vendors'
limits, counted exactly, where nothing is cached at first. How many meetings that is stands in the first line."""

LIVE = """What 1,000 subscriptions by server-sent events take in one process: memory and CPU while nothing
happens, and the CPU of one change, from the vendor's delivery to the last subscriber: reading the meeting again,
comparing it, running the operation, and 1,000 writes to sockets."""

HELD = """What an organization of 20,000 events in the window of Calendly takes: the calls of its first read, what its
records hold of memory, and the milliseconds of CPU of a page of 100 once they are read."""

MEMORY = """What people cost while they are cached, as many as the default store holds: memory of one, CPU of a full
garbage collection, and the memory of a process that has answered one query."""

CROWD = """A thousand different queries at once, whose upstream calls take a second each: milliseconds that /healthz
takes meanwhile. Load generator, upstream and gateway share the machine."""

GROWTH = """This project alone, one client at a time but for `workers`, over the same upstream with no
delay: milliseconds of CPU a query (cpu), milliseconds to the answer (p50), upstream calls a query. A step of
nesting adds a relation or a level below 25 meetings. `depth` is how many meetings lie before the page of 25
that is asked for; `window` and `team` how many meetings Drift holds, and users the team has, beside
a page of 25 with its owners. No query is asked twice, so that no answer is given again."""


TRACING = "Milliseconds of CPU for a page of 100 meetings, records warm, by how much is traced."


def _single(results: Mapping[str, Any]) -> list[str]:
    """What is measured of this project alone, in one table each."""
    parts = []
    for name, title in MARKDOWN.items():
        if name in results:
            parts += [f"## {title}", results[name]]
    for name, (title, text, told) in TABLES.items():
        if name in results:
            parts += [f"## {title}", text, told(results[name])]
    return parts


def _live(measured: Mapping[str, Mapping[str, float]]) -> str:
    rows = [
        [
            label,
            f"{found['memory']:.1f}",
            f"{found['idle']:.2f}",
            f"{found['cpu']:.1f}",
            f"{found['executions']:.0f}",
        ]
        for label, found in (("all equal", measured["equal"]), ("no filter twice", measured["filters"]))
    ]
    heads = ["1,000 subscriptions", "memory, MB", "idle, % of a core", "a change, CPU ms", "executions"]
    late = measured["lag"]
    return f"{grid(heads, rows)}\n\nFrom a delivery to its event: p50 {late['p50']:.0f} ms, p99 {late['p99']:.0f} ms."


def _tracing(measured: Mapping[str, float]) -> str:
    rows = [[name, f"{ms:.2f}", f"{ms / measured['off'] - 1:+.1%}"] for name, ms in measured.items()]
    return grid(["traced", "CPU ms", "beside none"], rows)


def _odd(measured: Mapping[str, Mapping[str, float]]) -> str:
    rows = [
        [
            name,
            f"{each['strict']:.2f}",
            f"{each['lenient']:.2f}",
            f"{each['lenient'] / each['strict']:.1f}×",
            f"{each['refused']:.2f}",
        ]
        for name, each in measured.items()
    ]
    return grid(["answer", "as expected, ms", "every row odd, ms", "ratio", "100,000 empty rows, refused, ms"], rows)


def _figures(what: str, unit: str, measured: Mapping[str, float]) -> str:
    return grid([what, unit], [[name, f"{figure:.2f}"] for name, figure in measured.items()])


def _named(unit: str, measured: Mapping[str, float]) -> str:
    return grid(["", unit], [[name, f"{figure:,.4g}"] for name, figure in measured.items()])


TABLES: Mapping[str, tuple[str, str, Callable[[Any], str]]] = {
    "tracing": ("Tracing", TRACING, _tracing),
    "bombs": ("Bombs", BOMBS, partial(_figures, "document", "CPU ms")),
    "odd": ("Odd answers", ODD, _odd),
    "stats": ("Counting", STATS, partial(_figures, "grouped by", "CPU ms")),
    "dashboard": ("Dashboard", DASHBOARD, partial(_named, "units")),
    "live": ("Live updates", LIVE, _live),
    "window": ("Window of Calendly", HELD, partial(_named, "")),
    "memory": ("Memory", MEMORY, partial(_named, "")),
    "crowd": ("A crowd", CROWD, partial(_named, "")),
}
"""What is measured of this project alone: title, text, and the table of the figures."""


def picture(name: str) -> str:
    """A picture in the page."""
    return f"![{name}](plots/{name}.svg)"


def grid(head: Sequence[str], rows: Iterable[Sequence[str]], words: int = 0) -> str:
    """A table, numbers to the right; the last columns may hold words."""
    lines = ["| " + " | ".join(head) + " |", "|---" + "|--:" * (len(head) - 1 - words) + "|---" * words + "|"]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def _engines(told: Mapping[str, Mapping[str, float]]) -> str:
    names = dict.fromkeys(engine for figures in told.values() for engine in figures)
    rows = []
    for engine in names:
        row = [engine]
        for figures in told.values():
            known = engine in figures
            row += [f"{figures[engine]:.3f}", f"{figures[engine] / figures[ENGINE]:.2f}"] if known else ["", ""]
        rows.append(row)
    return grid(["engine", *(part for work in told for part in (f"{work}, ms", "× ours"))], rows)


def _gateways(told: Mapping[str, Any], shown: set[str]) -> list[str]:
    parts = [
        "## Gateways",
        GATEWAYS.format(waves=told["waves"]),
        f"```graphql\n{QUERY}\n```",
        *(picture(name) for name in ("gateways-0ms-32", "gateways-50ms-32") if name in shown),
    ]
    settings = dict.fromkeys((cell["delay"], cell["connections"]) for cell in told["cells"])
    for delay, connections in settings:
        rows = [
            [
                cell["peer"],
                f"{cell['per_second']:,.0f}",
                f"{cell['p50']:,.1f}",
                f"{cell['p99']:,.1f}",
                f"{cell['cpu']:.2f}",
                f"{cell['calls']:.2f}",
                str(cell["wrong"]),
            ]
            for cell in told["cells"]
            if (cell["delay"], cell["connections"]) == (delay, connections)
        ]
        head = ["gateway", "queries/s", "p50 ms", "p99 ms", "CPU ms a query", "upstream calls a query", "wrong"]
        parts += [f"### Upstream {delay} ms, c = {connections}", grid(head, rows)]
    peaks = [
        [name, f"{told['peaks'][name]:.0f}" if name in told["peaks"] else "", told["how"][name]] for name in told["how"]
    ]
    parts += ["### Configuration and memory", grid(["gateway", "peak MB", "configuration"], peaks, words=1)]
    parts += [f"Not measured: {name}, which {reason}." for name, reason in told["missing"].items()]
    return parts


def _curve(name: str, points: Sequence[Mapping[str, float]]) -> str:
    axis = AXES[name.partition(",")[0]]
    rows = [
        [f"{p['x']:,.0f}", f"{p['cpu']:.2f}", f"{p['p50']:.2f}", f"{p['per_second']:,.0f}", f"{p['calls']:.2f}"]
        for p in points
    ]
    return f"### Growth: {name}\n\n" + grid([axis, "CPU ms", "p50 ms", "queries/s", "upstream calls"], rows)


def _pictures(results: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    for delay in (0, 50):
        cells = results.get("gateways", {}).get("cells", [])
        found = {c["peer"]: c["per_second"] for c in cells if (c["delay"], c["connections"]) == (delay, 32)}
        if found:
            title = f"queries a second, upstream {delay} ms, 32 clients"
            yield (
                f"gateways-{delay}ms-32",
                plots.bars(title, found, [OURS, OURS_ALONE, OURS_APART, OURS_WARM, OURS_VARIED]),
            )
    growth = results.get("growth", {})
    if growth:
        panels = []
        for noun, axis in AXES.items():
            figure = "per_second" if noun == "workers" else "cpu"
            curves = {
                name.rpartition(", ")[2]: [(p["x"], p[figure]) for p in points]
                for name, points in growth.items()
                if name.startswith(noun)
            }
            panels.append((f"{'queries/s' if noun == 'workers' else 'CPU ms'} by {noun}", axis, curves))
        yield "growth", plots.lines(panels)
