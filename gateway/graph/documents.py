"""Documents made ready to run once each: measured, parsed, validated, and cached within so many bytes."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from operator import itemgetter
from typing import TypeAlias

import msgspec
from cachetools import LRUCache
from graphql import (
    ASTValidationRule,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    InlineFragmentNode,
    KnownDirectivesRule,
    KnownFragmentNamesRule,
    NoFragmentCyclesRule,
    NoSchemaIntrospectionCustomRule,
    NoUndefinedVariablesRule,
    NoUnusedFragmentsRule,
    NoUnusedVariablesRule,
    OperationDefinitionNode,
    PossibleFragmentSpreadsRule,
    UniqueDirectivesPerLocationRule,
    UniqueFragmentNamesRule,
    UniqueVariableNamesRule,
    VariablesAreInputTypesRule,
    VariablesInAllowedPositionRule,
    specified_rules,
    validate,
)
from graphql.language.parser import Parser
from graphql.validation.rules.defer_stream_directive_label import DeferStreamDirectiveLabel
from graphql.validation.rules.defer_stream_directive_on_valid_operations_rule import (
    DeferStreamDirectiveOnValidOperationsRule,
)
from graphql.validation.rules.stream_directive_on_list_field import StreamDirectiveOnListField

from gateway.errors import GatewayError, OperationTooCostly
from gateway.execution.executor import Operations
from gateway.execution.inputs import MAX_SUGGESTED
from gateway.execution.lexer import RunLexer
from gateway.execution.source import Text
from gateway.graph.cost.estimate import Costs
from gateway.graph.validation import in_plain_words

CACHE_BYTES = 32_000_000
"""What the cached documents take together, about."""
LARGEST_CACHED = CACHE_BYTES // 8
"""Bytes of the largest document that is cached: one of them does not drive all others out."""
MAX_ERRORS = 20
"""Validation errors that are reported of one document."""
BREAKABLE_BY: Mapping[str, Collection[type[ASTValidationRule]]] = {
    "$": {
        NoUndefinedVariablesRule,
        NoUnusedVariablesRule,
        UniqueVariableNamesRule,
        VariablesAreInputTypesRule,
        VariablesInAllowedPositionRule,
    },
    "...": {PossibleFragmentSpreadsRule, KnownFragmentNamesRule, NoFragmentCyclesRule},
    "fragment": {UniqueFragmentNamesRule, NoUnusedFragmentsRule},
    "@": {
        DeferStreamDirectiveLabel,
        DeferStreamDirectiveOnValidOperationsRule,
        StreamDirectiveOnListField,
        KnownDirectivesRule,
        UniqueDirectivesPerLocationRule,
    },
}
"""Rules that a document can break only if its text has a sign in it: half the cost of all validation otherwise."""
LONGEST_SUGGESTED = 1_000
"""Tokens of a document for which names are suggested, since it is validated a second time."""


class Variant(msgspec.Struct, frozen=True):
    """The graph by one set of names.

    Attributes:
        schema: The schema that has them.
        operations: Runs operations of it.
        costs: What they are expected to cost.
    """

    schema: GraphQLSchema
    operations: Operations
    costs: Costs

    def knows(self, names: Sequence[str]) -> int:
        """How many of some names are fields of its root."""
        roots = [root for root in (self.schema.query_type, self.schema.subscription_type) if root is not None]
        return sum(any(name in root.fields for root in roots) for name in names)


def variant_of(document: DocumentNode, variants: Sequence[Variant]) -> Variant:
    """The variant that a document is written for: the one that knows most of the fields at its root, else the first."""
    if len(variants) == 1:
        return variants[0]
    names = root_fields(document)
    return max(variants, key=lambda variant: variant.knows(names))


def root_fields(document: DocumentNode) -> list[str]:
    """The names of the fields at the root of a document's operations, those of its fragments included."""
    fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
    sets = [node.selection_set for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    names: list[str] = []
    while sets:
        for node in sets.pop().selections:
            match node:
                case FieldNode():
                    names.append(node.name.value)
                case InlineFragmentNode():
                    sets.append(node.selection_set)
                case FragmentSpreadNode() if (fragment := fragments.pop(node.name.value, None)) is not None:
                    sets.append(fragment.selection_set)
    return names


ME = re.compile(r"\bme\b|Me\b")
"""Finds the field `me`, with a prefix as well; it may find more."""


class Prepared(msgspec.Struct, frozen=True, eq=False, weakref=True):
    """A document that is valid against a variant of the schema.

    Attributes:
        asks_who: Whether its answer may depend on who asks: it may select `me`.
    """

    document: DocumentNode
    variant: Variant
    asks_who: bool


Verdict: TypeAlias = Prepared | list[GraphQLError]
"""A document ready to run, or what is wrong with it."""


class PreparedDocuments:
    """The documents of a graph.

    Args:
        variants: The graph by each of its sets of names.
        introspection: Whether the schema may be asked about, and errors may name what it has instead.
        max_tokens: Tokens that a document may have; None is no limit.
        check_text: Looks at a document before it is parsed; what it returns is the refusal.
        guard: Looks at a document before it is validated, since validation is what attackers burn; likewise.
        most_bytes: What the cached ones may take together, about.
    """

    def __init__(
        self,
        variants: Sequence[Variant],
        *,
        introspection: bool,
        max_tokens: int | None,
        check_text: Callable[[str], GatewayError | None],
        guard: Callable[[DocumentNode], GatewayError | None],
        most_bytes: int = CACHE_BYTES,
    ) -> None:
        self._variants = variants
        self._introspection = introspection
        self._max_tokens = max_tokens
        self._check_text = check_text
        self._guard = guard
        self._rules: list[type[ASTValidationRule]] = list(specified_rules)
        if not introspection:
            self._rules.append(NoSchemaIntrospectionCustomRule)
        self._rules_by_signs: dict[tuple[str, ...], list[type[ASTValidationRule]]] = {}
        self._known: LRUCache[str, tuple[int, Verdict]] = LRUCache(most_bytes, getsizeof=itemgetter(0))

    @property
    def weight(self) -> int:
        """The bytes that the cached documents take, about."""
        return int(self._known.currsize)

    def prepare(self, query: str) -> Verdict:
        """A document ready to run, or what is wrong with it."""
        refusal = self._check_text(query)
        if refusal is not None:
            return [GraphQLError(refusal.message, original_error=refusal)]
        known = self._known.get(query)
        if known is not None:
            return known[1]
        text = Text(query)
        verdict = self._prepare(text)
        if text.weight <= LARGEST_CACHED:
            self._known[query] = text.weight, verdict
        return verdict

    def _prepare(self, text: Text) -> Verdict:
        lexer = RunLexer(text)
        try:
            document = Parser(text, max_tokens=self._max_tokens, lexer=lexer).parse_document()
        except GraphQLSyntaxError as error:
            plain = error.with_traceback(None)  # else its frames are cached with it
            return [plain if "tokens. Parsing aborted" not in error.message else self._too_long(error)]
        except RecursionError:
            return [GraphQLSyntaxError(text, lexer.token.start, "The document is nested too deeply to be read.")]
        refusal = self._guard(document)
        if refusal is not None:
            return [GraphQLError(refusal.message, original_error=refusal)]
        variant = variant_of(document, self._variants)
        rules = self._breakable(text.body)
        wrong = self._wrong(variant.schema, document, rules, hide_suggestions=True)
        suggests = self._introspection and text.tokens <= LONGEST_SUGGESTED
        if suggests and 0 < len(wrong) <= MAX_SUGGESTED:
            wrong = self._wrong(variant.schema, document, rules, hide_suggestions=False)
        return wrong or Prepared(document, variant, asks_who=ME.search(text.body) is not None)

    def _breakable(self, text: str) -> list[type[ASTValidationRule]]:
        signs = tuple(sign for sign in BREAKABLE_BY if sign in text)
        rules = self._rules_by_signs.get(signs)
        if rules is None:
            idle = {rule for sign, some in BREAKABLE_BY.items() if sign not in signs for rule in some}
            rules = self._rules_by_signs[signs] = [rule for rule in self._rules if rule not in idle]
        return rules

    def _wrong(
        self,
        schema: GraphQLSchema,
        document: DocumentNode,
        rules: Collection[type[ASTValidationRule]],
        *,
        hide_suggestions: bool,
    ) -> list[GraphQLError]:
        wrong = validate(schema, document, rules, max_errors=MAX_ERRORS, hide_suggestions=hide_suggestions)
        return [in_plain_words(schema, document, error, hide_suggestions=hide_suggestions) for error in wrong]

    def _too_long(self, error: GraphQLError) -> GraphQLError:
        refusal = OperationTooCostly(
            f"The document has more than {self._max_tokens} tokens, which is the most allowed.",
            allowed=self._max_tokens or 0,
        )
        return GraphQLError(refusal.message, original_error=refusal, source=error.source, positions=error.positions)
