"""The locations of errors in the document, whichever way the operation ran."""

from __future__ import annotations

from typing import Any, cast

from gateway.graph.documents import Prepared
from gateway.graph.engine import Engine
from gateway.request import Request
from tests.execution.random_schema import Catalog, World
from tests.execution.values import Faults

QUERY = """{
  one: person(by: {email: "a@example.com"}) { id }
    two: person(by: {email: "b@example.com"}) { id }
}"""


async def test_an_upstreams_error_is_on_its_fields_line() -> None:
    engine = Engine(cast("Any", Catalog(World(1, Faults(raising=1)))))
    prepared = engine.prepare(QUERY)
    assert isinstance(prepared, Prepared)
    for _ in range(2):  # by graphql-core, then compiled
        request = Request(deadline=1e9)
        answer = await engine.execute(prepared, variables={}, operation_name=None, request=request)
        places = {error["path"][0]: (error["extensions"].get("source"), error["locations"]) for error in answer.errors}
        assert places["one"][1] == [{"line": 2, "column": 3}]
        assert places["two"][1] == [{"line": 3, "column": 5}]
        assert "DRIFT" in {source for source, _ in places.values()}
    assert answer.interpreted is None
