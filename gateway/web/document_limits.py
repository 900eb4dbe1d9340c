"""Limits of documents and variables, checked before anything else is done with them.

A text is counted by the character before it is parsed; what is parsed is measured in one bounded walk.

Documents whose fragments spread the next one twice ask for 2ⁿ fields in a few hundred bytes, and walking them to
the end takes hours; validation takes the square of the fields that answer to one name. The walk stops where a
limit is passed, so that no document costs more than `MAX_STEPS` steps, and what passes is validated in some 50 ms.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from graphql import (
    ArgumentNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    ListValueNode,
    ObjectValueNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    ValueNode,
)

from gateway.errors import BadUserInput, GatewayError, OperationTooCostly
from gateway.settings.clients import LimitSettings

MAX_STEPS = 10_000
"""Fields, spreads and inline fragments of a document, those of a fragment counted wherever it is spread. The largest
honest query has a few hundred."""

MAX_ROOT_FIELDS = 20
"""Root fields of an operation: each is a query of its own."""

MAX_WIDTH = 200
"""Fields of one selection, those of its fragments included; the largest type has some sixty."""

MAX_PAIRS = 8_000
"""Pairs of fields that stand at one place of the answer: validation compares each, in 2 to 7 µs. Thirty components that
ask for two fields of the same record make 870."""

MAX_ARGUMENTS = 30
"""Arguments of one field; the one with the most has six."""

MAX_DIRECTIVES = 4
"""Directives in one place; there are three that may stand on a field."""

MAX_ALL_DIRECTIVES = 200
MAX_OPERATIONS = 50

MAX_LINES = 10_000
"""Lines of a document; within a block string each takes Python some microseconds."""

MAX_ESCAPES = 1_000
"""Backslashes of a document; each takes 2 µs to be read."""

MAX_ENTRIES = 1_000
"""Values in the lists that a document writes out, all together: each is validated in 15 µs. No list that means
anything has more than a hundred, but those of entities, which come in variables."""

MAX_MEMBERS = 300
"""Members of the objects that a document writes out, all together: every error at one prints the whole object."""

LONGEST_LIST = 1_000
"""Entries of one list among the variables: entities that a router asks for; any other has a hundred at most."""

MAX_VARIABLE_ENTRIES = 5_000
"""Entries of all lists among the variables: each is coerced in 3 µs."""

LARGEST_OBJECT = 100
"""Members of one object among the variables: the largest input has some thirty, and each error at one shows it."""

MAX_VARIABLE_MEMBERS = 20_000
"""Members of all objects among the variables, and variables: a thousand entities have some ten each."""


class CircularFragments(GatewayError):
    """Fragments that spread one another in a circle."""

    code = "GRAPHQL_VALIDATION_FAILED"


@dataclass(slots=True)
class DocumentPlace:
    """A place in the response, and how often the operation selects it."""

    times: int = 0
    below: dict[str, DocumentPlace] = field(default_factory=dict)


@dataclass(slots=True)
class Measure:
    """A walk through the operations of a document, with every fragment in its place.

    Args:
        limits: What is allowed.
        fragments: The document's fragments, by name.
    """

    limits: LimitSettings
    fragments: Mapping[str, FragmentDefinitionNode]
    steps: int = 0
    aliases: int = 0
    pairs: int = 0
    directives: int = 0
    entries: int = 0
    members: int = 0
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
        for variable in operation.variable_definitions or ():
            if variable.default_value is not None:
                self._count_values(variable.default_value)
        root = DocumentPlace()
        self._selection(operation.selection_set, root, 1)
        self._require(sum(place.times for place in root.below.values()), MAX_ROOT_FIELDS, "fields at its root")

    def rest(self) -> None:
        """Walks the fragments that no operation spreads, since validation visits them too; raises likewise."""
        for name in self.fragments:
            if name not in self.spread:
                self.aliases = 0
                self._spread(name, DocumentPlace(), 1)

    def _selection(self, selection_set: SelectionSetNode, place: DocumentPlace, depth: int) -> None:
        self._require(depth, self.limits.depth, "levels of fields")
        for node in selection_set.selections:
            self.steps += 1
            self._require(self.steps, MAX_STEPS, "fields and fragments")
            self._count_directives(node)
            match node:
                case FieldNode():
                    self._field(node, place, depth)
                case FragmentSpreadNode():
                    self._spread(node.name.value, place, depth)
                case InlineFragmentNode():
                    self._selection(node.selection_set, place, depth)

    def _field(self, node: FieldNode, parent: DocumentPlace, depth: int) -> None:
        self._count_arguments(node.arguments or ())
        self.aliases += node.alias is not None
        self._require(self.aliases, self.limits.aliases, "aliases")
        place = parent.below.setdefault((node.alias or node.name).value, DocumentPlace())
        self.pairs += place.times
        place.times += 1
        self._require(self.pairs, MAX_PAIRS, "pairs of fields at one place")
        if place.times == 1:
            self._require(len(parent.below), MAX_WIDTH, "fields in one selection")
        else:
            self._require(place.times, MAX_WIDTH, "fields of one name in one place")
        if node.selection_set is not None:
            self._selection(node.selection_set, place, depth + 1)

    def _spread(self, name: str, place: DocumentPlace, depth: int) -> None:
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
        self._require(count, MAX_DIRECTIVES, "directives in one place")
        self._require(self.directives, MAX_ALL_DIRECTIVES, "directives")
        for directive in node.directives or ():
            self._count_arguments(directive.arguments or ())

    def _count_arguments(self, arguments: Sequence[ArgumentNode]) -> None:
        self._require(len(arguments), MAX_ARGUMENTS, "arguments in one place")
        for argument in arguments:
            self._count_values(argument.value)

    def _count_values(self, value: ValueNode) -> None:
        waiting = [value]
        while waiting:
            match waiting.pop():
                case ListValueNode(values=values):
                    self.entries += len(values)
                    self._require(self.entries, MAX_ENTRIES, "entries of lists")
                    waiting.extend(values)
                case ObjectValueNode(fields=fields):
                    self.members += len(fields)
                    self._require(self.members, MAX_MEMBERS, "members of objects")
                    waiting.extend(member.value for member in fields)

    @staticmethod
    def _require(measured: int, allowed: int, what: str) -> None:
        if measured > allowed:
            raise OperationTooCostly(
                f"The operation has {measured} or more {what}; {allowed} are allowed.",
                measured=measured,
                allowed=allowed,
            )


def check_length(text: str, longest: int) -> None:
    """Checks a document's length.

    Raises:
        OperationTooCostly: It is.
    """
    _require_text(len(text), longest, "characters")


def text_guard(longest: int) -> Callable[[str], GatewayError | None]:
    """A check of documents before they are parsed, which returns the error, if any.

    Args:
        longest: Characters that one may have.
    """

    def look(text: str) -> GatewayError | None:
        try:
            check_length(text, longest)
            _require_text(1 + text.count("\n") + text.count("\r"), MAX_LINES, "lines")
            _require_text(text.count("\\"), MAX_ESCAPES, "backslashes")
        except GatewayError as error:
            return error
        return None

    return look


def _require_text(measured: int, allowed: int, what: str) -> None:
    if measured > allowed:
        raise OperationTooCostly(
            f"The document has {measured} {what}; {allowed} are allowed.", measured=measured, allowed=allowed
        )


def check_variables(variables: Mapping[str, object] | None) -> None:
    """Checks the number of values in variables before they are coerced.

    Raises:
        BadUserInput: They have; the error names the variable.
    """
    if not variables:
        return
    entries, members = 0, len(variables)
    _require_values(members, MAX_VARIABLE_MEMBERS, "values", "variables")
    for key, value in variables.items():
        name = f"${key[:64]}"
        waiting = [value]
        while waiting:
            part = waiting.pop()
            if isinstance(part, list):
                entries += len(part)
                _require_values(len(part), LONGEST_LIST, "entries in one list", name)
                _require_values(entries, MAX_VARIABLE_ENTRIES, "entries in all lists", name)
                waiting.extend(part)
            elif isinstance(part, dict):
                members += len(part)
                _require_values(len(part), LARGEST_OBJECT, "members in one object", name)
                _require_values(members, MAX_VARIABLE_MEMBERS, "values", name)
                waiting.extend(part.values())


def _require_values(measured: int, allowed: int, what: str, name: str) -> None:
    if measured > allowed:
        raise BadUserInput(f"The variables have {measured} {what}; {allowed} are allowed.", argument=name)


def guard(limits: LimitSettings) -> Callable[[DocumentNode], GatewayError | None]:
    """A check of documents by these limits, which returns the error, if any."""

    def look(document: DocumentNode) -> GatewayError | None:
        operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
        fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
        if len(operations) > MAX_OPERATIONS:
            return OperationTooCostly(
                f"The document has {len(operations)} operations; {MAX_OPERATIONS} are allowed.",
                measured=len(operations),
                allowed=MAX_OPERATIONS,
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
