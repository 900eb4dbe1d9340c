"""Measures the structure of `gateway/`: sizes, names, import directions, and how far one change spreads.

    house.py           prints every figure
    house.py --check   prints them and fails where one that is gated is over its bound

Gated: import circles between files and between rooms, imports that go up, class names that mean two things, files that
name one condition of `MeetingFilter`, and files that the simplest query enters below the graph. Sizes are shown only:
later growth is growth. `test_imports.py` holds the directions import by import.
"""

from __future__ import annotations

import argparse
import ast
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.call_path import files_entered

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "gateway"

FLOORS: Sequence[frozenset[str]] = (
    frozenset({"errors", "logs", "execution"}),
    frozenset({"request", "model", "emulator"}),
    frozenset({"paging", "upstream"}),
    frozenset({"settings"}),
    frozenset({"sources"}),
    frozenset({"catalog"}),
    frozenset({"live"}),
    frozenset({"graph"}),
    frozenset({"web"}),
    frozenset({"runtime"}),
    frozenset({"app"}),
    frozenset({"commands"}),
    frozenset({"cli"}),
    frozenset({"__main__"}),
)
"""The rooms from the ground up; an import from a lower floor to a higher one goes up."""

SAME_NOUN = re.compile(r"gateway\.(graph|model|emulator)\b|gateway\.sources\.\w+\.(wire|conditions)\b")
"""A noun of the graph, the model, a vendor's wire format and its emulator is one meaning, wherever it is defined."""

SHOWN = re.compile(r"gateway\.(catalog|live)\b")
"""A class of the graph shows the one of the same name in these rooms: one meaning too."""

CONDITIONS = ("booked_by_ids", "step_ids", "calendar_event_ids", "attendee_emails", "person_emails", "owner_emails")
"""Conditions of `MeetingFilter` whose spread is measured, as attributes."""

MOST_AMBIGUOUS = 6
MOST_FILES_PER_CONDITION = 4
MOST_FILES_ENTERED = 38


@dataclass(frozen=True)
class House:
    """The package as text: source by dotted module name; a folder's `__init__` stands under the folder's name."""

    sources: Mapping[str, str]

    @classmethod
    def of(cls, root: Path) -> House:
        """Reads the package below a folder."""
        sources = {}
        for path in sorted((root / PACKAGE).rglob("*.py")):
            name = ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")
            sources[name] = path.read_text(encoding="utf-8")
        return cls(sources)

    def room(self, module: str) -> str:
        """The folder or file directly below the package that a module is in."""
        return module.split(".")[1] if "." in module else ""

    def imports(self) -> dict[str, set[str]]:
        """The modules of the package that each module imports, also inside functions and for types alone."""
        return {module: set(self._imported(source)) - {module} for module, source in self.sources.items()}

    def _imported(self, source: str) -> Iterator[str]:
        for node in ast.walk(ast.parse(source)):
            names: Iterable[str] = ()
            match node:
                case ast.Import(names=aliases):
                    names = (alias.name for alias in aliases)
                case ast.ImportFrom(module=str(base), names=aliases, level=0):
                    names = (f"{base}.{alias.name}" for alias in aliases)
            for name in names:
                if name.split(".")[0] == PACKAGE:
                    yield self._module(name)

    def _module(self, name: str) -> str:
        while name not in self.sources:
            name = name.rpartition(".")[0]
        return name

    def circles(self, edges: Mapping[str, set[str]]) -> list[list[str]]:
        """Groups of nodes that reach one another (Tarjan's strongly connected components of two or more)."""
        index: dict[str, int] = {}
        low: dict[str, int] = {}
        stack: list[str] = []
        found: list[list[str]] = []

        def visit(node: str) -> None:
            index[node] = low[node] = len(index)
            stack.append(node)
            for target in sorted(edges.get(node, ())):
                if target not in index:
                    visit(target)
                    low[node] = min(low[node], low[target])
                elif target in stack:
                    low[node] = min(low[node], index[target])
            if low[node] == index[node]:
                at = stack.index(node)
                group = stack[at:]
                del stack[at:]
                if len(group) > 1:
                    found.append(sorted(group))

        for node in sorted(edges):
            if node not in index:
                visit(node)
        return found

    def rooms(self) -> dict[str, set[str]]:
        """The rooms that each room imports."""
        edges: dict[str, set[str]] = defaultdict(set)
        for module, targets in self.imports().items():
            for target in targets:
                edges[self.room(module)].add(self.room(target))
        return {room: targets - {room, ""} for room, targets in edges.items() if room}

    def upward(self) -> list[str]:
        """Imports from a lower floor to a higher one, as `from -> to`, and rooms that no floor is for."""
        floor = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
        unknown = sorted({self.room(module) for module in self.sources} - set(floor) - {""})
        up = [
            f"{room} -> {target}"
            for room, targets in sorted(self.rooms().items())
            for target in sorted(targets)
            if room in floor and target in floor and floor[room] < floor[target]
        ]
        return [*(f"{room} is on no floor" for room in unknown), *up]

    def ambiguous(self) -> dict[str, list[str]]:
        """Public class names that mean two things, with the modules that define them."""
        defined: dict[str, list[str]] = defaultdict(list)
        for module, source in self.sources.items():
            for node in ast.parse(source).body:
                if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    defined[node.name].append(module)
        return {name: modules for name, modules in sorted(defined.items()) if len(set(meanings(modules))) > 1}

    def naming(self, condition: str) -> list[str]:
        """The modules that spell a condition, as its attribute or as the graph's argument; emulators aside."""
        head, *rest = condition.split("_")
        camel = head + "".join(word.capitalize() for word in rest)
        spelt = re.compile(rf"(?<![\w]){condition}(?![\w])|(?<![\w]){camel}(?![\w])")
        return [
            module
            for module, source in self.sources.items()
            if self.room(module) != "emulator" and spelt.search(source)
        ]


def meanings(modules: Sequence[str]) -> Iterator[str]:
    """What a name means in each module that defines a class of it; empty for the noun that several rooms share."""
    in_graph = any(module.startswith(f"{PACKAGE}.graph.") for module in modules)
    for module in modules:
        shared = SAME_NOUN.match(module) or (in_graph and SHOWN.match(module))
        yield "" if shared else module


def report(house: House, entered: Sequence[str]) -> tuple[list[str], list[str]]:
    """Every figure as a line, and what is over its bound.

    Args:
        house: The package.
        entered: The files that the simplest query enters; see `tools.call_path`.
    """
    lines = sum(source.count("\n") for source in house.sources.values())
    rooms = house.rooms()
    file_circles, room_circles = house.circles(house.imports()), house.circles(rooms)
    up, ambiguous = house.upward(), house.ambiguous()
    spread = {condition: house.naming(condition) for condition in CONDITIONS}
    widest = max(spread.values(), key=len)
    figures = [
        f"files {len(house.sources)}, lines {lines}, {lines / len(house.sources):.0f} a file",
        f"rooms {len(rooms)}, arrows between them {sum(map(len, rooms.values()))}",
        f"import circles between files {len(file_circles)}, between rooms {len(room_circles)}, arrows up {len(up)}",
        f"class names that mean two things {len(ambiguous)}",
        f"files that name one condition, at most {len(widest)}",
        f"files that the simplest query enters between the catalog and the first byte on the wire {len(entered)}",
    ]
    faults = [
        *(f"circle: {' '.join(group)}" for group in [*file_circles, *room_circles]),
        *(f"up: {arrow}" for arrow in up),
    ]
    if len(ambiguous) > MOST_AMBIGUOUS:
        faults += [f"two meanings: {name} in {' '.join(modules)}" for name, modules in ambiguous.items()]
    faults += [
        f"condition {name}: {' '.join(modules)}"
        for name, modules in spread.items()
        if len(modules) > MOST_FILES_PER_CONDITION
    ]
    if len(entered) > MOST_FILES_ENTERED:
        faults.append(f"entered: {' '.join(entered)}")
    return figures, faults


def main(arguments: Sequence[str]) -> int:
    """Prints the figures; with --check the exit status is 1 where a bound is broken."""
    parser = argparse.ArgumentParser(description="Measure the structure of gateway/.")
    parser.add_argument("--check", action="store_true", help="fail where a gated figure is over its bound")
    options = parser.parse_args(arguments)
    figures, faults = report(House.of(ROOT), files_entered())
    print("\n".join([*figures, *faults]))
    return int(options.check and bool(faults))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
