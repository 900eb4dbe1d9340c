"""Documents made ready to run once each: measured, parsed, validated, and cached within so many bytes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import TypeAlias

import msgspec
from cachetools import LRUCache
from graphql import (
    ASTValidationRule,
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    NoSchemaIntrospectionCustomRule,
    specified_rules,
    validate,
)
from graphql.language.parser import Parser

from gateway.errors import GatewayError, OperationTooCostly
from gateway.execution.inputs import MOST_SUGGESTED
from gateway.execution.lexer import RunLexer
from gateway.execution.source import Text
from gateway.graph.validation import in_plain_words
from gateway.graph.variants import Variant, variant_of

CACHE_BYTES = 32_000_000
"""What the cached documents take together, about."""
LARGEST_CACHED = CACHE_BYTES // 8
"""Bytes of the largest document that is cached: one of them does not drive all others out."""
MOST_ERRORS = 20
"""Validation errors that one document is told of."""
LONGEST_SUGGESTED = 1_000
"""Tokens of a document for which names are suggested, since it is validated a second time."""


class Prepared(msgspec.Struct, frozen=True, eq=False, weakref=True):
    """A document that is valid against a variant of the schema."""

    document: DocumentNode
    variant: Variant


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
        wrong = self._wrong(variant.schema, document, hide_suggestions=True)
        suggests = self._introspection and text.tokens <= LONGEST_SUGGESTED
        if suggests and 0 < len(wrong) <= MOST_SUGGESTED:
            wrong = self._wrong(variant.schema, document, hide_suggestions=False)
        return wrong or Prepared(document, variant)

    def _wrong(self, schema: GraphQLSchema, document: DocumentNode, *, hide_suggestions: bool) -> list[GraphQLError]:
        wrong = validate(schema, document, self._rules, max_errors=MOST_ERRORS, hide_suggestions=hide_suggestions)
        return [in_plain_words(document, error) for error in wrong]

    def _too_long(self, error: GraphQLError) -> GraphQLError:
        refusal = OperationTooCostly(
            f"The document has more than {self._max_tokens} tokens, which is the most allowed.",
            allowed=self._max_tokens or 0,
        )
        return GraphQLError(refusal.message, original_error=refusal, source=error.source, positions=error.positions)
