"""How a graph type declares its fields: read off the record, computed from it, or loaded by a batch.

A graph type is annotations with descriptions and is never instantiated: resolvers return records, and a type's fields
read them. A field that needs a batch is declared once, here, with its loader and key; the ordinary resolver and the
compiled plan both come from that one declaration (`BATCH` in the field's metadata).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Any

import msgspec
import strawberry

from gateway.errors import UpstreamMalformed
from gateway.graph.access import PERSONAL
from gateway.graph.context import Context
from gateway.graph.loaders import LevelLoader
from gateway.model.identity import FALLBACK
from gateway.model.records import Meeting, Source

BATCH = "batch"
COMPUTED = "computed"
"""Where a field's metadata has its batch, and the function that it is computed by."""


class Batched(msgspec.Struct, frozen=True):
    """What a batched field is made of.

    Attributes:
        loader: The name of the loader on `Context.loaders`.
        key: The key of a record; None where there is nothing to load. For `many`, a sequence of keys.
        many: Whether a record has several keys.
        ready: The value of a record that needs no load, None where it has to be loaded.
        pick: What of the loaded value is the field's.
        only: The one source whose records it can lead to, where it is one: the others are then not reckoned with.
    """

    loader: str
    key: Callable[[Any], Any]
    many: bool = False
    ready: Callable[[Any], Any] | None = None
    pick: Callable[[Any], Any] | None = None
    only: Source | None = None


def read(record: Any, name: str) -> Any:
    """A plain field of a record; the default resolver of the schema.

    Raises:
        UpstreamMalformed: The source sent a value that cannot be read.
    """
    value = getattr(record, name)
    if value is None:
        explain(record, name)
    return value


def explain(record: Any, name: str) -> None:
    """Raises, where a field is null because something went wrong, what did.

    Raises:
        UpstreamMalformed: The source sent a value that cannot be read.
        GatewayError: The field may be a twin's, which could not be looked for.
    """
    if name in getattr(record, "unreadable", ()):
        source = getattr(record, "source", None)
        raise UpstreamMalformed(
            "The source's value of this field cannot be read.", source=source.value if source is not None else "UNKNOWN"
        )
    if isinstance(record, Meeting) and record.unfolded is not None and (name in FALLBACK or name in TWIN_FIELDS):
        raise record.unfolded


TWIN_FIELDS = frozenset({"drift", "alternate_ids", "sources"})


def field(
    description: str,
    resolver: Callable[[Any], Any] | None = None,
    *,
    name: str | None = None,
    personal: bool = False,
) -> Any:
    """A field read off the record, or computed from it.

    Args:
        description: What GraphiQL's documentation says.
        resolver: A function of the record; None reads the attribute of the same name.
        name: The name in the graph, where it is not the attribute's in camelCase.
        personal: Whether it holds personal data.
    """
    told = {PERSONAL: personal}
    if resolver is None:
        return strawberry.field(description=description, name=name, metadata=told)

    def resolve(root: strawberry.Parent[Any]) -> Any:
        return resolver(root)

    return strawberry.field(resolver=resolve, description=description, name=name, metadata={COMPUTED: resolver, **told})


def relation(
    loader: str,
    key: Callable[[Any], Hashable | None],
    description: str,
    *,
    ready: Callable[[Any], Any] | None = None,
    pick: Callable[[Any], Any] | None = None,
    only: Source | None = None,
    personal: bool = False,
) -> Any:
    """A field that is loaded with those of its siblings, one batch a level; see `Batched`."""

    def resolve(root: strawberry.Parent[Any], info: strawberry.Info[Context, None]) -> Any:
        if ready is not None and (value := ready(root)) is not None:
            return value
        wanted = key(root)
        if wanted is None:
            return None
        loading = _loader(info, loader).load(wanted)
        return loading if pick is None else _picked(loading, pick)

    batched = Batched(loader, key, ready=ready, pick=pick, only=only)
    return strawberry.field(resolver=resolve, description=description, metadata={BATCH: batched, PERSONAL: personal})


def relations(
    loader: str, keys: Callable[[Any], Sequence[Hashable] | None], description: str, *, only: Source | None = None
) -> Any:
    """A list field that is loaded by several keys a record; what does not exist is left out."""

    def resolve(root: strawberry.Parent[Any], info: strawberry.Info[Context, None]) -> Any:
        wanted = keys(root)
        return None if wanted is None else _present(_loader(info, loader).load_level(wanted))

    batched = Batched(loader, keys, many=True, only=only)
    return strawberry.field(resolver=resolve, description=description, metadata={BATCH: batched})


def _loader(info: strawberry.Info[Context, None], name: str) -> LevelLoader[Any, Any]:
    loader: LevelLoader[Any, Any] = getattr(info.context.loaders, name)
    return loader


async def _picked(loading: Awaitable[Any], pick: Callable[[Any], Any]) -> Any:
    value = await loading
    return None if value is None else pick(value)


async def _present(loading: Awaitable[list[Any]]) -> list[Any]:
    values = await loading
    for value in values:
        if isinstance(value, Exception):
            raise value
    return [value for value in values if value is not None]
