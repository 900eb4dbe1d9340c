"""How upstream answers become typed rows, and what becomes of what is not as expected."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

import msgspec
import pytest

from gateway.errors import UpstreamMalformed
from gateway.paging.merge import Problem
from gateway.sources.decode import LOST, Body, BodyDecoder, Row


class Stub(msgspec.Struct, frozen=True):
    id: int | str


class Guest(msgspec.Struct, frozen=True):
    email: str | None = None
    organizer: bool | None = None


class Visit(msgspec.Struct, frozen=True, kw_only=True):
    id: int | str
    title: str | None = None
    place: int | None = None
    share: float | None = None
    held: bool | None = None
    when: Annotated[dt.datetime, msgspec.Meta(tz=True)] | None = None
    day: dt.date | None = None
    host: Stub | None = None
    guests: tuple[Guest, ...] | None = None
    labels: list[str] | None = None
    extra: dict[str, object] | None = None
    slot: int | str | None = msgspec.field(name="slotStart", default=None)


class Meta(msgspec.Struct, frozen=True):
    page: int | None = None


DECODER = BodyDecoder(Visit, Meta, source="SALESLOFT")


def decode(*rows: object, metadata: object = None) -> Body[Visit, Meta]:
    return DECODER.decode(msgspec.json.encode({"data": rows, "metadata": metadata}))


def only(*rows: object) -> Row[Visit]:
    body = decode(*rows)
    assert len(body.rows) == 1
    return body.rows[0]


def test_a_body_as_expected_is_decoded_whole() -> None:
    body = decode({"id": 1, "title": "Ä 🎉", "unknown": {"x": 1}}, {"id": "b-2", "slotStart": 3}, metadata={"page": 4})

    assert body == Body([Row(Visit(id=1, title="Ä 🎉")), Row(Visit(id="b-2", slot=3))], Meta(4))


def test_a_bare_row_is_a_list_of_one() -> None:
    good = DECODER.decode(b'{"data": {"id": 7}}')
    bad = DECODER.decode(b'{"data": {"id": 7, "title": []}}')

    assert good.rows == [Row(Visit(id=7))]
    assert bad.rows == [Row(Visit(id=7), frozenset({"title"}))]
    assert bad.problems == (Problem("title"),)


def test_null_and_absent_are_alike() -> None:
    assert only({"id": 1, "title": None, "guests": None}).value == only({"id": 1}).value


@pytest.mark.parametrize(
    "row",
    [None, 5, "text", [], {}, {"id": None}, {"id": True}, {"id": []}, {"title": "no id"}],
)
def test_a_row_without_a_readable_id_is_lost_and_the_others_are_not(row: object) -> None:
    body = decode({"id": 1}, row, {"id": 2})

    assert [item.value.id for item in body.rows] == [1, 2]
    assert (body.problems, body.lost) == ((LOST,), 1)
    assert body.problems[0].lost


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("title", []),
        ("title", {"a": 1}),
        ("title", True),
        ("place", "x"),
        ("place", 1.5),
        ("place", True),
        ("share", "x"),
        ("held", "perhaps"),
        ("when", "soon"),
        ("when", 1726491600),
        ("when", "1726491600"),
        ("when", "2026-13-01T00:00:00Z"),
        ("day", "32"),
        ("host", {}),
        ("host", []),
        ("host", {"id": None}),
        ("guests", "none"),
        ("guests", {"email": "a@b.example"}),
        ("labels", 3),
        ("extra", []),
        ("slot", []),
    ],
)
def test_an_unreadable_field_is_left_out_and_named(name: str, sent: object) -> None:
    row = {"id": 1, "title": "kept", "place": 2, ("slotStart" if name == "slot" else name): sent}

    body = decode({"id": 0}, row)

    fields = {"title": "kept", "place": 2} | {name: None}
    assert body.rows == [Row(Visit(id=0)), Row(msgspec.convert({"id": 1, **fields}, Visit), frozenset({name}))]
    assert body.problems == (Problem(name),)


@pytest.mark.parametrize(
    ("name", "sent", "read"),
    [
        ("title", 5, "5"),
        ("title", 1.5, "1.5"),
        ("place", "12", 12),
        ("place", 3.0, 3),
        ("share", "1.5", 1.5),
        ("held", "true", True),
        ("held", 0, False),
        ("when", "2026-01-02", dt.datetime(2026, 1, 2, tzinfo=dt.UTC)),
        ("when", "2026-01-02T03:04:05", dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)),
        ("when", "20260102T030405Z", dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)),
    ],
)
def test_a_value_in_another_type_is_read_all_the_same(name: str, sent: object, read: object) -> None:
    row = only({"id": 1, name: sent})

    assert getattr(row.value, name) == read
    assert row.unreadable == frozenset()


def test_elements_of_a_list_are_read_one_by_one() -> None:
    body = decode(
        {
            "id": 1,
            "guests": ["nobody", {"email": "a@b.example"}, {"email": [], "organizer": True}],
            "labels": ["x", None, 2],
        }
    )

    assert body.rows[0].value == Visit(
        id=1, guests=(Guest("a@b.example"), Guest(None, organizer=True)), labels=["x", "2"]
    )
    assert body.rows[0].unreadable == {"guests.*", "guests.1.email", "labels.*"}
    assert set(body.problems) == {Problem("guests"), Problem("guests.email"), Problem("labels")}


def test_a_problem_is_told_once_however_many_rows_have_it() -> None:
    body = decode(*({"id": number, "title": []} for number in range(50)), None, None)

    assert len(body.rows) == 50
    assert body.problems == (Problem("title"), LOST)


def test_a_text_that_is_no_utf8_costs_its_field_only() -> None:
    body = DECODER.decode(b'{"data": [{"id": 1, "title": "\xff", "place": 2}]}')

    assert body.rows == [Row(Visit(id=1, place=2), frozenset({"title"}))]


def test_metadata_that_cannot_be_read_costs_no_row() -> None:
    body = decode({"id": 1}, metadata=[1])

    assert (body.rows, body.metadata, body.problems) == ([Row(Visit(id=1))], None, (Problem("metadata"),))


def test_a_field_of_metadata_that_cannot_be_read_leaves_the_rest() -> None:
    assert decode({"id": 1}, metadata={"page": []}).metadata == Meta(None)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b'{"data": [{"id": 1}',
        b"[]",
        b"null",
        b"{}",
        b'{"error": "API rate limit exceeded"}',
        b'{"data": null}',
        b'{"data": "x"}',
        b'{"data": [{"id": 1}]} trailing',
        b"[" * 100_000,
        b'{"data":' + b"[" * 100_000,
    ],
)
def test_what_is_no_answer_at_all_is_malformed_and_quotes_nothing(body: bytes) -> None:
    with pytest.raises(UpstreamMalformed) as caught:
        DECODER.decode(body)

    assert caught.value.extensions() == {"code": "UPSTREAM_MALFORMED", "source": "SALESLOFT"}
    assert caught.value.message == "The answer could not be read."
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_deep_nesting_in_a_field_costs_the_field_or_the_answer_but_never_the_process() -> None:
    deep = b'{"data": [{"id": 1, "extra": {"a": ' + b"[" * 5000 + b"]" * 5000 + b"}}]}"
    try:
        body = DECODER.decode(deep)
    except UpstreamMalformed:
        return
    assert body.rows == [Row(Visit(id=1), frozenset({"extra"}))]
