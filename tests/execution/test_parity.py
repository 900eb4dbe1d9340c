"""The compiled plans against graphql-core: random questions to the real graph, over a world that misbehaves.

`GATEWAY_PARITY=10000 pytest tests/execution/test_parity.py` asks that many; CI does.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import msgspec
import pytest

from tests.execution.parity import Pair, Tally, explained

CASES = int(os.environ.get("GATEWAY_PARITY", "150"))


# graphql-core leaves coroutines behind that it does not come to await, where a sibling has failed.
@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_a_compiled_plan_says_what_graphql_core_says(record_property: Callable[[str, object], None]) -> None:
    pair, tally = Pair(), Tally()
    for seed in range(CASES):
        await pair.ask(seed, tally)
    record_property("tally", f"{tally.asked} asked, {tally.failing} with errors, {tally.differing} explained")
    assert not tally.wrong, tally.wrong[0]
    assert set(tally.ways) == {"compiled"}
    assert tally.asked > 0.9 * CASES
    assert tally.failing > 0.2 * CASES
    assert tally.differing < 0.1 * CASES


def answer(data: object, *errors: object) -> dict[str, object]:
    told = [{"path": path, "extensions": {"code": "UPSTREAM_TIMEOUT"}} for path in errors]
    return {"data": msgspec.Raw(msgspec.json.encode(data)), "errors": told}


@pytest.mark.parametrize(
    ("data", "one", "other"),
    [
        ({"a": None}, ["a", "b"], ["a", "c"]),  # either came first
        ({"a": [None]}, ["a", 0, "b"], ["a", 0, "b", "c"]),
        (None, ["a"], ["b"]),
    ],
)
def test_which_error_beneath_a_null_is_told_may_differ(data: object, one: object, other: object) -> None:
    assert explained(answer(data, one), answer(data, other))


@pytest.mark.parametrize(
    ("expected", "told"),
    [
        (answer({"a": None}, ["a", "b"]), answer({"a": None})),  # a null that nothing explains
        (answer({"a": None}, ["a"]), answer({"a": None}, ["a"], ["a"])),
        (answer({"a": 1, "b": None}, ["b"]), answer({"a": 1, "b": None}, ["a"])),
        (answer({"a": 1}), answer({"a": 2})),
        (answer({"a": 1, "b": 2}), answer({"b": 2, "a": 1})),  # the order of fields is the document's
    ],
)
def test_any_other_difference_is_one(expected: dict[str, object], told: dict[str, object]) -> None:
    assert not explained(expected, told)
