"""`meetingStats`: meetings counted, in all and in groups."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

from strawberry import argument

from gateway.catalog import stats
from gateway.catalog.catalog import Catalog
from gateway.catalog.stats import LINKS, Linked
from gateway.errors import Forbidden
from gateway.graph import enums
from gateway.graph.access import lacking_scopes
from gateway.graph.context import Context
from gateway.graph.inputs.paging import UNSET, ContextInfo
from gateway.graph.inputs.stats import groups_of, stats_filter
from gateway.graph.inputs.values import given
from gateway.graph.inputs.values import time_zone as zone_of
from gateway.graph.loaders import Counted, Keyed, RecordSource
from gateway.graph.lookahead import LookAhead
from gateway.graph.meeting_lists import Filter
from gateway.graph.types.stats import MeetingStatsRecord
from gateway.model.order import RANK, id_key
from gateway.model.records import Kind, Meeting, Ref, User
from gateway.model.scopes import KIND_SCOPES
from gateway.model.stats import MeetingGroup

GroupBy = Annotated[
    list[enums.MeetingGroup],
    argument(description="The keys to group by: each at most once, and at most one of DAY, WEEK and MONTH."),
]
TimeZone = Annotated[
    str,
    argument(description=("The IANA name of the time zone in which days, weeks (from Monday) and months are counted.")),
]

KINDS = {
    MeetingGroup.OWNER: Kind.USER,
    MeetingGroup.BOOKED_BY: Kind.USER,
    MeetingGroup.ACCOUNT: Kind.ACCOUNT,
    MeetingGroup.CADENCE: Kind.CADENCE,
}
"""The kind of the records that are grouped by."""

LOOKUPS: Mapping[Kind, Callable[[Catalog], RecordSource]] = {
    Kind.USER: lambda catalog: catalog.directory,
    Kind.ACCOUNT: lambda catalog: catalog.accounts,
    Kind.CADENCE: lambda catalog: catalog.cadences,
}

AT_ONCE = 100
"""Records that one look-up takes."""


async def meeting_stats(
    info: ContextInfo,
    filter: Filter = UNSET,  # noqa: A002 - the contract's name
    group_by: GroupBy = [],  # noqa: B006 - a default of the schema, never changed
    time_zone: TimeZone = "UTC",
) -> Any:
    """Meetings, counted."""
    by = groups_of(group_by)
    zone = zone_of(time_zone, "timeZone")
    wanted = stats_filter(given(filter), by)
    _check(info.context, by)
    if "groups" not in LookAhead.of(info):
        by = []
    fields = frozenset(group.value for group in by if group in LINKS)
    whole = await info.context.loaders.whole_list_by_filter.load(Counted(wanted, fields))
    assert whole is not None  # every key has a list, or an error
    now, tell_no_show = info.context.catalog.meetings.now(), info.context.catalog.meetings.tell_no_show
    groups = []
    if by:
        linked = await _linked(info.context, whole.rows, [group for group in by if group in LINKS])
        groups = stats.grouped(whole.rows, by, zone=zone, linked=linked, now=now, tells_no_show=tell_no_show)
    total = stats.count(whole.rows, now, tell_no_show)
    return MeetingStatsRecord(total=total, groups=groups, source_reports=whole.reports)


def _check(context: Context, by: Sequence[MeetingGroup]) -> None:
    """Makes sure that the client may see what is grouped by: the order of groups reveals names.

    Raises:
        Forbidden: A scope is missing.
    """
    for group in by:
        if group in KINDS:
            scope = KIND_SCOPES[KINDS[group]]
            if lacking_scopes(context.principal, frozenset({scope})):
                raise Forbidden(f"groupBy: {group.name} needs the scope {scope}.", argument="groupBy")


async def _linked(context: Context, rows: Sequence[Meeting], by: Sequence[MeetingGroup]) -> dict[MeetingGroup, Linked]:
    """The records that meetings are grouped by: a hundred of a kind in one look-up, which may be as old as the rows."""
    asked = {group: stats.references(rows, group) for group in by}
    parts: list[tuple[Kind, list[Ref]]] = []
    for kind in {KINDS[group]: None for group in by}:
        refs = sorted({ref for group, own in asked.items() if KINDS[group] is kind for ref in own}, key=_place)
        parts += [(kind, refs[start : start + AT_ONCE]) for start in range(0, len(refs), AT_ONCE)]
    readings = context.catalog.meetings.readings(context.request)

    async def load(place: int, kind: Kind, refs: Sequence[Ref]) -> Mapping[Ref, Any]:
        request = readings.records(-1 - place)
        found = await LOOKUPS[kind](context.catalog).by_refs(request, refs)
        if kind is Kind.USER and any(ref.source is not context.catalog.sources[0] for ref in refs):
            # The whole team was read: what it has of them beside the record need not be looked up again.
            for user in {id(each): each for each in found.values() if isinstance(each, User)}.values():
                whole = await context.catalog.directory.whole(request, user)
                context.loaders.whole_user_by_user.prime(Keyed(user), whole)
        return found

    try:
        answers = await asyncio.gather(*(load(place, *part) for place, part in enumerate(parts)))
    finally:
        await readings.close()
    found = {ref: record for answer in answers for ref, record in answer.items()}
    return {group: {ref: found.get(ref) for ref in refs} for group, refs in asked.items()}


def _place(ref: Ref) -> tuple[object, ...]:
    return RANK[ref.source], ref.key is None, str(ref.key), *id_key(ref.id)
