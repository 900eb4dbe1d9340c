"""The list of meetings by brute force, from the contract's words: what the catalog's answers are compared with.

Nothing of gateway.catalog, gateway.paging or the functions of gateway.model is used here, only the records' data.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import re
from collections.abc import Iterable, Sequence

from gateway.model.filters import Canceled, MeetingFilter, TimeRange
from gateway.model.order import NameField, Order, OrderField
from gateway.model.records import Kind, Meeting, MeetingStatus, Person, Ref, Source, User, UserKey
from tests.catalog.fakes import Rows, Words

OWN_FIELDS = ("start_time", "end_time", "all_day", "status", "no_show", "canceled_at", "created_at", "updated_at")
SHARED_FIELDS = (
    *("title", "description", "location", "notes", "time_zone", "calendar_event_id", "i_cal_uid", "conference_url"),
    *("recurrence", "owner", "booked_by", "person", "attendees", "guests", "cadence", "step", "account", "task"),
    "conversation",
)
EARLIEST = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


@dataclasses.dataclass(frozen=True)
class Shown:
    """A meeting as clients are to see it."""

    own: Meeting
    twins: tuple[Meeting, ...]  # newest first
    values: dict[str, object]
    sources: tuple[Source, ...]

    @property
    def key(self) -> tuple[Source, str]:
        return self.own.source, self.own.source_id


class Oracle:
    """What there is to see over two sources that do not change.

    Args:
        salesloft: What the first source holds.
        drift: What the second holds.
    """

    def __init__(self, salesloft: Rows, drift: Rows) -> None:
        self.salesloft = salesloft
        self.drift = drift

    def listed(self, wanted: MeetingFilter, order: Order) -> list[Shown]:
        """Every meeting that the filter admits, in order."""
        return sort([shown for shown in self.candidates(wanted.sources) if self.admits(wanted, shown)], order)

    def candidates(self, sources: frozenset[Source] | None) -> list[Shown]:
        """Every meeting there is to see of some sources."""
        upper = sources is None or Source.SALESLOFT in sources
        lower = sources is None or Source.DRIFT in sources
        found = [self.folded(row) for row in self.salesloft.meetings] if upper else []
        if lower:
            found += [self.bare(row) for row in self.drift.meetings if not upper or not self.holders(row)]
        return found

    def shown_by(self, source: Source, source_id: str) -> Shown | None:
        """What a record's id resolves to."""
        rows = self.salesloft if source is Source.SALESLOFT else self.drift
        row = next((row for row in rows.meetings if row.source_id == source_id), None)
        if row is None:
            return None
        if source is Source.SALESLOFT:
            return self.folded(row)
        home = self.home(row)
        return self.bare(row) if home is None else self.folded(home)

    def bare(self, row: Meeting) -> Shown:
        """One of Drift's under its own id."""
        values = {name: getattr(row, name) for name in (*OWN_FIELDS, *SHARED_FIELDS)}
        return Shown(row, (), values, (Source.SALESLOFT, Source.DRIFT) if self.holders(row) else (Source.DRIFT,))

    def folded(self, row: Meeting) -> Shown:
        """One of Salesloft's, with Drift's folded in."""
        twins = [twin for twin, home in self._homes if home is row]
        twins.sort(key=lambda twin: (len(twin.source_id), twin.source_id))
        twins.sort(key=lambda twin: twin.updated_at or twin.created_at or EARLIEST, reverse=True)
        values = {name: getattr(row, name) for name in OWN_FIELDS}
        for name in SHARED_FIELDS:
            value = getattr(row, name)
            values[name] = getattr(twins[0], name) if value is None and twins else value
        event = any(row in holders for holders in self._holders.values())
        return Shown(row, tuple(twins), values, (Source.SALESLOFT, Source.DRIFT) if event else (Source.SALESLOFT,))

    def holders(self, row: Meeting) -> list[Meeting]:
        """Salesloft's records of the event of one of Drift's."""
        return self._holders[row.source_id]

    @functools.cached_property
    def _holders(self) -> dict[str, list[Meeting]]:
        return {
            row.source_id: [other for other in self.salesloft.meetings if same_event(other, row)]
            for row in self.drift.meetings
        }

    @functools.cached_property
    def _homes(self) -> list[tuple[Meeting, Meeting | None]]:
        return [(row, self.home(row)) for row in self.drift.meetings]

    def home(self, row: Meeting) -> Meeting | None:
        """The record that one of Drift's folds into: same start, else same owner, else lowest id."""
        return min(
            self.holders(row),
            key=lambda other: (
                not starts_together(other, row),
                not self.same_user(other.owner, row.owner),
                len(other.source_id),
                other.source_id,
            ),
            default=None,
        )

    # Who is whom

    def same_user(self, one: Ref | None, other: Ref | None) -> bool:
        if one is None or other is None:
            return False
        return one == other or bool(self.user_keys(one) & self.user_keys(other))

    def user_keys(self, ref: Ref) -> set[tuple[Source, str]]:
        """The user behind a reference, by the id of its first record."""
        for rows in (self.salesloft, self.drift):
            for user in rows.users:
                if ref.source is rows.source and ref.id == (user.guid if ref.key is UserKey.GUID else user.source_id):
                    return {self.first_user(user)}
        return set()

    def first_user(self, user: User) -> tuple[Source, str]:
        if user.source is Source.DRIFT:
            for other in self.salesloft.users:
                if share(user.emails, other.emails):
                    return other.source, other.source_id
        return user.source, user.source_id

    def users_with(self, email: str) -> set[tuple[Source, str]]:
        """Users with an address; where several have it, the first."""
        for rows in (self.salesloft, self.drift):
            for user in sorted(rows.users, key=lambda user: (len(user.source_id), user.source_id)):
                if share(user.emails, (email,)):
                    return {self.first_user(user)}
        return set()

    def owned(self, wanted: MeetingFilter, owner: Ref | None) -> bool:
        if owner is None:
            return wanted.owner_ids is None and wanted.owner_emails is None
        keys = self.user_keys(owner)
        by_id = wanted.owner_ids is None or any(self.same_user(owner, ref) for ref in wanted.owner_ids)
        named = [self.users_with(email) for email in wanted.owner_emails or ()]
        return by_id and (wanted.owner_emails is None or any(keys & users for users in named))

    def people_meant(self, refs: Iterable[Ref], emails: Iterable[str]) -> set[Ref]:
        """References to everybody who is named: known to the other source by any shared address."""
        given = set(refs)
        everyone = [*self.salesloft.people, *self.drift.people]
        named = [person for person in everyone if person_ref(person) in given]
        wanted = [email.strip().casefold() for email in emails]
        upper = [
            person
            for person in self.salesloft.people
            if person_ref(person) in given
            or share(person.emails, wanted)
            or any(other.source is Source.DRIFT and share(person.emails, other.emails) for other in named)
        ]
        lower = [
            person
            for person in self.drift.people
            if person_ref(person) in given
            or share(person.emails, wanted)
            or any(share(person.emails, other.emails) for other in upper)
        ]
        return given | {person_ref(person) for person in (*upper, *lower)}

    # Filters

    def admits(self, wanted: MeetingFilter, shown: Shown) -> bool:
        """Whether all conditions hold on what is shown."""
        return (
            self._admits_state(wanted, shown) and self._admits_links(wanted, shown) and self._admits_own(wanted, shown)
        )

    def _admits_state(self, wanted: MeetingFilter, shown: Shown) -> bool:
        row = shown.own
        canceled = row.status is MeetingStatus.CANCELED
        if wanted.canceled is Canceled.EXCLUDE and canceled:
            return False
        if wanted.canceled is Canceled.ONLY and not canceled:
            return False
        if wanted.status is not None and row.status not in wanted.status:
            return False
        if wanted.no_show is True and row.no_show is not True:
            return False
        if wanted.no_show is False and row.no_show is True:
            return False
        return all(
            inside(getattr(wanted, name), getattr(row, name))
            for name in ("start_time", "end_time", "created_at", "updated_at")
        )

    def _admits_links(self, wanted: MeetingFilter, shown: Shown) -> bool:
        values = shown.values
        ids = {Ref(row.source, Kind.MEETING, row.source_id) for row in (shown.own, *shown.twins)}
        owner, booker = values["owner"], values["booked_by"]
        assert owner is None or isinstance(owner, Ref)
        assert booker is None or isinstance(booker, Ref)
        plain = {
            "cadence": wanted.cadence_ids,
            "step": wanted.step_ids,
            "account": wanted.account_ids,
            "calendar_event_id": wanted.calendar_event_ids,
            "i_cal_uid": wanted.i_cal_uids,
            "person": None if wanted.person_ids is None else self.people_meant(wanted.person_ids, ()),
        }
        by_email = None if wanted.person_emails is None else self.people_meant((), wanted.person_emails)
        attendees, guests = values["attendees"] or (), values["guests"] or ()
        assert isinstance(attendees, tuple)
        assert isinstance(guests, tuple)
        present = [*(attendee.email or "" for attendee in attendees), *guests]
        return (
            (wanted.ids is None or bool(ids & wanted.ids))
            and all(allowed is None or values[name] in allowed for name, allowed in plain.items())
            and (by_email is None or values["person"] in by_email)
            and self.owned(wanted, owner)
            and (wanted.booked_by_ids is None or any(self.same_user(booker, ref) for ref in wanted.booked_by_ids))
            and (wanted.attendee_emails is None or share(present, wanted.attendee_emails))
        )

    def _admits_own(self, wanted: MeetingFilter, shown: Shown) -> bool:
        records = {row.source: row for row in (*shown.twins[:1], shown.own)}
        for source, own in wanted.own.items():
            assert isinstance(own, Words)
            if source not in records:
                return False
            raw = records[source].raw
            word = raw.get("word") if isinstance(raw, dict) else None
            if word is not None and word not in own.words:
                return False
        return True


def same_event(upper: Meeting, lower: Meeting) -> bool:
    """Equal calendar event ids; or the UID derived from a Google event id, and the same start."""
    if upper.calendar_event_id and upper.calendar_event_id == lower.calendar_event_id:
        return True
    if not upper.i_cal_uid or not lower.calendar_event_id or not starts_together(upper, lower):
        return False
    event = lower.calendar_event_id or ""
    stem = re.sub(r"_[0-9]{8}T[0-9]{6}Z$", "", event)
    google = stem == stem.lower() and "=" not in stem and len(stem) >= 5
    return google and upper.i_cal_uid == stem + "@google.com"


def starts_together(one: Meeting, other: Meeting) -> bool:
    """To the millisecond, which is all that Drift tells."""
    if one.start_time is None or other.start_time is None:
        return False
    return to_the_millisecond(one.start_time) == to_the_millisecond(other.start_time)


def to_the_millisecond(moment: dt.datetime) -> dt.datetime:
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def share(some: Iterable[str] | None, others: Iterable[str] | None) -> bool:
    folded = {text.strip().casefold() for text in some or ()}
    return bool(folded & {text.strip().casefold() for text in others or ()})


def person_ref(person: Person) -> Ref:
    return Ref(person.source, Kind.PERSON, person.source_id)


def inside(bounds: TimeRange | None, value: dt.datetime | None) -> bool:
    if bounds is None:
        return True
    if value is None:
        return bounds.gt is None and bounds.gte is None and bounds.lt is None and bounds.lte is None
    return not (
        (bounds.gt is not None and value <= bounds.gt)
        or (bounds.gte is not None and value < bounds.gte)
        or (bounds.lt is not None and value >= bounds.lt)
        or (bounds.lte is not None and value > bounds.lte)
    )


def sort(rows: Sequence[Shown], order: Order) -> list[Shown]:
    """By value; rows without one last; then by source and id: numbers by size, Drift after Salesloft."""
    name: dict[OrderField | NameField, str] = {
        OrderField.START_TIME: "start_time",
        OrderField.CREATED_AT: "created_at",
        OrderField.UPDATED_AT: "updated_at",
    }

    def compare(one: Shown, other: Shown) -> int:
        a, b = getattr(one.own, name[order.field]), getattr(other.own, name[order.field])
        if (a is None) != (b is None):
            return 1 if a is None else -1
        if a is not None and a != b:
            return (1 if a > b else -1) * (-1 if order.descending else 1)
        if one.own.source is not other.own.source:
            return 1 if one.own.source is Source.DRIFT else -1
        if len(one.own.source_id) != len(other.own.source_id):
            return 1 if len(one.own.source_id) > len(other.own.source_id) else -1
        return 1 if one.own.source_id > other.own.source_id else -1

    return sorted(rows, key=functools.cmp_to_key(compare))
