"""Salesloft's lists of people, accounts, cadences and steps behind the protocols of `sources.base`."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, ClassVar, Generic, Protocol, TypeVar

import msgspec

from gateway.model import records
from gateway.model.order import Walk
from gateway.model.records import Cadence, Record, Ref, Source, Step
from gateway.paging.merge import Lane
from gateway.sources.base import Found, Lookup, Traits
from gateway.sources.kept import Translated, spoilt
from gateway.sources.salesloft import wire
from gateway.sources.salesloft.api import COUNTS, OLDEST_FIRST, Api, joined, pieced, together
from gateway.sources.salesloft.endpoints import CADENCES, STEPS, Endpoint, Rows
from gateway.sources.salesloft.neighbour_params import NeighbourListing
from gateway.sources.salesloft.newest import Newest
from gateway.sources.salesloft.params import is_number
from gateway.upstream.batch import Limits
from gateway.upstream.lists import Lists
from gateway.upstream.records import Kind, Records
from gateway.upstream.request import Request

W = TypeVar("W", bound=msgspec.Struct)
R = TypeVar("R", bound=Record)
R_contra = TypeVar("R_contra", bound=Record, contravariant=True)

MOST_PAGES = 100
"""Pages of a directory that are read at most: 10,000 rows, which cost 100 units."""

FEW = 2
"""Cadences whose steps are asked for one by one, without a look at how many steps there are in all."""


class Wanted(Protocol[R_contra]):
    """A filter of a list."""

    def admits(self, record: R_contra, /) -> bool:
        """Whether every condition holds."""
        ...


F = TypeVar("F", bound=Wanted[Any])


@dataclasses.dataclass(frozen=True, slots=True)
class NewestFirst(Generic[W, R, F]):
    """A list that is walked by the time of its records' making.

    Attributes:
        listings: What a filter comes to upstream.
        lookup: Its records by their ids.
    """

    traits: ClassVar[Traits] = Traits()

    api: Api
    endpoint: Endpoint[W, R]
    listings: Callable[[F], Sequence[NeighbourListing]]
    lookup: Lookup[R]

    def lanes(self, request: Request, walk: Walk, wanted: F) -> Sequence[Lane[R]]:
        """One lane a listing."""
        return [
            Newest(
                self.api,
                request,
                self.endpoint,
                params=listing.params,
                span=listing.created_at,
                walk=walk,
                admits=wanted.admits,
                alone=listing.alone,
            )
            for listing in self.listings(wanted)
        ]

    async def count(self, request: Request, wanted: F) -> int | None:
        """How many rows the filter admits; None where part of it can only be checked on each row."""
        found = self.listings(wanted)
        if not all(listing.exact and listing.alone for listing in found):
            return None
        pages = await together(
            self.api.page(
                request,
                self.endpoint,
                (*listing.params, *listing.created_at.params("created_at"), *COUNTS),
                per_page=1,
                kept=True,
            )
            for listing in found
        )
        totals = [page.total for page in pages if page.total is not None]
        return sum(totals) if len(totals) == len(pages) else None

    async def by_ids(self, request: Request, ids: Sequence[str]) -> Found[R]:
        """The records with these ids."""
        return await self.lookup.by_ids(request, ids)

    def admits(self, wanted: F, record: R) -> bool:  # noqa: ARG002 - see `Listing`
        """Whether Salesloft's own part of a filter holds: there is none."""
        return True


def all_cadences(api: Api) -> Callable[[Request], Awaitable[Found[Cadence]]]:
    """Reads every cadence that the credential may see, in pages of a hundred, and keeps them."""
    kind = Kind(
        name="all cadences",
        endpoint=CADENCES.path,
        codec=CADENCES.founds,
        lifetimes=api.lives.directories,
        doubtful=spoilt,
    )

    async def read(request: Request, _: str) -> Translated[Rows[wire.Cadence], Found[Cadence]]:
        return await api.everything(request, CADENCES, most_pages=MOST_PAGES)

    lists = Lists(api.client, kind, read)

    async def read_all(request: Request) -> Found[Cadence]:
        return (await lists.get(request, "all")).value.value

    return read_all


class CadenceSteps:
    """The steps of cadences: `cadence_id` takes one value (Salesloft: List steps).

    Args:
        api: The calls.
    """

    def __init__(self, api: Api) -> None:
        kept = api.lives.directories
        self._api = api
        self._of_one = Records(
            api.client,
            Kind(name="steps of cadence", endpoint=STEPS.path, codec=STEPS.founds, lifetimes=kept, doubtful=spoilt),
            self._read_one,
            limits=Limits(keys=1),
        )
        self._all = Lists(
            api.client,
            Kind(name="all steps", endpoint=STEPS.path, codec=STEPS.founds, lifetimes=kept, doubtful=spoilt),
            self._read_all,
        )

    async def of_cadences(self, request: Request, cadence_ids: Sequence[str]) -> Found[Step]:
        """Every step of these cadences: a call each, or all steps there are where those are no more calls."""
        ids = sorted(filter(is_number, set(cadence_ids)))
        if len(ids) > FEW:
            whole = (await self._all.get(request, len(ids))).value.value
            if whole.incomplete is None:
                return whole
        answers = await self._of_one.get(request, ids)
        found = joined(held.value for held in answers.found.values())
        return msgspec.structs.replace(found, failures=answers.failed)

    async def _read_all(self, request: Request, most_pages: int) -> Translated[Rows[wire.Step], Found[Step]]:
        return await self._api.everything(request, STEPS, most_pages=most_pages, or_nothing=True)

    async def _read_one(
        self, request: Request, keys: Sequence[str]
    ) -> Mapping[str, Translated[Rows[wire.Step], Found[Step]]]:
        (cadence_id,) = keys
        whole = await self._api.whole(request, STEPS, (("cadence_id", cadence_id), *OLDEST_FIRST), one=True)
        cadence = Ref(Source.SALESLOFT, records.Kind.CADENCE, cadence_id)
        both = zip(whole.sent.rows, whole.value.rows, strict=True)
        ours = [(row, step) for row, step in both if step.cadence == cadence]
        return {cadence_id: pieced(ours, whole.sent.lost, whole.sent.incomplete)}
