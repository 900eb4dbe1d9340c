"""People around a meeting: those of an account, whichever record asks, and users by when they changed."""

from __future__ import annotations

from collections import Counter

from gateway.emulator.world import World
from gateway.model.scopes import SCOPES, Principal
from tests.graph.oracle import fold, formatted, global_id, when
from tests.world import Gateway

PEOPLE = """query($id: ID!, $after: String) { node(id: $id) { ... on Account { people(first: 3, after: $after) {
  totalCount nodes { id account { id } } pageInfo { hasNextPage endCursor } } } } }"""


def crowded(world: World) -> int:
    """The account with the most people that may be seen."""
    hub = world.salesloft
    seen = (row for row in hub.people.values() if row["id"] not in hub.hidden_people and row["account"])
    (found, _) = Counter(int(row["account"]["id"]) for row in seen).most_common(1)[0]
    return found


async def test_the_people_of_an_account_are_paged_by_place(gateway: Gateway, world: World) -> None:
    hub, account = world.salesloft, crowded(world)
    rows = [
        row
        for row in hub.people.values()
        if row["account"] and row["account"]["id"] == account and row["id"] not in hub.hidden_people
    ]
    expected = {global_id("Person", "SALESLOFT", row["id"]) for row in rows}
    found: list[str] = []
    after = None
    more = True
    while more:
        answer = await gateway.ask(PEOPLE, id=global_id("Account", "SALESLOFT", account), after=after)
        page = answer.ok["node"]["people"]
        assert page["totalCount"] == len(expected) > 3
        found += [node["id"] for node in page["nodes"]]
        more, after = page["pageInfo"]["hasNextPage"], page["pageInfo"]["endCursor"]
    assert len(found) == len(set(found))
    assert set(found) == expected


async def test_the_meetings_of_an_accounts_people_are_one_walk(gateway: Gateway, world: World) -> None:
    query = """query($id: ID!) { node(id: $id) { ... on Account { people(first: 10) { nodes {
      name meetings(first: 3) { nodes { title } } } } } } }"""
    answer = await gateway.ask(query, id=global_id("Account", "SALESLOFT", crowded(world)))
    assert any(node["meetings"]["nodes"] for node in answer.ok["node"]["people"]["nodes"])
    walks = [call for call in answer.to("meetings") if call.params.get("sort_by") == ["start_time"]]
    assert len(walks) == 1


async def test_who_asks_is_found_by_any_of_their_addresses(gateway: Gateway, world: World) -> None:
    row = next(row for row in world.salesloft.users.values() if row["sending_email_address"])
    gateway.principal = Principal("ann", SCOPES, email=row["sending_email_address"].upper())
    answer = await gateway.ask("{ me { id name meetings(first: 2) { nodes { owner { id } } } } }")
    assert answer.ok["me"]["id"] == global_id("User", "SALESLOFT", row["id"])
    for principal in (None, Principal("key"), Principal("x", SCOPES, email="nobody@nowhere.example")):
        gateway.principal = principal
        assert (await gateway.ask("{ me { id } }")).ok == {"me": None}


async def test_an_answer_about_who_asks_is_nobody_elses(little: Gateway) -> None:
    little.cold = False
    users = [row for row in little.world.salesloft.users.values() if row["email"]][:2]
    for _ in range(3):
        for row in users:
            little.principal = Principal("someone", SCOPES, email=row["email"])
            answer = await little.ask("{ me { email } }")
            assert fold(answer.ok["me"]["email"]) == fold(row["email"])


def test_an_address_is_in_no_log() -> None:
    assert "ann@" not in repr(Principal("sub:1", SCOPES, email="ann@team.example"))


async def test_users_are_found_by_when_they_changed(gateway: Gateway, world: World) -> None:
    rows = sorted((formatted(when(row["updated_at"])) or "", row["id"]) for row in world.salesloft.users.values())
    since = rows[len(rows) // 2][0]
    query = "query($f: UserFilter) { users(first: 500, filter: $f) { totalCount nodes { id updatedAt } } }"
    answer = await gateway.ask(query, f={"updatedAt": {"gte": since}})
    nodes = answer.ok["users"]["nodes"]
    assert all(node["updatedAt"] >= since for node in nodes)
    assert {global_id("User", "SALESLOFT", key) for at, key in rows if at >= since} <= {node["id"] for node in nodes}
    assert answer.ok["users"]["totalCount"] == len(nodes) < len(rows) * 2
