"""A client's null is the client's: refused by name, the first time and every time, whichever way it is run."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path
from typing import Any

import pytest

from gateway.app import create_app
from gateway.emulator.server import Emulators
from gateway.settings.settings import Settings
from tests.http.harness import Caller, Reply, calling
from tests.two_sources import variables
from tests.world import Gateway

TIMES = 3
"""By graphql-core, by a plan that is compiled, by one that is kept."""

MEETINGS = "query(%s) { meetings(%s) { totalCount } }"
BELOW = "query($b: Boolean = true) { meetings { ...F } } fragment F on MeetingConnection { totalCount @skip(if: $b) }"

WHOLE = [
    ("query($b: Boolean = true) { sources { source @include(if: $b) } }", {"b": None}, "$b"),
    ("query($b: Boolean = true) { sources @skip(if: $b) { source } }", {"b": None}, "$b"),
    (BELOW, {"b": None}, "$b"),
    ("query($by: PersonBy!) { person(by: $by) { id } }", {"by": None}, "$by"),
    ("query($by: PersonBy!) { person(by: $by) { id } }", {"by": {"email": None}}, "$by.email"),
    (MEETINGS % ("$f: MeetingFilter", "filter: $f"), {"f": {"status": ["BOOKED", None]}}, "$f.status[1]"),
    ("query($ids: [ID!]!) { nodes(ids: $ids) { id } }", {"ids": ["a", None]}, "$ids[1]"),
    ("query($ids: [ID!]!) { nodes(ids: $ids) { id } }", {"ids": None}, "$ids"),
    (MEETINGS % ("$o: MeetingOrder", "orderBy: $o"), {"o": {"field": None}}, "$o.field"),
]
"""Refused as a request: nothing of it is run."""

FIELDS = [
    ("query($e: String) { person(by: {email: $e}) { id } }", {"e": None}, "by.email"),
    ("query($e: String) { person(by: {email: $e}) { id } }", {}, "by.email"),
    ("query($i: ID) { meeting(by: {id: $i}) { id } }", {"i": None}, "by.id"),
    ("query($g: ID) { user(by: {guid: $g}) { id } }", {}, "by.guid"),
    (MEETINGS % ("$o: MeetingOrderField", "orderBy: {field: $o}"), {"o": None}, "orderBy.field"),
    (MEETINGS % ("$d: OrderDirection", "orderBy: {direction: $d}"), {"d": None}, "orderBy.direction"),
    (MEETINGS % ("$s: MeetingStatus = BOOKED", "filter: {status: [$s]}"), {"s": None}, "filter.status[0]"),
    (MEETINGS % ("$s: Source = DRIFT", "filter: {sources: [SALESLOFT, $s]}"), {"s": None}, "filter.sources[1]"),
    ('query($e: String = "a@b") { people(filter: {emails: [$e]}) { nodes { id } } }', {"e": None}, "filter.emails[0]"),
    ("query($i: [ID!] = []) { nodes(ids: $i) { id } }", {"i": None}, "ids"),
    ("query($i: ID = 1) { nodes(ids: [$i]) { id } }", {"i": None}, "ids[0]"),
    ("query($i: ID = 1) { node(id: $i) { id } }", {"i": None}, "id"),
]
"""Refused at a field."""


async def asked(gateway: Gateway, query: str, variables: dict[str, Any]) -> tuple[Any, list[dict[str, Any]]]:
    """The answer, which is the same each time; nothing is called upstream, and no fault is noted."""
    first = await gateway.ask(query, **variables)
    for _ in range(TIMES):
        again = await gateway.ask(query, **variables)
        assert (again.data, again.errors, again.calls) == (first.data, first.errors, [])
    assert first.calls == []
    return first.data, first.errors


@pytest.mark.parametrize(("query", "variables", "argument"), WHOLE)
async def test_a_request_with_a_null_where_none_may_be(
    little: Gateway, query: str, variables: dict[str, Any], argument: str
) -> None:
    data, errors = await asked(little, query, variables)
    (error,) = errors
    assert data is None
    assert "path" not in error
    assert error["extensions"] == {"code": "BAD_USER_INPUT", "argument": argument}
    assert argument.partition(".")[0].partition("[")[0] in error["message"]
    assert "None" not in error["message"]


@pytest.mark.parametrize(("query", "variables", "argument"), FIELDS)
async def test_a_field_with_a_null_where_none_may_be(
    little: Gateway, query: str, variables: dict[str, Any], argument: str
) -> None:
    _, errors = await asked(little, query, variables)
    (error,) = errors
    assert len(error["path"]) == 1
    assert error["extensions"] == {"code": "BAD_USER_INPUT", "argument": argument}
    assert argument in error["message"]
    assert re.findall(r"\$\w", query)[0] in error["message"]
    assert "None" not in error["message"]


WRITTEN = [
    ("{ person(by: {email: null}) { id } }", "by.email"),
    ("{ person(by: null) { id } }", "by"),
    ("{ nodes(ids: [1, null]) { id } }", "ids[1]"),
    ("{ meetings(orderBy: {field: null}) { totalCount } }", "orderBy.field"),
    ("{ sources @include(if: null) { source } }", "@include.if"),
    ("query($y: Boolean! = null) { sources @include(if: $y) { source } }", "$y"),
    ("query($f: MeetingFilter = {status: [null]}) { meetings(filter: $f) { totalCount } }", "$f.status[0]"),
]


async def test_a_null_that_is_written_out(production: Caller) -> None:
    for query, argument in WRITTEN * TIMES:
        reply = await production.post(query, accept="application/graphql-response+json")
        (error,) = reply.json["errors"]
        assert reply.status == 400
        assert error["extensions"] == {"code": "BAD_USER_INPUT", "argument": argument}
        assert argument in error["message"]


UNDER = """query($s: MeetingStatus = BOOKED, $n: Int) { cadences(first: 5) { nodes { id
  refused: meetings(filter: {status: [$s]}) { nodes { id } } bad: meetings(first: $n) { nodes { id } } } } }"""


async def test_under_a_list_a_refused_argument_is_one_error_a_field(little: Gateway) -> None:
    for _ in range(TIMES):
        answer = await little.ask(UNDER, s=None, n=501)
        nodes = answer.data["cadences"]["nodes"]
        assert len(nodes) == 5
        assert all(node["refused"] is None and node["bad"] is None for node in nodes)
        assert sorted((error["path"], error["extensions"]["argument"]) for error in answer.errors) == [
            (["cadences", "nodes", 0, "bad"], "first"),
            (["cadences", "nodes", 0, "refused"], "filter.status[0]"),
        ]
        assert answer.endpoints.keys() <= {"cadences", "users"}


async def test_a_missing_variable_is_its_default_and_a_null_one_none(little: Gateway) -> None:
    query = """query($s: MeetingStatus = BOOKED, $n: Int = 2, $f: MeetingFilter, $b: Boolean = true) {
      meetings(first: $n, filter: {status: [$s]}) { nodes { status @include(if: $b) } }
      all: meetings(first: 1, filter: $f) { nodes { id } } }"""
    for _ in range(TIMES):
        answer = await little.ask(query)
        assert answer.ok["meetings"]["nodes"] == [{"status": "BOOKED"}] * 2
        answer = await little.ask(query, n=None, f=None)
        assert len(answer.ok["meetings"]["nodes"]) == 25


TYPE, INPUT = "GRAPHQL_VALIDATION_FAILED", "BAD_USER_INPUT"


DIGITS = (20, 400, 4301)
NUMBERS = [
    ("{ meetings(first: %s) { totalCount } }", TYPE),
    ("{ meetings(first: -%s) { totalCount } }", TYPE),
    ("query($n: Int = %s) { meetings(first: $n) { totalCount } }", TYPE),
    ("{ meetings(filter: {startTime: {gte: %s}}) { totalCount } }", INPUT),
    ("{ node(id: %s) { id } }", INPUT),
    ("query($i: ID! = %s) { node(id: $i) { id } }", INPUT),
    ("{ meetings(filter: {ids: [%s]}) { totalCount } }", INPUT),
    ("{ meetings(filter: {salesloft: {ids: [%s]}}) { totalCount } }", INPUT),
]


async def test_a_number_of_many_digits_is_reported_in_few_words(production: Caller) -> None:
    for (query, code), digits in itertools.product(NUMBERS, DIGITS):
        reply = await production.post(query % ("1" * digits))
        (error,) = reply.json["errors"]
        assert error["extensions"]["code"] in {code, "GRAPHQL_PARSE_FAILED"}, query
        assert 0 < len(error["message"]) <= 501
        assert "sys." not in error["message"]


async def test_a_variable_of_many_digits_is_reported_in_few_words(production: Caller) -> None:
    asked = (("Int", "meetings(first: $n) { totalCount }"), ("ID!", "node(id: $n) { id }"))
    for (kind, query), digits in itertools.product(asked, DIGITS):
        text = json.dumps({"query": f"query($n: {kind}) {{ {query} }}", "variables": {"n": 7}})
        headers = {"Content-Type": "application/json"}
        reply = await production.ask("POST", data=text.replace("7", "1" * digits), headers=headers)
        (error,) = reply.json["errors"]
        assert error["extensions"]["code"] in {TYPE, INPUT}
        assert 0 < len(error["message"]) <= 501


DOCUMENTS = {
    "by-email": "query ByEmail($e: String) { person(by: {email: $e}) { id } }",
    "shown": "query Shown($b: Boolean = true) { sources { source @include(if: $b) } }",
}


@pytest.fixture
async def production() -> Any:
    async with Emulators.start() as emulators, calling(create_app(Settings.read(variables(emulators)))) as caller:
        yield caller


async def test_a_server_of_trusted_documents_answers_the_same(tmp_path: Path, production: Caller) -> None:
    manifest = tmp_path / "manifest.json"
    manifest.write_text(json.dumps(DOCUMENTS))
    async with Emulators.start() as emulators:
        settings = Settings.read({**variables(emulators), "GATEWAY_TRUSTED_DOCUMENTS": str(manifest)})
        async with calling(create_app(settings)) as trusting:
            for name, sent in (("by-email", {"e": None}), ("by-email", {}), ("shown", {"b": None})):
                expected = await production.post(DOCUMENTS[name], variables=sent)
                for _ in range(TIMES):
                    body = {"documentId": name, "variables": sent}
                    assert reported(await trusting.ask("POST", json=body)) == reported(expected)
            metrics = await trusting.ask("GET", "/metrics")
    assert b"INTERNAL_SERVER_ERROR" not in metrics.body


def reported(reply: Reply) -> tuple[int, Any]:
    assert [each["extensions"]["code"] for each in reply.json["errors"]] == ["BAD_USER_INPUT"]
    assert all(each["message"] for each in reply.json["errors"])
    return reply.status, reply.json
