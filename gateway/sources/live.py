"""The port through which a source reports what has changed: its deliveries, and reading again what they are about."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec

from gateway.errors import UpstreamError
from gateway.model.records import Meeting
from gateway.request import Request


class DeliveryCheck(msgspec.Struct, frozen=True, kw_only=True):
    """What a delivery is found to be.

    Attributes:
        authentic: Whether one of the secrets signed it.
        stale: Whether it was signed too long ago to be believed.
        event: The vendor's name of what happened, where it is one that matters, else None.
        ids: The meetings that it hints at; none where any may have changed.
    """

    authentic: bool
    stale: bool = False
    event: str | None = None
    ids: tuple[str, ...] = ()


FORGED = DeliveryCheck(authentic=False)


class Reread(msgspec.Struct, frozen=True, kw_only=True):
    """Meetings as they are now, read past every cache.

    Attributes:
        rows: Those asked for that exist; of a source that can only be read whole, all that there are.
        missing: Ids that were asked for and do not exist any more, as far as that is known.
        failed: The error of those whose own call failed.
        whole: Whether the rows are all that there are.
        as_of: When the reading began, in seconds since 1970 by the source's clock.
    """

    rows: Sequence[Meeting]
    as_of: float
    missing: frozenset[str] = frozenset()
    failed: Mapping[str, UpstreamError] = {}
    whole: bool = False


class RecentChanges(msgspec.Struct, frozen=True, kw_only=True):
    """What has changed since a moment.

    Attributes:
        rows: The meetings that may have.
        reached: Whether the source was read back to that moment, so that none is missing.
        whole: Whether the rows are all that there are.
        as_of: When the reading began, in seconds since 1970 by the source's clock.
    """

    rows: Sequence[Meeting]
    as_of: float
    reached: bool = True
    whole: bool = False


class Webhooks(Protocol):
    """What a source's deliveries look like. Pure: nothing is asked upstream."""

    @property
    def signed_events(self) -> Sequence[str]:
        """The vendor's names of the events that a gateway wants."""
        ...

    def verdict(self, headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: float) -> DeliveryCheck:
        """What a delivery is.

        Args:
            headers: Its headers, names in lower case.
            body: As it came.
            secrets: Any of which it may be signed with.
            now: Seconds since 1970.
        """
        ...


class WebhookSubscription(msgspec.Struct, frozen=True, kw_only=True):
    """A vendor's subscription to an event.

    Attributes:
        id: Its id there.
        event: The vendor's name of the event.
        url: Where it delivers.
        secret: What it signs with, where the vendor shows that.
        enabled: Whether it delivers at all.
    """

    id: str
    event: str
    url: str
    secret: str | None = None
    enabled: bool = True

    def __repr__(self) -> str:
        return f"Subscription({self.event!r}, {self.url!r})"


class WebhookSubscriptions(Protocol):
    """A vendor's subscriptions, where it has calls for them."""

    @property
    def events(self) -> Sequence[str]:
        """The vendor's names of the events that a gateway wants."""
        ...

    def address(self, url: str, secret: str) -> str:
        """The URL to subscribe with: that of the gateway, as it has to be for deliveries signed with a secret."""
        ...

    async def all(self, request: Request) -> list[WebhookSubscription]:
        """Those that there are."""
        ...

    async def create(self, request: Request, event: str, url: str, secret: str) -> None:
        """Makes one."""
        ...

    async def delete(self, request: Request, id_: str) -> None:
        """Deletes one."""
        ...


class LiveMeetings(Protocol):
    """A source's meetings as they change."""

    @property
    def webhooks(self) -> Webhooks:
        """What its deliveries look like."""
        ...

    @property
    def reread_cost(self) -> int:
        """Units that reading again up to a hundred meetings costs at most, about."""
        ...

    async def reread(self, request: Request, ids: Sequence[str]) -> Reread:
        """The meetings with these ids as they are now; what is cached of them is replaced.

        Raises:
            UpstreamError: None of them could be read.
            DeadlineExceeded: Not before the request's deadline.
        """
        ...

    async def recent(self, request: Request, since: dt.datetime | None) -> RecentChanges:
        """The meetings that have changed since a moment, and maybe others; a page of them where there is none.

        Raises:
            UpstreamError: They could not be read.
            DeadlineExceeded: Not before the request's deadline.
        """
        ...

    def outdate(self, ids: Sequence[str], as_of: float) -> None:
        """Has what was cached of some meetings before a moment, and soon of all lists, read anew before it is used.

        Args:
            ids: The meetings.
            as_of: Seconds since 1970 by the source's clock.
        """
        ...
