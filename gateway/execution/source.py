"""A document's text: where its lines begin, since every error has its place in it, and what it takes once parsed."""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left
from functools import cached_property
from sys import getsizeof

from graphql import DocumentNode, Source
from graphql.language.location import SourceLocation

LINE_END = re.compile(r"[\n\r]")
NEWLINE = re.compile(r"\r\n|[\n\r]")
TOKEN_BYTES = 600
"""What a token takes beside its text, with the nodes made of it; measured, 450 to 560."""
LETTER_BYTES = 75
"""What a character takes of a document whose tokens were not counted, parsed; measured over ordinary ones."""


class Text(Source):
    """Source text that looks for its lines once.

    Attributes:
        tokens: How many tokens have been read of it so far.
    """

    def __init__(self, body: str) -> None:
        super().__init__(body)
        self.tokens = 0

    @cached_property
    def _newlines(self) -> tuple[array[int], array[int]]:
        """Where each line end begins and ends; few bytes a line, since errors are cached with their text."""
        begins, ends = array("I"), array("I")
        for line_end in LINE_END.finditer(self.body):
            place = line_end.start()
            if ends and ends[-1] == place and self.body[place - 1 : place + 1] == "\r\n":
                ends[-1] += 1
            else:
                begins.append(place)
                ends.append(place + 1)
        return begins, ends

    def get_location(self, position: int) -> SourceLocation:
        """The line and column of a place in the text."""
        begins, ends = self._newlines
        line = bisect_left(begins, position)
        return SourceLocation(line + 1, position - (ends[line - 1] if line else 0) + 1)

    @property
    def weight(self) -> int:
        """The bytes that the text and all that is parsed of it take, about."""
        return 2 * getsizeof(self.body) + TOKEN_BYTES * self.tokens


def weight_of(document: DocumentNode) -> int:
    """The bytes that a parsed document takes, about."""
    source = document.loc.source if document.loc is not None else None
    if isinstance(source, Text):
        return source.weight
    return 0 if source is None else LETTER_BYTES * len(source.body)
