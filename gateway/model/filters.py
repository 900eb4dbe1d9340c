"""What a list of meetings is narrowed by, and what that means for a meeting as it is shown.

All conditions are ANDed. None is no condition; an empty set matches nothing.
"""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Iterator, Mapping
from typing import TypeAlias

import msgspec

from gateway.model.records import Kind, Meeting, MeetingStatus, Ref, Source

Refs: TypeAlias = frozenset[Ref] | None


class Canceled(enum.Enum):
    """Whether cancelled meetings are listed."""

    EXCLUDE = "EXCLUDE"
    INCLUDE = "INCLUDE"
    ONLY = "ONLY"


class TimeRange(msgspec.Struct, frozen=True):
    """Bounds of an instant; each that is given holds. A missing value is in no range that has a bound."""

    gt: dt.datetime | None = None
    gte: dt.datetime | None = None
    lt: dt.datetime | None = None
    lte: dt.datetime | None = None

    @property
    def bounded(self) -> bool:
        """Whether it narrows anything."""
        return any(bound is not None for bound in (self.gt, self.gte, self.lt, self.lte))

    def admits(self, value: dt.datetime | None) -> bool:
        """Whether an instant lies inside."""
        if value is None:
            return not self.bounded
        return (
            (self.gt is None or value > self.gt)
            and (self.gte is None or value >= self.gte)
            and (self.lt is None or value < self.lt)
            and (self.lte is None or value <= self.lte)
        )


class MeetingFilter(msgspec.Struct, frozen=True, kw_only=True):
    """The conditions of `meetings(filter:)`.

    Attributes:
        persons: What `personIds` and `personEmails` come to: the references that a matching meeting may bear, of every
            source. `owners` and `bookers` likewise. The catalog resolves them before any source is asked.
        person_ids: As the client sent them; only the catalog reads these and the e-mail lists.
        under: A person, or an owner, who has to be meant besides those whom the client names.
        own: Each source's own conditions, in a type of that source's.
    """

    ids: Refs = None
    sources: frozenset[Source] | None = None
    status: frozenset[MeetingStatus] | None = None
    canceled: Canceled = Canceled.EXCLUDE
    no_show: bool | None = None
    start_time: TimeRange | None = None
    end_time: TimeRange | None = None
    created_at: TimeRange | None = None
    updated_at: TimeRange | None = None
    person_ids: Refs = None
    person_emails: frozenset[str] | None = None
    attendee_emails: frozenset[str] | None = None
    owner_ids: Refs = None
    owner_emails: frozenset[str] | None = None
    booked_by_ids: Refs = None
    persons: Refs = None
    owners: Refs = None
    bookers: Refs = None
    cadence_ids: Refs = None
    step_ids: Refs = None
    account_ids: Refs = None
    calendar_event_ids: frozenset[str] | None = None
    i_cal_uids: frozenset[str] | None = None
    under: Ref | None = None
    own: Mapping[Source, object] = {}

    @property
    def impossible(self) -> bool:
        """Whether some condition is an empty set, so that nothing can match."""
        return any(isinstance(value, frozenset) and not value for value in msgspec.structs.asdict(self).values())

    def admits_state(self, meeting: Meeting) -> bool:
        """Whether times, status, cancellation and no-show are as asked; a folded meeting has them of its own record."""
        canceled = meeting.status is MeetingStatus.CANCELED
        return (
            (self.canceled is Canceled.INCLUDE or canceled == (self.canceled is Canceled.ONLY))
            and (self.status is None or meeting.status in self.status)
            and (self.no_show is None or self.no_show == bool(meeting.no_show))
            and _in_range(self.start_time, meeting.start_time)
            and _in_range(self.end_time, meeting.end_time)
            and _in_range(self.created_at, meeting.created_at)
            and _in_range(self.updated_at, meeting.updated_at)
        )

    @property
    def linked(self) -> bool:
        """Whether it has a condition on whose meeting it is, or what it belongs to."""
        return any(getattr(self, name) is not None for name in LINKS)

    def admits(self, meeting: Meeting) -> bool:
        """Whether every common condition holds on the meeting's values as they are shown."""
        return self.admits_state(meeting) and all(self._links(meeting))

    def touches(self, twin: Meeting) -> bool:
        """Whether a record meets one of the conditions that a meeting could meet through a twin alone."""
        return any(self._links(twin))

    def _links(self, meeting: Meeting) -> Iterator[bool]:
        """Whether it is as asked, for each condition given on whose meeting it is and what it belongs to."""
        if self.ids is not None:
            yield any(Ref(row.source, Kind.MEETING, row.source_id) in self.ids for row in (meeting, *meeting.twins))
        refs = (
            (self.persons, meeting.person),
            (self.owners, meeting.owner),
            (self.bookers, meeting.booked_by),
            (self.cadence_ids, meeting.cadence),
            (self.step_ids, meeting.step),
            (self.account_ids, meeting.account),
        )
        yield from (ref in wanted for wanted, ref in refs if wanted is not None)
        if self.calendar_event_ids is not None:
            yield meeting.calendar_event_id in self.calendar_event_ids
        if self.i_cal_uids is not None:
            yield meeting.i_cal_uid in self.i_cal_uids
        if self.attendee_emails is not None:
            yield not self.attendee_emails.isdisjoint(_addresses(meeting))


LINKS = (
    *("ids", "persons", "owners", "bookers", "cadence_ids", "step_ids", "account_ids"),
    *("calendar_event_ids", "i_cal_uids", "attendee_emails"),
)
"""The conditions that `_links` looks at."""

CONDITIONS = {
    Kind.PERSON: "person_ids",
    Kind.USER: "owner_ids",
    Kind.CADENCE: "cadence_ids",
    Kind.STEP: "step_ids",
    Kind.ACCOUNT: "account_ids",
}
"""The condition that a list under a record of some kind adds to its filter."""


def under(record: Ref, wanted: MeetingFilter) -> MeetingFilter:
    """The filter of a list that stands under a record: its own conditions, and that the meeting is the record's."""
    name = CONDITIONS[record.kind]
    known: Refs = getattr(wanted, name)
    if known is not None and record.kind in {Kind.PERSON, Kind.USER}:
        # Records of two sources may be one person: only the catalog can tell whether both mean the same.
        return msgspec.structs.replace(wanted, under=record)
    own = frozenset({record})
    return msgspec.structs.replace(wanted, **{name: own if known is None else own & known})


def fold_email(address: str) -> str:
    """An address in the form in which two are compared: trimmed and case-folded."""
    return address.strip().casefold()


def _addresses(meeting: Meeting) -> set[str]:
    attendees = {fold_email(attendee.email) for attendee in meeting.attendees or () if attendee.email}
    return attendees | {fold_email(guest) for guest in meeting.guests or ()}


def _in_range(wanted: TimeRange | None, value: dt.datetime | None) -> bool:
    return wanted is None or wanted.admits(value)
