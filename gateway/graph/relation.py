"""How a graph type declares its fields: read off the record, computed from it, or loaded by a batch.

A graph type is annotations with descriptions and is never instantiated: resolvers return records, and a type's fields
read them. A field that needs a batch is declared once, here, with its loader and key; the ordinary resolver and the
compiled plan both come from that one declaration (`BATCH` in the field's metadata).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable, Sequence
from operator import attrgetter
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
        explain: Raises, for a record without a key, why there is none, where anything went wrong.
    """

    loader: str
    key: Callable[[Any], Any]
    many: bool = False
    ready: Callable[[Any], Any] | None = None
    pick: Callable[[Any], Any] | None = None
    only: Source | None = None
    explain: Callable[[Any], None] | None = None


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
    key: str | Callable[[Any], Hashable | None],
    description: str,
    *,
    ready: Callable[[Any], Any] | None = None,
    pick: Callable[[Any], Any] | None = None,
    only: Source | None = None,
    personal: bool = False,
) -> Any:
    """A field that is loaded with those of its siblings, one batch a level; see `Batched`.

    Args:
        loader: See `Batched`.
        key: The name of the attribute that is the key, which may be unreadable; or see `Batched`.
        description: What GraphiQL's documentation says.
        ready: See `Batched`.
        pick: See `Batched`.
        only: See `Batched`.
        personal: Whether it holds personal data.
    """
    key_of, explained = _key(key)

    def resolve(root: strawberry.Parent[Any], info: strawberry.Info[Context, None]) -> Any:
        if ready is not None and (value := ready(root)) is not None:
            return value
        wanted = key_of(root)
        if wanted is None:
            return explained(root) if explained is not None else None
        loading = _loader(info, loader).load(wanted)
        return loading if pick is None else _picked(loading, pick)

    batched = Batched(loader, key_of, ready=ready, pick=pick, only=only, explain=explained)
    return strawberry.field(resolver=resolve, description=description, metadata={BATCH: batched, PERSONAL: personal})


def relations(
    loader: str,
    keys: str | Callable[[Any], Sequence[Hashable] | None],
    description: str,
    *,
    only: Source | None = None,
) -> Any:
    """A list field that is loaded by several keys a record (see `relation`); what does not exist is left out."""
    keys_of, explained = _key(keys)

    def resolve(root: strawberry.Parent[Any], info: strawberry.Info[Context, None]) -> Any:
        wanted = keys_of(root)
        if wanted is None:
            return explained(root) if explained is not None else None
        return _present(_loader(info, loader).load_level(wanted))

    batched = Batched(loader, keys_of, many=True, only=only, explain=explained)
    return strawberry.field(resolver=resolve, description=description, metadata={BATCH: batched})


def _key(key: str | Callable[[Any], Any]) -> tuple[Callable[[Any], Any], Callable[[Any], None] | None]:
    """What reads a record's key, and what explains that there is none."""
    if callable(key):
        return key, None
    name = key
    return attrgetter(name), lambda record: explain(record, name)


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
