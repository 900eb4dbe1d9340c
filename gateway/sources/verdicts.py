"""How the answers to questions about an account are given: as counts, names of fields, JSON's types and words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from gateway.errors import UpstreamMalformed
from gateway.sources.decode import ENVELOPE, Envelope, sample
from gateway.sources.examination import Reply, Row, Verdict

UNDECIDED = "undecided"
OTHER = "(other)"
"""Stands for what is not shown, since it could be anybody's text."""

WORD = re.compile(r"[A-Za-z][A-Za-z0-9]{0,30}([_-][A-Za-z0-9]{1,30}){0,3}")
"""A word of a program: what people write has blanks, dots or signs in it."""

NAME = re.compile(r"_?[A-Za-z][A-Za-z0-9_]{0,60}")
OFFSET = re.compile(r"(Z|[+-][0-9]{2}:[0-9]{2})$")
LIMIT_HEADER = re.compile(r"x-ratelimit-[a-z-]{1,40}|ratelimit(-[a-z]{1,20})?|retry-after")
MOST_SHOWN = 40


def verdict(question: str, answer: str | None, because: str = "", *, expected: Iterable[str] | None = None) -> Verdict:
    """A verdict.

    Args:
        question: What was asked.
        answer: What holds; None where that is not known.
        because: What it was seen by, or why it is not known.
        expected: The answers that the gateway is made for; any of them where not given.
    """
    if answer is None:
        return undecided(question, because)
    fine = expected is None or answer in set(expected)
    return Verdict(question=question, answer=answer, expected=fine, because=because)


def undecided(question: str, because: str) -> Verdict:
    """A verdict that the account has nothing to tell by."""
    return Verdict(question=question, answer=UNDECIDED, expected=None, because=because)


def words(
    question: str, rows: Sequence[Row], fields: Iterable[str], *, documented: frozenset[str] = frozenset()
) -> Verdict:
    """Which words fields have, where they look like a program's or are the documents' own."""
    found = {}
    for field in fields:
        values = {row[field] for row in rows if isinstance(row.get(field), str)}
        shown = {value if value in documented or WORD.fullmatch(value) else OTHER for value in values}
        if shown:
            found[field] = tuple(sorted(shown)[:MOST_SHOWN])
    answer = "; ".join(f"{name}: {', '.join(values)}" for name, values in found.items())
    return msgspec.structs.replace(verdict(question, answer or None, f"{len(rows)} rows"), found=found)


def types(rows: Sequence[Row]) -> Mapping[str, tuple[str, ...]]:
    """The JSON types that fields have; `absent` where some rows lack one."""
    seen: dict[str, Counter[str]] = {}
    for row in rows:
        for name, value in row.items():
            if NAME.fullmatch(name):
                seen.setdefault(name, Counter())[type_of(value)] += 1
    return {
        name: tuple(sorted({*counts, *({"absent"} if counts.total() < len(rows) else ())}))
        for name, counts in sorted(seen.items())
    }


def type_of(value: object) -> str:
    """What JSON calls a value's type."""
    for kind, name in ((bool, "boolean"), (int, "integer"), (float, "number"), (str, "text"), (list, "list")):
        if isinstance(value, kind):
            return name
    return "null" if value is None else "object"


def fields(
    question: str,
    replies: Sequence[Reply],
    row: type[msgspec.Struct],
    *,
    source: str,
    envelope: Envelope = ENVELOPE,
) -> Verdict:
    """Which fields of some rows are not known here, and which could not be read.

    Args:
        question: What was asked.
        replies: Where the rows are.
        row: Their type.
        source: The source's name.
        envelope: What the vendor calls the parts of an answer.
    """
    failed = [reply.status for reply in replies if not reply.good]
    if failed:
        return undecided(question, f"status {failed[0]}")
    rows = [each for reply in replies for each in reply.listed(envelope.rows)]
    known = {field.encode_name for field in msgspec.structs.fields(row)}
    unreadable = {path for reply in replies for path in _unreadable(reply, row, source, envelope)}
    if not rows:
        return undecided(question, "no row")
    names = {name if NAME.fullmatch(name) else OTHER for row in rows for name in row}
    new, odd = sorted(names - set(known)), sorted(unreadable)
    answer = "; ".join(
        [*([f"new: {', '.join(new[:MOST_SHOWN])}"] if new else []), *([f"unreadable: {', '.join(odd)}"] if odd else [])]
    )
    return Verdict(
        question=question,
        answer=answer or "as known",
        expected=not odd,
        because=f"{len(rows)} rows",
        found=types(rows),
    )


def _unreadable(reply: Reply, row: type[msgspec.Struct], source: str, envelope: Envelope) -> tuple[str, ...]:
    try:
        return sample(reply.sent, row, source=source, envelope=envelope).unreadable
    except UpstreamMalformed:
        return ("the answer",)


def offsets(question: str, rows: Sequence[Row], names: Iterable[str], *, expected: Iterable[str] | None) -> Verdict:
    """Which offsets times have."""
    found = set()
    for row in rows:
        for name in names:
            value = row.get(name)
            match = OFFSET.search(value) if isinstance(value, str) else None
            if isinstance(value, str):
                found.add(match[1] if match else "none")
    return verdict(question, ", ".join(sorted(found)) or None, f"{len(rows)} rows", expected=expected)


def limit_headers(reply: Reply, *, expected: Iterable[str]) -> Verdict:
    """Which headers of an answer tell of limits.

    Args:
        reply: The answer.
        expected: Those that the gateway reads.
    """
    sent = {name: value for name, value in reply.headers.items() if LIMIT_HEADER.fullmatch(name)}
    return Verdict(
        question="headers of the rate limit",
        answer=", ".join(sorted(sent)) or "none",
        expected=set(expected) <= sent.keys(),
        found={name: (value if value.isdecimal() else OTHER,) for name, value in sorted(sent.items())},
    )
