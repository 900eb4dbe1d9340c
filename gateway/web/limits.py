"""What a document may ask for, measured in one bounded walk before anything else is done with it.

Documents whose fragments spread the next one twice ask for 2ⁿ fields in a few hundred bytes, and whoever walks them to
the end is busy for hours; validation takes the square of the fields that answer to one name. The walk stops where a
limit is passed, so that no document costs more than `MOST_STEPS` steps, and what passes is validated in some 50 ms.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
)

from gateway.errors import GatewayError, OperationTooCostly
from gateway.settings.clients import Limits

MOST_STEPS = 10_000
"""Fields, spreads and inline fragments of a document, those of a fragment counted wherever it is spread. The largest
honest query has a few hundred."""

MOST_ROOT_FIELDS = 20
"""Root fields of an operation: each is a query of its own."""

MOST_WIDTH = 200
"""Fields of one selection, those of its fragments included; the largest type has some sixty."""

MOST_PAIRS = 8_000
"""Pairs of fields that stand at one place of the answer: validation compares each, in 2 to 7 µs. Thirty components that
ask for two fields of the same record make 870."""

MOST_ARGUMENTS = 30
"""Arguments of one field; the one with the most has six."""

MOST_DIRECTIVES = 4
"""Directives in one place; there are three that may stand on a field."""

MOST_ALL_DIRECTIVES = 200
MOST_OPERATIONS = 50


class CircularFragments(GatewayError):
    """Fragments that spread one another in a circle."""

    code = "GRAPHQL_VALIDATION_FAILED"


@dataclass(slots=True)
class Place:
    """A place of the answer, and how often the operation asks for it."""

    times: int = 0
    below: dict[str, Place] = field(default_factory=dict)


@dataclass(slots=True)
class Measure:
    """A walk through the operations of a document, with every fragment in its place.

    Args:
        limits: What is allowed.
        fragments: The document's fragments, by name.
    """

    limits: Limits
    fragments: Mapping[str, FragmentDefinitionNode]
    steps: int = 0
    aliases: int = 0
    pairs: int = 0
    directives: int = 0
    spreading: set[str] = field(default_factory=set)
    spread: set[str] = field(default_factory=set)

    def operation(self, operation: OperationDefinitionNode) -> None:
        """Walks it.

        Raises:
            OperationTooCostly: A limit is passed.
            CircularFragments: Fragments spread one another.
        """
        self.aliases = 0
        self._count_directives(operation)
        root = Place()
        self._selection(operation.selection_set, root, 1)
        self._require(sum(place.times for place in root.below.values()), MOST_ROOT_FIELDS, "fields at its root")

    def rest(self) -> None:
        """Walks the fragments that no operation spreads, since validation looks at them too; raises likewise."""
        for name in self.fragments:
            if name not in self.spread:
                self.aliases = 0
                self._spread(name, Place(), 1)

    def _selection(self, selection_set: SelectionSetNode, place: Place, depth: int) -> None:
        self._require(depth, self.limits.depth, "levels of fields")
        for node in selection_set.selections:
            self.steps += 1
            self._require(self.steps, MOST_STEPS, "fields and fragments")
            self._count_directives(node)
            match node:
                case FieldNode():
                    self._field(node, place, depth)
                case FragmentSpreadNode():
                    self._spread(node.name.value, place, depth)
                case InlineFragmentNode():
                    self._selection(node.selection_set, place, depth)

    def _field(self, node: FieldNode, parent: Place, depth: int) -> None:
        self._require(len(node.arguments or ()), MOST_ARGUMENTS, "arguments of one field")
        self.aliases += node.alias is not None
        self._require(self.aliases, self.limits.aliases, "aliases")
        place = parent.below.setdefault((node.alias or node.name).value, Place())
        self.pairs += place.times
        place.times += 1
        self._require(self.pairs, MOST_PAIRS, "pairs of fields at one place")
        if place.times == 1:
            self._require(len(parent.below), MOST_WIDTH, "fields in one selection")
        else:
            self._require(place.times, MOST_WIDTH, "fields of one name in one place")
        if node.selection_set is not None:
            self._selection(node.selection_set, place, depth + 1)

    def _spread(self, name: str, place: Place, depth: int) -> None:
        fragment = self.fragments.get(name)
        if fragment is None:
            return  # validation says so
        if name in self.spreading:
            raise CircularFragments("Fragments of the document spread one another in a circle.")
        self.spreading.add(name)
        self.spread.add(name)
        self._count_directives(fragment)
        self._selection(fragment.selection_set, place, depth)
        self.spreading.discard(name)

    def _count_directives(self, node: SelectionNode | OperationDefinitionNode | FragmentDefinitionNode) -> None:
        count = len(node.directives or ())
        self.directives += count
        self._require(count, MOST_DIRECTIVES, "directives in one place")
        self._require(self.directives, MOST_ALL_DIRECTIVES, "directives")

    @staticmethod
    def _require(measured: int, allowed: int, what: str) -> None:
        if measured > allowed:
            raise OperationTooCostly(
                f"The operation has {measured} or more {what}; {allowed} are allowed.",
                measured=measured,
                allowed=allowed,
            )


def guard(limits: Limits) -> Callable[[DocumentNode], GatewayError | None]:
    """Looks at documents by these limits; what it returns is the refusal."""

    def look(document: DocumentNode) -> GatewayError | None:
        operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
        fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
        if len(operations) > MOST_OPERATIONS:
            return OperationTooCostly(
                f"The document has {len(operations)} operations; {MOST_OPERATIONS} are allowed.",
                measured=len(operations),
                allowed=MOST_OPERATIONS,
            )
        measure = Measure(limits, fragments)
        try:
            for operation in operations:
                measure.operation(operation)
            measure.rest()
        except GatewayError as error:
            return error
        except RecursionError:
            return OperationTooCostly(
                f"The document is nested too deeply to be looked at; {limits.depth} levels of fields are allowed.",
                allowed=limits.depth,
            )
        return None

    return look
