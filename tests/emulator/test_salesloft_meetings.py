"""`GET /v2/meetings` of the emulator, parameter by parameter, against a brute-force reading of the world."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import aiohttp
import pytest

from gateway.emulator.calendar import instant, utc_text
from gateway.emulator.salesloft.api import SalesloftOptions
from gateway.emulator.server import Emulators
from gateway.emulator.world import World
from tests.emulator.conftest import NOW, Client, Clock

Row = dict[str, Any]
PATH = "/v2/meetings"
T = utc_text(NOW)


def ref(row: Row, name: str) -> Any:
    return (row.get(name) or {}).get("id")


def common(rows: list[Row], name: str, count: int = 3) -> list[Any]:
    """Pick values of a field that rows really have."""
    values = [ref(row, name) if isinstance(row.get(name), dict) else row.get(name) for row in rows]
    return list(dict.fromkeys(value for value in values if value is not None))[:count]


def oracle(world: World, keep: Callable[[Row], bool] = lambda _: True, *, deleted: bool | None = False) -> set[int]:
    return {
        row["id"]
        for row in world.salesloft.meetings.values()
        if (deleted is None or (row["canceled_at"] is not None) is deleted) and keep(row)
    }


async def ids(hub: Client, *params: tuple[str, Any]) -> set[int]:
    rows = await hub.every(PATH, *params)
    assert len({row["id"] for row in rows}) == len(rows)
    return {row["id"] for row in rows}


DOCUMENTED = [
    "ids[]=1",
    "status=booked",
    "person_id=1",
    "account_id=1",
    "person_ids[]=1",
    "event_ids[]=a",
    "i_cal_uids[]=a",
    "task_ids[]=1",
    "include_meetings_settings=true",
    "start_time[gt]",
    "start_time[gte]",
    "start_time[lt]",
    "start_time[lte]",
    "created_at[gt]",
    "created_at[gte]",
    "created_at[lt]",
    "created_at[lte]",
    "user_guids[]=a",
    "show_deleted=true",
    "booked_by_user_uuid=a",
    "no_show=true",
    "meeting_type_id=default_personal_meeting",
    "cadence_id=1",
    "step_id=1",
    "sort_by=updated_at",
    "sort_direction=ASC",
    "per_page=100",
    "page=2",
    "include_paging_counts=true",
    "limit_paging_counts=true",
]


@pytest.mark.parametrize("documented", DOCUMENTED)
async def test_every_documented_parameter_is_known(hub: Client, documented: str) -> None:
    name, _, value = documented.partition("=")
    assert (await hub.get(PATH, (name, value or T))).status == 200  # and the fixture asserts that it was not ignored


async def test_lists_the_active_meetings_by_default(hub: Client, world: World) -> None:
    assert await ids(hub) == oracle(world)


async def test_show_deleted_lists_either_kind_alone(hub: Client, world: World) -> None:
    assert await ids(hub, ("show_deleted", "true")) == oracle(world, deleted=True)
    assert await ids(hub, ("show_deleted", "false")) == oracle(world, deleted=False)


@pytest.mark.parametrize("default", [True, None])
async def test_what_comes_without_show_deleted_is_a_switch(
    small: World, clock: Clock, session: aiohttp.ClientSession, default: bool | None
) -> None:
    options = SalesloftOptions(deleted_by_default=default)
    async with Emulators.start(clock=clock, world=small, salesloft=options) as emulators:
        client = Client(session, emulators.salesloft)
        assert await ids(client) == oracle(small, deleted=default)
        assert await ids(client, ("show_deleted", "false")) == oracle(small)


@pytest.mark.parametrize("only", [True, False])
async def test_no_show_means_only_or_also(
    small: World, clock: Clock, session: aiohttp.ClientSession, only: bool
) -> None:
    for row in list(small.salesloft.meetings.values())[::9]:
        row["no_show"] = True
    small.touch()
    options = SalesloftOptions(no_show_only=only)
    async with Emulators.start(clock=clock, world=small, salesloft=options) as emulators:
        client = Client(session, emulators.salesloft)
        assert await ids(client, ("no_show", "true")) == oracle(small, lambda row: row["no_show"] or not only)
        assert await ids(client, ("no_show", "false")) == oracle(small, lambda row: not row["no_show"])
        assert await ids(client) == oracle(small)


async def test_ids_leaves_out_what_it_does_not_find(hub: Client, world: World) -> None:
    wanted = sorted(oracle(world))[10:110:20]
    assert await ids(hub, *[("ids[]", key) for key in [*wanted, 1, 2]]) == set(wanted)


@pytest.mark.parametrize("status", ["pending", "booked", "failed", "retry"])
async def test_status(hub: Client, world: World, status: str) -> None:
    found = await ids(hub, ("status", status))
    assert found == oracle(world, lambda row: row["status"] == status) != set()


@pytest.mark.parametrize(
    ("param", "field"),
    [
        ("person_id", "person"),
        ("person_id[]", "person"),
        ("person_ids[]", "person"),
        ("account_id", "account_id"),
        ("account_id[]", "account_id"),
        ("task_ids[]", "task_id"),
        ("event_ids[]", "event_id"),
        ("i_cal_uids[]", "i_cal_uid"),
        ("user_guids[]", "owned_by_user"),
        ("meeting_type_id", "meeting_type_id"),
        ("meeting_type_id[]", "meeting_type_id"),
    ],
)
async def test_filters_that_take_several_values(hub: Client, world: World, param: str, field: str) -> None:
    active = [row for row in world.salesloft.meetings.values() if row["canceled_at"] is None]
    values = common(active, field, 2)
    found = await ids(hub, *[(param, value) for value in values])
    assert len(found) >= 2
    assert found == oracle(world, lambda row: row.get(field) in values or ref_or_none(row, field) in values)


def ref_or_none(row: Row, name: str) -> Any:
    return ref(row, name) if isinstance(row.get(name), dict) else None


@pytest.mark.parametrize(
    ("param", "field"), [("cadence_id", "cadence"), ("step_id", "step"), ("booked_by_user_uuid", "booked_by_user")]
)
async def test_filters_that_take_one_value(hub: Client, world: World, param: str, field: str) -> None:
    value = common(list(world.salesloft.meetings.values()), field)[0]
    found = await ids(hub, (param, value))
    assert found == oracle(world, lambda row: ref(row, field) == value) != set()


async def test_personal_meetings_have_a_word_for_a_type(hub: Client, world: World) -> None:
    found = await ids(hub, ("meeting_type_id", "default_personal_meeting"), ("meeting_type_id", 4102))
    assert found == oracle(
        world,
        lambda row: row.get("meeting_type_id") == 4102 or row["meeting_type"] == "default_personal_meeting",
    )


async def test_event_ids_and_uids_are_ored_and_the_rest_anded(hub: Client, world: World) -> None:
    active = [row for row in world.salesloft.meetings.values() if row["canceled_at"] is None]
    event = next(row["event_id"] for row in active if row["event_id"])
    uid = next(row["i_cal_uid"] for row in active if row.get("recurrence"))
    found = await ids(hub, ("event_ids[]", event), ("i_cal_uids[]", uid), ("event_ids[]", "no-such-event"))
    assert found == oracle(world, lambda row: row["event_id"] == event or row["i_cal_uid"] == uid)
    assert len(found) > 5  # a series answers with every occurrence
    bound = ("start_time[gte]", T)
    assert await ids(hub, ("event_ids[]", event), ("i_cal_uids[]", uid), bound) == {
        key for key in found if (world.salesloft.meetings[key]["start_time"] or "") >= T
    }


@pytest.mark.parametrize("field", ["start_time", "created_at"])
@pytest.mark.parametrize(
    ("operator", "keep"),
    [
        ("gt", lambda value, bound: value > bound),
        ("gte", lambda value, bound: value >= bound),
        ("lt", lambda value, bound: value < bound),
        ("lte", lambda value, bound: value <= bound),
    ],
)
@pytest.mark.parametrize("direction", ["ASC", "DESC"])
async def test_time_bounds_hold_to_the_microsecond(
    hub: Client, world: World, *, field: str, operator: str, keep: Callable[[str, str], bool], direction: str
) -> None:
    rows = sorted(row[field] for row in world.salesloft.meetings.values() if row[field])
    bound = next((value for value in rows if value.endswith("500001Z")), rows[-40])
    for sort_by in ("start_time", "created_at", "updated_at"):
        params = ((f"{field}[{operator}]", bound), ("sort_by", sort_by), ("sort_direction", direction))
        reply = await hub.get(PATH, *params, ("include_paging_counts", "true"), ("per_page", 100))
        wanted = oracle(world, lambda row: row[field] is not None and keep(row[field], bound))
        assert reply.json["metadata"]["paging"]["total_count"] == len(wanted) > 0
        assert set(reply.ids) <= wanted


async def test_bounds_combine_and_take_any_offset(hub: Client, world: World) -> None:
    found = await ids(
        hub, ("start_time[gte]", "2026-03-18T11:20:00-04:00"), ("start_time[lt]", utc_text(NOW + timedelta(days=7)))
    )
    assert found == oracle(
        world, lambda row: row["start_time"] is not None and T <= row["start_time"] < utc_text(NOW + timedelta(days=7))
    )


@pytest.mark.parametrize("sort_by", ["start_time", "created_at", "updated_at"])
@pytest.mark.parametrize("direction", ["ASC", "DESC"])
async def test_sorts_with_nulls_last(hub: Client, sort_by: str, direction: str) -> None:
    rows = await hub.every(PATH, ("sort_by", sort_by), ("sort_direction", direction))
    values = [row[sort_by] for row in rows]
    full = [value for value in values if value is not None]
    assert full == sorted(full, reverse=direction == "DESC")
    assert values == full + [None] * (len(values) - len(full))
    assert (len(full) < len(values)) is (sort_by == "start_time")


async def test_sorts_by_start_descending_by_default(hub: Client) -> None:
    reply = await hub.get(PATH)
    assert reply.json["metadata"]["sorting"] == {"sort_by": "start_time", "sort_direction": "DESC NULLS LAST"}
    assert [row["start_time"] for row in reply.rows] == sorted((row["start_time"] for row in reply.rows), reverse=True)
    up = await hub.get(PATH, ("sort_direction", "ASC"))
    assert up.json["metadata"]["sorting"]["sort_direction"] == "ASC NULLS LAST"


async def test_ties_come_in_an_order_of_their_own(hub: Client, world: World) -> None:
    start = next(row["start_time"] for row in world.salesloft.meetings.values() if row["title"].startswith("Kick-off"))
    tied = [row["id"] for row in await hub.every(PATH, ("start_time[gte]", start), ("start_time[lte]", start))]
    assert len(tied) > 5
    assert tied not in (sorted(tied), sorted(tied, reverse=True))


async def test_meetings_settings_come_on_request(hub: Client) -> None:
    plain, reported = await hub.get(PATH), await hub.get(PATH, ("include_meetings_settings", "true"))
    assert plain.ids == reported.ids
    assert all("owned_by_meetings_settings" not in row for row in plain.rows)
    assert all("@" in row["owned_by_meetings_settings"]["email_address"] for row in reported.rows)
    assert all("@" in row["booked_by_meetings_settings"]["email_address"] for row in reported.rows)


async def test_there_is_no_read_of_one_meeting(hub: Client, world: World) -> None:
    reply = await hub.get(f"{PATH}/{next(iter(world.salesloft.meetings))}")
    assert (reply.status, reply.json) == (404, {"error": "Not Found"})


async def test_owners_and_bookers_are_named_by_guid(hub: Client, world: World) -> None:
    guids = {row["guid"] for row in world.salesloft.users.values()}
    rows = (await hub.get(PATH, ("per_page", 100))).rows
    for row in rows:
        assert row["owned_by_user"]["id"] in guids
        assert row["owned_by_user"]["_href"].endswith(row["owned_by_user"]["id"])


async def test_ids_documented_as_text_come_as_numbers(hub: Client) -> None:
    rows = (await hub.get(PATH, ("per_page", 100))).rows
    for name in ("account_id", "task_id", "meeting_type_id"):
        assert {type(row[name]) for row in rows} == {int, type(None)}


async def test_rows_may_lack_keys(hub: Client) -> None:
    new = (await hub.get(PATH, ("per_page", 100))).rows
    assert any("recurrence" not in row for row in new)
    old = (await hub.get(PATH, ("sort_direction", "ASC"))).rows
    assert any("owned_by_user" not in row for row in old)


async def test_a_change_shows_at_once(salesloft: Client, small: World) -> None:
    meetings = small.salesloft.meetings
    first = (await salesloft.get(PATH)).rows[0]
    late = utc_text(instant(first["start_time"]) + timedelta(days=1))

    meetings[5] = first | {"id": 5, "start_time": late}
    assert (await salesloft.get(PATH)).ids[0] == 5
    meetings.change(5, start_time=utc_text(NOW - timedelta(days=999)))
    assert (await salesloft.get(PATH)).ids[0] == first["id"]
    meetings[first["id"]]["canceled_at"] = T
    small.touch()
    assert first["id"] not in (await salesloft.get(PATH)).ids
    del meetings[5]
    assert 5 not in (await salesloft.get(PATH, ("ids[]", 5))).ids
