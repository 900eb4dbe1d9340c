"""The list of accounts over the real source, its vendor in memory, against brute force: the other walked list.

A record may come along several listings, scans pause, reads break off; pages are as small as the worlds.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, cast
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.catalog.catalog import Catalog
from gateway.catalog.pages import ListPage, ListQuery
from gateway.errors import UpstreamUnavailable
from gateway.model.conditions import TimeRange
from gateway.model.order import NEWEST_FIRST, Position, Walk
from gateway.model.record_filters import AccountFilter
from gateway.model.records import Account, Kind, Ref, Source
from gateway.model.status import ReportStatus
from gateway.paging.cursor import decode, encode
from gateway.paging.window import Window
from gateway.request import Request
from gateway.sources.base import Ports
from gateway.sources.salesloft import filters, keyset, lists, source
from gateway.upstream.budget import Budget
from gateway.upstream.client import Client, raw_body
from gateway.upstream.clock import ManualClock
from gateway.upstream.credentials import Secret, StaticToken
from gateway.upstream.http import Session, Upstream, UpstreamCall
from tests.catalog.asking import Run
from tests.catalog.fakes import NOW, FakeClock
from tests.properties import share
from tests.sources.salesloft_vendor import NOTHING_KEPT, Row, parsed
from tests.sources.salesloft_worlds import formatted

DOWN = UpstreamUnavailable("down", source="SALESLOFT")
MOMENTS = [NOW + dt.timedelta(microseconds=n) for n in (0, 1, 2, 3_600_000_000)]
DOMAINS = [f"{letter}.example" for letter in "abcdefgh"]
NAMES = ["Acme", "Birch"]
OWNERS = [Ref(Source.SALESLOFT, Kind.USER, "1"), Ref(Source.SALESLOFT, Kind.USER, "2")]


class Accounts(Client):
    """`GET /v2/accounts` over a list of rows. No socket is opened.

    Attributes:
        rows: The accounts.
        failing: Numbers of the calls that fail, of the calls since `calls` was last set to 0.
    """

    def __init__(self, rows: Sequence[Row]) -> None:
        clock = ManualClock()
        super().__init__(
            Upstream(name="SALESLOFT", base_url="http://127.0.0.1"),
            StaticToken(Secret("t0ken")),
            Budget("SALESLOFT", 600, clock),
            cast("Session", None),
            clock,
        )
        self.rows = list(rows)
        self.calls = 0
        self.failing: frozenset[int] = frozenset()
        self.failed = False

    async def get(
        self,
        request: Request,
        endpoint: str,
        path: str,
        params: Sequence[tuple[str, str]] = (),
        *,
        read: Callable[[bytes], Awaitable[Any]] = raw_body,
        cost: int = 1,
        one: bool = False,
        large: bool = False,
        plain: UpstreamCall[Any] | None = None,
    ) -> Any:
        """One page (Salesloft: List accounts)."""
        assert (path, cost, one) == ("/v2/accounts", 1, False)
        assert plain is None or plain.path == path
        self.calls += 1
        if self.calls - 1 in self.failing:
            self.failed = True
            raise DOWN
        named: dict[str, list[str]] = {}
        for name, value in params:
            named.setdefault(name, []).append(value)
        found = [row for row in self.rows if matches(row, named)]
        (field,), (way,) = named.get("sort_by", ["updated_at"]), named.get("sort_direction", ["DESC"])
        found.sort(key=lambda row: row["id"] * 7919 % 1009)
        found.sort(key=lambda row: parsed(row[field]), reverse=way == "DESC")
        size, page = int(named["per_page"][0]), int(named["page"][0])
        begin, end = (page - 1) * size, page * size
        paging: Row = {"per_page": size, "current_page": page, "next_page": page + 1 if end < len(found) else None}
        if "include_paging_counts" in named:
            paging["total_count"] = len(found)
        return await read(json.dumps({"metadata": {"paging": paging}, "data": found[begin:end]}).encode())


def matches(row: Row, named: dict[str, list[str]]) -> bool:
    """Whether a row is among those asked for."""
    one_of = {"ids[]": row["id"], "name[]": row["name"], "domain": row["domain"], "owner_id[]": row["owner"]["id"]}
    asked_for = all(str(value) in named[name] for name, value in one_of.items() if name in named)
    archived = named.get("archived", ["false" if row["archived_at"] is None else "true"])
    holds = {
        f"{field}[{bound}]": compare
        for field in ("created_at", "updated_at")
        for bound, compare in (("gt", "__gt__"), ("gte", "__ge__"), ("lt", "__lt__"), ("lte", "__le__"))
    }
    return (
        asked_for
        and archived == ["false" if row["archived_at"] is None else "true"]
        and all(
            getattr(parsed(row[name.partition("[")[0]]), compare)(parsed(named[name][0]))
            for name, compare in holds.items()
            if name in named
        )
    )


@dataclasses.dataclass(frozen=True)
class Case:
    """A world, a filter, and how small everything is."""

    rows: list[Row]
    wanted: AccountFilter
    page_rows: int
    dropped: int
    fanned: int

    @property
    def listed(self) -> list[str]:
        """The ids by brute force: the newest first, those of one instant by id."""
        rows = [row for row in self.rows if self.admits(row)]
        rows.sort(key=lambda row: row["id"])
        rows.sort(key=lambda row: parsed(row["created_at"]), reverse=True)
        return [str(row["id"]) for row in rows]

    def admits(self, row: Row) -> bool:
        wanted, changed = self.wanted, self.wanted.updated_at
        return (
            (wanted.ids is None or str(row["id"]) in {ref.id for ref in wanted.ids})
            and (wanted.domains is None or row["domain"] in wanted.domains)
            and (wanted.names is None or row["name"] in wanted.names)
            and (wanted.owner_ids is None or str(row["owner"]["id"]) in {ref.id for ref in wanted.owner_ids})
            and (wanted.archived is None or wanted.archived == (row["archived_at"] is not None))
            and (changed is None or changed.gte is None or parsed(row["updated_at"]) >= changed.gte)
        )

    @contextmanager
    def scaled(self) -> Iterator[None]:
        """Upstream pages and scans as small as the world."""
        with ExitStack() as stack:
            stack.enter_context(patch.object(keyset, "MOST_ROWS", self.page_rows))
            stack.enter_context(patch.multiple(lists, MOST_ROWS=self.page_rows, MOST_DROPPED=self.dropped))
            stack.enter_context(patch.object(filters, "MOST_FANNED", self.fanned))
            yield


@st.composite
def cases(draw: Any) -> Case:
    rows = [
        {
            "id": number * 3,
            "name": draw(st.sampled_from(NAMES)),
            "domain": draw(st.sampled_from(DOMAINS)),
            "owner": {"id": draw(st.sampled_from([1, 2]))},
            "created_at": formatted(draw(st.sampled_from(MOMENTS))),
            "updated_at": formatted(draw(st.sampled_from(MOMENTS))),
            "archived_at": draw(st.sampled_from([None, None, formatted(NOW)])),
        }
        for number in range(1, draw(st.integers(0, 25)) + 1)
    ]
    sets: dict[str, Sequence[Any]] = {
        "ids": [Ref(Source.SALESLOFT, Kind.ACCOUNT, str(row["id"])) for row in rows],
        "domains": DOMAINS,
        "names": NAMES,
        "owner_ids": OWNERS,
    }
    wanted: dict[str, Any] = {
        name: draw(st.frozensets(st.sampled_from(values), min_size=1))
        for name, values in sets.items()
        if values and draw(st.integers(0, 3)) == 3
    }
    wanted["domains"] = draw(st.none() | st.frozensets(st.sampled_from(DOMAINS), min_size=1))
    wanted["archived"] = draw(st.sampled_from([None, None, True, False]))
    wanted["updated_at"] = draw(st.sampled_from([None, None, TimeRange(gte=MOMENTS[1])]))
    scale = {"page_rows": [2, 3, 5, 100], "dropped": [1, 4, 500], "fanned": [0, 2, 5]}
    return Case(rows, AccountFilter(**wanted), **{name: draw(st.sampled_from(sizes)) for name, sizes in scale.items()})


def ports_of(vendor: Accounts) -> Ports:
    real = source.open(vendor, NOTHING_KEPT)
    return Ports(source=Source.SALESLOFT, accounts=real.accounts, account_list=real.account_list)


async def ask(catalog: Catalog, case: Case, walk: Walk, size: int, *, flags: bool = True) -> ListPage[Account]:
    request = Request(deadline=1000)
    query = ListQuery(window=Window(walk, size), wanted=case.wanted, ahead=flags, behind=flags, total=flags)
    try:
        return await catalog.account_list.page(request, query)
    finally:
        await request.close()


def keys(answer: ListPage[Account], walk: Walk) -> list[str]:
    """The page's rows in the order walked."""
    rows = answer.page.rows
    return [row.source_id for row in (reversed(rows) if walk.backward else rows)]


def far_end(answer: ListPage[Account], walk: Walk) -> Position | None:
    return answer.page.start if walk.backward else answer.page.end


@share(0.04)
@given(case=cases(), size=st.integers(1, 8), backward=st.booleans())
def test_a_walk_meets_every_account_once_and_in_order(run: Run, case: Case, size: int, *, backward: bool) -> None:
    catalog = Catalog([ports_of(Accounts(case.rows))], FakeClock())
    along = case.listed[::-1] if backward else case.listed
    done = 0
    walk = Walk(NEWEST_FIRST, backward=backward)
    with case.scaled():
        for _ in range(200):
            answer = run(ask(catalog, case, walk, size))
            shown = keys(answer, walk)
            pausing = case.dropped < 500
            assert shown == along[done : done + len(shown)]
            assert len(shown) == min(size, len(along) - done) or (pausing and answer.page.ahead)
            assert answer.behind is (done > 0) or (pausing and answer.behind)
            done += len(shown)
            assert answer.page.ahead is (done < len(along)) or (pausing and answer.page.ahead)
            assert answer.total in {None, len(along)}
            assert [report.status for report in answer.reports] == [ReportStatus.OK]
            if not answer.page.ahead:
                break
            walk = goes_on(walk, far_end(answer, walk))
    assert done == len(along)


def goes_on(walk: Walk, far: Position | None) -> Walk:
    """The walk from where a page ends, as a client has it: as text."""
    assert far is not None, "a page says that there is more, but not where"
    assert walk.start is None or walk.before(walk.start, far), "no progress"
    return Walk(walk.order, backward=walk.backward, start=decode(encode(far, walk.order.field), walk.order.field))


@share(0.02)
@given(
    case=cases(),
    size=st.integers(1, 8),
    start=st.integers(0, 10),
    failing=st.frozensets(st.integers(0, 6), min_size=1, max_size=3),
    backward=st.booleans(),
)
def test_what_is_missing_of_the_accounts_is_said(
    run: Run, case: Case, size: int, start: int, failing: frozenset[int], *, backward: bool
) -> None:
    vendor = Accounts(case.rows)
    catalog = Catalog([ports_of(vendor)], FakeClock())
    along = case.listed[::-1] if backward else case.listed
    walk = Walk(NEWEST_FIRST, backward=backward)
    with case.scaled():
        done = 0
        if start and along:
            first = run(ask(catalog, case, walk, start, flags=False))
            done, walk = len(first.page.rows), goes_on(walk, far_end(first, walk)) if first.page.rows else walk
        vendor.calls, vendor.failing = 0, failing
        try:
            answer = run(ask(catalog, case, walk, size))
        except UpstreamUnavailable:
            assert vendor.failed
            return
        assert answer.behind or not done, "where it is unknown, something may lie there"
        shown = keys(answer, walk)
        (report,) = answer.reports
        assert (report.status is ReportStatus.PARTIAL) is vendor.failed
        assert answer.total in {None, len(along)}
        if not vendor.failed:
            assert shown == along[done : done + len(shown)]
        vendor.failing = frozenset()
        again = keys(run(ask(catalog, case, walk, size)), walk)
        assert again == along[done : done + len(again)], "asked again from the same cursor it is complete"


def account(number: int, domain: str) -> Row:
    at = formatted(NOW - dt.timedelta(hours=number))
    owner = {"id": 1}
    row = {"id": number, "name": "Acme", "domain": domain, "owner": owner, "archived_at": None}
    return {**row, "created_at": at, "updated_at": at}


@pytest.mark.parametrize("size", [1, 2, 3])
async def test_a_full_page_of_a_scan_that_pauses_ends_at_its_last_row(size: int) -> None:
    """It ended where the scan had come to, and what had been read beyond the page was never shown."""
    rows = [account(number, DOMAINS[number % 4]) for number in range(1, 25)]
    case = Case(rows, AccountFilter(domains=frozenset(DOMAINS[:3])), page_rows=8, dropped=2, fanned=0)
    catalog = Catalog([ports_of(Accounts(rows))], FakeClock())
    walk, shown, ahead = Walk(NEWEST_FIRST), list[str](), True
    with case.scaled():
        while ahead:
            answer = await ask(catalog, case, walk, size)
            shown += keys(answer, walk)
            ahead = answer.page.ahead
            walk = goes_on(walk, answer.page.end) if ahead else walk
    assert shown == case.listed


async def test_a_look_behind_that_fails_takes_nothing_from_the_page() -> None:
    """It made the whole list an error, though its rows were there."""
    rows = [account(number, DOMAINS[0]) for number in range(1, 13)]
    case = Case(rows, AccountFilter(), page_rows=100, dropped=500, fanned=5)
    vendor = Accounts(rows)
    catalog = Catalog([ports_of(vendor)], FakeClock())
    first = await ask(catalog, case, Walk(NEWEST_FIRST), 3)
    vendor.calls, vendor.failing = 0, frozenset({2})  # after the page and the total
    second = await ask(catalog, case, goes_on(Walk(NEWEST_FIRST), first.page.end), 3)
    assert vendor.failed
    assert keys(second, Walk()) == ["4", "5", "6"]
    assert second.behind
    assert [report.status for report in second.reports] == [ReportStatus.PARTIAL]
