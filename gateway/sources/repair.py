"""Bodies that a decoder refuses for a few values in them: those values are marked, and the rest can be read.

Half of a surrogate pair, a raw control character, bytes that are no UTF-8, an escape that does not exist, `NaN`,
`Infinity`, and lists within lists beyond any use: each is replaced by a text that says so, in the value where it stood.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator

MARK = "\ufdd0\ufdd1\ufdd0"
"""Stands in a text, or as one, for what could not be read there: code points that Unicode will never give out."""

DEEPEST = 100
"""Levels of nesting that a body may have; decoders go down a level of the interpreter's stack for each."""

MOST_TOKENS = 300_000
"""Texts, and brackets in a row, of a body that are looked through one by one: it takes some tenths of a second."""

MOST_ESCAPES = 1_000_000
"""Escapes likewise."""

_MARK = MARK.encode()
_VALUE = b'"' + _MARK + b'"'

_NOT_UTF8 = re.compile("[\udc80-\udcff]+")
_ESCAPE = re.compile(
    rb"\\(?:"
    rb"u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb'|u(?![dD][89a-fA-F])[0-9a-fA-F]{4}|["\\/bfnrt]'
    rb"|(?P<bad>u[dD][89a-fA-F][0-9a-fA-F]{2}|.|\Z)"
    rb")",
    re.DOTALL,
)
_ESCAPED = re.compile(rb"\\.", re.DOTALL)
_BREAKS = (b"\t", b"\n", b"\r")
_CONTROL = [bytes([code]) for code in range(0x20) if bytes([code]) not in _BREAKS]
_NO_NUMBERS = (b"-Infinity", b"Infinity", b"NaN")
_BRACKETS = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[\[{]+|[\]}]+', re.DOTALL)


class BeyondRepair(Exception):
    """What is wrong with a body would take too long to find."""


def texts_repaired(body: bytes) -> bytes:
    """The body with what is wrong within texts marked, whatever stands around them.

    Raises:
        BeyondRepair: It has too many escapes.
    """
    known = body.removeprefix(codecs.BOM_UTF8)
    try:
        known.decode()
    except UnicodeDecodeError:
        known = _NOT_UTF8.sub(MARK, known.decode("utf-8", "surrogateescape")).encode()
    escapes = known.count(b"\\")
    if escapes > MOST_ESCAPES:
        raise BeyondRepair
    if escapes:
        known = _ESCAPE.sub(_escape, known)
    for control in _CONTROL:
        if control in known:
            known = known.replace(control, _MARK)
    return known


def _escape(found: re.Match[bytes]) -> bytes:
    return found[0] if found["bad"] is None else _MARK


def values_repaired(body: bytes) -> bytes:
    """The body with line breaks and tabs within texts marked, and so are numbers that JSON has no words for.

    Whether a place lies within a text follows from the number of quotes before it.
    """
    bare = _ESCAPED.sub(b"  ", body)
    places = [(start, token) for token in (*_BREAKS, *_NO_NUMBERS) for start in _places(bare, token)]
    parts: list[bytes] = []
    done = counted = quotes = 0
    for start, token in sorted(places):
        quotes += bare.count(b'"', counted, start)
        counted = start
        within = bool(quotes % 2)
        if start >= done and within == (token in _BREAKS):
            parts += body[done:start], _MARK if within else _VALUE
            done = start + len(token)
    return b"".join(parts) + body[done:]


def _places(text: bytes, token: bytes) -> Iterator[int]:
    start = text.find(token)
    while start >= 0:
        yield start
        start = text.find(token, start + len(token))


def flattened(body: bytes) -> bytes:
    """The body with every value that is nested too deep marked.

    Raises:
        BeyondRepair: It has too many texts, lists and objects.
    """
    parts: list[bytes] = []
    done = depth = start = 0
    for number, found in enumerate(_BRACKETS.finditer(body)):
        if number == MOST_TOKENS:
            raise BeyondRepair
        token, place = found[0], found.start()
        if token[0] in b"[{":
            if depth < DEEPEST <= depth + len(token):
                start = place + DEEPEST - depth - 1
            depth += len(token)
        elif token[0] in b"]}":
            if depth - len(token) < DEEPEST <= depth:
                parts += body[done:start], _VALUE
                done = place + depth - DEEPEST + 1
            depth -= len(token)
    return b"".join(parts) + body[done:]
