"""Global ids: kind, source and id of a record as opaque text."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Collection, Mapping

from gateway.errors import BadUserInput
from gateway.graph.texts import as_source_id
from gateway.model.records import Kind, Ref, Source
from gateway.paging.cursor import opaque

SEPARATOR = ":"
MOST = 2048
"""Characters an id may have: a source's own has up to 255, of up to four bytes."""
ALL = frozenset(Kind)
KINDS: Mapping[str, Kind] = {kind.value: kind for kind in Kind}
SOURCES: Mapping[str, Source] = {source.value: source for source in Source}
_PREFIXES = {
    (kind, source): f"{kind.value}{SEPARATOR}{source.value}{SEPARATOR}".encode() for kind in Kind for source in Source
}


def global_id(kind: Kind, source: Source, source_id: str) -> str:
    """A record's global id."""
    return opaque(_PREFIXES[kind, source] + source_id.encode())


def decode_id(text: str, argument: str, kinds: Collection[Kind] = ALL) -> Ref:
    """The record that a global id names.

    Args:
        text: The id.
        argument: The argument that it came in, for the error.
        kinds: The kinds that it may name.

    Raises:
        BadUserInput: It is no global id of ours, or names another kind of record.
    """
    ref = _decoded(text) if len(text) <= MOST else None
    if ref is not None and ref.kind in kinds:
        return ref
    names = " or ".join(kind.value for kind in kinds) if len(kinds) < len(Kind) else "any record"
    if ref is not None:
        raise BadUserInput(f"{argument}: this is the id of a {ref.kind.value}, not of {names}.", argument=argument)
    raise BadUserInput(f"{argument}: not a global id of {names}; ids come from the field `id`.", argument=argument)


def _decoded(text: str) -> Ref | None:
    """The record that a text names; None where it names none."""
    try:
        plain = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True).decode()
    except (ValueError, binascii.Error):
        return None
    kind, _, rest = plain.partition(SEPARATOR)
    source, _, source_id = rest.partition(SEPARATOR)
    if kind not in KINDS or source not in SOURCES:
        return None
    own = as_source_id(SOURCES[source], KINDS[kind], source_id)
    return None if own is None else Ref(SOURCES[source], KINDS[kind], own)
