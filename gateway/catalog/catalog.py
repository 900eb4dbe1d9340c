"""Everything that the graph can ask for, over all sources."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from gateway.catalog.directory import Directory
from gateway.catalog.lists import RecordList
from gateway.catalog.meetings import Meetings
from gateway.catalog.people import People
from gateway.catalog.prices import Prices
from gateway.catalog.records import RecordLookup, StepsByCadence
from gateway.catalog.whole_list import STATS_ROWS
from gateway.model.order import RANK, moment
from gateway.model.record_filters import AccountFilter, CadenceFilter, PersonFilter, UserFilter
from gateway.model.records import Account, Cadence, Person, User
from gateway.request import Clock
from gateway.sources.base import Ports


class Catalog:
    """The sources, joined.

    Args:
        ports: Each source's ports, in any order.
        clock: Where time comes from.
        stats_rows: Meetings that are read at most to be counted.
    """

    def __init__(self, ports: Sequence[Ports], clock: Clock, *, stats_rows: int = STATS_ROWS) -> None:
        self.stats_rows = stats_rows
        ranked = sorted(ports, key=lambda port: RANK[port.source])
        self.sources = [port.source for port in ranked]
        self.prices = Prices(ranked, stats_rows)
        self.people = People(ranked)
        self.directory = Directory(ranked)
        self.meetings = Meetings(ranked, self.people, self.directory, clock)
        self.cadences = RecordLookup({port.source: port.cadences for port in ranked})
        self.steps = RecordLookup({port.source: port.steps for port in ranked})
        self.accounts = RecordLookup({port.source: port.accounts for port in ranked})
        self.tasks = RecordLookup({port.source: port.tasks for port in ranked})
        self.conversations = RecordLookup({port.source: port.conversations for port in ranked})
        self.steps_of_cadences = StepsByCadence({port.source: port.cadence_steps for port in ranked})

        def now() -> dt.datetime:
            return moment(int(clock.time() * 1_000_000))

        self.person_list: RecordList[Person, PersonFilter] = RecordList(
            {port.source: port.person_list for port in ranked if port.people is not None}, self.directory, now
        )
        self.account_list: RecordList[Account, AccountFilter] = RecordList(
            {port.source: port.account_list for port in ranked if port.accounts is not None}, self.directory, now
        )
        self.user_list: RecordList[User, UserFilter] = RecordList(self.directory.listings(), self.directory, now)
        self.cadence_list: RecordList[Cadence, CadenceFilter] = RecordList(
            {port.source: port.cadence_list for port in ranked if port.cadences is not None}, self.directory, now
        )
