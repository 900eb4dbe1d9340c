"""Meetings counted in random worlds, against brute force: any filter, grouping, zone and source that fails."""

from __future__ import annotations

import datetime as dt
import statistics
import zoneinfo
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gateway.catalog import stats
from gateway.catalog.answer import MeetingQuery
from gateway.catalog.stats import LINKS, PERIODS, Linked
from gateway.catalog.whole_list import WholeList
from gateway.errors import GatewayError, OperationTooCostly, UpstreamUnavailable
from gateway.model.conditions import TimeRange
from gateway.model.filters import Canceled, MeetingFilter
from gateway.model.order import RANK, OrderField, Walk
from gateway.model.records import Account, Cadence, Meeting, MeetingStatus, Ref, Source, User
from gateway.model.stats import MeetingCounts, MeetingGroup, MeetingStatsGroup
from gateway.model.status import ReportStatus
from gateway.model.time_zones import day_begins, similar_names, zone_named
from gateway.paging.window import Window
from gateway.request import Request
from tests.catalog.asking import WHOLE, Asked, Run, ask, fake_of
from tests.catalog.changing import Change, Key, What, World, steady
from tests.catalog.fake import Fake
from tests.catalog.fakes import NOW
from tests.catalog.oracle import Oracle, Shown
from tests.catalog.stand import Stand, as_sent
from tests.catalog.worlds import ACCOUNTS, CADENCES, MOMENTS, ROW, Case, cases
from tests.properties import share

SALESLOFT, DRIFT = Source.SALESLOFT, Source.DRIFT
DAY = dt.timedelta(days=1)
MICROSECOND = dt.timedelta(microseconds=1)
ZONES = [
    *("UTC", "America/New_York", "Asia/Kathmandu", "Pacific/Chatham", "Australia/Lord_Howe", "Pacific/Kiritimati"),
    *("America/Sao_Paulo", "Africa/Cairo", "America/Havana", "Etc/GMT+12"),
]
NAMED = {
    **{ref: Account(source=SALESLOFT, source_id=ref.id, name=f"Account {ref.id}") for ref in ACCOUNTS},
    **{ref: Cadence(source=SALESLOFT, source_id=ref.id, name="Cadence") for ref in CADENCES},
}

MINUTES = 100 * 24 * 60
moments = st.integers(0, MINUTES).map(lambda minutes: NOW - 50 * DAY + dt.timedelta(minutes=minutes))


@st.composite
def counted_worlds(draw: Any) -> Case:
    """A world whose meetings lie anywhere within months, and a filter with a range."""
    case: Case = draw(cases())
    at = {moment: draw(moments) for moment in MOMENTS}
    days = draw(st.lists(st.sampled_from([None, False, True, True]), min_size=1, max_size=4))

    def moved(place: int, row: Meeting) -> Meeting:
        times = {name: at.get(getattr(row, name)) for name in ("start_time", "created_at", "updated_at")}
        all_day = days[place % len(days)] if row.source is SALESLOFT else row.all_day  # the others have none
        return msgspec.structs.replace(row, all_day=all_day, **times)

    low, high = sorted((draw(moments), draw(moments)))
    plain = draw(st.integers(0, 3)) > 0  # else hardly anything is left to be counted
    if plain:
        low, high = NOW - 51 * DAY, NOW + 51 * DAY
    bounds = draw(st.sampled_from([TimeRange(gte=low, lt=high + MICROSECOND), TimeRange(gt=low, lte=high)]))
    ranges: dict[str, TimeRange | None] = dict.fromkeys(("start_time", "end_time", "created_at", "updated_at"))
    ranges[draw(st.sampled_from(OrderField)).value] = bounds
    asked = MeetingFilter(canceled=Canceled.INCLUDE) if plain else case.wanted
    wanted = msgspec.structs.replace(asked, **ranges, overlaps=None, days=None)
    return Case(
        [moved(place, row) for place, row in enumerate(case.salesloft)],
        [each for place, row in enumerate(case.drift) if within_reach(each := moved(place, row))],
        wanted,
        case.order,
        case.listed,
        [moved(place, row) for place, row in enumerate(case.calendly)],
        case.off,
    )


def within_reach(row: Meeting) -> bool:
    """Whether the second source, which goes back for 30 days, has such a row."""
    return row.start_time is None or row.start_time > NOW - 30 * DAY


groupings = st.tuples(
    st.sampled_from([None, MeetingGroup.DAY, MeetingGroup.DAY, MeetingGroup.WEEK, MeetingGroup.MONTH]),
    st.lists(
        st.sampled_from(sorted(set(MeetingGroup) - PERIODS, key=lambda each: each.value)), unique=True, max_size=2
    ),
).flatmap(lambda drawn: st.permutations([each for each in (drawn[0], *drawn[1]) if each is not None]))
"""At most one period, and up to two other groups."""


async def read(fake: Asked, wanted: MeetingFilter, fields: frozenset[str], most: int = 5_000) -> WholeList:
    request = Request(deadline=1000)
    try:
        return await fake.catalog.meetings.whole(request, wanted, fields, most)
    finally:
        await request.close()


async def attempt(fake: Fake, wanted: MeetingFilter, fields: frozenset[str]) -> WholeList | GatewayError:
    try:
        return await read(fake, wanted, fields)
    except GatewayError as error:
        return error


async def load(fake: Asked, rows: Sequence[Meeting], by: Sequence[MeetingGroup]) -> dict[MeetingGroup, Linked]:
    request = Request(deadline=1000)
    found: dict[MeetingGroup, Linked] = {}
    for group in by:
        if group in LINKS:
            refs = stats.references(rows, group)
            users = group in {MeetingGroup.OWNER, MeetingGroup.BOOKED_BY}
            linked: Any = await fake.catalog.directory.by_refs(request, refs) if users else {r: NAMED[r] for r in refs}
            found[group] = linked
    await request.close()
    return found


# Brute force


def key_of(oracle: Oracle, shown: Shown, group: MeetingGroup, zone: str) -> Any:
    """What a meeting is grouped by, from the contract's words."""
    row = shown.own
    if group is MeetingGroup.SOURCE:
        return row.source
    if group is MeetingGroup.STATUS:
        return row.status
    if group in {MeetingGroup.OWNER, MeetingGroup.BOOKED_BY}:
        ref = shown.values[group.value]
        assert ref is None or isinstance(ref, Ref)
        return next(iter(oracle.user_keys(ref)), None) if ref is not None else None
    if group in {MeetingGroup.ACCOUNT, MeetingGroup.CADENCE}:
        ref = shown.values[group.value]
        return None if ref is None else (ref.source, ref.id)  # type: ignore[attr-defined]  # a reference
    if row.start_time is None:
        return None
    day = row.start_time.date() if row.all_day else row.start_time.astimezone(zoneinfo.ZoneInfo(zone)).date()
    while group is MeetingGroup.WEEK and day.isoweekday() != 1:
        day -= DAY
    return day.replace(day=1) if group is MeetingGroup.MONTH else day


def shown_key(found: MeetingStatsGroup, group: MeetingGroup, zone: str) -> Any:
    """What a group says that its meetings have in common."""
    if group in PERIODS:
        if found.since is None:
            return None
        assert found.until is not None
        return period(found.since, found.until, group, zone)
    value = getattr(found, group.value)
    return (value.source, value.source_id) if isinstance(value, User | Account | Cadence) else value


def period(since: dt.datetime, until: dt.datetime, group: MeetingGroup, zone: str) -> dt.date:
    """The first day of a period, whose ends are the first instants of their days."""
    there = zoneinfo.ZoneInfo(zone)
    first, after = since.astimezone(there).date(), until.astimezone(there).date()
    for instant, day in ((since, first), (until, after)):
        assert (instant - MICROSECOND).astimezone(there).date() < day
    if group is MeetingGroup.MONTH:
        assert (first.day, after.day) == (1, 1)
        assert (first + 31 * DAY).replace(day=1) == after
    else:
        assert after - first == (7 * DAY if group is MeetingGroup.WEEK else DAY)
        assert group is not MeetingGroup.WEEK or first.isoweekday() == 1
    return first


def counts_of(every: Sequence[Shown]) -> dict[str, Any]:
    rows = [shown.own for shown in every]
    held = [
        row
        for row in rows
        if row.start_time is not None
        and row.start_time <= NOW
        and row.status is not MeetingStatus.CANCELED
        and row.source is SALESLOFT
    ]
    leads = [
        (row.start_time - row.created_at).total_seconds() / 60
        for row in rows
        if row.start_time is not None and row.created_at is not None
    ]
    by_status = {status.value.lower(): sum(row.status is status for row in rows) for status in MeetingStatus}
    return {
        "meetings": len(rows),
        **by_status,
        "no_show_rate": sum(row.status is MeetingStatus.NO_SHOW for row in held) / len(held) if held else None,
        "cancellation_rate": by_status["canceled"] / len(rows) if rows else None,
        "median_lead_minutes": statistics.median(leads) if leads else None,
    }


def assert_counts(found: MeetingCounts, every: Sequence[Shown]) -> None:
    assert msgspec.structs.asdict(found) == pytest.approx(counts_of(every))


def check(
    run: Run, fake: Asked, whole: WholeList, *, oracle: Oracle, expected: list[Shown], by: list[MeetingGroup], zone: str
) -> None:
    """The figures of what was read against those of what should have been."""
    now, tell = fake.catalog.meetings.now(), fake.catalog.meetings.tell_no_show
    assert_counts(stats.count(whole.rows, now, tell), expected)
    linked = run(load(fake, whole.rows, by))
    there = zone_named(zone)
    assert there is not None
    groups = stats.grouped(whole.rows, by, zone=there, linked=linked, now=now, tells_no_show=tell)
    keys = [tuple(key_of(oracle, shown, group, zone) for group in by) for shown in expected]
    found = {tuple(shown_key(each, group, zone) for group in by): each for each in groups}
    assert len(found) == len(groups), "two groups have the same keys"
    assert set(found) == set(keys)
    for key, group in found.items():
        assert_counts(group.counts, [shown for shown, own in zip(expected, keys, strict=True) if own == key])
    assert [places(key, linked) for key in found] == sorted(places(key, linked) for key in found)


def places(key: tuple[Any, ...], linked: Any) -> list[tuple[Any, ...]]:
    """The order of groups: each key in turn; without it last."""
    names = {
        (found.source, found.source_id): found.name for each in linked.values() for found in each.values() if found
    }
    found: list[tuple[Any, ...]] = []
    for each in key:
        if each is None:
            found.append((1,))
        elif isinstance(each, tuple):
            name = names.get(each)
            found.append((0, name is None, (name or "").casefold(), RANK[each[0]], len(each[1]), each[1]))
        elif isinstance(each, dt.date):
            found.append((0, each))
        else:
            found.append((0, [*each.__class__].index(each)))
    return found


@share(0.1)
@given(case=counted_worlds(), by=groupings, zone=st.sampled_from(ZONES), data=st.data())
def test_the_figures_are_what_brute_force_says(
    run: Run, case: Case, by: list[MeetingGroup], zone: str, data: st.DataObject
) -> None:
    fake = fake_of(case)
    fake.listing.size = data.draw(st.sampled_from([None, 1, 3]), label="rows of a read")
    fake.listing.pushes = data.draw(st.booleans(), label="filters upstream")
    if not fake.listing.pushes:
        fake.listing.bound = data.draw(st.sampled_from([None, 2]), label="rows that are passed over before a pause")
    oracle = Oracle(fake.rows)
    expected = oracle.listed(case.wanted, case.order)
    most = 5_000 if fake.listing.bound is None else 1_000_000  # a pause counts for 500 rows, and here comes after two
    whole = run(read(fake, case.wanted, frozenset(group.value for group in by if group in LINKS), most))
    assert {report.status for report in whole.reports} <= WHOLE
    check(run, fake, whole, oracle=oracle, expected=expected, by=by, zone=zone)


@share(0.05)
@given(case=counted_worlds(), by=groupings, zone=st.sampled_from(ZONES), down=st.sampled_from(Source))
def test_a_source_that_fails_takes_only_its_own_meetings(
    run: Run, case: Case, by: list[MeetingGroup], zone: str, down: Source
) -> None:
    times = msgspec.structs.asdict(case.wanted)
    names = ("start_time", "created_at", "updated_at", "canceled", "status", "no_show")
    wanted = MeetingFilter(**{name: times[name] for name in names})
    case = msgspec.structs.replace(case, wanted=wanted)
    fake = fake_of(case)
    error = UpstreamUnavailable("It is gone.", source=down.value)
    fake.log.failing = lambda name, _: (
        error if name.startswith(down.name.lower()) and "users" not in name and "people" not in name else None
    )
    fields = frozenset(group.value for group in by if group in LINKS)
    assume(down not in case.off)
    whole = run(attempt(fake, wanted, fields))
    if isinstance(whole, GatewayError):
        assert whole is error, "another source answered"
        return
    fake.log.failing = lambda _name, _number: None
    next(rows for rows in fake.rows if rows.source is down).meetings = []
    oracle = Oracle(fake.rows)
    statuses = {report.source: report.status for report in whole.reports}
    if wanted.impossible or statuses[down] is ReportStatus.SKIPPED:
        return
    assert statuses[down] in {ReportStatus.FAILED, ReportStatus.PARTIAL, ReportStatus.OK}
    if statuses[down] is ReportStatus.OK:
        assert not any(call.startswith(down.name.lower()) for call in fake.log.calls), "it was asked, and failed"
    check(run, fake, whole, oracle=oracle, expected=oracle.listed(wanted, case.order), by=by, zone=zone)


@share(0.05)
@given(case=counted_worlds(), by=groupings, zone=st.sampled_from(ZONES), data=st.data())
def test_the_figures_of_the_real_sources_are_what_brute_force_says(
    run: Run, case: Case, by: list[MeetingGroup], zone: str, data: st.DataObject
) -> None:
    case = as_sent(case)
    stand = Stand(case)
    stand.vendor.restless = data.draw(st.booleans(), label="another order within an instant for every call")
    oracle = Oracle(stand.rows)
    expected = oracle.listed(case.wanted, case.order)
    whole = run(read(stand, case.wanted, frozenset(group.value for group in by if group in LINKS)))
    assert {report.status for report in whole.reports} <= WHOLE
    check(run, stand, whole, oracle=oracle, expected=expected, by=by, zone=zone)
    walk = Walk(case.order)
    total = run(ask(stand, MeetingQuery(window=Window(walk, 1), wanted=case.wanted, rows=False, total=True))).total
    assert total == len(expected)


CHANGES = st.builds(Change, st.sampled_from(What), st.sampled_from(Source), st.integers(0, 40), ROW)


@share(0.06)
@given(
    case=counted_worlds(),
    coming=st.lists(st.tuples(st.integers(0, 8), CHANGES), min_size=1, max_size=4),
    size=st.sampled_from([None, 1, 2, 3]),
    total=st.booleans(),
)
def test_what_stays_as_it_is_is_counted_once_whatever_changes_meanwhile(
    run: Run, case: Case, coming: list[tuple[int, Change]], size: int | None, total: bool
) -> None:
    """Rows of any source come and go, move, are cancelled, or become another's duplicates, between any two calls."""
    fake = fake_of(case)
    fake.listing.size = size
    world = World(fake.rows, case.wanted, case.order)

    def called(_name: str, number: int) -> None:
        for at, change in coming:
            if at == number:
                world.change(change)

    fake.log.failing = called
    if total:
        walk = Walk(case.order)
        query = MeetingQuery(window=Window(walk, 1), wanted=case.wanted, rows=False, total=True)
        page = run(ask(fake, query))
        counted, reports = page.total, page.reports
    else:
        whole = run(read(fake, case.wanted, frozenset()))
        found = [(row.source, row.source_id) for row in whole.rows]
        assert len(found) == len(set(found))
        counted, reports = len(found), whole.reports
    ever = set[Key]().union(*world.states, *world.mixed(0))
    stays = {key for key, row in steady(world.states).items() if row.source is not DRIFT or within_reach(row)}
    if not {report.status for report in reports} <= WHOLE:
        return
    assert counted is not None
    assert len(stays) <= counted <= len(ever)
    assert total or stays <= set(found) <= ever


@pytest.fixture
def busy() -> Fake:
    """Thirty meetings of each source on one day."""
    fake = Fake()
    fake.salesloft.meetings = [
        Meeting(source=SALESLOFT, source_id=str(n), start_time=NOW, status=MeetingStatus.BOOKED) for n in range(30)
    ]
    fake.drift.meetings = [
        Meeting(source=DRIFT, source_id=f"s{n}", start_time=NOW, status=MeetingStatus.BOOKED) for n in range(30)
    ]
    return fake


RANGE = MeetingFilter(start_time=TimeRange(gte=NOW - DAY, lt=NOW + DAY), canceled=Canceled.INCLUDE)


async def test_more_rows_than_allowed_are_refused(busy: Fake) -> None:
    assert len((await read(busy, RANGE, frozenset(), 60)).rows) == 60
    for most in (59, 29, 1):
        with pytest.raises(OperationTooCostly) as refused:
            await read(busy, RANGE, frozenset(), most)
        assert refused.value.allowed == most


async def test_what_reaches_over_the_last_week_is_as_new_as_what_is_around_now(busy: Fake) -> None:
    wide = msgspec.structs.replace(RANGE, start_time=TimeRange(gte=NOW - 50 * DAY, lt=NOW + DAY))
    await read(busy, wide, frozenset())
    # What is not cancelled, as it was, as what is settled and as what is around now may be; and what is cancelled.
    assert busy.log.calls.count("salesloft.meetings") == 3 + 1


@pytest.mark.parametrize("zone", ZONES)
def test_an_all_day_meeting_is_counted_on_its_date_wherever_one_is(zone: str) -> None:
    there = zone_named(zone)
    assert there is not None
    start = dt.datetime(2026, 3, 18, tzinfo=dt.UTC)
    rows = [
        Meeting(source=SALESLOFT, source_id="1", start_time=start, all_day=True),
        Meeting(source=SALESLOFT, source_id="2", start_time=start + dt.timedelta(hours=12)),
    ]
    groups = stats.grouped(rows, [MeetingGroup.DAY], zone=there, linked={}, now=NOW, tells_no_show=())
    begins = day_begins(dt.date(2026, 3, 18), there)
    assert sum(group.counts.meetings for group in groups if group.since == begins) >= 1
    timed = day_begins((start + dt.timedelta(hours=12)).astimezone(there).date(), there)
    assert {group.since for group in groups} == {begins, timed}


def test_a_day_begins_where_its_date_does() -> None:
    cairo = zoneinfo.ZoneInfo("Africa/Cairo")  # clocks are set forward at midnight
    assert day_begins(dt.date(2026, 4, 24), cairo) == dt.datetime(2026, 4, 23, 22, tzinfo=dt.UTC)
    havana = zoneinfo.ZoneInfo("America/Havana")  # and back over midnight
    lengths = {
        day: day_begins(day + DAY, havana) - day_begins(day, havana)
        for day in (dt.date(2026, 3, 8), dt.date(2026, 11, 1), dt.date(2026, 6, 1))
    }
    assert [length / dt.timedelta(hours=1) for length in lengths.values()] == [23, 25, 24]


@pytest.mark.parametrize(
    ("name", "similar"),
    [
        ("Europe/Berln", "Europe/Berlin"),
        ("New York", "America/New_York"),
        ("kolkatta", "Asia/Kolkata"),
        ("Amerca/New_York", "America/New_York"),
    ],
)
def test_similar_names_of_zones_are_suggested(name: str, similar: str) -> None:
    assert zone_named(name) is None
    assert similar in similar_names(name)


@pytest.mark.parametrize("name", ["", "x" * 1000, "../../etc/passwd", "right/UTC", "posixrules", "localtime", "+02:00"])
def test_what_names_no_zone(name: str) -> None:
    assert zone_named(name) is None


def test_a_zone_is_known_by_any_of_its_names() -> None:
    one, other = zone_named("US/Eastern"), zone_named("america/new_york")
    assert one is not None
    assert other is not None
    summer = dt.datetime(2026, 7, 1, tzinfo=dt.UTC)
    assert summer.astimezone(one).utcoffset() == summer.astimezone(other).utcoffset() == dt.timedelta(hours=-4)
