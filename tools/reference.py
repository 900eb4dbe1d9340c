"""Writes docs/reference/ for the site: the schema as pages, the image's licences, the benchmarks, and the changelog.

Run by `make site`; what it writes is not tracked, since what it is made of is.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLScalarType,
    build_schema,
    get_named_type,
    print_ast,
)

from tools.ship import installed, licence

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs" / "reference"
PAGES: dict[str, tuple[str, type[GraphQLNamedType]]] = {
    "types": ("Types", GraphQLObjectType),
    "interfaces": ("Interfaces", GraphQLInterfaceType),
    "inputs": ("Inputs", GraphQLInputObjectType),
    "enums": ("Enums", GraphQLEnumType),
    "scalars": ("Scalars", GraphQLScalarType),
}


PICTURE = re.compile(r"\]\(([a-z/0-9-]+\.svg)\)")


def main() -> None:
    """Writes every page."""
    schema = build_schema((ROOT / "schema.graphql").read_text(encoding="utf-8"))
    DOCS.mkdir(parents=True, exist_ok=True)
    for name, (title, kind) in PAGES.items():
        types = [type_ for type_ in schema.type_map.values() if isinstance(type_, kind) and type_.name[:2] != "__"]
        types.sort(key=lambda type_: (type_ is not schema.query_type, type_.name))
        text = "\n".join(line for type_ in types for line in section(type_))
        (DOCS / f"{name}.md").write_text(f"# {title}\n\n{text}", encoding="utf-8")
    rows = "\n".join(f"| {name} | {version} | {licence(name)} |" for name, version in installed())
    head = "# Licences\n\nOf every package in the container image.\n\n| Package | Version | Licence |\n|---|---|---|"
    (DOCS / "licences.md").write_text(f"{head}\n{rows}\n", encoding="utf-8")
    benchmarks = ROOT / "benchmarks"
    results = (benchmarks / "RESULTS.md").read_text(encoding="utf-8")
    for picture in PICTURE.findall(results):
        shutil.copy(benchmarks / picture, DOCS)
    results = PICTURE.sub(lambda match: f"]({Path(match[1]).name})", results).replace(
        "](README.md)", "](../performance.md)"
    )
    (DOCS / "benchmarks.md").write_text(results.replace("# Results", "# Benchmarks", 1), encoding="utf-8")
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    (DOCS / "changelog.md").write_text(changes.replace("](docs/", "](../"), encoding="utf-8")


def section(type_: GraphQLNamedType) -> Iterator[str]:
    """A type with its fields or values."""
    yield f"## {type_.name}\n"
    yield f"{type_.description or ''}\n"
    if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType):
        if type_.interfaces:
            yield f"Implements {', '.join(link(each, each.name) for each in type_.interfaces)}.\n"
        yield "| Field | Type | |\n|---|---|---|"
        yield from (member(name, field) for name, field in type_.fields.items())
    elif isinstance(type_, GraphQLInputObjectType):
        if type_.is_one_of:
            yield "Exactly one of:\n"
        yield "| Field | Type | |\n|---|---|---|"
        yield from (member(name, given) for name, given in type_.fields.items())
    elif isinstance(type_, GraphQLEnumType):
        yield "| Value | |\n|---|---|"
        yield from (f"| `{name}` | {cell(value.description)} |" for name, value in type_.values.items())
    yield ""


def member(name: str, field: GraphQLField | GraphQLInputField) -> str:
    """A row of a table: a field, with its arguments beneath it."""
    told = cell(field.description)
    for argument, declared in getattr(field, "args", {}).items():
        told += f"<br>`{argument}`: {link(get_named_type(declared.type), str(declared.type))}{default(declared)}"
        told += f": {cell(declared.description)}" if declared.description else ""
    given = default(field) if isinstance(field, GraphQLInputField) else ""
    return f"| `{name}` | {link(get_named_type(field.type), str(field.type))}{given} | {told} |"


def default(given: GraphQLArgument | GraphQLInputField) -> str:
    """What is taken where nothing is said."""
    node = given.ast_node.default_value if given.ast_node else None
    return f" = `{print_ast(node)}`" if node else ""


def link(type_: GraphQLNamedType, text: str) -> str:
    """A type's name that leads to it."""
    page = next((name for name, (_, kind) in PAGES.items() if isinstance(type_, kind)), None)
    builtin = type_.name in {"ID", "String", "Int", "Float", "Boolean"}
    return f"`{text}`" if page is None or builtin else f"[`{text}`]({page}.md#{type_.name.lower()})"


def cell(text: str | None) -> str:
    """A description within a table's cell."""
    return re.sub(r"\s+", " ", text or "").replace("|", "\\|").strip()


if __name__ == "__main__":
    main()
