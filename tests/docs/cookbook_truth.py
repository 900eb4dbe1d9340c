"""What the recipes of the cookbook have to show, worked out by brute force from the vendors' rows.

`tests.graph.oracle` knows what each event is shown as; here is which of them a recipe asks for. Cursors are opaque, and
are left out.
"""

from __future__ import annotations

import datetime as dt
import statistics
import zoneinfo
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from tests.graph.oracle import Event, Row, Truth, fold, formatted, global_id, ordered, plain, when

Variables = Mapping[str, Any]
Spec = Mapping[str, Any]
"""The fields that are shown: None, or those of the record there."""

DAY = dt.timedelta(days=1)
CURSORS = {"cursor", "startCursor", "endCursor"}


def without_cursors(value: Any) -> Any:
    """An answer without what is opaque."""
    if isinstance(value, dict):
        return {name: without_cursors(each) for name, each in value.items() if name not in CURSORS}
    return [without_cursors(each) for each in value] if isinstance(value, list) else value


def expected(number: int, truth: Truth, asked: Variables, me: str | None) -> Any:
    """The answer of a recipe, by its number."""
    return RECIPES[number](truth, asked) if me is None else my_day(truth, asked, me)


def shown(truth: Truth, events: Iterable[Event], *names: str, **records: Spec) -> list[Row]:
    rows = [truth.meeting(event) for event in events]
    return [
        {
            **{name: row[name] for name in names},
            **{name: row[name] and {each: row[name][each] for each in spec} for name, spec in records.items()},
        }
        for row in rows
    ]


def active(events: Iterable[Event]) -> list[Event]:
    return [event for event in events if event.status != "CANCELED"]


def starting(events: Iterable[Event], since: str, until: str = "9999-12-31T00:00:00Z") -> list[Event]:
    low, high = dt.datetime.fromisoformat(since), dt.datetime.fromisoformat(until)
    return [event for event in events if event.start is not None and low <= event.start < high]


def ends(truth: Truth, event: Event) -> dt.datetime | None:
    return when(truth.meeting(event)["endTime"])


def on_days(truth: Truth, events: Iterable[Event], days: Mapping[str, str]) -> list[Event]:
    """The events that touch calendar days in a zone; one of whole days by its dates."""
    first, last = dt.date.fromisoformat(days["from"]), dt.date.fromisoformat(days["to"])
    zone = zoneinfo.ZoneInfo(days["timeZone"])
    begin = dt.datetime.combine(first, dt.time(), zone)
    end = dt.datetime.combine(last + DAY, dt.time(), zone)

    def touches(event: Event) -> bool:
        start, until = event.start, ends(truth, event)
        if start is None:
            return False
        if truth.meeting(event)["allDay"]:
            after = start.date() + DAY if until is None else max(until.date(), start.date() + DAY)
            return start.date() <= last and after > first
        return start < end and (start >= begin or (until is not None and until > begin))

    return [event for event in events if touches(event)]


def owner(truth: Truth, event: Event) -> Row | None:
    found: Row | None = truth.meeting(event)["owner"]
    return found


def rate(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def no_shows(truth: Truth, events: Iterable[Event]) -> tuple[int, float | None]:
    rows = list(events)
    held = [e for e in rows if e.hub and e.start and e.start <= truth.world.now and e.status != "CANCELED"]
    missed = sum(event.status == "NO_SHOW" for event in held)
    return sum(event.status == "NO_SHOW" for event in rows), rate(missed, len(held))


def canceled(events: Sequence[Event]) -> int:
    return sum(event.status == "CANCELED" for event in events)


def groups(events: Iterable[Event], key: Callable[[Event], Any]) -> list[tuple[Any, list[Event]]]:
    found: dict[Any, list[Event]] = {}
    for event in events:
        found.setdefault(key(event), []).append(event)
    return sorted(found.items(), key=lambda each: each[0])


def instant(day: dt.date, zone: str) -> str | None:
    return formatted(dt.datetime.combine(day, dt.time(), zoneinfo.ZoneInfo(zone)).astimezone(dt.UTC))


def week(truth: Truth, asked: Variables) -> Any:
    team = {fold(email) for email in asked["team"]}
    mine = [e for e in truth.events if (who := owner(truth, e)) and fold(who["email"] or "") in team]
    events = ordered(on_days(truth, active(mine), asked["days"]), descending=False)
    names = ("startTime", "endTime", "allDay", "startDate", "endDate", "title")
    nodes = shown(truth, events[:100], *names, owner={"name": None})
    return {"meetings": {"nodes": nodes, "pageInfo": {"hasNextPage": len(events) > 100}}}


def my_day(truth: Truth, asked: Variables, me: str) -> Any:
    mine = [event for event in truth.events if (who := owner(truth, event)) and fold(who["email"] or "") == fold(me)]
    events = ordered(on_days(truth, active(mine), asked["day"]), descending=False)[:25]
    companies = {
        global_id("Person", "SALESLOFT", row["id"]): row["person_company_name"] for row in truth.hub.people.values()
    }
    nodes = shown(truth, events, "startTime", "title", "status", person={"id": None, "name": None})
    for node in nodes:
        if node["person"]:
            node["person"]["companyName"] = companies[node["person"].pop("id")]
    name = next(row["name"] for row in truth.hub.users.values() if fold(row["email"]) == fold(me))
    return {"me": {"name": name, "meetings": {"nodes": nodes}}}


def newest(rows: Iterable[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: (-dt.datetime.fromisoformat(row["created_at"]).timestamp(), row["id"]))


def timeline(truth: Truth, asked: Variables) -> Any:
    key = int(asked["id"])
    account = truth.hub.accounts.data[key]
    people = [row for row in truth.hub.people.values() if (row.get("account") or {}).get("id") == key]
    people = newest(row for row in people if row["id"] not in truth.hub.hidden_people)
    id_ = global_id("Account", "SALESLOFT", key)
    events = ordered(e for e in truth.events if (truth.meeting(e)["account"] or {}).get("id") == id_)
    return {
        "account": {
            "name": account["name"],
            "people": {
                "totalCount": len(people),
                "nodes": [{"name": (truth.person(row["id"]) or {})["name"]} for row in people[:3]],
            },
            "meetings": {
                "totalCount": len(events),
                "nodes": shown(truth, events[:4], "startTime", "title", "status", person={"name": None}),
            },
        }
    }


def owned(truth: Truth, asked: Variables) -> list[Event]:
    reps = set(asked["reps"])
    events = starting(truth.events, asked["from"], asked["to"])
    return [event for event in events if (owner(truth, event) or {}).get("id") in reps]


def named(truth: Truth, event: Event) -> tuple[str, str]:
    who = owner(truth, event) or {}
    return who["name"].casefold(), who["name"]


def no_shows_by_rep(truth: Truth, asked: Variables) -> Any:
    events = owned(truth, asked)

    def counts(rows: Sequence[Event]) -> Row:
        missed, share = no_shows(truth, rows)
        return {"meetings": len(rows), "noShow": missed, "noShowRate": share}

    by_owner = groups(events, lambda event: named(truth, event))
    reports = [{"source": source, "status": "OK", "message": None} for source in ("SALESLOFT", "DRIFT")]
    return {
        "meetingStats": {
            "total": counts(events),
            "groups": [{"owner": {"name": name}, "counts": counts(rows)} for (_, name), rows in by_owner],
            "sourceReports": reports,
        }
    }


STATUSES = ("PENDING", "BOOKED", "CANCELED", "NO_SHOW", "FAILED", "UNKNOWN")


def weeks(truth: Truth, asked: Variables) -> Any:
    zone = zoneinfo.ZoneInfo("America/New_York")

    def key(event: Event) -> tuple[Any, ...]:
        assert event.start is not None
        day = event.start.date() if truth.meeting(event)["allDay"] else event.start.astimezone(zone).date()
        return *named(truth, event), day - day.weekday() * DAY, STATUSES.index(event.status)

    return {
        "meetingStats": {
            "groups": [
                {
                    "owner": {"name": name},
                    "from": instant(monday, zone.key),
                    "status": STATUSES[status],
                    "counts": {"meetings": len(rows)},
                }
                for (_, name, monday, status), rows in groups(owned(truth, asked), key)
            ]
        }
    }


def profile(truth: Truth, asked: Variables) -> Any:
    people = sorted(truth.hub.people.values(), key=lambda row: int(row["id"]))
    row = next(row for row in people if fold(row["email_address"] or "") == fold(asked["email"]))
    person = truth.person(row["id"]) or {}
    events = ordered(e for e in truth.events if (truth.meeting(e)["person"] or {}).get("id") == person["id"])
    users, accounts, cadences = truth.hub.users.data, truth.hub.accounts.data, truth.hub.cadences.data
    return {
        "person": {
            "name": person["name"],
            "title": row["title"],
            "companyName": row["person_company_name"],
            "owner": {"name": users[row["owner"]["id"]]["name"]},
            "account": {"name": accounts[row["account"]["id"]]["name"]},
            "cadences": [{"name": cadences[each["id"]]["name"]} for each in row["cadences"]],
            "meetings": {
                "totalCount": len(events),
                "nodes": shown(truth, events[:2], "startTime", "title", "status"),
            },
        }
    }


def scroll(truth: Truth, asked: Variables) -> Any:
    events = ordered(active(starting(truth.events, asked["since"])))
    nodes = shown(truth, events[: asked["size"]], "id", "startTime", "title")
    flags = {"hasNextPage": len(events) > asked["size"], "hasPreviousPage": False}
    return {"meetings": {"edges": [{"node": node} for node in nodes], "pageInfo": flags}}


def by_title(truth: Truth, asked: Variables) -> Any:
    rows = active(starting(truth.events, asked["from"], asked["to"]))
    text = asked["text"].casefold()
    events = ordered(event for event in rows if text in (truth.meeting(event)["title"] or "").casefold())
    return {"meetings": {"totalCount": len(events), "nodes": shown(truth, events[:3], "startTime", "title")}}


def sync(truth: Truth, asked: Variables) -> Any:
    since = dt.datetime.fromisoformat(asked["since"])
    events = ordered((e for e in truth.events if e.changed is not None and e.changed >= since), "changed")

    def records(kind: str, rows: Iterable[Row]) -> Any:
        fresh = [row for row in rows if (when(row["updated_at"]) or since - DAY) >= since]
        nodes = [
            {"id": global_id(kind, "SALESLOFT", row["id"]), "updatedAt": formatted(when(row["updated_at"]))}
            for row in fresh[:2]
        ]
        return {"nodes": nodes, "pageInfo": {"hasNextPage": len(fresh) > 2}}

    hub = truth.hub
    return {
        "meetings": {
            "nodes": shown(truth, events[:2], "id", "updatedAt", "status"),
            "pageInfo": {"hasNextPage": len(events) > 2},
        },
        "people": records("Person", newest(r for r in hub.people.values() if r["id"] not in hub.hidden_people)),
        "accounts": records("Account", newest(hub.accounts.values())),
        "users": records("User", sorted(hub.users.values(), key=lambda row: row["name"] or "")),
    }


def from_company(truth: Truth, asked: Variables) -> Any:
    domains = tuple(f"@{fold(domain)}" for domain in asked["domains"])

    def invited(event: Event) -> bool:
        emails = (row["email"] for row in truth.meeting(event)["attendees"] or ())
        return any(fold(email or "").endswith(domains) for email in emails)

    events = ordered(filter(invited, active(starting(truth.events, asked["from"], asked["to"]))))
    nodes = shown(truth, events[:3], "startTime", "title")
    for node, event in zip(nodes, events, strict=False):
        rows = truth.meeting(event)["attendees"]
        node["attendees"] = [{"email": row["email"], "status": row["status"]} for row in rows]
    return {"meetings": {"totalCount": len(events), "nodes": nodes}}


def cadence_over_time(truth: Truth, asked: Variables) -> Any:
    low, high = dt.datetime.fromisoformat(asked["from"]), dt.datetime.fromisoformat(asked["to"])
    events = [
        event
        for event in truth.events
        if event.made is not None
        and low <= event.made < high
        and (truth.meeting(event)["cadence"] or {}).get("id") == asked["id"]
    ]
    name = truth.hub.cadences.data[int(plain(asked["id"]))]["name"]

    def counts(rows: Sequence[Event]) -> Row:
        leads = [(e.start - e.made) / dt.timedelta(minutes=1) for e in rows if e.start and e.made]
        missed, share = no_shows(truth, rows)
        return {
            "meetings": len(rows),
            "canceled": canceled(rows),
            "noShow": missed,
            "noShowRate": share,
            "cancellationRate": rate(canceled(rows), len(rows)),
            "medianLeadMinutes": statistics.median(leads) if leads else None,
        }

    by_month = groups((e for e in events if e.start), lambda event: event.start.date().replace(day=1))  # type: ignore[union-attr]  # just checked
    return {
        "meetingStats": {
            "groups": [
                {"cadence": {"name": name}, "from": instant(month, "UTC"), "counts": counts(rows)}
                for month, rows in by_month
            ]
        }
    }


def days(truth: Truth, asked: Variables) -> Any:
    zone = zoneinfo.ZoneInfo("America/New_York")
    events = on_days(truth, truth.events, asked["days"])

    def day(event: Event) -> dt.date:
        assert event.start is not None
        return event.start.date() if truth.meeting(event)["allDay"] else event.start.astimezone(zone).date()

    return {
        "meetingStats": {
            "groups": [
                {
                    "from": instant(each, zone.key),
                    "to": instant(each + DAY, zone.key),
                    "counts": {"meetings": len(rows), "canceled": canceled(rows)},
                }
                for each, rows in groups(events, day)
            ]
        }
    }


RECIPES: Mapping[int, Callable[[Truth, Variables], Any]] = {
    13: week,
    15: timeline,
    16: no_shows_by_rep,
    17: weeks,
    18: profile,
    19: scroll,
    20: by_title,
    21: sync,
    22: from_company,
    23: cadence_over_time,
    24: days,
}
