"""Drift's endpoints: a method for each that is called, from what is asked to typed rows.

Each method makes one call of cost 1, noted in the ledger under its path template.
"""

from __future__ import annotations

from typing import TypeVar

import msgspec

from gateway.model.records import Source
from gateway.sources.decode import LOST, Body, BodyDecoder
from gateway.sources.drift import wire
from gateway.sources.drift.window import Answer, Span
from gateway.upstream.client import Client
from gateway.upstream.request import Request

W = TypeVar("W", bound=wire.Meeting | wire.User | wire.Contact | wire.Conversation)

MOST_MEETINGS = 1000
"""`limit` of a call for meetings, the highest there is; without it 100 come."""

MOST_CONTACTS = 50
"""`limit` of a call for the contacts who share an address: far more than ever do."""

ID_DIGITS = 19
"""Digits of the largest 64-bit id."""

_MEETINGS = BodyDecoder(wire.Meeting, type(None), source=Source.DRIFT.value)
_USERS = BodyDecoder(wire.User, type(None), source=Source.DRIFT.value)
_CONTACTS = BodyDecoder(wire.Contact, type(None), source=Source.DRIFT.value)
_CONVERSATIONS = BodyDecoder(wire.Conversation, type(None), source=Source.DRIFT.value)


class _Sent(msgspec.Struct):
    """As much of an answer as its rows can be counted by."""

    data: list[msgspec.Raw] | dict[str, msgspec.Raw]


def is_id(text: str) -> bool:
    """Whether a text can be an id of a user, contact or conversation."""
    return text.isascii() and text.isdigit() and len(text) <= ID_DIGITS


class Api:
    """Calls over a client.

    Every method raises what `Client.get` raises, and UpstreamMalformed where an answer has no rows in it.
    """

    def __init__(self, client: Client) -> None:
        self._client = client

    async def meetings(self, request: Request, span: Span) -> Answer:
        """The meetings that begin in a span, cancelled ones included (Drift: Get booked meetings)."""
        params = (
            ("min_start_time", str(span.since)),
            ("max_start_time", str(span.until)),
            ("limit", str(MOST_MEETINGS)),
        )
        endpoint = "/users/meetings/org"
        sent = await self._client.get(request, endpoint, endpoint, params)
        body = _rows(_MEETINGS, sent)
        full = _count(body, sent) >= MOST_MEETINGS
        return Answer(rows=body.rows, full=full, problems=body.problems)

    async def users(self, request: Request) -> Body[wire.User, None]:
        """Everybody in the organization, bots included (Drift: List users)."""
        endpoint = "/users/list"
        return _rows(_USERS, await self._client.get(request, endpoint, endpoint))

    async def contact(self, request: Request, contact_id: str) -> Body[wire.Contact, None]:
        """A contact, or no row where there is none (Drift: Retrieve a contact)."""
        path = f"/contacts/{contact_id}"
        return _rows(_CONTACTS, await self._client.get(request, "/contacts/{id}", path, empty_on_404=True))

    async def contacts(self, request: Request, email: str) -> Body[wire.Contact, None]:
        """The contacts with an address; one may come as a bare object (Drift: Retrieve contacts by email)."""
        params = (("email", email), ("limit", str(MOST_CONTACTS)))
        endpoint = "/contacts"
        return _rows(_CONTACTS, await self._client.get(request, endpoint, endpoint, params, empty_on_404=True))

    async def conversation(self, request: Request, conversation_id: str) -> Body[wire.Conversation, None]:
        """A conversation, or no row where there is none (Drift: Retrieve a conversation)."""
        path = f"/conversations/{conversation_id}"
        return _rows(_CONVERSATIONS, await self._client.get(request, "/conversations/{id}", path, empty_on_404=True))


def _rows(decoder: BodyDecoder[W, None], sent: bytes | None) -> Body[W, None]:
    """The rows of an answer; an empty text is no readable id."""
    if sent is None:
        return Body([])
    body = decoder.decode(sent)
    rows = [row for row in body.rows if _key(row.value) != ""]
    if len(rows) == len(body.rows):
        return body
    return Body(rows, problems=tuple(dict.fromkeys((LOST, *body.problems))))


def _key(row: wire.Meeting | wire.User | wire.Contact | wire.Conversation) -> wire.Id:
    return row.slug if isinstance(row, wire.Meeting) else row.id


def _count(body: Body[W, None], sent: bytes | None) -> int:
    """How many rows an answer has, lost ones included."""
    if LOST not in body.problems or sent is None:
        return len(body.rows)
    data = msgspec.json.decode(sent, type=_Sent).data
    return len(data) if isinstance(data, list) else 1
