"""Calendly behind the protocols of `sources.base`."""

from __future__ import annotations

import datetime as dt

from gateway.model.records import Source
from gateway.request import Clock
from gateway.settings.lifetimes import DEFAULT, RecordLifetimes
from gateway.settings.sources import CalendlySettings
from gateway.sources.base import Ports
from gateway.sources.calendly.addresses import AddressIds
from gateway.sources.calendly.api import NOT_ADMIN, VITAL, CalendlyApi
from gateway.sources.calendly.examine import examine
from gateway.sources.calendly.invitees import InviteeReader
from gateway.sources.calendly.live import CalendlyLive
from gateway.sources.calendly.meetings import CalendlyMeetings
from gateway.sources.calendly.months import EventWindow
from gateway.sources.calendly.people import CalendlyPeople, CalendlyUsers
from gateway.sources.calendly.subscriptions import CalendlySubscriptions
from gateway.sources.vendor import SourceOptions, Vendor
from gateway.upstream.client import Client
from gateway.upstream.clock import Timer

NAME = Source.CALENDLY.value
DAYS_BACK, DAYS_AHEAD = 90, 180
"""How far the window reaches where nothing is set."""


def open(  # noqa: A001  # always called as `source.open`
    client: Client,
    clock: Clock,
    lives: RecordLifetimes = DEFAULT,
    *,
    organization: str | None = None,
    days_back: int = DAYS_BACK,
    days_ahead: int = DAYS_AHEAD,
    id_secret: str = "",
) -> Ports:
    """Calendly's ports over a client.

    Args:
        client: Calls `https://api.calendly.com`, or what stands for it.
        clock: Tells which months lie behind, and which ahead.
        lives: How long what it gave may be used.
        organization: URI or id of the organization; that of the token's user where not given.
        days_back: How far back its window reaches; the month that this lies in is read whole.
        days_ahead: How far ahead, likewise.
        id_secret: What the ids of whom it alone knows are encrypted with.
    """
    api = CalendlyApi(client, organization)
    ids = AddressIds(id_secret)
    window = EventWindow(
        client, api, clock, lives.window, back=dt.timedelta(days=days_back), ahead=dt.timedelta(days=days_ahead)
    )
    invitees = InviteeReader(client, api, window, ids, lives)
    people = CalendlyPeople(invitees, ids)
    meetings = CalendlyMeetings(client, api, window, invitees=invitees, ids=ids, lifetimes=lives)
    return Ports(
        source=Source.CALENDLY,
        scope="scheduled_events:read",
        probes={"users:read": api.me, "organizations:read": api.memberships},
        meetings=meetings,
        live=CalendlyLive(client, meetings, window),
        details=invitees,
        people=people,
        addressed=people,
        users=CalendlyUsers(client, api, lives),
        sample=api.sample,
        examine=lambda ask: examine(ask, organization),
        subscriptions=CalendlySubscriptions(client, api),
    )


def _open(client: Client, clock: Timer, options: SourceOptions) -> Ports:
    settings = options.settings if isinstance(options.settings, CalendlySettings) else CalendlySettings(name=NAME)
    return open(
        client,
        clock,
        options.lifetimes,
        organization=settings.organization or None,
        days_back=settings.days_back,
        days_ahead=settings.days_ahead,
        id_secret=options.id_key.reveal(),
    )


VENDOR = Vendor(
    open=_open,
    vital=VITAL,
    remaining_header="x-ratelimit-remaining",
    reset_header="x-ratelimit-reset",
    forbidden=NOT_ADMIN,
)
