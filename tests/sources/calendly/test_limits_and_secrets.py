"""Calendly's rate limit, its other ways of paging, what the log says, and what ids and `check` show."""

from __future__ import annotations

import datetime as dt
import json
import logging
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.commands.demo import emulated, variables
from gateway.emulator.calendly.api import CalendlyOptions
from gateway.emulator.faults import BadRows, without
from gateway.sources.calendly.addresses import AddressIds
from gateway.sources.calendly.months import Month
from tests.cli.test_commands import Run
from tests.cli.test_commands import run as run
from tests.sources.calendly.stand import crowded
from tests.world import running

MARCH = {"startTime": {"gte": "2026-03-02T00:00:00Z", "lt": "2026-03-30T00:00:00Z"}, "canceled": "INCLUDE"}
LIST = """query($f: MeetingFilter) { meetings(first: 500, filter: $f) { nodes { sourceId }
  sourceReports { status code message retryAfter } } }"""


@pytest.mark.parametrize("page_tokens", [True, False])
async def test_pages_are_followed_by_token_or_by_link(caplog: pytest.LogCaptureFixture, *, page_tokens: bool) -> None:
    world = crowded(620)
    with caplog.at_level(logging.INFO, "gateway.sources.calendly"):
        async with running(world, calendly=CalendlyOptions(page_tokens=page_tokens)) as gateway:
            gateway.sources, gateway.cold = ("CALENDLY",), False
            found: list[str] = []
            cursor = None
            query = LIST.replace("$f: MeetingFilter)", "$f: MeetingFilter, $c: String)").replace(
                "first: 500,", "first: 500, after: $c,"
            ).replace("nodes {", "pageInfo { endCursor } nodes {")  # fmt: skip
            for _ in range(2):
                answer = (await gateway.ask(query, f=MARCH, c=cursor)).ok["meetings"]
                found += [node["sourceId"] for node in answer["nodes"]]
                cursor = answer["pageInfo"]["endCursor"]
    assert len(found) == len(set(found)) >= 620
    # 500 of them begin a minute after the other; the rest is of the small world.
    first, last = [record.getMessage() for record in caplog.records]
    assert first == "CALENDLY /scheduled_events: 500 events of 2026-03 read so far, up to 2026-03-03"
    assert re.fullmatch(r"CALENDLY /scheduled_events: 6\d\d events of 2026-03 read, in 7 calls", last)


async def test_a_long_first_read_is_logged_as_it_goes_and_no_other(caplog: pytest.LogCaptureFixture) -> None:
    """A line every fifth call, whatever could not be read of it, and nothing of the months that take a call each."""
    world = crowded(1_580)
    private = {row[name] for row in world.calendly.events.values() for name in ("name", "uri")}
    with caplog.at_level(logging.INFO, "gateway"):
        async with running(world) as gateway:
            gateway.sources, gateway.cold = ("CALENDLY",), False
            gateway.emulators.calendly.faults.add(BadRows(without("uri"), at=(0,)), "scheduled_events")
            answer = await gateway.ask("{ meetings(first: 1) { totalCount } }")
            assert len(answer.to("scheduled_events")) == 9 + 16
            await gateway.ask("{ meetings(first: 2) { totalCount } }")
    lines = [record.getMessage() for record in caplog.records]
    assert [line.partition(" of ")[0].partition(": ")[2] for line in lines[:-1]] == [
        "495 events", "990 events", "1485 events"
    ]  # fmt: skip
    assert "in 16 calls" in lines[-1]
    assert not any(text in line for line in lines for text in (*private, "http", "@"))


async def test_what_is_left_of_the_minute_is_reported(caplog: pytest.LogCaptureFixture) -> None:
    async with running(crowded(5), calendly=CalendlyOptions(rate_limit=1)) as gateway:
        gateway.sources = ("CALENDLY",)
        gateway.deadline = 5
        answer = await gateway.ask(LIST, f=MARCH)
    (error,) = answer.errors
    assert error["extensions"]["code"] == "UPSTREAM_RATE_LIMITED"
    assert 0 < error["extensions"]["retryAfter"] <= 61


def test_a_token_of_no_admin_is_accepted_and_lacks_what_it_lacks(run: Run) -> None:
    with emulated() as emulators:
        vendor: Any = emulators.calendly.app
        vendor.options = CalendlyOptions(role="user")
        done = run("check", "--json", **variables(emulators, ["calendly"]))
    (found,) = json.loads(done.stdout)
    assert done.returncode == 1
    assert found["credentialAccepted"] is True
    assert found["scopes"] == ["users:read"]
    assert found["scopesMissing"] == ["scheduled_events:read", "organizations:read"]


@given(address=st.emails())
def test_an_id_is_the_address_s_and_does_not_show_it(address: str) -> None:
    ids = AddressIds("a key")
    made = ids.id_of(address)
    assert ids.id_of(f" {address.upper()} ") == ids.id_of(address.upper()) or address.upper().casefold() != address
    assert ids.address_of(made) == address.casefold()
    assert address not in made
    assert AddressIds("another key").address_of(made) is None


@pytest.mark.parametrize("text", ["", "x", "a" * 400, "=", "ä", "AAAA"])
def test_what_is_no_id_is_nobody_s(text: str) -> None:
    assert AddressIds("a key").address_of(text) is None


@given(moment=st.datetimes(min_value=dt.datetime(1990, 1, 1), max_value=dt.datetime(2090, 1, 1)))  # noqa: DTZ001 - made aware below
def test_a_moment_lies_in_its_month(moment: dt.datetime) -> None:
    aware = moment.replace(tzinfo=dt.UTC)
    month = Month.of(aware)
    assert month.start <= aware < month.end
    assert month.next > month
