"""What the compiled way is not made for is graphql-core's: the same answer, nothing loaded twice, and it is counted."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from graphql import get_introspection_query

from gateway.execution.compiler import Plan
from gateway.execution.executor import WAYS
from gateway.execution.plans import BUSY
from gateway.execution.rows import Rows
from tests.execution.library import Author, Book, Context, Library, Loader, Shelf

NONE = dict.fromkeys(WAYS, 0)
AUTHORS = {"1": Author("1", "One")}


def context() -> Context:
    return Context(Shelf([Book("a", "A", author_id="1"), Book("b", "B")]), Loader(AUTHORS))


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        (get_introspection_query(), "it asks about the schema"),
        ('{ now __type(name: "Book") { name } }', "it asks about the schema"),
        ("{ now @loud }", "it has the directive @loud"),
        ("{ books { " + " ".join(f"a{n}: id" for n in range(2_000)) + " } }", "it selects more than 2000 fields"),
    ],
)
async def test_what_no_plan_covers(query: str, reason: str) -> None:
    library = Library()
    answer = await library.ask(query, context())
    assert answer.data is not None
    assert answer.errors == []
    assert answer.interpreted == reason
    assert library.operations.counts == {**NONE, "interpreted": 1}
    assert library.surprises == []


@pytest.mark.parametrize(
    ("query", "reason", "expected"),
    [
        ("{ books { where author { name } } }", "a resolver asks for its path", "books/0/where"),
        ("{ books { author { name } } stream { id } }", "a list is an asynchronous iterator", None),
    ],
)
async def test_a_surprise_on_the_way_ends_with_graphql_core(query: str, reason: str, expected: str | None) -> None:
    library, asked = Library(), context()
    answer = await library.ask(query, asked)
    assert answer.errors == []
    assert isinstance(answer.data, dict)
    assert answer.interpreted == reason
    assert answer.data["books"][0].get("where") == expected
    assert answer.data["books"][0]["author"] == {"name": "One"}
    assert asked.calls == ["books"]  # the doors are not asked again
    assert asked.authors.calls == [["1"]]  # nor is what was loaded
    assert library.operations.counts["surprise"] == 1
    assert [str(surprise) for surprise in library.surprises] == [reason]


async def test_a_resolver_at_the_top_may_ask_for_its_path() -> None:
    answer = await Library().ask("{ x: books { id } }", context())
    assert answer.interpreted is None


async def test_a_fault_of_the_plan_itself_is_never_the_clients(monkeypatch: pytest.MonkeyPatch) -> None:
    library = Library()
    monkeypatch.setattr(Rows, "make", lambda *_: 1 / 0)
    answer = await library.ask("{ books { title } }", context())
    assert answer.data == {"books": [{"title": "A"}, {"title": "B"}]}
    assert answer.interpreted == "its plan failed"
    assert isinstance(library.surprises[0], ZeroDivisionError)


async def test_a_loader_that_loses_keys_is_a_surprise() -> None:
    class Forgetful(Loader):
        async def _load(self, keys: Any, distinct: Any) -> Any:
            return (await super()._load(keys, distinct))[: 1 + len(keys) % 2]

    asked = Context(Shelf([Book("a", author_id="1"), Book("b", author_id="1")]), Forgetful(AUTHORS))
    answer = await Library().ask("{ books { author { name } } }", asked)
    assert answer.interpreted == "a loader answers another number of keys than it was asked"
    assert answer.data == {"books": [{"author": {"name": "One"}}] * 2}


async def test_a_wrong_request_is_not_run() -> None:
    library = Library()
    for answer in (
        await library.ask("query Q($n: Int) { books(first: $n) { id } }", context(), n="many"),
        await library.ask("query Q($n: ID!) { book(id: $n) { id } }", context()),
    ):
        assert not answer.started
        assert answer.data is None
        assert len(answer.errors) == 1
    assert library.operations.counts == NONE


async def test_both_ways_write_the_same_bytes() -> None:
    query = "{ shelf { books { id title author { name } price genre pages { number } } best { __typename } } }"
    slow, library = Library(compiles=False), Library()
    first, second = await slow.ask(query, context()), await library.ask(query, context())
    assert (first.interpreted, second.interpreted) == (BUSY, None)
    assert (slow.operations.counts, library.operations.counts) == ({**NONE, "interpreted": 1}, {**NONE, "compiled": 1})
    assert msgspec.json.encode(first.data) == msgspec.json.encode(second.data)
    assert isinstance(next(iter(next(iter(library.plans._known.values())).variants.values())), Plan)
