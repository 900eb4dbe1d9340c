"""The conditions that all meetings have: each with what it means and what is asked of Salesloft for it."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections import Counter

from tests.graph.facts import ACTIVE, Case, Facts, Make, between, of_salesloft
from tests.graph.oracle import Event, fold, formatted, global_id, plain

CASES: dict[str, Make] = {}


def case(make: Make) -> Make:
    CASES[make.__name__.removeprefix("by_")] = make
    return make


@case
def by_ids(facts: Facts) -> Case:
    alone = next(event for event in facts.events if event.hub is None)
    gone = next(event for event in facts.events if event.hub and event.status == "CANCELED")
    folded = facts.folded[0]
    wanted = {alone.id, gone.id, folded.id}
    ids = [alone.id, gone.id, global_id("Meeting", "DRIFT", folded.chats[0]["slug"])]
    return Case({"ids": ids}, lambda event: event.id in wanted, {"ids[]": [gone.key]}, canceled=True)


@case
def by_sources(_: Facts) -> Case:
    return Case({"sources": ["SALESLOFT"]}, lambda event: event.hub is not None, ACTIVE, "DRIFT")


@case
def by_status_booked(_: Facts) -> Case:
    return Case({"status": ["BOOKED"]}, lambda e: e.status == "BOOKED", {"status": ["booked"], "no_show": ["false"]})


@case
def by_status_pending(_: Facts) -> Case:
    return Case({"status": ["PENDING"]}, lambda e: e.status == "PENDING", ACTIVE, "DRIFT")


@case
def by_status_canceled(_: Facts) -> Case:
    return Case({"status": ["CANCELED"]}, lambda e: e.status == "CANCELED", {"show_deleted": ["true"]}, canceled=True)


@case
def by_status_failed(_: Facts) -> Case:
    return Case({"status": ["FAILED"]}, lambda e: e.status == "FAILED", {"status": ["failed"]}, "DRIFT")


@case
def by_status_no_show(_: Facts) -> Case:
    return Case({"status": ["NO_SHOW"]}, lambda e: e.status == "NO_SHOW", {"no_show": ["true"]}, "DRIFT")


@case
def by_canceled_only(_: Facts) -> Case:
    return Case({"canceled": "ONLY"}, lambda e: e.status == "CANCELED", {"show_deleted": ["true"]}, canceled=True)


@case
def by_canceled_include(_: Facts) -> Case:
    since = "2026-03-01T00:00:00.000000Z"
    return Case(
        {"canceled": "INCLUDE", "startTime": {"gte": since}},
        lambda event: (formatted(event.start) or "") >= since,
        {"start_time[gte]": [since]},
        canceled=True,
    )


@case
def by_no_show(_: Facts) -> Case:
    return Case({"noShow": True}, lambda event: event.no_show is True, {"no_show": ["true"]}, "DRIFT")


@case
def by_no_show_false(_: Facts) -> Case:
    return Case(
        {"noShow": False, "startTime": {"gte": "2026-03-10T00:00:00Z"}},
        lambda event: event.no_show is not True and (formatted(event.start) or "") >= "2026-03-10",
        {"no_show": ["false"]},
    )


@case
def by_start_time(_: Facts) -> Case:
    low, high = "2026-03-10T00:00:00.000000Z", "2026-03-20T00:00:00.000000Z"
    return Case(
        {"startTime": {"gte": "2026-03-10T01:00:00+01:00", "lt": high}},
        between("start", low, high),
        {"start_time[gte]": [low], "start_time[lt]": [high]},
    )


@case
def by_start_time_strictly(facts: Facts) -> Case:
    crowded = Counter(event.start for event in facts.events if event.start).most_common(1)[0][0]
    at = formatted(crowded) or ""
    return Case(
        {"startTime": {"gt": at, "lte": "2026-05-01T00:00:00Z"}},
        lambda event: (
            event.start is not None
            and event.start > crowded
            and (formatted(event.start) or "") <= "2026-05-01T00:00:00.0Z"
        ),
    )


@case
def by_end_time(facts: Facts) -> Case:
    bound = "2026-03-18T12:00:00.000000Z"
    return Case(
        {"startTime": {"gte": "2026-03-17T00:00:00Z", "lt": "2026-03-20T00:00:00Z"}, "endTime": {"lte": bound}},
        lambda event: (
            "2026-03-17" <= (formatted(event.start) or "") < "2026-03-20"
            and (facts.shown(event)["endTime"] or "z") <= bound
        ),
        {"start_time[gte]": ["2026-03-17T00:00:00.000000Z"]},
    )


MARCH = {"gte": "2026-03-01T00:00:00.000000Z", "lt": "2026-04-01T00:00:00.000000Z"}
in_march = between("start", MARCH["gte"], MARCH["lt"])


@case
def by_overlaps(facts: Facts) -> Case:
    low, high = "2026-03-18T14:00:00.000000Z", "2026-03-18T15:00:00.000000Z"

    def keep(event: Event) -> bool:
        start, end = formatted(event.start) or "", facts.shown(event)["endTime"] or ""
        return "2026-03-17T14:00:00.000000Z" <= start < high and (start >= low or end > low)

    return Case(
        {"overlaps": {"gte": low, "lt": high}},
        keep,
        {"start_time[gte]": ["2026-03-17T14:00:00.000000Z"], "start_time[lt]": [high]},
    )


@case
def by_days(facts: Facts) -> Case:
    auckland = zoneinfo.ZoneInfo("Pacific/Auckland")
    first, last = dt.date(2026, 3, 9), dt.date(2026, 3, 20)

    def keep(event: Event) -> bool:
        shown, start = facts.shown(event), event.start
        if start is None or start < dt.datetime(2026, 3, 7, tzinfo=dt.UTC):
            return False
        end = dt.datetime.fromisoformat(shown["endTime"] or shown["startTime"])
        end = max(start, end - dt.timedelta(microseconds=1))
        there = dt.UTC if shown["allDay"] else auckland
        return start.astimezone(there).date() <= last and end.astimezone(there).date() >= first

    return Case({"days": {"from": "2026-03-09", "to": "2026-03-20", "timeZone": "NZ"}}, keep, ACTIVE)


@case
def by_all_day(facts: Facts) -> Case:
    return Case(
        {"allDay": True, "startTime": MARCH},
        lambda event: in_march(event) and facts.shown(event)["allDay"] is True,
        ACTIVE,
        "DRIFT",
    )


@case
def by_all_day_false(facts: Facts) -> Case:
    return Case(
        {"allDay": False, "startTime": MARCH},
        lambda event: in_march(event) and facts.shown(event)["allDay"] is not True,
        ACTIVE,
    )


@case
def by_title_contains(facts: Facts) -> Case:
    title = next(event.hub["title"] for event in facts.events if event.hub and event.hub["title"] and in_march(event))
    part = title.split()[-1]
    return Case(
        {"titleContains": part.upper(), "startTime": MARCH},
        lambda event: in_march(event) and part.casefold() in (facts.shown(event)["title"] or "").casefold(),
        ACTIVE,
        "DRIFT",
    )


@case
def by_attendee_domains(facts: Facts) -> Case:
    rows = [event.hub for event in facts.events if event.hub and event.hub["attendees"] and in_march(event)]
    domain = fold(rows[0]["attendees"][-1]["email"]).partition("@")[2]

    def keep(event: Event) -> bool:
        shown = facts.shown(event)
        addresses = [each["email"] for each in shown["attendees"] or ()] + (shown["guests"] or [])
        return in_march(event) and any(fold(each).endswith(f"@{domain}") for each in addresses if each)

    return Case({"attendeeDomains": [domain.upper()], "startTime": MARCH}, keep, ACTIVE, "DRIFT")


@case
def by_created_at(_: Facts) -> Case:
    low, high = "2026-03-01T00:00:00.000000Z", "2026-03-08T00:00:00.000000Z"
    return Case(
        {"createdAt": {"gte": low, "lt": high}},
        between("made", low, high),
        {"created_at[gte]": [low], "created_at[lt]": [high]},
    )


@case
def by_updated_at(_: Facts) -> Case:
    low = "2026-03-17T00:00:00.000000Z"
    return Case(
        {"updatedAt": {"gte": low}, "startTime": {"gte": "2026-03-15T00:00:00Z", "lt": "2026-03-25T00:00:00Z"}},
        lambda event: (
            "2026-03-15" <= (formatted(event.start) or "") < "2026-03-25" and (formatted(event.changed) or "") >= low
        ),
    )


@case
def by_person_ids(facts: Facts) -> Case:
    wanted = facts.common("person")[:2] + facts.common("person", facts.folded)[:1]
    wanted += facts.common("person", [event for event in facts.events if event.hub is None])[:2]
    of = facts.id_in("person")
    return Case({"personIds": wanted}, lambda event: of(event) in wanted)


@case
def by_person_emails(facts: Facts) -> Case:
    both = facts.folded + [event for event in facts.events if event.hub is None]
    people = [facts.shown(event)["person"] for event in both]
    emails = [person["email"] for person in people if person and person["email"]][:3]
    folded = set(map(fold, emails))

    def keep(event: Event) -> bool:
        person = facts.shown(event)["person"]
        return person is not None and not folded.isdisjoint(map(fold, person["emails"] or ()))

    return Case({"personEmails": [email.upper() for email in emails]}, keep)


@case
def by_attendee_emails(facts: Facts) -> Case:
    row = next(row for row in facts.hub.meetings.values() if row["attendees"] and (row["start_time"] or "") > "2026-03")
    email = row["attendees"][-1]["email"]

    def keep(event: Event) -> bool:
        shown = facts.shown(event)
        addresses = [each["email"] for each in shown["attendees"] or ()] + (shown["guests"] or [])
        return (formatted(event.start) or "") >= "2026-02" and fold(email) in [fold(each) for each in addresses if each]

    return Case(
        {"attendeeEmails": [email.upper()], "startTime": {"gte": "2026-02-01T00:00:00Z"}}, keep, ACTIVE, "DRIFT"
    )


@case
def by_owner_ids(facts: Facts) -> Case:
    wanted = facts.common("owner")[5:6] + facts.common("owner", [e for e in facts.events if e.hub is None])[:1]
    of = facts.id_in("owner")
    return Case({"ownerIds": wanted}, lambda event: of(event) in wanted)


@case
def by_owner_emails(facts: Facts) -> Case:
    user = list(facts.hub.users.values())[4]
    wanted = global_id("User", "SALESLOFT", user["id"])
    of = facts.id_in("owner")
    return Case(
        {"ownerEmails": [user["sending_email_address"] or user["email"]]},
        lambda event: of(event) == wanted,
        {"user_guids[]": [user["guid"]]},
    )


@case
def by_booked_by_ids(facts: Facts) -> Case:
    wanted = facts.common("bookedBy")[3]
    guid = next(row["guid"] for row in facts.hub.users.values() if str(row["id"]) == plain(wanted))
    of = facts.id_in("bookedBy")
    return Case({"bookedByIds": [wanted]}, lambda event: of(event) == wanted, {"booked_by_user_uuid": [guid]})


@case
def by_cadence_ids(facts: Facts) -> Case:
    wanted = facts.common("cadence")[0]
    of = facts.id_in("cadence")
    return Case({"cadenceIds": [wanted]}, lambda event: of(event) == wanted, {"cadence_id": [plain(wanted)]}, "DRIFT")


@case
def by_cadence_ids_several(facts: Facts) -> Case:
    """More than are asked for one by one: the whole list is looked through, a stretch a page."""
    wanted = facts.common("cadence")[:7]
    of = facts.id_in("cadence")
    return Case({"cadenceIds": wanted}, lambda event: of(event) in wanted, ACTIVE, "DRIFT")


@case
def by_step_ids(facts: Facts) -> Case:
    wanted = facts.common("step")[0]
    of = facts.id_in("step")
    return Case({"stepIds": [wanted]}, lambda event: of(event) == wanted, {"step_id": [plain(wanted)]}, "DRIFT")


@case
def by_account_ids(facts: Facts) -> Case:
    wanted = facts.common("account")[1]
    of = facts.id_in("account")
    return Case({"accountIds": [wanted]}, lambda event: of(event) == wanted, {"account_id": [plain(wanted)]}, "DRIFT")


@case
def by_calendar_event_ids(facts: Facts) -> Case:
    alone = next(e for e in facts.events if e.hub is None and "eventId" in e.chats[0] and e.status != "CANCELED")
    wanted = [facts.folded[0].hub["event_id"], alone.chats[0]["eventId"]]  # type: ignore[index]
    return Case(
        {"calendarEventIds": wanted},
        lambda event: facts.shown(event)["calendarEventId"] in wanted,
        {"event_ids[]": sorted(wanted)},
    )


@case
def by_i_cal_uids(facts: Facts) -> Case:
    series = facts.of_hub("i_cal_uid")[0]
    return Case(
        {"iCalUids": [series]},
        of_salesloft(lambda row: row["i_cal_uid"] == series),
        {"i_cal_uids[]": [series]},
        "DRIFT",
    )
