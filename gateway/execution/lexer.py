"""graphql-core's lexer where it looks at each character by itself, replaced by what finds the end of a run at once.

The same tokens at the same places, and the same errors; a document of the largest size then costs what its tokens
cost, whatever lies between and within them.
"""

from __future__ import annotations

import re

from graphql import GraphQLSyntaxError, Lexer, Token, TokenKind
from graphql.language.block_string import dedent_block_string_lines

from gateway.execution.source import NEWLINE, Text

LONGEST_NUMBER = 1_000
"""Characters of a number: Python turns no more than 4,300 digits into an integer, and no type here takes 20."""

IGNORED = re.compile(r"[ \t,\ufeff\r\n]*")
COMMENT = re.compile(r"#[^\n\r\ud800-\udfff]*")
NAME = re.compile(r"[_A-Za-z0-9]*")
DIGITS = re.compile(r"[0-9]*")
CHARACTERS = re.compile(r'[^"\\\n\r\ud800-\udfff]*')
BLOCK = re.compile(r'"""((?:[^"\\\ud800-\udfff]|"(?!"")|\\(?!""")|\\""")*+)"""')
SURROGATE = re.compile(r"[\ud800-\udfff]")


class RunLexer(Lexer):
    """Reads a text's tokens, counting them on the text.

    Args:
        source: The text.
    """

    def __init__(self, source: Text) -> None:
        super().__init__(source)
        self._text = source

    def read_next_token(self, start: int) -> Token:
        """The next token at or after a place."""
        body = self._text.body
        position = IGNORED.match(body, start).end()  # type: ignore[union-attr]  # matches the empty text at least
        newlines = body.count("\n", start, position) + body.count("\r", start, position)
        if newlines:
            self.line += newlines - body.count("\r\n", start, position)
            self.line_start = 1 + max(body.rfind("\n", start, position), body.rfind("\r", start, position))
        self._text.tokens += 1
        return super().read_next_token(position)

    def read_comment(self, start: int) -> Token:
        """A comment, to the end of its line."""
        end = COMMENT.match(self._text.body, start).end()  # type: ignore[union-attr]  # it is called at a "#"
        if SURROGATE.match(self._text.body, end):
            return super().read_comment(start)
        return self.create_token(TokenKind.COMMENT, start, end, self._text.body[start + 1 : end])

    def read_name(self, start: int) -> Token:
        """A name."""
        end = NAME.match(self._text.body, start).end()  # type: ignore[union-attr]
        return self.create_token(TokenKind.NAME, start, end, self._text.body[start:end])

    def read_number(self, start: int, first_char: str) -> Token:
        """A number.

        Raises:
            GraphQLSyntaxError: It is not valid, or too long.
        """
        token = super().read_number(start, first_char)
        if token.end - token.start > LONGEST_NUMBER:
            raise GraphQLSyntaxError(self.source, start, f"Number of more than {LONGEST_NUMBER:,} characters.")
        return token

    def read_digits(self, start: int, first_char: str) -> int:
        """The end of a run of digits."""
        end = DIGITS.match(self._text.body, start).end()  # type: ignore[union-attr]
        return end if end > start else super().read_digits(start, first_char)

    def read_string(self, start: int) -> Token:
        """A string between single quotation marks."""
        body, position, value = self._text.body, start + 1, []
        while True:
            end = CHARACTERS.match(body, position).end()  # type: ignore[union-attr]
            value.append(body[position:end])
            if body[end : end + 1] != "\\":
                break
            if body[end + 1 : end + 2] != "u":
                escape = self.read_escaped_character(end)
            elif body[end + 2 : end + 3] == "{":
                escape = self.read_escaped_unicode_variable_width(end)
            else:
                escape = self.read_escaped_unicode_fixed_width(end)
            value.append(escape.value)
            position = end + escape.size
        if body[end : end + 1] == '"':
            return self.create_token(TokenKind.STRING, start, end + 1, "".join(value))
        if SURROGATE.match(body, end):
            return super().read_string(start)
        raise GraphQLSyntaxError(self.source, end, "Unterminated string.")

    def read_block_string(self, start: int) -> Token:
        """A string between triple quotation marks."""
        found = BLOCK.match(self._text.body, start)
        if found is None:
            if SURROGATE.search(self._text.body, start):
                return super().read_block_string(start)
            raise GraphQLSyntaxError(self.source, len(self._text.body), "Unterminated string.")
        lines = NEWLINE.split(found[1].replace('\\"""', '"""'))
        token = self.create_token(
            TokenKind.BLOCK_STRING, start, found.end(), "\n".join(dedent_block_string_lines(lines))
        )
        if len(lines) > 1:
            self.line += len(lines) - 1
            self.line_start = 1 + max(
                self._text.body.rfind("\n", start, found.end()), self._text.body.rfind("\r", start, found.end())
            )
        return token
