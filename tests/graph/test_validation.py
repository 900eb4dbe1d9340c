"""Validation: every rule of it holds, though those that a text cannot break are not run."""

from __future__ import annotations

from typing import Any, cast

import pytest
from graphql import parse, specified_rules, validate

from gateway.graph.documents import BREAKABLE_BY
from gateway.graph.engine import Engine
from tests.execution.random_schema import Catalog, World
from tests.execution.values import Faults

BREAKING = {
    "NoUndefinedVariablesRule": "{ meetings(first: $n) { totalCount } }",
    "NoUnusedVariablesRule": "query ($n: Int) { sources { source } }",
    "UniqueVariableNamesRule": "query ($n: Int, $n: Int) { meetings(first: $n) { totalCount } }",
    "VariablesAreInputTypesRule": "query ($n: Meeting) { sources { source } }",
    "VariablesInAllowedPositionRule": "query ($n: String) { meetings(first: $n) { totalCount } }",
    "PossibleFragmentSpreadsRule": "{ sources { ... on Meeting { id } } }",
    "KnownFragmentNamesRule": "{ sources { ...Missing } }",
    "NoFragmentCyclesRule": "{ sources { ...A } } fragment A on SourceStatus { ...A }",
    "UniqueFragmentNamesRule": "{ sources { ...A } } fragment A on SourceStatus { source } "
    "fragment A on SourceStatus { enabled }",
    "NoUnusedFragmentsRule": "{ sources { source } } fragment A on SourceStatus { source }",
    "DeferStreamDirectiveLabel": "query ($l: String) { ... @defer(label: $l) { sources { source } } }",
    "DeferStreamDirectiveOnValidOperationsRule": "subscription { sources { ... @defer { source } } }",
    "StreamDirectiveOnListField": "{ meetings @stream { totalCount } }",
    "KnownDirectivesRule": "{ sources @unknown { source } }",
    "UniqueDirectivesPerLocationRule": "{ sources @include(if: true) @include(if: true) { source } }",
}


@pytest.mark.parametrize("rule", sorted(rule.__name__ for rules in BREAKABLE_BY.values() for rule in rules))
def test_a_rule_that_is_not_always_run_still_refuses_what_breaks_it(rule: str) -> None:
    engine = Engine(cast("Any", Catalog(World(0, Faults()))))
    text = BREAKING[rule]
    (broken,) = [each for each in specified_rules if each.__name__ == rule]
    assert validate(engine.schema, parse(text), [broken])
    expected = validate(engine.schema, parse(text), specified_rules)
    found = engine.prepare(text)
    assert isinstance(found, list)
    assert [error.message for error in found] == [error.message for error in expected]
