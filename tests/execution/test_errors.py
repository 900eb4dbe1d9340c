"""Errors in their places: whole paths, nulls propagated, shared rows unharmed, nothing left behind."""

from __future__ import annotations

import gc
from typing import Any, cast

import msgspec
import pytest

from gateway.execution.errors import FieldError
from tests.execution.library import Author, Book, Context, Library, Loader, Page, Shelf

BROKEN = RuntimeError("broken")


def reported(outcome: Any) -> tuple[Any, list[tuple[str, list[Any]]]]:
    assert outcome.interpreted is None
    errors = [(error.message, error.path) for error in outcome.errors]
    return msgspec.json.decode(msgspec.json.encode(outcome.data)), errors


async def ask(query: str, *books: Any, authors: dict[str, Any] | None = None, audience: str = "all") -> Any:
    shelf = Shelf(list(books), list(books), books[0] if books else None)
    return reported(await Library().ask(query, Context(shelf, Loader(authors or {}), audience)))


async def test_an_error_of_a_shared_row_is_reported_at_each_of_its_places() -> None:
    authors = {"1": Author("1", "One"), "2": Author("2", BROKEN)}
    books = [Book(str(n), author_id=str(1 + n % 2), editor_id="1") for n in range(4)]
    data, errors = await ask("{ books { author { id name } editor { id } } }", *books, authors=authors)
    assert data["books"][1] == {"author": None, "editor": {"id": "1"}}
    assert data["books"][2]["author"] == {"id": "1", "name": "One"}
    assert errors == [("broken", ["books", n, "author", "name"]) for n in (1, 3)]


async def test_a_key_that_fails_fails_alone() -> None:
    authors = {"1": Author("1", "One"), "2": BROKEN}
    books = [Book("a", author_id="1"), Book("b", author_id="2"), Book("c", author_id="9"), Book("d")]
    data, errors = await ask("{ books { author { name } } }", *books, authors=authors)
    assert [book["author"] for book in data["books"]] == [{"name": "One"}, None, None, None]
    assert errors == [("broken", ["books", 1, "author"])]


async def test_an_invalid_key_fails_alone() -> None:
    authors, broken = {"1": Author("1", "One")}, cast("Any", {})
    data, errors = await ask(
        "{ books { author { name } } }", Book("a", author_id=broken), Book("b", author_id="1"), authors=authors
    )
    assert [book["author"] for book in data["books"]] == [None, {"name": "One"}]
    assert errors == [("unhashable type: 'dict'", ["books", 0, "author"])]


CANNOT = "Cannot return null for non-nullable field {}."


@pytest.mark.parametrize(
    ("query", "expected", "path"),
    [
        ("{ shelf { books { title editor { id } } } }", {"shelf": {"books": [None]}}, ["shelf", "books", 0, "editor"]),
        ("{ shelf { best { editor { id } } } }", {"shelf": {"best": None}}, ["shelf", "best", 0, "editor"]),
        ("{ shelf { first { editor { id } } } now }", {"shelf": None, "now": "now"}, ["shelf", "first", "editor"]),
        ("{ now books { editor { id } } }", None, ["books", 0, "editor"]),
        ("{ now missing { first { id } } }", None, ["missing"]),
    ],
)
async def test_a_null_goes_up_to_where_one_may_stand(query: str, expected: Any, path: list[Any]) -> None:
    data, errors = await ask(query, Book("1", "One"))
    assert data == expected
    field = "Query.missing" if path == ["missing"] else "Book.editor"
    assert errors == [(CANNOT.format(field), path)]


async def test_the_first_of_several_errors_that_null_one_place_is_reported() -> None:
    data, errors = await ask(
        "{ things { id ... on Book { editor { name } pages { number } } } }", Book("1", pages=None)
    )
    assert data == {"things": [None]}
    assert errors == [(CANNOT.format("Book.editor"), ["things", 0, "editor"])]


@pytest.mark.parametrize(
    ("field", "value", "error"),
    [
        ("title", 7, None),
        ("title", (), "String cannot represent value: ()"),
        ("title", BROKEN, "broken"),
        ("copies", 2**31, "Int cannot represent non 32-bit signed integer value: 2147483648"),
        ("copies", True, None),
        ("price", float("inf"), "Float cannot represent non numeric value: inf"),
        ("price", 3, None),
        ("genre", "POEM", "Enum 'Genre' cannot represent value: 'POEM'"),
        ("genre", "NOVEL", None),
    ],
)
async def test_a_leaf_is_what_graphql_core_makes_of_it(field: str, value: Any, error: str | None) -> None:
    library, context = Library(compiles=False), Context(Shelf([Book("1"), Book("2", **{field: value})]))
    query = f"{{ books {{ id {field} }} }}"
    expected = await library.ask(query, context)
    assert expected.interpreted
    data, errors = reported(await Library().ask(query, context))
    assert data == expected.data
    assert errors == ([] if error is None else [(error, ["books", 1, field])])


async def test_lists_of_leaves_have_errors_at_their_items() -> None:
    pages = [Page(1, ("a", "b")), Page(2, ("a", {})), Page(3, ("a", None)), Page(4, "text"), Page(5, {"x"})]
    data, errors = await ask("{ books { pages { words } } }", Book("1", pages=pages))
    assert [page["words"] for page in data["books"][0]["pages"]] == [["a", "b"], None, None, None, ["x"]]
    assert errors == [
        ("String cannot represent value: {}", ["books", 0, "pages", 1, "words", 1]),
        (CANNOT.format("Page.words"), ["books", 0, "pages", 2, "words", 1]),
        ("Expected Iterable, but did not find one for field 'Page.words'.", ["books", 0, "pages", 3, "words"]),
    ]


async def test_an_object_of_another_type_is_an_error_at_its_place() -> None:
    data, errors = await ask("{ shelf { books { id pages { number } } } }", Book("1"), Page(1), BROKEN, None)
    assert data == {"shelf": {"books": [{"id": "1", "pages": []}, None, None, None]}}
    assert [path for _, path in errors] == [["shelf", "books", 1], ["shelf", "books", 2]]
    assert errors[0][0].startswith("Expected value of type 'Book' but got: <Page instance")


async def test_an_object_of_no_type_of_an_interface_is_an_error() -> None:
    data, errors = await ask("{ things { __typename id } }", Book("1"), Author("2", ""), Page(1), None)
    assert data["things"][:2] == [{"__typename": "Book", "id": "1"}, {"__typename": "Author", "id": "2"}]
    assert data["things"][2:] == [None, None]
    assert [path for _, path in errors] == [["things", 2]]


async def test_a_refused_field_is_null_and_reported_once() -> None:
    books = [Book(str(n), price=1.5, author_id="1") for n in range(3)]
    query = "{ books { id price author { name } } }"
    data, errors = await ask(query, *books, authors={"1": Author("1", "One")}, audience="children")
    assert data["books"] == [{"id": str(n), "price": None, "author": None} for n in range(3)]
    assert errors == [("not for you", ["books", 0, "price"]), ("not for you", ["books", 0, "author"])]


async def test_a_refusal_is_reported_where_the_first_row_is_not_shown() -> None:
    authors = {"1": Author("1", "One")}
    books = [Book("0", editor_id="9"), Book("1", editor_id="1"), Book("2", editor_id="1")]
    query = "{ shelf { books { editor { id } price } } }"
    data, errors = await ask(query, *books, authors=authors, audience="children")
    assert data["shelf"]["books"] == [None, *[{"editor": {"id": "1"}, "price": None}] * 2]
    assert errors == [
        (CANNOT.format("Book.editor"), ["shelf", "books", 0, "editor"]),
        ("not for you", ["shelf", "books", 1, "price"]),
    ]


async def test_a_bad_argument_is_an_error_of_the_field() -> None:
    data, errors = await ask("query Q($n: Int) { books { shout(times: $n) } }", Book("1", None))
    assert data == {"books": [{"shout": None}]}
    assert errors == [("'NoneType' object has no attribute 'upper'", ["books", 0, "shout"])]


def alive(kind: type) -> int:
    """How many objects of a type there are."""
    gc.collect()
    return sum(type(each) is kind for each in gc.get_objects())


async def test_errors_leave_no_rows_behind() -> None:
    library = Library()
    authors = {str(n): Author(str(n), {} if n % 2 else "One") for n in range(4)}
    pages = (Page(1, ("a", {})), Page(2))
    context = Context(Shelf([Book(str(n), author_id=str(n % 4), pages=pages) for n in range(20)]), Loader(authors))
    query = "{ books { author { name } pages { number words } } later: now shelf { first { id } } }"
    before = alive(FieldError)  # what a test that failed earlier in this process holds
    counts = []
    for _ in range(3):
        answer = await library.ask(query, context)
        counts.append(len(answer.errors))
    del answer
    assert (counts, alive(FieldError)) == ([31, 31, 31], before)
