"""What docs/execution.md says: its example's plan and answer, its modules, its bounds."""

from __future__ import annotations

import importlib
import json
import re
from pathlib import Path

from gateway.execution.explain import explained
from gateway.execution.plan import Selection
from gateway.graph.documents import Prepared
from gateway.graph.engine import Audience
from tests.world import Gateway
from tests.world import gateway as gateway
from tests.world import world as world

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "execution.md").read_text(encoding="utf-8")


def block(kind: str) -> str:
    (found,) = re.findall(rf"^```{kind}\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    return str(found)


async def test_the_examples_plan_and_answer(gateway: Gateway) -> None:
    query = block("graphql")
    engine = gateway.engine()
    prepared = engine.prepare(query)
    assert isinstance(prepared, Prepared)
    planned = engine.operations.plan(prepared.document, context=Audience())
    assert isinstance(planned, Selection)
    assert explained(planned) == block("text plan").strip()
    assert (await gateway.ask(query)).ok == json.loads(block("json"))


def test_every_module_is_in_the_map() -> None:
    modules = {path.name for path in (ROOT / "gateway" / "execution").glob("*.py")} - {"__init__.py"}
    assert sorted(re.findall(r"^\| `(\w+\.py)` \|", TEXT, re.MULTILINE)) == sorted(modules)


def test_the_bounds_are_those_of_the_code() -> None:
    bounds = re.findall(r"\| (\d+) \| `(\w+)\.(\w+)` \|$", TEXT, re.MULTILINE)
    assert len(bounds) == 7
    for number, module, name in bounds:
        assert getattr(importlib.import_module(f"gateway.execution.{module}"), name) == int(number)


def test_the_reasons_are_those_of_the_code() -> None:
    reported = re.findall(r"^\| `([^`@]+?)(?: @…)?` \| (?!the four)", TEXT.split("## What falls back")[1], re.MULTILINE)
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "gateway" / "execution").glob("*.py"))
    code = code.replace("{MAX_FIELDS}", "2000")
    assert len(reported) == 10
    assert [reason for reason in reported if reason not in code] == []
