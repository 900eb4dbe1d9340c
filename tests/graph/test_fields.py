"""What a graph type reads off its record is checked when the type is made, not row by row while operations run."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
import strawberry

from gateway.graph.fields import face_of, field, relation, relations
from gateway.graph.merged_records import face_of_row


class Book(msgspec.Struct):
    title: str
    author: str

    @property
    def length(self) -> int:
        return len(self.title)


@pytest.mark.parametrize("face", [face_of, face_of_row])
def test_fields_that_the_record_has_are_read_off_it(face: Any) -> None:
    @strawberry.type
    @face(Book)
    class Shown:
        title: str = field("The title.")
        length: int = field("Its length.")
        loud: str = field("The title, louder.", lambda book: book.title.upper())
        author: str = relation("author_by_name", "author", "Who wrote it.")
        readers: list[str] = relations("reader_by_title", lambda book: [book.title], "Who reads it.")

    assert Shown.__name__ == "Shown"


@pytest.mark.parametrize("face", [face_of, face_of_row])
@pytest.mark.parametrize(
    ("declaration", "attribute"),
    [
        (field("The publisher."), "publisher"),
        (relation("publisher_by_name", "press", "The publisher."), "press"),
        (relations("publisher_by_name", "presses", "The publishers."), "presses"),
    ],
)
def test_a_field_that_the_record_has_no_attribute_for_is_refused(face: Any, declaration: Any, attribute: str) -> None:
    shown = type("Shown", (), {"__annotations__": {"publisher": "str"}, "publisher": declaration})
    with pytest.raises(TypeError, match=f"Shown.publisher: Book has no attribute '{attribute}'"):
        face(Book)(shown)
