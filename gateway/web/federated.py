"""`extensions.ftv1`: what a router is told of how an answer was made (Apollo's `Trace` message, reports.proto).

The operation's time and its errors, each by its code at its place; no text of an error, no argument, no value. Fields
have no times of their own: those of a level are resolved together.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

HEADER = "apollo-federation-include-trace"
VERSION = "ftv1"
NANO = 1_000_000_000
MORE, SEVEN_BITS = 0x80, 0x7F
VARINT, BYTES = 0, 2
"""Wire types."""


@dataclass(slots=True)
class Node:
    """A place of the answer (`Trace.Node`): what went wrong there, and the places below it."""

    codes: list[str] = field(default_factory=list)
    below: dict[str | int, Node] = field(default_factory=dict)

    def at(self, path: Sequence[str | int]) -> Node:
        """The place at the end of a path."""
        node = self
        for part in path:
            node = node.below.setdefault(part, Node())
        return node

    def encoded(self, name: str | int | None = None) -> bytes:
        """The message; `name` is the place's own in what it is below."""
        parts = [] if name is None else [_text(1, name) if isinstance(name, str) else _number(2, name)]
        parts += [_message(11, _error(code)) for code in self.codes]
        parts += [_message(12, node.encoded(part)) for part, node in self.below.items()]
        return b"".join(parts)


def trace(began: float, ended: float, errors: Iterable[Mapping[str, Any]]) -> str:
    """The trace of an operation.

    Args:
        began: When it began, in seconds of the epoch.
        ended: When it ended.
        errors: Its errors as they are sent.
    """
    root = Node()
    for error in errors:
        root.at(error.get("path") or ()).codes.append(str(error.get("extensions", {}).get("code", "")))
    took = max(0, round((ended - began) * NANO))
    message = _message(3, _timestamp(ended)) + _message(4, _timestamp(began)) + _number(11, took)
    return base64.b64encode(message + _message(14, root.encoded())).decode()


def _error(code: str) -> bytes:
    return _text(1, code) + _text(4, json.dumps({"message": code, "extensions": {"code": code}}))


def _timestamp(moment: float) -> bytes:
    part, whole = math.modf(moment)
    return _number(1, int(whole)) + _number(2, int(part * NANO))


def _text(number: int, value: str) -> bytes:
    return _message(number, value.encode())


def _message(number: int, value: bytes) -> bytes:
    return bytes([*_varint(number << 3 | BYTES), *_varint(len(value))]) + value


def _number(number: int, value: int) -> bytes:
    return bytes([*_varint(number << 3 | VARINT), *_varint(value)])


def _varint(value: int) -> Iterator[int]:
    while value > SEVEN_BITS:
        yield value & SEVEN_BITS | MORE
        value >>= 7
    yield value
