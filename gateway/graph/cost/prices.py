"""What the fields of the graph cost upstream: the calls that each loader and each list is reckoned with. Pure.

Every figure is an upper estimate for a gateway that has kept nothing, of a team that is no larger than `ASSUMED`: each
page comes full, the records that its rows refer to are all distinct, and either source may be the one that holds them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeAlias

import msgspec

from gateway.catalog.prices import ListPrices
from gateway.model.cost import CHUNK, Ask, How, Needs
from gateway.model.records import Source
from gateway.paging.window import DEFAULT_SIZE, MOST_SIZE

PRICE = "price"
"""Where a field's metadata has its price."""

SCREENED = 50
"""Drift rows whose events one call looks for: each by id and by UID."""
ADDRESSES = 3
"""Addresses that a person may have (Salesloft: Person model); each is one Drift call."""


class Assumed(msgspec.Struct, frozen=True):
    """The sizes that are assumed where nothing tells them.

    Attributes:
        entries: Entries of a list that has no page: attendees, participants, a person's cadences, a cadence's steps.
        users: Members of the team.
        cadences: Cadences of the team.
        steps: Steps of all its cadences.
        window: Meetings that Drift holds, from 30 days ago on.
        brought: Those of one team member among them, which a filter on whose meeting it is has to look up.
    """

    entries: int = 10
    users: int = 500
    cadences: int = 500
    steps: int = 5_000
    window: int = 1_000
    brought: int = 100


ASSUMED = Assumed()


def salesloft(kind: str, keys: str, how: How = How.BATCH, **more: Any) -> Ask:
    """One of Salesloft's lists, by keys unless told."""
    return Ask(source=Source.SALESLOFT, endpoint=f"/v2/{kind}", how=how, keys=keys, **more)


def _drift(endpoint: str, keys: str, how: How, **more: Any) -> Ask:
    return Ask(source=Source.DRIFT, endpoint=endpoint, how=how, keys=keys, **more)


PAGES = salesloft("meetings", "pages", How.EACH)
WINDOW = _drift("/users/meetings/org", "window", How.ONCE)
FEW: Mapping[str, int] = {"User": ASSUMED.users, "Cadence": ASSUMED.cadences, "Step": ASSUMED.steps}
"""Types of which there are no more records than that, whatever leads to them."""

TEAM = (salesloft("users", "team", How.ONCE), _drift("/users/list", "team", How.ONCE))
FOLDING = [(ask, 1) for ask in (WINDOW, *TEAM)]
"""What telling which records are one meeting takes: of several that hold its event the owner's is shown."""
PEOPLE = salesloft("people", "ids")
PEOPLE_BY_EMAIL = salesloft("people", "addresses", times=1)
CONTACTS = _drift("/contacts/{id}", "ids", How.EACH)
CONTACTS_BY_EMAIL = _drift("/contacts", "addresses", How.EACH, times=ADDRESSES)

LOADERS: Mapping[str, tuple[Ask, ...]] = {
    "person_by_ref": (
        msgspec.structs.replace(PEOPLE, of=Source.SALESLOFT),
        msgspec.structs.replace(CONTACTS, of=Source.DRIFT),
        msgspec.structs.replace(PEOPLE_BY_EMAIL, of=Source.DRIFT),
    ),
    "user_by_ref": (
        salesloft("users", "ids", most=ASSUMED.users // CHUNK, of=Source.SALESLOFT),
        *(msgspec.structs.replace(ask, of=Source.DRIFT) for ask in TEAM),
    ),
    "cadence_by_ref": (salesloft("cadences", "ids", most=ASSUMED.cadences // CHUNK),),
    "step_by_ref": (salesloft("steps", "ids", most=ASSUMED.steps // CHUNK),),
    "account_by_ref": (salesloft("accounts", "ids"),),
    "task_by_ref": (salesloft("tasks", "ids"),),
    "conversation_by_ref": (_drift("/conversations/{id}", "ids", How.EACH),),
    "steps_by_cadence": (salesloft("steps", "of a cadence", How.EACH, most=ASSUMED.steps // CHUNK + 1),),
    "whole_person_by_person": (CONTACTS_BY_EMAIL,),
    "whole_user_by_user": TEAM,
    "user_by_email": TEAM,
}
"""What each loader that a relation names asks for, a key each."""


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
        lists: What lists cost.
        arguments: Its arguments, as plain values.
        kind: The name of the type that it stands on.
        rows: How many records of that type there may be.
    """

    @property
    def lists(self) -> ListPrices: ...  # noqa: D102 - above
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


def of_loader(name: str, rows: int, only: Source | None = None) -> Needs:
    """What loading so many records takes; of one source's alone where it is known that they are."""
    return [(ask, rows) for ask in LOADERS[name] if only is None or ask.of is None or ask.of is only]


def screening(rows: int) -> int:
    """Calls that look for so many Drift rows in Salesloft: among active and among cancelled meetings."""
    return 2 * math.ceil(rows / SCREENED)


def free(_: Asked) -> Priced:
    """A field that asks nobody."""
    return Priced([], {})
