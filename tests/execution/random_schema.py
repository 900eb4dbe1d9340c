"""A made-up world in memory behind the real graph: catalogs that answer at once, and misbehave on demand."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping, Sequence
from typing import Any

from gateway.catalog.pages import ListPage
from gateway.catalog.prices import Prices
from gateway.errors import UpstreamTimeout
from gateway.model.records import Kind, Ref, Source
from gateway.model.status import ReportStatus, SourceReport
from gateway.paging.window import Page
from tests.execution.values import COUNT, KINDS, WRONG, Faults, Values


class World:
    """Records by kind and number; the same for the same seed and faults."""

    def __init__(self, seed: int, faults: Faults) -> None:
        self.seed = seed
        self.faults = faults
        self.records = {
            kind: [Values((seed, kind.value, number), faults).record(kind, number) for number in range(COUNT)]
            for kind in KINDS
        }

    def outcome(self, kind: Kind, key: str) -> Any:
        """What there is under a key: a record, nothing, an error, or something else."""
        dice = random.Random(f"{self.seed}{kind}{key}")
        number = int(key) if key.isdigit() else len(key)
        if dice.random() < self.faults.failing:
            return dice.choice([UpstreamTimeout("Too slow.", source="SALESLOFT"), RuntimeError("broken")])
        if dice.random() < self.faults.missing:
            return None
        if dice.random() < self.faults.strange:
            other = dice.choice(list(self.records))
            return dice.choice([*WRONG, self.records[other][0]])
        return self.records[kind][number] if number < COUNT else None

    def rows(self, kind: Kind, count: int) -> list[Any]:
        """The rows of a list."""
        dice = random.Random(f"{self.seed}{kind}{count}")
        strange = [self.records[dice.choice(list(KINDS))][0] for _ in range(count)]
        return [
            strange[n] if dice.random() < self.faults.strange / 3 else self.records[kind][n % COUNT]
            for n in range(count)
        ]

    async def turn(self, about: object, *, cancels: bool = False) -> None:
        """What happens to a batch as a whole: nothing, some turns of the loop, or its end.

        It may not depend on the batch's keys: two executors may well cut batches differently.
        """
        dice = random.Random(f"{self.seed}{about}")
        if dice.random() < self.faults.slow:
            for _ in range(dice.randint(1, 6)):
                await asyncio.sleep(0)
        if dice.random() < self.faults.raising:
            raise dice.choice([UpstreamTimeout("Too slow.", source="DRIFT"), RuntimeError("broken")])
        if cancels and dice.random() < self.faults.cancelled:
            raise asyncio.CancelledError


REPORTS = [
    SourceReport(source=Source.SALESLOFT, status=ReportStatus.OK),
    SourceReport(source=Source.DRIFT, status=ReportStatus.FAILED, code="UPSTREAM_TIMEOUT", retry_after=1.5),
]


class Catalog:
    """What the graph asks, answered from a made-up world. Every port of the real one that is asked is here."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.sources = list(Source)
        self.prices = Prices(())
        for name, kind in (
            ("people", Kind.PERSON),
            ("directory", Kind.USER),
            ("cadences", Kind.CADENCE),
            ("steps", Kind.STEP),
            ("accounts", Kind.ACCOUNT),
            ("tasks", Kind.TASK),
            ("conversations", Kind.CONVERSATION),
            ("meetings", Kind.MEETING),
            ("person_list", Kind.PERSON),
            ("account_list", Kind.ACCOUNT),
            ("user_list", Kind.USER),
            ("cadence_list", Kind.CADENCE),
        ):
            setattr(self, name, Shelf(world, kind))
        self.steps_of_cadences = Steps(world)


class Shelf:
    """Records of one kind, by reference, by other keys, in lists."""

    def __init__(self, world: World, kind: Kind) -> None:
        self._world = world
        self._kind = kind

    async def by_refs(self, _request: object, refs: Sequence[Any], *_: Any) -> Mapping[Any, Any]:
        await self._world.turn(self._kind, cancels=self._kind is not Kind.MEETING)
        # What is no reference fails by itself: whom it would take along depends on how batches are cut.
        return {
            ref: self._world.outcome(self._kind, ref.id) if isinstance(ref, Ref) else TypeError("not a reference")
            for ref in refs
        }

    records = by_refs

    async def whole(self, _request: object, record: Any) -> Any:
        outcome = self._world.outcome(self._kind, record.source_id)
        return self._raised(record if isinstance(outcome, RuntimeError) else outcome)

    async def by_email(self, _request: object, address: str) -> Any:
        return await self.lowest(_request, address)

    async def by_calendar_event(self, _request: object, event: str, _fields: object) -> Any:
        return await self.lowest(_request, event)

    async def lowest(self, _request: object, key: object) -> Any:
        await self._world.turn((self._kind, str(key)))
        return self._raised(self._world.outcome(self._kind, str(len(str(key)) % COUNT)))

    async def team(self, _request: object) -> tuple[Any, Mapping[str, Exception]]:
        await self._world.turn("team")
        return Team(self._world), {}

    async def page(self, _request: object, query: Any, *_: Any) -> Any:
        window = query.window
        await self._world.turn((self._kind, "page", window.count))
        rows = self._world.rows(self._kind, min(window.count, 8))
        page: Page[Any] = Page(rows=rows, start=None, end=None, ahead=window.count > 3)
        return ListPage(page=page, behind=False, total=len(rows), reports=REPORTS)

    def _raised(self, outcome: Any) -> Any:
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


class Team:
    """The users by address."""

    def __init__(self, world: World) -> None:
        self._world = world

    def by_email(self, address: str) -> Any:
        return self._world.outcome(Kind.USER, str(len(address)))


class Steps:
    """The steps of cadences."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def by_cadences(self, _request: object, refs: Sequence[Ref]) -> Mapping[Ref, Any]:
        await self._world.turn("steps", cancels=True)
        found: dict[Ref, Any] = {}
        for ref in refs:
            outcome = self._world.outcome(Kind.STEP, ref.id)
            rows = [outcome, *self._world.records[Kind.STEP][:2]]
            found[ref] = outcome if ref.id == "0" and isinstance(outcome, Exception) else rows[outcome is None :]
        return found
