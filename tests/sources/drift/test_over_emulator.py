"""The source over a real client and the emulated API, with the calls that it makes."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from gateway.emulator.faults import (
    BadRows,
    Empty,
    Hang,
    Huge,
    MalformedJson,
    Reset,
    Status,
    Truncated,
    no_object,
    without,
    wrong_type,
)
from gateway.emulator.server import EmulatedDrift, Emulators
from gateway.emulator.world import World
from gateway.errors import (
    UpstreamError,
    UpstreamMalformed,
    UpstreamRateLimited,
    UpstreamRefused,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from gateway.model.filters import fold_email
from gateway.model.records import Kind, Meeting, MeetingStatus, Ref, Source
from gateway.request import Request
from gateway.sources.base import Found, Ports
from gateway.sources.drift import source
from gateway.sources.memory import MemoryMeetings
from gateway.upstream.attempts import Backoff
from gateway.upstream.budget import AT_ONCE, Budget
from gateway.upstream.client import Client
from gateway.upstream.clock import ManualClock
from gateway.upstream.credentials import Secret, StaticToken
from gateway.upstream.http import Upstream, open_session
from tests.seeded import seeded

NOW = dt.datetime(2026, 3, 18, 15, 20, tzinfo=dt.UTC)
MONTH = dt.timedelta(days=30)


@dataclass
class Stage:
    """The source, what it stands on, and a request."""

    ports: Ports
    drift: EmulatedDrift
    world: World
    request: Request

    async def window(self) -> Found[Meeting]:
        assert isinstance(self.ports.meetings, MemoryMeetings)
        return (await self.ports.meetings.all(self.request))[0]

    def endpoints(self) -> Counter[str]:
        """The calls as the vendor saw them; none with a parameter that it does not know."""
        assert [call.unknown_params for call in self.drift.calls if call.unknown_params] == []
        return Counter(call.endpoint for call in self.drift.calls)

    def ledger(self) -> Counter[str]:
        """The calls as the request's ledger has them."""
        return Counter(entry.endpoint for entry in self.request.ledger.calls())


@contextlib.asynccontextmanager
async def staged(*, patience: float) -> AsyncIterator[Stage]:
    world = seeded(
        NOW, users=12, accounts=8, people=60, cadences=8, tasks=20, salesloft_meetings=160, drift_meetings=300
    )
    clock = ManualClock(NOW.timestamp())
    async with Emulators.start(clock=lambda: NOW, world=world) as emulators, open_session() as session:
        drift = emulators.drift
        client = Client(
            Upstream(name="DRIFT", base_url=drift.url, timeout=patience, max_body=4 * 1024 * 1024),
            StaticToken(Secret(drift.token)),
            Budget("DRIFT", 10_000, clock),
            session,
            clock,
            backoff=Backoff(base=0.0),
        )
        yield Stage(source.open(client, clock), drift, world, Request(deadline=clock.monotonic() + 25))


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with staged(patience=10) as stage:
        yield stage


def visible(world: World) -> dict[str, dict[str, Any]]:
    """The meetings that the API gives, by slug."""
    since = (NOW - MONTH).timestamp() * 1000
    return {slug: row for slug, row in world.drift.meetings.data.items() if row["slotStart"] >= since}


def millis(moment: dt.datetime | None) -> int | None:
    return None if moment is None else (moment - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) // dt.timedelta(milliseconds=1)


def key(ref: Ref | None) -> int | None:
    return None if ref is None else int(ref.id)


async def test_the_window_equals_the_world_field_by_field_in_one_call(stage: Stage) -> None:
    found = await stage.window()
    truth = visible(stage.world)
    assert 100 < len(truth) < 1000
    assert len(truth) < len(stage.world.drift.meetings)
    assert {record.source_id for record in found.rows} == set(truth)
    assert len(found.rows) == len(truth)
    assert (found.problems, found.incomplete, found.failures) == ((), None, {})
    for record in found.rows:
        row = truth[record.source_id]
        assert (record.source, record.unreadable) == (Source.DRIFT, frozenset())
        assert millis(record.start_time) == row["slotStart"]
        assert millis(record.end_time) == row["slotEnd"]
        assert millis(record.created_at) == row.get("scheduledAt")
        assert millis(record.updated_at) == row.get("updatedAt")
        assert key(record.owner) == row.get("agentId")
        assert key(record.booked_by) == row.get("bookedBy")
        assert key(record.person) == row.get("schedulerId")
        assert key(record.conversation) == row.get("conversationId")
        assert record.calendar_event_id == row.get("eventId")
        assert record.time_zone == row.get("endUserTimeZone")
        assert record.notes == row.get("meetingNotes")
        assert (record.status is MeetingStatus.BOOKED) == (row["status"] == "ACTIVE")
    assert {record.status for record in found.rows} >= {MeetingStatus.BOOKED, MeetingStatus.CANCELED}
    assert stage.endpoints() == {"users/meetings/org": 1}
    assert stage.ledger() == {"/users/meetings/org": 1}
    assert stage.drift.calls[0].params == [
        ("min_start_time", "0"),
        ("max_start_time", "15000000000000"),
        ("limit", "1000"),
    ]


async def test_a_window_of_more_than_a_call_may_hold(stage: Stage) -> None:
    pattern = dict(next(iter(visible(stage.world).values())))
    for number in range(2000):
        slug = f"more-{number}"
        stage.world.drift.meetings[slug] = pattern | {"slug": slug, "slotStart": pattern["slotStart"] + number * 60_000}
    found = await stage.window()
    assert {record.source_id for record in found.rows} == set(visible(stage.world))
    assert found.incomplete is None
    assert 3 <= stage.endpoints()["users/meetings/org"] <= 7


async def test_1001_meetings_at_one_instant(stage: Stage) -> None:
    pattern = dict(next(iter(visible(stage.world).values())))
    instant = int(NOW.timestamp() * 1000)
    before = set(visible(stage.world))
    for number in range(1001):
        stage.world.drift.meetings[f"crowd-{number}"] = pattern | {"slug": f"crowd-{number}", "slotStart": instant}
    found = await stage.window()
    got = {record.source_id for record in found.rows}
    assert got >= before
    assert len(got) == len(before) + 1000
    assert found.incomplete is not None
    assert "2026-03-18T15:20:00Z" in found.incomplete
    assert stage.endpoints()["users/meetings/org"] <= 15


async def test_users(stage: Stage) -> None:
    assert stage.ports.users is not None
    truth = stage.world.drift.users.data
    everybody = await stage.ports.users.all(stage.request)
    assert {user.source_id: (user.name, user.email) for user in everybody.rows} == {
        str(number): (row.get("name"), row.get("email")) for number, row in truth.items()
    }
    some = [Ref(Source.DRIFT, Kind.USER, str(number)) for number in list(truth)[:3]]
    found = await stage.ports.users.by_refs(stage.request, some)
    assert {user.source_id for user in found.rows} == {ref.id for ref in some}
    assert stage.endpoints() == {"users/list": 1}
    assert stage.ledger() == {"/users/list": 1}


async def test_contacts_by_id_and_by_address(stage: Stage) -> None:
    people = stage.ports.people
    assert people is not None
    contacts = stage.world.drift.contacts.data
    ids = [str(number) for number in list(contacts)[:25]]
    found = await people.by_ids(stage.request, [*ids, "404"])
    assert {person.source_id: person.email for person in found.rows} == {
        key: contacts[int(key)]["attributes"].get("email") for key in ids
    }
    assert stage.endpoints() == {"contacts/{id}": 26}
    assert stage.ledger() == {"/contacts/{id}": 26}
    addresses: dict[str, set[str]] = {}
    for number, row in contacts.items():
        if email := row["attributes"].get("email"):
            addresses.setdefault(fold_email(email), set()).add(str(number))
    asked = [*sorted(stage.world.drift.bare_emails)[:3], *sorted(addresses, key=lambda a: -len(addresses[a]))[:10]]
    stage.drift.calls.clear()
    by_email = await people.by_emails(stage.request, [*asked, "nobody@nowhere.example"])
    assert {person.source_id for person in by_email.rows} == set().union(*(addresses[address] for address in asked))
    assert (by_email.failures, by_email.problems, by_email.incomplete) == ({}, (), None)
    assert stage.endpoints() == {"contacts": len(set(asked)) + 1}
    assert stage.ledger()["/contacts"] == len(set(asked)) + 1


async def test_conversations(stage: Stage) -> None:
    assert stage.ports.conversations is not None
    chats = stage.world.drift.conversations.data
    ids = [str(number) for number in list(chats)[:5]]
    found = await stage.ports.conversations.by_ids(stage.request, [*ids, "404"])
    assert {chat.source_id: (chat.status, key(chat.contact)) for chat in found.rows} == {
        number: (chats[int(number)].get("status"), chats[int(number)].get("contactId")) for number in ids
    }
    assert stage.ledger() == {"/conversations/{id}": 6}


@pytest.mark.parametrize(
    ("fault", "error", "calls"),
    [
        (Reset(), UpstreamUnavailable, 2),
        (Truncated(), UpstreamMalformed, 2),
        (Status(500), UpstreamUnavailable, 2),
        (Status(502, b"<html>bad gateway</html>"), UpstreamUnavailable, 2),
        (Status(400), UpstreamUnavailable, 1),
        (Status(404), UpstreamUnavailable, 1),
        (Status(401), UpstreamRefused, 1),
        (Status(403), UpstreamRefused, 1),
        (Status(429, headers={"Retry-After": "7"}), UpstreamRateLimited, 1),
        (MalformedJson(), UpstreamMalformed, 1),
        (Empty(), UpstreamMalformed, 1),
        (Huge(8 * 1024 * 1024), UpstreamMalformed, 3),  # its halves are asked for once
    ],
)
async def test_the_window_when_drift_fails(stage: Stage, fault: Any, error: type[UpstreamError], calls: int) -> None:
    stage.drift.faults.add(fault)
    with pytest.raises(error) as raised:
        await stage.window()
    assert raised.value.source == "DRIFT"
    assert len(stage.drift.calls) == calls


async def test_the_window_when_drift_hangs() -> None:
    async with staged(patience=0.1) as stage:
        stage.drift.faults.add(Hang())
        with pytest.raises(UpstreamTimeout):
            await stage.window()
        assert len(stage.drift.calls) == 2


@pytest.mark.parametrize(
    ("change", "lost", "where"),
    [
        (wrong_type("slotEnd"), 0, "slot_end"),
        (wrong_type("agentId"), 0, "agent_id"),
        (without("slug"), 1, "a row without a readable id"),
        (wrong_type("slug"), 1, "a row without a readable id"),
        (no_object, 1, "a row without a readable id"),
    ],
)
async def test_a_spoilt_row_of_the_window(stage: Stage, change: Any, lost: int, where: str) -> None:
    stage.drift.faults.add(BadRows(change, at=(3,)))
    found = await stage.window()
    assert len(found.rows) == len(visible(stage.world)) - lost
    assert [(problem.where, problem.lost) for problem in found.problems] == [(where, bool(lost))]
    assert sum(bool(record.unreadable) for record in found.rows) == 1 - lost


@pytest.mark.parametrize(
    ("fault", "failed", "calls"),
    [(MalformedJson(), 1, 11), (Empty(), 1, 11), (Status(403), 1, 11), (Status(500), 0, 12), (Reset(), 0, 12)],
)
async def test_one_contact_that_fails(stage: Stage, fault: Any, failed: int, calls: int) -> None:
    assert stage.ports.people is not None
    stage.drift.faults.add(fault, "contacts/{id}", times=1)
    ids = [str(number) for number in list(stage.world.drift.contacts.data)[:11]]
    found = await stage.ports.people.by_ids(stage.request, ids)
    assert len(found.failures) == failed
    assert {person.source_id for person in found.rows} == set(ids) - set(found.failures)
    assert len(stage.drift.calls) == calls


@pytest.mark.parametrize(("status", "error"), [(403, UpstreamRefused), (429, UpstreamRateLimited)])
async def test_all_contacts_failing_alike_costs_few_calls(
    stage: Stage, status: int, error: type[UpstreamError]
) -> None:
    assert stage.ports.people is not None
    stage.drift.faults.add(Status(status), "contacts/{id}")
    ids = [str(number) for number in list(stage.world.drift.contacts.data)[:60]]
    with pytest.raises(error):
        await stage.ports.people.by_ids(stage.request, ids)
    assert len(stage.drift.calls) <= AT_ONCE + 2  # those that were under way when the first answers came


async def test_who_answered_before_the_limit_stays(stage: Stage) -> None:
    assert stage.ports.people is not None
    ids = [str(number) for number in list(stage.world.drift.contacts.data)[:60]]
    assert len((await stage.ports.people.by_ids(stage.request, ids[:12])).rows) == 12
    stage.drift.faults.add(Status(429), "contacts/{id}", times=AT_ONCE)
    found = await stage.ports.people.by_ids(stage.request, ids)
    assert len(stage.drift.calls) <= 12 + AT_ONCE
    assert {person.source_id for person in found.rows} == set(ids[:12])
    assert set(found.failures) == set(ids[12:])
    assert {type(failure) for failure in found.failures.values()} == {UpstreamRateLimited}
