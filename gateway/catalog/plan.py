"""Which sources a filter asks, and in which of two ways. Pure.

A filter that only speaks of times and states is decided by each row as its own source has it. One that speaks of whose
meeting it is (or of a lower source's own fields) may be met by a folded meeting through its twin alone: then every
window row that meets part of it is screened first, and brings the meeting that holds it in.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from gateway.model.filters import MeetingFilter
from gateway.model.order import RANK
from gateway.model.records import Ref, Source
from gateway.sources.base import Ports, Traits

LINKS = {
    "person_ids": "personIds",
    "person_emails": "personEmails",
    "owner_ids": "ownerIds",
    "owner_emails": "ownerEmails",
    "booked_by_ids": "bookedByIds",
    "cadence_ids": "cadenceIds",
    "step_ids": "stepIds",
    "account_ids": "accountIds",
    "calendar_event_ids": "calendarEventIds",
    "i_cal_uids": "iCalUids",
    "attendee_emails": "attendeeEmails",
}
"""Conditions on values that a folded meeting may owe to its twin, by attribute, as clients write them."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """How a filter is answered.

    Attributes:
        listings: The sources that are walked.
        windows: The sources whose windows are looked through, for rows of their own or for those they bring in.
        skipped: The sources none of whose own rows can match, and why.
        together: The sources whose own conditions only a meeting can meet that they all hold, where there are several:
            no row of theirs is shown by itself, but each of them is in every row shown.
        scope: The sources among which each event is shown once.
        by_links: Whether the window rows that may decide are screened before the walk.
    """

    listings: tuple[Ports, ...]
    windows: tuple[Ports, ...]
    skipped: Mapping[Source, str]
    scope: frozenset[Source]
    by_links: bool
    together: frozenset[Source] = frozenset()

    @property
    def listed(self) -> frozenset[Source]:
        """The sources whose own rows are listed."""
        return self.scope - self.skipped.keys()

    @property
    def shown(self) -> frozenset[Source]:
        """The sources whose rows may be shown, of their own or brought in."""
        asked = frozenset(port.source for port in (*self.listings, *self.windows))
        return asked | self.scope if self.by_links else asked


def plan(wanted: MeetingFilter, ports: Sequence[Ports]) -> Plan:
    """The plan for a filter over the sources that are there, in order of rank."""
    having = [port for port in ports if traits_of(port) is not None]
    skipped = {port.source: reason for port in having if (reason := _reason_to_skip(wanted, port)) is not None}
    scope = frozenset(port.source for port in having if wanted.sources is None or port.source in wanted.sources)
    bringing = {
        port.source for port in having if any(RANK[s] < RANK[port.source] for s in scope) and _brings(wanted, port)
    }
    windows = [port for port in having if port.window is not None]
    by_links = any(port.source in bringing for port in windows)
    return Plan(
        listings=tuple(port for port in having if port.listing is not None and port.source not in skipped),
        windows=tuple(port for port in windows if port.source not in skipped or port.source in bringing),
        skipped=skipped,
        scope=scope,
        by_links=by_links,
        together=scope & wanted.own.keys() if by_links and len(wanted.own) > 1 else frozenset(),
    )


def named(sources: Iterable[Source]) -> str:
    """Who can meet the sources' own conditions, in words for clients."""
    names = [source.name for source in sources]
    return f"{' and '.join(names)} can meet filter.{' and filter.'.join(names).lower()}"


def traits_of(port: Ports) -> Traits | None:
    """What a source can tell about meetings; None where it has none."""
    meetings = port.listing or port.window
    return None if meetings is None else meetings.traits


def out_of_reach(wanted: MeetingFilter, traits: Traits, now: dt.datetime) -> bool:
    """Whether every start time asked for lies further back than the source goes, with a day to spare."""
    if traits.reaches_back is None or wanted.start_time is None:
        return False
    ends = [end for end in (wanted.start_time.lt, wanted.start_time.lte) if end is not None]
    return bool(ends) and min(ends) < now - traits.reaches_back - dt.timedelta(days=1)


def _brings(wanted: MeetingFilter, port: Ports) -> bool:
    """Whether a meeting of a higher source may match by what a record of this one adds to it."""
    traits = traits_of(port) or Traits()
    return (
        port.source in wanted.own
        or (wanted.ids is not None and _any_of(port.source, wanted.ids))
        or any(getattr(wanted, name) is not None for name in LINKS if name not in traits.lacks)
    )


def _reason_to_skip(wanted: MeetingFilter, port: Ports) -> str | None:
    """Why none of a source's own rows can match, in a sentence for clients."""
    traits = traits_of(port) or Traits()
    others = [other for other in wanted.own if other is not port.source]
    lacking = [
        argument for name, argument in LINKS.items() if name in traits.lacks and getattr(wanted, name) is not None
    ]
    reasons = {
        "Left out by filter.sources.": wanted.sources is not None and port.source not in wanted.sources,
        f"Only {named(others)}.": bool(others),
        "filter.ids names no record of this source.": wanted.ids is not None and not _any_of(port.source, wanted.ids),
        f"This source cannot meet filter.{' or filter.'.join(lacking)}.": bool(lacking),
        "This source has no meetings of the statuses in filter.status.": (
            wanted.status is not None and wanted.status.isdisjoint(traits.statuses)
        ),
        "This source does not know of no-shows (filter.noShow).": bool(wanted.no_show) and not traits.tells_no_show,
    }
    return next((reason for reason, holds in reasons.items() if holds), None)


def _any_of(source: Source, refs: frozenset[Ref]) -> bool:
    return any(ref.source is source for ref in refs)
