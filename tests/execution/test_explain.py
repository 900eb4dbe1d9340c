"""A plan as text: what waits for what, and what leaves together."""

from __future__ import annotations

from typing import Any

import pytest
from graphql import parse

from gateway.execution.explain import explained
from gateway.execution.plan import Selection
from tests.execution.library import Context, Library

QUERY = """{
  now books(first: 2) { title a: author { name } editor { name rival { id } } pages { number author { id } } }
  thing(id: 1) { id ... on Book { price } __typename }
}"""
TEXT = """\
compiled: 19 fields, 3 levels
level 1
  call  now
  call  books
  call  thing
  rows  books        Book { title a editor pages }
  rows  books.pages  Page { number author }
  rows  thing        Author { id __typename }
  rows  thing        Book { id price __typename }
level 2
  load  authors             books.a, books.editor, books.pages.author
  rows  books.a             Author { name }
  rows  books.editor        Author { name rival }
  rows  books.pages.author  Author { id }
level 3
  load  authors             books.editor.rival
  rows  books.editor.rival  Author { id }"""


def plan(query: str, audience: str = "all", **variables: Any) -> Any:
    return Library().operations.plan(parse(query), context=Context(audience=audience), variables=variables)


def test_levels_batches_and_rows() -> None:
    found = plan(QUERY)
    assert isinstance(found, Selection)
    assert explained(found) == TEXT


def test_what_waits_for_nothing_has_no_level() -> None:
    assert explained(plan("{ __typename }")) == "compiled: 1 field, 0 levels"


def test_what_is_refused_is_said() -> None:
    assert "  none  books.price  refused" in explained(plan("{ books { title price } }", "children"))


def test_what_is_left_out_is_no_part_of_it() -> None:
    query = "query Q($yes: Boolean!) { books @include(if: $yes) { id } now }"
    assert "books" in explained(plan(query, yes=True))
    assert "books" not in explained(plan(query, yes=False))


@pytest.mark.parametrize(
    ("query", "reason"),
    [("{ now @loud }", "it has the directive @loud"), ("{ __schema { types { name } } }", "it asks about the schema")],
)
def test_why_there_is_no_plan(query: str, reason: str) -> None:
    assert plan(query) == reason


def test_a_wrong_request_has_no_plan_either() -> None:
    (error,) = plan("query Q($n: Int) { books(first: $n) { id } }", n="many")
    assert "Int cannot represent" in error.message


def test_explaining_runs_and_keeps_nothing() -> None:
    library, context = Library(), Context()
    library.operations.plan(parse("{ books { id } }"), context=context)
    assert context.calls == []
    assert len(library.plans) == 0
    assert set(library.operations.counts.values()) == {0}
