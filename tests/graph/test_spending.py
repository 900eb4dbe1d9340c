"""What an operation may spend while it runs: at the limit it asks no more, and answers with what it has.

The estimate that comes before it runs says nothing here, as of a source that prices itself too low.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from gateway.emulator.faults import Status
from gateway.graph.cost.estimate import Cost, Costs
from gateway.request import Request
from tests.world import Asked, Gateway, shared_engine
from tests.world import gateway as gateway
from tests.world import world as world

Allow = Callable[[int | None], None]

PEOPLE = """{ meetings(first: 40, filter: {sources: [DRIFT]}) {
  nodes { id person { name } } sourceReports { source status code message } } }"""
PAGE = "{ meetings(first: 10) { nodes { id } pageInfo { hasNextPage endCursor } sourceReports { status code } } }"
NESTED = (
    """{ users(first: 25) { nodes { id meetings(first: 3) { nodes { id } sourceReports { source status code } } } } }"""
)


@pytest.fixture
def allow(monkeypatch: pytest.MonkeyPatch) -> Allow:
    """Sets what an operation may spend."""
    monkeypatch.setattr(Costs, "expected", lambda *_: Cost())

    def set_limit(units: int | None) -> None:
        monkeypatch.setattr(shared_engine(), "_max_cost", units)

    return set_limit


def units(answer: Asked) -> int:
    """Units that were spent: one a call that reached an emulator, more where it says so."""
    return sum(max(call.cost, 1) for call in answer.calls)


def check_error(answer: Asked, allowed: int) -> None:
    """Exactly one error, for the operation, that says how much was allowed."""
    (error,) = answer.errors
    assert "path" not in error
    assert error["extensions"] == {"code": "OPERATION_TOO_COSTLY", "allowed": allowed}
    assert f"{allowed} upstream units" in error["message"]


async def test_no_more_is_spent_than_allowed_whatever_the_limit(gateway: Gateway, allow: Allow) -> None:
    allow(None)
    whole = await gateway.ask(PEOPLE)
    needed = units(whole)
    assert needed > 5
    for limit in (1, 2, 3, needed // 2, needed - 1, needed):
        allow(limit)
        answer = await gateway.ask(PEOPLE)
        assert units(answer) <= limit
        assert answer.request.ledger.cost() == units(answer)
        if limit == needed:
            assert answer.ok == whole.ok
        else:
            check_error(answer, limit)


async def test_rows_that_were_read_stay_and_fields_that_were_not_are_null(gateway: Gateway, allow: Allow) -> None:
    allow(None)
    whole = await gateway.ask(PEOPLE)
    contacts = len(whole.to("contacts/{id}"))
    assert contacts > 3
    allow(units(whole) - contacts + 2)
    answer = await gateway.ask(PEOPLE)
    check_error(answer, units(whole) - contacts + 2)
    rows, before = answer.data["meetings"]["nodes"], whole.ok["meetings"]["nodes"]
    assert [row["id"] for row in rows] == [row["id"] for row in before]
    missing = [row for row, full in zip(rows, before, strict=True) if row != full]
    assert missing
    assert all(row["person"] is None for row in missing)
    assert answer.data["meetings"]["sourceReports"] == whole.ok["meetings"]["sourceReports"]


async def test_a_list_that_could_not_be_read_on_is_partial(gateway: Gateway, allow: Allow) -> None:
    allow(2)
    answer = await gateway.ask(PAGE)
    check_error(answer, 2)
    page = answer.data["meetings"]
    assert page["nodes"]
    reported = {(report["status"], report["code"]) for report in page["sourceReports"]}
    assert ("PARTIAL", "OPERATION_TOO_COSTLY") in reported
    assert "FAILED" not in {status for status, _ in reported}


async def test_of_nested_lists_those_that_were_read_stay(gateway: Gateway, allow: Allow) -> None:
    allow(None)
    whole = await gateway.ask(NESTED)
    seen: set[str] = set()
    for limit in range(4, units(whole), 2):
        allow(limit)
        answer = await gateway.ask(NESTED)
        check_error(answer, limit)
        assert units(answer) <= limit
        for user, full in zip(answer.data["users"]["nodes"], whole.ok["users"]["nodes"], strict=True):
            assert user["id"] == full["id"]
            if user["meetings"] is None:
                seen.add("null")
                continue
            statuses = {report["status"] for report in user["meetings"]["sourceReports"]}
            assert statuses <= {"OK", "PARTIAL"}
            if statuses == {"OK"}:
                assert user == full
            seen |= statuses
    assert seen >= {"PARTIAL"}


async def test_what_nothing_was_read_of_is_null_without_an_error_of_its_own(gateway: Gateway, allow: Allow) -> None:
    found = await gateway.ask("{ meetings(first: 12, filter: {sources: [DRIFT]}) { nodes { person { id } } } }")
    ids = [row["person"]["id"] for row in found.ok["meetings"]["nodes"] if row["person"]]
    query = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } sources { source } }"
    allow(1)
    answer = await gateway.ask(query, ids=ids)
    check_error(answer, 1)
    assert units(answer) == 1
    assert [node["id"] if node else None for node in answer.data["nodes"]].count(None) >= len(set(ids)) - 1
    assert [each["source"] for each in answer.data["sources"]] == []


async def test_a_call_is_not_tried_again_beyond_the_limit(gateway: Gateway, allow: Allow) -> None:
    gateway.emulators.drift.faults.add(Status(500), "contacts/{id}")
    allow(None)
    whole = await gateway.ask(PEOPLE)
    assert len(whole.to("contacts/{id}")) > 2
    for limit in (2, 5, 9):
        allow(limit)
        answer = await gateway.ask(PEOPLE)
        assert units(answer) <= limit
        assert answer.errors[-1]["extensions"] == {"code": "OPERATION_TOO_COSTLY", "allowed": limit}


async def test_what_is_cached_is_not_refused(gateway: Gateway, allow: Allow) -> None:
    gateway.cold = False
    allow(None)
    made = await gateway.ask(PEOPLE)
    allow(1)
    again = await gateway.ask(PEOPLE)
    assert again.ok == made.ok
    assert again.calls == []


async def test_the_limit_of_one_operation_is_not_that_of_another_that_shares_its_calls(
    gateway: Gateway, allow: Allow
) -> None:
    gateway.cold = False
    allow(None)
    engine = gateway.engine()
    query = engine.prepare("{ meetings(first: 40, filter: {sources: [DRIFT]}) { nodes { id person { name } } } }")
    other = engine.prepare("{ meetings(first: 40, filter: {sources: [DRIFT]}) { nodes { person { name } id } } }")

    async def run(prepared: Any) -> asyncio.Future[Any]:
        request = Request(gateway.clock.monotonic() + 25)
        running = engine.execute(prepared, variables=None, operation_name=None, request=request)
        task = asyncio.ensure_future(running)
        for _ in range(9):  # until it runs, with the limit of its own
            await asyncio.sleep(0)
        assert request.ledger.allowed is not None
        return task

    allow(4)
    poor = await run(query)
    allow(1000)
    rich = await run(other)
    answers = [await gateway._moved(running) for running in (poor, rich)]
    assert [error["extensions"]["code"] for error in answers[0].errors] == ["OPERATION_TOO_COSTLY"]
    assert answers[1].errors == []
