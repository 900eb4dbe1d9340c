"""Every door: the lists of people, users, cadences and accounts, the look-ups by key, and meetings under a record."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.emulator.faults import Status
from gateway.emulator.world import World
from tests.graph.list_cases import ACCOUNTS, CADENCES, PEOPLE, Keep, hidden
from tests.graph.oracle import Row, Truth, global_id, when
from tests.world import Asked, Gateway

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


IMPOSSIBLE = {
    "meetings": "ownerIds: []",
    "people": "ids: []",
    "users": "emails: []",
    "cadences": "ownerIds: []",
    "accounts": "names: []",
}


@pytest.mark.parametrize("door", IMPOSSIBLE)
async def test_what_nothing_can_match_is_reported_alike_by_every_list(little: Gateway, door: str) -> None:
    page = "nodes { id } totalCount sourceReports { source status message } pageInfo { hasNextPage }"
    answer = await little.ask("{ %s(filter: {%s}) { %s } }" % (door, IMPOSSIBLE[door], page))
    listed = answer.ok[door]
    assert (listed["nodes"], listed["totalCount"], answer.calls) == ([], 0, [])
    assert listed["pageInfo"] == {"hasNextPage": False}
    reports = {report["source"]: report for report in listed["sourceReports"]}
    assert {report["status"] for report in reports.values()} == {"SKIPPED"}
    assert reports["SALESLOFT"]["message"] == "An empty list in the filter matches nothing."


@pytest.mark.parametrize("door", ["meetings", "people", "users", "cadences", "accounts"])
async def test_a_total_is_cached_as_rows_are(little: Gateway, door: str) -> None:
    little.cold = False
    query = "{ %s(first: 3) { nodes { id } totalCount } }" % door
    first, second = await little.ask(query), await little.ask(query)
    assert first.ok == second.ok
    assert first.ok[door]["totalCount"] is None or first.ok[door]["totalCount"] > 3
    assert second.calls == []


async def test_a_total_is_not_known_where_a_source_s_users_cannot_be_had(little: Gateway) -> None:
    little.emulators.drift.faults.add(Status(500))
    answer = await little.ask("{ users(first: 5) { nodes { id } totalCount sourceReports { source status message } } }")
    users = answer.ok["users"]
    assert len(users["nodes"]) > 0
    assert users["totalCount"] is None
    assert {report["source"]: report["status"] for report in users["sourceReports"]} == {
        "SALESLOFT": "OK",
        "DRIFT": "FAILED",
    }
