"""What a document may ask for, and that finding out is cheap."""

from __future__ import annotations

import time

import pytest
from graphql import build_schema, get_introspection_query, parse, validate

from gateway.errors import BadUserInput, OperationTooCostly
from gateway.settings.clients import LimitSettings
from gateway.web.document_limits import CircularFragments, check_variables, guard, text_guard

LIMITS = LimitSettings(depth=15, aliases=50, tokens=3000, cost=1000, client_rate=600, client_cost=600)
SCHEMA = build_schema("type Query { a(x: Int): Query b: Query c: Int d: Int }")
CPU = 0.1
"""Seconds of CPU that one document may cost, parsing and validation included."""


def refusal(document: str) -> str:
    """Why a document is refused; empty where it is not."""
    error = guard(LIMITS)(parse(document))
    assert error is None or isinstance(error, OperationTooCostly | CircularFragments)
    return "" if error is None else error.message


def fan_out(levels: int, times: int = 2, last: str = "c", between: str = "") -> str:
    """Fragments that each spread the next one several times."""
    spreads = [f"fragment f{n} on Query {{ {between} {f'...f{n + 1} ' * times} }}" for n in range(levels)]
    return " ".join(["{ ...f0 }", *spreads, f"fragment f{levels} on Query {{ {last} }}"])


def nested(levels: int, inner: str = "c") -> str:
    return "{ " + "a { " * (levels - 1) + inner + " }" * levels


@pytest.mark.parametrize(
    ("document", "measured"),
    [
        (nested(15), ""),
        (nested(16), "16 or more levels of fields; 15 are allowed"),
        ("{ " + " ".join(f"x{n}: c" for n in range(21)) + " }", "21 or more fields at its root; 20 are allowed"),
        ("{ a { " + " ".join(f"x{n}: c" for n in range(50)) + " } }", ""),
        ("{ a { " + " ".join(f"x{n}: c" for n in range(51)) + " } }", "51 or more aliases; 50 are allowed"),
        ("query A { a { " + " ".join(f"x{n}: c" for n in range(40)) + " } } query B { x: c y: c }", ""),
        ("{ a { " + "c " * 200 + "} }", "pairs of fields"),
        ("{ c @skip(if: true) @skip(if: true) @skip(if: true) @skip(if: true) }", ""),
        ("{ c " + "@skip(if: true) " * 5 + "}", "5 or more directives in one place; 4 are allowed"),
        ("{ a { " + "c @skip(if: true) " * 201 + "} }", "pairs of fields"),
        (" ".join(f"query Q{n} {{ c @skip(if: true) }}" for n in range(50)), ""),
        (" ".join(f"query Q{n} {{ c }}" for n in range(51)), "51 operations; 50 are allowed"),
        ("{ ...a } fragment a on Query { ...b } fragment b on Query { c ...a }", "in a circle"),
        ("{ c } fragment a on Query { ...a }", "in a circle"),
        ("{ c ...missing }", ""),
        (fan_out(7), "pairs of fields"),
        (fan_out(60), "pairs of fields"),
        (fan_out(60, between="a { c }"), "pairs of fields"),
        (fan_out(3, last="c"), ""),
        (get_introspection_query(), ""),
    ],
)
def test_what_is_refused_and_why(document: str, measured: str) -> None:
    reported = refusal(document)
    assert measured in reported
    assert bool(reported) == bool(measured)


@pytest.mark.parametrize(
    ("document", "measured"),
    [
        ("{ a(x: [" + "1 " * 1000 + "]) { c } }", ""),
        ("{ a(x: [" + "1 " * 1001 + "]) { c } }", "1001 or more entries of lists; 1000 are allowed"),
        ("{ a(x: {y: [{z: [" + "1 " * 1001 + "]}]}) { c } }", "entries of lists"),
        ("{ " + " ".join(f"a{n}: a(x: [{'1 ' * 300}]) {{ c }}" for n in range(4)) + " }", "entries of lists"),
        ("query($x: [Int] = [" + "1 " * 1001 + "]) { c }", "entries of lists"),
        ("{ c @skip(if: [" + "1 " * 1001 + "]) }", "entries of lists"),
        ("query @x(y: [" + "1 " * 1001 + "]) { c }", "entries of lists"),
        ("{ c } fragment f on Query { a(x: [" + "1 " * 1001 + "]) { c } }", "entries of lists"),
        ("{ a(x: {" + "y: 1 " * 301 + "}) { c } }", "301 or more members of objects; 300 are allowed"),
        ("{ a(x: [" + "{y: 1} " * 301 + "]) { c } }", "members of objects"),
        ("{ c @skip(" + "if: true " * 31 + ") }", "31 or more arguments in one place"),
        ("{ a(x: " + "[" * 150 + "]" * 150 + ") { c } }", ""),
    ],
    ids=lambda text: text[:40],
)
def test_values_that_are_written_out(document: str, measured: str) -> None:
    reported = refusal(document)
    assert measured in reported
    assert bool(reported) == bool(measured)


@pytest.mark.parametrize(
    ("text", "measured", "allowed"),
    [
        ("{ c }" + " " * 100, 105, 100),
        ("{ c }\n" * 20_000, 120_000, 100_000),
        ("\n" * 10_001, 10_002, 10_000),
        ("\r" * 10_001, 10_002, 10_000),
        ("\\u0041" * 1_001, 1_001, 1_000),
        ("\\n" * 1_001, 1_001, 1_000),
    ],
    ids=lambda text: str(text)[:10],
)
def test_a_text_is_measured_before_it_is_parsed(text: str, measured: int, allowed: int) -> None:
    reported = text_guard(min(allowed, 100_000) if allowed == 100 else 100_000)(text)
    assert isinstance(reported, OperationTooCostly)
    assert (reported.measured, reported.allowed) == (measured, allowed)


@pytest.mark.parametrize(
    ("variables", "wrong"),
    [
        (None, ""),
        ({}, ""),
        ({"ids": ["x"] * 1000, "a": {"b": [{"c": [1, 2]}]}}, ""),
        ({"representations": [{"__typename": "Person", "id": "x", "more": [1, 2]}] * 1000}, ""),
        ({"ids": ["x"] * 1001}, "1001 entries in one list; 1000 are allowed"),
        ({"a": {"b": {"c": [["x"] * 1001]}}}, "1001 entries in one list"),
        ({f"v{n}": ["x"] * 999 for n in range(6)}, "entries in all lists; 5000 are allowed"),
        ({"a": [{str(n): 1 for n in range(101)}]}, "101 members in one object; 100 are allowed"),
        ({"a": [{str(n): 1 for n in range(100)}] * 201}, "values; 20000 are allowed"),
        ({str(n): 1 for n in range(20_001)}, "values; 20000 are allowed"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_variables_are_measured_before_they_are_coerced(variables: dict[str, object] | None, wrong: str) -> None:
    if not wrong:
        check_variables(variables)
        return
    with pytest.raises(BadUserInput, match=wrong) as raised:
        check_variables(variables)
    assert raised.value.argument in {"variables", *(f"${name}" for name in variables or ())}


def test_a_wide_selection() -> None:
    fields = " ".join(f"f{n}" for n in range(201))
    assert "201 or more fields in one selection; 200 are allowed" in refusal(f"{{ a {{ {fields} }} }}")


def test_all_directives_together() -> None:
    fields = " ".join(f"f{n} @skip(if: true) @include(if: true)" for n in range(101))
    assert "directives; 200 are allowed" in refusal(f"{{ a {{ {fields} }} }}")


def mesh(size: int) -> str:
    """Fragments that each spread every later one."""
    spreads = [
        f"fragment f{n} on Query {{ {' '.join(f'...f{m}' for m in range(n + 1, size))} a {{ c }} }}"
        for n in range(size)
    ]
    return " ".join(["{ a { ...f0 } }", *spreads])


def side_by_side(size: int, body: str) -> str:
    return " ".join(
        ["{ a { " + " ".join(f"...f{n}" for n in range(size)) + " } }"]
        + [f"fragment f{n} on Query {{ {body} }}" for n in range(size)]
    )


@pytest.mark.parametrize(
    "document",
    [
        *(fan_out(levels, times) for levels, times in [(60, 2), (20, 2), (270, 1), (100, 10), (6, 3), (220, 2)]),
        *(fan_out(60, between=between) for between in ["c", "a { c }", "x: c", "... { d }"]),
        *(fan_out(60, last=last) for last in ["a { a { c } }", "c d a { c }", "c @skip(if: true)"]),
        "{ a { ...f0 } } "
        + " ".join(f"fragment f{n} on Query {{ a {{ ...f{n + 1} }} b {{ ...f{n + 1} }} }}" for n in range(60))
        + " fragment f60 on Query { c }",
        *(mesh(size) for size in (8, 12, 40)),
        *(
            side_by_side(size, body)
            for size, body in [(150, "a { c }"), (90, "a { b { a { b { c } } } }"), (60, "c d")]
        ),
        "{ a { " + "a { c } " * 200 + "} }",
        "{ a { " + ("a { " + "a { c } " * 22 + "} ") * 22 + "} }",
        "{ a { " + ("a { " + ("a { " + "a { c } " * 6 + "} ") * 6 + "} ") * 6 + "} }",
        "{ a { " + "... { a { c } } " * 190 + "} }",
        "{ c } " + " ".join(f"fragment f{n} on Query {{ a {{ {'a { c } ' * 30} }} }}" for n in range(12)),
        "query(" + " ".join(f"$v{n}: Int" for n in range(300)) + ") { c }",
        "{ a(" + "x: 1 " * 900 + ") { c } }",
        "{ c } " + " ".join(f"fragment f{n} on Query {{ c }}" for n in range(300)),
        "{ c " + "@skip(if: true) " * 600 + "}",
        "{ a { " + "c @include(if: true) " * 400 + "} }",
    ],
    ids=lambda document: f"{document[:30]} … {len(document)}",
)
def test_no_document_burns_the_loop(document: str) -> None:
    assert len(document) < 10_000
    # One of three is enough, since any one may have to collect what other tests left behind.
    assert any(cpu(document) < CPU for _ in range(3))


def cpu(document: str) -> float:
    """Seconds of CPU that a document costs before it is refused or ready."""
    look, started = guard(LIMITS), time.process_time()
    parsed = parse(document)
    if look(parsed) is None:
        validate(SCHEMA, parsed, max_errors=20)
    return time.process_time() - started
