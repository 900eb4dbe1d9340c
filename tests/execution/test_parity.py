"""The compiled plans against graphql-core: random questions to the real graph, over a world that misbehaves.

`GATEWAY_PARITY=10000 pytest tests/execution/test_parity.py` asks that many, beginning with the one of number
`GATEWAY_PARITY_SEED`; CI does, with another number each time.
"""

from __future__ import annotations

import os

import msgspec
import pytest
from graphql import GraphQLError

from gateway.errors import Forbidden
from gateway.graph.errors import once_a_field
from gateway.model.scopes import SCOPES, Principal
from tests.execution.parity import TURNS, Case, Pair, Tally, explained
from tests.execution.random_schema import World
from tests.execution.values import Faults

CASES = int(os.environ.get("GATEWAY_PARITY", "160"))
FIRST = int(os.environ.get("GATEWAY_PARITY_SEED", "0"))

FOUND = {
    "records of which one fails alone": (
        '{ people { nodes { sources firstName } } person(by: {email: "a@example.com"}) { driftId } }',
        Faults(strange=0.3),
        SCOPES,
    ),
}
"""Queries whose answers once differed, each over worlds of one kind."""


# graphql-core leaves coroutines behind that it does not come to await, where a sibling has failed.
@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_a_compiled_plan_says_what_graphql_core_says() -> None:
    pair, tally = Pair(), Tally()
    for seed in range(FIRST, FIRST + CASES // TURNS):
        await pair.ask(seed, tally)
    print(tally)  # noqa: T201 - how much was tried is part of the result
    assert not tally.wrong, tally.wrong[0]
    assert set(tally.ways) == {"compiled"}
    assert tally.asked > 0.9 * CASES
    assert tally.failing > 0.2 * CASES
    assert min(tally.refused, tally.null) > 0.02 * CASES
    assert tally.differing < 0.1 * CASES


@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(("text", "faults", "scopes"), FOUND.values(), ids=FOUND)
async def test_what_was_found_once_stays_mended(text: str, faults: Faults, scopes: frozenset[str]) -> None:
    pair, tally = Pair(), Tally()
    for seed in range(20):
        case = Case(str(seed), text, {}, World(seed, faults), Principal("somebody", scopes))
        await pair.compare(case, tally)
    assert tally.asked == 20
    assert not tally.wrong, tally.wrong[0]


async def test_a_field_is_refused_to_a_client_before_its_arguments_whichever_way_it_is_run() -> None:
    text = 'query ($zone: String = "UTC") { meetingStats(timeZone: $zone, groupBy: [WEEK]) { __typename } }'
    pair, somebody = Pair(), Principal("somebody", SCOPES - {"meetings:read"})
    case = Case("", text, {"zone": None}, World(0, Faults()), somebody)
    for engine in (pair.engine, pair.interpreting):
        (error,) = (await pair.ours(engine, case)).errors
        assert isinstance(error.original_error, Forbidden)


def test_of_several_refusals_of_a_field_the_answer_s_first_is_reported() -> None:
    places: list[list[str | int]] = [["a", 2, "b"], ["a", 0, "b"], ["a", 1, "c"], ["a", 1, "b"]]
    errors = [GraphQLError("", path=path, original_error=Forbidden("No.")) for path in places]
    other = GraphQLError("", path=["a", 3, "b"], original_error=LookupError())
    assert [error.path for error in once_a_field([*errors, other])] == [["a", 0, "b"], ["a", 1, "c"], ["a", 3, "b"]]


def answer(data: object, *errors: object) -> dict[str, object]:
    reported = [{"path": path, "extensions": {"code": "UPSTREAM_TIMEOUT"}} for path in errors]
    return {"data": msgspec.Raw(msgspec.json.encode(data)), "errors": reported}


@pytest.mark.parametrize(
    ("data", "one", "other"),
    [
        ({"a": None}, ["a", "b"], ["a", "c"]),  # either came first
        ({"a": [None]}, ["a", 0, "b"], ["a", 0, "b", "c"]),
        (None, ["a"], ["b"]),
    ],
)
def test_which_error_beneath_a_null_is_reported_may_differ(data: object, one: object, other: object) -> None:
    assert explained(answer(data, one), answer(data, other))


@pytest.mark.parametrize(
    ("expected", "reported"),
    [
        (answer({"a": None}, ["a", "b"]), answer({"a": None})),  # a null that nothing explains
        (answer({"a": None}, ["a"]), answer({"a": None}, ["a"], ["a"])),
        (answer({"a": 1, "b": None}, ["b"]), answer({"a": 1, "b": None}, ["a"])),
        (answer({"a": 1}), answer({"a": 2})),
        (answer({"a": 1, "b": 2}), answer({"b": 2, "a": 1})),  # the order of fields is the document's
    ],
)
def test_any_other_difference_is_one(expected: dict[str, object], reported: dict[str, object]) -> None:
    assert not explained(expected, reported)
