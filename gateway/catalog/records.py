"""Neighbours that one source alone holds: cadences, steps, accounts, tasks, conversations."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Generic, TypeVar

from gateway.errors import GatewayError
from gateway.model.order import id_key
from gateway.model.records import Record, Ref, Source, Step
from gateway.request import Request
from gateway.sources import base
from gateway.sources.base import Lookup

R = TypeVar("R", bound=Record)


class RecordLookup(Generic[R]):
    """Records of one kind, by reference.

    Args:
        ports: The look-up of each source that has such records.
    """

    def __init__(self, ports: Mapping[Source, Lookup[R] | None]) -> None:
        self._ports = {source: port for source, port in ports.items() if port is not None}

    async def by_refs(self, request: Request, refs: Sequence[Ref]) -> dict[Ref, R | GatewayError | None]:
        """The records that references name; None for what does not exist or is hidden."""
        sources = {ref.source for ref in refs}
        if len(sources) == 1:
            return await self._of_source(request, sources.pop(), refs)
        answers = await asyncio.gather(
            *(self._of_source(request, source, [ref for ref in refs if ref.source is source]) for source in sources)
        )
        return {ref: answer for part in answers for ref, answer in part.items()}

    async def _of_source(
        self, request: Request, source: Source, refs: Sequence[Ref]
    ) -> dict[Ref, R | GatewayError | None]:
        if source not in self._ports:
            return dict.fromkeys(refs)
        try:
            found = await self._ports[source].by_ids(request, [ref.id for ref in refs])
        except GatewayError as error:
            return dict.fromkeys(refs, error)
        by_id = {row.source_id: row for row in found.rows}
        return {ref: by_id.get(ref.id) or found.failures.get(ref.id) for ref in refs}


class StepsByCadence:
    """The steps of cadences, by the cadence.

    Args:
        ports: What each source that has cadences knows of their steps.
    """

    def __init__(self, ports: Mapping[Source, base.CadenceSteps | None]) -> None:
        self._ports = {source: port for source, port in ports.items() if port is not None}

    async def by_cadences(self, request: Request, refs: Sequence[Ref]) -> dict[Ref, list[Step] | GatewayError | None]:
        """The steps of the cadences that references name, by day, number and id."""
        sources = {ref.source for ref in refs}
        answers = await asyncio.gather(
            *(self._of_source(request, source, [ref for ref in refs if ref.source is source]) for source in sources)
        )
        return {ref: answer for part in answers for ref, answer in part.items()}

    async def _of_source(
        self, request: Request, source: Source, refs: Sequence[Ref]
    ) -> dict[Ref, list[Step] | GatewayError | None]:
        if source not in self._ports:
            return dict.fromkeys(refs)
        try:
            found = await self._ports[source].of_cadences(request, [ref.id for ref in refs])
        except GatewayError as error:
            return dict.fromkeys(refs, error)
        steps: dict[Ref, list[Step]] = {ref: [] for ref in refs}
        for step in sorted(found.rows, key=_step_key):
            if step.cadence in steps:
                steps[step.cadence].append(step)
        return {ref: found.failures.get(ref.id) or steps[ref] for ref in refs}


def _step_key(step: Step) -> tuple[float, float, tuple[int, str]]:
    """Day and number, those without one last; then the id."""
    last = float("inf")
    day = last if step.day is None else step.day
    number = last if step.step_number is None else step.step_number
    return day, number, id_key(step.source_id)
