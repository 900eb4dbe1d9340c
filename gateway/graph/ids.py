"""Global ids: kind, source and id of a record as opaque text."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable

from gateway.errors import BadUserInput
from gateway.model.records import Kind, Ref, Source
from gateway.paging.opaque import opaque

SEPARATOR = ":"
MOST = 512
"""Characters an id may have."""
_PREFIXES = {
    (kind, source): f"{kind.value}{SEPARATOR}{source.value}{SEPARATOR}".encode() for kind in Kind for source in Source
}


def global_id(kind: Kind, source: Source, source_id: str) -> str:
    """A record's global id."""
    return opaque(_PREFIXES[kind, source] + source_id.encode())


def decode_id(text: str, argument: str, kinds: Iterable[Kind] = Kind) -> Ref:
    """The record that a global id names.

    Args:
        text: The id.
        argument: The argument that it came in, for the error.
        kinds: The kinds that it may name.

    Raises:
        BadUserInput: It is no global id of ours, or names another kind of record.
    """
    wanted = tuple(kinds)
    names = " or ".join(kind.value for kind in wanted) if len(wanted) < len(Kind) else "any record"
    malformed = BadUserInput(
        f"{argument}: not a global id of {names}; ids come from the field `id`.", argument=argument
    )
    if len(text) > MOST:
        raise malformed
    try:
        plain = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True).decode()
        kind, source, source_id = plain.split(SEPARATOR, 2)
        ref = Ref(Source(source), Kind(kind), source_id)
    except (ValueError, binascii.Error) as error:
        raise malformed from error
    if ref.kind not in wanted:
        raise BadUserInput(f"{argument}: this is the id of a {ref.kind.value}, not of {names}.", argument=argument)
    if not ref.id or not ref.id.isprintable():
        raise malformed
    return ref
