"""Where the documents are silent, an option decides: each changes what it says, and nothing else has to."""

from __future__ import annotations

import dataclasses
from typing import Any

import aiohttp
import pytest

from gateway.emulator.calendar import millis
from gateway.emulator.drift import HORIZON, DriftOptions
from gateway.emulator.salesloft.api import SalesloftOptions
from gateway.emulator.server import Emulators
from gateway.emulator.world import World
from tests.emulator.conftest import NOW, Client, Clock

MEETINGS, ORG = "/v2/meetings", "/users/meetings/org"
EVERYTHING = (("min_start_time", 0), ("max_start_time", 15_000_000_000_000), ("limit", 1000))


@pytest.mark.parametrize("changed", [False, True])
@pytest.mark.parametrize(
    "switch", ["canceled_by_id", "guids_of", "most_values", "ored", "any_case", "single_meetings", "strict"]
)
async def test_an_option_of_salesloft_decides(
    small: World, clock: Clock, session: aiohttp.ClientSession, *, switch: str, changed: bool
) -> None:
    rows = list(small.salesloft.meetings.values())
    canceled = next(row for row in rows if row["canceled_at"])
    active = [row for row in rows if not row["canceled_at"]]
    apart = next(
        row
        for row in active
        if (row.get("owned_by_user") or {}).get("id") and row["booked_by_user"]["id"] != row["owned_by_user"]["id"]
    )
    one = next(row for row in active if row["event_id"] and row["i_cal_uid"])
    other = next(
        row
        for row in active
        if row["event_id"] and row["event_id"] != one["event_id"] and row["i_cal_uid"] != one["i_cal_uid"]
    )
    user = next(iter(small.salesloft.users.values()))
    guid = user["guid"].upper() if user["guid"] != user["guid"].upper() else user["guid"].lower()
    value, path, params, wanted = {
        "canceled_by_id": (True, MEETINGS, [("ids[]", canceled["id"])], canceled["id"]),
        "guids_of": (
            "booker",
            MEETINGS,
            [("ids[]", apart["id"]), ("user_guids[]", apart["booked_by_user"]["id"])],
            apart["id"],
        ),
        "most_values": (1, MEETINGS, [("ids[]", one["id"]), ("ids[]", other["id"])], other["id"]),
        "ored": (
            False,
            MEETINGS,
            [("event_ids[]", one["event_id"]), ("i_cal_uids[]", other["i_cal_uid"])],
            one["id"],
        ),
        "any_case": (True, "/v2/users", [("guid[]", guid), ("visible_only", "false")], user["id"]),
        "single_meetings": (True, f"{MEETINGS}/{one['id']}", [], one["id"]),
        "strict": (True, MEETINGS, [("ids[]", one["id"]), ("nothing", 1)], one["id"]),
    }[switch]
    given: dict[str, Any] = {switch: value} if changed else {}
    options = dataclasses.replace(SalesloftOptions(), **given)
    async with Emulators.start(clock=clock, world=small, salesloft=options) as emulators:
        reply = await Client(session, emulators.salesloft).get(path, *params)
    data: Any = reply.json.get("data") or []
    found = {row["id"] for row in (data if isinstance(data, list) else [data])}
    without = switch in {"most_values", "ored", "strict"}  # these take away what the others bring
    assert (wanted in found) is (changed is not without)


async def test_a_bad_value_and_the_headers_of_the_limit_are_switches(
    small: World, clock: Clock, session: aiohttp.ClientSession
) -> None:
    options = SalesloftOptions(bad_value_status=500, limit_headers=False)
    async with Emulators.start(
        clock=clock, world=small, salesloft=options, drift=DriftOptions(limit_headers=True)
    ) as emulators:
        hub, chat = Client(session, emulators.salesloft), Client(session, emulators.drift)
        bad = await hub.get(MEETINGS, ("start_time[gte]", "never"))
        reported = await chat.get(ORG, *EVERYTHING)
    assert bad.status == 500
    assert not [name for name in bad.headers if "ratelimit" in name]
    assert [name for name in reported.headers if "ratelimit" in name]


async def test_order_cancelled_rows_reach_and_limit_of_drift_are_switches(
    small: World, clock: Clock, session: aiohttp.ClientSession
) -> None:
    options = DriftOptions(order="-slotStart", canceled=False, horizon=None, limited=False)
    async with Emulators.start(clock=clock, world=small, drift=options) as emulators:
        rows = (await Client(session, emulators.drift).get(ORG, *EVERYTHING[:2], ("limit", 1))).rows
    starts = [row["slotStart"] for row in rows]
    assert starts == sorted(starts, reverse=True)
    assert len(rows) > 1
    assert starts[-1] < millis(NOW - HORIZON)
    assert not [row for row in rows if row["status"].startswith("CANCEL")]
