"""The protocols that a source fulfils, and its traits. The catalog sees nothing else of a source.

A source is a set of ports, one a kind of record; those it cannot fill stay None. Every port takes the request first:
its deadline bounds the call, its ledger notes it.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Generic, Protocol, TypeVar

import msgspec

from gateway.errors import LimitReached, UpstreamError, UpstreamMalformed
from gateway.model.conditions import Filter, lacking
from gateway.model.cost import ListPrice, ListShape, Needs
from gateway.model.filters import MeetingFilter
from gateway.model.order import Walk
from gateway.model.record_filters import AccountFilter, CadenceFilter, PersonFilter
from gateway.model.records import (
    Account,
    Cadence,
    Conversation,
    Meeting,
    MeetingStatus,
    Person,
    Ref,
    Source,
    Step,
    Task,
    User,
)
from gateway.paging.merge import Lane, Problem
from gateway.request import Clock, Request
from gateway.sources.examination import Examiner
from gateway.sources.live import LiveMeetings, WebhookSubscriptions

R = TypeVar("R")
F_contra = TypeVar("F_contra", contravariant=True)

log = logging.getLogger(__name__)


class Found(msgspec.Struct, Generic[R], frozen=True, kw_only=True):
    """What a look-up yields, in no promised order; what does not exist is left out.

    Attributes:
        rows: The records.
        problems: What of the answer could not be read.
        incomplete: Why rows are missing though nothing failed, in a sentence for clients; None where none are.
        failures: The error of each asked key (as it was asked) whose own call failed while others answered. A look-up
            none of whose calls answered raises instead.
    """

    rows: list[R]
    problems: tuple[Problem, ...] = ()
    incomplete: str | None = None
    failures: Mapping[str, UpstreamError | LimitReached] = {}


def lost_in(found: Found[R], source: Source) -> UpstreamMalformed | None:
    """Why what is not among the rows of a whole list may be in it after all; None where it is not."""
    if not any(problem.lost for problem in found.problems):
        return None
    return UpstreamMalformed("A row of the source's list cannot be read; it may be this record.", source=source.value)


class Traits(msgspec.Struct, frozen=True, kw_only=True):
    """What a source can and cannot tell of its records.

    Attributes:
        statuses: Every status that its records can have.
        tells_no_show: Whether its records know of no-shows.
        has_all_day: Whether any of its meetings may go by days.
        reaches_back: How far into the past it goes, None where without end.
        reaches_ahead: How far into the future, likewise.
        blank: Names of the record's attributes that none of its records has a value of. A condition on those alone it
            cannot meet.
        many: Names of the filter's attributes of which one of its walks asks for many values at the price of one.
        page_rows: Rows that a read may ask for at the price of one: full pages cost what small ones do.
        near: How far apart its record of an event and another source's may start; None where the event alone decides.
        reads_once: Whether whatever a walk reads serves all others of a request, so that walking lists together would
            save nothing.
        in_memory: Whether its records are held in memory, in one lane, so that to look through all costs no more than
            to look at one.
    """

    statuses: frozenset[MeetingStatus] = frozenset(MeetingStatus)
    tells_no_show: bool = True
    has_all_day: bool = True
    reaches_back: dt.timedelta | None = None
    reaches_ahead: dt.timedelta | None = None
    blank: frozenset[str] = frozenset()
    many: frozenset[str] = frozenset()
    page_rows: int = 100
    near: dt.timedelta | None = None
    reads_once: bool = False
    in_memory: bool = False

    def lacks(self, kind: type[Filter[Any]]) -> frozenset[str]:
        """The conditions of a filter that none of its records can meet."""
        return lacking(kind, self.blank)


class Lookup(Protocol[R]):
    """Records of one kind by their ids."""

    async def by_ids(self, request: Request, ids: Sequence[str]) -> Found[R]:
        """The records with these ids; those that do not exist, or are hidden from the credential, are left out."""
        ...

    def price_of_ids(self, ids: int) -> Needs:
        """What so many ids cost at most."""
        ...


class PeopleLookup(Lookup[Person], Protocol):
    """People by id and by e-mail address."""

    @property
    def most_addresses(self) -> int:
        """E-mail addresses that one of them may have."""
        ...

    async def by_emails(self, request: Request, emails: Sequence[str]) -> Found[Person]:
        """Everybody who has one of these addresses (folded, see `model.filters.fold_email`)."""
        ...

    def price_of_emails(self, emails: int) -> Needs:
        """What so many addresses cost at most."""
        ...


class UserLookup(Protocol):
    """The members of the team."""

    @property
    def traits(self) -> Traits:
        """What of `UserFilter` they can and cannot tell."""
        ...

    async def by_refs(self, request: Request, refs: Sequence[Ref]) -> Found[User]:
        """The users named by these references, whichever of their keys those bear."""
        ...

    async def all(self, request: Request) -> Found[User]:
        """The whole team."""
        ...

    def price_of_refs(self, refs: int) -> Needs:
        """What so many references cost at most."""
        ...

    def price_of_all(self) -> Needs:
        """What the whole team costs at most."""
        ...


class Listing(Lookup[R], Protocol[R, F_contra]):
    """Records of one kind that can be walked in order: read from upstream bit by bit, or held in memory."""

    @property
    def traits(self) -> Traits:
        """What the records can and cannot tell."""
        ...

    def lanes(self, request: Request, walk: Walk, wanted: F_contra) -> Sequence[Lane[R]]:
        """The lanes whose union is every record that the filter admits; a record may come along several of them.

        No call is made before a lane is read. Rows are already checked by `admits` here.
        """
        ...

    async def count(self, request: Request, wanted: F_contra) -> int | None:
        """How many records the filter admits; None where the source cannot decide that by itself."""
        ...

    def admits(self, wanted: F_contra, record: R) -> bool:
        """Whether the source's own part of a filter holds on one of its records."""
        ...

    def price(self, shape: ListShape) -> ListPrice:
        """What a page of it costs at most; no call is made to tell."""
        ...


class MeetingListing(Listing[Meeting, MeetingFilter], Protocol):
    """The meetings of a source; by their ids cancelled ones are found as well."""

    async def same_events(self, request: Request, meetings: Sequence[Meeting]) -> Found[Meeting]:
        """Every meeting of this source, cancelled ones included, that may be the event of one of `meetings`.

        The answer may hold more than that; `model.identity` decides.
        """
        ...

    async def any_of_events(
        self, request: Request, meetings: Sequence[Meeting], most_units: float
    ) -> Sequence[Meeting] | None:
        """At least one meeting of each event of `meetings` that the source holds any of, in as few calls as may be.

        Returns:
            None where finding out would take `most_units` or more.
        """
        ...

    def fitting(self, meetings: Sequence[Meeting], following: Iterable[Meeting]) -> list[Meeting]:
        """Those of the following meetings, in order, that `same_events` can be asked for in the calls of `meetings`."""
        ...

    def price_of_events(self, rows: int) -> Needs:
        """What `same_events` costs at most for so many meetings."""
        ...

    def most_touching(self, shape: ListShape, lists: int) -> int:
        """How many records may meet a condition on links, of so many filters of a shape: an estimate."""
        ...

    async def has_people(self, request: Request, wanted: MeetingFilter) -> bool:
        """Whether any record that meets the source's own part of a filter may have a person.

        Where none has, nobody needs to be looked up to know whom the filter means.
        """
        ...


class MeetingDetails(Protocol):
    """What of a source's meetings takes calls of its own, and so is read only where it is selected."""

    @property
    def fields(self) -> frozenset[str]:
        """Names of attributes that a meeting bears only once it was read; `<source>.<field>` is one of the vendor's."""
        ...

    async def fill(self, request: Request, meetings: Sequence[Meeting]) -> Sequence[Meeting]:
        """The same meetings, in order, with these; where one's could not be read, `failed` on it says why."""
        ...

    def price(self, rows: int) -> Needs:
        """What that takes at most for so many meetings."""
        ...

    def price_of_conditions(self, shape: ListShape) -> Needs:
        """What deciding a list's conditions takes at most that these alone can tell, however many lists there are."""
        ...


class AddressedPeople(Protocol):
    """People whom a source knows by nothing but an address, which their ids are made of."""

    def ref_of(self, address: str) -> Ref:
        """The reference of the person with an address, whether the source knows them or not."""
        ...

    def address_of(self, ref: Ref) -> str | None:
        """The address, folded, that a reference was made of; None where it is not the source's."""
        ...


class CadenceSteps(Protocol):
    """The steps of cadences."""

    async def of_cadences(self, request: Request, cadence_ids: Sequence[str]) -> Found[Step]:
        """Every step of these cadences; a cadence whose own call failed is among the failures, by its id."""
        ...

    def price_of_cadences(self, cadences: int) -> Needs:
        """What the steps of so many cadences cost at most."""
        ...


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """What one cheap answer of a source shows of how well it is understood.

    Attributes:
        rows: How many meetings it held.
        unreadable: What of them could not be read, in our own words.
        unknown: Names of fields that nobody knows; they are ignored.
    """

    rows: int
    unreadable: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


class Sampler(Protocol):
    """Asks a source one cheap question."""

    async def __call__(self, request: Request) -> Sample:
        """What the answer shows.

        Raises:
            UpstreamError: The source did not answer, or not as asked.
        """
        ...


class Probe(Protocol):
    """Asks a source one cheap question that needs a scope."""

    async def __call__(self, request: Request) -> object:
        """Asks it; what comes is of no interest.

        Raises:
            UpstreamRefused: The credential may not ask it.
            UpstreamError: The source did not answer, or not as asked.
        """
        ...


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """One source's ports.

    Attributes:
        sample: Asks for a meeting.
        scope: The source's name of the scope which that takes.
        probes: The other scopes that are made use of, by the source's names, each with what takes it.
        examine: Asks an account what the vendor's documents leave open.
        live: Tells what changes; None where nothing can.
        subscriptions: The vendor's subscriptions to what happens; None where it has no calls for them.
        details: What of its meetings takes calls of its own.
        addressed: Finds the id of an address without a call, where its people are nothing but addresses.
    """

    source: Source
    meetings: MeetingListing | None = None
    details: MeetingDetails | None = None
    people: PeopleLookup | None = None
    addressed: AddressedPeople | None = None
    users: UserLookup | None = None
    cadences: Lookup[Cadence] | None = None
    steps: Lookup[Step] | None = None
    accounts: Lookup[Account] | None = None
    tasks: Lookup[Task] | None = None
    conversations: Lookup[Conversation] | None = None
    sample: Sampler | None = None
    scope: str = ""
    probes: Mapping[str, Probe] = dataclasses.field(default_factory=dict)
    examine: Examiner | None = None
    person_list: Listing[Person, PersonFilter] | None = None
    account_list: Listing[Account, AccountFilter] | None = None
    cadence_list: Listing[Cadence, CadenceFilter] | None = None
    cadence_steps: CadenceSteps | None = None
    live: LiveMeetings | None = None
    subscriptions: WebhookSubscriptions | None = None


REMEMBERED = 3600.0
"""Seconds for which it is remembered that an answer was too large."""


class PageSizes:
    """How many rows the answers of each list may have.

    Args:
        source: Whose lists they are.
        most: How many they have at most, where nothing has shown otherwise.
        clock: Tells the time.
    """

    def __init__(self, source: Source, most: int, clock: Clock) -> None:
        self._name = source.value
        self._most = most
        self._clock = clock
        self._known: dict[str, tuple[int, float]] = {}
        self._not_whole: dict[str, float] = {}

    def whole(self, path: str) -> bool:
        """Whether an answer may have all the rows of a list."""
        return self._clock.monotonic() >= self._not_whole.get(path, 0.0)

    def whole_too_large(self, path: str) -> None:
        """Learns that all the rows of a list at once are too large."""
        self._not_whole[path] = self._clock.monotonic() + REMEMBERED
        log.warning("%s %s: all rows at once are too large", self._name, path)

    def of(self, path: str) -> int:
        """Rows that an answer of a list may have."""
        rows, until = self._known.get(path, (self._most, 0.0))
        return rows if self._clock.monotonic() < until else self._most

    def too_large(self, path: str, rows: int) -> int:
        """Learns that so many rows are too large.

        Returns:
            Half of them, which is what is asked for instead.
        """
        half = min(self.of(path), max(1, rows // 2))
        self._known[path] = half, self._clock.monotonic() + REMEMBERED
        log.warning("%s %s: answers of %d rows are too large", self._name, path, rows)
        return half
