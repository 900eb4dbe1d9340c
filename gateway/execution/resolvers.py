"""How the value of each field is resolved: what the maker of a schema declares to the compiler.

The compiler knows graphql-core's schema and nothing of how it was made. A `Declarations` says, field by field,
which of four ways leads to the value; what it says has to be what the field's own resolver would do.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable, Hashable, Sequence
from typing import Any, Protocol, TypeAlias

from graphql import GraphQLField, GraphQLLeafType, GraphQLObjectType

Context: TypeAlias = Any
"""What resolvers are given; the executor passes it on."""


class Loader(Protocol):
    """Loads values by key for one request; keys that were loaded are not loaded again."""

    def load_level(self, keys: Sequence[Any]) -> asyncio.Future[list[Any]]:
        """The value, None or exception of each key, in the order of the keys.

        Raises:
            TypeError: One cannot be hashed.
        """
        ...


@dataclasses.dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute of the record.

    Attributes:
        name: The attribute.
        read: The careful way to it, `read(record, name)`: may raise where the attribute is null.
    """

    name: str
    read: Callable[[Any, str], Any]


@dataclasses.dataclass(frozen=True, slots=True)
class Computed:
    """A function of the record alone: synchronous, and free of effects, for it may be called twice."""

    function: Callable[[Any], Any]


@dataclasses.dataclass(frozen=True, slots=True)
class Batch:
    """Something that is loaded by key, for all the records of a level at once.

    Attributes:
        name: What the loader is called; loads of one name go together.
        loader: The loader of a request, from its context.
        key: The key of a record, None where there is nothing to load. For `many`, a sequence of keys, or None.
        many: Whether a record has several keys; its value is then the list of what is found, without gaps.
        ready: The value of a record that needs no load, None where it has to be loaded.
        pick: What of the loaded value is the field's.
        explain: Raises, for a record without a key, the field's error, where there is one.
    """

    name: str
    loader: Callable[[Context], Loader]
    key: Callable[[Any], Any]
    many: bool = False
    ready: Callable[[Any], Any] | None = None
    pick: Callable[[Any], Any] | None = None
    explain: Callable[[Any], None] | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Called:
    """Whatever the field's resolver returns, called once a record with the field's arguments."""


Resolver: TypeAlias = Attribute | Computed | Batch | Called


@dataclasses.dataclass(frozen=True, slots=True)
class Face:
    """The class whose instances are taken for an object type.

    Attributes:
        record: The class.
        sound: Whether reading any attribute of these records can be done plainly, since none raises.
    """

    record: type[Any]
    sound: Callable[[Sequence[Any]], bool] | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Memo:
    """Values of a scalar whose texts may be cached, since equal ones have equal texts.

    Attributes:
        of: Their class.
        admits: Whether a value of that class is one of them.
    """

    of: type[Any]
    admits: Callable[[Any], bool]


class Declarations(Protocol):
    """What the compiler needs to know of a schema."""

    def resolver(self, parent: GraphQLObjectType, name: str, field: GraphQLField) -> Resolver:
        """How a field's value is had."""
        ...

    def face(self, kind: GraphQLObjectType) -> Face | None:
        """The class of an object type's values; None where it is not known, and the type itself is asked."""
        ...

    def memo(self, scalar: GraphQLLeafType) -> Memo | None:
        """The values of a scalar whose texts may be cached."""
        ...

    def audience(self, context: Context) -> Hashable:
        """What of a context decides which fields are refused; plans are cached apart by it."""
        ...

    def refusal(self, context: Context, parent: GraphQLObjectType, name: str, field: GraphQLField) -> Exception | None:
        """Why a field is refused to everyone of this audience, None where it is not; reported once per field."""
        ...
