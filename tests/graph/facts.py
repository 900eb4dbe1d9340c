"""A world's facts for tests of filters: what is shown, values worth filtering by, and what one filter's case is."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable
from functools import cached_property
from typing import Any, TypeAlias

from gateway.emulator.world import World
from tests.graph.oracle import Event, Row, Truth, formatted

Keep: TypeAlias = Callable[[Event], bool]


class Facts(Truth):
    """A world, what is shown of it, and values worth filtering by."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._shown: dict[str, Row] = {}

    def shown(self, event: Event) -> Row:
        known = self._shown.get(event.id)
        if known is None:
            known = self._shown[event.id] = self.meeting(event)
        return known

    def id_in(self, name: str) -> Callable[[Event], str | None]:
        def read(event: Event) -> str | None:
            found: Row = self.shown(event)[name] or {}
            return found.get("id")

        return read

    @cached_property
    def folded(self) -> list[Event]:
        return [event for event in self.events if event.hub and event.chats]

    def common(self, name: str, events: list[Event] | None = None) -> list[str]:
        """The ids of a related record by how many meetings have it, of those that may be seen."""
        found = Counter(filter(None, map(self.id_in(name), events or self.events)))
        return [key for key, _ in sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))]

    def of_hub(self, *path: str) -> list[Any]:
        """Salesloft's values of a field by how often they come."""

        def read(row: Row) -> Any:
            found: Any = row
            for name in path:
                found = (found or {}).get(name)
            return found

        values = Counter(value for row in self.hub.meetings.values() if (value := read(row)) is not None)
        return [value for value, _ in sorted(values.items(), key=lambda pair: (-pair[1], str(pair[0])))]

    def of_chat(self, name: str) -> list[Any]:
        values = Counter(row[name] for row in self.window if name in row)
        return [value for value, _ in sorted(values.items(), key=lambda pair: (-pair[1], str(pair[0])))]


@dataclasses.dataclass(frozen=True)
class Case:
    """One filter.

    Attributes:
        filter: As the client writes it.
        keep: What it means; cancelled meetings are left out beforehand unless `canceled` says otherwise.
        sent: Parameters of every walk in Salesloft's list; None where none may be walked.
        skipped: The sources none of whose own rows can meet it.
        canceled: Whether cancelled meetings are in.
    """

    filter: dict[str, Any]
    keep: Keep
    sent: dict[str, list[str]] | None = dataclasses.field(default_factory=dict)
    skipped: str | None = None
    canceled: bool = False


def of_salesloft(test: Callable[[Row], bool]) -> Keep:
    return lambda event: event.hub is not None and test(event.hub)


def of_drift(test: Callable[[Row], bool]) -> Keep:
    return lambda event: bool(event.chats) and test(event.chats[0])


def between(value: str, low: str, high: str) -> Keep:
    return lambda event: (at := getattr(event, value)) is not None and low <= (formatted(at) or "") < high


ACTIVE = {"show_deleted": ["false"]}
Make: TypeAlias = Callable[[Facts], Case]
