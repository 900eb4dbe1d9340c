"""Every query of the cookbook, run over the demo's world: it answers, and makes the calls that the page says.

The answers that the page shows are checked against the vendors' rows by brute force.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from gateway.emulator.world import World
from gateway.model.scopes import SCOPES, Principal
from tests.docs.cookbook_truth import expected, without_cursors
from tests.graph.oracle import Truth
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
    me: str | None

    @property
    def principal(self) -> Principal | None:
        """Who asks, where the recipe is about that."""
        return None if self.me is None else Principal("reader", SCOPES, email=self.me)


def recipes() -> list[Recipe]:
    found: list[Recipe] = []
    for section in re.split(r"^## ", COOKBOOK.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        blocks = {info or kind: text for kind, info, text in BLOCK.findall(section)}
        lines = (line.rsplit(" ", 1) for line in blocks["calls"].splitlines())
        me = re.search(r"<!-- me: (\S+) -->", section)
        down = re.search(r"<!-- down: (\w+) -->", section)
        found.append(
            Recipe(
                title=section.splitlines()[0],
                query=blocks["graphql"],
                variables=json.loads(blocks["variables"]),
                calls=Counter({name: int(count) for name, count in lines}),
                down=down[1] if down else None,
                answer=json.loads(blocks["answer"]) if "answer" in blocks else None,
                me=me[1] if me else None,
            )
        )
    return found


ROWS = ("nodes", "edges", "groups")


def rows(value: Any) -> int:
    """How many rows an answer shows."""
    if isinstance(value, dict):
        return sum(map(rows, value.values())) + sum(len(value.get(name) or ()) for name in ROWS)
    return sum(map(rows, value)) if isinstance(value, list) else 0


def test_there_are_as_many_as_the_page_says() -> None:
    assert [recipe.title.split(".")[0] for recipe in recipes()] == [str(number) for number in range(1, 25)]
    assert "Twenty-four things" in COOKBOOK.read_text(encoding="utf-8")


ANSWERED = [recipe for recipe in recipes() if recipe.answer is not None and recipe.down is None]


@pytest.mark.parametrize("recipe", ANSWERED, ids=lambda recipe: recipe.title)
def test_an_answer_on_the_page_is_what_brute_force_says(world: World, recipe: Recipe) -> None:
    number = int(recipe.title.partition(".")[0])
    truth = expected(number, Truth(world), recipe.variables, recipe.me)
    assert near(without_cursors(recipe.answer)) == near(truth)


def near(value: Any) -> Any:
    """An answer with its fractions rounded: they may be summed up in another order."""
    if isinstance(value, dict):
        return {name: near(each) for name, each in value.items()}
    if isinstance(value, list):
        return [near(each) for each in value]
    return round(value, 6) if isinstance(value, float) else value


@pytest.mark.parametrize("recipe", recipes(), ids=lambda recipe: recipe.title)
async def test_a_recipe_works_and_costs_what_it_says(gateway: Gateway, recipe: Recipe) -> None:
    if recipe.down == "DRIFT":
        await gateway.emulators.drift.listener.refuse()
    gateway.principal = recipe.principal
    answer = await gateway.ask(recipe.query, **recipe.variables)
    assert rows(answer.ok) > 0, "a recipe that shows nothing shows nothing"
    assert Counter(f"{call.source} {call.endpoint}" for call in answer.calls) == recipe.calls
    if recipe.answer is not None:
        assert answer.ok == recipe.answer
