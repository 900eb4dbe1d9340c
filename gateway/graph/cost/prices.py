"""What the fields of the graph cost upstream, in the prices of the catalog: the graph only adds them up. Pure.

Every figure is an upper estimate for a gateway that has cached nothing, of a team that is no larger than `ASSUMED`:
each page comes full, the records that its rows refer to are all distinct, and any source may hold any of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeAlias

import msgspec

from gateway.catalog.prices import Prices
from gateway.model.cost import ASSUMED, Needs
from gateway.paging.window import DEFAULT_SIZE, MOST_SIZE

PRICE = "price"
"""Where a field's metadata has its price."""

FEW: Mapping[str, int] = {"User": ASSUMED.users, "Cadence": ASSUMED.cadences, "Step": ASSUMED.steps}
"""Types of which there are no more records than that, whatever leads to them."""


class Priced(msgspec.Struct, frozen=True):
    """What a field comes to.

    Attributes:
        needs: The calls.
        rows: Records that it leads to, by the name of their type; those of a connection are its rows.
    """

    needs: Needs
    rows: Mapping[str, int]


class Asked(Protocol):
    """One field of an operation.

    Attributes:
        prices: What lists and records cost.
        arguments: Its arguments, as plain values.
        kind: The name of the type that it stands on.
        rows: How many records of that type there may be.
    """

    @property
    def prices(self) -> Prices: ...  # noqa: D102 - above
    @property
    def arguments(self) -> Mapping[str, Any]: ...  # noqa: D102 - above
    @property
    def kind(self) -> str: ...  # noqa: D102 - above
    @property
    def rows(self) -> int: ...  # noqa: D102 - above

    def selects(self, *path: str) -> bool:
        """Whether a field is selected below it."""
        ...


Price: TypeAlias = Callable[[Asked], Priced]


def page_size(arguments: Mapping[str, Any]) -> int:
    """Rows of a page at most."""
    for name in ("first", "last"):
        size = arguments.get(name)
        if isinstance(size, int):
            return max(0, min(size, MOST_SIZE))
    return DEFAULT_SIZE


def conditions_of(asked: Asked) -> Mapping[str, Any]:
    """The filter of a list."""
    given = asked.arguments.get("filter")
    return given if isinstance(given, Mapping) else {}


def free(_: Asked) -> Priced:
    """A field that asks nobody."""
    return Priced([], {})
