"""Every door: the lists of people, users, cadences and accounts, the look-ups by key, and meetings under a record."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from gateway.emulator.faults import Status
from gateway.emulator.world import World
from tests.graph.truth import Row, Truth, fold, global_id, ordered, plain, stub, told, when
from tests.world import Asked, Gateway

Keep = Callable[[Row], bool]


@dataclasses.dataclass(frozen=True)
class Case:
    """A filter of a list.

    Attributes:
        filter: As the client writes it, worked out from the world.
        keep: What it means.
        sent: Parameters of the list's first call.
    """

    filter: Callable[[World], dict[str, Any]]
    keep: Callable[[World], Keep]
    sent: Callable[[World], dict[str, list[str]]] = lambda _: {}


def ids(kind: str, *keys: object) -> list[str]:
    return [global_id(kind, "SALESLOFT", key) for key in keys]


def first(rows: Any, name: str = "id", test: Keep = lambda _: True) -> Any:
    return next(row[name] for row in rows.values() if row[name] is not None and test(row))


def emails(row: Row) -> set[str]:
    names = ("email_address", "secondary_email_address", "personal_email_address")
    return {fold(row[name]) for name in names if row[name]}


def second_address(world: World) -> str:
    return str(first(world.salesloft.people, "secondary_email_address", lambda row: row["id"] not in hidden(world)))


def hidden(world: World) -> set[int]:
    return world.salesloft.hidden_people


def made(row: Row, low: str, high: str, name: str = "created_at") -> bool:
    return low <= (told(when(row[name])) or "") < high


PERSON_OF_DRIFT = global_id("Person", "DRIFT", "")[:16]
SPAN = ("2026-01-01T00:00:00.000000Z", "2026-02-01T00:00:00.000000Z")
RANGE = {"gte": SPAN[0], "lt": SPAN[1]}


def pushed(name: str) -> Callable[[World], dict[str, list[str]]]:
    return lambda _: {f"{name}[gte]": [SPAN[0]], f"{name}[lt]": [SPAN[1]]}


PEOPLE: dict[str, Case] = {
    "all": Case(lambda _: {}, lambda _: lambda _row: True, lambda _: {"sort_by": ["created_at"], "page": ["1"]}),
    "ids": Case(
        lambda w: {"ids": ids("Person", *list(w.salesloft.people)[:3])},
        lambda w: lambda row: row["id"] in list(w.salesloft.people)[:3],
        lambda w: {"ids[]": [str(key) for key in list(w.salesloft.people)[:3]]},
    ),
    "salesloftIds": Case(
        lambda w: {"salesloftIds": [str(key) for key in list(w.salesloft.people)[3:5]]},
        lambda w: lambda row: row["id"] in list(w.salesloft.people)[3:5],
        lambda w: {"ids[]": [str(key) for key in list(w.salesloft.people)[3:5]]},
    ),
    "emails": Case(
        lambda w: {"emails": [second_address(w).upper()]},
        lambda w: lambda row: fold(second_address(w)) in emails(row),
        lambda w: {"email_addresses[]": [fold(second_address(w))]},
    ),
    "crmIds": Case(
        lambda w: {"crmIds": [first(w.salesloft.people, "crm_id")]},
        lambda w: lambda row: row["crm_id"] == first(w.salesloft.people, "crm_id"),
        lambda w: {"crm_id[]": [first(w.salesloft.people, "crm_id")]},
    ),
    "accountIds": Case(
        lambda w: {"accountIds": ids("Account", first(w.salesloft.people, "account")["id"])},
        lambda w: lambda row: stub(row, "account") == first(w.salesloft.people, "account")["id"],
        lambda w: {"account_id[]": [str(first(w.salesloft.people, "account")["id"])]},
    ),
    "cadenceIds": Case(
        lambda w: {"cadenceIds": ids("Cadence", first(w.salesloft.cadences))},
        lambda w: lambda row: any(each["id"] == first(w.salesloft.cadences) for each in row["cadences"]),
        lambda w: {"cadence_id[]": [str(first(w.salesloft.cadences))]},
    ),
    "ownerIds": Case(
        lambda w: {"ownerIds": ids("User", first(w.salesloft.people, "owner")["id"])},
        lambda w: lambda row: stub(row, "owner") == first(w.salesloft.people, "owner")["id"],
        lambda w: {"owner_id[]": [str(first(w.salesloft.people, "owner")["id"])]},
    ),
    "createdAt": Case(lambda _: {"createdAt": RANGE}, lambda _: lambda row: made(row, *SPAN), pushed("created_at")),
    "updatedAt": Case(
        lambda _: {"updatedAt": {"gte": SPAN[1]}},
        lambda _: lambda row: made(row, SPAN[1], "9", "updated_at"),
        lambda _: {"updated_at[gte]": [SPAN[1]]},
    ),
}
ACCOUNTS: dict[str, Case] = {
    "all": Case(lambda _: {}, lambda _: lambda _row: True, lambda _: {"sort_by": ["created_at"], "page": ["1"]}),
    "ids": Case(
        lambda w: {"ids": ids("Account", first(w.salesloft.accounts))},
        lambda w: lambda row: row["id"] == first(w.salesloft.accounts),
        lambda w: {"ids[]": [str(first(w.salesloft.accounts))]},
    ),
    "salesloftIds": Case(
        lambda w: {"salesloftIds": [str(first(w.salesloft.accounts))]},
        lambda w: lambda row: row["id"] == first(w.salesloft.accounts),
        lambda w: {"ids[]": [str(first(w.salesloft.accounts))]},
    ),
    "crmIds": Case(
        lambda w: {"crmIds": [first(w.salesloft.accounts, "crm_id")]},
        lambda w: lambda row: row["crm_id"] == first(w.salesloft.accounts, "crm_id"),
        lambda w: {"crm_id[]": [first(w.salesloft.accounts, "crm_id")]},
    ),
    "domains": Case(
        lambda w: {"domains": [row["domain"].upper() for row in list(w.salesloft.accounts.values())[:2]]},
        lambda w: lambda row: row["domain"] in [row["domain"] for row in list(w.salesloft.accounts.values())[:2]],
    ),
    "domain": Case(
        lambda w: {"domains": [first(w.salesloft.accounts, "domain")]},
        lambda w: lambda row: row["domain"] == first(w.salesloft.accounts, "domain"),
        lambda w: {"domain": [first(w.salesloft.accounts, "domain")]},
    ),
    "names": Case(
        lambda w: {"names": [first(w.salesloft.accounts, "name")]},
        lambda w: lambda row: row["name"] == first(w.salesloft.accounts, "name"),
        lambda w: {"name[]": [first(w.salesloft.accounts, "name")]},
    ),
    "ownerIds": Case(
        lambda w: {"ownerIds": ids("User", first(w.salesloft.accounts, "owner")["id"])},
        lambda w: lambda row: stub(row, "owner") == first(w.salesloft.accounts, "owner")["id"],
        lambda w: {"owner_id[]": [str(first(w.salesloft.accounts, "owner")["id"])]},
    ),
    "archived": Case(
        lambda _: {"archived": False},
        lambda _: lambda row: row["archived_at"] is None,
        lambda _: {"archived": ["false"]},
    ),
    "updatedAt": Case(
        lambda _: {"updatedAt": RANGE}, lambda _: lambda row: made(row, *SPAN, "updated_at"), pushed("updated_at")
    ),
}
CADENCES: dict[str, Case] = {
    "all": Case(lambda _: {}, lambda _: lambda _row: True),
    "ids": Case(
        lambda w: {"ids": ids("Cadence", first(w.salesloft.cadences))},
        lambda w: lambda row: row["id"] == first(w.salesloft.cadences),
    ),
    "salesloftIds": Case(
        lambda w: {"salesloftIds": [str(first(w.salesloft.cadences))]},
        lambda w: lambda row: row["id"] == first(w.salesloft.cadences),
    ),
    "name": Case(
        lambda w: {"name": first(w.salesloft.cadences, "name").upper()},
        lambda w: lambda row: row["name"] == first(w.salesloft.cadences, "name"),
    ),
    "archived": Case(lambda _: {"archived": True}, lambda _: lambda row: row["archived_at"] is not None),
    "teamCadence": Case(lambda _: {"teamCadence": True}, lambda _: lambda row: row["team_cadence"]),
    "shared": Case(lambda _: {"shared": False}, lambda _: lambda row: not row["shared"]),
    "ownerIds": Case(
        lambda w: {"ownerIds": ids("User", first(w.salesloft.cadences, "owner")["id"])},
        lambda w: lambda row: stub(row, "owner") == first(w.salesloft.cadences, "owner")["id"],
    ),
    "updatedAt": Case(
        lambda _: {"updatedAt": {"gte": SPAN[0]}}, lambda _: lambda row: made(row, SPAN[0], "9", "updated_at")
    ),
}
PAGE = """nodes { id } edges { cursor node { id } } totalCount
  pageInfo { hasNextPage hasPreviousPage startCursor endCursor } sourceReports { source status message }"""


async def whole(gateway: Gateway, door: str, kind: str, filter_: dict[str, Any], size: int = 100) -> list[Asked]:
    """Every page of a list."""
    query = "query($f: %s, $after: String) { %s(first: %d, after: $after, filter: $f) { %s } }"
    pages: list[Asked] = []
    after = None
    while not pages or pages[-1].ok[door]["pageInfo"]["hasNextPage"]:
        pages.append(await gateway.ask(query % (kind, door, size, PAGE), f=filter_, after=after))
        after = pages[-1].ok[door]["pageInfo"]["endCursor"]
    return pages


def newest_first(rows: list[Row], kind: str) -> list[str]:
    rows = sorted(rows, key=lambda row: (len(str(row["id"])), str(row["id"])))
    rows = sorted(rows, key=lambda row: when(row["created_at"]), reverse=True)  # type: ignore[arg-type,return-value]
    return [global_id(kind, "SALESLOFT", row["id"]) for row in rows]


def by_name(rows: list[Row], kind: str) -> list[str]:
    ordered_rows = sorted(rows, key=lambda row: (row["name"].casefold(), len(str(row["id"])), str(row["id"])))
    return [global_id(kind, "SALESLOFT", row["id"]) for row in ordered_rows]


def check(pages: list[Asked], door: str, expected: list[str]) -> None:
    assert expected, "a case that matches nothing shows nothing"
    assert [node["id"] for page in pages for node in page.ok[door]["nodes"]] == expected
    assert {page.ok[door]["totalCount"] for page in pages} == {len(expected)}
    for page in pages:
        assert [edge["node"]["id"] for edge in page.data[door]["edges"]] == [n["id"] for n in page.data[door]["nodes"]]


@pytest.mark.parametrize("name", PEOPLE)
async def test_people_are_what_brute_force_gives(gateway: Gateway, name: str) -> None:
    world, wanted = gateway.world, PEOPLE[name]
    keep = wanted.keep(world)
    rows = [row for row in world.salesloft.people.values() if row["id"] not in hidden(world) and keep(row)]
    pages = await whole(gateway, "people", "PersonFilter", wanted.filter(world), 500)
    check(pages, "people", newest_first(rows, "Person"))
    sent = wanted.sent(world)
    first_call = next(call for call in pages[0].to("people") if "sort_by" in call.params)
    assert {key: sorted(first_call.params.get(key, [])) for key in sent} == sent
    assert [(r["source"], r["status"]) for r in pages[0].data["people"]["sourceReports"]] == [
        ("SALESLOFT", "OK"),
        ("DRIFT", "SKIPPED"),
    ]


@pytest.mark.parametrize("name", ACCOUNTS)
async def test_accounts_are_what_brute_force_gives(gateway: Gateway, name: str) -> None:
    world, wanted = gateway.world, ACCOUNTS[name]
    rows = [row for row in world.salesloft.accounts.values() if wanted.keep(world)(row)]
    pages = await whole(gateway, "accounts", "AccountFilter", wanted.filter(world), 60)
    check(pages, "accounts", newest_first(rows, "Account"))
    sent = wanted.sent(world)
    first_call = next(call for call in pages[0].to("accounts") if "sort_by" in call.params)
    assert {key: sorted(first_call.params.get(key, [])) for key in sent} == sent


@pytest.mark.parametrize("name", CADENCES)
async def test_cadences_are_what_brute_force_gives(gateway: Gateway, name: str) -> None:
    world, wanted = gateway.world, CADENCES[name]
    unseen = world.salesloft.hidden_cadences
    keep = wanted.keep(world)
    rows = [row for row in world.salesloft.cadences.values() if row["id"] not in unseen and keep(row)]
    pages = await whole(gateway, "cadences", "CadenceFilter", wanted.filter(world), 7)
    check(pages, "cadences", by_name(rows, "Cadence"))
    assert all(page.endpoints == {"cadences": 1} for page in pages), "held whole: one call, whatever the page"


def team(world: World) -> list[Row]:
    """The whole team, each once: Salesloft's users and those of Drift's that none of their addresses names."""
    truth = Truth(world)
    hub = [{"key": ("SALESLOFT", str(row["id"])), **row} for row in world.salesloft.users.values()]
    known = {truth.user_of_chat(row["id"])["id"]: row for row in world.drift.users.values()}  # type: ignore[index]
    chat = [
        {"key": ("DRIFT", str(row["id"])), "active": None, "guid": None, **row}
        for id_, row in known.items()
        if id_ == global_id("User", "DRIFT", row["id"])
    ]
    rank = ("SALESLOFT", "DRIFT")
    return sorted(
        hub + chat,
        key=lambda row: (row["name"].casefold(), rank.index(row["key"][0]), len(row["key"][1]), row["key"][1]),
    )


def texts(row: Row) -> str:
    names = ("name", "first_name", "last_name", "email", "email_client_email_address", "sending_email_address")
    return "\n".join(str(row.get(name) or "") for name in (*names, "from_address")).casefold()


@pytest.mark.parametrize(
    ("filter_", "keep", "skipped"),
    [
        ({}, lambda _: True, False),
        ({"active": True}, lambda row: row["active"], True),
        ({"search": "BRIGHTQUAY vi"}, lambda row: "brightquay" in texts(row) and "vi" in texts(row), False),
        ({"salesloftIds": ["6970"]}, lambda row: row["key"] == ("SALESLOFT", "6970"), False),
    ],
)
async def test_users_are_what_brute_force_gives(
    gateway: Gateway, filter_: dict[str, Any], keep: Keep, skipped: bool
) -> None:
    expected = [global_id("User", *row["key"]) for row in team(gateway.world) if keep(row)]
    pages = await whole(gateway, "users", "UserFilter", filter_, 9)
    check(pages, "users", expected)
    reports = pages[0].data["users"]["sourceReports"]
    assert [report["status"] for report in reports] == ["OK", "SKIPPED" if skipped else "OK"]
    assert all(page.endpoints["users"] == 1 for page in pages)


async def test_users_are_found_by_every_key(gateway: Gateway) -> None:
    row = list(gateway.world.salesloft.users.values())[4]
    id_ = global_id("User", "SALESLOFT", row["id"])
    for filter_ in ({"ids": [id_]}, {"guids": [row["guid"].upper()]}, {"emails": [f" {row['email'].upper()} "]}):
        (page,) = await whole(gateway, "users", "UserFilter", filter_)
        assert [node["id"] for node in page.data["users"]["nodes"]] == [id_]


@pytest.mark.parametrize("door", ["people", "users", "cadences", "accounts"])
async def test_a_list_walks_backward_as_forward(little: Gateway, door: str) -> None:
    everything = (await little.ask("{ %s(first: 500) { nodes { id } } }" % door)).ok[door]["nodes"]
    query = """query($before: String) { %s(last: 7, before: $before) { nodes { id }
      pageInfo { hasPreviousPage hasNextPage startCursor } } }"""
    got: list[Row] = []
    before = None
    while True:
        page = (await little.ask(query % door, before=before)).ok[door]
        assert page["pageInfo"]["hasNextPage"] is (before is not None)
        got = page["nodes"] + got
        before = page["pageInfo"]["startCursor"]
        if not page["pageInfo"]["hasPreviousPage"]:
            break
    assert got == everything


@pytest.mark.parametrize("door", ["people", "users", "cadences", "accounts"])
async def test_the_flag_that_faces_away_is_right(little: Gateway, door: str) -> None:
    one = (await little.ask("{ %s(first: 3) { edges { cursor } pageInfo { hasPreviousPage } } }" % door)).ok[door]
    assert one["pageInfo"]["hasPreviousPage"] is False
    two = "query($after: String) { %s(first: 3, after: $after) { pageInfo { hasPreviousPage } } }" % door
    answer = await little.ask(two, after=one["edges"][0]["cursor"])
    assert answer.ok[door]["pageInfo"]["hasPreviousPage"] is True


async def test_a_tie_of_many_people_is_whole(little: Gateway) -> None:
    """An import: more people at one instant than fit a page."""
    table = little.world.salesloft.people
    like = next(iter(table.values()))
    for number in range(130):
        table[900_000 + number] = {**like, "id": 900_000 + number, "created_at": "2026-03-01T00:00:00.000000-05:00"}
    expected = newest_first([row for row in table.values() if row["id"] not in hidden(little.world)], "Person")
    for size in (50, 500):
        pages = await whole(little, "people", "PersonFilter", {}, size)
        assert [node["id"] for page in pages for node in page.ok["people"]["nodes"]] == expected


async def test_a_list_whose_source_fails_says_so(little: Gateway) -> None:
    little.emulators.salesloft.faults.add(Status(403), "people")
    little.emulators.salesloft.faults.add(Status(403), "users")
    answer = await little.ask("{ people { nodes { id } } users { nodes { id } sourceReports { source status code } } }")
    assert answer.data["people"] is None
    assert [(error["path"], error["extensions"]["code"]) for error in answer.errors] == [
        (["people"], "UPSTREAM_REFUSED")
    ]
    assert answer.data["users"]["nodes"], "Drift's users are there"
    assert answer.data["users"]["sourceReports"][0] == {
        "source": "SALESLOFT",
        "status": "FAILED",
        "code": "UPSTREAM_REFUSED",
    }


# Look-ups by key


def keys_of(world: World) -> list[tuple[str, str, str, str]]:
    hub, chat = world.salesloft, world.drift
    truth = Truth(world)
    person = next(row for row in hub.people.values() if row["crm_id"] and row["id"] not in hidden(world))
    account = next(row for row in hub.accounts.values() if row["crm_id"] and row["domain"])
    user = next(iter(hub.users.values()))
    cadence, step = next(iter(hub.cadences.values())), next(iter(hub.steps.values()))
    strangers = (truth.contact(key) for key in chat.contacts)
    drift_only = next(found["id"] for found in strangers if found and found["id"].startswith(PERSON_OF_DRIFT))
    agent = next(row for row in chat.users.values())
    folded = next(event for event in truth.events if event.hub and event.chats)
    alone = next(event for event in truth.events if event.hub is None)
    assert folded.hub is not None
    return [
        ("person", "salesloftId", str(person["id"]), global_id("Person", "SALESLOFT", person["id"])),
        ("person", "crmId", person["crm_id"], global_id("Person", "SALESLOFT", person["id"])),
        ("person", "email", second_address(world).upper(), ""),
        ("person", "driftId", plain(drift_only), drift_only),
        ("user", "salesloftId", str(user["id"]), global_id("User", "SALESLOFT", user["id"])),
        ("user", "guid", user["guid"], global_id("User", "SALESLOFT", user["id"])),
        ("user", "email", user["email"].upper(), global_id("User", "SALESLOFT", user["id"])),
        ("user", "driftId", str(agent["id"]), truth.user_of_chat(agent["id"])["id"]),  # type: ignore[index]
        ("cadence", "salesloftId", str(cadence["id"]), global_id("Cadence", "SALESLOFT", cadence["id"])),
        ("step", "salesloftId", str(step["id"]), global_id("Step", "SALESLOFT", step["id"])),
        ("account", "salesloftId", str(account["id"]), global_id("Account", "SALESLOFT", account["id"])),
        ("account", "crmId", account["crm_id"], global_id("Account", "SALESLOFT", account["id"])),
        ("account", "domain", account["domain"].upper(), ""),
        ("meeting", "salesloftId", folded.key, folded.id),
        ("meeting", "driftSlug", folded.chats[0]["slug"], folded.id),
        ("meeting", "driftSlug", alone.key, alone.id),
        ("meeting", "calendarEventId", folded.hub["event_id"], ""),
    ]


async def test_every_key_finds_its_record_and_its_id_finds_it_again(little: Gateway) -> None:
    for door, key, value, id_ in keys_of(little.world):
        answer = await little.ask(
            "query($by: %sBy!) { %s(by: $by) { id } }" % (door.capitalize(), door), by={key: value}
        )
        found = answer.ok[door]
        assert found is not None, (door, key)
        assert id_ in {"", found["id"]}, (door, key)
        by_id = "query($id: ID!) { node(id: $id) { id } %s(by: {id: $id}) { id } }" % door
        assert (await little.ask(by_id, id=found["id"])).ok == {"node": found, door: found}


async def test_every_kind_is_found_by_node(little: Gateway) -> None:
    hub, chat = little.world.salesloft, little.world.drift
    wanted = [
        global_id("Task", "SALESLOFT", next(iter(hub.tasks))),
        global_id("Step", "SALESLOFT", next(iter(hub.steps))),
        global_id("Account", "SALESLOFT", next(iter(hub.accounts))),
        global_id("Conversation", "DRIFT", next(iter(chat.conversations))),
    ]
    answer = await little.ask("query($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }", ids=wanted)
    assert [node["id"] for node in answer.ok["nodes"]] == wanted
    assert [node["__typename"] for node in answer.ok["nodes"]] == ["Task", "Step", "Account", "Conversation"]
    assert answer.endpoints == {"tasks": 1, "steps": 1, "accounts": 1, "conversations/{id}": 1}


async def test_of_several_bearers_the_lowest_id_is_found(little: Gateway) -> None:
    table = little.world.salesloft.accounts
    rows = list(table.values())
    for row in rows[:3]:
        table.change(row["id"], crm_id="shared", domain="shared.example")
    lowest = global_id("Account", "SALESLOFT", min(row["id"] for row in rows[:3]))
    for key, value in (("crmId", "shared"), ("domain", "shared.example")):
        answer = await little.ask("query($by: AccountBy!) { account(by: $by) { id } }", by={key: value})
        assert answer.ok == {"account": {"id": lowest}}


# Under a record


@pytest.mark.parametrize("door", ["person", "user", "cadence", "step", "account"])
async def test_meetings_under_a_record_are_its_own(gateway: Gateway, door: str) -> None:
    truth = Truth(gateway.world)
    field = {"user": "owner"}.get(door, door)
    shown = [(event, truth.meeting(event)) for event in ordered(truth.events) if event.status != "CANCELED"]
    having = [(event, row) for event, row in shown if row[field] is not None]
    id_ = having[len(having) // 2][1][field]["id"]
    expected = [event.id for event, row in having if row[field]["id"] == id_]
    query = "query($id: ID!) { %s(by: {id: $id}) { meetings(first: 500) { nodes { id } totalCount } } }" % door
    answer = await gateway.ask(query, id=id_)
    found = answer.ok[door]["meetings"]
    assert [node["id"] for node in found["nodes"]] == expected
    assert found["totalCount"] in {len(expected), None}
    narrowed = query.replace("first: 500", "first: 500, filter: {noShow: true, canceled: INCLUDE}")
    answer = await gateway.ask(narrowed, id=id_)
    no_shows = [
        event.id
        for event in ordered(truth.events)
        if event.no_show and (truth.meeting(event)[field] or {}).get("id") == id_
    ]
    assert [node["id"] for node in answer.ok[door]["meetings"]["nodes"]] == no_shows


async def test_steps_of_one_cadence_are_one_call_and_of_many_few(gateway: Gateway) -> None:
    hub = gateway.world.salesloft
    answer = await gateway.ask(
        "{ cadences(first: 500) { nodes { salesloftId steps { salesloftId day stepNumber } } } }"
    )
    for node in answer.ok["cadences"]["nodes"]:
        rows = [row for row in hub.steps.values() if stub(row, "cadence") == int(node["salesloftId"])]
        rows.sort(key=lambda row: (row["day"], int(row["step_number"]), row["id"]))
        assert [step["salesloftId"] for step in node["steps"]] == [str(row["id"]) for row in rows]
    assert answer.endpoints["steps"] == -(-len(hub.steps) // 100)
    key = next(iter(hub.cadences))
    one = await gateway.ask('{ cadence(by: {salesloftId: "%s"}) { steps { id } } }' % key)
    assert [call["cadence_id"] for call in one.to("steps")] == [str(key)]
