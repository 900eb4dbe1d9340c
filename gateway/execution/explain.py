"""A plan as readable text: what is waited for, level by level, and the rows that are made of what arrives."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from gateway.execution.plan import TYPENAME, Field, Selection
from gateway.execution.resolvers import Batch, Called


@dataclasses.dataclass
class Level:
    """What one wait is for; all of it leaves together.

    Attributes:
        calls: The fields whose resolvers are called, by their place in the answer.
        loads: The fields that are loaded, by the loader's name.
        rows: The selections that rows are made for, by their place in the answer.
        refused: The fields that nobody of this audience is given.
    """

    calls: dict[str, None] = dataclasses.field(default_factory=dict)
    loads: dict[str, dict[str, None]] = dataclasses.field(default_factory=dict)
    rows: dict[str, list[Selection]] = dataclasses.field(default_factory=dict)
    refused: dict[str, None] = dataclasses.field(default_factory=dict)


def levels(root: Selection) -> list[Level]:
    """The levels of a plan; the first is what needs no waiting."""
    found = [Level()]
    _walk(root, "", 0, found)
    return found


def _walk(selection: Selection, above: str, at: int, found: list[Level]) -> None:
    for field in selection.fields:
        place = f"{above}.{field.name}" if above else field.name
        if field.refusal is not None:
            found[at].refused[place] = None
            continue
        level = at + _waits(field)
        if level == len(found):
            found.append(Level())
        if isinstance(field.resolver, Batch):
            found[level].loads.setdefault(field.resolver.name, {})[place] = None
        elif level > at:
            found[level].calls[place] = None
        for below in field.selections():
            found[level].rows.setdefault(place, []).append(below)
            _walk(below, place, level, found)


def _waits(field: Field) -> bool:
    return isinstance(field.resolver, Batch | Called) and field.field_name != TYPENAME


def described(planned: Selection | str) -> str:
    """How an operation runs: by its plan, or interpreted for a reason."""
    return f"interpreted by graphql-core: {planned}" if isinstance(planned, str) else explained(planned)


def explained(root: Selection) -> str:
    """A plan as text: `call` and `load` are what a level waits for, `rows` what is made then, at once for all."""
    found = levels(root)
    fields = _count(root)
    lines = [f"compiled: {_number(fields, 'field')}, {_number(len(found) - 1, 'level')}"]
    for number, level in enumerate(found):
        entries = [("call", place, "") for place in level.calls]
        entries += [("load", name, ", ".join(places)) for name, places in level.loads.items()]
        entries += [("rows", place, text) for place, below in level.rows.items() for text in _types(below)]
        entries += [("none", place, "refused") for place in level.refused]
        if entries:
            lines.append(f"level {number}")
            lines.extend(_columns(entries))
    return "\n".join(lines)


def _types(selections: Iterable[Selection]) -> list[str]:
    """The types that a place may hold, those of which the same is selected together."""
    together: dict[tuple[str, ...], list[str]] = {}
    for each in selections:
        together.setdefault(tuple(field.name for field in each.fields), []).append(each.kind.name)
    return [f"{' | '.join(names)} {{ {' '.join(fields)} }}" for fields, names in together.items()]


def _columns(entries: list[tuple[str, str, str]]) -> list[str]:
    width = max(len(place) for _, place, _ in entries)
    return [f"  {what}  {place:{width}}  {text}".rstrip() for what, place, text in entries]


def _count(selection: Selection) -> int:
    return sum(1 + sum(map(_count, field.selections())) for field in selection.fields)


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
