"""Drift's endpoints, each behaviour that its documents name, and where they contradict each other."""

from datetime import timedelta
from typing import Any

import aiohttp
import pytest

from gateway.emulator.calendar import millis
from gateway.emulator.drift import DriftOptions
from gateway.emulator.server import Emulators
from gateway.emulator.world import World
from tests.emulator.conftest import NOW, Client, Clock

MEETINGS = "/users/meetings/org"
WINDOW = (("min_start_time", 0), ("max_start_time", 15_000_000_000_000))
ALL = (*WINDOW, ("limit", 1000))


def slugs(reply: Any) -> list[str]:
    return [row["slug"] for row in reply.rows]


def within(world: World, first: int, last: int) -> set[str]:
    return {row["slug"] for row in world.drift.meetings.values() if first <= row["slotStart"] <= last}


async def test_reaches_thirty_days_back_and_no_further(chat: Client, world: World) -> None:
    found = slugs(await chat.get(MEETINGS, *ALL))
    assert len(found) == len(set(found))
    assert set(found) == within(world, millis(NOW - timedelta(days=30)), 10**14)
    assert len(found) < len(world.drift.meetings)


async def test_the_thirty_days_move_with_the_clock(chat: Client, clock: Clock, world: World) -> None:
    clock.forward(days=20)
    assert set(slugs(await chat.get(MEETINGS, *ALL))) == within(world, millis(NOW - timedelta(days=10)), 10**14)


async def test_both_ends_of_the_window_are_in_it(chat: Client, world: World) -> None:
    starts = sorted(row["slotStart"] for row in world.drift.meetings.values() if row["slotStart"] > millis(NOW))
    first, last = starts[10], starts[60]
    found = slugs(await chat.get(MEETINGS, ("min_start_time", first), ("max_start_time", last)))
    assert set(found) == within(world, first, last)


async def test_a_hundred_rows_by_default(chat: Client) -> None:
    assert len((await chat.get(MEETINGS, *WINDOW)).rows) == 100
    assert len((await chat.get(MEETINGS, *WINDOW, ("limit", 7))).rows) == 7
    assert (await chat.get(MEETINGS, *WINDOW, ("limit", 0))).rows == []


async def test_a_thousand_rows_at_most(drift: Client, small: World) -> None:
    one = next(row for row in small.drift.meetings.values() if row["slotStart"] > millis(NOW))
    for number in range(1100):
        small.drift.meetings[f"more-{number}"] = one | {"slug": f"more-{number}"}
    assert len((await drift.get(MEETINGS, *ALL)).rows) == 1000


async def test_rows_come_in_no_order_but_always_the_same(chat: Client) -> None:
    first, second = await chat.get(MEETINGS, *ALL), await chat.get(MEETINGS, *ALL)
    assert slugs(first) == slugs(second)
    for field in ("slotStart", "updatedAt", "slug"):
        values = [row[field] for row in first.rows]
        assert values not in (sorted(values), sorted(values, reverse=True))


async def test_cancelled_rows_are_listed(chat: Client) -> None:
    assert {"ACTIVE", "CANCELED"} <= {row["status"] for row in (await chat.get(MEETINGS, *ALL)).rows}


async def test_what_is_not_set_is_absent(chat: Client) -> None:
    rows = (await chat.get(MEETINGS, *ALL)).rows
    assert all(None not in row.values() for row in rows)
    assert any("bookedBy" not in row for row in rows)
    assert all(type(row["slotStart"]) is int for row in rows)


@pytest.mark.parametrize(
    "params",
    [
        (),
        (("min_start_time", 0),),
        (("max_start_time", 0),),
        (("min_start_time", "now"), ("max_start_time", 1)),
        (("min_start_time", "1.5"), ("max_start_time", 1)),
        (*WINDOW, ("limit", 1001)),
        (*WINDOW, ("limit", -1)),
        (*WINDOW, ("limit", "all")),
    ],
)
async def test_a_bad_window_is_a_validation_error(chat: Client, params: tuple[tuple[str, Any], ...]) -> None:
    reply = await chat.get(MEETINGS, *params)
    assert (reply.status, reply.json["error"]["type"]) == (400, "validation_error")
    assert reply.json["error"]["message"]


async def test_a_change_shows_at_once(drift: Client, small: World) -> None:
    row = next(row for row in small.drift.meetings.values() if row["slotStart"] > millis(NOW))
    small.drift.meetings["added"] = row | {"slug": "added"}
    small.drift.meetings.change(row["slug"], status="CANCELED")
    rows = {one["slug"]: one for one in (await drift.get(MEETINGS, *ALL)).rows}
    assert rows["added"]["slotStart"] == row["slotStart"]
    assert rows[row["slug"]]["status"] == "CANCELED"
    del small.drift.meetings["added"]
    assert "added" not in slugs(await drift.get(MEETINGS, *ALL))


@pytest.mark.parametrize("token", [None, "wrong"])
@pytest.mark.parametrize("path", [MEETINGS, "/users/list", "/nothing"])
async def test_a_refused_credential_is_403(chat: Client, path: str, token: str | None) -> None:
    reply = await chat.get(path, *WINDOW, token=token)
    assert (reply.status, reply.json["error"]["type"]) == (403, "authentication_error")


async def test_or_401_by_a_switch(small: World, clock: Clock, session: aiohttp.ClientSession) -> None:
    async with Emulators.start(clock=clock, world=small, drift=DriftOptions(auth_status=401)) as emulators:
        reply = await Client(session, emulators.drift).get("/users/list", token=None)
        assert (reply.status, reply.json["error"]["type"]) == (401, "authentication_error")


@pytest.mark.parametrize("path", ["/", "/meetings", "/users/meetings", "/v1/users/list", "/contacts/1/x"])
async def test_an_unknown_path_is_404(chat: Client, path: str) -> None:
    reply = await chat.get(path)
    assert (reply.status, reply.json["error"]["type"]) == (404, "not_found")


async def test_it_is_read_only(chat: Client) -> None:
    reply = await chat.get("/contacts", method="POST")
    assert (reply.status, reply.headers["allow"]) == (405, "GET")


async def test_rate_limit_is_off_unless_set(
    chat: Client, small: World, clock: Clock, session: aiohttp.ClientSession
) -> None:
    assert chat.emulated.calls == []
    async with Emulators.start(clock=clock, world=small, drift=DriftOptions(rate_limit=3)) as emulators:
        client = Client(session, emulators.drift)
        statuses = [(await client.get("/users/list")).status for _ in range(4)]
        assert statuses == [200, 200, 200, 429]
        assert (await client.get("/users/list")).json["error"]["type"] == "rate_limit"
        clock.forward(minutes=1)
        assert (await client.get("/users/list")).status == 200
    assert {(await chat.get("/users/list")).status for _ in range(50)} == {200}


@pytest.mark.parametrize(
    ("scope", "path"),
    [
        ("user_read", "users/list"),
        ("user_read", "users/meetings/org"),
        ("contact_read", "contacts"),
        ("conversation_read", "conversations/1"),
        ("account_read", "accounts"),
    ],
)
async def test_a_missing_scope_is_403(
    small: World, clock: Clock, session: aiohttp.ClientSession, scope: str, path: str
) -> None:
    every = frozenset({"user_read", "contact_read", "conversation_read", "account_read"})
    async with Emulators.start(clock=clock, world=small, drift=DriftOptions(scopes=every - {scope})) as emulators:
        assert (await Client(session, emulators.drift).get(f"/{path}")).status == 403
    async with Emulators.start(clock=clock, world=small, drift=DriftOptions(scopes=every)) as emulators:
        assert (await Client(session, emulators.drift).get(f"/{path}")).status != 403


async def test_users_list_is_the_whole_organisation(chat: Client, world: World) -> None:
    reply = await chat.get("/users/list")
    assert reply.json == {"data": list(world.drift.users.values())}
    assert any("alias" not in row for row in reply.rows)


async def test_one_user(chat: Client, world: World) -> None:
    key = next(iter(world.drift.users))
    assert (await chat.get(f"/users/{key}")).json == {"data": world.drift.users[key]}
    assert (await chat.get("/users/1")).status == 404


async def test_users_by_id_come_as_a_map(chat: Client, world: World) -> None:
    keys = list(world.drift.users)[:20]
    reply = await chat.get("/users", *[("userId", key) for key in keys[:19]], ("userId", 1))
    assert reply.json == {"data": {str(key): world.drift.users[key] for key in keys[:19]}}


@pytest.mark.parametrize("count", [0, 21])
async def test_at_most_twenty_users_by_id(chat: Client, count: int) -> None:
    assert (await chat.get("/users", *[("userId", n) for n in range(count)])).status == 400


async def test_one_contact(chat: Client, world: World) -> None:
    key = next(iter(world.drift.contacts))
    reply = await chat.get(f"/contacts/{key}")
    assert reply.json == {"data": world.drift.contacts[key]}
    assert isinstance(reply.json["data"]["attributes"]["last_context_location"], str)
    assert (await chat.get("/contacts/77")).json["error"]["type"] == "not_found"


async def test_contacts_by_e_mail_whatever_its_case(chat: Client, world: World) -> None:
    emails = [str(row["attributes"].get("email", "")).strip().lower() for row in world.drift.contacts.values()]
    twice = next(email for email in emails if email and emails.count(email) > 1)
    found = (await chat.get("/contacts", ("email", f" {twice.upper()}"))).rows
    assert len(found) == emails.count(twice)
    assert {row["attributes"]["email"].strip().lower() for row in found} == {twice}
    assert (await chat.get("/contacts", ("email", "nobody@nowhere.example"))).rows == []


async def test_more_contacts_of_one_e_mail_are_linked(chat: Client, world: World) -> None:
    emails = [str(row["attributes"].get("email", "")).strip().lower() for row in world.drift.contacts.values()]
    twice = next(
        email for email in emails if email and emails.count(email) > 1 and email not in world.drift.bare_emails
    )
    first = await chat.get("/contacts", ("email", twice), ("limit", 1))
    assert len(first.rows) == 1
    assert first.headers["link"].startswith("<https://driftapi.com/contacts?")
    assert first.headers["link"].endswith('; rel="next"')
    rest = await chat.get("/contacts", ("email", twice), ("limit", 1), ("index", 1))
    assert rest.ids != first.ids


async def test_some_e_mails_answer_with_a_bare_object(chat: Client, world: World) -> None:
    emails = [str(row["attributes"].get("email", "")).strip().lower() for row in world.drift.contacts.values()]
    once = [email for email in emails if email and emails.count(email) == 1]
    bare = next(email for email in once if email in world.drift.bare_emails)
    plain = next(email for email in once if email not in world.drift.bare_emails)
    assert (await chat.get("/contacts", ("email", bare))).json["data"]["attributes"]
    assert len((await chat.get("/contacts", ("email", plain))).rows) == 1


async def test_or_all_do_by_a_switch(small: World, clock: Clock, session: aiohttp.ClientSession) -> None:
    options = DriftOptions(bare_contacts=True)
    emails = [
        row["attributes"]["email"].lower() for row in small.drift.contacts.values() if "email" in row["attributes"]
    ]
    email = next(email for email in emails if emails.count(email) == 1 and email not in small.drift.bare_emails)
    async with Emulators.start(clock=clock, world=small, drift=options) as emulators:
        client = Client(session, emulators.drift)
        assert (await client.get("/contacts", ("email", email))).json["data"]["id"]
        assert (await client.get("/contacts", ("email", "nobody@nowhere.example"))).rows == []


@pytest.mark.parametrize("params", [(), (("email", ""),), (("email", "a@b.example"), ("limit", 0)), (("idType", "x"),)])
async def test_a_bad_look_up_is_a_validation_error(chat: Client, params: tuple[tuple[str, Any], ...]) -> None:
    assert (await chat.get("/contacts", *params)).json["error"]["type"] == "validation_error"


async def test_contacts_by_external_id(chat: Client) -> None:
    reply = await chat.get("/contacts", ("idType", "external"), ("id", "a12-3"), ("id", "a12-9"), ("id", "none"))
    assert {row["attributes"]["externalId"] for row in reply.rows} == {"a12-3", "a12-9"}


async def test_drift_ids_are_no_external_ids(chat: Client, world: World) -> None:
    key = next(iter(world.drift.contacts))
    assert (await chat.get("/contacts", ("idType", "external"), ("id", key))).rows == []


async def test_one_conversation(chat: Client, world: World) -> None:
    key, row = next(iter(world.drift.conversations.items()))
    assert (await chat.get(f"/conversations/{key}")).json == {"data": row}
    assert (await chat.get("/conversations/1")).status == 404


async def test_accounts_are_paged_by_index_and_size(chat: Client, world: World) -> None:
    rows: list[dict[str, Any]] = []
    while True:
        data = (await chat.get("/accounts", ("index", len(rows)), ("size", 65))).json["data"]
        rows += data["accounts"]
        assert data["total"] == len(world.drift.accounts)
        if "next" not in data:
            break
    assert rows == list(world.drift.accounts.values())
    assert len((await chat.get("/accounts")).json["data"]["accounts"]) == 10
    assert (await chat.get("/accounts", ("size", 66))).status == 400


async def test_the_log_names_calls(chat: Client, world: World) -> None:
    contact = next(iter(world.drift.contacts))
    paths = [
        "users/meetings/org",
        "users/list",
        "users/1",
        "users",
        f"contacts/{contact}",
        "contacts",
        "conversations/1",
        "accounts",
    ]
    for path in paths:
        await chat.get(f"/{path}", ("colour", "red"))
    assert [call.endpoint for call in chat.emulated.calls] == [
        "users/meetings/org",
        "users/list",
        "users/{id}",
        "users",
        "contacts/{id}",
        "contacts",
        "conversations/{id}",
        "accounts",
    ]
    assert {call.unknown_params for call in chat.emulated.calls} == {("colour",)}
    assert {call.cost for call in chat.emulated.calls} == {0}


async def test_date_is_the_clocks(chat: Client) -> None:
    assert (await chat.get("/users/list")).headers["date"] == "Wed, 18 Mar 2026 15:20:00 GMT"
