"""Variables, arguments and directives that are refused: the same in both ways, the first time and later."""

from __future__ import annotations

from typing import Any

import pytest
from graphql import parse

from gateway.execution.executor import Outcome
from gateway.execution.inputs import InvalidInput
from tests.execution.library import Book, Context, Library, Shelf

Refused = list[tuple[list[Any] | None, str, str]]
"""Path, argument and message of each refusal."""

BEFORE = [
    ("query($n: Int!) { books(first: $n) { id } }", {"n": None}, "$n"),
    ("query($n: Int!) { books(first: $n) { id } }", {}, "$n"),
    ("query($n: Int) { books(first: $n) { id } }", {"n": {"a": [True, None]}}, "$n"),
    ("query($n: Int) { books(first: $n) { id } }", {"n": "x"}, "$n"),
    ("query($n: Int) { books(first: $n) { id } }", {"n": True}, "$n"),
    ("query($n: Int) { books(first: $n) { id } }", {"n": 10**400}, "$n"),
    ("query($i: ID!) { book(id: $i) { id } }", {"i": [None]}, "$i"),
    ("query($b: By!) { books { loud(times: 1, by: $b) } }", {"b": {"word": None}}, "$b.word"),
    ("query($b: By!) { books { loud(times: 1, by: $b) } }", {"b": {"all": [{"w": 1}, {"w": None}]}}, "$b.all[1].w"),
    ("query($b: By!) { books { loud(times: 1, by: $b) } }", {"b": {"nothing": None}}, "$b"),
    ("query($b: Boolean = true) { books { id @include(if: $b) } }", {"b": None}, "$b"),
    ("query($b: Boolean = true) { books { id @skip(if: $b) } }", {"b": None}, "$b"),
    ("query($b: Boolean = true) { books @include(if: $b) { id } }", {"b": None}, "$b"),
    ("query($b: Boolean = true) { ... @include(if: $b) { now } }", {"b": None}, "$b"),
    ("query($b: Boolean = true) { ...F @skip(if: $b) } fragment F on Query { now }", {"b": None}, "$b"),
    ("query($b: Boolean = true) { books { ...F } } fragment F on Book { title @include(if: $b) }", {"b": None}, "$b"),
    ("query($b: Boolean = true) { now shelf @skip(if: true) { first { id @skip(if: $b) } } }", {"b": None}, "$b"),
]
"""What no field could be answered with: the request is refused as a whole."""

LOUD = "query(%s) { now books { id loud(%s) } }"
DURING = [
    ("query($i: ID = 1) { now book(id: $i) { id } }", {"i": None}, "id"),
    ("query($i: ID = 1) { now thing(id: $i) { id } }", {"i": None}, "id"),
    (LOUD % ("$t: [Int!] = [1]", "times: $t"), {"t": None}, "times"),
    (LOUD % ("$t: Int = 1", "times: [$t]"), {"t": None}, "times[0]"),
    (LOUD % ("$t: Int = 1", "times: [2, $t]"), {"t": None}, "times[1]"),
    (LOUD % ("$w: String", "times: 1, by: {word: $w}"), {"w": None}, "by.word"),
    (LOUD % ("$w: String", "times: 1, by: {word: $w}"), {}, "by.word"),
    (LOUD % ("$w: Size", "times: 1, by: {size: $w}"), {"w": None}, "by.size"),
    (LOUD % ("$w: Int = 1", "times: 1, by: {size: {w: $w}}"), {"w": None}, "by.size.w"),
    (LOUD % ("$w: Int = 1", "times: 1, by: {all: {w: $w}}"), {"w": None}, "by.all.w"),
    (LOUD % ("$w: Int = 1", "times: 1, by: {all: [{w: 1}, {w: $w}]}"), {"w": None}, "by.all[1].w"),
    (LOUD % ("$g: Genre = NOVEL", "times: 1, genre: $g"), {"g": None}, "genre"),
    (LOUD % ("$g: Genre, $w: String", "times: 1, genre: $g, by: {word: $w}"), {}, "by.word"),
]
"""What one field cannot be answered with; the others are."""

WELL = [
    (LOUD % ('$w: String = "x"', "times: 1, by: {word: $w}"), {}),
    (LOUD % ("$g: Genre = ESSAY", "times: 1, genre: $g"), {}),
    (LOUD % ("$g: Genre", "times: 1, genre: $g"), {}),
    (LOUD % ("$w: Int", "times: 1, by: {all: [{w: $w}]}"), {}),
    ("query($n: Int) { books(first: $n) { id } }", {"n": None}),
    ("query($b: Boolean = true) { books { id @include(if: $b) } }", {}),
]
"""What only looks like it: defaults, and nulls where they may be."""


def context() -> Context:
    return Context(Shelf([Book("a", "A"), Book("b", "B")]))


async def both_ways(query: str, variables: dict[str, Any]) -> list[Outcome]:
    """The answer by graphql-core, and by a plan: the first time, and those that follow."""
    document, both = parse(query), (Library(compiles=False), Library())
    outcomes = [
        await library.operations.execute(document, context=context(), variables=variables)
        for library in both
        for _ in range(3)
    ]
    assert [library.surprises for library in both] == [[], []]
    return outcomes


def refused(outcome: Outcome) -> Refused:
    found: Refused = []
    for error in outcome.errors:
        assert isinstance(error.original_error, InvalidInput), error
        assert error.message == error.original_error.message
        found.append((error.path, error.original_error.argument, error.message))
    return found


@pytest.mark.parametrize(("query", "variables", "argument"), BEFORE)
async def test_a_request_that_is_refused_as_a_whole(query: str, variables: dict[str, Any], argument: str) -> None:
    outcomes = await both_ways(query, variables)
    first = refused(outcomes[0])
    for outcome in outcomes:
        assert (outcome.started, outcome.data) == (False, None)
        assert refused(outcome) == first
    (path, named, message), *_ = first
    assert (path, named) == (None, argument)
    assert argument.partition(".")[0] in message
    assert not any(word in message for word in ("None", "True", "Exceeds"))


@pytest.mark.parametrize(("query", "variables", "argument"), DURING)
async def test_a_field_that_is_refused_alone(query: str, variables: dict[str, Any], argument: str) -> None:
    outcomes = await both_ways(query, variables)
    first = refused(outcomes[0])
    assert [outcome.interpreted is None for outcome in outcomes] == [False] * 3 + [True] * 3
    for outcome in outcomes:
        assert outcome.started
        assert refused(outcome) == first
    (name, *_) = (name for name in variables or {"w": None} if f"${name}" in first[0][2])
    assert {(argument, f"${name}") == (named, f"${name}") and named in message for _, named, message in first} == {True}
    assert len({message for _, _, message in first}) == 1
    assert "None" not in first[0][2]


@pytest.mark.parametrize(("query", "variables"), WELL)
async def test_defaults_and_nulls_that_may_be(query: str, variables: dict[str, Any]) -> None:
    for outcome in await both_ways(query, variables):
        assert outcome.started
        assert outcome.errors == []


async def test_only_the_conditions_of_the_operation_that_runs_count() -> None:
    library = Library()
    document = parse("""query A($b: Int) { books(first: $b) { ...F } } fragment F on Book { id }
      query B($b: Boolean = true) { books { ...G } } fragment G on Book { id @include(if: $b) }""")
    for name, started in (("A", True), ("B", False), ("A", True), ("B", False)):
        outcome = await library.operations.execute(
            document, context=context(), variables={"b": None}, operation_name=name
        )
        assert outcome.started is started


@pytest.mark.parametrize(
    ("query", "variables", "of_type"),
    [
        (BEFORE[0][0], {"n": None}, False),
        (BEFORE[0][0], {}, True),
        (BEFORE[0][0], {"n": "x"}, True),
        ("query($b: By!) { books { loud(times: 1, by: $b) } }", {"b": {"word": None}}, False),
        ("query($b: By!) { books { loud(times: 1, by: $b) } }", {"b": {"all": [None]}}, False),
        ("query($b: By!) { books { loud(times: 1, by: $b) } }", {"b": {"word": 5}}, True),
    ],
)
async def test_a_null_is_told_from_a_value_of_another_type(query: str, variables: Any, of_type: bool) -> None:
    outcome = await Library().ask(query, context(), **variables)
    (error,) = outcome.errors
    assert isinstance(error.original_error, InvalidInput)
    assert error.original_error.of_type is of_type


async def test_more_wrong_values_than_are_reported() -> None:
    query = "query($t: [Int!]!) { books { loud(times: $t) } }"
    outcome = await Library().ask(query, context(), t=[None] * 10_000)
    assert not outcome.started
    assert len(refused(outcome)) == 50


async def test_a_long_value_is_not_quoted_whole() -> None:
    outcome = await Library().ask("query($n: Int) { books(first: $n) { id } }", context(), n=["x" * 10_000] * 2)
    ((_, _, message),) = refused(outcome)
    assert len(message) < 500


async def test_a_resolver_s_own_error_is_not_taken_for_a_refusal() -> None:
    query = "query($n: Int) { books { shout(times: $n) } missing { first { id } } }"
    for outcome in await both_ways(query, {"n": None}):
        assert outcome.errors
        assert not any(isinstance(error.original_error, InvalidInput) for error in outcome.errors)
