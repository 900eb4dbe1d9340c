"""Which conditions of `MeetingFilter` a meeting may meet by what a twin adds to it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from gateway.model.conditions import conditions_of
from gateway.model.filters import LINKS, MeetingFilter
from gateway.model.identity import fold
from gateway.model.records import Meeting, Source

FILLED: dict[str, Any] = {
    field.name: field.name
    for field in msgspec.structs.fields(Meeting)
    if field.name not in {"source", "source_id", "raw", "unreadable", "twins", "sources", "unfolded", "failed"}
} | {"updated_at": None, "created_at": None}
BARE = Meeting(source=Source.SALESLOFT, source_id="1")
FOLDED = fold(BARE, [Meeting(source=Source.DRIFT, source_id="2", **FILLED)])


@pytest.mark.parametrize("name", [name for name, row in conditions_of(MeetingFilter).items() if row.about])
def test_a_condition_is_a_link_where_folding_changes_what_it_is_about(name: str) -> None:
    about = conditions_of(MeetingFilter)[name].about
    assert any(getattr(FOLDED, each) != getattr(BARE, each) for each in about) == (name in LINKS)
    wanted = msgspec.structs.replace(MeetingFilter(), **{name: frozenset()})
    assert wanted.linked == (name in LINKS)
