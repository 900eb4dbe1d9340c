"""What the owner of an account can ask its vendor that no document says: the calls for it, and verdicts."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias

import msgspec

Row: TypeAlias = Mapping[str, Any]


class Verdict(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What one question came to.

    Attributes:
        question: What was asked, in a few words that stay the same.
        answer: What holds, in a word or a few; `undecided` where the account has nothing to tell it by.
        expected: Whether the gateway is made for it; None where it is undecided.
        because: What that was seen by, without anybody's data.
        found: Names and words, where the question is which ones there are.
    """

    question: str
    answer: str
    expected: bool | None
    because: str = ""
    found: Mapping[str, tuple[str, ...]] = msgspec.field(default_factory=dict)


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """What a call came to.

    Attributes:
        status: The HTTP status; 0 where there was no answer.
        headers: Its headers, names in small letters.
        sent: The body; nothing of a refusal's.
    """

    status: int
    headers: Mapping[str, str] = msgspec.field(default_factory=dict)
    sent: bytes = b""

    @property
    def good(self) -> bool:
        """Whether it was answered."""
        return 200 <= self.status < 300  # noqa: PLR2004 - the class of success

    @property
    def body(self) -> Row:
        """The answer; empty where it is not an object. Read as leniently as JSON can be."""
        try:
            body = json.loads(self.sent, strict=False)
        except (ValueError, RecursionError):
            return {}
        return body if isinstance(body, dict) else {}

    @property
    def rows(self) -> list[Row]:
        """The rows of a list, or the one record."""
        return self.listed("data")

    def listed(self, name: str) -> list[Row]:
        """The same, where the answer calls them something else."""
        data = self.body.get(name)
        rows = data if isinstance(data, list) else [data]
        return [row for row in rows if isinstance(row, dict)]

    def one(self, name: str) -> Row:
        """The one record of an answer; empty where there is none."""
        return next(iter(self.listed(name)), {})


Ask: TypeAlias = Callable[[str, Sequence[tuple[str, str]]], Awaitable[Reply]]
"""Makes a call by its path and parameters; raises `OutOfUnits` where there are none left."""


class OutOfUnits(Exception):
    """No more calls may be made."""


class Examiner(Protocol):
    """Asks a source what its documents leave open; costs at most a few units, and changes nothing."""

    async def __call__(self, ask: Ask) -> list[Verdict]:
        """The verdicts, in an order of their own."""
        ...
