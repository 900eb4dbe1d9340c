"""Random worlds of Salesloft's meetings, walks and filters over them, and an oracle that only sorts and filters."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from hypothesis import strategies as st

from gateway.model.conditions import TimeRange
from gateway.model.filters import Canceled, MeetingFilter
from gateway.model.order import NameField, Order, OrderField, Position, Walk, micros
from gateway.model.records import Kind, MeetingStatus, Ref, Source, UserKey
from tests.sources.salesloft_vendor import Row, parsed, row

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
STATES = {"pending": "PENDING", "retry": "PENDING", "booked": "BOOKED", "failed": "FAILED"}
GUIDS = [f"00000000-0000-4000-8000-00000000000{number}" for number in range(3)]


def formatted(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class World:
    """Random meetings; the same for the same seed."""

    def __init__(self, seed: int, size: int, instants: int, resolution: timedelta) -> None:
        self.random = random.Random(seed)
        self.resolution = resolution
        self.instants = instants
        self.next_id = self.random.choice([1, 7, 90, 9_990])
        self.rows = [self.new_row() for _ in range(size)]

    def instant(self) -> str:
        return formatted(EPOCH + self.random.randrange(self.instants) * self.resolution)

    def new_row(self) -> Row:
        pick = self.random
        self.next_id += pick.choice([1, 1, 2, 11])
        created = self.instant()
        return row(
            self.next_id,
            start_time=None if pick.random() < 0.08 else self.instant(),
            end_time=None if pick.random() < 0.1 else self.instant(),
            created_at=created,
            updated_at=None if pick.random() < 0.02 else max(created, self.instant()),
            canceled_at=self.instant() if pick.random() < 0.3 else None,
            no_show=pick.random() < 0.2,
            status=pick.choice([*STATES, "booked", "booked", "unheard of", None]),
            person={"id": pick.randrange(3)} if pick.random() < 0.8 else None,
            cadence={"id": pick.randrange(3)} if pick.random() < 0.5 else None,
            owned_by_user={"id": pick.choice(GUIDS)} if pick.random() < 0.9 else None,
            booked_by_user={"id": pick.choice(GUIDS)},
            account_id=pick.choice([None, 5, "6"]),
        )


def status_of(each: Row) -> str:
    if each["canceled_at"]:
        return "CANCELED"
    return "NO_SHOW" if each["no_show"] else STATES.get(each["status"], "UNKNOWN")


def in_range(wanted: TimeRange | None, value: str | None) -> bool:
    if wanted is None or wanted == TimeRange():
        return True
    if value is None:
        return False
    at = parsed(value)
    bounds = [
        wanted.gt is None or at > wanted.gt,
        wanted.gte is None or at >= wanted.gte,
        wanted.lt is None or at < wanted.lt,
        wanted.lte is None or at <= wanted.lte,
    ]
    return all(bounds)


def linked(wanted: frozenset[Ref] | None, value: object) -> bool:
    if wanted is None:
        return True
    identifier = value["id"] if isinstance(value, dict) else value
    return str(identifier) in {ref.id for ref in wanted if ref.source is Source.SALESLOFT}


def expected(each: Row, wanted: MeetingFilter) -> bool:
    """The filter, in the contract's words."""
    canceled = each["canceled_at"] is not None
    conditions = [
        wanted.canceled is Canceled.INCLUDE or canceled == (wanted.canceled is Canceled.ONLY),
        wanted.status is None or status_of(each) in {status.value for status in wanted.status},
        wanted.no_show is None or wanted.no_show == each["no_show"],
        in_range(wanted.start_time, each["start_time"]),
        in_range(wanted.end_time, each["end_time"]),
        in_range(wanted.created_at, each["created_at"]),
        in_range(wanted.updated_at, each["updated_at"]),
        linked(wanted.persons, each["person"]),
        linked(wanted.owners, each["owned_by_user"]),
        linked(wanted.bookers, each["booked_by_user"]),
        linked(wanted.cadence_ids, each["cadence"]),
        linked(wanted.account_ids, each["account_id"]),
    ]
    return all(conditions)


def place(each: Row, field: OrderField | NameField) -> Position:
    value = each[field.value]
    return Position(None if value is None else micros(parsed(value)), Source.SALESLOFT, str(each["id"]))


def oracle(rows: list[Row], walk: Walk, wanted: MeetingFilter) -> list[str]:
    """The ids along a walk, by sorting everything."""

    def key(at: Position) -> tuple[object, ...]:
        value = 0 if at.time is None else -at.time if walk.order.descending else at.time
        return at.value is None, value, at.source is not Source.SALESLOFT, len(at.id), at.id

    places = sorted((place(each, walk.order.field) for each in rows if expected(each, wanted)), key=key)
    if walk.backward:
        places.reverse()
        after = [at for at in places if walk.start is None or key(at) < key(walk.start)]
        within = [at for at in after if walk.stop is None or key(at) > key(walk.stop)]
    else:
        after = [at for at in places if walk.start is None or key(at) > key(walk.start)]
        within = [at for at in after if walk.stop is None or key(at) < key(walk.stop)]
    return [at.id for at in within]


@st.composite
def ranges(draw: st.DrawFn, world: World) -> TimeRange | None:
    if draw(st.integers(0, 2)):
        return None
    bounds: dict[str, datetime | None] = {}
    for name in draw(st.sets(st.sampled_from(["gt", "gte", "lt", "lte"]), max_size=2)):
        bounds[name] = EPOCH + draw(st.integers(-1, world.instants)) * world.resolution
    return TimeRange(**bounds)


def refs(kind: Kind, ids: list[str], key: UserKey = UserKey.ID) -> st.SearchStrategy[frozenset[Ref] | None]:
    known = [Ref(Source.SALESLOFT, kind, each, key) for each in ids]
    return st.none() | st.sets(st.sampled_from([*known, Ref(Source.DRIFT, kind, "1")]), min_size=1).map(frozenset)


@st.composite
def filters(draw: st.DrawFn, world: World) -> MeetingFilter:
    rarely: st.SearchStrategy[bool] = st.sampled_from([True, False, False, False])
    own: dict[Source, object] = {}
    return MeetingFilter(
        canceled=draw(st.sampled_from(Canceled)),
        status=frozenset(draw(st.sets(st.sampled_from(MeetingStatus), min_size=1))) if draw(rarely) else None,
        no_show=draw(st.booleans()) if draw(rarely) else None,
        start_time=draw(ranges(world)),
        end_time=draw(ranges(world)) if draw(rarely) else None,
        created_at=draw(ranges(world)) if draw(rarely) else None,
        updated_at=draw(ranges(world)) if draw(rarely) else None,
        persons=draw(refs(Kind.PERSON, ["0", "1", "2"])) if draw(rarely) else None,
        owners=draw(refs(Kind.USER, GUIDS, UserKey.GUID)) if draw(rarely) else None,
        bookers=draw(refs(Kind.USER, GUIDS, UserKey.GUID)) if draw(rarely) else None,
        cadence_ids=draw(refs(Kind.CADENCE, ["0", "1", "2"])) if draw(rarely) else None,
        account_ids=draw(refs(Kind.ACCOUNT, ["5", "6"])) if draw(rarely) else None,
        own=own,
    )


@st.composite
def positions(draw: st.DrawFn, world: World, field: OrderField, *, nameless: bool = True) -> Position | None:
    """Nowhere, at a row, or where none is (also among rows without a value); of any source, and with any hint."""
    if draw(st.booleans()):
        return None
    hint = draw(st.none() | st.integers(0, 400))
    if draw(st.booleans()) and world.rows:
        at = place(draw(st.sampled_from(world.rows)), field)
    else:
        moment = EPOCH + draw(st.integers(-1, world.instants)) * world.resolution
        identifier = str(draw(st.integers(0, world.next_id + 1)))
        value = draw(st.sampled_from([None, micros(moment)]) if nameless else st.just(micros(moment)))
        at = Position(value, draw(st.sampled_from(Source)), identifier)
    return Position(at.value, at.source, at.id, hint)


@st.composite
def cases(
    draw: st.DrawFn, fewest_rows: int = 0, most_rows: int = 60, large: bool = False, instants: Sequence[int] = ()
) -> dict[str, Any]:
    """A world, a walk over it and a filter.

    A vendor that makes pages smaller than asked for stands for worlds of many more rows; what lacks a value or is
    sorted by last change is read by offset, which such a vendor is refused for.
    """
    most = 100 if large else draw(st.sampled_from([3, 7, 100, 100]))
    world = World(
        draw(st.integers(0, 10**6)),
        draw(st.integers(fewest_rows, most_rows)),
        draw(st.sampled_from(instants or ([1, 2, 3] if large else [1, 2, 5, 40, 1000]))),
        draw(st.sampled_from([timedelta(microseconds=1), timedelta(milliseconds=1), timedelta(hours=1)])),
    )
    field = draw(st.sampled_from(OrderField if most == 100 else [OrderField.START_TIME, OrderField.CREATED_AT]))
    wanted = draw(filters(world))
    sort_range: TimeRange | None = getattr(wanted, field.value)
    if most < 100 and (sort_range is None or not sort_range.bounded):
        wanted = msgspec.structs.replace(wanted, **{field.value: TimeRange(gte=EPOCH - timedelta(days=1))})
    return {
        "world": world,
        "walk": Walk(
            Order(field, descending=draw(st.booleans())),
            backward=draw(st.booleans()),
            start=draw(positions(world, field, nameless=most == 100)),
            stop=draw(positions(world, field, nameless=most == 100)) if draw(st.integers(0, 4)) == 0 else None,
        ),
        "wanted": wanted,
        "wants": draw(
            st.lists(st.sampled_from([26, 101] if large else [1, 2, 3, 10, 26, 101]), min_size=1, max_size=4)
        ),
        "most": most,
        "paging": draw(st.booleans()),
    }
