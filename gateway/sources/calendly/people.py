"""People whom Calendly knows: addresses, with what their newest record as an invitee says of them; and the team."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from gateway.errors import UpstreamError
from gateway.model.cost import Ask, How, Needs
from gateway.model.filters import fold_email
from gateway.model.records import Kind, Person, Ref, Source, User, UserKey
from gateway.request import Request
from gateway.settings.lifetimes import RecordLifetimes
from gateway.sources.base import Found, Traits, lost_in
from gateway.sources.cached import Translated, Translator, is_partial
from gateway.sources.calendly import translate, wire
from gateway.sources.calendly.addresses import AddressIds
from gateway.sources.calendly.api import MEMBERSHIPS, CalendlyApi
from gateway.sources.calendly.invitees import OF_ADDRESS, OF_EVENT, InviteeReader
from gateway.sources.decode import Body
from gateway.sources.problems import problems_of
from gateway.upstream.cache import ListCache
from gateway.upstream.client import Client
from gateway.upstream.freshness import CachePolicy

TEAM = Ask(source=Source.CALENDLY, endpoint=MEMBERSHIPS, how=How.ONCE, keys="team")
WHOLE = "all"


def _team(sent: Body[wire.Membership, None]) -> Found[User]:
    users = [user for row in sent.rows if (user := translate.user(row)) is not None]
    nobody = tuple(row.value.uri for row in sent.rows if row.value.user is None)
    return Found(rows=users, problems=problems_of(users, (*sent.lost, *nobody)))


_CODEC: Translator[Body[wire.Membership, None], Found[User]] = Translator(Body[wire.Membership, None], _team)


class CalendlyPeople:
    """Invitees by their addresses, which are their ids.

    Args:
        invitees: Who booked which event.
        ids: The ids of addresses.
    """

    most_addresses = 1

    def __init__(self, invitees: InviteeReader, ids: AddressIds) -> None:
        self._invitees = invitees
        self._ids = ids

    async def by_ids(self, request: Request, ids: Sequence[str]) -> Found[Person]:
        """The people with these ids; what is none of ours is nobody's."""
        addresses = {id_: address for id_ in ids if (address := self._ids.address_of(id_)) is not None}
        return await self._found(request, addresses)

    async def by_emails(self, request: Request, emails: Sequence[str]) -> Found[Person]:
        """Those of some addresses who were ever invited to what is in the window."""
        folded = {self._ids.id_of(email): fold_email(email) for email in emails if "@" in email}
        return await self._found(request, folded)

    def price_of_ids(self, ids: int) -> Needs:
        """What so many ids cost, which are addresses."""
        return self.price_of_emails(ids)

    def price_of_emails(self, emails: int) -> Needs:
        """What so many addresses cost: a call for the events of each, and one for who they are."""
        return [(OF_ADDRESS, emails), (OF_EVENT, emails)]

    def ref_of(self, address: str) -> Ref:
        """The reference of whoever has an address, known or not."""
        return self._invitees.person(address)

    def address_of(self, ref: Ref) -> str | None:
        """The address, folded, that a reference was made of; None where it is none of ours."""
        return self._ids.address_of(ref.id)

    async def _found(self, request: Request, addresses: dict[str, str]) -> Found[Person]:
        answers = await asyncio.gather(
            *(self._invitees.newest(request, address) for address in addresses.values()), return_exceptions=True
        )
        rows: list[Person] = []
        failures: dict[str, UpstreamError] = {}
        for (id_, address), answer in zip(addresses.items(), answers, strict=True):
            if isinstance(answer, UpstreamError):
                failures[id_] = answer
            elif isinstance(answer, BaseException):
                raise answer
            elif answer is not None:
                rows.append(translate.person(address, id_, answer))
        if failures and len(failures) == len(addresses):
            raise next(iter(failures.values()))
        keyed = {key: error for id_, error in failures.items() for key in (id_, addresses[id_])}
        return Found(rows=rows, failures=keyed)


class CalendlyUsers:
    """The organization's members; one list holds them all.

    Args:
        client: Calls Calendly.
        api: Its endpoints.
        lifetimes: How long what it gave may be used.
    """

    traits = Traits(blank=frozenset({"active", "guid", "first_name", "last_name", "job_role", "phone"}))

    def __init__(self, client: Client, api: CalendlyApi, lifetimes: RecordLifetimes) -> None:
        async def fetch(request: Request, _: str) -> Translated[Body[wire.Membership, None], Found[User]]:
            read = await api.memberships(request)
            return _CODEC.of(Body(read.rows, lost=read.lost))

        self._team: ListCache[str, Translated[Body[wire.Membership, None], Found[User]]] = ListCache(
            client,
            CachePolicy(
                name="team", endpoint=MEMBERSHIPS, codec=_CODEC, lifetimes=lifetimes.directories, doubtful=is_partial
            ),
            fetch,
        )

    async def by_refs(self, request: Request, refs: Sequence[Ref]) -> Found[User]:
        """The users with these ids; other keys and other sources' references name nobody here."""
        ids = {ref.id for ref in refs if (ref.source, ref.kind, ref.key) == (Source.CALENDLY, Kind.USER, UserKey.ID)}
        if not ids:
            return Found(rows=[])
        found = await self.all(request)
        rows = [user for user in found.rows if user.source_id in ids]
        lost = lost_in(found, Source.CALENDLY)
        missing = ids - {user.source_id for user in rows}
        failures: dict[str, UpstreamError] = dict.fromkeys(missing, lost) if lost else {}
        return Found(rows=rows, problems=found.problems, failures=failures)

    async def all(self, request: Request) -> Found[User]:
        """Every member; the same ones throughout a request."""
        return await request.once((self, WHOLE), lambda: self._read(request))

    def price_of_refs(self, refs: int) -> Needs:
        """What so many references cost: the whole team."""
        return self.price_of_all() if refs else []

    def price_of_all(self) -> Needs:
        """What the whole team costs: a call a hundred members."""
        return [(TEAM, 1)]

    async def _read(self, request: Request) -> Found[User]:
        return (await self._team.get(request, WHOLE)).value.value
