"""Rows that no value tells apart, read page by page and more than once, since their order is nobody's promise."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias

import msgspec

from gateway.model.records import Meeting
from gateway.paging.merge import Problem

Found: TypeAlias = tuple[list[Meeting], tuple[Problem, ...]]
"""Rows, and what of them may be missing or could not be read."""

MOST_PASSES = 8


class Pass(msgspec.Struct, frozen=True, kw_only=True):
    """All pages, once.

    Attributes:
        rows: What was found, by id.
        size: How many there are, by the source's own counting, those that cannot be read left out; None where it does
            not say.
        steady: Whether the source counted the same on every page, so that nothing has come or gone meanwhile.
        problems: What could not be read.
    """

    rows: dict[str, Meeting]
    size: int | None
    steady: bool = False
    problems: tuple[Problem, ...] = ()


async def gathered(read: Callable[[int], Awaitable[Pass]], what: str) -> Found:
    """Every row, with what of them may be missing.

    Between two pages a row may change places with one that was not read yet, and hide it. So they are read again, cut
    another way, until one steady pass shows as many as there are, or all of them do and a steady one shows no new row.

    Args:
        read: Makes a pass; each number is to cut in another way.
        what: The rows, for the problem.
    """
    rows: dict[str, Meeting] = {}
    problems: dict[Problem, None] = {}
    for number in range(MOST_PASSES):
        one = await read(number)
        fresh = one.rows.keys() - rows.keys()
        rows.update(one.rows)
        problems.update(dict.fromkeys(one.problems))
        size = one.size or 0
        if one.steady and (len(one.rows) >= size or (len(rows) >= size and not fresh)):
            return list(rows.values()), tuple(problems)
    problems[Problem(where=f"some {what}, which changed while they were read", lost=True)] = None
    return list(rows.values()), tuple(problems)
