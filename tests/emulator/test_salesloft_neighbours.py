"""People, users, cadences, steps, accounts, tasks, `me` and `team`: lists, filters, sorting and single reads."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import aiohttp
import pytest

from gateway.emulator.calendar import eastern_text, instant
from gateway.emulator.salesloft.api import SalesloftOptions
from gateway.emulator.server import Emulators
from gateway.emulator.world import World
from tests.emulator.conftest import NOW, Client, Clock

Row = dict[str, Any]
Keep = Callable[[Row], Any]
TODAY = date(2026, 3, 18)  # a Wednesday, in New York too


def ref(row: Row, name: str) -> Any:
    return (row[name] or {}).get("id")


def hidden(world: World, name: str) -> set[int]:
    return {"people": world.salesloft.hidden_people, "cadences": world.salesloft.hidden_cadences}.get(name, set())


def oracle(world: World, name: str, keep: Keep = lambda _: True) -> set[int]:
    rows = getattr(world.salesloft, name).values()
    return {row["id"] for row in rows if keep(row)} - hidden(world, name)


async def ids(hub: Client, name: str, *params: tuple[str, Any]) -> set[int]:
    return {row["id"] for row in await hub.every(f"/v2/{name}", *params)}


def moved(field: str, days: float) -> Keep:
    return lambda row: row[field] is not None and instant(row[field]) > NOW + timedelta(days=days)


FEW = eastern_text(NOW - timedelta(days=3))
LISTED: list[tuple[str, list[tuple[str, Any]], Keep]] = [
    ("people", [("updated_at[gt]", FEW)], moved("updated_at", -3)),
    ("people", [("created_at[gt]", eastern_text(NOW - timedelta(days=90)))], moved("created_at", -90)),
    ("people", [("last_contacted[gt]", FEW)], moved("last_contacted_at", -3)),
    ("people", [("last_contacted", "_is_null")], lambda row: row["last_contacted_at"] is None),
    ("people", [("last_contacted", "_is_not_null")], lambda row: row["last_contacted_at"] is not None),
    (
        "people",
        [("crm_id[]", "003Qy0000000003AAQ"), ("crm_id[]", "none")],
        lambda row: row["crm_id"] == "003Qy0000000003AAQ",
    ),
    ("people", [("account_id[]", 2_147_470_000)], lambda row: ref(row, "account") == 2_147_470_000),
    ("people", [("account_id[]", "_is_null")], lambda row: row["account"] is None),
    ("people", [("owner_id[]", 6970), ("owner_id[]", 6983)], lambda row: ref(row, "owner") in {6970, 6983}),
    ("people", [("cadence_id[]", 6970)], lambda row: 6970 in [stub["id"] for stub in row["cadences"]]),
    ("people", [("cadence_id[]", "_is_null")], lambda row: row["cadences"] == []),
    (
        "people",
        [("email_addresses[]", "_is_null")],
        lambda row: not any(row[f"{which}email_address"] for which in ("", "secondary_", "personal_")),
    ),
    ("cadences", [("updated_at[gt]", FEW)], moved("updated_at", -3)),
    ("cadences", [("team_cadence", "true")], lambda row: row["team_cadence"]),
    ("cadences", [("shared", "false")], lambda row: not row["shared"]),
    ("cadences", [("archived", "true")], lambda row: row["archived"]),
    ("cadences", [("archived", "false")], lambda row: not row["archived"]),
    ("cadences", [("name[]", "Inbound trial")], lambda row: row["name"] == "Inbound trial"),
    ("cadences", [("group_ids", "31")], lambda row: 31 in [stub["id"] for stub in row["groups"]]),
    ("cadences", [("group_ids", "[31, 32]")], lambda row: row["groups"]),
    ("steps", [("cadence_id", 6970)], lambda row: row["cadence"]["id"] == 6970),
    ("steps", [("type", "phone")], lambda row: row["type"] == "phone"),
    ("accounts", [("updated_at[lte]", FEW)], lambda row: instant(row["updated_at"]) <= instant(FEW)),
    ("accounts", [("created_at[gt]", eastern_text(NOW - timedelta(days=90)))], moved("created_at", -90)),
    ("accounts", [("archived", "true")], lambda row: row["archived_at"]),
    ("accounts", [("archived", "false")], lambda row: not row["archived_at"]),
    ("accounts", [("archived", "whatever")], lambda _: True),
    ("accounts", [("owner_id[]", 6970)], lambda row: ref(row, "owner") == 6970),
    ("accounts", [("owner_id[]", "_is_null")], lambda row: row["owner"] is None),
    ("accounts", [("crm_id[]", "001Qy0000000001AAQ")], lambda row: row["crm_id"] == "001Qy0000000001AAQ"),
    ("tasks", [("user_id[]", 6970)], lambda row: ref(row, "user") == 6970),
    ("tasks", [("current_state[]", "completed")], lambda row: row["current_state"] == "completed"),
    ("tasks", [("task_type[]", "call"), ("task_type[]", "email")], lambda row: row["task_type"] in {"call", "email"}),
]


@pytest.mark.parametrize(("name", "params", "keep"), LISTED, ids=[f"{one[0]} {one[1][0]}" for one in LISTED])
async def test_filter(hub: Client, world: World, name: str, params: list[tuple[str, Any]], keep: Keep) -> None:
    found = await ids(hub, name, *params)
    assert found == oracle(world, name, keep)
    assert found


@pytest.mark.parametrize("name", ["people", "cadences", "steps", "accounts", "tasks"])
async def test_ids(hub: Client, world: World, name: str) -> None:
    wanted = sorted(oracle(world, name))[1:40:3]
    assert await ids(hub, name, *[("ids[]", key) for key in [*wanted, 1]]) == set(wanted)


@pytest.mark.parametrize("name", ["people", "cadences"])
async def test_owner_by_guid(hub: Client, world: World, name: str) -> None:
    owner = world.salesloft.users[6983]
    found = await ids(hub, name, ("owned_by_guid[]", owner["guid"]))
    assert found == oracle(world, name, lambda row: ref(row, "owner") == owner["id"]) != set()


async def test_people_by_any_address_whatever_its_case(hub: Client, world: World) -> None:
    people = world.salesloft.people.values()
    untidy = next(
        row for row in people if row["email_address"] and row["email_address"] != row["email_address"].lower()
    )
    second = next(row for row in people if row["secondary_email_address"])
    private = next(row for row in people if row["personal_email_address"])
    sent = [untidy["email_address"].upper(), second["secondary_email_address"], private["personal_email_address"]]
    found = await ids(hub, "people", *[("email_addresses[]", email) for email in [*sent, "nobody@nowhere.example"]])
    assert {untidy["id"], second["id"], private["id"]} <= found


async def test_people_by_first_address_alone_is_a_switch(
    small: World, clock: Clock, session: aiohttp.ClientSession
) -> None:
    row = next(
        row for row in small.salesloft.people.values() if row["secondary_email_address"] and row["email_address"]
    )
    options = SalesloftOptions(match_every_email=False)
    async with Emulators.start(clock=clock, world=small, salesloft=options) as emulators:
        client = Client(session, emulators.salesloft)
        assert await ids(client, "people", ("email_addresses[]", row["secondary_email_address"])) == set()
        assert row["id"] in await ids(client, "people", ("email_addresses[]", row["email_address"]))


async def test_accounts_by_name_domain_website(hub: Client, world: World) -> None:
    row = next(row for row in world.salesloft.accounts.values() if row["website"])
    for params in (("name[]", row["name"]), ("domain", row["domain"]), ("website[]", row["website"])):
        assert await ids(hub, "accounts", params) == {row["id"]}


async def test_steps_with_due_actions(hub: Client, world: World) -> None:
    assert await ids(hub, "steps", ("has_due_actions", "true")) == world.salesloft.due_steps
    assert await ids(hub, "steps", ("has_due_actions", "false")) == oracle(world, "steps") - world.salesloft.due_steps


async def test_tasks_by_person_account_and_key(hub: Client, world: World) -> None:
    person = next(row["person"]["id"] for row in world.salesloft.tasks.values())
    assert await ids(hub, "tasks", ("person_id[]", person)) == oracle(
        world, "tasks", lambda row: row["person"]["id"] == person
    )
    people = world.salesloft.people
    account = next(ref(people[row["person"]["id"]], "account") for row in world.salesloft.tasks.values())
    assert await ids(hub, "tasks", ("account_id[]", account)) == oracle(
        world, "tasks", lambda row: ref(people[row["person"]["id"]], "account") == account
    )
    key, task = next(iter(world.salesloft.idempotency_keys.items()))
    assert await ids(hub, "tasks", ("idempotency_key", key)) == {task}


@pytest.mark.parametrize(
    ("interval", "first", "last"),
    [("overdue", -999, -1), ("today", 0, 0), ("tomorrow", 1, 1), ("this_week", -2, 4), ("next_week", 5, 11)],
)
async def test_tasks_by_time_interval(hub: Client, world: World, interval: str, first: int, last: int) -> None:
    found = await ids(hub, "tasks", ("time_interval_filter", interval))
    span = (str(TODAY + timedelta(days=max(first, -90))), str(TODAY + timedelta(days=last)))
    assert found == oracle(
        world, "tasks", lambda row: row["current_state"] == "scheduled" and span[0] <= row["due_date"] <= span[1]
    )
    assert found


async def test_users_come_all_at_once_and_without_paging(hub: Client, world: World) -> None:
    reply = await hub.get("/v2/users", ("per_page", 5))
    assert set(reply.json["metadata"]) == {"filtering", "sorting"}
    assert set(reply.ids) == oracle(world, "users") - world.salesloft.hidden_users


async def test_users_are_paged_when_a_page_is_asked_for(hub: Client) -> None:
    reply = await hub.get("/v2/users", ("page", 2), ("per_page", 5))
    assert reply.json["metadata"]["paging"] == {"per_page": 5, "current_page": 2, "next_page": 3, "prev_page": 1}
    assert len(reply.rows) == 5


async def test_visible_only_hides_users_by_default(hub: Client, world: World) -> None:
    guid = world.salesloft.users[next(iter(world.salesloft.hidden_users))]["guid"]
    assert (await hub.get("/v2/users", ("guid[]", guid))).rows == []
    reported = await hub.get("/v2/users", ("guid[]", guid), ("visible_only", "false"))
    assert [row["guid"] for row in reported.rows] == [guid]
    assert set((await hub.get("/v2/users", ("visible_only", "false"))).ids) == oracle(world, "users")


USERS: list[tuple[tuple[str, Any], Keep]] = [
    (("ids[]", 6983), lambda row: row["id"] == 6983),
    (("active", "true"), lambda row: row["active"]),
    (("active", "false"), lambda row: not row["active"]),
    (("group_id[]", 31), lambda row: ref(row, "group") == 31),
    (("group_id[]", "_is_null"), lambda row: row["group"] is None),
    (("role_id[]", "Admin"), lambda row: row["role"]["id"] == "Admin"),
    (("has_crm_user", "false"), lambda row: not row["crm_connected"]),
    (("work_country[]", "US"), lambda row: row["work_country"] == "US"),
    (("seat_package[]", "prospect"), lambda row: row["seat_package"] == "prospect"),
    (("search", "BRIGHTQUAY vik"), lambda row: "vik" in (row["name"] + row["email"]).lower()),
]


@pytest.mark.parametrize(("param", "keep"), USERS, ids=[str(param) for param, _ in USERS])
async def test_user_filter(hub: Client, world: World, param: tuple[str, Any], keep: Keep) -> None:
    found = set((await hub.get("/v2/users", param, ("visible_only", "false"))).ids)
    assert found == oracle(world, "users", keep) != set()


async def test_users_by_manager(hub: Client, world: World) -> None:
    boss = world.salesloft.users[world.salesloft.me_id]["guid"]
    found = await hub.get("/v2/users", ("manager_user_guid[]", boss), ("visible_only", "false"))
    assert set(found.ids) == set(world.salesloft.managers)


SORTS = [
    ("people", "updated_at", True),
    ("cadences", "updated_at", True),
    ("steps", "updated_at", True),
    ("accounts", "updated_at", True),
    ("users", "id", True),
    ("tasks", "due_date", False),
]


@pytest.mark.parametrize(("name", "field", "descending"), SORTS)
async def test_default_sort(hub: Client, name: str, field: str, descending: bool) -> None:
    reply = await hub.get(f"/v2/{name}")
    values = [instant(row[field]) if field == "updated_at" else row[field] for row in reply.rows]
    assert values == sorted(values, reverse=descending)
    direction = "DESC NULLS LAST" if descending else "ASC NULLS LAST"
    assert reply.json["metadata"]["sorting"] == {"sort_by": field, "sort_direction": direction}


@pytest.mark.parametrize(
    ("name", "key", "field"),
    [
        ("people", "created_at", "created_at"),
        ("people", "last_contacted_at", "last_contacted_at"),
        ("people", "name", "display_name"),
        ("people", "title", "title"),
        ("cadences", "name", "name"),
        ("accounts", "name", "name"),
        ("accounts", "last_contacted_at", "last_contacted_at"),
        ("users", "email", "email"),
        ("tasks", "due_at", "due_at"),
    ],
)
@pytest.mark.parametrize("direction", ["ASC", "DESC"])
async def test_sort(hub: Client, name: str, key: str, field: str, direction: str) -> None:
    rows = await hub.every(f"/v2/{name}", ("sort_by", key), ("sort_direction", direction))
    full = [row[field] for row in rows if row[field] is not None]
    values = [instant(value) for value in full] if field.endswith("_at") else full
    assert values == sorted(values, reverse=direction == "DESC")
    assert all(row[field] is None for row in rows[len(full) :])


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("people", "job_seniority"),
        ("people", "call_count"),
        ("people", "sent_emails"),
        ("people", "clicked_emails"),
        ("people", "replied_emails"),
        ("people", "viewed_emails"),
        ("people", "account"),
        ("accounts", "account_stage"),
        ("accounts", "account_tier"),
        ("accounts", "counts_people"),
        ("users", "group"),
        ("users", "role"),
        ("users", "seat_package"),
        ("steps", "created_at"),
    ],
)
async def test_other_sort_keys_are_taken(hub: Client, world: World, name: str, key: str) -> None:
    up = await hub.every(f"/v2/{name}", ("sort_by", key), ("sort_direction", "ASC"))
    down = await hub.every(f"/v2/{name}", ("sort_by", key), ("sort_direction", "DESC"))
    assert up != down
    assert {row["id"] for row in up} == {row["id"] for row in down}


@pytest.mark.parametrize("name", ["people", "users", "cadences", "steps", "accounts", "tasks"])
async def test_single_read(hub: Client, world: World, name: str) -> None:
    key = sorted(oracle(world, name))[2]
    reply = await hub.get(f"/v2/{name}/{key}")
    assert (reply.status, reply.json) == (200, {"data": getattr(world.salesloft, name)[key]})
    assert reply.headers["x-ratelimit-endpoint-cost"] == "1"
    for missing in ("1", "abc", "-1"):
        gone = await hub.get(f"/v2/{name}/{missing}")
        assert (gone.status, gone.json) == (404, {"error": "Not Found"})


async def test_a_user_is_read_by_guid_too(hub: Client, world: World) -> None:
    row = world.salesloft.users[6983]
    assert (await hub.get(f"/v2/users/{row['guid']}")).json == {"data": row}


async def test_me_and_team(hub: Client, world: World) -> None:
    assert (await hub.get("/v2/me")).json["data"]["id"] == world.salesloft.me_id
    assert (await hub.get("/v2/team")).json["data"]["id"] == world.salesloft.users[6970]["team"]["id"]


@pytest.mark.parametrize("name", ["people", "cadences"])
async def test_what_group_privacy_hides_is_not_there(hub: Client, world: World, name: str) -> None:
    key = next(iter(hidden(world, name)))
    assert (await hub.get(f"/v2/{name}/{key}")).status == 404
    assert (await hub.get(f"/v2/{name}", ("ids[]", key))).rows == []
    named = [
        row
        for row in world.salesloft.meetings.values()
        if (row["person" if name == "people" else "cadence"] or {}).get("id") == key
    ]
    assert named  # meetings go on naming it


@pytest.mark.parametrize("name", ["people", "users", "cadences", "steps", "accounts"])
async def test_times_have_the_eastern_offset(hub: Client, name: str) -> None:
    rows = await hub.every(f"/v2/{name}")
    seen = set()
    for row in rows:
        moment = instant(row["created_at"])
        assert row["created_at"] == eastern_text(moment)
        seen.add(row["created_at"][-6:])
    assert seen == {"-05:00", "-04:00"}


async def test_stubs_elsewhere_name_users_by_number(hub: Client, world: World) -> None:
    for name in ("people", "cadences", "accounts", "tasks"):
        field = "user" if name == "tasks" else "owner"
        rows = (await hub.get(f"/v2/{name}")).rows
        assert {ref(row, field) for row in rows} - {None} <= set(world.salesloft.users)
