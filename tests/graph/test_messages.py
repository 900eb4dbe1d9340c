"""Whatever a client sends to any argument: typed errors, in GraphQL's and JSON's words, and never a fault of ours."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any

import pytest
from graphql import GraphQLInputType

from gateway.catalog.catalog import Catalog
from gateway.graph.documents import Prepared
from gateway.graph.engine import Engine
from gateway.graph.errors import InternalError, formatted
from gateway.graph.federation.subgraph import Subgraph
from gateway.request import Request
from gateway.upstream.clock import ManualClock

CODES = {"BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED", "GRAPHQL_PARSE_FAILED", "OPERATION_TOO_COSTLY"}
OF_PYTHON = re.compile(r"\b(None|True|False|Undefined|NoneType|nan|inf|dict|tuple|bytes|Traceback)\b|<class|0x|sys\.")
VALUES: list[Any] = [
    *(None, True, False, 0, -1, 1.5, 2**31, 2**63, 10**400, 1e308, "", "x", "a'b", 'a"b', "\u2028", "None"),
    *([], [None], [True], [[None]], {}, {"a": None}, {"a": True, "b": [False, None]}, {"x" * 300: True}),
    *({"gte": None}, {"gte": True}, {"id": None}, {"id": True}, {"email": False}, {"field": None}, {"field": True}),
    *({"status": [None, True, "X"]}, {"salesloft": {"ids": [None]}}, {"salesloft": True}, {"drift": {"x": True}}),
    *([{"__typename": None}], [{"__typename": True}], [{"__typename": "Person", "id": None}]),
    *([{"__typename": "Person", "id": True}], [{"__typename": "Person", "email": 1.5}]),
    *(
        [{"__typename": "Meeting", "source": True, "sourceId": None}],
        [{"__typename": "Person", "salesloftId": 10**400}],
    ),
]


def literal(value: Any) -> str:
    match value:
        case list():
            return "[" + ", ".join(map(literal, value)) + "]"
        case dict():
            return "{" + ", ".join(f"{name}: {literal(item)}" for name, item in value.items()) + "}"
        case _:
            return json.dumps(value)


def asked(field: str, argument: str, kind: GraphQLInputType) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every value written out, in a variable, and as a variable's default beside none and beside another."""
    nullable = str(kind).removesuffix("!")
    for value in VALUES:
        yield f"{{ {field}({argument}: {literal(value)}) {{ __typename }} }}", {}
        yield f"query($v: {kind}) {{ {field}({argument}: $v) {{ __typename }} }}", {"v": value}
        defaulted = f"query($v: {nullable} = {literal(value)}) {{ {field}({argument}: $v) {{ __typename }} }}"
        yield from ((defaulted, {}), (defaulted, {"v": None}))


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine(Catalog([], ManualClock()), federation=Subgraph())


QUERY = Engine(Catalog([], ManualClock()), federation=Subgraph()).schema.query_type
assert QUERY is not None
ARGUMENTS = {
    (argument, str(each.type)): pytest.param(field, argument, each.type, id=f"{field}({argument}:)")
    for field, of in QUERY.fields.items()
    for argument, each in of.args.items()
}
"""Every kind of argument at one of its fields."""


@pytest.mark.sampled(6)
@pytest.mark.parametrize(("field", "argument", "kind"), ARGUMENTS.values())
async def test_any_value_of_any_argument(engine: Engine, field: str, argument: str, kind: GraphQLInputType) -> None:
    faults: list[InternalError] = []
    engine._on_internal_error = faults.append
    for query, variables in asked(field, argument, kind):
        prepared = engine.prepare(query)
        if isinstance(prepared, Prepared):
            request = Request(math.inf)
            answer = await engine.execute(prepared, variables=variables, operation_name=None, request=request)
            errors = answer.errors
        else:
            errors = [formatted(error, faults.append) for error in prepared]
        for error in errors:
            assert error["extensions"]["code"] in CODES, query[:200]
            assert 0 < len(error["message"]) <= 600, query[:200]
            said = re.sub(r'"[^"]*"', "", error["message"])  # but for what the client said itself
            assert not OF_PYTHON.search(said), error["message"]
    assert faults == []
