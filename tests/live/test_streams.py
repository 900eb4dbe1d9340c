"""Subscriptions over HTTP, byte by byte: events, resume, ends, limits, and who else pays for them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.live.stage import Stage, meeting_id, staged
from tests.live.streams import EVENTS, next_of, sse
from tests.live.test_changes import active

DOCS = Path(__file__).parents[2] / "docs" / "live.md"
MULTIPART = 'multipart/mixed;subscriptionSpec="1.0", application/json'


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with staged() as stage:
        yield stage


async def test_ready_then_every_change(stage: Stage) -> None:
    async with sse(stage) as stream:
        ready = await next_of(stage, stream)
        assert (ready["kind"], ready["meetingId"], ready["meeting"]) == ("READY", None, None)
        row = stage.edit(active(stage), title="Moved")
        await stage.deliver(row)
        change = await next_of(stage, stream)
        assert (change["kind"], change["meetingId"], change["meeting"]["title"]) == (
            "UPDATED",
            meeting_id(row),
            "Moved",
        )
        assert stream.events[-1][2] == change["cursor"]
    await stage.until(lambda: True)


async def test_since_goes_on_where_a_stream_broke_off(stage: Stage) -> None:
    async with sse(stage) as stream:
        cursor = (await next_of(stage, stream))["cursor"]
    row = stage.edit(active(stage), title="While nobody listened")
    await stage.deliver(row)
    await stage.changes(cursor)
    async with sse(stage, since=cursor) as stream:
        assert (await next_of(stage, stream))["kind"] == "READY"
        assert (await next_of(stage, stream))["meeting"]["title"] == "While nobody listened"
    async with sse(stage, headers={"Last-Event-ID": cursor}) as stream:
        await next_of(stage, stream)
        assert (await next_of(stage, stream))["meeting"]["title"] == "While nobody listened"


async def test_a_since_that_is_too_old_begins_with_reset(stage: Stage) -> None:
    async with staged() as other:
        cursor = (await other.page())["cursor"]
    async with sse(stage, since=cursor) as stream:
        assert (await next_of(stage, stream))["kind"] == "RESET"


async def test_a_heartbeat_comes_within_twelve_seconds(stage: Stage) -> None:
    async with sse(stage) as stream:
        await next_of(stage, stream)
        begun = stage.clock.monotonic()
        await stage.until(lambda: ":\n\n" in stream.heard)
        assert stage.clock.monotonic() - begun <= 12.5


async def test_a_filter_tells_of_its_own_alone(stage: Stage) -> None:
    rows = [row for row in stage.world.salesloft.meetings.values() if row["canceled_at"] is None and row["title"]]
    mine, other = rows[0], rows[1]
    async with sse(stage, filter={"ids": [meeting_id(mine)]}) as stream:
        await next_of(stage, stream)
        await stage.deliver(stage.edit(mine, title="One"))
        assert (await next_of(stage, stream))["meeting"]["title"] == "One"
        await stage.deliver(stage.edit(other, title="Seen by nobody here"))
        await next_of(stage, stream)  # LEFT, since it is not known what it was before
        await stage.deliver(stage.edit(other, title="Nor this"))
        stage.clock.advance(1)
        await stage.deliver(stage.edit(mine, title="Two"))
        assert (await next_of(stage, stream))["meeting"]["title"] == "Two"


async def test_errors_come_as_an_event_and_the_end(stage: Stage) -> None:
    async with sse(stage, since="nonsense") as stream:
        await stage.until(lambda: stream.ended)
        (name, data, _), (last, nothing, _) = stream.events
        assert (name, last, nothing) == ("next", "complete", "")
        assert json.loads(data)["errors"][0]["extensions"] == {"code": "BAD_USER_INPUT", "argument": "since"}
    async with sse(stage, query="subscription { nothing }") as stream:
        await stage.until(lambda: stream.ended)
        assert [name for name, _, _ in stream.events] == ["next", "complete"]
        assert json.loads(stream.events[0][1])["errors"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"


async def test_a_query_over_a_stream_is_one_event(stage: Stage) -> None:
    async with sse(stage, query="{ __typename }") as stream:
        await stage.until(lambda: stream.ended)
        assert [(name, data) for name, data, _ in stream.events] == [
            ("next", '{"data":{"__typename":"Query"}}'),
            ("complete", ""),
        ]


@pytest.mark.parametrize(
    "accept", ["application/json", "application/graphql-response+json", "multipart/mixed, application/json"]
)
async def test_over_plain_json_it_is_406_and_names_the_transports(stage: Stage, accept: str) -> None:
    reply = await stage.caller.post(EVENTS, accept=accept)
    assert reply.status == 406
    message = reply.json["errors"][0]["message"]
    assert all(word in message for word in ("text/event-stream", "multipart/mixed", "graphql-transport-ws"))


async def test_two_root_fields_are_a_validation_error(stage: Stage) -> None:
    reply = await stage.caller.post("subscription { a: meetingChanged { kind } b: meetingChanged { kind } }")
    assert reply.code == "GRAPHQL_VALIDATION_FAILED"


async def test_queries_of_clients_that_also_take_streams_are_json(stage: Stage) -> None:
    accept = "application/graphql-response+json, application/json, text/event-stream, multipart/mixed"
    reply = await stage.caller.post("{ __typename }", accept=accept)
    assert reply.headers["Content-Type"].startswith("application/graphql-response+json")


async def test_multipart_closes_each_part_at_once(stage: Stage) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{stage.caller.url}/graphql", json={"query": EVENTS}, headers={"Accept": MULTIPART}) as response,
    ):
        assert response.headers["Content-Type"] == 'multipart/mixed;boundary="graphql";subscriptionSpec="1.0"'
        heard = bytearray()

        async def hear() -> None:
            async for chunk in response.content.iter_any():
                heard.extend(chunk)

        hearing = asyncio.ensure_future(hear())
        await stage.until(lambda: b"READY" in heard)
        await stage.deliver(stage.edit(active(stage), title="Moved"))
        await stage.until(lambda: b"Moved" in heard)
        await stage.until(lambda: heard.count(b"\r\n\r\n{}\r\n--graphql") >= 2)
        parts = bytes(heard).split(b"\r\n--graphql")
        assert (parts[0], parts[-1]) == (b"", b"")
        bodies = [json.loads(part.split(b"\r\n\r\n", 1)[1]) for part in parts[1:-1]]
        assert bodies[0] == {}
        told = [body["payload"]["data"]["meetingChanged"]["kind"] for body in bodies if body]
        assert told == ["READY", "UPDATED"]
        hearing.cancel()
        await asyncio.gather(hearing, return_exceptions=True)


async def test_one_subscription_too_many_is_429(stage: Stage) -> None:
    async with staged(GATEWAY_SUBSCRIPTIONS="1") as small, sse(small) as stream:
        await next_of(small, stream)
        reply = await small.caller.post(EVENTS, accept="text/event-stream")
        assert (reply.status, reply.code) == (429, "RATE_LIMITED")
        assert int(reply.headers["Retry-After"]) >= 1


async def test_a_client_that_leaves_gives_its_place_back_at_once() -> None:
    async with staged(GATEWAY_SUBSCRIPTIONS="1") as stage:
        for _ in range(5):
            assert any([await _opens(stage) for _ in range(50)])  # without any time passing on its clock


async def _opens(stage: Stage) -> bool:
    """Whether a stream may begin; it is left at once."""
    async with (
        aiohttp.ClientSession() as session,
        session.post(
            f"{stage.caller.url}/graphql", json={"query": EVENTS}, headers={"Accept": "text/event-stream"}
        ) as response,
    ):
        return response.status == 200


async def test_equal_listeners_cost_one_execution_and_no_call_each(stage: Stage) -> None:
    query = EVENTS.replace("meeting { id title status }", "meeting { id title status owner { name } person { name } }")
    async with (
        sse(stage, query=query) as one,
        sse(stage, query=query) as two,
        sse(stage, query=query) as three,
    ):
        for stream in (one, two, three):
            await next_of(stage, stream)
        before = stage.calls()
        await stage.deliver(stage.edit(active(stage), title="Shared"))
        told = [await next_of(stage, stream) for stream in (one, two, three)]
        assert all(each == told[0] for each in told)
        asked = [(call.endpoint, str(call.params)) for call in stage.emulators.salesloft.calls[before:]]
        assert len(asked) == len(set(asked)) <= 5  # read again, its event looked for twice, its owner and person once


async def executions(stage: Stage) -> float:
    """Operations that the gateway has run, but for those that the stage has asked for by itself."""
    page = (await stage.caller.ask("GET", "/metrics")).body.decode()
    counts = re.findall(r"^gateway_operations_executed_total\{.*\} (\S+)$", page, re.MULTILINE)
    return sum(map(float, counts)) - stage.asked


async def test_subscribers_whose_filters_alone_differ_cost_one_execution(stage: Stage) -> None:
    row = active(stage)
    filters = [{"createdAt": {"gte": f"2020-01-01T00:00:{second:02}Z"}} for second in range(10)]
    never = {"createdAt": {"gte": "2040-01-01T00:00:00Z"}}
    other = EVENTS.replace("title", "title startTime")
    async with contextlib.AsyncExitStack() as stack:
        streams = [await stack.enter_async_context(sse(stage, filter=each)) for each in (*filters, never)]
        apart = await stack.enter_async_context(sse(stage, query=other))
        for stream in (*streams, apart):
            await next_of(stage, stream)
        await stage.deliver(stage.edit(row, title="Seen for the first time"))
        for stream in (*streams, apart):
            await next_of(stage, stream)
        before = await executions(stage)
        await stage.deliver(stage.edit(row, title="Seen by all but one"))
        changes = [await next_of(stage, stream) for stream in streams[:-1]]
        assert all(change == changes[0] for change in changes)
        assert changes[0]["meeting"]["title"] == "Seen by all but one"
        assert "startTime" in (await next_of(stage, apart))["meeting"]
        assert streams[-1].take() is None
        assert await executions(stage) - before == 2  # one for each selection


async def test_variables_that_the_selection_needs_too_keep_events_apart(stage: Stage) -> None:
    query = """subscription ($filter: MeetingFilter, $more: Boolean!) {
      meetingChanged(filter: $filter) { kind meeting { title status @include(if: $more) } } }"""
    async with sse(stage, query=query, more=True) as full, sse(stage, query=query, more=False) as short:
        for stream in (full, short):
            await next_of(stage, stream)
        await stage.deliver(stage.edit(active(stage), title="Moved"))
        assert (await next_of(stage, full))["meeting"].keys() == {"title", "status"}
        assert (await next_of(stage, short))["meeting"].keys() == {"title"}


async def test_switched_off_there_are_no_subscriptions() -> None:
    async with staged(GATEWAY_LIVE="off") as stage:
        reply = await stage.caller.post(EVENTS, accept=MULTIPART)
        assert reply.code == "GRAPHQL_VALIDATION_FAILED"


async def test_the_documents_of_the_page_run(stage: Stage) -> None:
    page, stream = re.findall(r"^```graphql\n(.*?)^```$", DOCS.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)[
        ::-1
    ]
    assert (await stage.ask(page))["meetingChanges"]["cursor"]
    async with sse(stage, query=stream) as heard:
        assert (await next_of(stage, heard))["kind"] == "READY"


KEYS = "reader:readers-key-0123456789:meetings:read,nobody:nobodys-key-0123456789:users:read,all:allowed-key-0123456789"


async def test_scopes_hold_as_in_queries() -> None:
    async with staged(GATEWAY_API_KEYS=KEYS.replace(":meetings:read", ":meetings:read")) as stage:

        def key(name: str) -> dict[str, str]:
            return {"X-API-Key": name}

        headers = key("nobodys-key-0123456789")
        body: dict[str, Any] = {"query": EVENTS}
        reply = await stage.caller.ask("POST", json=body, headers={**headers, "Accept": MULTIPART})
        assert reply.code == "FORBIDDEN"
        body["variables"] = {"filter": {"ownerEmails": ["a@b.example"]}}
        headers = key("readers-key-0123456789")
        reply = await stage.caller.ask("POST", json=body, headers={**headers, "Accept": MULTIPART})
        assert reply.code == "FORBIDDEN"
        assert "ownerEmails" in reply.json["errors"][0]["extensions"]["argument"]
