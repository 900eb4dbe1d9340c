"""What Calendly's documents leave open, asked of an account: seven calls, all of them reads."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from gateway.model.records import Source
from gateway.sources.calendly import wire
from gateway.sources.calendly.api import EVENTS, LISTS, ME, MEMBERSHIPS, MOST_ROWS, SINGLE, next_token, organization_uri
from gateway.sources.calendly.wire import id_of
from gateway.sources.decode import Envelope
from gateway.sources.examination import Ask, OutOfUnits, Reply, Row, Verdict
from gateway.sources.verdicts import fields, limit_headers, offsets, undecided, verdict, words

HEADERS = {"x-ratelimit-remaining", "x-ratelimit-reset"}
TIMES = ("start_time", "end_time", "created_at", "updated_at")
WORDS: Mapping[str, tuple[str, ...]] = {
    "status": ("status",),
    "booking_method": ("booking_method",),
    "location.type": ("location", "type"),
    "calendar_event.kind": ("calendar_event", "kind"),
    "cancellation.canceler_type": ("cancellation", "canceler_type"),
}
"""The fields of an event whose words are of interest, and where they are."""

ENDS, HOSTS, CALENDAR = "ends of min_start_time and max_start_time", "hosts of events", "calendar_event of events"
TOKENS, TWICE = "tokens of pages", "a token used twice"


async def examine(ask: Ask, organization: str | None) -> list[Verdict]:
    """The verdicts on an account; those for which there are no units left are missing.

    Args:
        ask: Makes a call.
        organization: URI or id of the organization; None for that of the token's user.
    """
    verdicts: list[Verdict] = []
    try:
        me = await ask(ME, ())
        own = me.one(SINGLE.rows).get("current_organization")
        whose = organization_uri(organization) if organization else own
        if not isinstance(whose, str):
            return []
        of = (("organization", whose), ("count", str(MOST_ROWS)))
        asked = (*of, ("sort", "start_time:desc"))
        latest = await ask(EVENTS, asked)
        if not latest.good:
            return []
        rows = latest.listed(LISTS.rows)
        verdicts += [_hosts(rows), _calendar(rows), _words(rows)]
        verdicts += [offsets("times of events", rows, TIMES, expected=["Z"]), limit_headers(latest, expected=HEADERS)]
        verdicts += [_fields("events", latest, wire.Event), _fields("users", me, wire.User, SINGLE)]
        verdicts += [await _ends(ask, of, rows), *await _tokens(ask, asked, latest)]
        members = await ask(MEMBERSHIPS, of)
        verdicts.append(_fields("memberships", members, wire.Membership))
        verdicts.append(words("words of memberships", members.listed(LISTS.rows), ("role",)))
        if rows:
            invitees = await ask(f"{EVENTS}/{id_of(str(rows[0].get('uri')))}/invitees", ())
            verdicts.append(_fields("invitees", invitees, wire.Invitee))
            verdicts.append(words("words of invitees", invitees.listed(LISTS.rows), ("status", "scheduling_method")))
    except OutOfUnits:
        pass
    return verdicts


def _hosts(rows: Sequence[Row]) -> Verdict:
    """Whether those who host an event come with their e-mail addresses."""
    hosts = [host for row in rows for host in row.get("event_memberships") or () if isinstance(host, dict)]
    return verdict(HOSTS, _how_many(bool(host.get("user_email")) for host in hosts), f"{len(hosts)} hosts, with e-mail")


def _calendar(rows: Sequence[Row]) -> Verdict:
    """Whether events name the calendar's; those that do not fold into nothing."""
    named = [isinstance(_at(row, ("calendar_event", "external_id")), str) for row in rows]
    return verdict(CALENDAR, _how_many(named), f"{len(named)} rows", expected=["all", "some"])


def _how_many(held: Any) -> str | None:
    known = list(held)
    if not known:
        return None
    return "all" if all(known) else "some" if any(known) else "none"


def _words(rows: Sequence[Row]) -> Verdict:
    flat = [{name: _at(row, path) for name, path in WORDS.items()} for row in rows]
    return words("words of events", flat, WORDS)


async def _ends(ask: Ask, of: Sequence[tuple[str, str]], rows: Sequence[Row]) -> Verdict:
    """Whether an event that begins at an end of the range is within: asked for what lies between two of them."""
    starts = sorted({row["start_time"] for row in rows if _is_time(row.get("start_time"))})
    if len(starts) < 2:  # noqa: PLR2004 - a range has two ends
        return undecided(ENDS, "fewer than two different starts")
    first, last = starts[-2:]
    reply = await ask(EVENTS, [*of, ("min_start_time", first), ("max_start_time", last)])
    if not reply.good:
        return undecided(ENDS, f"status {reply.status}")
    met = {row.get("start_time") for row in reply.listed(LISTS.rows)}
    says = {True: "within", False: "not within"}
    if (first in met) is (last in met):
        return verdict(ENDS, f"both {says[first in met]}")
    return verdict(ENDS, f"min_start_time {says[first in met]}, max_start_time {says[last in met]}")


async def _tokens(ask: Ask, asked: Sequence[tuple[str, str]], latest: Reply) -> list[Verdict]:
    """How a page names the next one, and whether that can be asked for twice."""
    try:
        page = msgspec.convert(latest.body.get(LISTS.metadata), wire.Pagination)
    except msgspec.ValidationError:
        page = None
    token = next_token(page)
    if page is None or not token:
        return [undecided(each, "one page holds all events") for each in (TOKENS, TWICE)]
    named = "in next_page_token" if page.next_page_token else "in next_page alone"
    pages = [await ask(EVENTS, [*asked, ("page_token", token)]) for _ in range(2)]
    if not pages[0].good:
        return [verdict(TOKENS, named), undecided(TWICE, f"status {pages[0].status}")]
    first, second = ([row.get("uri") for row in each.listed(LISTS.rows)] for each in pages)
    again = "the same page" if first == second else "another page"
    return [
        verdict(TOKENS, named),
        verdict(TWICE, again if pages[1].good else f"refused ({pages[1].status})"),
    ]


def _fields(name: str, reply: Reply, row: type[msgspec.Struct], envelope: Envelope = LISTS) -> Verdict:
    return fields(f"fields of {name}", [reply], row, source=Source.CALENDLY.value, envelope=envelope)


def _at(row: Row, path: Sequence[str]) -> Any:
    value: Any = row
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _is_time(value: object) -> bool:
    try:
        return isinstance(value, str) and dt.datetime.fromisoformat(value) is not None
    except ValueError:
        return False
