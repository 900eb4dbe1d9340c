"""What Drift gave, held between requests: each contact and conversation by itself, the window and the team whole."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeAlias, TypeVar

import msgspec

from gateway.model.filters import fold_email
from gateway.model.records import Conversation, Meeting, Person, Record, User
from gateway.sources.base import Found
from gateway.sources.decode import Body, Row
from gateway.sources.drift import translate, wire
from gateway.sources.drift.api import CONTACT, CONTACTS_OF, MEETINGS, USERS, DriftApi
from gateway.sources.drift.window import EVERYTHING, MeetingWindow, SlotAnswer, SlotRange, read_window
from gateway.sources.kept import Translated, Translator, spoilt
from gateway.sources.problems import problems_of
from gateway.upstream.batch import Limits
from gateway.upstream.client import Client
from gateway.upstream.lifetimes import Lifetimes
from gateway.upstream.lists import Lists
from gateway.upstream.records import Kind, Records
from gateway.upstream.request import Clock, Request

log = logging.getLogger(__name__)

S = TypeVar("S", bound=msgspec.Struct)
R = TypeVar("R", bound=Record)

Rows: TypeAlias = Translated[Body[S, None], Found[R]]

REMEMBERED = 3600.0
"""Seconds after which it is tried again whether all meetings can be read at once."""

ONE_EACH = Limits(keys=1, at_once=100)
"""Drift has no batch. How many of a page's calls are under way together is the budget's business, so that one page's
contacts are one wave."""


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
) -> Lists[str, Translated[MeetingWindow, Found[Meeting]]]:
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

    kind = Kind(name="window", endpoint=MEETINGS, codec=WINDOW, lifetimes=lifetimes, doubtful=spoilt)
    return Lists(client, kind, fetch)


def team(client: Client, api: DriftApi, lifetimes: Lifetimes) -> Lists[str, Rows[wire.User, User]]:
    """The organization's users."""

    async def fetch(request: Request, _: str) -> Rows[wire.User, User]:
        return TEAM.of(await api.users(request))

    return Lists(client, Kind(name="team", endpoint=USERS, codec=TEAM, lifetimes=lifetimes, doubtful=spoilt), fetch)


def contacts(client: Client, api: DriftApi, lifetimes: Lifetimes) -> Records[str, Rows[wire.Contact, Person]]:
    """Contacts by id."""
    kind = Kind(name="contacts", endpoint=CONTACT, codec=CONTACTS, lifetimes=lifetimes, doubtful=spoilt)
    return Records(client, kind, _one_by_one(api.contact, CONTACTS, _has_id), limits=ONE_EACH)


def contacts_by_email(client: Client, api: DriftApi, lifetimes: Lifetimes) -> Records[str, Rows[wire.Contact, Person]]:
    """All contacts who share an address, by that."""
    kind = Kind(name="contacts by email", endpoint=CONTACTS_OF, codec=CONTACTS, lifetimes=lifetimes, doubtful=spoilt)
    return Records(client, kind, _one_by_one(api.contacts, CONTACTS, _has_email), limits=ONE_EACH)


def conversations(
    client: Client, api: DriftApi, lifetimes: Lifetimes
) -> Records[str, Rows[wire.Conversation, Conversation]]:
    """Conversations by id."""
    kind = Kind(
        name="conversations", endpoint="/conversations/{id}", codec=CONVERSATIONS, lifetimes=lifetimes, doubtful=spoilt
    )
    return Records(client, kind, _one_by_one(api.conversation, CONVERSATIONS, _has_id), limits=ONE_EACH)


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
