"""Every filter of meetings over the demo world: the answer equals brute force, the request sent is the one named."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Callable
from functools import cached_property
from typing import Any

import pytest
from graphql import GraphQLInputObjectType

from gateway.emulator.world import World
from tests.graph.truth import Event, Row, Truth, fold, global_id, ordered, plain, told
from tests.world import Asked, Gateway, Made

Keep = Callable[[Event], bool]


class Facts(Truth):
    """A world, what is shown of it, and values worth filtering by."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._shown: dict[str, Row] = {}

    def shown(self, event: Event) -> Row:
        known = self._shown.get(event.id)
        if known is None:
            known = self._shown[event.id] = self.meeting(event)
        return known

    def id_in(self, name: str) -> Callable[[Event], str | None]:
        def read(event: Event) -> str | None:
            found: Row = self.shown(event)[name] or {}
            return found.get("id")

        return read

    @cached_property
    def folded(self) -> list[Event]:
        return [event for event in self.events if event.hub and event.chats]

    def common(self, name: str, events: list[Event] | None = None) -> list[str]:
        """The ids of a related record by how many meetings have it, of those that may be seen."""
        found = Counter(filter(None, map(self.id_in(name), events or self.events)))
        return [key for key, _ in sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))]

    def of_hub(self, *path: str) -> list[Any]:
        """Salesloft's values of a field by how often they come."""

        def read(row: Row) -> Any:
            found: Any = row
            for name in path:
                found = (found or {}).get(name)
            return found

        values = Counter(value for row in self.hub.meetings.values() if (value := read(row)) is not None)
        return [value for value, _ in sorted(values.items(), key=lambda pair: (-pair[1], str(pair[0])))]

    def of_chat(self, name: str) -> list[Any]:
        values = Counter(row[name] for row in self.window if name in row)
        return [value for value, _ in sorted(values.items(), key=lambda pair: (-pair[1], str(pair[0])))]


@dataclasses.dataclass(frozen=True)
class Case:
    """One filter.

    Attributes:
        filter: As the client writes it.
        keep: What it means; cancelled meetings are left out beforehand unless `canceled` says otherwise.
        sent: Parameters of every walk in Salesloft's list; None where none may be walked.
        skipped: The sources none of whose own rows can meet it.
        canceled: Whether cancelled meetings are in.
    """

    filter: dict[str, Any]
    keep: Keep
    sent: dict[str, list[str]] | None = dataclasses.field(default_factory=dict)
    skipped: str | None = None
    canceled: bool = False


def _hub(test: Callable[[Row], bool]) -> Keep:
    return lambda event: event.hub is not None and test(event.hub)


def _chat(test: Callable[[Row], bool]) -> Keep:
    return lambda event: bool(event.chats) and test(event.chats[0])


def _between(value: str, low: str, high: str) -> Keep:
    return lambda event: (at := getattr(event, value)) is not None and low <= (told(at) or "") < high


ACTIVE = {"show_deleted": ["false"]}
CASES: dict[str, Callable[[Facts], Case]] = {}


def case(make: Callable[[Facts], Case]) -> Callable[[Facts], Case]:
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
        lambda event: (told(event.start) or "") >= since,
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
        lambda event: event.no_show is not True and (told(event.start) or "") >= "2026-03-10",
        {"no_show": ["false"]},
    )


@case
def by_start_time(_: Facts) -> Case:
    low, high = "2026-03-10T00:00:00.000000Z", "2026-03-20T00:00:00.000000Z"
    return Case(
        {"startTime": {"gte": "2026-03-10T01:00:00+01:00", "lt": high}},
        _between("start", low, high),
        {"start_time[gte]": [low], "start_time[lt]": [high]},
    )


@case
def by_start_time_strictly(facts: Facts) -> Case:
    crowded = Counter(event.start for event in facts.events if event.start).most_common(1)[0][0]
    at = told(crowded) or ""
    return Case(
        {"startTime": {"gt": at, "lte": "2026-05-01T00:00:00Z"}},
        lambda event: (
            event.start is not None and event.start > crowded and (told(event.start) or "") <= "2026-05-01T00:00:00.0Z"
        ),
    )


@case
def by_end_time(facts: Facts) -> Case:
    bound = "2026-03-18T12:00:00.000000Z"
    return Case(
        {"startTime": {"gte": "2026-03-17T00:00:00Z", "lt": "2026-03-20T00:00:00Z"}, "endTime": {"lte": bound}},
        lambda event: (
            "2026-03-17" <= (told(event.start) or "") < "2026-03-20" and (facts.shown(event)["endTime"] or "z") <= bound
        ),
        {"start_time[gte]": ["2026-03-17T00:00:00.000000Z"]},
    )


@case
def by_created_at(_: Facts) -> Case:
    low, high = "2026-03-01T00:00:00.000000Z", "2026-03-08T00:00:00.000000Z"
    return Case(
        {"createdAt": {"gte": low, "lt": high}},
        _between("made", low, high),
        {"created_at[gte]": [low], "created_at[lt]": [high]},
    )


@case
def by_updated_at(_: Facts) -> Case:
    low = "2026-03-17T00:00:00.000000Z"
    return Case(
        {"updatedAt": {"gte": low}, "startTime": {"gte": "2026-03-15T00:00:00Z", "lt": "2026-03-25T00:00:00Z"}},
        lambda event: "2026-03-15" <= (told(event.start) or "") < "2026-03-25" and (told(event.changed) or "") >= low,
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
        return (told(event.start) or "") >= "2026-02" and fold(email) in [fold(each) for each in addresses if each]

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
        {"iCalUids": [series]}, _hub(lambda row: row["i_cal_uid"] == series), {"i_cal_uids[]": [series]}, "DRIFT"
    )


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
        return Case({"salesloft": {name: given}}, _hub(test), {sent: [text]}, "DRIFT")

    CASES[f"salesloft_{name}"] = make


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
    between = _between("start", low, high)
    return Case(
        {"salesloft": {"startTime": {"gte": low, "lt": high}}},
        lambda event: event.hub is not None and between(event),
        {"start_time[gte]": [low], "start_time[lt]": [high]},
        "DRIFT",
    )


@case
def by_salesloft_createdAt(_: Facts) -> Case:  # noqa: N802 - the filter's name
    low, high = "2026-03-10T00:00:00.000000Z", "2026-03-12T00:00:00.000000Z"
    between = _between("made", low, high)
    return Case(
        {"salesloft": {"createdAt": {"gte": low, "lt": high}}},
        lambda event: event.hub is not None and between(event),
        {"created_at[gte]": [low], "created_at[lt]": [high]},
        "DRIFT",
    )


@case
def by_salesloft_showDeleted(_: Facts) -> Case:  # noqa: N802 - the filter's name
    return Case(
        {"salesloft": {"showDeleted": True}},
        _hub(lambda row: row["canceled_at"] is not None),
        {"show_deleted": ["true"]},
        "DRIFT",
        canceled=True,
    )


@case
def by_salesloft_noShow(_: Facts) -> Case:  # noqa: N802 - the filter's name
    return Case({"salesloft": {"noShow": True}}, _hub(lambda row: row["no_show"]), {"no_show": ["true"]}, "DRIFT")


@case
def by_salesloft_either_event(facts: Facts) -> Case:
    """Event ids and UIDs are the one pair that Salesloft ORs."""
    event, uid = facts.of_hub("event_id")[3], facts.of_hub("i_cal_uid")[1]
    return Case(
        {"salesloft": {"eventIds": [event], "iCalUids": [uid]}},
        _hub(lambda row: row["event_id"] == event or row["i_cal_uid"] == uid),
        {"event_ids[]": [event], "i_cal_uids[]": [uid]},
        "DRIFT",
    )


# Drift's own: nothing of it can be asked of either vendor


def chat(name: str, field: str, rank: int = 0) -> None:
    def make(facts: Facts) -> Case:
        value = facts.of_chat(field)[rank]
        return Case(
            {"drift": {name: [str(value)]}}, _chat(lambda row: row.get(field, value) == value), None, "SALESLOFT"
        )

    CASES[f"drift_{name}"] = make


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
            and event.chats[0].get("meetingSource", source) == source
        ),
        None,
        "SALESLOFT DRIFT",
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
        lambda event: of(event) == owner and (told(event.start) or "") >= low and event.status == "BOOKED",
        {"user_guids[]": [guid], "start_time[gte]": [low], "status": ["booked"]},
    )


@pytest.fixture(scope="module")
def facts(world: World) -> Facts:
    return Facts(world)


def walks(answer: Asked) -> list[Made]:
    """The calls that walk Salesloft's list, not those that look events up."""
    return [call for call in answer.to("meetings") if call.params.get("sort_by") and call["sort_by"] == "start_time"]


QUERY = """query($filter: MeetingFilter, $after: String) { meetings(first: 500, after: $after, filter: $filter) {
  nodes { id } pageInfo { hasNextPage endCursor } sourceReports { source status message } } }"""


@pytest.mark.parametrize("name", CASES)
async def test_a_filter_gives_what_brute_force_does(gateway: Gateway, facts: Facts, name: str) -> None:
    wanted = CASES[name](facts)
    expected = [
        event.id
        for event in ordered(facts.events)
        if (wanted.canceled or event.status != "CANCELED") and wanted.keep(event)
    ]
    assert expected, "a case that matches nothing shows nothing"
    got: list[str] = []
    after = None
    for _ in range(20):
        answer = await gateway.ask(QUERY, filter=wanted.filter, after=after)
        page = answer.ok["meetings"]
        got_before = after is not None
        got += [node["id"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        statuses = {report["source"]: report["status"] for report in page["sourceReports"]}
        assert "FAILED" not in statuses.values()
        assert [source for source, status in statuses.items() if status == "SKIPPED"] == (wanted.skipped or "").split()
        if wanted.sent is None:
            assert walks(answer) == []
        elif not got_before:
            sent = {key: sorted(walks(answer)[0].params.get(key, [])) for key in wanted.sent}
            assert sent == wanted.sent
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert got == expected


@pytest.mark.parametrize(
    "condition",
    [
        *("ids", "sources", "status", "personIds", "personEmails", "ownerIds", "ownerEmails", "bookedByIds"),
        *("cadenceIds", "stepIds", "accountIds", "calendarEventIds", "iCalUids"),
    ],
)
async def test_an_empty_list_matches_nothing_and_costs_no_call(little: Gateway, condition: str) -> None:
    answer = await little.ask(
        "query($f: MeetingFilter) { meetings(filter: $f) { totalCount nodes { id } } }", f={condition: []}
    )
    assert answer.ok == {"meetings": {"totalCount": 0, "nodes": []}}
    assert answer.calls == []


@pytest.mark.parametrize(
    "filter_",
    [
        *(
            {"salesloft": {name: []}}
            for name in ("ids", "personId", "eventIds", "taskIds", "userGuids", "meetingTypeId")
        ),
        *({"drift": {name: []}} for name in ("status", "meetingSource", "agentIds", "bookedByIds")),
    ],
    ids=json.dumps,
)
async def test_an_empty_list_in_a_vendors_filter_too(little: Gateway, filter_: dict[str, Any]) -> None:
    answer = await little.ask(
        "query($f: MeetingFilter) { meetings(filter: $f) { totalCount nodes { id } } }", f=filter_
    )
    assert answer.ok == {"meetings": {"totalCount": 0, "nodes": []}}
    assert answer.calls == []


async def test_a_null_condition_is_none(little: Gateway) -> None:
    kind = little.engine().schema.type_map["MeetingFilter"]
    assert isinstance(kind, GraphQLInputObjectType)
    names = list(kind.fields)
    nulls = dict.fromkeys(names)
    nulls |= {"salesloft": {"status": None, "ids": None}, "drift": {"status": None}}
    bare = await little.ask(QUERY, filter=None)
    answer = await little.ask(QUERY, filter=nulls)
    assert answer.ok["meetings"]["nodes"] == bare.ok["meetings"]["nodes"]
    assert answer.endpoints == bare.endpoints


async def test_a_scan_is_bounded_and_says_so(gateway: Gateway, facts: Facts) -> None:
    """Where nothing can be asked for, a page ends after five pages upstream, and the next one goes on from there."""
    row = max(facts.hub.meetings.values(), key=lambda row: row["updated_at"])
    answer = await gateway.ask(QUERY, filter={"updatedAt": {"gte": row["updated_at"]}, "sources": ["SALESLOFT"]})
    page = answer.ok["meetings"]
    assert len(answer.to("meetings")) <= 6
    assert page["pageInfo"]["hasNextPage"]
    assert page["pageInfo"]["endCursor"]
