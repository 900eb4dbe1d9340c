"""What the lists are narrowed by: each filter is a table of conditions (see `model.conditions`).

All conditions are ANDed. None is no condition; an empty set matches nothing.
"""

from __future__ import annotations

import enum
import functools
from collections.abc import Callable, Mapping
from typing import Annotated

import msgspec

from gateway.model.conditions import (
    ByDays,
    ByEnum,
    ByFlag,
    ByIds,
    ByMember,
    BySubstring,
    ByTexts,
    ByTime,
    Check,
    Condition,
    DaySpan,
    Filter,
    Form,
    Refs,
    Texts,
    TimeRange,
    all_of,
    argument,
    conditions_of,
    inputs_of,
)
from gateway.model.days import overlapping, starts_of_days, starts_of_overlap, touching
from gateway.model.identity import FALLBACK
from gateway.model.records import Kind, Meeting, MeetingStatus, Ref, Source


class Canceled(enum.Enum):
    """Whether cancelled meetings are listed."""

    EXCLUDE = "EXCLUDE"
    INCLUDE = "INCLUDE"
    ONLY = "ONLY"


def fold_email(address: str) -> str:
    """An address in the form in which two are compared: trimmed and case-folded."""
    return address.strip().casefold()


def _canceled(wanted: MeetingFilter) -> Check | None:
    canceled = MeetingStatus.CANCELED
    if wanted.canceled is Canceled.INCLUDE:
        return None
    if wanted.canceled is Canceled.ONLY:
        return lambda meeting: meeting.status is canceled
    return lambda meeting: meeting.status is not canceled


def _every_id(meeting: Meeting) -> list[Ref]:
    return [Ref(row.source, Kind.MEETING, row.source_id) for row in (meeting, *meeting.twins)]


def _invited(meeting: Meeting) -> set[str]:
    attendees = {fold_email(attendee.email) for attendee in meeting.attendees or () if attendee.email}
    return attendees | {fold_email(guest) for guest in meeting.guests or ()}


def _domains(meeting: Meeting) -> set[str]:
    return {address.rpartition("@")[2] for address in _invited(meeting)}


def _title_contains(wanted: MeetingFilter) -> Check | None:
    part = wanted.title_contains
    return None if part is None else lambda meeting: part in (meeting.title or "").casefold()


class MeetingFilter(Filter[Meeting], frozen=True, kw_only=True):
    """The conditions of `meetings(filter:)`.

    Attributes:
        persons: What `personIds` and `personEmails` come to: the references that a matching meeting may bear, of every
            source. `owners` and `bookers` likewise. The catalog resolves them before any source is asked.
        under: A person, or an owner, who has to be meant besides those whom the client names.
        own: Each source's own conditions, in a type of that source's.
    """

    ids: Annotated[
        Refs,
        Condition(
            ByIds(Kind.MEETING),
            "Global ids of meetings, or of records merged into them.",
            about=("twins",),
            of=_every_id,
            several=True,
        ),
    ] = None
    sources: Annotated[
        frozenset[Source] | None,
        Condition(
            ByEnum(Source),
            (
                "Only these sources. `[DRIFT]` lists Drift's records by themselves, without merging them "
                "into Salesloft's."
            ),
        ),
    ] = None
    status: Annotated[
        frozenset[MeetingStatus] | None, Condition(ByEnum(MeetingStatus), "Only these statuses.", about=("status",))
    ] = None
    canceled: Annotated[
        Canceled,
        Condition(
            ByMember(Canceled),
            (
                "Whether cancelled meetings are listed. The default is EXCLUDE, or INCLUDE if `status` "
                "contains CANCELED, `ids` are given or `salesloft.showDeleted` is set."
            ),
            about=("status",),
            test=_canceled,
        ),
    ] = Canceled.EXCLUDE
    no_show: Annotated[
        bool | None,
        Condition(
            ByFlag(),
            "True: only no-shows. False: all others, including those whose source cannot tell.",
            about=("no_show",),
            of=lambda meeting: bool(meeting.no_show),
        ),
    ] = None
    start_time: Annotated[
        TimeRange | None, Condition(ByTime(), "When it starts.", about=("start_time",), starts=lambda span: span)
    ] = None
    end_time: Annotated[
        TimeRange | None, Condition(ByTime(), "When it ends.", about=("end_time",), checked_here=True)
    ] = None
    overlaps: Annotated[
        TimeRange | None,
        Condition(
            ByTime(),
            "When it takes place: any part of it may lie in this range. Meetings that started more than 24 hours "
            "before the range are not found. Counts as a bound on `startTime`.",
            about=("start_time", "end_time"),
            test=lambda wanted: overlapping(wanted.overlaps),
            starts=starts_of_overlap,
        ),
    ] = None
    days: Annotated[
        DaySpan | None,
        Condition(
            ByDays(),
            "The calendar days on which it takes place, in a time zone; all-day meetings match by their dates in every "
            "zone. Meetings that started more than 24 hours before these days are not found. Counts as a bound on "
            "`startTime`.",
            about=("start_time", "end_time", "all_day"),
            test=lambda wanted: touching(wanted.days),
            starts=starts_of_days,
        ),
    ] = None
    all_day: Annotated[
        bool | None,
        Condition(
            ByFlag(),
            "Whether it lasts all day; `false` includes meetings for which this is unknown.",
            about=("all_day",),
            of=lambda meeting: bool(meeting.all_day),
            checked_here=True,
        ),
    ] = None
    title_contains: Annotated[
        str | None,
        Condition(
            BySubstring(200),
            "Text that its title contains, in upper or lower case: 1 to 200 characters.",
            about=("title",),
            test=_title_contains,
            checked_here=True,
        ),
    ] = None
    created_at: Annotated[TimeRange | None, Condition(ByTime(), "When it was booked.", about=("created_at",))] = None
    updated_at: Annotated[
        TimeRange | None, Condition(ByTime(), "When its record was last updated.", about=("updated_at",))
    ] = None
    person_ids: Annotated[
        Refs,
        Condition(
            ByIds(Kind.PERSON), "Global ids of people who were invited or who booked, in every source.", means="persons"
        ),
    ] = None
    person_emails: Annotated[
        Texts,
        Condition(
            ByTexts(Form.EMAIL),
            "E-mail addresses of people who were invited or who booked, in every source.",
            means="persons",
            personal=True,
        ),
    ] = None
    attendee_emails: Annotated[
        Texts,
        Condition(
            ByTexts(Form.EMAIL),
            "E-mail addresses of attendees or guests.",
            about=("attendees", "guests"),
            of=_invited,
            several=True,
            personal=True,
            checked_here=True,
        ),
    ] = None
    attendee_domains: Annotated[
        Texts,
        Condition(
            ByTexts(Form.MAIL_DOMAIN),
            "Domains of the e-mail addresses of its attendees or guests, such as `example.com`.",
            about=("attendees", "guests"),
            of=_domains,
            several=True,
            personal=True,
            checked_here=True,
        ),
    ] = None
    owner_ids: Annotated[
        Refs, Condition(ByIds(Kind.USER), "Global ids of the team members who own the meeting.", means="owners")
    ] = None
    owner_emails: Annotated[
        Texts,
        Condition(
            ByTexts(Form.EMAIL),
            "E-mail addresses of the team members who own the meeting.",
            means="owners",
            personal=True,
        ),
    ] = None
    booked_by_ids: Annotated[
        Refs, Condition(ByIds(Kind.USER), "Global ids of the team members who booked the meeting.", means="bookers")
    ] = None
    cadence_ids: Annotated[
        Refs,
        Condition(
            ByIds(Kind.CADENCE), "Global ids of cadences. Only meetings in Salesloft have one.", about=("cadence",)
        ),
    ] = None
    step_ids: Annotated[
        Refs,
        Condition(ByIds(Kind.STEP), "Global ids of steps. Only meetings in Salesloft have one.", about=("step",)),
    ] = None
    account_ids: Annotated[
        Refs,
        Condition(
            ByIds(Kind.ACCOUNT), "Global ids of accounts. Only meetings in Salesloft have one.", about=("account",)
        ),
    ] = None
    calendar_event_ids: Annotated[
        Texts, Condition(ByTexts(), "Ids of events in the calendar.", about=("calendar_event_id",))
    ] = None
    i_cal_uids: Annotated[
        Texts,
        Condition(
            ByTexts(),
            "iCalendar UIDs, which the meetings of a series share. Only Salesloft provides them.",
            about=("i_cal_uid",),
        ),
    ] = None
    persons: Annotated[Refs, Condition(ByIds(Kind.PERSON), about=("person",))] = None
    owners: Annotated[Refs, Condition(ByIds(Kind.USER), about=("owner",))] = None
    bookers: Annotated[Refs, Condition(ByIds(Kind.USER), about=("booked_by",))] = None
    under: Ref | None = None
    own: Mapping[Source, object] = {}

    @property
    def impossible(self) -> bool:
        """Whether some condition, a source's own ones among them, is an empty set, so that nothing can match."""
        own = (conditions for conditions in self.own.values() if isinstance(conditions, Filter))
        return super().impossible or any(conditions.impossible for conditions in own)

    @property
    def starts(self) -> list[TimeRange]:
        """The ranges that a matching meeting's start lies in, all of them."""
        return [row.starts(value) for _, row, value in self.given() if row.starts is not None]

    @property
    def start_range(self) -> TimeRange:
        """All of them as one."""
        whole = TimeRange()
        for span in self.starts:
            whole = whole.within(span)
        return whole

    @property
    def unbounded(self) -> str | None:
        """The first condition, as clients write it, that needs a bound on the start time where there is none."""
        if any(span.bounded for span in self.starts):
            return None
        checked = (name for name, row, value in self.given() if row.checked_here and value != frozenset())
        return next(map(argument, checked), None)

    @functools.cached_property
    def admits_state(self) -> Callable[[Meeting], bool]:
        """Whether times, status, cancellation and no-show are as asked; a folded meeting has them of its own record."""
        return all_of(check for name, check in self.checks().items() if name not in LINKS)

    @property
    def linked(self) -> bool:
        """Whether it has a condition on what a meeting may owe to a twin."""
        return any(getattr(self, name) is not None for name in LINKS)

    def touches(self, twin: Meeting) -> bool:
        """Whether a record meets one of the conditions that a meeting could meet through a twin alone."""
        return any(check(twin) for name, check in self.checks().items() if name in LINKS)


LINKS = tuple(
    name
    for name, row in conditions_of(MeetingFilter).items()
    if any(attribute in FALLBACK or attribute == "twins" for attribute in row.about)
)
"""The conditions that a folded meeting may meet by what a twin adds to it; all others hold on its own record."""

LINKED_INPUTS = {
    name: argument(name)
    for name, row in inputs_of(MeetingFilter).items()
    if (row.means or name) in LINKS and name != "ids"
}
"""Those of clients that come to one of these, as clients write them; `ids` shows itself which records it names."""


def _conditions_under() -> dict[Kind, str]:
    found: dict[Kind, str] = {}
    for name, row in inputs_of(MeetingFilter).items():
        if isinstance(row.value, ByIds) and name != "ids":
            found.setdefault(row.value.kind, name)
    return found


CONDITION_UNDER = _conditions_under()
"""The condition that a list under a record of some kind adds to its filter: the first that names such records."""

RESOLVED_UNDER = {kind: conditions_of(MeetingFilter)[name].means or name for kind, name in CONDITION_UNDER.items()}
"""The same once it is known whom the filter means: what such lists differ in."""


def under(record: Ref, wanted: MeetingFilter) -> MeetingFilter:
    """The filter of a list that stands under a record: its own conditions, and that the meeting is the record's."""
    name = CONDITION_UNDER[record.kind]
    known: Refs = getattr(wanted, name)
    if known is not None and record.kind in {Kind.PERSON, Kind.USER}:
        # Records of two sources may be one person: only the catalog can tell whether both mean the same.
        return msgspec.structs.replace(wanted, under=record)
    own = frozenset({record})
    return msgspec.structs.replace(wanted, **{name: own if known is None else own & known})
