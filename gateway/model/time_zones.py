"""Time zones by name, and calendar days in them."""

from __future__ import annotations

import datetime as dt
import difflib
import functools
import importlib.resources
import zoneinfo
from collections.abc import Mapping, Sequence

LONGEST_NAME = 64
"""Characters of a name that similar ones are looked for to: none has more than half as many."""

SIMILAR = 0.6
"""How alike two names have to be, from 0 to 1, for one to be suggested for the other."""

MOST_SIMILAR = 3


@functools.cache
def _names() -> Mapping[str, str]:
    """Every name of the IANA database, links such as `US/Eastern` among them, by its folded form."""
    text = importlib.resources.files("tzdata").joinpath("zones").read_text(encoding="utf-8")
    return {name.casefold(): name for name in text.split()}


def zone_named(name: str) -> zoneinfo.ZoneInfo | None:
    """The time zone of an IANA name, whatever its case; None where there is none.

    Looked for in a list, since a name is also a path: of files that are no zones, or count leap seconds.
    """
    known = _names().get(name.casefold())
    return None if known is None else zoneinfo.ZoneInfo(known)


def similar_names(name: str) -> Sequence[str]:
    """Names of zones that may have been meant: the whole name, or its city's, is alike."""
    if len(name) > LONGEST_NAME:
        return []
    folded = name.strip().replace(" ", "_").casefold()
    names = _names()
    close = difflib.get_close_matches(folded, names, n=MOST_SIMILAR, cutoff=SIMILAR)
    cities = {each.rpartition("/")[2]: each for each in reversed([*names])}
    city = difflib.get_close_matches(folded.rpartition("/")[2], cities, n=MOST_SIMILAR, cutoff=SIMILAR)
    found = dict.fromkeys([*close, *(cities[each] for each in city)])
    return [names[each] for each in found][:MOST_SIMILAR]


def day_begins(day: dt.date, zone: dt.tzinfo) -> dt.datetime:
    """The first instant of a calendar day in a zone, in UTC.

    Midnight may come twice, where clocks are set back over it: then it is the first one. It may not come at all, where
    they are set forward over it: then it is the instant at which they are.

    Raises:
        OverflowError: It lies beyond the calendar in UTC.
    """
    return dt.datetime.combine(day, dt.time(), zone).astimezone(dt.UTC)


def date_in(moment: dt.datetime, zone: dt.tzinfo) -> dt.date:
    """The calendar day of an instant in a zone; at the very ends of the calendar, in UTC."""
    try:
        return moment.astimezone(zone).date()
    except OverflowError:
        return moment.date()
