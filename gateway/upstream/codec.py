"""Records as bytes and back, going by their type."""

from __future__ import annotations

import functools
import hashlib
from typing import Generic, TypeVar

import msgspec

V = TypeVar("V")


class Typed(Generic[V]):
    """Values of one type, in MessagePack.

    Args:
        type_: A type that msgspec can tell from others: a struct, a generic struct of such, a list of them.
    """

    def __init__(self, type_: type[V]) -> None:
        self._type = type_
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder: msgspec.msgpack.Decoder[V] = msgspec.msgpack.Decoder(type_)

    @functools.cached_property
    def layout(self) -> str:
        """Which type it is: another one, or the same with other fields, has another."""
        schema = msgspec.json.encode(msgspec.json.schema(self._type), order="sorted")
        return hashlib.blake2b(schema, digest_size=6).hexdigest()

    def encode(self, value: V, /) -> bytes:
        """The value as bytes."""
        return self._encoder.encode(value)

    def decode(self, data: bytes, /) -> V:
        """The value that these bytes are.

        Raises:
            msgspec.MsgspecError: They are none.
        """
        return self._decoder.decode(data)
