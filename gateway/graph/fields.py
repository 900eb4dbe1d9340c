"""How a graph type declares its fields: read off the record, computed from it, or loaded by a batch.

A graph type is annotations with descriptions and is never instantiated: resolvers return records, and a type's fields
read them. A field that needs a batch is declared once, here, with its loader and key; the ordinary resolver and the
compiled plan both come from that one declaration (`BATCH` in the field's metadata).
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from operator import attrgetter
from typing import Any, TypeVar

import msgspec
import strawberry
from graphql import GraphQLField, GraphQLNamedType
from strawberry.types.field import StrawberryField

from gateway.errors import GatewayError, UpstreamMalformed
from gateway.graph.context import Context
from gateway.graph.ids import global_id
from gateway.graph.level_loader import LevelLoader
from gateway.model.identity import FALLBACK
from gateway.model.records import Kind, Meeting, Record, Source

T = TypeVar("T")

DEFINITION = "strawberry-definition"
"""Extension of a schema's part under which Strawberry leaves its own definition."""
OWN_NAME = "own-name"
"""Extension of a type that is shown by another name, with its name in the graph."""

BATCH = "batch"
"""Metadata of a field: how it is loaded with those of its siblings, a `Batched`."""
COMPUTED = "computed"
"""Metadata of a field: the function of the record that computes it."""
PERSONAL = "personal"
"""Metadata of a field, argument or input field: whether it holds, or asks by, personal data."""

KIND_OF: dict[type[Record], Kind] = {}
"""Which kind of node each type of record is; filled by `node_face_of`."""
FACES: dict[type[Any], type[Any]] = {}
"""Which class of records each graph type is the face of."""


class Batched(msgspec.Struct, frozen=True):
    """What a batched field is made of.

    Attributes:
        loader: The name of the loader on `Context.loaders`.
        key: The key of a record; None where there is nothing to load. For `many`, a sequence of keys.
        many: Whether a record has several keys.
        ready: The value of a record that needs no load, None where it has to be loaded.
        pick: What of the loaded value is the field's.
        only: The one source whose records it can lead to, where it is one: the others then cost nothing.
        explain: Raises, for a record without a key, why there is none, where anything went wrong.
        attribute: The record's attribute that is the key, where it is one.
    """

    loader: str
    key: Callable[[Any], Any]
    many: bool = False
    ready: Callable[[Any], Any] | None = None
    pick: Callable[[Any], Any] | None = None
    only: Source | None = None
    explain: Callable[[Any], None] | None = None
    attribute: str | None = None


def own_name(kind: GraphQLNamedType) -> str:
    """The name of a type in the graph, whatever name it is shown by."""
    name: str = kind.extensions.get(OWN_NAME, kind.name)
    return name


def declared(field: GraphQLField) -> StrawberryField | None:
    """A field's declaration; None where it has none, as those of introspection."""
    found: StrawberryField | None = field.extensions.get(DEFINITION)
    return found


def _node_id(root: strawberry.Parent[Any]) -> strawberry.ID:
    record: Record = root
    return strawberry.ID(global_id(KIND_OF[type(record)], record.source, record.source_id))


@strawberry.interface(description="An object with a global id, by which `node(id:)` fetches it again.")
class Node:
    """Relay's Node interface."""

    id: strawberry.ID = strawberry.field(
        resolver=_node_id, description="A global id: opaque, stable, accepted by `node`, `nodes` and every `by: {id}`."
    )


def face_of(record: type[Any]) -> Callable[[type[T]], type[T]]:
    """Makes a graph type the face of a record: instances of the record are taken for it.

    Raises:
        TypeError: A field of the type would read an attribute that the record does not have.
    """

    def decorate(cls: type[T]) -> type[T]:
        check_attributes(cls, record)

        def is_type_of(_cls: type[T], value: object, _info: Any) -> bool:
            return isinstance(value, record)

        FACES[cls] = record
        cls.is_type_of = classmethod(is_type_of)  # type: ignore[attr-defined]  # the hook that Strawberry looks for
        return cls

    return decorate


def reader(record: type[Any], name: str) -> Callable[[Any], Any]:
    """Reads an attribute of a record, for fields that do more than that.

    Raises:
        TypeError: The record has no such attribute.
    """
    if not hasattr(record, name):
        raise TypeError(f"{record.__name__} has no attribute {name!r}.")
    return attrgetter(name)


def check_attributes(cls: type[Any], record: type[Any]) -> None:
    """Makes sure that a record has every attribute that the fields of a graph type read off it.

    Raises:
        TypeError: It lacks one.
    """
    for name in inspect.get_annotations(cls):
        declaration = vars(cls).get(name)
        attribute: str | None = name
        if isinstance(declaration, StrawberryField):
            batched: Batched | None = declaration.metadata.get(BATCH)
            if declaration.base_resolver is not None:
                attribute = None if batched is None else batched.attribute
        if attribute is not None and not hasattr(record, attribute):
            raise TypeError(f"{cls.__name__}.{name}: {record.__name__} has no attribute {attribute!r}.")


def node_face_of(record: type[Record], kind: Kind) -> Callable[[type[T]], type[T]]:
    """Makes a graph type the face of a record that is a node of some kind."""
    KIND_OF[record] = kind
    return face_of(record)


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
        GatewayError: It took a call of its own, which failed; or it may be a twin's, which could not be looked for.
    """
    if name in getattr(record, "unreadable", ()):
        source = getattr(record, "source", None)
        raise UpstreamMalformed(
            "The source's value of this field cannot be read.", source=source.value if source is not None else "UNKNOWN"
        )
    failed: Mapping[str, GatewayError] | None = getattr(record, "failed", None)
    if failed and name in failed:
        raise failed[name]
    if isinstance(record, Meeting) and record.unfolded is not None and (name in FALLBACK or name in TWIN_FIELDS):
        raise record.unfolded


TWIN_FIELDS = frozenset({"alternate_ids", "sources", *(source.value.lower() for source in Source)})


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
    metadata = {PERSONAL: personal}
    if resolver is None:
        return strawberry.field(description=description, name=name, metadata=metadata)

    def resolve(root: strawberry.Parent[Any]) -> Any:
        return resolver(root)

    return strawberry.field(
        resolver=resolve, description=description, name=name, metadata={COMPUTED: resolver, **metadata}
    )


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

    named = key if isinstance(key, str) else None
    batched = Batched(loader, key_of, ready=ready, pick=pick, only=only, explain=explained, attribute=named)
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

    named = keys if isinstance(keys, str) else None
    batched = Batched(loader, keys_of, many=True, only=only, explain=explained, attribute=named)
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
