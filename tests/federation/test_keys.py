"""Whatever a router sends: a representation names a record, or is refused by itself with its place."""

from __future__ import annotations

from typing import Any

from hypothesis import event, example, given, settings
from hypothesis import strategies as st

from gateway.errors import BadUserInput
from gateway.graph.federation.entities import KEYS, By, Wanted, wanted
from gateway.graph.ids import global_id
from gateway.model.records import Kind, Ref, Source

MANY = settings(max_examples=500, deadline=None, derandomize=True, database=None)
NUMBERS = st.from_regex(r"[0-9]{1,20}", fullmatch=True)
TEXTS = st.text(max_size=12) | NUMBERS
IDS = st.builds(
    global_id, st.sampled_from(Kind), st.sampled_from(Source), st.text(st.characters(codec="utf-8"), max_size=4)
)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | TEXTS
JSON = st.recursive(LEAVES, lambda below: st.lists(below, max_size=2) | st.dictionaries(TEXTS, below, max_size=2))
MEANT: dict[str, st.SearchStrategy[Any]] = {
    "id": IDS,
    "source": st.sampled_from(["SALESLOFT", "DRIFT", "HUBSPOT"]),
    "sourceId": TEXTS,
    "calendarEventId": TEXTS,
    "email": st.sampled_from(["a@b.example", " A@B.example ", "a@b@c", "a b@c", "@", "ä@ö.example"]),
    "salesloftId": NUMBERS | st.integers(),
    "crmId": TEXTS,
    "guid": st.uuids().map(str) | TEXTS,
}
"""Values of keys as they are meant, and nearly."""


@st.composite
def representations(draw: st.DrawFn) -> Any:
    """Mostly objects with a type of ours and values of one of its keys."""
    if draw(st.integers(0, 19)) == 0:
        return draw(JSON)
    kind = draw(st.sampled_from([*KEYS]))
    key = draw(st.sampled_from(KEYS[kind]))
    whole = draw(st.integers(0, 3)) > 0
    values = {field: draw(MEANT[field] if whole else MEANT[field] | JSON) for field in key.fields}
    more = draw(st.dictionaries(st.sampled_from([*MEANT, "title"]), JSON, max_size=0 if whole else 2))
    return {"__typename": kind.value if whole else draw(JSON | st.just(kind.value)), **values, **more}


def read(representation: Any) -> Wanted | BadUserInput:
    try:
        return wanted(representation, "representations[7]")
    except BadUserInput as error:
        return error


@MANY
@given(representations())
@example({"__typename": "Meeting", "sourceId": "²"})
@example({"__typename": "Meeting", "id": "\u2028"})
@example({"__typename": "User", "email": "a@\ud800"})
@example({"__typename": "Person", "salesloftId": -5})
def test_it_names_a_record_or_is_refused_with_its_place(representation: Any) -> None:
    found = read(representation)
    if isinstance(found, BadUserInput):
        assert found.argument.startswith("representations[7]")
        assert len(found.message) < 400
        event("refused")
        return
    event(f"{found.kind} by {found.by.value}")
    assert found.kind.value == representation["__typename"]
    if found.by is By.REF:
        assert isinstance(found.value, Ref)
        assert found.value.kind is found.kind
        assert found.value.id
        assert found.value.id.isprintable()
    else:
        assert isinstance(found.value, str)
        assert found.value
        assert found.value.isprintable()


@MANY
@given(st.sampled_from(Kind), st.from_regex(r"[1-9][0-9]{0,17}", fullmatch=True))
def test_a_global_id_and_the_sources_own_name_the_same(kind: Kind, number: str) -> None:
    by_id = wanted({"__typename": kind.value, "id": global_id(kind, Source.SALESLOFT, number)}, "x")
    assert by_id == Wanted(kind, By.REF, Ref(Source.SALESLOFT, kind, number))
    own = "sourceId" if kind is Kind.MEETING else "salesloftId"
    if any(key.fields == (own,) for key in KEYS[kind]):
        assert wanted({"__typename": kind.value, own: number}, "x") == by_id
        assert wanted({"__typename": kind.value, own: int(number)}, "x") == by_id
