"""The lexer that reads runs: the same tokens and errors as graphql-core's, at a cost that goes by tokens alone."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from types import FrameType
from typing import Any

import pytest
from graphql import GraphQLSyntaxError, Lexer, Source, TokenKind
from graphql.language.parser import Parser
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway.execution.lexer import LONGEST_NUMBER, RunLexer
from gateway.execution.source import Text
from tests.properties import PROFILE

PIECES = st.sampled_from(
    [
        *(" ", "\t", ",", "\ufeff", "\n", "\r", "\r\n", "#", "# a comment", "a", "_b1", "é", "😀", "\x00", "\x7f"),
        *('"', '""', '"""', '\\"""', "\\", '\\"', "\\n", "\\u0041", "\\u{1F600}", "\\ud83d\\ude00", "\\ud83d", "\\u00"),
        *("{", "}", "(", ")", "[", "]", "$", "!", "|", "&", "=", ":", "@", ".", "..", "...", ".5", "\ud800", "\udc00"),
        *("0", "01", "-", "-1", "1.5", "1e9", "1E+", "123456", "1a"),
    ]
)
TEXTS = st.lists(PIECES, max_size=12).map("".join) | st.text(max_size=30)
CASES = {"quick": 500, "ci": 5_000, "nightly": 100_000}[PROFILE]


def tokens(lexer: Lexer) -> list[Any]:
    """Everything that a lexer says of a text, up to its end or to the first error."""
    reported: list[Any] = []
    try:
        while True:
            token = lexer.advance()
            reported.append((token.kind, token.start, token.end, token.line, token.column, token.value))
            if token.kind is TokenKind.EOF:
                return reported
    except GraphQLSyntaxError as error:
        return [*reported, error.message, error.positions, error.locations]


@settings(max_examples=CASES, deadline=None)
@given(TEXTS)
@example('"""\n  a\r\n    b\r  c\n"""x')
@example('{ a(b: """ \\""" """) }\n"')
def test_the_same_tokens_as_graphql_core_has(text: str) -> None:
    assert tokens(RunLexer(Text(text))) == tokens(Lexer(Source(text)))


@settings(max_examples=CASES, deadline=None)
@given(TEXTS, st.integers(0, 60))
def test_the_same_places(text: str, position: int) -> None:
    assert Text(text).get_location(position) == Source(text).get_location(position)


def test_a_number_has_a_length() -> None:
    assert tokens(RunLexer(Text("1" * LONGEST_NUMBER)))[0][0] is TokenKind.INT
    for text in ("1" * 4301, "-" + "1" * 4301, "0." + "1" * 4301, "1e" + "1" * 4301):
        assert "more than 1,000 characters" in tokens(RunLexer(Text(text)))[0]


SIZE = 100_000
LONG = {
    "one comment": "{ a } #" + "x" * SIZE,
    "white space": "{ a }" + " " * SIZE,
    "commas": "{ a }" + "," * SIZE,
    "line ends": "{ a }" + "\r\n" * (SIZE // 2),
    "a name": "{ " + "a" * SIZE + " }",
    "a string": '{ a(b: "' + "x" * SIZE + '") }',
    "a string without an end": '{ a(b: "' + "x" * SIZE,
    "a block string": '{ a(b: """' + "x" * SIZE + '""") }',
    "quotes in a block string": '{ a(b: """' + '"" ' * (SIZE // 3) + '""") }',
    "a block string without an end": '{ a(b: """' + '"" ' * (SIZE // 3),
    "a number": "{ a(b: " + "1" * SIZE + ") }",
    "comments": "{ a }" + "#\n" * (SIZE // 2),
}
LINES = 200_000
"""Lines of Python that reading a document may take; one look at each of its characters takes four times as many."""


@pytest.mark.parametrize("name", LONG)
def test_the_work_goes_by_tokens_not_by_characters(name: str) -> None:
    text, lines = Text(LONG[name]), 0
    assert SIZE <= len(text.body) < SIZE + 100

    def line(_frame: FrameType, _event: str, _argument: object) -> Any:
        nonlocal lines
        lines += 1
        return line

    def call(frame: FrameType, _event: str, _argument: object) -> Any:
        return line if "graphql" in frame.f_code.co_filename or "lexer" in frame.f_code.co_filename else None

    with traced(call), contextlib.suppress(GraphQLSyntaxError):
        Parser(text, max_tokens=3000, lexer=RunLexer(text)).parse_document()
    assert text.tokens <= 3002
    assert lines < LINES


@contextlib.contextmanager
def traced(call: Any) -> Iterator[None]:
    """Traces what runs within the block."""
    before = sys.gettrace()
    sys.settrace(call)
    try:
        yield
    finally:
        sys.settrace(before)
