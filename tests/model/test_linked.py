"""`MeetingFilter.linked` knows every condition that `admits` looks at besides the meeting's state."""

from __future__ import annotations

import msgspec
import pytest

from gateway.model.filters import LINKS, MeetingFilter
from gateway.model.records import Meeting, Source

SETS = [field.name for field in msgspec.structs.fields(MeetingFilter) if field.name not in {"canceled", "own"}]


@pytest.mark.parametrize("name", SETS)
def test_a_condition_is_a_link_where_it_is_looked_at_as_one(name: str) -> None:
    wanted = msgspec.structs.replace(MeetingFilter(), **{name: frozenset()})
    meeting = Meeting(source=Source.SALESLOFT, source_id="1")
    assert wanted.linked == bool(list(wanted._links(meeting))) == (name in LINKS)
