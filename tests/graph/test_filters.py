"""Every filter of meetings over the demo world: the answer equals brute force, the request sent is the one named."""

from __future__ import annotations

import json
from typing import Any

import pytest
from graphql import GraphQLInputObjectType

from gateway.emulator.world import World
from gateway.graph.inputs.meetings import OWN
from gateway.graph.lookahead import attribute
from tests.graph.facts import Facts
from tests.graph.filter_cases import CASES as COMMON_CASES
from tests.graph.oracle import ordered
from tests.graph.vendor_cases import VENDOR_CASES
from tests.world import Asked, Gateway, Made

CASES = {**COMMON_CASES, **VENDOR_CASES}


@pytest.fixture(scope="module")
def facts(world: World) -> Facts:
    return Facts(world)


def walks(answer: Asked) -> list[Made]:
    """The calls that walk Salesloft's list, not those that look events up."""
    return [call for call in answer.to("meetings") if call.params.get("sort_by") and call["sort_by"] == "start_time"]


QUERY = """query($filter: MeetingFilter, $after: String) { meetings(first: 500, after: $after, filter: $filter) {
  nodes { id } pageInfo { hasNextPage endCursor } sourceReports { source status message } } }"""


@pytest.mark.sampled(8)
@pytest.mark.parametrize("name", CASES)
async def test_a_filter_gives_what_brute_force_does(gateway: Gateway, facts: Facts, name: str) -> None:
    wanted = CASES[name](facts)
    expected = [
        event.id
        for event in ordered(facts.events)
        if (wanted.canceled or event.status != "CANCELED") and wanted.keep(event)
    ]
    assert expected, "a case that matches nothing shows nothing"
    got: list[str] = []
    after = None
    for _ in range(20):
        answer = await gateway.ask(QUERY, filter=wanted.filter, after=after)
        page = answer.ok["meetings"]
        got_before = after is not None
        got += [node["id"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        statuses = {report["source"]: report["status"] for report in page["sourceReports"]}
        assert "FAILED" not in statuses.values()
        assert [source for source, status in statuses.items() if status == "SKIPPED"] == (wanted.skipped or "").split()
        if wanted.sent is None:
            assert walks(answer) == []
        elif not got_before:
            sent = {key: sorted(walks(answer)[0].params.get(key, [])) for key in wanted.sent}
            assert sent == wanted.sent
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert got == expected


@pytest.mark.parametrize(
    "condition",
    [
        *("ids", "sources", "status", "personIds", "personEmails", "ownerIds", "ownerEmails", "bookedByIds"),
        *("cadenceIds", "stepIds", "accountIds", "calendarEventIds", "iCalUids"),
    ],
)
async def test_an_empty_list_matches_nothing_and_costs_no_call(little: Gateway, condition: str) -> None:
    answer = await little.ask(
        "query($f: MeetingFilter) { meetings(filter: $f) { totalCount nodes { id } } }", f={condition: []}
    )
    assert answer.ok == {"meetings": {"totalCount": 0, "nodes": []}}
    assert answer.calls == []


@pytest.mark.parametrize(
    "filter_",
    [
        *(
            {"salesloft": {name: []}}
            for name in ("ids", "personId", "eventIds", "taskIds", "userGuids", "meetingTypeId")
        ),
        *({"drift": {name: []}} for name in ("status", "meetingSource", "agentIds", "bookedByIds")),
    ],
    ids=json.dumps,
)
async def test_an_empty_list_in_a_vendors_filter_too(little: Gateway, filter_: dict[str, Any]) -> None:
    answer = await little.ask(
        "query($f: MeetingFilter) { meetings(filter: $f) { totalCount nodes { id } } }", f=filter_
    )
    assert answer.ok == {"meetings": {"totalCount": 0, "nodes": []}}
    assert answer.calls == []


async def test_a_null_condition_filters_nothing(little: Gateway) -> None:
    kind = little.engine().schema.type_map["MeetingFilter"]
    assert isinstance(kind, GraphQLInputObjectType)
    names = list(kind.fields)
    nulls = dict.fromkeys(names)
    nulls |= {"salesloft": {"status": None, "ids": None}, "drift": {"status": None}}
    bare = await little.ask(QUERY, filter=None)
    answer = await little.ask(QUERY, filter=nulls)
    assert answer.ok["meetings"]["nodes"] == bare.ok["meetings"]["nodes"]
    assert answer.endpoints == bare.endpoints


async def test_a_scan_is_bounded_and_says_so(gateway: Gateway, facts: Facts) -> None:
    """Where nothing can be asked for, a page ends after five pages upstream, and the next one goes on from there."""
    row = max(facts.hub.meetings.values(), key=lambda row: row["updated_at"])
    answer = await gateway.ask(QUERY, filter={"updatedAt": {"gte": row["updated_at"]}, "sources": ["SALESLOFT"]})
    page = answer.ok["meetings"]
    assert len(answer.to("meetings")) <= 6
    assert page["pageInfo"]["hasNextPage"]
    assert page["pageInfo"]["endCursor"]


def test_every_condition_has_a_case(gateway: Gateway) -> None:
    """A condition that is added without one fails here."""
    types = gateway.engine().schema.type_map
    sources = {source.value.lower() for source in OWN}
    for name, prefix in (
        ("MeetingFilter", ""),
        ("SalesloftMeetingFilter", "salesloft_"),
        ("DriftMeetingFilter", "drift_"),
    ):
        kind = types[name]
        assert isinstance(kind, GraphQLInputObjectType)
        wanted = {prefix + field if prefix else attribute(field) for field in kind.fields}
        assert wanted - CASES.keys() == (set() if prefix else {"status", "canceled", *sources})
