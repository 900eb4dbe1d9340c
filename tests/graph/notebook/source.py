"""The notebook behind the protocols of `sources.base`."""

from __future__ import annotations

import datetime as dt
import hmac
from collections.abc import Mapping, Sequence

import msgspec

from gateway.model.cost import ListShape, Needs
from gateway.model.filters import MeetingFilter, fold_email
from gateway.model.record_filters import AccountFilter, CadenceFilter, PersonFilter
from gateway.model.records import Account, Cadence, Kind, Meeting, MeetingStatus, Person, Ref, Step, User
from gateway.request import Request
from gateway.settings.lifetimes import DEFAULT, RecordLifetimes
from gateway.sources.base import Found, Ports, Traits
from gateway.sources.examination import Ask, Verdict
from gateway.sources.live import FORGED, DeliveryCheck, RecentChanges, Reread, WebhookSubscription
from gateway.sources.memory import MemoryListing, MemoryMeetings
from gateway.sources.vendor import Vendor
from gateway.upstream.client import Client

from . import translate, wire
from .api import PAGES, VITAL, Book, sampler
from .conditions import MeetingConditions
from .translate import NOTEBOOK

TRAITS = Traits(
    blank=frozenset({"cadence", "step", "account", "i_cal_uid", "attendees", "guests"}),
    statuses=frozenset({MeetingStatus.BOOKED}),
    tells_no_show=False,
)


class Meetings(MemoryMeetings):
    """Every page."""

    def __init__(self, book: Book[wire.Page, Meeting]) -> None:
        super().__init__(book.read, TRAITS, ask=book.ask)

    def admits(self, wanted: MeetingFilter, meeting: Meeting) -> bool:
        """Whether the notebook's own conditions hold."""
        own = wanted.own.get(NOTEBOOK)
        return not isinstance(own, MeetingConditions) or (
            isinstance(meeting.raw, wire.Page) and own.admits(meeting.raw)
        )


class People(MemoryListing[Person, PersonFilter]):
    """Every guest, by id and by address."""

    most_addresses = 1

    async def by_emails(self, request: Request, emails: Sequence[str]) -> Found[Person]:
        """Those who have one of these addresses."""
        found, _ = await self.all(request)
        wanted = {fold_email(email) for email in emails}
        rows = [row for row in found.rows if fold_email(row.email or "") in wanted]
        return msgspec.structs.replace(found, rows=rows)

    def price_of_emails(self, emails: int) -> Needs:
        """The same as by id: all of them, once."""
        return self.price_of_ids(emails)


class Addressed:
    """A guest's id is their address."""

    def ref_of(self, address: str) -> Ref:
        """The guest with an address."""
        return Ref(NOTEBOOK, Kind.PERSON, fold_email(address))

    def address_of(self, ref: Ref) -> str | None:
        """The address that an id is."""
        return ref.id if ref.source is NOTEBOOK and ref.kind is Kind.PERSON else None


class Places:
    """Where the meetings are, which is written elsewhere."""

    fields = frozenset({"location"})

    def __init__(self, book: Book[wire.Name, Account]) -> None:
        self._book = book

    async def fill(self, request: Request, meetings: Sequence[Meeting]) -> Sequence[Meeting]:
        """The meetings with their places."""
        found = {row.source_id: row.name for row in (await self._book.read(request)).rows}
        return [msgspec.structs.replace(row, location=found.get(row.source_id)) for row in meetings]

    def price_of_conditions(self, shape: ListShape) -> Needs:
        """None of its conditions takes a call."""
        return []

    def price(self, rows: int) -> Needs:
        """All places, once."""
        return [(self._book.ask, 1)]


class Users:
    """Those who write in it."""

    traits = Traits(blank=frozenset({"active", "guid"}))

    def __init__(self, book: Book[wire.Name, User]) -> None:
        self._book = book

    async def by_refs(self, request: Request, refs: Sequence[Ref]) -> Found[User]:
        """Those whom references name."""
        found = await self.all(request)
        ids = {ref.id for ref in refs if ref.source is NOTEBOOK}
        return msgspec.structs.replace(found, rows=[row for row in found.rows if row.source_id in ids])

    async def all(self, request: Request) -> Found[User]:
        """All of them."""
        return await self._book.read(request)

    def price_of_refs(self, refs: int) -> Needs:
        """All of them, once."""
        return self.price_of_all()

    def price_of_all(self) -> Needs:
        """All of them, once."""
        return [(self._book.ask, 1)]


class Steps(MemoryListing[Step, CadenceFilter]):
    """Every step, by id and by habit."""

    async def of_cadences(self, request: Request, cadence_ids: Sequence[str]) -> Found[Step]:
        """Those of some habits."""
        found, _ = await self.all(request)
        rows = [row for row in found.rows if row.cadence is not None and row.cadence.id in set(cadence_ids)]
        return msgspec.structs.replace(found, rows=rows)

    def price_of_cadences(self, cadences: int) -> Needs:
        """All of them, once."""
        return self.price_of_ids(cadences)


HOOKS = "/hooks"


class Webhooks:
    """A delivery bears the secret itself, and says nothing but that something has changed."""

    signed_events = ("page_turned",)

    def verdict(self, headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: float) -> DeliveryCheck:
        """What a delivery is."""
        token = headers.get("x-notebook-secret", "").encode()
        known = [hmac.compare_digest(token, secret.encode()) for secret in secrets]
        return DeliveryCheck(authentic=True, event="page_turned") if any(known) else FORGED


class Live:
    """The pages, read past the cache."""

    webhooks = Webhooks()
    reread_cost = 1

    def __init__(self, client: Client, book: Book[wire.Page, Meeting]) -> None:
        self._client = client
        self._book = book

    async def reread(self, request: Request, ids: Sequence[str]) -> Reread:
        """All pages as they are now; those that are gone are missing."""
        as_of = self._client.now()
        rows = (await self._book.renew(request)).rows
        missing = frozenset(ids) - {row.source_id for row in rows}
        return Reread(rows=rows, missing=missing, whole=True, as_of=as_of)

    async def recent(self, request: Request, since: dt.datetime | None) -> RecentChanges:
        """The same: the caller compares."""
        as_of = self._client.now()
        return RecentChanges(rows=(await self._book.renew(request)).rows, whole=True, as_of=as_of)

    def outdate(self, ids: Sequence[str], as_of: float) -> None:
        """Has the pages read anew before they are used again."""
        for id_ in ids:
            self._client.outdated.note(id_, as_of)
        self._client.outdated.note_lists(as_of)


class Subscriptions:
    """The listeners to turned pages."""

    events = Webhooks.signed_events

    def __init__(self, client: Client) -> None:
        self._client = client

    def address(self, url: str, secret: str) -> str:
        """The same for every secret."""
        assert secret
        return url

    async def all(self, request: Request) -> list[WebhookSubscription]:
        """All of them."""
        _, body = await self._client.send(request, "GET", HOOKS, None)
        return msgspec.json.decode(body, type=dict[str, list[WebhookSubscription]])["entries"]

    async def create(self, request: Request, event: str, url: str, secret: str) -> None:
        """Adds one."""
        hook = {"event": event, "url": url, "secret": secret}
        await self._client.send(request, "POST", HOOKS, msgspec.json.encode(hook))

    async def delete(self, request: Request, id_: str) -> None:
        """Takes one out."""
        await self._client.send(request, "DELETE", f"{HOOKS}/{id_}", None)


def open(client: Client, lifetimes: RecordLifetimes = DEFAULT) -> Ports:  # noqa: A001 - a source is opened
    """The notebook's ports over a client."""
    pages = Book(client, PAGES, wire.Page, translate.meeting, lifetimes.window)
    guests = Book(client, "/guests", wire.Name, translate.person, lifetimes.people)
    places = Book(client, "/places", wire.Name, translate.account, lifetimes.window)
    writers = Book(client, "/writers", wire.Name, translate.user, lifetimes.directories)
    habits = Book(client, "/habits", wire.Name, translate.cadence, lifetimes.directories)
    steps = Book(client, "/steps", wire.Name, translate.step, lifetimes.directories)
    companies = Book(client, "/companies", wire.Name, translate.account, lifetimes.accounts)
    reminders = Book(client, "/reminders", wire.Name, translate.task, lifetimes.tasks)
    talks = Book(client, "/talks", wire.Name, translate.conversation, lifetimes.conversations)

    people = People(guests.read, ask=guests.ask)
    cadences = MemoryListing[Cadence, CadenceFilter](habits.read, ask=habits.ask)
    accounts = MemoryListing[Account, AccountFilter](companies.read, ask=companies.ask)
    of_cadences = Steps(steps.read, ask=steps.ask)
    return Ports(
        source=NOTEBOOK,
        meetings=Meetings(pages),
        details=Places(places),
        people=people,
        addressed=Addressed(),
        users=Users(writers),
        cadences=cadences,
        steps=of_cadences,
        accounts=accounts,
        tasks=MemoryListing(reminders.read, ask=reminders.ask),
        conversations=MemoryListing(talks.read, ask=talks.ask),
        person_list=people,
        account_list=accounts,
        cadence_list=cadences,
        cadence_steps=of_cadences,
        sample=sampler(client),
        scope="pages",
        probes={"guests": guests.read},
        examine=examine,
        live=Live(client, pages),
        subscriptions=Subscriptions(client),
    )


async def examine(ask: Ask) -> list[Verdict]:
    """Whether an account has pages at all."""
    reply = await ask(PAGES, ())
    return [Verdict(question="pages", answer=str(len(reply.rows)), expected=reply.good)]


VENDOR = Vendor(open=lambda client, _, options: open(client, options.lifetimes), vital=VITAL)
