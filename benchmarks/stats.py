"""What counting 5,000 meetings takes beyond reading them: processor time, as a table of groupings.

python benchmarks/stats.py [ROUNDS]      prints a line of JSON
"""

from __future__ import annotations

import datetime as dt
import json
import random
import sys
import time
from collections.abc import Mapping

from gateway.catalog import stats
from gateway.model.records import Account, Kind, Meeting, MeetingStatus, Ref, Source, User
from gateway.model.stats import MeetingGroup
from gateway.model.time_zones import zone_named

ROWS, USERS, ACCOUNTS, DAYS = 5_000, 60, 400, 56
NOW = dt.datetime(2026, 3, 18, 15, tzinfo=dt.UTC)
GROUPINGS: Mapping[str, tuple[MeetingGroup, ...]] = {
    "nothing": (),
    "owner, status": (MeetingGroup.OWNER, MeetingGroup.STATUS),
    "owner, status, week": (MeetingGroup.OWNER, MeetingGroup.STATUS, MeetingGroup.WEEK),
    "day": (MeetingGroup.DAY,),
    "account": (MeetingGroup.ACCOUNT,),
}


def meetings() -> list[Meeting]:
    """Eight weeks of a team of sixty."""
    dice = random.Random(7)  # noqa: S311 - the same meetings every time
    booked = [MeetingStatus.BOOKED] * 8
    found = []
    for number in range(ROWS):
        start = NOW - dt.timedelta(minutes=15 * dice.randrange(DAYS * 96))
        found.append(
            Meeting(
                source=Source.SALESLOFT,
                source_id=str(number),
                start_time=start,
                created_at=start - dt.timedelta(minutes=dice.randrange(20_000)),
                status=dice.choice([*booked, MeetingStatus.CANCELED, MeetingStatus.NO_SHOW]),
                owner=Ref(Source.SALESLOFT, Kind.USER, str(dice.randrange(USERS))),
                account=Ref(Source.SALESLOFT, Kind.ACCOUNT, str(dice.randrange(ACCOUNTS))),
            )
        )
    return found


def measure(rounds: int) -> Mapping[str, float]:
    """By grouping: milliseconds for all that is counted of them, the least of some rounds."""
    rows = meetings()
    zone = zone_named("America/New_York")
    assert zone is not None
    users = {Ref(Source.SALESLOFT, Kind.USER, str(n)): _user(n) for n in range(USERS)}
    accounts = {Ref(Source.SALESLOFT, Kind.ACCOUNT, str(n)): _account(n) for n in range(ACCOUNTS)}
    linked: Mapping[MeetingGroup, stats.Linked] = {MeetingGroup.OWNER: users, MeetingGroup.ACCOUNT: accounts}
    told = frozenset({Source.SALESLOFT})
    found: dict[str, float] = {}
    for name, by in GROUPINGS.items():
        taken = []
        for _ in range(rounds):
            began = time.process_time()
            total = stats.count(rows, NOW, told)
            groups = stats.grouped(rows, by, zone=zone, linked=linked, now=NOW, tells_no_show=told)
            taken.append((time.process_time() - began) * 1e3)
            if total.meetings != ROWS or sum(group.counts.meetings for group in groups) != ROWS:
                raise AssertionError("meetings were lost")
        found[name] = min(taken)
    return found


def _user(number: int) -> User:
    return User(source=Source.SALESLOFT, source_id=str(number), name=f"Member {number}")


def _account(number: int) -> Account:
    return Account(source=Source.SALESLOFT, source_id=str(number), name=f"Company {number}")


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 20)))
