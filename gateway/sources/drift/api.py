"""Drift's endpoints: a method for each that is called, from what is asked to typed rows.

Each method makes one call of cost 1, noted in the ledger under its path template.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeAlias, TypeVar

import msgspec

from gateway.errors import UpstreamTooLarge, UpstreamTooMany
from gateway.model.filters import fold_email
from gateway.model.records import Conversation, Meeting, Person, Record, Source, User
from gateway.request import Clock, Request
from gateway.sources.base import Found, Sample
from gateway.sources.cached import Translated, Translator, is_partial
from gateway.sources.decode import Body, BodyDecoder, Row, sample
from gateway.sources.drift import translate, wire
from gateway.sources.drift.window import EVERYTHING, MOST_MEETINGS, MeetingWindow, SlotAnswer, SlotRange, read_window
from gateway.sources.problems import problems_of
from gateway.upstream.batch import Limits
from gateway.upstream.cache import ListCache, RecordCache
from gateway.upstream.client import Client
from gateway.upstream.freshness import CachePolicy, Lifetimes
from gateway.upstream.http import Params, UpstreamCall

log = logging.getLogger(__name__)

T = TypeVar("T")
S = TypeVar("S", bound=msgspec.Struct)
R = TypeVar("R", bound=Record)
W = TypeVar("W", bound=wire.Meeting | wire.User | wire.Contact | wire.Conversation)

MEETINGS = "/users/meetings/org"
USERS = "/users/list"
CONTACT = "/contacts/{id}"
CONTACTS_OF = "/contacts"
CONVERSATION = "/conversations/{id}"

MOST_CONTACTS = 50
"""`limit` of a call for the contacts who share an address: far more than ever do."""

Rows: TypeAlias = Translated[Body[S, None], Found[R]]

REMEMBERED = 3600.0
"""Seconds after which it is tried again whether all meetings can be read at once."""

ONE_EACH = Limits(keys=1, at_once=100)
"""Drift has no batch. How many of a page's calls are under way together is the budget's business, so that one page's
contacts are one wave."""

_MEETINGS = BodyDecoder(wire.Meeting, type(None), source=Source.DRIFT.value)
_USERS = BodyDecoder(wire.User, type(None), source=Source.DRIFT.value)
_CONTACTS = BodyDecoder(wire.Contact, type(None), source=Source.DRIFT.value)
_CONVERSATIONS = BodyDecoder(wire.Conversation, type(None), source=Source.DRIFT.value)


class DriftApi:
    """Calls over a client.

    Every method raises what `Client.get` raises.
    """

    def __init__(self, client: Client) -> None:
        self._client = client

    async def meetings(self, request: Request, span: SlotRange, *, large: bool = False) -> SlotAnswer:
        """The meetings that begin in a span, cancelled ones included (Drift: Get booked meetings).

        What is too large is an answer here: without rows, and full.

        Args:
            request: Whom it is for.
            span: The span.
            large: Whether it says nothing of Drift that it is too large; see `UpstreamCall`.
        """
        try:
            return await self._list(request, MEETINGS, of_span(span, MOST_MEETINGS), _answer, large=large)
        except (UpstreamTooLarge, UpstreamTooMany) as error:
            return SlotAnswer(rows=[], full=True, error=error)

    async def sample(self, request: Request) -> Sample:
        """What can be said of one meeting, whichever."""
        return await self._list(request, MEETINGS, of_span(EVERYTHING, 1), _sample)

    async def users(self, request: Request) -> Body[wire.User, None]:
        """Everybody in the organization, bots included (Drift: List users)."""
        return await self._list(request, USERS, (), _USERS.read_list)

    async def contact(self, request: Request, contact_id: str) -> Body[wire.Contact, None] | None:
        """A contact; None where there is none (Drift: Retrieve a contact)."""
        return _single(await self._one(request, CONTACT, f"/contacts/{contact_id}", (), _CONTACTS))

    async def contacts(self, request: Request, email: str) -> Body[wire.Contact, None] | None:
        """The contacts with an address; one may come as a bare object (Drift: Retrieve contacts by email)."""
        params = (("email", email), ("limit", str(MOST_CONTACTS)))
        body = await self._one(request, CONTACTS_OF, CONTACTS_OF, params, _CONTACTS)
        return body if body is not None and (body.rows or body.lost) else None

    async def conversation(self, request: Request, conversation_id: str) -> Body[wire.Conversation, None] | None:
        """A conversation; None where there is none (Drift: Retrieve a conversation)."""
        path = f"/conversations/{conversation_id}"
        return _single(await self._one(request, CONVERSATION, path, (), _CONVERSATIONS))

    async def _list(
        self,
        request: Request,
        endpoint: str,
        params: Params,
        read: Callable[[bytes], Awaitable[T]],
        *,
        large: bool = False,
    ) -> T:
        answer = await self._client.get(request, endpoint, endpoint, params, read=read, large=large)
        assert answer is not None  # a list always exists
        return answer

    async def _one(
        self, request: Request, endpoint: str, path: str, params: Params, decoder: BodyDecoder[W, None]
    ) -> Body[W, None] | None:
        return await self._client.get(request, endpoint, path, params, read=decoder.read, one=True, plain=PLAIN)


def of_span(span: SlotRange, limit: int) -> Params:
    """What the meetings that begin in a span are asked for by."""
    return ("min_start_time", str(span.since)), ("max_start_time", str(span.until)), ("limit", str(limit))


async def _answer(sent: bytes) -> SlotAnswer:
    body = await _MEETINGS.read_list(sent)
    return SlotAnswer(rows=body.rows, full=len(body.rows) + len(body.lost) >= MOST_MEETINGS, lost=body.lost)


async def _sample(sent: bytes) -> Sample:
    return sample(sent, wire.Meeting, source=Source.DRIFT.value)


def _single(body: Body[W, None] | None) -> Body[W, None] | None:
    """The answer to a look-up of one record; one without any row is an answer that cannot be read."""
    return Body([], lost=("nothing",)) if body is not None and not (body.rows or body.lost) else body


PLAIN = UpstreamCall(MEETINGS, MEETINGS, _sample, of_span(EVERYTHING, 1))
"""What is answered as long as Drift is there, whichever contact is not."""

VITAL = frozenset({MEETINGS})
"""Without these there are no meetings; all others are asked for what stands beside them."""


def _translator(body: type[Body[S, None]], record_of: Callable[[Row[S]], R]) -> Translator[Body[S, None], Found[R]]:
    def found_in(sent: Body[S, None]) -> Found[R]:
        return found([record_of(row) for row in sent.rows], sent.lost)

    return Translator(body, found_in)


def found(records: list[R], lost: tuple[str, ...], incomplete: str | None = None) -> Found[R]:
    """Records, with what of them and of the rows they were made of could not be read."""
    return Found(rows=records, problems=problems_of(records, lost), incomplete=incomplete)


WINDOW: Translator[MeetingWindow, Found[Meeting]] = Translator(
    MeetingWindow,
    lambda window: found([translate.meeting(row) for row in window.rows], window.lost, window.incomplete),
)
TEAM = _translator(Body[wire.User, None], translate.user)
CONTACTS = _translator(Body[wire.Contact, None], translate.person)
CONVERSATIONS = _translator(Body[wire.Conversation, None], translate.conversation)


def windows(
    client: Client, api: DriftApi, clock: Clock, lifetimes: Lifetimes
) -> ListCache[str, Translated[MeetingWindow, Found[Meeting]]]:
    """The window, as one entry however many calls it takes."""
    known: tuple[SlotRange, ...] = ()
    until = 0.0

    async def fetch(request: Request, _: str) -> Translated[MeetingWindow, Found[Meeting]]:
        nonlocal known, until
        begin = known if known and clock.monotonic() < until else (EVERYTHING,)
        now = int(clock.time() * 1000)
        readable = False

        async def ask(span: SlotRange) -> SlotAnswer:
            """Drift's meetings in a span; too many of them are no fault of Drift's while other spans can be read."""
            nonlocal readable
            answer = await api.meetings(request, span, large=readable or span in begin)
            readable = readable or answer.error is None
            return answer

        window = await read_window(ask, now=now, begin=begin)
        known = window.parts
        if known and begin == (EVERYTHING,):
            until = clock.monotonic() + REMEMBERED
            log.warning("%s %s: all meetings at once are too large", client.upstream.name, MEETINGS)
        return WINDOW.of(window)

    kind = CachePolicy(
        name="window",
        endpoint=MEETINGS,
        codec=WINDOW,
        lifetimes=lifetimes,
        doubtful=is_partial,
        changed_at=lambda _: client.outdated.newest,
    )
    return ListCache(client, kind, fetch)


def team(client: Client, api: DriftApi, lifetimes: Lifetimes) -> ListCache[str, Rows[wire.User, User]]:
    """The organization's users."""

    async def fetch(request: Request, _: str) -> Rows[wire.User, User]:
        return TEAM.of(await api.users(request))

    return ListCache(
        client, CachePolicy(name="team", endpoint=USERS, codec=TEAM, lifetimes=lifetimes, doubtful=is_partial), fetch
    )


def contacts(client: Client, api: DriftApi, lifetimes: Lifetimes) -> RecordCache[str, Rows[wire.Contact, Person]]:
    """Contacts by id."""
    kind = CachePolicy(name="contacts", endpoint=CONTACT, codec=CONTACTS, lifetimes=lifetimes, doubtful=is_partial)
    return RecordCache(client, kind, _one_by_one(api.contact, CONTACTS, _has_id), limits=ONE_EACH)


def contacts_by_email(
    client: Client, api: DriftApi, lifetimes: Lifetimes
) -> RecordCache[str, Rows[wire.Contact, Person]]:
    """All contacts who share an address, by that."""
    kind = CachePolicy(
        name="contacts by email", endpoint=CONTACTS_OF, codec=CONTACTS, lifetimes=lifetimes, doubtful=is_partial
    )
    return RecordCache(client, kind, _one_by_one(api.contacts, CONTACTS, _has_email), limits=ONE_EACH)


def conversations(
    client: Client, api: DriftApi, lifetimes: Lifetimes
) -> RecordCache[str, Rows[wire.Conversation, Conversation]]:
    """Conversations by id."""
    kind = CachePolicy(
        name="conversations", endpoint=CONVERSATION, codec=CONVERSATIONS, lifetimes=lifetimes, doubtful=is_partial
    )
    return RecordCache(client, kind, _one_by_one(api.conversation, CONVERSATIONS, _has_id), limits=ONE_EACH)


def _one_by_one(
    ask: Callable[[Request, str], Awaitable[Body[S, None] | None]],
    translator: Translator[Body[S, None], Found[R]],
    bears: Callable[[R, str], bool],
) -> Callable[[Request, Sequence[str]], Awaitable[Mapping[str, Rows[S, R]]]]:
    """Fetches one key a call.

    No answer is the knowledge that there is no such record. Rows that do not bear the key are left out, since upstream
    ignores what it does not understand; where there are no others, the one asked for is as good as lost.
    """

    async def fetch(request: Request, keys: Sequence[str]) -> Mapping[str, Rows[S, R]]:
        (key,) = keys
        body = await ask(request, key)
        if body is None:
            return {}
        records = translator.of(body).value.rows
        ours = [row for row, record in zip(body.rows, records, strict=True) if bears(record, key)]
        lost = body.lost if ours else (*body.lost, *(record.source_id for record in records))
        return {key: translator.of(Body(ours, lost=lost))}

    return fetch


def _has_id(record: Record, key: str) -> bool:
    return record.source_id == key


def _has_email(person: Person, key: str) -> bool:
    return fold_email(person.email or "") == key
