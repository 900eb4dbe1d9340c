"""The list of meetings by brute force, from the contract's words: what the catalog's answers are compared with.

Nothing of gateway.catalog, gateway.paging or the functions of gateway.model is used here, only the records' data.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import re
import zoneinfo
from collections.abc import Iterable, Sequence

from gateway.model.conditions import DaySpan, TimeRange
from gateway.model.filters import Canceled, MeetingFilter
from gateway.model.order import NameField, Order, OrderField
from gateway.model.records import Kind, Meeting, MeetingStatus, Person, Ref, Source, User, UserKey
from tests.catalog.fake import EVERY, invitee
from tests.catalog.fakes import Rows, Words
from tests.catalog.worlds import ADDRESSES, SPANS

OWN_FIELDS = ("start_time", "end_time", "all_day", "status", "no_show", "canceled_at", "created_at", "updated_at")
SHARED_FIELDS = (
    *("title", "description", "location", "notes", "time_zone", "calendar_event_id", "i_cal_uid", "conference_url"),
    *("recurrence", "owner", "booked_by", "person", "attendees", "guests", "cadence", "step", "account", "task"),
    "conversation",
)
MICROSECOND = dt.timedelta(microseconds=1)
INVITEES = [invitee(address) for address in (*ADDRESSES, "dee@new.example")]
APART = dt.timedelta(days=3)
"""How far apart Calendly's record of an event and the one that it is folded into may start."""
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
    """What there is to see over sources that do not change.

    Args:
        rows: What each of them holds, in order of rank.
    """

    def __init__(self, rows: Sequence[Rows]) -> None:
        self.rows = {each.source: each for each in rows}
        self.rank = list(self.rows)

    def listed(self, wanted: MeetingFilter, order: Order) -> list[Shown]:
        """Every meeting that the filter admits, in order."""
        return sort([shown for shown in self.candidates(wanted.sources) if self.admits(wanted, shown)], order)

    def candidates(self, sources: frozenset[Source] | None) -> list[Shown]:
        """Every meeting there is to see of some sources: what no higher one of them holds."""
        scope = [source for source in self.rank if sources is None or source in sources]
        every = (row for source in scope for row in self.rows[source].meetings)
        return [self.shown(row) for row in every if not any(row_.source in scope for row_ in self.holders(row))]

    def shown_by(self, source: Source, source_id: str) -> Shown | None:
        """What a record's id resolves to."""
        rows = self.rows[source].meetings if source in self.rows else []
        row = next((row for row in rows if row.source_id == source_id), None)
        return None if row is None else self.shown(self.home(row) or row)

    def shown(self, row: Meeting) -> Shown:
        """A record under its own id, with the twins folded in that are its own."""
        near = self.near(row)
        twins = [twin for twin in near if self.home(twin) is row]
        twins.sort(key=lambda twin: (len(twin.source_id), twin.source_id))
        twins.sort(key=lambda twin: twin.updated_at or twin.created_at or EARLIEST, reverse=True)
        twins.sort(key=lambda twin: self.rank.index(twin.source))
        values = {name: getattr(row, name) for name in OWN_FIELDS}
        newest = [next(twin for twin in twins if twin.source is source) for source in sources_of(twins)]
        for name in SHARED_FIELDS:
            given = (getattr(each, name) for each in (row, *newest))
            values[name] = next((value for value in given if value is not None), None)
        holding = sources_of([row, *near, *self.holders(row)])
        return Shown(row, tuple(twins), values, tuple(source for source in self.rank if source in holding))

    def holders(self, row: Meeting) -> list[Meeting]:
        """Records of the event of a row, of higher sources."""
        if id(row) not in self._holders:
            above = self.rank[: self.rank.index(row.source)]
            others = (other for source in above for other in self.rows[source].meetings)
            self._holders[id(row)] = [other for other in others if same_event(other, row)]
        return self._holders[id(row)]

    def near(self, row: Meeting) -> list[Meeting]:
        """Records of the event of a row, of lower sources, and those of the events of these in turn."""
        if id(row) not in self._near:
            found = [row]
            for source in self.rank[self.rank.index(row.source) + 1 :]:
                found += [
                    other
                    for other in self.rows[source].meetings
                    if any(same_event(known, other) and found_from(known, other) for known in found)
                ]
            self._near[id(row)] = found[1:]
        return self._near[id(row)]

    @functools.cached_property
    def _holders(self) -> dict[int, list[Meeting]]:
        return {}

    @functools.cached_property
    def _near(self) -> dict[int, list[Meeting]]:
        return {}

    def home(self, row: Meeting) -> Meeting | None:
        """The record that one folds into: of the first source, same start, else same owner, else lowest id."""
        found = min(
            self.holders(row),
            key=lambda other: (
                self.rank.index(other.source),
                not starts_together(other, row),
                not self.same_user(other.owner, row.owner),
                len(other.source_id),
                other.source_id,
            ),
            default=None,
        )
        return found and (self.home(found) or found)

    # Who is whom

    def same_user(self, one: Ref | None, other: Ref | None) -> bool:
        if one is None or other is None:
            return False
        return one == other or bool(self.user_keys(one) & self.user_keys(other))

    def user_keys(self, ref: Ref) -> set[tuple[Source, str]]:
        """The user behind a reference, by the id of its first record."""
        for user in self.rows[ref.source].users if ref.source in self.rows else ():
            if ref.id == (user.guid if ref.key is UserKey.GUID else user.source_id):
                return {self.first_user(user)}
        return set()

    def first_user(self, user: User) -> tuple[Source, str]:
        for source in self.rank[: self.rank.index(user.source)]:
            for other in self.rows[source].users:
                if share(user.emails, other.emails):
                    return self.first_user(other)
        return user.source, user.source_id

    def users_with(self, email: str) -> set[tuple[Source, str]]:
        """Users with an address; where several have it, the first."""
        for rows in self.rows.values():
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
        """References to everybody who is named: known to the other sources by any address that they share.

        Whom the first source knows by one of these addresses is known to the others by all of theirs.
        """
        given = set(refs)
        named = [person for source in self.rank for person in self._people(source) if person_ref(person) in given]
        wanted = [email.strip().casefold() for email in emails]

        def meant(source: Source, others: Iterable[Person]) -> list[Person]:
            elsewhere = [person for person in (*named, *others) if person.source is not source]
            every = [*wanted, *(email for person in elsewhere for email in person.emails or ())]
            return [
                person for person in self._people(source) if person_ref(person) in given or share(person.emails, every)
            ]

        first = meant(self.rank[0], ()) if self.rank else []
        others = [person for source in self.rank[1:] for person in meant(source, first)]
        return given | {person_ref(person) for person in (*first, *others)}

    def _people(self, source: Source) -> list[Person]:
        """A source's people: those of the last are whoever has an address."""
        return INVITEES if source is Source.CALENDLY else self.rows[source].people

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
        return (
            wanted.all_day in {None, row.all_day is True}
            and all(
                inside(getattr(wanted, name), getattr(row, name))
                for name in ("start_time", "end_time", "created_at", "updated_at")
            )
            and goes_on(row, wanted.overlaps)
            and (wanted.days is None or touches(row, wanted.days))
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
            and (
                wanted.attendee_domains is None
                or share((text.partition("@")[2] for text in present), wanted.attendee_domains)
            )
            and (wanted.title_contains is None or wanted.title_contains in str(values["title"] or "").lower())
        )

    def _admits_own(self, wanted: MeetingFilter, shown: Shown) -> bool:
        records = {row.source: row for row in (*reversed(shown.twins), shown.own)}
        for source, own in wanted.own.items():
            assert isinstance(own, Words)
            if source not in records:
                return False
            raw = records[source].raw
            word = raw.get("word") if isinstance(raw, dict) else None
            if word is not None and word not in own.words:
                return False
        return True


def goes_on(row: Meeting, bounds: TimeRange | None) -> bool:
    """Whether a meeting goes on at any moment of a range, if it began no earlier than a day before."""
    if bounds is None or bounds == TimeRange():
        return True
    if row.start_time is None:
        return False
    day = dt.timedelta(days=1)
    early = TimeRange(gt=bounds.gt and bounds.gt - day, gte=bounds.gte and bounds.gte - day)
    late = TimeRange(lt=bounds.lt, lte=bounds.lte)
    if not (inside(early, row.start_time) and inside(late, row.start_time)):
        return False
    lower = [bound for bound in (bounds.gt, bounds.gte) if bound is not None]
    return inside(bounds, row.start_time) or (row.end_time is not None and all(row.end_time > low for low in lower))


def touches(row: Meeting, days: DaySpan) -> bool:
    """Whether a meeting is on any of some days, if it began no earlier than on the day before."""
    if row.start_time is None:
        return False
    end = row.start_time if row.end_time is None else max(row.start_time, row.end_time - MICROSECOND)
    if row.all_day:
        first, last = row.start_time.date(), end.date()
        return days.first - dt.timedelta(days=1) <= first <= days.last and last >= days.first
    there = zoneinfo.ZoneInfo(SPANS[days])
    first, last = row.start_time.astimezone(there).date(), end.astimezone(there).date()
    return first <= days.last and last >= days.first and days.begins - row.start_time <= dt.timedelta(days=1)


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


def found_from(upper: Meeting, lower: Meeting) -> bool:
    """Whether a record is found from one of a higher source."""
    if lower.source is not Source.CALENDLY:
        return True
    starts = upper.start_time, lower.start_time
    return starts[0] is not None and starts[1] is not None and abs(starts[0] - starts[1]) <= APART


def sources_of(rows: Iterable[Meeting]) -> list[Source]:
    return list(dict.fromkeys(row.source for row in rows))


def starts_together(one: Meeting, other: Meeting) -> bool:
    """To the millisecond, which is Drift's precision."""
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
    """By value; rows without one last; then by source and id: numbers by size."""
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
            return EVERY.index(one.own.source) - EVERY.index(other.own.source)
        if len(one.own.source_id) != len(other.own.source_id):
            return 1 if len(one.own.source_id) > len(other.own.source_id) else -1
        return 1 if one.own.source_id > other.own.source_id else -1

    return sorted(rows, key=functools.cmp_to_key(compare))
