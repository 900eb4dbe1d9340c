"""How upstream answers become typed rows, and what becomes of what is not as expected."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import Annotated

import msgspec
import pytest

from gateway.errors import UpstreamMalformed, UpstreamTooMany
from gateway.sources.decode import Body, BodyDecoder, Row


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


def test_null_and_absent_are_alike() -> None:
    assert only({"id": 1, "title": None, "guests": None}).value == only({"id": 1}).value


@pytest.mark.parametrize(
    "row",
    [None, 5, "text", [], {}, {"id": None}, {"id": True}, {"id": []}, {"title": "no id"}],
)
def test_a_row_without_a_readable_id_is_lost_and_the_others_are_not(row: object) -> None:
    body = decode({"id": 1}, row, {"id": 2})

    assert [item.value.id for item in body.rows] == [1, 2]
    assert len(body.lost) == 1


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
        ("when", "0001-01-01T00:00:00+14:00"),
        ("when", "9999-12-31T23:59:59-14:00"),
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


def test_lost_rows_are_told_apart_and_equal_ones_are_counted_once() -> None:
    first, again = decode({"id": 1}, None, None, {}), decode({}, None, {"id": 2}, None)

    assert len(set(first.lost)) == 3
    assert set(first.lost) == set(again.lost)


def test_a_text_that_is_no_utf8_costs_its_field_only() -> None:
    body = DECODER.decode(b'{"data": [{"id": 1, "title": "\xff", "place": 2}]}')

    assert body.rows == [Row(Visit(id=1, place=2), frozenset({"title"}))]


def test_metadata_that_cannot_be_read_costs_no_row() -> None:
    body = decode({"id": 1}, metadata=[1])

    assert (body.rows, body.metadata, body.unreadable) == ([Row(Visit(id=1))], None, frozenset({"*"}))


def test_a_field_of_metadata_that_cannot_be_read_leaves_the_rest() -> None:
    body = decode({"id": 1}, metadata={"page": []})

    assert (body.metadata, body.unreadable) == (Meta(None), frozenset({"page"}))


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


def body_of(value: bytes, more: bytes = b"") -> bytes:
    return b'{"data": [{"id": 1, "title": "kept", "held": true, ' + value + b"}" + more + b"]}"


WRECKED = {
    "half a pair": rb'"labels": ["x", "cut \ud83d"]',
    "the other half": rb'"labels": ["x", "\ude00 cut"]',
    "two first halves": rb'"labels": ["x", "\ud83d\ud83d"]',
    "no UTF-8": b'"labels": ["x", "\xff"]',
    "a surrogate in UTF-8": b'"labels": ["x", "\xed\xa0\xbd"]',
    "a raw control character": b'"labels": ["x", "a\x01b"]',
    "a raw line break": b'"labels": ["x", "a\nb"]',
    "an escape that does not exist": rb'"labels": ["x", "\q"]',
    "an escape cut short": rb'"labels": ["x", "\u12"]',
    "no number": b'"labels": ["x", NaN]',
    "infinite": b'"labels": ["x", -Infinity]',
    "beyond a float": b'"labels": ["x", 1e999]',
    "thousands of digits": b'"labels": ["x", ' + b"9" * 5000 + b"]",
    "very deep": b'"labels": ["x", ' + b"[" * 3000 + b"]" * 3000 + b"]",
    "without end": b'"labels": ["x", ' + b"[" * 400_000 + b"]" * 400_000 + b"]",
}


@pytest.mark.parametrize("wreck", WRECKED.values(), ids=WRECKED.keys())
@pytest.mark.parametrize("times", [1, 3])
def test_a_wrecked_value_costs_itself_alone(wreck: bytes, times: int) -> None:
    sent = body_of(wreck)
    rows = DECODER.decode(_repeated(sent, times)).rows

    assert [row.value for row in rows] == [Visit(id=1, title="kept", held=True, labels=["x"])] * times
    assert {row.unreadable for row in rows} == {frozenset({"labels.*"})}


def _repeated(sent: bytes, times: int) -> bytes:
    row = sent.removeprefix(b'{"data": [').removesuffix(b"]}")
    return b'{"data": [' + b",".join([row] * times) + b"]}"


@pytest.mark.parametrize("wreck", WRECKED.values(), ids=WRECKED.keys())
def test_a_wrecked_value_of_a_field_that_nobody_reads_costs_nothing(wreck: bytes) -> None:
    body = DECODER.decode(body_of(wreck.replace(b"labels", b"nobody's")))

    assert body.rows == [Row(Visit(id=1, title="kept", held=True))]


@pytest.mark.parametrize(
    "extra",
    [
        b'{"a": 123456789012345678900}',
        b'{"a": {"b": [-99999999999999999999]}}',
        rb'{"a": "\ud83d"}',
        rb'{"\ud83d": 1}',
        b'{"a": ' + b"[" * 60 + b"]" * 60 + b"}",
        b'{"a": ' + b'{"a": ' * 3000 + b"1" + b"}" * 3000 + b"}",
        b'{"a": 1e999}',
    ],
)
def test_what_a_value_of_any_kind_cannot_bear_costs_that_value(extra: bytes) -> None:
    body = DECODER.decode(
        body_of(b'"extra": ' + extra, b', {"id": 2, "extra": {"a": [1, {"b": 18446744073709551615}]}}')
    )

    assert body.rows == [
        Row(Visit(id=1, title="kept", held=True), frozenset({"extra"})),
        Row(Visit(id=2, extra={"a": [1, {"b": 2**64 - 1}]})),
    ]


@pytest.mark.parametrize(
    "text",
    [
        b'{"a": ' * 200_000 + b"1" + b"}" * 200_000,
        b"[" * 3_000 + b"]" * 3_000 + b', "\\ud83d' + rb"\n" * 1_000_001 + b'"',
        b"[" * 3_000 + b"]" * 3_000 + b', ""' * 300_000,
    ],
    ids=["objects", "escapes", "texts"],
)
def test_what_would_take_too_long_to_mend_is_malformed(text: bytes) -> None:
    with pytest.raises(UpstreamMalformed):
        DECODER.decode(body_of(b'"labels": ["x", ' + text + b"]"))


async def test_others_have_their_turn_while_large_values_are_looked_at() -> None:
    """Rows as expected, but for what is in a field of any kind."""
    extra = b'"extra": {"a": [' + b",".join([b"[" + b",".join([b"1"] * 900) + b"]"] * 10) + b"]}"
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    beside = asyncio.ensure_future(other())
    body = await DECODER.read(_repeated(body_of(extra), 20))
    beside.cancel()
    assert len(body.rows) == 20
    assert not any(row.unreadable for row in body.rows)
    assert turns >= 9


def test_what_json_allows_is_read() -> None:
    text = rb'"title": "\u0000\ud83d\ude00\\ud83d \/ NaN", "extra": {"n": [1.5, -9223372036854775808, "Infinity"]}'

    assert DECODER.decode(b'{"data": [{"id": 1, ' + text + b"}]}").rows == [
        Row(Visit(id=1, title="\0\U0001f600\\ud83d / NaN", extra={"n": [1.5, -(2**63), "Infinity"]}))
    ]


def test_a_byte_order_mark_is_passed_over() -> None:
    assert DECODER.decode(b'\xef\xbb\xbf{"data": [{"id": 1}]}').rows == [Row(Visit(id=1))]


def test_line_breaks_between_values_stay_when_those_within_are_marked() -> None:
    body = DECODER.decode(
        b'{\n\t"data": [\r\n\t{"id": 1,\n "title": "a\tb",\n "place": NaN,\n "labels": ["\\"\n"]}\n]\n}'
    )

    assert body.rows == [Row(Visit(id=1, labels=[]), frozenset({"title", "place", "labels.*"}))]


@pytest.mark.parametrize("instant", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-01:00"])
def test_a_time_off_the_calendar_is_unreadable_where_rows_are_read_one_by_one(instant: str) -> None:
    assert only({"id": 1, "title": [], "when": instant}).unreadable == {"title", "when"}


@pytest.mark.parametrize("row", ["{}", '{"id": 1}', '{"id": 1, "title": 5}'])
def test_more_rows_than_are_read_are_malformed(row: str) -> None:
    few, many = (f'{{"data": [{", ".join([row] * count)}]}}'.encode() for count in (5000, 5001))

    assert len(DECODER.decode(few).rows) + len(DECODER.decode(few).lost) == 5000
    with pytest.raises(UpstreamTooMany):
        DECODER.decode(many)


@pytest.mark.parametrize("odd", ["", ', "title": []'])
@pytest.mark.parametrize("field", ["labels", "guests", "extra"])
def test_a_list_of_more_elements_than_are_read_is_malformed(field: str, odd: str) -> None:
    element = {"labels": '"x"', "guests": "{}", "extra": "1"}[field]

    def sent(count: int) -> bytes:
        items = f"[{', '.join([element] * count)}]"
        value = f'{{"a": {{"b": {items}}}}}' if field == "extra" else items
        return f'{{"data": [{{"id": 1, "{field}": {value}{odd}}}]}}'.encode()

    assert len(DECODER.decode(sent(5000)).rows) == 1
    with pytest.raises(UpstreamMalformed):
        DECODER.decode(sent(5001))


def test_texts_full_of_commas_and_brackets_are_no_lists() -> None:
    text = "[,]{,}\\" * 100_000

    assert only({"id": 1, "title": text, "place": "x"}).value.title == text
    assert only({"id": 1, "title": text}).value.title == text


async def test_others_have_their_turn_while_many_rows_are_read_one_by_one() -> None:
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.ensure_future(count())
    body = await DECODER.read(msgspec.json.encode({"data": [{"id": number, "title": []} for number in range(1000)]}))
    counting.cancel()

    assert len(body.rows) == 1000
    assert turns >= 19
