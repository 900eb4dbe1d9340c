"""Places in an order as opaque text: versioned, and bound to the time or name that the order goes by.

A cursor says where a row stood, not how many came before it, so that it works in either direction and outlives the row.
"""

from __future__ import annotations

import base64
import binascii

import msgspec

from gateway.model.order import MOST_ASIDE, NameField, OrderField, Position
from gateway.model.records import Source

VERSION = 1
FIELDS: dict[OrderField | NameField, str] = {
    OrderField.START_TIME: "s",
    OrderField.CREATED_AT: "c",
    OrderField.UPDATED_AT: "u",
    NameField.NAME: "n",
}
MOST = 8192
"""Characters a cursor may have; ours have under 200 where it is of a time."""

_LEAST_MICROS = -62_135_596_800_000_000
_MOST_MICROS = 253_402_300_799_999_999


class MalformedCursor(ValueError):
    """Text that is not a cursor, or not one for this order; the message says which."""


class _Place(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    version: int
    field: str
    value: int | str | None
    source: str
    id: str
    hint: int | None = None
    aside: tuple[str, ...] = ()


_FOR_URLS = bytes.maketrans(b"+/", b"-_")
_decoder = msgspec.json.Decoder(_Place)
_write = msgspec.json.Encoder().encode


def opaque(data: bytes) -> str:
    """Bytes as base64 in the alphabet for URLs, without padding; for each row of an answer, so without detours."""
    return binascii.b2a_base64(data, newline=False).translate(_FOR_URLS).rstrip(b"=").decode()


def encode(position: Position, field: OrderField | NameField) -> str:
    """A position as text."""
    place = (VERSION, FIELDS[field], position.value, position.source.value, position.id)
    if field is NameField.NAME:
        return opaque(_write(place))
    return opaque(_write((*place, position.hint, position.aside) if position.aside else (*place, position.hint)))


def decode(text: str, field: OrderField | NameField) -> Position:
    """The position that `encode` made the text of.

    Raises:
        MalformedCursor: The text is not one of our cursors, or one of another order.
    """
    if len(text) > MOST:
        raise MalformedCursor("is not a cursor of this connection")
    try:
        place = _decoder.decode(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
        source = Source(place.source)
    except (ValueError, binascii.Error, msgspec.DecodeError) as error:
        raise MalformedCursor("is not a cursor of this connection") from error
    if place.version != VERSION:
        raise MalformedCursor(f"is a cursor of version {place.version}; this gateway reads version {VERSION}")
    if place.field != FIELDS[field]:
        raise MalformedCursor(f"belongs to another order than {field.name}")
    if isinstance(place.value, str) is not (field is NameField.NAME) and place.value is not None:
        raise MalformedCursor("is not a cursor of this connection")
    if isinstance(place.value, int) and not _LEAST_MICROS <= place.value <= _MOST_MICROS:
        raise MalformedCursor("is not a cursor of this connection")
    if not place.id or (place.hint is not None and place.hint < 0) or len(place.aside) > MOST_ASIDE:
        raise MalformedCursor("is not a cursor of this connection")
    return Position(place.value, source, place.id, place.hint, place.aside)
