"""The JSON of an answer in pieces, so that neither memory nor the event loop is held by the whole of a long one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import msgspec

PIECE = 64 * 1024
"""Bytes of a piece, about."""
ROWS = 64
"""Entries of a list that are encoded at once; lists that have no more are encoded whole, with all above them."""
DEPTH = 6
"""Levels below the top at which long lists are looked for: connections of records by their keys have theirs at five."""

encode = msgspec.json.Encoder().encode


def pieces(value: object) -> Iterator[bytes]:
    """The JSON of a value; joined, the pieces are what `msgspec.json.encode` makes of it."""
    buffer = bytearray()
    for part in _parts(value, DEPTH):
        if len(part) >= PIECE and not buffer:
            yield part
            continue
        buffer += part
        if len(buffer) >= PIECE:
            yield bytes(buffer)
            buffer.clear()
    if buffer:
        yield bytes(buffer)


def _parts(value: object, depth: int) -> Iterator[bytes]:
    if isinstance(value, msgspec.Raw):
        raw = memoryview(value)
        yield from (bytes(raw[start : start + PIECE]) for start in range(0, len(raw), PIECE))
    elif not _has_long_list(value, depth):
        yield encode(value)
    elif isinstance(value, list | tuple):
        yield from _of_list(value)
    else:
        mark = b"{"
        for name, item in _items(value):
            yield mark + encode(name) + b":"
            yield from _parts(item, depth - 1)
            mark = b","
        yield b"}"


def _of_list(values: Sequence[object]) -> Iterator[bytes]:
    mark = b"["
    for start in range(0, len(values), ROWS):
        yield mark + encode(values[start : start + ROWS])[1:-1]
        mark = b","
    yield b"]"


def _has_long_list(value: object, depth: int) -> bool:
    """Whether a value is a long list, or an object in which there is one, or a text that is written already."""
    if isinstance(value, list | tuple):
        return len(value) > ROWS
    if isinstance(value, msgspec.Raw):
        return True
    return depth > 0 and any(_has_long_list(item, depth - 1) for _, item in _items(value))


def _items(value: object) -> Iterable[tuple[str, object]]:
    """The members of an object; none of anything else."""
    if isinstance(value, dict):
        return value.items()
    if isinstance(value, msgspec.Struct):
        return zip(value.__struct_encode_fields__, msgspec.structs.astuple(value), strict=True)
    return ()
