"""Keys as clients write them, in `by:`, filters, global ids and representations: what they may look like.

One set of validators for all of them, and before anything is asked upstream: Salesloft refuses a whole call for one
value that cannot be meant, and a call has the keys of many clients.
"""

from __future__ import annotations

import re

from gateway.errors import BadUserInput
from gateway.model.filters import fold_email
from gateway.model.records import MOST_ID, Kind, Source

MOST_CHARS = 1024
"""Characters of one key: no key of either vendor's is longer."""
LARGEST = str(MOST_ID)
DIGITS = re.compile(r"[0-9]+")
ADDRESS = re.compile(r"[^\s@]+@[^\s@]+")
GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
NUMBERED = frozenset(
    {(Source.SALESLOFT, kind) for kind in Kind}
    | {(Source.DRIFT, kind) for kind in (Kind.PERSON, Kind.USER, Kind.CONVERSATION)}
)
"""The records whose ids are numbers; the ids of all others are texts, as the slugs of Drift's meetings are."""


def as_number(text: str) -> str | None:
    """A number as its source writes it, without leading zeros; None where a text is none that an id can be."""
    if not DIGITS.fullmatch(text):
        return None
    digits = text.lstrip("0") or "0"
    return digits if (len(digits), digits) <= (len(LARGEST), LARGEST) else None


def as_text(text: str) -> str | None:
    """A text without the white space around it; None where it is empty, too long, or cannot be printed."""
    stripped = text.strip()
    return stripped if stripped and len(text) <= MOST_CHARS and stripped.isprintable() else None


def as_source_id(source: Source, kind: Kind, text: str) -> str | None:
    """A source's own id of a record, as the source writes it; None where it can be none."""
    return as_number(text) if (source, kind) in NUMBERED else as_text(text)


def number(text: str, argument: str) -> str:
    """An id that is a number, without leading zeros.

    Raises:
        BadUserInput: It is none, or has more than 63 bits.
    """
    return _valid(as_number(text), argument, f"must be a number from 0 to {LARGEST}")


def short_text(text: str, argument: str) -> str:
    """A key that is a text, without the white space around it.

    Raises:
        BadUserInput: It is empty, too long, or cannot be printed.
    """
    return _valid(as_text(text), argument, "must be a short printable text")


def source_id(source: Source, kind: Kind, text: str, argument: str) -> str:
    """A source's own id of a record.

    Raises:
        BadUserInput: It can be none.
    """
    read = number if (source, kind) in NUMBERED else short_text
    return read(text, argument)


def guid(text: str, argument: str) -> str:
    """A GUID, in small letters.

    Raises:
        BadUserInput: It is none.
    """
    lowered = text.strip().lower()
    return _valid(lowered if GUID.fullmatch(lowered) else None, argument, "not a GUID")


def name(text: str, argument: str) -> str:
    """A whole name, as it is written.

    Raises:
        BadUserInput: It is empty, too long, or cannot be printed.
    """
    return _valid(None if as_text(text) is None else text, argument, "must be a short printable text")


def domain(text: str, argument: str) -> str:
    """An internet domain, in small letters.

    Raises:
        BadUserInput: It is empty, too long, or cannot be printed.
    """
    return short_text(text, argument).lower()


def address(text: str, argument: str) -> str:
    """An e-mail address, folded.

    Raises:
        BadUserInput: It is none.
    """
    folded = fold_email(text)
    valid = len(text) <= MOST_CHARS and ADDRESS.fullmatch(folded) is not None and folded.isprintable()
    return _valid(folded if valid else None, argument, "not an e-mail address")


def _valid(value: str | None, argument: str, wrong: str) -> str:
    if value is None:
        raise BadUserInput(f"{argument}: {wrong}.", argument=argument)
    return value
