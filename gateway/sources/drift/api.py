"""Drift's endpoints: a method for each that is called, from what is asked to typed rows.

Each method makes one call of cost 1, noted in the ledger under its path template.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from gateway.errors import UpstreamTooLarge, UpstreamTooMany
from gateway.model.records import Source
from gateway.sources.base import Sample
from gateway.sources.decode import Body, BodyDecoder
from gateway.sources.drift import wire
from gateway.sources.drift.window import EVERYTHING, MOST_MEETINGS, SlotAnswer, SlotRange
from gateway.sources.sampling import sample
from gateway.upstream.call import Call, Params
from gateway.upstream.client import Client
from gateway.upstream.request import Request

T = TypeVar("T")
W = TypeVar("W", bound=wire.Meeting | wire.User | wire.Contact | wire.Conversation)

MEETINGS = "/users/meetings/org"
USERS = "/users/list"
CONTACT = "/contacts/{id}"
CONTACTS_OF = "/contacts"

MOST_CONTACTS = 50
"""`limit` of a call for the contacts who share an address: far more than ever do."""

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
            large: Whether it says nothing of Drift that it is too large; see `Call`.
        """
        try:
            return await self._list(request, MEETINGS, of_span(span, MOST_MEETINGS), _answer, large=large)
        except (UpstreamTooLarge, UpstreamTooMany) as error:
            return SlotAnswer(rows=[], full=True, error=error)

    async def sample(self, request: Request) -> Sample:
        """What can be told of one meeting, whichever."""
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
        return _single(await self._one(request, "/conversations/{id}", path, (), _CONVERSATIONS))

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


PLAIN = Call(MEETINGS, MEETINGS, _sample, of_span(EVERYTHING, 1))
"""What is answered as long as Drift is there, whichever contact is not."""

VITAL = frozenset({MEETINGS})
"""Without these there are no meetings; all others are asked for what stands beside them."""
