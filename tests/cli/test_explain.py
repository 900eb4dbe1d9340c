"""`meeting-gateway explain`: how a query would run, and one line for one that would not."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.cli import main
from gateway.model.records import Source

QUERY = "query Q($n: Int = 3) { meetings(first: $n) { nodes { title person { name } } } }"
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    def here(*arguments: str, **settings: str) -> tuple[int, str, str]:
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("GATEWAY_", "SALES", "DRIFT"))
        }
        monkeypatch.setattr(os, "environ", {**kept, **settings})
        return main(["explain", *arguments]), *capsys.readouterr()

    return here


def test_levels_batches_calls_and_cost(run: Run) -> None:
    code, out, err = run(QUERY)
    assert (code, err) == (0, "")
    plan, upstream = out.split("\n\n")
    assert plan.splitlines() == [
        "compiled: 5 fields, 2 levels",
        "level 1",
        "  call  meetings",
        "  rows  meetings        MeetingConnection { nodes }",
        "  rows  meetings.nodes  Meeting { title person }",
        "level 2",
        "  load  person_by_ref          meetings.nodes.person",
        "  rows  meetings.nodes.person  Person { name }",
    ]
    title, *rows, together = (line.split() for line in upstream.splitlines())
    assert title[-2:] == ["calls", "units"]
    assert {row[0] for row in rows} == {source.value for source in Source}
    assert "SALESLOFT /v2/people" in upstream
    assert int(together[-1]) == sum(int(row[-1]) for row in rows) > 0


def test_variables_count(run: Run) -> None:
    costs = [run(QUERY, "--variables", f'{{"n": {n}}}')[1].split()[-1] for n in (1, 100)]
    assert int(costs[0]) < int(costs[1])


def test_a_query_from_a_file_or_from_standard_input(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "query.graphql"
    file.write_text(QUERY)
    monkeypatch.setattr(sys, "stdin", io.StringIO(QUERY))
    assert run(QUERY) == run(str(file)) == run("-")


def test_what_falls_back_and_why(run: Run) -> None:
    code, out, _ = run("{ __schema { types { name } } }")
    assert (code, out) == (0, "interpreted by graphql-core: it asks about the schema\n\nupstream: no calls\n")


def test_a_query_that_a_limit_refuses_says_so(run: Run) -> None:
    code, out, _ = run(QUERY, GATEWAY_MAX_COST="1")
    assert code == 0
    assert out.endswith("refused: 1 units are allowed (GATEWAY_MAX_COST)\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["{ meetings { nodes { title }"], "Syntax Error: Expected Name, found <EOF>. (line 1, column 29)"),
        (["{ meetigs { id } x }"], "Cannot query field 'meetigs' on type 'Query'."),
        (["{ meetigs { id } x }"], ", and 1 more"),
        (["no-such-file"], "'no-such-file' is neither a query nor a file that can be read: No such file or directory"),
        (["query A { __typename } query B { __typename }"], "several operations"),
        (["query A { __typename } query B { __typename }", "--operation", "C"], "no operation of that name"),
        ([QUERY, "--variables", '{"n": "x"}'], "Variable '$n' has invalid value: Int cannot represent"),
        ([QUERY, "--variables", "[]"], "--variables has to be a JSON object: "),
        (["{" + " a: __typename" * 2_000 + "}"], "is the most allowed"),
    ],
)
def test_a_bad_query_is_one_line(run: Run, arguments: list[str], said: str) -> None:
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert said in err
    assert err.startswith("meeting-gateway: ")
    assert err.count("\n") == 1


def test_a_router_s_query_by_names_with_a_prefix(run: Run) -> None:
    code, plain, _ = run("{ users(first: 2) { nodes { name } } }")
    assert code == 0
    prefixed = "{ salesUsers(first: 2) { nodes { name } } }"
    code, out, _ = run(prefixed, GATEWAY_FEDERATION_PREFIX="Sales")
    assert code == 0
    assert "SalesUserConnection { nodes }" in out
    assert out.split("\n\n")[1] == plain.split("\n\n")[1]
    entities = (
        '{ _entities(representations: [{__typename: "SalesUser", salesloftId: "1"}]) { ... on SalesUser { name } } }'
    )
    code, out, _ = run(entities, GATEWAY_FEDERATION_PREFIX="Sales")
    assert (code, "/v2/users" in out) == (0, True)
    assert run(prefixed)[0] == 2


def test_an_answer_that_may_have_too_many_fields(run: Run) -> None:
    code, out, _ = run("{ meetings(first: 500) { nodes { id title } } }", GATEWAY_MAX_FIELDS="1000")
    assert code == 0
    assert out.splitlines()[-1] == "refused: 1002 fields; 1000 are allowed (GATEWAY_MAX_FIELDS)"
