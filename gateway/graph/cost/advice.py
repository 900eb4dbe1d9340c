"""What would make an operation that is over a limit fit: a smaller page of the list that multiplies it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from gateway.execution.collected import Operation, SelectionSet
from gateway.graph.cost.estimate import Cost, Costs
from gateway.paging.window import MOST_SIZE

MAX_FIELDS = 200
"""Fields of the largest operation that advice is given for: it takes up to 40 estimates."""
MAX_LISTS = 4
"""Lists that are tried."""


class SizedList(NamedTuple):
    """A list of an operation whose page has a size.

    Attributes:
        path: Where it stands in the answer: `meetings.nodes.person.meetings`.
        node: The identity of its field in the document.
        argument: Where its size is asked for, `first` or `last`.
    """

    path: str
    node: int
    argument: str


def advice(costs: Costs, operation: Operation, variables: Mapping[str, Any], fits: Callable[[Cost], bool]) -> str:
    """A sentence that names the list whose page has to shrink least, and the size that fits; empty if none is known.

    Args:
        costs: Estimates the operation with other sizes.
        operation: It.
        variables: As the client sent them.
        fits: Whether a cost is within the limits.
    """
    lists = _lists(operation)
    best: tuple[int, SizedList | None] = (0, None)
    for each in lists:

        def within(size: int, node: int = each.node) -> bool:
            return fits(costs.with_sizes(operation, variables, {node: size}))

        size = _largest(within)
        if size > best[0]:
            best = size, each
    size, found = best
    if found is None:
        return ""
    return f" The list '{found.path}' multiplies it: with '{found.argument}: {size}' there it would fit."


def _largest(within: Callable[[int], bool]) -> int:
    """The largest page size that fits; 0 where not even one row does."""
    low, high = 0, MOST_SIZE
    while low < high:
        middle = (low + high + 1) // 2
        if within(middle):
            low = middle
        else:
            high = middle - 1
    return low


def _lists(operation: Operation) -> list[SizedList]:
    """The lists with a page size, outer ones first; none where the operation is too large for advice."""
    found: list[SizedList] = []
    seen = 0
    level = [("", operation.root)] if operation.root is not None else []
    while level:
        below: list[tuple[str, SelectionSet]] = []
        for prefix, selected in level:
            for field in selected.fields:
                seen += 1
                if seen > MAX_FIELDS:
                    return []
                path = f"{prefix}{field.name}"
                if "first" in field.definition.args:
                    node = field.nodes[0]
                    backward = any(argument.name.value == "last" for argument in node.arguments or ())
                    found.append(SizedList(path, id(node), "last" if backward else "first"))
                below += [(f"{path}.", inner) for inner in field.below()]
        level = below
    return found[:MAX_LISTS]
