"""The vendors' own conditions: each with what it means and what is asked of Salesloft for it."""

from __future__ import annotations

from typing import Any

from tests.graph.facts import Case, Facts, Make, between, of_drift, of_salesloft
from tests.graph.oracle import Row, formatted, plain

VENDOR_CASES: dict[str, Make] = {}


def case(make: Make) -> Make:
    VENDOR_CASES[make.__name__.removeprefix("by_")] = make
    return make


# Salesloft's own


def own(name: str, sent: str, field: tuple[str, ...], *, many: bool, rank: int = 0, wraps: bool = True) -> None:
    """A case of a parameter that names values of a field."""

    def make(facts: Facts) -> Case:
        value = facts.of_hub(*field)[rank]
        text = str(value)

        def test(row: Row) -> bool:
            found: Any = row
            for part in field:
                found = (found or {}).get(part)
            return bool(found == value)

        given: Any = [text] if many else text
        return Case({"salesloft": {name: given}}, of_salesloft(test), {sent: [text]}, "DRIFT")

    VENDOR_CASES[f"salesloft_{name}"] = make


own("ids", "ids[]", ("id",), many=True, rank=40)
own("status", "status", ("status",), many=False, rank=1)
own("personId", "person_id", ("person", "id"), many=True)
own("accountId", "account_id", ("account_id",), many=True)
own("personIds", "person_ids[]", ("person", "id"), many=True, rank=1)
own("eventIds", "event_ids[]", ("event_id",), many=True)
own("iCalUids", "i_cal_uids[]", ("i_cal_uid",), many=True)
own("taskIds", "task_ids[]", ("task_id",), many=True)
own("userGuids", "user_guids[]", ("owned_by_user", "id"), many=True)
own("bookedByUserUuid", "booked_by_user_uuid", ("booked_by_user", "id"), many=False)
own("meetingTypeId", "meeting_type_id", ("meeting_type_id",), many=True)
own("cadenceId", "cadence_id", ("cadence", "id"), many=False)
own("stepId", "step_id", ("step", "id"), many=False)


@case
def by_salesloft_startTime(_: Facts) -> Case:  # noqa: N802 - the filter's name
    low, high = "2026-03-10T00:00:00.000000Z", "2026-03-12T00:00:00.000000Z"
    within = between("start", low, high)
    return Case(
        {"salesloft": {"startTime": {"gte": low, "lt": high}}},
        lambda event: event.hub is not None and within(event),
        {"start_time[gte]": [low], "start_time[lt]": [high]},
        "DRIFT",
    )


@case
def by_salesloft_createdAt(_: Facts) -> Case:  # noqa: N802 - the filter's name
    low, high = "2026-03-10T00:00:00.000000Z", "2026-03-12T00:00:00.000000Z"
    within = between("made", low, high)
    return Case(
        {"salesloft": {"createdAt": {"gte": low, "lt": high}}},
        lambda event: event.hub is not None and within(event),
        {"created_at[gte]": [low], "created_at[lt]": [high]},
        "DRIFT",
    )


@case
def by_salesloft_showDeleted(_: Facts) -> Case:  # noqa: N802 - the filter's name
    return Case(
        {"salesloft": {"showDeleted": True}},
        of_salesloft(lambda row: row["canceled_at"] is not None),
        {"show_deleted": ["true"]},
        "DRIFT",
        canceled=True,
    )


@case
def by_salesloft_noShow(_: Facts) -> Case:  # noqa: N802 - the filter's name
    return Case(
        {"salesloft": {"noShow": True}}, of_salesloft(lambda row: row["no_show"]), {"no_show": ["true"]}, "DRIFT"
    )


@case
def by_salesloft_either_event(facts: Facts) -> Case:
    """Event ids and UIDs are the one pair that Salesloft ORs."""
    event, uid = facts.of_hub("event_id")[3], facts.of_hub("i_cal_uid")[1]
    return Case(
        {"salesloft": {"eventIds": [event], "iCalUids": [uid]}},
        of_salesloft(lambda row: row["event_id"] == event or row["i_cal_uid"] == uid),
        {"event_ids[]": [event], "i_cal_uids[]": [uid]},
        "DRIFT",
    )


# Drift's own: nothing of it can be asked of either vendor


def chat(name: str, field: str, rank: int = 0) -> None:
    def make(facts: Facts) -> Case:
        value = facts.of_chat(field)[rank]
        return Case({"drift": {name: [str(value)]}}, of_drift(lambda row: row.get(field) == value), None, "SALESLOFT")

    VENDOR_CASES[f"drift_{name}"] = make


chat("status", "status")
chat("meetingSource", "meetingSource", 1)
chat("meetingType", "meetingType", 1)
chat("agentIds", "agentId", 2)
chat("schedulerIds", "schedulerId")
chat("conversationIds", "conversationId")
chat("bookedByIds", "bookedBy")


@case
def by_both_vendors(facts: Facts) -> Case:
    source = facts.of_chat("meetingSource")[0]
    return Case(
        {"drift": {"meetingSource": [source]}, "salesloft": {"status": "booked"}},
        lambda event: (
            event.hub is not None
            and event.hub["status"] == "booked"
            and bool(event.chats)
            and event.chats[0].get("meetingSource") == source
        ),
        None,
    )


@case
def by_both_vendors_on_what_rows_may_lack(facts: Facts) -> Case:
    """Salesloft is not asked for records by its condition here, so each has to show that it meets it."""
    cadence = facts.of_hub("cadence", "id")[0]
    return Case(
        {"drift": {"status": ["ACTIVE"]}, "salesloft": {"cadenceId": str(cadence)}},
        lambda event: (
            event.hub is not None
            and (event.hub.get("cadence") or {}).get("id") == cadence
            and bool(event.chats)
            and event.chats[0].get("status") == "ACTIVE"
        ),
        None,
    )


@case
def by_several_conditions(facts: Facts) -> Case:
    """All conditions are ANDed, and what can be asked for is asked for in one call."""
    owner = facts.common("owner")[0]
    guid = next(row["guid"] for row in facts.hub.users.values() if str(row["id"]) == plain(owner))
    of = facts.id_in("owner")
    low = "2026-01-01T00:00:00.000000Z"
    return Case(
        {"ownerIds": [owner], "startTime": {"gte": low}, "status": ["BOOKED"]},
        lambda event: of(event) == owner and (formatted(event.start) or "") >= low and event.status == "BOOKED",
        {"user_guids[]": [guid], "start_time[gte]": [low], "status": ["booked"]},
    )
