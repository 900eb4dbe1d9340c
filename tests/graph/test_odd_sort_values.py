"""A row whose sort value is there but cannot be read: shown as a row without it, after all others, once."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import pytest

from gateway.emulator.faults import BadRows, wrong_type
from tests.graph.values import plain
from tests.world import Asked, Gateway

VENDORS = {"START_TIME": "start_time", "CREATED_AT": "created_at", "UPDATED_AT": "updated_at"}
SHOWN = {"START_TIME": "startTime", "CREATED_AT": "createdAt", "UPDATED_AT": "updatedAt"}
QUERY = """
query($f: Int, $l: Int, $a: String, $b: String, $o: MeetingOrder, $w: MeetingFilter) {
  meetings(first: $f, last: $l, after: $a, before: $b, orderBy: $o, filter: $w) {
    nodes { id startTime createdAt updatedAt }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    sourceReports { source status code message } } }
"""


def spoil(gateway: Gateway, field: str, ids: Collection[int] | None, endpoint: str = "meetings") -> None:
    """Writes one time of some rows, or of all, in a way that nobody can read."""

    def change(row: dict[str, Any]) -> object:
        return {**row, field: "soon"} if ids is None or row["id"] in ids else row

    gateway.emulators.salesloft.faults.add(BadRows(change, at=None), endpoint)


def active(gateway: Gateway, field: str, *, descending: bool) -> list[int]:
    """The ids of all active meetings by a time."""
    rows = [row for row in gateway.world.salesloft.meetings.values() if row["canceled_at"] is None]
    valued = sorted((row for row in rows if row[field]), key=lambda row: row["id"])
    valued.sort(key=lambda row: row[field], reverse=descending)
    return [row["id"] for row in valued] + sorted(row["id"] for row in rows if not row[field])


def ids(answer: Asked, listed: str = "meetings") -> list[int]:
    return [int(plain(node["id"])) for node in answer.data[listed]["nodes"]]


def check(answer: Asked, shown: str, odd: Collection[int], reported: str, listed: str = "meetings") -> None:
    """Each odd row shown is null with an error at its path, and the source is well."""
    rows = ids(answer, listed)
    assert {(rows[error["path"][2]], error["path"][3]) for error in answer.errors} == {
        (id_, shown) for id_ in odd if id_ in rows
    }
    assert set(answer.codes) <= {"UPSTREAM_MALFORMED"}
    (report,) = (each for each in answer.data[listed]["sourceReports"] if each["source"] == "SALESLOFT")
    assert report["status"] == "OK"
    if set(odd) & set(rows):
        assert report["code"] == "UPSTREAM_MALFORMED"
        assert f"{reported} (" in report["message"]


@pytest.mark.sampled(3)
@pytest.mark.parametrize("direction", ["DESC", "ASC"])
@pytest.mark.parametrize("order", VENDORS)
async def test_rows_with_an_odd_sort_value_come_last_however_the_list_is_walked(
    little: Gateway, order: str, direction: str
) -> None:
    little.sources = ("SALESLOFT",)
    field, descending = VENDORS[order], direction == "DESC"
    whole = active(little, field, descending=descending)
    odd = sorted({whole[0], whole[3], whole[len(whole) // 2], whole[101]})
    spoil(little, field, odd)
    expected = [id_ for id_ in whole if id_ not in odd] + odd
    nulls = [id_ for id_ in whole if not little.world.salesloft.meetings[id_][field]]
    if nulls:
        expected = [id_ for id_ in whole if id_ not in odd and id_ not in nulls] + sorted((*odd, *nulls))
    by = {"field": order, "direction": direction}
    answer = await little.ask(QUERY, f=500, o=by)
    assert ids(answer) == expected
    check(answer, SHOWN[order], odd, field)
    walked: list[int] = []
    after = None
    while True:
        answer = await little.ask(QUERY, f=40, a=after, o=by)
        check(answer, SHOWN[order], odd, field)
        walked += ids(answer)
        info = answer.data["meetings"]["pageInfo"]
        if not info["hasNextPage"]:
            break
        after = info["endCursor"]
    assert walked == expected


@pytest.mark.parametrize("order", VENDORS)
async def test_they_come_first_from_the_end_back(little: Gateway, order: str) -> None:
    little.sources = ("SALESLOFT",)
    whole = active(little, VENDORS[order], descending=True)
    odd = [whole[-20]]
    spoil(little, VENDORS[order], odd)
    answer = await little.ask(QUERY, l=500, o={"field": order, "direction": "DESC"})
    assert sorted(ids(answer)) == sorted(whole)
    nulls = {id_ for id_ in whole if not little.world.salesloft.meetings[id_][VENDORS[order]]}
    assert set(ids(answer)[len(whole) - len(nulls) - 1 :]) == {*odd, *nulls}


@pytest.mark.parametrize("order", VENDORS)
async def test_on_the_day_that_a_vendor_changes_how_it_writes_a_time_every_row_is_shown(
    little: Gateway, order: str
) -> None:
    little.sources = ("SALESLOFT",)
    whole = sorted(active(little, VENDORS[order], descending=True))
    spoil(little, VENDORS[order], None)
    by = {"field": order, "direction": "DESC"}
    walked: list[int] = []
    after = None
    for _ in range(len(whole)):
        answer = await little.ask(QUERY, f=60, a=after, o=by)
        assert len(answer.calls) <= 14
        walked += ids(answer)
        info = answer.data["meetings"]["pageInfo"]
        if not info["hasNextPage"]:
            break
        after = info["endCursor"]
    assert walked == whole


@pytest.mark.parametrize("direction", ["DESC", "ASC"])
@pytest.mark.parametrize("order", ["START_TIME", "CREATED_AT"])
async def test_a_null_where_salesloft_sorts_by_a_value_loses_no_row(
    little: Gateway, order: str, direction: str
) -> None:
    little.sources = ("SALESLOFT",)
    field = VENDORS[order]
    whole = active(little, field, descending=direction == "DESC")
    nulls = [id_ for id_ in whole if not little.world.salesloft.meetings[id_][field]]
    hidden = [whole[0], whole[7]]
    little.emulators.salesloft.faults.add(
        BadRows(lambda row: {**row, field: None} if row["id"] in hidden else row, at=None), "meetings"
    )
    walked: list[int] = []
    after = None
    while True:
        answer = await little.ask(QUERY, f=40, a=after, o={"field": order, "direction": direction})
        assert answer.errors == []
        assert {report["status"] for report in answer.data["meetings"]["sourceReports"]} == {"OK"}
        walked += ids(answer)
        if not answer.data["meetings"]["pageInfo"]["hasNextPage"]:
            break
        after = answer.data["meetings"]["pageInfo"]["endCursor"]
    assert walked == [id_ for id_ in whole if id_ not in {*hidden, *nulls}] + sorted((*hidden, *nulls))


@pytest.mark.sampled(3)
@pytest.mark.parametrize("value", [{}, "soon", "", 5, False])
@pytest.mark.parametrize("canceled", ["EXCLUDE", "ONLY", "INCLUDE"])
async def test_a_cancellation_that_cannot_be_read_costs_no_row(little: Gateway, canceled: str, value: Any) -> None:
    """Salesloft was asked for the kind, and its word stands; whether it is one is not known."""
    little.sources = ("SALESLOFT",)
    query = (
        "query($w: MeetingFilter) { meetings(first: 20, filter: $w) "
        "{ nodes { id status canceledAt } sourceReports { status code } } }"
    )
    for wanted in ({"canceled": canceled}, {"salesloft": {"showDeleted": canceled == "ONLY"}}):
        whole = ids(await little.ask(query, w=wanted))
        little.emulators.salesloft.faults.add(BadRows(wrong_type("canceled_at", value), at=None), "meetings")
        answer = await little.ask(query, w=wanted)
        little.emulators.salesloft.faults.clear()
        assert ids(answer) == whole
        assert {node["status"] for node in answer.data["meetings"]["nodes"]} == {"UNKNOWN"}
        assert {error["path"][-1] for error in answer.errors} == {"canceledAt"}
        assert answer.data["meetings"]["sourceReports"] == [{"status": "OK", "code": "UPSTREAM_MALFORMED"}]


async def test_a_status_that_was_asked_for_is_believed_likewise(little: Gateway) -> None:
    little.sources = ("SALESLOFT",)
    query = "{ meetings(first: 20, filter: {status: [BOOKED]}) { nodes { id status } } }"
    whole = ids(await little.ask(query))
    little.emulators.salesloft.faults.add(BadRows(wrong_type("status", {}), at=(0, 3)), "meetings")
    assert ids(await little.ask(query)) == whole


async def test_a_range_that_salesloft_was_asked_for_is_believed_of_a_time_that_cannot_be_read(little: Gateway) -> None:
    little.sources = ("SALESLOFT",)
    whole = active(little, "start_time", descending=True)
    rows = little.world.salesloft.meetings
    wanted = {"startTime": {"gte": rows[whole[60]]["start_time"], "lte": rows[whole[10]]["start_time"]}}
    clean = ids(await little.ask(QUERY, f=200, w=wanted))
    odd = [clean[0], clean[7]]
    spoil(little, "start_time", odd)
    answer = await little.ask(QUERY, f=200, w=wanted)
    assert ids(answer) == [id_ for id_ in clean if id_ not in odd] + sorted(odd)
    check(answer, "startTime", odd, "start_time")
    after = (await little.ask(QUERY, f=5, w=wanted)).data["meetings"]["pageInfo"]["endCursor"]
    rest = await little.ask(QUERY, f=200, w=wanted, a=after)
    assert ids(rest) == ids(answer)[5:]


async def test_other_conditions_are_believed_likewise(little: Gateway) -> None:
    little.sources = ("SALESLOFT",)
    whole = await little.ask("{ meetings(first: 1) { nodes { owner { id } } } }")
    owner = whole.ok["meetings"]["nodes"][0]["owner"]["id"]
    query = "query($o: [ID!]) { meetings(first: 200, filter: {ownerIds: $o}) { nodes { id } } }"
    clean = ids(await little.ask(query, o=[owner]))
    assert clean
    little.emulators.salesloft.faults.add(BadRows(lambda row: {**row, "owned_by_user": 1.5}, at=(0,)), "meetings")
    assert ids(await little.ask(query, o=[owner])) == clean


@pytest.mark.parametrize("listed", ["people", "accounts"])
@pytest.mark.parametrize("every", [False, True])
async def test_people_and_accounts_with_an_odd_time_of_making_come_last(
    little: Gateway, listed: str, every: bool
) -> None:
    little.sources = ("SALESLOFT",)
    query = """query($f: Int, $a: String) { %s(first: $f, after: $a) {
        nodes { id createdAt } pageInfo { hasNextPage endCursor } sourceReports { source status code message } } }"""
    query %= listed
    clean = ids(await little.ask(query, f=200), listed)
    odd = sorted(clean) if every else sorted((clean[0], clean[5], clean[-1]))
    spoil(little, "created_at", odd, listed)
    expected = [id_ for id_ in clean if id_ not in odd] + odd
    answer = await little.ask(query, f=200)
    assert ids(answer, listed) == expected
    check(answer, "createdAt", odd, "created_at", listed)
    walked: list[int] = []
    after = None
    while True:
        answer = await little.ask(query, f=10, a=after)
        walked += ids(answer, listed)
        info = answer.data[listed]["pageInfo"]
        if not info["hasNextPage"]:
            break
        after = info["endCursor"]
    assert walked == expected


async def test_a_meeting_of_drifts_without_a_readable_start_comes_last(little: Gateway) -> None:
    query = "{ meetings(first: 500, filter: {sources: [DRIFT]}) { nodes { id startTime } sourceReports %s } }"
    query %= "{ source status code message }"
    clean = [node["id"] for node in (await little.ask(query)).ok["meetings"]["nodes"]]
    little.emulators.drift.faults.add(
        BadRows(lambda row: {**row, "slotStart": "soon"} if row["slug"] == plain(clean[0]) else row, at=None),
        "users/meetings/org",
    )
    answer = await little.ask(query)
    assert [node["id"] for node in answer.data["meetings"]["nodes"]] == [*clean[1:], clean[0]]
    assert answer.codes == ["UPSTREAM_MALFORMED"]
    (report,) = (each for each in answer.data["meetings"]["sourceReports"] if each["source"] == "DRIFT")
    assert (report["status"], report["code"]) == ("OK", "UPSTREAM_MALFORMED")
    assert "slot_start (1 row)" in report["message"]


async def test_in_lists_under_records_too(little: Gateway) -> None:
    little.sources = ("SALESLOFT",)
    query = """query($a: String) { users(first: 10) { nodes { id meetings(first: 4, after: $a) {
        nodes { id startTime } pageInfo { hasNextPage endCursor } } } } }"""
    clean = await little.ask(query)
    lists = {user["id"]: [node["id"] for node in user["meetings"]["nodes"]] for user in clean.ok["users"]["nodes"]}
    odd = next(nodes[1] for nodes in lists.values() if len(nodes) > 3)
    spoil(little, "start_time", [int(plain(odd))])
    seen: list[str] = []
    user = next(user for user, nodes in lists.items() if odd in nodes)
    alone = "query($id: ID!, $a: String) { node(id: $id) { ... on User { meetings(first: 4, after: $a) { %s } } } }"
    alone %= "nodes { id } pageInfo { hasNextPage endCursor }"
    page = next(u for u in (await little.ask(query)).data["users"]["nodes"] if u["id"] == user)["meetings"]
    while True:
        seen += [node["id"] for node in page["nodes"]]
        if not page["pageInfo"]["hasNextPage"]:
            break
        answer = await little.ask(alone, id=user, a=page["pageInfo"]["endCursor"])
        page = answer.data["node"]["meetings"]
    assert seen[-1] == odd or seen.count(odd) == 1
    assert len(seen) == len(set(seen))
