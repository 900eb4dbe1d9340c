"""The log of changes through the front door: deliveries in, `meetingChanges` out, and what it costs upstream."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.live.stage import OLD_SECRET, Stage, meeting_id, staged


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with staged() as stage:
        yield stage


def active(stage: Stage) -> dict[str, Any]:
    return next(
        row
        for row in stage.world.salesloft.meetings.values()
        if row["canceled_at"] is None and (row["start_time"] or "") > "2026-03-18" and row["status"] == "booked"
    )


async def test_without_since_there_is_a_cursor_and_nothing_else(stage: Stage) -> None:
    page = await stage.page()
    assert page["changes"] == []
    assert not page["more"]
    assert await stage.page(page["cursor"]) == page


async def test_a_delivery_is_read_again_and_told(stage: Stage) -> None:
    cursor = (await stage.page())["cursor"]
    row = stage.edit(active(stage), title="Moved")
    assert (await stage.deliver(row)).status == 202
    (change,) = await stage.changes(cursor)
    assert (change["kind"], change["meetingId"]) == ("UPDATED", meeting_id(row))
    assert change["meeting"]["title"] == "Moved"
    assert (await stage.page(change["cursor"]))["changes"] == []


async def test_a_new_meeting_is_created_for_whoever_began_before_it(stage: Stage) -> None:
    cursor = (await stage.page())["cursor"]
    stage.clock.advance(1)
    row = stage.book()
    await stage.deliver(row, "meeting_booked")
    (change,) = await stage.changes(cursor)
    assert (change["kind"], change["meeting"]["title"]) == ("CREATED", row["title"])
    later = stage.edit(row, title="Moved")
    await stage.deliver(later)
    (change,) = await stage.changes(change["cursor"])
    assert change["kind"] == "UPDATED"


async def test_a_cancellation_is_the_last_that_is_told(stage: Stage) -> None:
    cursor = (await stage.page())["cursor"]
    row = stage.edit(active(stage), canceled_at=stage.now())
    await stage.deliver(row)
    (change,) = await stage.changes(cursor)
    assert (change["kind"], change["meeting"]["status"]) == ("CANCELED", "CANCELED")
    stage.clock.advance(5)
    await stage.deliver(stage.edit(row, title="Still cancelled"))
    with_canceled = await stage.changes(change["cursor"], filter={"canceled": "INCLUDE"})
    assert [each["kind"] for each in with_canceled] == ["UPDATED"]
    assert (await stage.page(change["cursor"]))["changes"] == []


async def test_what_leaves_the_filter_is_told_once(stage: Stage) -> None:
    row = active(stage)
    only = {"ids": [meeting_id(row)], "status": ["BOOKED"], "canceled": "EXCLUDE"}
    cursor = (await stage.page())["cursor"]
    await stage.deliver(stage.edit(row, title="Seen"))
    (change,) = await stage.changes(cursor, filter=only)
    assert change["kind"] == "UPDATED"
    await stage.deliver(stage.edit(row, status="failed"))
    (change,) = await stage.changes(change["cursor"], filter=only)
    assert change["kind"] == "LEFT"
    stage.clock.advance(1)
    await stage.deliver(stage.edit(row, title="Out of sight"))
    await stage.changes(change["cursor"])
    assert (await stage.page(change["cursor"], filter=only))["changes"] == []


async def test_what_a_re_read_does_not_find_is_gone(stage: Stage) -> None:
    row = active(stage)
    cursor = (await stage.page())["cursor"]
    del stage.world.salesloft.meetings[row["id"]]
    await stage.deliver(row)
    change, *others = await stage.changes(cursor)
    assert (change["kind"], change["meetingId"], change["meeting"]) == ("GONE", meeting_id(row), None)
    assert {other["kind"] for other in others} <= {"UPDATED"}  # what was part of it is shown by itself again


async def test_a_repeated_delivery_costs_nothing(stage: Stage) -> None:
    cursor = (await stage.page())["cursor"]
    row = stage.edit(active(stage), title="Once")
    await stage.deliver(row)
    (change,) = await stage.changes(cursor)
    before = stage.calls()
    for _ in range(20):
        assert (await stage.deliver(row)).status == 202
    await stage.quiet(3)
    assert stage.calls() == before
    assert (await stage.page(change["cursor"]))["changes"] == []


async def test_deliveries_that_change_nothing_tell_nothing(stage: Stage) -> None:
    cursor = (await stage.page())["cursor"]
    row = stage.edit(active(stage), title="Once")
    await stage.deliver(row)
    (change,) = await stage.changes(cursor)
    assert (await stage.deliver({**row, "title": "What the vendor sends is not believed"})).status == 202
    await stage.quiet(3)
    assert (await stage.page(change["cursor"]))["changes"] == []


async def test_many_deliveries_are_read_again_in_batches(stage: Stage) -> None:
    cursor = (await stage.page())["cursor"]
    before = stage.calls()
    rows = [row for row in stage.world.salesloft.meetings.values() if row["canceled_at"] is None][:90]
    for number, row in enumerate(rows):
        await stage.deliver(stage.edit(row, title=f"Title {number}"))
    changes = await stage.changes(cursor, len(rows))
    told = {change["meetingId"] for change in changes if change["kind"] == "UPDATED"}
    assert told >= set(map(meeting_id, rows))
    asked = [call for call in stage.emulators.salesloft.calls[before:] if call.endpoint.endswith("meetings")]
    assert len(asked) <= 6


async def test_lists_are_read_anew_after_a_change(stage: Stage) -> None:
    query = "{ meetings(first: 200, filter: {sources: [SALESLOFT]}) { nodes { id title } } }"
    row = active(stage)
    cursor = (await stage.page())["cursor"]
    await stage.ask(query)
    await stage.deliver(stage.edit(row, title="Fresh"))
    await stage.changes(cursor)
    listed = {each["id"]: each["title"] for each in (await stage.ask(query))["meetings"]["nodes"]}
    assert listed[meeting_id(row)] == "Fresh"
    before = stage.calls()
    await stage.ask(query)
    assert stage.calls() == before


async def test_either_secret_is_accepted_while_one_is_replaced(stage: Stage) -> None:
    cursor = (await stage.page())["cursor"]
    assert (await stage.deliver(stage.edit(active(stage), title="By the old one"), secret=OLD_SECRET)).status == 202
    await stage.changes(cursor)


async def test_sources_tell_how_changes_are_learnt_of(stage: Stage) -> None:
    query = "{ sources { source live lastChangeAt } }"
    before = {each["source"]: each for each in (await stage.ask(query))["sources"]}
    assert before["SALESLOFT"] == {"source": "SALESLOFT", "live": "POLL", "lastChangeAt": None}
    cursor = (await stage.page())["cursor"]
    await stage.deliver(stage.edit(active(stage), title="Told"))
    (change,) = await stage.changes(cursor)
    after = {each["source"]: each for each in (await stage.ask(query))["sources"]}
    assert after["SALESLOFT"] == {"source": "SALESLOFT", "live": "WEBHOOK", "lastChangeAt": change["at"]}


async def test_drifts_window_is_read_again(stage: Stage) -> None:
    cursor = (await stage.page())["cursor"]
    slug, row = next(
        (slug, row)
        for slug, row in stage.world.drift.meetings.items()
        if row["status"] == "ACTIVE" and _alone(stage, row) and row["slotStart"] > stage.clock.time() * 1000
    )
    row["meetingNotes"] = "Bring the contract"
    row["updatedAt"] = int(stage.clock.time() * 1000)
    stage.world.touch()
    await stage.deliver_drift(slug)
    (change,) = await stage.changes(cursor)
    assert (change["kind"], change["meetingId"]) == ("UPDATED", meeting_id(slug))


def _alone(stage: Stage, row: dict[str, Any]) -> bool:
    events = {each["event_id"] for each in stage.world.salesloft.meetings.values()}
    uids = {each.get("i_cal_uid") for each in stage.world.salesloft.meetings.values()}
    return row["eventId"] not in events and f"{str(row['eventId']).split('_')[0]}@google.com" not in uids


@pytest.mark.parametrize("since", ["x", "eyJ", "AAAA" * 100, "WzIsImEiLDEsMF0"])
async def test_a_since_that_is_none_is_bad_input(stage: Stage, since: str) -> None:
    query = "query ($s: String) { meetingChanges(since: $s) { cursor } }"
    reply = await stage.caller.post(query, variables={"s": since})
    assert reply.code == "BAD_USER_INPUT"
    assert reply.json["errors"][0]["extensions"]["argument"] == "since"


async def test_an_empty_since_is_none(stage: Stage) -> None:
    assert (await stage.page(""))["changes"] == []


async def test_a_cursor_of_another_process_begins_with_reset(stage: Stage) -> None:
    async with staged() as other:
        cursor = (await other.page())["cursor"]
    (change,) = (await stage.page(cursor))["changes"]
    assert change["kind"] == "RESET"
    assert (await stage.page(change["cursor"]))["changes"] == []


async def test_a_cursor_that_is_too_old_begins_with_reset() -> None:
    async with staged(GATEWAY_CHANGES_KEPT="3") as stage:
        cursor = (await stage.page())["cursor"]
        rows = [row for row in stage.world.salesloft.meetings.values() if row["canceled_at"] is None][:5]
        for row in rows:
            await stage.deliver(stage.edit(row, title="Another"))
        found: list[Any] = []
        while not any(change["kind"] == "RESET" for change in found):
            found = await stage.changes(cursor)
        assert [change["kind"] for change in found] == ["RESET"]


async def test_switched_off_there_is_no_log() -> None:
    async with staged(GATEWAY_LIVE="off") as stage:
        reply = await stage.caller.post("{ meetingChanges { cursor } sources { live } }")
        assert reply.code == "GRAPHQL_VALIDATION_FAILED"
        assert {each["live"] for each in reply.json["data"]["sources"]} == {"OFF"}
        assert (await stage.deliver(active(stage))).status == 404
