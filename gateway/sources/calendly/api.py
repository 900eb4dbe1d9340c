"""Calendly's endpoints: a method for each that is called, from what is asked to typed rows.

A call costs 1, noted in the ledger under its path template. Lists come a hundred rows a page, each page naming the
next by a token that is bound to what was asked.
"""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar
from urllib.parse import parse_qs, urlsplit

import msgspec

from gateway.errors import UpstreamMalformed, UpstreamRejected, UpstreamTooLarge
from gateway.model.records import Source
from gateway.request import Request
from gateway.sources.base import PageSizes, Sample
from gateway.sources.calendly import wire
from gateway.sources.calendly.wire import id_of
from gateway.sources.decode import EVERYTHING, Body, BodyDecoder, Envelope, Row, sample
from gateway.upstream.cache import ListCache
from gateway.upstream.client import Client
from gateway.upstream.freshness import CachePolicy, Lifetimes
from gateway.upstream.http import Params, UpstreamCall
from gateway.upstream.store import MsgpackCodec

S = TypeVar("S", bound=msgspec.Struct)

EVENTS = "/scheduled_events"
EVENT = "/scheduled_events/{id}"
INVITEES = "/scheduled_events/{id}/invitees"
MEMBERSHIPS = "/organization_memberships"
ME = "/users/me"

VITAL = frozenset({EVENTS, ME})
"""Without these there are no meetings (the user's organization is asked for where none is set); all others are asked
for what stands beside them."""

ORGANIZATIONS = "https://api.calendly.com/organizations/"
"""What the URI of an organization begins with, wherever its API is reached (Calendly: URIs)."""

MOST_ROWS = 100
"""`count` of a page, the highest there is; without it 20 come."""

LISTS, SINGLE = Envelope("collection", "pagination"), Envelope("resource", "-")
_NAME = Source.CALENDLY.value

OF_A_TOKEN = Lifetimes(fresh=86_400, stale=86_400, fallback=7 * 86_400, absent=60)
"""How long it is believed which organization a token's user is in: it hardly ever changes."""

NOT_ADMIN = (
    "The credential may not read this of the whole organization: that takes the token of an admin or owner, "
    "with the scope for it."
)
"""What a 403 means: the token is good, and its user is not allowed this (Calendly: List events)."""


class EventRows(msgspec.Struct, frozen=True, kw_only=True):
    """A list, of as many pages as it takes.

    Attributes:
        rows: The rows that can be read.
        lost: Those that cannot; see `Body.lost`.
        cut_off: Whether the most pages were read and more were left.
        unreachable: Whether there are more that the last page did not name in a way to ask for them.
    """

    rows: list[Row[wire.Event]]
    lost: tuple[str, ...] = ()
    cut_off: bool = False
    unreachable: bool = False


Page = Body[S, wire.Pagination]

NAMING_NEXT = EVERYTHING | {"next_page", "next_page_token"}
"""Paths of a page's `pagination` without which it is not known whether another follows."""


class Left(enum.Enum):
    """Why pages of a list were not read."""

    TOO_MANY = "further pages"
    UNREACHABLE = "the pages that follow"


class _List(msgspec.Struct, Generic[S], frozen=True, kw_only=True):
    """A list that is asked for.

    Attributes:
        endpoint: Its endpoint's name.
        path: Its path.
        params: What narrows it, but for the size of its pages.
        read: Reads a page.
        most: Full pages that are read at most.
        one: Whether it belongs to a single record, which may not exist.
        plain: What tells whether it is only what was asked that is refused; None where nothing narrows it.
    """

    endpoint: str
    path: str
    params: Params
    read: Callable[[bytes], Awaitable[Page[S]]]
    most: int
    one: bool = False
    plain: UpstreamCall[Sample] | None = None


class CalendlyApi:
    """Calls over a client.

    Every method raises what `Client.get` raises.

    Args:
        client: The client.
        organization: URI or id of the organization; None for that of the token's user, who is asked once.
    """

    def __init__(self, client: Client, organization: str | None = None) -> None:
        self._client = client
        self._sizes = PageSizes(Source.CALENDLY, MOST_ROWS, client.clock)
        self._set = None if organization is None else organization_uri(organization)

        async def own(request: Request, _: str) -> str:
            found = (await self.me(request)).current_organization
            if found is None:
                raise UpstreamMalformed("The source does not say which organization the user is in.", source=_NAME)
            return found

        policy = CachePolicy(name="organization", endpoint=ME, codec=MsgpackCodec(str), lifetimes=OF_A_TOKEN)
        self._own: ListCache[str, str] = ListCache(client, policy, own)

    async def organization(self, request: Request) -> str:
        """The URI of the organization."""
        return self._set or (await self._own.get(request, "own")).value

    async def me(self, request: Request) -> wire.User:
        """The token's user (Calendly: Get current user)."""
        body = await self._client.get(request, ME, ME, read=_USERS.read)
        if body is None or not body.rows:
            raise UpstreamMalformed("The source's answer holds no user.", source=_NAME)
        return body.rows[0].value

    async def events(
        self,
        request: Request,
        params: Params,
        *,
        most: int,
        on_page: Callable[[Sequence[Page[wire.Event]]], None] = lambda _: None,
    ) -> EventRows:
        """The events that some parameters name, by start (Calendly: List events).

        Args:
            request: Whom it is for.
            params: What narrows them.
            most: Pages that are read at most.
            on_page: Told, after each page, all pages so far.
        """
        asked = (("organization", await self.organization(request)), *params)
        plain = await self._plain(request)
        wanted = _List(endpoint=EVENTS, path=EVENTS, params=asked, read=_EVENTS.read_list, most=most, plain=plain)
        pages, left = await self._pages(request, wanted, on_page)
        return EventRows(
            rows=[row for page in pages for row in page.rows],
            lost=tuple(lost for page in pages for lost in page.lost),
            cut_off=left is Left.TOO_MANY,
            unreachable=left is Left.UNREACHABLE,
        )

    async def event(self, request: Request, event_id: str) -> Body[wire.Event, None] | None:
        """An event; None where there is none (Calendly: Get event)."""
        path = f"{EVENTS}/{event_id}"
        plain = await self._plain(request)
        return await self._client.get(request, EVENT, path, read=_EVENT.read, one=True, plain=plain)

    async def invitees(self, request: Request, event_id: str) -> Page[wire.Invitee]:
        """Everybody who booked an event, in the order in which they did (Calendly: List event invitees)."""
        wanted = _List(
            endpoint=INVITEES,
            path=f"{EVENTS}/{event_id}/invitees",
            params=(),
            read=_INVITEES.read,
            most=MOST_INVITEE_PAGES,
            one=True,
            plain=await self._plain(request),
        )
        return _joined(*await self._pages(request, wanted))

    async def memberships(self, request: Request) -> Page[wire.Membership]:
        """The whole organization (Calendly: List organization memberships)."""
        asked = (("organization", await self.organization(request)),)
        wanted = _List(
            endpoint=MEMBERSHIPS, path=MEMBERSHIPS, params=asked, read=_MEMBERSHIPS.read_list, most=MOST_TEAM_PAGES
        )
        return _joined(*await self._pages(request, wanted))

    async def sample(self, request: Request) -> Sample:
        """What can be told of one event, whichever."""
        params = (("organization", await self.organization(request)), ("count", "1"))
        found = await self._client.get(request, EVENTS, EVENTS, params, read=_sample)
        assert found is not None  # a list always exists
        return found

    async def _plain(self, request: Request) -> UpstreamCall[Sample]:
        """What is answered as long as Calendly is there, whichever record is not."""
        params = (("organization", await self.organization(request)), ("count", "1"))
        return UpstreamCall(EVENTS, EVENTS, _sample, params)

    async def _pages(
        self, request: Request, wanted: _List[S], on_page: Callable[[Sequence[Page[S]]], None] = lambda _: None
    ) -> tuple[list[Page[S]], Left | None]:
        """The pages of a list, and why more were left, where they were.

        It is read from the start again, once, where a token has expired; and in smaller pages where one was too large,
        since a token is good only for what the page before was asked for by.
        """
        again = False
        while True:
            pages: list[Page[S]] = []
            token: str | None = None
            known: set[str] = set()
            rows = self._sizes.of(wanted.endpoint)
            params = (*wanted.params, ("count", str(rows)))
            try:
                while len(pages) * rows < wanted.most * MOST_ROWS:
                    page = await self._client.get(
                        request,
                        wanted.endpoint,
                        wanted.path,
                        params if token is None else (*params, ("page_token", token)),
                        read=wanted.read,
                        one=wanted.one,
                        large=rows != 1,
                        plain=wanted.plain,
                    )
                    if page is None:  # the event is gone
                        return pages, None
                    pages.append(page)
                    on_page(pages)
                    token = "" if page.unreadable & NAMING_NEXT else next_token(page.metadata)
                    if token is None:
                        return pages, None
                    if not token or token in known:
                        return pages, Left.UNREACHABLE
                    known.add(token)
            except UpstreamTooLarge:
                if rows == 1:
                    raise
                self._sizes.too_large(wanted.endpoint, rows)
                continue
            except UpstreamRejected:
                if token is None or again:
                    raise
                again = True
                continue
            return pages, Left.TOO_MANY


def _joined(pages: list[Page[S]], left: Left | None) -> Page[S]:
    """The rows of several pages; what was left of them counts as lost."""
    lost = tuple(lost for page in pages for lost in page.lost)
    return Body([row for page in pages for row in page.rows], lost=lost if left is None else (*lost, left.value))


def next_token(page: wire.Pagination | None) -> str | None:
    """What the next page is asked for by; None at the end, and empty where there is one that does not say."""
    if page is None:
        return None
    if page.next_page_token:
        return page.next_page_token
    if not page.next_page:
        return None
    try:
        return next(iter(parse_qs(urlsplit(page.next_page).query).get("page_token", [])), "")
    except ValueError:  # no URL at all
        return ""


def between(since: dt.datetime, until: dt.datetime, *, descending: bool = False) -> Params:
    """What the events are asked for by that start within a range, with a second to spare at either end.

    No document says whether the ends belong to it: what comes is to be checked.
    """
    return (
        ("min_start_time", _text(since - SPARE)),
        ("max_start_time", _text(until + SPARE)),
        ("sort", "start_time:desc" if descending else "start_time:asc"),
    )


SPARE = dt.timedelta(seconds=1)

MOST_INVITEE_PAGES = 10
"""Pages of one event's invitees: a thousand, which is Calendly's largest group."""

MOST_TEAM_PAGES = 50
"""Pages of the organization's members."""


def organization_uri(organization: str) -> str:
    """The URI of an organization, given by that or by its id."""
    return organization if "/" in organization else ORGANIZATIONS + id_of(organization)


def _text(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


async def _sample(sent: bytes) -> Sample:
    return sample(sent, wire.Event, source=_NAME, envelope=LISTS)


_EVENTS = BodyDecoder(wire.Event, wire.Pagination, source=_NAME, envelope=LISTS)
_EVENT = BodyDecoder(wire.Event, type(None), source=_NAME, envelope=SINGLE)
_INVITEES = BodyDecoder(wire.Invitee, wire.Pagination, source=_NAME, envelope=LISTS)
_MEMBERSHIPS = BodyDecoder(wire.Membership, wire.Pagination, source=_NAME, envelope=LISTS)
_USERS = BodyDecoder(wire.User, type(None), source=_NAME, envelope=SINGLE)
