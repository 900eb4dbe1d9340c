"""Every query of the cookbook, run over the demo's world: it answers, and makes the calls that the page says."""

from __future__ import annotations

import dataclasses
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.world import Gateway
from tests.world import gateway as gateway
from tests.world import world as world

COOKBOOK = Path(__file__).parents[2] / "docs" / "cookbook.md"
BLOCK = re.compile(r"^```(\w+)(?: (\w+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclasses.dataclass(frozen=True)
class Recipe:
    """One section of the page."""

    title: str
    query: str
    variables: dict[str, Any]
    calls: Counter[str]
    down: str | None
    answer: Any


def recipes() -> list[Recipe]:
    found: list[Recipe] = []
    for section in re.split(r"^## ", COOKBOOK.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        blocks = {info or kind: text for kind, info, text in BLOCK.findall(section)}
        lines = (line.rsplit(" ", 1) for line in blocks["calls"].splitlines())
        down = re.search(r"<!-- down: (\w+) -->", section)
        found.append(
            Recipe(
                title=section.splitlines()[0],
                query=blocks["graphql"],
                variables=json.loads(blocks["variables"]),
                calls=Counter({name: int(count) for name, count in lines}),
                down=down[1] if down else None,
                answer=json.loads(blocks["answer"]) if "answer" in blocks else None,
            )
        )
    return found


def rows(value: Any) -> int:
    """How many rows an answer shows."""
    if isinstance(value, dict):
        return sum(map(rows, value.values())) + len(value.get("nodes") or ())
    return sum(map(rows, value)) if isinstance(value, list) else 0


def test_there_are_twelve() -> None:
    assert [recipe.title.split(".")[0] for recipe in recipes()] == [str(number) for number in range(1, 13)]


@pytest.mark.parametrize("recipe", recipes(), ids=lambda recipe: recipe.title)
async def test_a_recipe_works_and_costs_what_it_says(gateway: Gateway, recipe: Recipe) -> None:
    if recipe.down == "DRIFT":
        await gateway.emulators.drift.listener.refuse()
    answer = await gateway.ask(recipe.query, **recipe.variables)
    assert rows(answer.ok) > 0, "a recipe that shows nothing shows nothing"
    assert Counter(f"{call.source} {call.endpoint}" for call in answer.calls) == recipe.calls
    if recipe.answer is not None:
        assert answer.ok == recipe.answer
