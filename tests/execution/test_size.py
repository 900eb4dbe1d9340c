"""Answers have a size: counted exactly, in both ways of execution, and never made beyond what is allowed."""

from __future__ import annotations

import asyncio
import time
from typing import Any, cast

import msgspec
import pytest

from gateway.execution.executor import Operations
from gateway.execution.plans import BUSY, Plans
from gateway.execution.size import AnswerTooLarge
from gateway.graph.context import Context as GraphContext
from gateway.graph.declarations import GraphDeclarations
from gateway.graph.documents import Prepared
from gateway.graph.engine import Engine
from gateway.request import Request
from tests.execution.library import NOTHING, Author, Book, Context, Library, Loader, Page, Shelf
from tests.execution.parity import some_id
from tests.execution.questions import Question
from tests.execution.random_schema import Catalog, World
from tests.execution.values import Faults

AUTHORS = {str(n): Author(str(n), f"Author {n}", rival_id=str((n + 1) % 3)) for n in range(3)}


def shelf(books: int, authors: int = 1) -> Context:
    rows = [
        Book(
            str(n),
            f"Book {n}",
            pages=tuple(Page(number, author_id="0") for number in range(n % 4)),
            author_id=str(n % authors) if n % 5 else None,
            reader_ids=("0", "1", "0") if n % 3 else None,
        )
        for n in range(books)
    ]
    grid = [[rows[0], rows[1], None], None, rows[2:]]
    return Context(Shelf(rows, rows, rows[0], grid), Loader(AUTHORS))


def fields(value: Any) -> int:
    """The fields of an answer as it is written; none of these has a leaf that is an object."""
    if isinstance(value, dict):
        return len(value) + sum(map(fields, value.values()))
    return sum(map(fields, value)) if isinstance(value, list) else 0


QUERIES = {
    "leaves": "{ now a: now }",
    "objects in lists": "{ books { id title __typename } }",
    "objects in objects": "{ shelf { first { id pages { number words } } best { id } grid { id title } } }",
    "loaded": "{ books { id author { id name } readers { name } } }",
    "loaded under what was loaded": "{ books { author { name rival { name rival { id } } } } }",
    "lists under what was loaded": "{ books { author { books { id pages { number } author { id books { id } } } } } }",
    "many loaded": "{ books { readers { id books { id author { name } } } } }",
    "loaded under what lies in records": "{ shelf { best { pages { author { name books { title } } } } } }",
    "interfaces": '{ things { id ... on Book { title author { name books { id } } } } thing(id: "1") { id } }',
}


@pytest.mark.parametrize("compiles", [True, False], ids=["compiled", "interpreted"])
@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES)
async def test_an_answer_may_have_as_many_fields_as_are_allowed_and_not_one_more(query: str, *, compiles: bool) -> None:
    free = await Library(compiles=compiles).ask(query, shelf(23))
    assert free.errors == []
    count = fields(msgspec.json.decode(msgspec.json.encode(free.data)))
    assert free.fields >= count
    enough = await Library(compiles=compiles, max_fields=count).ask(query, shelf(23))
    assert msgspec.json.encode(enough.data) == msgspec.json.encode(free.data)
    library = Library(compiles=compiles, max_fields=count - 1)
    with pytest.raises(AnswerTooLarge) as refused:
        await library.ask(query, shelf(23))
    assert refused.value.allowed == count - 1
    assert library.surprises == []
    assert len(asyncio.all_tasks()) == 1


@pytest.mark.parametrize("compiles", [True, False], ids=["compiled", "interpreted"])
async def test_what_is_one_row_in_many_places_is_counted_in_each(*, compiles: bool) -> None:
    deep = "{ books { author { books { author { books { author { books { id } } } } } } } }"  # 20 * 16 * 16 * 16
    context = shelf(20)
    began = time.process_time()
    with pytest.raises(AnswerTooLarge):
        await Library(compiles=compiles, max_fields=10_000).ask(deep, context)
    assert time.process_time() - began < 10, "an answer of 80,000 fields is not made first"


async def test_no_more_is_made_than_is_allowed() -> None:
    context, library = shelf(5_000, 3), Library(max_fields=1_000)
    with pytest.raises(AnswerTooLarge) as refused:
        await library.ask("{ books { id title pages { number } author { name } } }", context)
    assert refused.value.measured < 4_000, "a stretch of rows beyond it at the most"
    assert context.authors.calls == [], "nothing is loaded for an answer that is too large already"


async def test_long_lists_are_interpreted_in_turns_and_still_load_at_once() -> None:
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0)

    ticking = asyncio.ensure_future(tick())
    context = shelf(500, 3)
    reported = await Library(compiles=False).ask("{ books { id title author { name } pages { number } } }", context)
    ticking.cancel()
    assert reported.interpreted == BUSY
    assert ticks >= 5
    assert msgspec.json.encode(reported.data) == msgspec.json.encode(
        (await Library().ask("{ books { id title author { name } pages { number } } }", shelf(500, 3))).data
    )


async def test_cancelling_a_long_list_leaves_nothing_behind() -> None:
    before = asyncio.all_tasks()
    asking = asyncio.ensure_future(Library(compiles=False).ask("{ books { author { name } } }", shelf(2_000, 3)))
    for _ in range(4):
        await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    for _ in range(20):
        await asyncio.sleep(0)
    assert asyncio.all_tasks() == before


def rows_of(value: Any) -> int:
    """The fields of rows of a plan; leaves may be objects here."""
    if isinstance(value, msgspec.Struct):
        return len(value.__struct_fields__) + sum(map(rows_of, msgspec.structs.astuple(value)))
    return sum(map(rows_of, value)) if isinstance(value, list | tuple) else 0


@pytest.mark.sampled(8)
@pytest.mark.parametrize("seed", range(40))
async def test_random_queries_to_the_real_schema_are_counted_exactly(seed: int) -> None:
    catalog = cast("Any", Catalog(World(seed, Faults())))
    engine = Engine(catalog)
    prepared = engine.prepare(Question(engine.schema, seed, some_id).text)
    if not isinstance(prepared, Prepared):
        return
    variables = Question(engine.schema, seed, some_id).variables

    async def run(most: int | None, *, compiles: bool) -> Any:
        operations = Operations(
            engine.schema,
            GraphDeclarations(),
            max_fields=most,
            plans=Plans(GraphDeclarations(), time.perf_counter, allowance=None if compiles else NOTHING),
        )
        checked = operations.check(prepared.document, variables=variables)
        if isinstance(checked, list):
            return None
        context = GraphContext(catalog, Request(deadline=1e9), checked.operation, tuple)
        try:
            return await operations.run(checked, context)
        finally:
            await context.close()

    outcome = await run(None, compiles=True)
    if outcome is None or outcome.interpreted is not None or outcome.data is None or outcome.errors:
        return
    count = rows_of(outcome.data)
    for compiles in (True, False):
        assert (await run(count, compiles=compiles)).data is not None
        with pytest.raises(AnswerTooLarge):
            await run(count - 1, compiles=compiles)
