"""Every fault as a client meets it, on its endpoint and on the calls that it is meant for."""

import asyncio
import json
from typing import Any

import aiohttp
import pytest

from gateway.emulator.faults import (
    BAD_GATEWAY,
    BadRows,
    Empty,
    Fault,
    Hang,
    Huge,
    MalformedJson,
    Reset,
    SlowBody,
    Status,
    Truncated,
    no_object,
    without,
    wrong_type,
)
from gateway.emulator.world import World
from tests.emulator.conftest import Client

PATH = "/v2/meetings"


async def raw(client: Client, path: str = PATH, *, seconds: float = 5) -> tuple[int, bytes, dict[str, str]]:
    headers = {"Authorization": f"Bearer {client.emulated.token}"}
    timeout = aiohttp.ClientTimeout(total=seconds)
    async with client.session.get(client.emulated.url + path, headers=headers, timeout=timeout) as response:
        return response.status, await response.read(), {name.lower(): value for name, value in response.headers.items()}


async def test_reset(salesloft: Client) -> None:
    salesloft.emulated.faults.add(Reset())
    with pytest.raises(aiohttp.ClientConnectionError):
        await raw(salesloft)
    # aiohttp asks once more by itself where a GET got no answer
    assert [(call.endpoint, call.status) for call in salesloft.emulated.calls] == [("meetings", 0)] * 2
    salesloft.emulated.faults.clear()
    assert (await raw(salesloft))[0] == 200


async def test_hang(salesloft: Client) -> None:
    salesloft.emulated.faults.add(Hang())
    with pytest.raises(TimeoutError):
        await raw(salesloft, seconds=0.05)
    assert salesloft.emulated.calls[0].status == 0


async def test_slow_body(salesloft: Client) -> None:
    salesloft.emulated.faults.add(SlowBody(pause=0.002, pieces=5))
    status, body, _ = await raw(salesloft)
    assert status == 200
    assert len(json.loads(body)["data"]) == 25
    salesloft.emulated.faults.clear()
    salesloft.emulated.faults.add(SlowBody(pause=0.04))
    with pytest.raises(TimeoutError):
        await raw(salesloft, seconds=0.06)


@pytest.mark.parametrize("status", [401, 403, 500, 503])
async def test_status_with_the_vendors_own_body(salesloft: Client, drift: Client, status: int) -> None:
    salesloft.emulated.faults.add(Status(status))
    drift.emulated.faults.add(Status(status))
    got, body, _ = await raw(salesloft)
    assert (got, list(json.loads(body))) == (status, ["error"])
    got, body, _ = await raw(drift, "/users/list")
    assert got == status
    assert set(json.loads(body)["error"]) == {"type", "message"}
    assert salesloft.emulated.calls[0].status == status


async def test_bad_gateway_is_html(salesloft: Client) -> None:
    salesloft.emulated.faults.add(BAD_GATEWAY)
    status, body, headers = await raw(salesloft)
    assert (status, headers["content-type"]) == (502, "text/html")
    assert body.startswith(b"<html>")


@pytest.mark.parametrize("after", [None, "3"])
async def test_rate_limited_with_and_without_retry_after(drift: Client, after: str | None) -> None:
    drift.emulated.faults.add(Status(429, headers={} if after is None else {"Retry-After": after}))
    status, body, headers = await raw(drift, "/users/list")
    assert (status, headers.get("retry-after")) == (429, after)
    assert json.loads(body)["error"]["type"] == "rate_limit"


async def test_malformed_json_fits_its_length(salesloft: Client) -> None:
    salesloft.emulated.faults.add(MalformedJson())
    status, body, headers = await raw(salesloft)
    assert (status, headers["content-length"]) == (200, str(len(body)))
    with pytest.raises(json.JSONDecodeError):
        json.loads(body)


async def test_truncated_body_is_shorter_than_promised(salesloft: Client) -> None:
    salesloft.emulated.faults.add(Truncated())
    with pytest.raises(aiohttp.ClientPayloadError):
        await raw(salesloft)


@pytest.mark.parametrize("status", [200, 500])
async def test_empty_body(salesloft: Client, status: int) -> None:
    salesloft.emulated.faults.add(Empty(status))
    assert (await raw(salesloft))[:2] == (status, b"")


async def test_huge_body_is_valid_json_and_can_be_left(salesloft: Client) -> None:
    salesloft.emulated.faults.add(Huge(1_000_000), times=1)
    salesloft.emulated.faults.add(Huge(), start=2, times=1)
    _, body, _ = await raw(salesloft)
    assert (len(body), list(json.loads(body))) == (1_000_000, ["data"])
    headers = {"Authorization": f"Bearer {salesloft.emulated.token}"}
    async with salesloft.session.get(salesloft.emulated.url + PATH, headers=headers) as response:
        assert response.content_length == 64 * 1024 * 1024
        await response.content.readexactly(100_000)
        response.close()
    assert (await raw(salesloft))[0] == 200


@pytest.mark.parametrize(
    ("fault", "spoilt"),
    [
        (BadRows(wrong_type("title")), lambda row: row["title"] == ["not", "what", "it", "was"]),
        (BadRows(wrong_type("start_time", 5)), lambda row: row["start_time"] == 5),
        (BadRows(without("id")), lambda row: "id" not in row),
        (BadRows(no_object), lambda row: row == 42),
    ],
)
async def test_bad_rows_spoil_those_chosen_and_not_the_world(
    salesloft: Client, small: World, fault: BadRows, spoilt: Any
) -> None:
    good = (await salesloft.get(PATH)).rows
    salesloft.emulated.faults.add(fault)
    rows = (await salesloft.get(PATH)).rows
    assert spoilt(rows[0])
    assert rows[1:] == good[1:]
    salesloft.emulated.faults.clear()
    salesloft.emulated.faults.add(BadRows(fault.change, at=None))
    assert all(spoilt(row) for row in (await salesloft.get(PATH)).rows)
    salesloft.emulated.faults.clear()
    assert (await salesloft.get(PATH)).rows == good
    assert all(row["id"] in small.salesloft.meetings for row in good)


async def test_bad_rows_spoil_a_single_record(drift: Client, small: World) -> None:
    drift.emulated.faults.add(BadRows(without("attributes")))
    reply = await drift.get(f"/contacts/{next(iter(small.drift.contacts))}")
    assert "attributes" not in reply.json["data"]


async def test_bad_rows_leave_errors_alone(drift: Client) -> None:
    drift.emulated.faults.add(BadRows(no_object))
    assert (await drift.get("/contacts/1")).json["error"]["type"] == "not_found"


async def test_a_fault_keeps_to_its_endpoint(salesloft: Client) -> None:
    salesloft.emulated.faults.add(Status(500), "people")
    assert (await salesloft.get("/v2/meetings")).status == 200
    assert (await salesloft.get("/v2/people")).status == 500
    assert (await salesloft.get("/v2/people/1")).status == 404


@pytest.mark.parametrize(
    ("start", "times", "statuses"),
    [
        (1, None, [500, 500, 500, 500]),
        (1, 2, [500, 500, 200, 200]),
        (3, None, [200, 200, 500, 500]),
        (2, 1, [200, 500, 200, 200]),
    ],
)
async def test_a_fault_keeps_to_its_calls(
    salesloft: Client, start: int, times: int | None, statuses: list[int]
) -> None:
    salesloft.emulated.faults.add(Status(500), "people", start=start, times=times)
    seen = []
    for _ in statuses:
        assert (await salesloft.get("/v2/cadences")).status == 200  # of no account
        seen.append((await salesloft.get("/v2/people")).status)
    assert seen == statuses


async def test_the_first_fault_that_applies_acts(salesloft: Client) -> None:
    faults: list[Fault] = [Status(503), Status(500)]
    for fault in faults:
        salesloft.emulated.faults.add(fault, times=1)
    assert [(await salesloft.get(PATH)).status for _ in range(2)] == [503, 200]


async def test_sources_fail_each_on_its_own(salesloft: Client, drift: Client) -> None:
    salesloft.emulated.faults.add(Status(500))
    assert (await salesloft.get(PATH)).status == 500
    assert (await drift.get("/users/list")).status == 200


async def test_the_rest_is_served_while_a_call_hangs(salesloft: Client) -> None:
    salesloft.emulated.faults.add(Hang(), "people")
    waiting = asyncio.create_task(raw(salesloft, "/v2/people"))
    assert (await raw(salesloft))[0] == 200
    assert not waiting.done()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
