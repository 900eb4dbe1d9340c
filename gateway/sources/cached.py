"""What a source caches: in memory as the records that were made of it, anywhere else as it was sent."""

from __future__ import annotations

from collections.abc import Callable, Sized
from typing import Generic, Protocol, TypeVar

import msgspec

from gateway.upstream.store import MsgpackCodec

B = TypeVar("B")
V = TypeVar("V")


class Translated(msgspec.Struct, Generic[B, V], frozen=True):
    """An answer's rows and what they were made into.

    Attributes:
        sent: The rows, typed, with what of them could not be read.
        value: The record or records.
    """

    sent: B
    value: V


class Read(Protocol):
    """What was read, with what could not be."""

    @property
    def problems(self) -> Sized:
        """What could not be read."""
        ...


P = TypeVar("P", bound=Read)


def is_partial(entry: Translated[B, P]) -> bool:
    """Whether some of it could not be read, so that it may be a moment's fault; see `Kind.doubtful`."""
    return bool(entry.value.problems)


class Translator(Generic[B, V]):
    """Translates rows when they come, and keeps the rows: the records follow from them. A codec for `Records`.

    Args:
        sent: The rows' type.
        translate: Makes records of rows; pure.
    """

    def __init__(self, sent: type[B], translate: Callable[[B], V]) -> None:
        self._rows = MsgpackCodec(sent)
        self._translate = translate

    def of(self, sent: B) -> Translated[B, V]:
        """Rows with their records."""
        return Translated(sent, self._translate(sent))

    @property
    def layout(self) -> str:
        """Which type the rows are of."""
        return self._rows.layout

    def encode(self, value: Translated[B, V], /) -> bytes:
        """The rows as bytes."""
        return self._rows.encode(value.sent)

    def decode(self, data: bytes, /) -> Translated[B, V]:
        """What these bytes hold, translated anew.

        Raises:
            msgspec.MsgspecError: They hold no such rows.
        """
        return self.of(self._rows.decode(data))
