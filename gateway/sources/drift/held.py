"""What Drift gave, held between requests: each contact and conversation by itself, the window and the team whole."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeAlias, TypeVar

import msgspec

from gateway.model.records import Conversation, Meeting, Person, User
from gateway.sources.decode import Body
from gateway.sources.drift import translate, wire
from gateway.sources.drift.api import Api
from gateway.sources.drift.window import Window, read_window
from gateway.sources.kept import Translated, Translator, spoilt
from gateway.upstream.batch import Limits
from gateway.upstream.client import Client
from gateway.upstream.lifetimes import Lifetimes
from gateway.upstream.lists import Lists
from gateway.upstream.records import Kind, Records
from gateway.upstream.request import Clock, Request

S = TypeVar("S", bound=msgspec.Struct)
R = TypeVar("R")

Rows: TypeAlias = Translated[Body[S, None], list[R]]

ONE_EACH = Limits(keys=1, at_once=100)
"""Drift has no batch. How many of a page's calls are under way together is the budget's business, so that one page's
contacts are one wave."""

WINDOW = Translator(Window, lambda window: [translate.meeting(row) for row in window.rows])
TEAM = Translator(Body[wire.User, None], lambda body: [translate.user(row) for row in body.rows])
CONTACTS = Translator(Body[wire.Contact, None], lambda body: [translate.person(row) for row in body.rows])
CONVERSATIONS = Translator(
    Body[wire.Conversation, None], lambda body: [translate.conversation(row) for row in body.rows]
)


def windows(
    client: Client, api: Api, clock: Clock, lifetimes: Lifetimes
) -> Lists[str, Translated[Window, list[Meeting]]]:
    """The window, as one entry however many calls it takes."""

    async def fetch(request: Request, _: str) -> Translated[Window, list[Meeting]]:
        now = int(clock.time() * 1000)
        return WINDOW.of(await read_window(lambda span: api.meetings(request, span), now=now))

    kind = Kind(name="window", endpoint="/users/meetings/org", codec=WINDOW, lifetimes=lifetimes, doubtful=spoilt)
    return Lists(client, kind, fetch)


def team(client: Client, api: Api, lifetimes: Lifetimes) -> Lists[str, Rows[wire.User, User]]:
    """The organization's users."""

    async def fetch(request: Request, _: str) -> Rows[wire.User, User]:
        return TEAM.of(await api.users(request))

    return Lists(
        client, Kind(name="team", endpoint="/users/list", codec=TEAM, lifetimes=lifetimes, doubtful=spoilt), fetch
    )


def contacts(client: Client, api: Api, lifetimes: Lifetimes) -> Records[str, Rows[wire.Contact, Person]]:
    """Contacts by id."""
    kind = Kind(name="contacts", endpoint="/contacts/{id}", codec=CONTACTS, lifetimes=lifetimes, doubtful=spoilt)
    return Records(client, kind, _one_by_one(api.contact, CONTACTS), limits=ONE_EACH)


def contacts_by_email(client: Client, api: Api, lifetimes: Lifetimes) -> Records[str, Rows[wire.Contact, Person]]:
    """All contacts who share an address, by that."""
    kind = Kind(name="contacts by email", endpoint="/contacts", codec=CONTACTS, lifetimes=lifetimes, doubtful=spoilt)
    return Records(client, kind, _one_by_one(api.contacts, CONTACTS), limits=ONE_EACH)


def conversations(
    client: Client, api: Api, lifetimes: Lifetimes
) -> Records[str, Rows[wire.Conversation, Conversation]]:
    """Conversations by id."""
    kind = Kind(
        name="conversations", endpoint="/conversations/{id}", codec=CONVERSATIONS, lifetimes=lifetimes, doubtful=spoilt
    )
    return Records(client, kind, _one_by_one(api.conversation, CONVERSATIONS), limits=ONE_EACH)


def _one_by_one(
    ask: Callable[[Request, str], Awaitable[Body[S, None]]], translator: Translator[Body[S, None], list[R]]
) -> Callable[[Request, Sequence[str]], Awaitable[Mapping[str, Rows[S, R]]]]:
    """Fetches one key a call. An answer without a row is the knowledge that there is none, unless a row was lost."""

    async def fetch(request: Request, keys: Sequence[str]) -> Mapping[str, Rows[S, R]]:
        (key,) = keys
        body = await ask(request, key)
        return {key: translator.of(body)} if body.rows or body.problems else {}

    return fetch
