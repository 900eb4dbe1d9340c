"""Global ids: kind, source and id of a record as opaque text."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.model.records import Kind, Source
from gateway.paging.cursor import opaque

SEPARATOR = ":"
KINDS: Mapping[str, Kind] = {kind.value: kind for kind in Kind}
SOURCES: Mapping[str, Source] = {source.value: source for source in Source}
_PREFIXES = {
    (kind, source): f"{kind.value}{SEPARATOR}{source.value}{SEPARATOR}".encode() for kind in Kind for source in Source
}


def global_id(kind: Kind, source: Source, source_id: str) -> str:
    """A record's global id."""
    return opaque(_PREFIXES[kind, source] + source_id.encode())
