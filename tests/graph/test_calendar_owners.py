"""Whose record an event folds into where several calendars hold it: a calendar id may be its owner's address."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from gateway.emulator.world import World
from gateway.sources.salesloft.translate import address
from tests.graph.oracle import global_id
from tests.world import Gateway

QUERY = """query($ids: [ID!]!) { nodes(ids: $ids) { ... on Meeting { sourceId drift { slug } } } }"""


def rivals(world: World, *calendars: Mapping[str, Any]) -> tuple[str, list[int], str]:
    """An event that Drift holds once and Salesloft once a calendar, all at other times: its slug, their ids, and the
    address of Drift's agent, who is nobody of Salesloft's by any of its users' own addresses."""
    chat = next(row for row in world.drift.meetings.values() if row["status"] == "ACTIVE")
    agent = world.drift.users[chat["agentId"]]
    agent["email"] = "Desk@calendars.example"
    world.drift.users.touch()
    chat["eventId"] = "contested"
    world.drift.meetings.touch()
    table = world.salesloft.meetings
    rows = [row for row in table.values() if row["canceled_at"] is None][: len(calendars)]
    ids = sorted(row["id"] for row in rows)
    for id_, calendar in zip(ids, calendars, strict=True):
        fields = {"event_id": "contested", "i_cal_uid": None, "owned_by_user": None, **calendar}
        table.change(id_, start_time=f"2026-03-{10 + ids.index(id_)}T09:00:00.000000Z", **fields)
    return chat["slug"], ids, agent["email"]


async def holder(gateway: Gateway, slug: str, ids: list[int]) -> int | None:
    """Which of the records Drift's is folded into."""
    keys = [global_id("Meeting", "SALESLOFT", id_) for id_ in ids]
    nodes = (await gateway.ask(QUERY, ids=keys)).ok["nodes"]
    (found,) = (int(node["sourceId"]) for node in nodes if node["drift"] and node["drift"]["slug"] == slug)
    return found


async def test_the_record_in_the_owner_s_calendar_holds_the_event(little: Gateway) -> None:
    slug, ids, _ = rivals(
        little.world,
        {"calendar_id": "somebody@else.example"},
        {"calendar_id": "desk@Calendars.example "},
        {"calendar_id": "external_00000000-0000-4000-8000-000000000001"},
    )
    assert await holder(little, slug, ids) == ids[1]


async def test_the_owner_s_own_record_comes_before_one_in_a_calendar_of_theirs(little: Gateway) -> None:
    slug, ids, email = rivals(
        little.world, {"calendar_id": "a@b.example"}, {"calendar_id": "desk@calendars.example"}, {"calendar_id": None}
    )
    row = next(iter(little.world.salesloft.users.values()))
    little.world.salesloft.users.change(row["id"], email=email)
    little.world.salesloft.meetings.change(ids[2], owned_by_user={"id": row["guid"]})
    assert await holder(little, slug, ids) == ids[2]


async def test_where_no_calendar_decides_the_lowest_id_holds_it(little: Gateway) -> None:
    slug, ids, _ = rivals(little.world, {"calendar_id": "primary"}, {"calendar_id": None})
    assert await holder(little, slug, ids) == ids[0]


@pytest.mark.parametrize(
    ("calendar", "expected"),
    [
        ("Rep@Team.example ", "rep@team.example"),
        ("external_00000000-0000-4000-8000-000000000001", None),
        ("primary", None),
        ("@team.example", None),
        ("rep@", None),
        ("rep@team@example.com", None),
        ("", None),
        (None, None),
    ],
)
def test_a_calendar_id_is_an_address_only_where_it_looks_like_one(calendar: str | None, expected: str | None) -> None:
    assert address(calendar) == expected
