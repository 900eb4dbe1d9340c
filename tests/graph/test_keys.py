"""Look-ups by key and by id, and the lists under a record."""

from __future__ import annotations

import pytest

from gateway.emulator.world import World
from tests.graph.oracle import Truth, global_id, ordered, plain, stub
from tests.world import Gateway

PERSON_OF_DRIFT = global_id("Person", "DRIFT", "")[:16]


def second_address(world: World) -> str:
    """An address that is not its person's main one."""
    rows = (row for row in world.salesloft.people.values() if row["id"] not in world.salesloft.hidden_people)
    return next(str(row["secondary_email_address"]) for row in rows if row["secondary_email_address"])


def keys_of(world: World) -> list[tuple[str, str, str, str]]:
    hub, chat = world.salesloft, world.drift
    truth = Truth(world)
    person = next(row for row in hub.people.values() if row["crm_id"] and row["id"] not in hub.hidden_people)
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


@pytest.mark.parametrize("kind", ["Meeting", "User", "Person", "Account", "Cadence", "Step", "Task", "Conversation"])
async def test_a_record_of_a_source_that_is_not_there_costs_nothing(little: Gateway, kind: str) -> None:
    id_ = global_id(kind, "CALENDLY", "AAAA")
    answer = await little.ask("query($id: ID!) { node(id: $id) { id } nodes(ids: [$id]) { id } }", id=id_)
    assert answer.ok == {"node": None, "nodes": [None]}
    assert not answer.calls


async def test_a_key_of_a_source_that_is_not_there_costs_nothing(little: Gateway) -> None:
    by_key = '{ user(by: {calendlyId: "AAAA"}) { id } meeting(by: {calendlyId: "AAAA"}) { id } }'
    answer = await little.ask(by_key)
    assert answer.ok == {"user": None, "meeting": None}
    assert not answer.calls


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


@pytest.mark.sampled(3)
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
