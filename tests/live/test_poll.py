"""Without webhooks: who looks at a source, when, at what cost, and what is found however long nobody looked."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.live.stage import Stage, meeting_id, staged
from tests.live.streams import next_of, sse
from tests.live.test_changes import active

NO_SECRETS = {"SALESLOFT_WEBHOOK_SECRETS": "", "DRIFT_WEBHOOK_SECRETS": ""}


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with staged(**NO_SECRETS) as stage:
        yield stage


async def test_a_change_is_found_within_the_interval(stage: Stage) -> None:
    async with sse(stage) as stream:
        await next_of(stage, stream)
        begun = stage.clock.monotonic()
        stage.clock.advance(1)
        row = stage.edit(active(stage), title="Found by looking")
        change = await next_of(stage, stream)
        assert (change["kind"], change["meetingId"]) == ("UPDATED", meeting_id(row))
        assert stage.clock.monotonic() - begun <= 35


async def test_new_cancelled_and_deleted_meetings_of_drift_are_found_by_comparing(stage: Stage) -> None:
    async with sse(stage, filter={"sources": ["DRIFT"]}) as stream:
        await next_of(stage, stream)
        soon = int((stage.clock.time() + 3600) * 1000)
        rows = stage.world.drift.meetings
        slug, like = next((slug, row) for slug, row in rows.items() if row["status"] == "ACTIVE")
        rows["newslug"] = {**like, "slug": "newslug", "eventId": "fresh0event", "slotStart": soon}
        rows["newslug"] |= {"slotEnd": soon + 1_800_000, "scheduledAt": int((stage.clock.time() + 1) * 1000)}
        stage.world.touch()
        stage.clock.advance(2)
        change = await next_of(stage, stream)
        assert (change["kind"], change["meetingId"]) == ("CREATED", meeting_id("newslug"))
        del rows["newslug"]
        change = await next_of(stage, stream)
        assert (change["kind"], change["meetingId"]) == ("GONE", meeting_id("newslug"))
        assert slug in rows


async def test_nobody_looks_while_nobody_listens(stage: Stage) -> None:
    await stage.quiet(1)
    before = stage.calls(), stage.calls("drift")
    await stage.quiet(120)
    assert (stage.calls(), stage.calls("drift")) == before
    async with sse(stage) as stream:
        await next_of(stage, stream)
        listening = stage.calls()
        await stage.quiet(65)
        assert stage.calls() > listening
    await stage.quiet(65)  # it is a minute until nobody counts as listening
    left = stage.calls(), stage.calls("drift")
    await stage.quiet(120)
    assert (stage.calls(), stage.calls("drift")) == left


async def test_looking_costs_two_units_and_one_an_interval(stage: Stage) -> None:
    async with sse(stage) as stream:
        await next_of(stage, stream)
        before = stage.calls(), stage.calls("drift")
        await stage.quiet(300)
        salesloft, drift = stage.calls() - before[0], stage.calls("drift") - before[1]
        assert 2 * 8 <= salesloft <= 2 * 11
        assert 8 <= drift <= 11


async def test_a_tenth_of_the_minute_is_all_that_looking_takes() -> None:
    async with staged(**NO_SECRETS, SALESLOFT_RATE_LIMIT="60", GATEWAY_POLL="1") as stage, sse(stage) as stream:
        await next_of(stage, stream)
        await stage.quiet(60)
        before = stage.calls()
        await stage.quiet(60)
        assert stage.calls() - before <= 6


async def test_a_stream_that_is_resumed_catches_up_first(stage: Stage) -> None:
    async with sse(stage) as stream:
        cursor = (await next_of(stage, stream))["cursor"]
    await stage.quiet(600)
    row = stage.edit(active(stage), title="While nobody looked")
    stage.clock.advance(60)
    page = await stage.page(cursor)
    assert [change["meetingId"] for change in page["changes"]] == [meeting_id(row)]


async def test_a_source_that_cannot_be_read_begins_with_reset(stage: Stage) -> None:
    async with sse(stage) as stream:
        cursor = (await next_of(stage, stream))["cursor"]
    await stage.quiet(120)
    await stage.emulators.salesloft.listener.refuse()
    (change,) = (await stage.page(cursor))["changes"]
    assert change["kind"] == "RESET"


async def test_while_the_vendor_delivers_nobody_looks() -> None:
    async with staged() as stage, sse(stage) as stream:
        await next_of(stage, stream)
        await stage.deliver(stage.edit(active(stage), title="Delivered"))
        await stage.deliver_drift("nothing")
        await next_of(stage, stream)
        await stage.quiet(35)
        before = stage.calls()
        await stage.quiet(120)
        assert stage.calls() == before
