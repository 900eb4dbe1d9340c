"""What is read of Calendly is read once: a month for as long as it changes little, invitees until the event changes."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator

import pytest

from gateway.emulator.calendar import utc_text
from gateway.emulator.world import World
from tests.sources.calendly.stand import EVENTS, INVITEES
from tests.sources.calendly.stand import small as small
from tests.waves import in_waves
from tests.world import NOW, Gateway, running

PEOPLE = """query($f: MeetingFilter, $n: Int) { meetings(first: $n, filter: $f) {
  nodes { sourceId person { name } attendees { email } timeZone noShow } } }"""
SPRING = {"startTime": {"gte": "2026-02-01T00:00:00Z", "lt": "2026-05-01T00:00:00Z"}, "canceled": "INCLUDE"}
FEBRUARY = {"startTime": {"gte": "2026-02-01T00:00:00Z", "lt": "2026-03-01T00:00:00Z"}, "canceled": "INCLUDE"}
PLAIN = "query($f: MeetingFilter) { meetings(first: 5, filter: $f) { nodes { sourceId title } } }"


@pytest.fixture
async def warm(small: World) -> AsyncIterator[Gateway]:
    """A gateway over Calendly alone that keeps what it read."""
    async with running(small) as gateway:
        gateway.sources, gateway.cold = ("CALENDLY",), False
        yield gateway


async def test_no_more_than_sixteen_events_are_asked_for_their_invitees_at_a_time(warm: Gateway) -> None:
    async with in_waves() as waves:
        answer = await warm.ask(PEOPLE, f=SPRING, n=50)
    nodes = answer.ok["meetings"]["nodes"]
    assert len(answer.to(INVITEES)) == len(nodes) > 16
    assert max(wave["CALENDLY"] for wave in waves.made) == 16


async def test_invitees_are_read_again_once_their_event_has_changed_and_not_before(warm: Gateway) -> None:
    first = await warm.ask(PEOPLE, f=SPRING, n=20)
    shown = [node["sourceId"] for node in first.ok["meetings"]["nodes"]]
    key = next(key for key in shown if warm.world.calendly.events[key]["start_time"] > utc_text(NOW))
    again = await warm.ask(PEOPLE, f=SPRING, n=20)
    assert again.calls == []
    later = utc_text(NOW + dt.timedelta(minutes=1))
    warm.world.calendly.events.change(key, updated_at=later)
    warm.clock.advance(100)  # months that are not over may be used for ninety seconds
    changed = await warm.ask(PEOPLE, f=SPRING, n=20)
    assert changed.to(EVENTS)
    assert len(changed.to(INVITEES)) == 1


async def test_each_month_is_kept_by_itself_and_one_that_is_over_for_longer(warm: Gateway) -> None:
    assert len((await warm.ask(PLAIN, f=FEBRUARY)).to(EVENTS)) == 1
    assert len((await warm.ask(PLAIN, f=SPRING)).to(EVENTS)) >= 1
    warm.clock.advance(500)  # twenty times half a minute is more
    past = await warm.ask(PLAIN, f=FEBRUARY)
    assert past.to(EVENTS) == []
    present = {"startTime": {"gte": utc_text(NOW), "lt": "2026-04-01T00:00:00Z"}, "canceled": "INCLUDE"}
    assert len((await warm.ask(PLAIN, f=present)).to(EVENTS)) == 1
