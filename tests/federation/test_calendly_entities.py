"""`_entities` of Calendly's: by every key that it has, malformed ones, and as many as a call each allows."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from gateway.graph.federation.entities import MAX_SINGLY
from gateway.graph.ids import global_id
from gateway.model.records import Kind, Source
from tests.federation.stage import Asks
from tests.graph.test_three_sources import NAMES, one_event, records, small
from tests.sources.calendly.stand import booker
from tests.world import running

MEETING = "... on Meeting { source sourceId }"
FOUND = {"__typename": "Meeting", "source": "CALENDLY"}


@pytest.fixture
async def three() -> AsyncIterator[Asks]:
    """A subgraph over all three."""
    async with running(small()) as gateway:
        asks = Asks.of(gateway)
        asks.sources = NAMES
        yield asks


def alone(asks: Asks) -> str:
    """The id of an event that Calendly alone holds, and that is in its window."""
    known = records(asks.world)
    return next(
        row.id
        for row in known
        if row.source == "CALENDLY" and row.event and not any(one_event(row, other) for other in known)
    )


def meeting_id(key: str) -> str:
    return global_id(Kind.MEETING, Source.CALENDLY, key)


async def test_an_event_is_found_by_each_key_of_a_meeting(three: Asks) -> None:
    key = alone(three)
    event = three.world.calendly.events[key]["calendar_event"]["external_id"]
    keys = [
        {"source": "CALENDLY", "sourceId": key},
        {"sourceId": key},
        {"id": meeting_id(key)},
        {"calendarEventId": event},
    ]
    answer = await three.entities([{"__typename": "Meeting", **each} for each in keys], MEETING)
    assert answer.ok["_entities"] == [{**FOUND, "sourceId": key}] * 4


async def test_an_id_of_capitals_is_calendly_s_too(three: Asks) -> None:
    key, short = alone(three), "ABCDEFGHIJKLMNOP"
    row = dict(three.world.calendly.events[key])
    three.world.calendly.events[short] = row | {"uri": row["uri"].replace(key, short), "calendar_event": None}
    answer = await three.entities([{"__typename": "Meeting", "sourceId": short}], MEETING)
    assert answer.ok["_entities"] == [{**FOUND, "sourceId": short}]


async def test_whoever_calendly_alone_knows_is_found_by_their_address(three: Asks) -> None:
    address = booker(three.world, alone(three))
    found = await three.entities([{"__typename": "Person", "email": address}], "... on Person { id email sources }")
    (person,) = found.ok["_entities"]
    assert person["email"].casefold() == address
    again = await three.entities([{"__typename": "Person", "id": person["id"]}], "... on Person { id email sources }")
    assert again.ok == found.ok


@pytest.mark.parametrize("key", ["no/id", "a b", "", "?", "x" * 400])
async def test_what_can_be_no_id_is_null_with_an_error_and_no_call(three: Asks, key: str) -> None:
    answer = await three.entities([{"__typename": "Meeting", "source": "CALENDLY", "sourceId": key}], MEETING)
    assert (answer.data, answer.codes, answer.calls) == ({"_entities": [None]}, ["BAD_USER_INPUT"], [])
    assert answer.errors[0]["extensions"]["argument"] == "representations[0].sourceId"


async def test_what_does_not_exist_is_null(three: Asks) -> None:
    answer = await three.entities([{"__typename": "Meeting", "source": "CALENDLY", "sourceId": "nothing"}], MEETING)
    assert answer.ok == {"_entities": [None]}


async def test_events_and_people_take_a_call_each_and_so_are_bounded(three: Asks) -> None:
    events = [f"{number:08d}-0000-4000-8000-000000000000" for number in range(MAX_SINGLY + 10)]
    answer = await three.entities([{"__typename": "Meeting", "sourceId": key} for key in events], MEETING)
    assert answer.codes == ["OPERATION_TOO_COSTLY"] * 10
    assert answer.endpoints["scheduled_events/{id}"] == MAX_SINGLY
