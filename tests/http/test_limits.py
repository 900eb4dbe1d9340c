"""What a document may ask for, and that finding out is cheap."""

from __future__ import annotations

import time

import pytest
from graphql import build_schema, get_introspection_query, parse, validate

from gateway.errors import OperationTooCostly
from gateway.settings.clients import Limits
from gateway.web.limits import CircularFragments, guard

LIMITS = Limits(depth=15, aliases=50, tokens=3000, cost=1000, client_rate=600, client_cost=600)
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
    told = refusal(document)
    assert measured in told
    assert bool(told) == bool(measured)


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
