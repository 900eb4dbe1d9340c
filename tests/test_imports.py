"""Who may know whom: the import directions of the house, read off the source of every module.

A room is a module with all below it; the longest name that fits says which one a module is in. `<s>` stands for a
source's folder, the same one throughout a line. What is imported inside a function, or for types only, counts too.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "gateway"

ERRORS = "gateway.errors"
REQUEST = "gateway.request"  # the type that every port takes: a request's deadline, ledger and trace

ROOMS: Mapping[str, set[str]] = {
    # The chain: model <- paging <- catalog <- graph <- web <- app.
    "gateway.model": {ERRORS},
    "gateway.paging": {ERRORS, "gateway.model"},
    "gateway.catalog": {ERRORS, "gateway.model", "gateway.paging", "gateway.sources.base", REQUEST},
    "gateway.live": {
        ERRORS,
        "gateway.model",
        "gateway.catalog",
        "gateway.sources.live",
        "gateway.upstream.clock",
        REQUEST,
    },
    "gateway.graph": {
        ERRORS,
        "gateway.model",
        "gateway.paging",
        "gateway.catalog",
        "gateway.live",
        "gateway.execution",
        "gateway.graph.types.<s>",
        "gateway.graph.inputs.meetings",
        "gateway.settings.federation",
        REQUEST,
    },
    # Vendors' own fields and filters.
    "gateway.graph.types.<s>": {ERRORS, "gateway.model", "gateway.graph", "gateway.sources.<s>.wire"},
    "gateway.graph.inputs.meetings": {ERRORS, "gateway.model", "gateway.graph", "gateway.sources.<s>.conditions"},
    "gateway.execution": set(),  # a library of its own; the graph passes it what it has to know
    "gateway.web": {
        ERRORS,
        "gateway.settings",
        "gateway.logs",
        "gateway.model",
        "gateway.paging",
        "gateway.catalog",
        "gateway.live",
        "gateway.graph",
        "gateway.execution",
        "gateway.upstream.clock",
        REQUEST,
    },
    # Sources and what they stand on. `gateway.sources` is what lies beside their folders, for all of them.
    "gateway.upstream": {ERRORS, REQUEST},
    "gateway.sources": {
        ERRORS,
        "gateway.model",
        "gateway.paging",
        REQUEST,
        "gateway.upstream.store",
    },
    "gateway.sources.vendor": {
        "gateway.model",
        "gateway.settings",
        "gateway.sources",
        "gateway.upstream",
    },
    "gateway.sources.<s>": {
        ERRORS,
        "gateway.model",
        "gateway.paging",
        "gateway.settings.lifetimes",
        "gateway.settings.sources",
        "gateway.sources.vendor",
        "gateway.sources",
        "gateway.upstream",
        REQUEST,
    },
    # Emulators, written from the vendors' documents alone: else both sides would agree on one mistake.
    "gateway.emulator": {ERRORS},
    # What everyone may know, and what knows everyone.
    "gateway": set(),
    ERRORS: set(),
    REQUEST: {ERRORS},
    "gateway.settings": {  # below everything that uses it
        ERRORS,
        "gateway.model",
        "gateway.upstream.credentials",  # for the type of a secret
        "gateway.upstream.freshness",
    },
    "gateway.logs": {ERRORS},
    "gateway.runtime": {"*"},
    "gateway.app": {"*", "gateway.runtime"},
    "gateway.commands": {"*", "gateway.runtime", "gateway.app"},
    "gateway.cli": {"*", "gateway.commands"},
    "gateway.__main__": {"gateway.cli"},
}
"""Each room, and the rooms or single modules it may know; `*` is all but those of `TOP`."""

TOP = {
    "gateway.runtime",
    "gateway.app",
    "gateway.commands",
    "gateway.cli",
    "gateway.__main__",
}
GRAPHQL = {
    "gateway.graph",
    "gateway.graph.types.<s>",
    "gateway.graph.inputs.meetings",
    "gateway.execution",
    "gateway.web",
    *TOP,
}
SERVING = {"gateway.web", "gateway.emulator", *TOP}
OUTSIDE: Mapping[str, set[str]] = {
    "aiohttp": {"gateway.upstream"},
    "prometheus_client": {"gateway.web"},
    "starlette": SERVING,
    "uvicorn": SERVING,
    "strawberry": GRAPHQL - {"gateway.execution"},
    "graphql": GRAPHQL,
    "aiodataloader": {"gateway.graph"},
    "opentelemetry": {"gateway.web"},
    "httpx": set(),  # nobody: one HTTP client is enough
    "requests": set(),
    "urllib3": set(),
    "urllib.request": set(),
    "http.client": set(),
}
"""What is not ours, and the rooms that may use it; what is not listed, every room may."""

Modules = Mapping[str, str]


def modules_of(package: Path) -> Modules:
    """Every module of a package on disk, by its dotted name, with its source; a folder's name ends in `.__init__`."""
    return {
        ".".join(path.relative_to(package.parent).with_suffix("").parts): path.read_text(encoding="utf-8")
        for path in sorted(package.rglob("*.py"))
    }


def imported(module: str, source: str) -> Iterator[str]:
    """The full dotted names that a module imports, `from a import b` as `a.b`."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=base, names=names, level=level):
                parts = [*module.split(".")[: -level or None], base] if level else [base]
                yield from (".".join([*filter(None, parts), alias.name]) for alias in names)
            case ast.Call(func=ast.Attribute(attr="import_module"), args=[ast.Constant(value=str(name)), *_]):
                yield name


def within(name: str, entry: str) -> bool:
    return name == entry or name.startswith(f"{entry}.")


class House:
    """Modules, and what of their imports the table does not allow."""

    def __init__(self, modules: Modules) -> None:
        self.modules = modules
        self.names = {name.removesuffix(".__init__") for name in modules}
        folders = re.compile(r"gateway\.sources\.(\w+)\.__init__")
        self.sources = sorted(found[1] for found in map(folders.fullmatch, modules) if found)

    def spelt(self, entry: str, source: str | None = None) -> re.Pattern[str]:
        """A line of the table as a pattern, `<s>` being that source, or any."""
        anyone = source or "|".join(self.sources) or "(?!)"
        return re.compile(re.escape(entry).replace("<s>", f"(?P<s>{anyone})").replace(r"\*", "[^.]*"))

    def room(self, module: str) -> tuple[str, str | None] | None:
        """The room that a module is in, and whose, where it is a source's."""
        for entry in sorted(ROOMS, key=len, reverse=True):
            found = self.spelt(entry).match(module)
            if found and within(module, found[0]) and (entry != "gateway" or module == entry):
                return entry, found.groupdict().get("s")
        return None

    def module(self, name: str) -> str:
        """The module that an imported name is or is in."""
        while name not in self.names:
            name = name.rpartition(".")[0]
        return name

    def may_know(self, home: tuple[str, str | None], target: str) -> bool:
        """Whether a room may import a module of ours."""
        there = self.room(target)
        if there == home or there is None:
            return there is not None
        return any(self._covers(entry, home[1], target, there[0]) for entry in ROOMS[home[0]])

    def _covers(self, entry: str, source: str | None, target: str, room: str) -> bool:
        if entry == "*":
            return room not in TOP
        found = self.spelt(entry, source).match(target)
        return found is not None and (entry == room or (entry not in ROOMS and within(target, found[0])))

    def faults(self) -> Iterator[str]:
        """Each import that is not allowed, and each module that no room is for."""
        for module, source in self.modules.items():
            name = module.removesuffix(".__init__")
            home = self.room(name)
            if home is None:
                yield f"{name} is in no room"
                continue
            for import_ in imported(module, source):
                if within(import_, "gateway"):
                    if not self.may_know(home, target := self.module(import_)):
                        yield f"{name} knows {target}"
                    continue
                for library, rooms in OUTSIDE.items():
                    if within(import_, library) and home[0] not in rooms:
                        yield f"{name} uses {library}"


def test_the_catalog_and_the_graph_name_no_endpoint() -> None:
    """What a source's calls cost, how many keys go together and where they go is said by its ports."""
    modules = modules_of(PACKAGE)
    for module in (name for name in modules if name.startswith(("gateway.catalog", "gateway.graph"))):
        for node in ast.walk(ast.parse(modules[module])):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                assert not re.match(r"/[a-z]", node.value), f"{module}: {node.value}"


UPSTREAM = re.compile(r"/[a-z][\w{}./-]*|[a-z_]+\[\w*\]|x-[a-z-]+")
"""What only a vendor has a name for: an endpoint, a parameter, a header."""


def literals(source: str) -> set[str]:
    """The texts in a module, but for docstrings."""
    nodes = list(ast.walk(ast.parse(source)))
    docstrings = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    constants = (node for node in nodes if isinstance(node, ast.Constant) and id(node) not in docstrings)
    return {node.value for node in constants if isinstance(node.value, str)}


def upstream_names(modules: Modules) -> Iterator[str]:
    """Each module of the catalog and of the graph that spells an endpoint, a parameter or a header of a source's."""
    folder = re.compile(r"gateway\.sources\.\w+\.")
    theirs = {text for name, source in modules.items() if folder.match(name) for text in literals(source)}
    names = set(filter(UPSTREAM.fullmatch, theirs))
    for name, source in modules.items():
        if within(name, "gateway.catalog") or within(name, "gateway.graph"):
            yield from (f"{name} spells {text}" for text in sorted(literals(source) & names))


def test_the_catalog_and_the_graph_know_no_word_of_an_upstream_api() -> None:
    modules = modules_of(PACKAGE)
    assert not list(upstream_names(modules))
    path, parameter = '"""/v2/cats"""\nCATS = "/v2/cats"', 'params = ("ids[]", "name")'
    reported = upstream_names(
        {
            "gateway.sources.one.api": f"{path}\n{parameter}",
            "gateway.catalog.cats": path,
            "gateway.graph.cats": parameter,
            "gateway.upstream.cats": path,
        }
    )
    assert list(reported) == ["gateway.catalog.cats spells /v2/cats", "gateway.graph.cats spells ids[]"]


def test_every_import_goes_the_way_of_the_table() -> None:
    modules = modules_of(PACKAGE)
    assert "gateway.model.records" in modules
    assert not list(House(modules).faults())


NAMES = """
    __init__ errors settings app cli commands.serve __main__ model.__init__ model.records paging.merge
    request upstream.__init__ upstream.client catalog.meetings
    sources.__init__ sources.base sources.one.__init__ sources.one.wire sources.one.conditions sources.one.source
    sources.two.__init__ sources.two.wire sources.two.conditions sources.two.source
    graph.__init__ graph.meeting graph.relation graph.types.one graph.inputs.meetings execution.plan
    web.page emulator.world emulator.one emulator.one_filters
"""


def made_up(module: str, source: str) -> House:
    """A house of empty modules, but for one."""
    return House({**{f"gateway.{name}": "" for name in NAMES.split()}, f"gateway.{module}": source})


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("model.records", "from gateway.errors import BadUserInput"),
        ("model.__init__", "from .records import Meeting"),
        ("paging.merge", "from ..model.records import Meeting"),
        ("upstream.client", "import aiohttp"),
        ("sources.one.source", "from gateway.sources.one import wire"),
        ("sources.one.source", "from gateway.upstream.client import Client"),
        ("sources.one.source", "from gateway.sources.base import MeetingSource"),
        ("emulator.one", "from gateway.emulator.world import World\nimport starlette.routing"),
        ("emulator.one", "from gateway.emulator.one_filters import admits"),
        ("sources.base", "from gateway.request import Request"),
        ("catalog.meetings", "from gateway.sources.base import MeetingSource"),
        ("graph.meeting", "import strawberry\nfrom gateway.request import Request"),
        ("graph.types.one", "from gateway.sources.one.wire import Meeting"),
        (
            "graph.inputs.meetings",
            "import gateway.sources.one.conditions\nimport gateway.sources.two.conditions",
        ),
        ("execution.plan", "from graphql import GraphQLSchema"),
        ("graph.meeting", "from gateway.execution.plan import Field"),
        ("web.page", "from gateway.graph import meeting"),
        ("app", "from gateway.sources.two.source import Two"),
        ("commands.serve", "from gateway import app"),
        ("cli", "from gateway.commands.serve import serve"),
    ],
)
def test_what_the_table_allows_passes(module: str, source: str) -> None:
    assert not list(made_up(module, source).faults())


@pytest.mark.parametrize(
    ("module", "source", "fault"),
    [
        ("errors", "import gateway.model", "knows gateway.model"),
        ("model.records", "from gateway.paging import merge", "knows gateway.paging.merge"),
        ("model.records", "import strawberry", "uses strawberry"),
        ("paging.merge", "from ..catalog.meetings import page", "knows gateway.catalog.meetings"),
        ("upstream.client", "from gateway.model import records", "knows gateway.model.records"),
        ("upstream.client", "import gateway.settings", "knows gateway.settings"),
        ("sources.one.source", "from gateway.sources.two.wire import X", "knows gateway.sources.two.wire"),
        ("sources.one.source", "from ..two import wire", "knows gateway.sources.two.wire"),
        ("sources.one.source", "from gateway.emulator import one", "knows gateway.emulator.one"),
        ("sources.one.source", "import aiohttp", "uses aiohttp"),
        ("sources.base", "from gateway.sources.one import wire", "knows gateway.sources.one.wire"),
        ("sources.base", "from gateway.upstream.client import Client", "knows gateway.upstream.client"),
        ("emulator.one", "from gateway.sources.one.wire import Meeting", "knows gateway.sources.one.wire"),
        ("emulator.one_filters", "from gateway.sources.one import source", "knows gateway.sources.one.source"),
        ("emulator.one", "from gateway.model.records import Source", "knows gateway.model.records"),
        ("emulator.world", "from gateway.sources.one import wire", "knows gateway.sources.one.wire"),
        ("catalog.meetings", "from gateway.sources.one.source import One", "knows gateway.sources.one.source"),
        ("catalog.meetings", "from gateway.upstream.client import Client", "knows gateway.upstream.client"),
        ("graph.meeting", "from gateway.sources.one.wire import Meeting", "knows gateway.sources.one.wire"),
        ("graph.meeting", "from gateway.sources.base import Source", "knows gateway.sources.base"),
        ("graph.meeting", "from starlette.requests import Request", "uses starlette"),
        ("graph.meeting", "import aiohttp.web", "uses aiohttp"),
        ("graph.types.one", "from gateway.sources.two.wire import Meeting", "knows gateway.sources.two.wire"),
        ("graph.types.one", "from gateway.sources.one.source import One", "knows gateway.sources.one.source"),
        ("graph.inputs.meetings", "from gateway.sources.one import source", "knows gateway.sources.one.source"),
        ("graph.inputs.meetings", "from gateway.sources.one import wire", "knows gateway.sources.one.wire"),
        ("graph.meeting", "from gateway.web import page", "knows gateway.web.page"),
        ("execution.plan", "from gateway.model import records", "knows gateway.model.records"),
        ("execution.plan", "from gateway.graph import meeting", "knows gateway.graph.meeting"),
        ("execution.plan", "import strawberry", "uses strawberry"),
        ("web.page", "import gateway.app", "knows gateway.app"),
        ("web.page", "from gateway.upstream.client import Client", "knows gateway.upstream.client"),
        ("app", "import gateway.cli", "knows gateway.cli"),
        ("app", "import httpx", "uses httpx"),
        ("app", "from urllib import request", "uses urllib.request"),
        ("web.page", "def late():\n    import gateway.app", "knows gateway.app"),
        ("web.page", "if TYPE_CHECKING:\n    import gateway.app", "knows gateway.app"),
        ("web.page", "importlib.import_module('gateway.app')", "knows gateway.app"),
        ("new.room", "", "is in no room"),
        ("helpers", "", "is in no room"),
    ],
)
def test_a_violation_is_named(module: str, source: str, fault: str) -> None:
    assert list(made_up(module, source).faults()) == [f"gateway.{module} {fault}"]
