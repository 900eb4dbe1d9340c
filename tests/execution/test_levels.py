"""How a run goes: one batch a level, one row a record, others get their turn, nothing outlives it."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from gateway.execution.plans import BUSY
from tests.execution.library import Author, Book, Context, Library, Loader, Page, Shelf

AUTHORS = {str(n): Author(str(n), f"Author {n}", rival_id=str((n + 1) % 5)) for n in range(5)}


def books(count: int, **given: Any) -> list[Book]:
    return [Book(str(n), f"Book {n}", author_id=str(n % 3), editor_id="4", **given) for n in range(count)]


async def turns(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


def plain(outcome: Any) -> Any:
    assert outcome.interpreted is None
    return msgspec.to_builtins(outcome.data)


async def test_all_that_a_level_loads_leaves_together() -> None:
    loader = Loader(AUTHORS)
    pages = (Page(1, author_id="1"), Page(2, author_id="2"))
    context = Context(Shelf(books(6, pages=pages)), loader)
    query = "{ books { author { name rival { name } } editor { id } pages { author { id } } } }"
    answer = await Library().ask(query, context)
    assert [sorted(call) for call in loader.calls] == [["0", "1", "2", "4"], ["3"]]
    assert answer.errors == []
    assert plain(answer)["books"][5]["author"] == {"name": "Author 2", "rival": {"name": "Author 3"}}


async def test_a_record_is_made_into_one_row_however_many_lead_to_it() -> None:
    answer = await Library().ask("{ books { author { name } } }", Context(Shelf(books(6)), Loader(AUTHORS)))
    rows = [row.f0 for row in answer.data.f0]  # type: ignore[union-attr]
    assert rows[0] is rows[3]
    assert len({id(row) for row in rows}) == 3


async def test_several_keys_a_record_come_to_those_that_exist() -> None:
    context = Context(Shelf([Book("1", reader_ids=("1", "9", "2")), Book("2", reader_ids=())]), Loader(AUTHORS))
    answer = await Library().ask("{ books { readers { name } } }", context)
    assert plain(answer)["books"] == [{"readers": [{"name": "Author 1"}, {"name": "Author 2"}]}, {"readers": []}]


async def test_others_get_their_turn_while_many_rows_are_made() -> None:
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0)

    ticking = asyncio.ensure_future(tick())
    pages = tuple(Page(n) for n in range(10))
    context = Context(Shelf(books(1_000, pages=pages)), Loader(AUTHORS))
    answer = await Library().ask("{ books { title author { name } pages { number } } }", context)
    ticking.cancel()
    assert len(plain(answer)["books"]) == 1_000
    assert plain(answer)["books"][999]["pages"][9] == {"number": 9}
    assert plain(answer)["books"][999]["author"] == {"name": "Author 0"}
    assert ticks >= 10  # 11,000 rows, a turn each 1,024


@pytest.mark.sampled(2)
@pytest.mark.parametrize("length", [3, 256, 257, 1_500])
async def test_lists_inside_records_are_the_same_however_long(length: int) -> None:
    pages = [tuple(Page(n, words=("w",)) for n in range(length)), (), (Page("one"), Page(2)), None]
    shelf = Shelf([Book(str(n), pages=each) for n, each in enumerate(pages * 30)])
    library, query = Library(compiles=False), "{ shelf { books { id pages { number words __typename } } } }"
    expected, reported = await library.ask(query, Context(shelf)), await Library().ask(query, Context(shelf))
    assert (expected.interpreted, reported.interpreted) == (BUSY, None)
    assert msgspec.json.encode(reported.data) == msgspec.json.encode(expected.data)
    assert [error.path for error in reported.errors] == [error.path for error in expected.errors]


async def test_a_level_of_many_stretches_is_still_one_batch() -> None:
    loader = Loader(AUTHORS)
    await Library().ask("{ books { author { name } } }", Context(Shelf(books(2_000)), loader))
    assert loader.calls == [["0", "1", "2"]]


async def test_cancelling_ends_what_was_waited_for() -> None:
    library = Library()
    before = asyncio.all_tasks()
    asking = asyncio.ensure_future(library.ask("{ later never now }"))
    await turns(10)
    assert len(asyncio.all_tasks() - before) == 3
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await turns(2)
    assert asyncio.all_tasks() == before
    assert library.operations.counts["surprise"] == 0


async def test_cancelling_a_load_leaves_its_batch_to_its_loader() -> None:
    gate = asyncio.Event()
    loader = Loader(AUTHORS, gate)
    asking = asyncio.ensure_future(Library().ask("{ books { author { name } } }", Context(Shelf(books(2)), loader)))
    await turns(10)
    assert loader.calls == [["0", "1"]]
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking


async def test_somebody_elses_cancellation_is_an_error_of_the_field() -> None:
    answer = await Library().ask("{ now stray }")
    assert plain(answer) == {"now": "now", "stray": None}
    assert [error.path for error in answer.errors] == [["stray"]]
    answer = await Library().ask("{ stray }")
    assert [error.path for error in answer.errors] == [["stray"]]


async def test_what_arrives_goes_on_before_what_is_slower() -> None:
    context = Context(Shelf(books(1)), Loader(AUTHORS))
    asking = asyncio.ensure_future(Library().ask("{ later books { author { rival { name } } } }", context))
    await turns(50)
    assert [sorted(call) for call in context.authors.calls] == [["0"], ["1"]]
    assert not asking.done()
    context.gate.set()
    assert (await asking).errors == []


async def test_a_resolver_is_called_once_a_record_with_coerced_arguments() -> None:
    context = Context(Shelf(books(2)))
    query = "query Q($n: Int) { books { a: shout b: shout(times: $n) c: shout(word: null, times: 2) } }"
    answer = await Library().ask(query, context, n=3)
    assert plain(answer)["books"][1] == {"a": "BOOK 1", "b": "BOOK 1" * 3, "c": "BOOK 1" * 2}


async def test_names_that_clients_choose_are_names_and_nothing_else() -> None:
    context = Context(Shelf(books(1)))
    answer = await Library().ask(
        "{ f0: books { f1: title class: id __len__: id import: __typename Row: code } }", context
    )
    assert plain(answer) == {"f0": [{"f1": "Book 0", "class": "0", "__len__": "0", "import": "Book", "Row": "c!"}]}
