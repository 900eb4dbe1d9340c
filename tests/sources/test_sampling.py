"""What a sample says about an answer: rows read, fields that could not be, fields that nobody knows."""

from __future__ import annotations

import pytest

from gateway.errors import UpstreamMalformed
from gateway.sources.decode import sample
from gateway.sources.drift import wire as drift
from gateway.sources.salesloft import wire as salesloft


def test_a_field_that_nobody_knows_is_named() -> None:
    reported = sample(b'{"data": [{"id": 7, "title": "Demo", "mood": "good"}]}', salesloft.Meeting, source="SALESLOFT")
    assert (reported.rows, reported.unreadable, reported.unknown) == (1, (), ("mood",))


def test_a_field_that_cannot_be_read_is_named() -> None:
    reported = sample(b'{"data": [{"slug": "a-b", "slotStart": "soon"}]}', drift.Meeting, source="DRIFT")
    assert reported.rows == 1
    assert any("slot" in where for where in reported.unreadable)
    assert reported.unknown == ()


def test_no_rows_are_no_trouble() -> None:
    assert sample(b'{"data": []}', drift.Meeting, source="DRIFT").rows == 0


def test_what_is_no_answer_is_malformed() -> None:
    with pytest.raises(UpstreamMalformed):
        sample(b"<html>", drift.Meeting, source="DRIFT")
