"""One value of Calendly's that cannot be read costs that value, through the front door."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from gateway.emulator.faults import BadRows, Status, wrong_type
from gateway.emulator.world import World
from tests.seeded import seeded
from tests.world import NOW, Gateway, running

ODD = {
    "another type": b"[[]]",
    "an object": b'{"not": "that"}',
    "half an emoji": rb'"cut \ud83d"',
    "no UTF-8": b'"\xff\xfe"',
    "a control character": b'"a\x01b"',
    "no number": b"NaN",
    "beyond 64 bits": b"123456789012345678900",
    "very deep": b"[" * 3000 + b"]" * 3000,
    "before all time": b'"0001-01-01T00:00:00+14:00"',
    "after all time": b'"9999-12-31T23:59:59-14:00"',
}
REPORTS = "sourceReports { source status code }"
EVENTS = (
    "{ meetings(first: 12, filter: {sources: [CALENDLY]}) { nodes { sourceId title startTime endTime createdAt "
    "updatedAt canceledAt status location owner { name } calendly { status startTime endTime createdAt } } %s } }"
    % REPORTS
)
INVITEES = (
    "{ meetings(first: 4, filter: {sources: [CALENDLY]}) { nodes { sourceId person { name email } timeZone noShow "
    "calendly { invitees { name email status createdAt updatedAt } } } %s } }" % REPORTS
)
TEAM = "{ users(first: 100) { nodes { name email timeZone updatedAt } %s } }" % REPORTS
PLACES = [
    *(("scheduled_events", EVENTS, name) for name in ("name", "start_time", "end_time", "created_at", "updated_at")),
    *(("scheduled_events", EVENTS, name) for name in ("status", "location", "event_memberships", "cancellation")),
    *(("scheduled_events", EVENTS, name) for name in ("meeting_notes_plain", "nobody_knows_this")),
    *(("scheduled_events/{id}/invitees", INVITEES, name) for name in ("name", "email", "timezone", "status")),
    *(("scheduled_events/{id}/invitees", INVITEES, name) for name in ("created_at", "updated_at", "no_show")),
    *(("organization_memberships", TEAM, f"user.{name}") for name in ("name", "timezone", "updated_at", "slug")),
]


@pytest.fixture(scope="module")
def world() -> World:
    """A world of the module's own; not to be changed."""
    return seeded(NOW, users=12, accounts=12, people=80, cadences=8, salesloft_meetings=60, drift_meetings=20)


@pytest.fixture
async def book(world: World) -> AsyncIterator[Gateway]:
    """A gateway over Calendly alone."""
    async with running(world) as gateway:
        gateway.sources = ("CALENDLY",)
        yield gateway


@pytest.mark.sampled(4)
@pytest.mark.parametrize(("endpoint", "query", "field"), PLACES, ids=[f"{each[0]}:{each[2]}" for each in PLACES])
async def test_a_value_that_cannot_be_read_costs_no_row(book: Gateway, endpoint: str, query: str, field: str) -> None:
    whole = await book.ask(query)
    (listed,) = whole.ok.values()
    assert listed["nodes"]
    for name, value in ODD.items():
        book.emulators.calendly.faults.add(BadRows(spoilt(field, value), at=None), endpoint)
        answer = await book.ask(query)
        book.emulators.calendly.faults.clear()
        assert set(answer.codes) <= {"UPSTREAM_MALFORMED"}, name
        (found,) = answer.data.values()
        assert len(found["nodes"]) == len(listed["nodes"]), name
        assert {report["status"] for report in found["sourceReports"]} == {"OK"}, name
        if field == "nobody_knows_this":
            assert answer.ok == whole.ok, name
    assert book.faults == []


def spoilt(field: str, value: bytes) -> Any:
    """Spoils a field of a row, or of an object in it."""
    raw = msgspec.Raw(value)
    within, _, name = field.rpartition(".")
    return (lambda row: {**row, within: {**row[within], name: raw}}) if within else wrong_type(name, raw)


@pytest.mark.parametrize("selected", ["person { name }", "attendees { name }", "timeZone", "noShow"])
async def test_a_field_whose_own_call_fails_says_so_whatever_stands_beside_it(book: Gateway, selected: str) -> None:
    """In both ways of execution: the first time by the interpreter, then compiled."""
    book.emulators.calendly.faults.add(Status(500, b"{}"), "scheduled_events/{id}/invitees")
    query = "{ meetings(first: 2, filter: {sources: [CALENDLY]}) { nodes { sourceId %s } } }" % selected
    for _ in range(3):
        answer = await book.ask(query)
        assert answer.codes == ["UPSTREAM_UNAVAILABLE"] * 2
        assert {error["path"][-1] for error in answer.errors} == {selected.split(maxsplit=1)[0]}
