"""Bad input: refused with the argument's name, before anything is called."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.graph.oracle import global_id
from tests.world import Gateway

MEETING = global_id("Meeting", "SALESLOFT", 1)
PERSON = global_id("Person", "SALESLOFT", 1)
MANY = ", ".join(f'"{global_id("Meeting", "SALESLOFT", number)}"' for number in range(101))
CURSOR = base64.urlsafe_b64encode(b'[1,"s",1,"SALESLOFT","1",null]').decode().rstrip("=")
CREATED = base64.urlsafe_b64encode(b'[1,"c",1,"SALESLOFT","1",null]').decode().rstrip("=")
OLD = base64.urlsafe_b64encode(b'[0,"s",1,"SALESLOFT","1",null]').decode().rstrip("=")
NOWHERE = base64.urlsafe_b64encode(b'[1,"s",1,"ELSEWHERE","1",null]').decode().rstrip("=")


def meetings(arguments: str) -> str:
    return "{ meetings(%s) { nodes { id } } }" % arguments


def filtered(conditions: str) -> str:
    return meetings("filter: {%s}" % conditions)


TABLE = [
    # ids
    ('{ node(id: "nonsense") { id } }', "id"),
    ('{ node(id: "") { id } }', "id"),
    ('{ node(id: "%s") { id } }' % base64.b64encode(b"Meeting:SALESLOFT:").decode(), "id"),
    ('{ node(id: "%s") { id } }' % base64.b64encode(b"Meeting:NOBODY:1").decode(), "id"),
    ('{ node(id: "%s") { id } }' % base64.b64encode(b"Thing:SALESLOFT:1").decode(), "id"),
    ('{ node(id: "%s") { id } }' % ("A" * 2000), "id"),
    ("{ nodes(ids: [%s]) { id } }" % MANY, "ids"),
    ('{ meeting(by: {id: "%s"}) { id } }' % PERSON, "by.id"),
    ('{ meeting(by: {salesloftId: "12x"}) { id } }', "by.salesloftId"),
    ('{ meeting(by: {driftSlug: ""}) { id } }', "by.driftSlug"),
    ('{ meeting(by: {calendarEventId: " "}) { id } }', "by.calendarEventId"),
    ('{ person(by: {email: "nobody"}) { id } }', "by.email"),
    ('{ person(by: {driftId: "-5"}) { id } }', "by.driftId"),
    ('{ person(by: {crmId: ""}) { id } }', "by.crmId"),
    ('{ user(by: {guid: ""}) { id } }', "by.guid"),
    ('{ user(by: {guid: "nobody"}) { id } }', "by.guid"),
    ('{ user(by: {id: "%s"}) { id } }' % PERSON, "by.id"),
    ('{ cadence(by: {salesloftId: "99999999999999999999"}) { id } }', "by.salesloftId"),
    ('{ account(by: {domain: ""}) { id } }', "by.domain"),
    ('{ step(by: {salesloftId: "one"}) { id } }', "by.salesloftId"),
    # calendar days and searches
    (filtered('days: {from: "2026-03-02", to: "2026-03-01", timeZone: "UTC"}'), "filter.days"),
    (filtered('days: {from: "2026-03-32", to: "2026-03-01", timeZone: "UTC"}'), "filter.days.from"),
    (filtered('days: {from: "2026-03-01", to: "20260301", timeZone: "UTC"}'), "filter.days.to"),
    (filtered('days: {from: "2026-03-01", to: "2026-03-01", timeZone: "Europe/Berln"}'), "filter.days.timeZone"),
    (filtered('days: {from: "0001-01-01", to: "9999-12-31", timeZone: "UTC"}'), "filter.days"),
    (filtered('overlaps: {gte: "2026-03-02T00:00:00Z", lt: "2026-03-01T00:00:00Z"}'), "filter.overlaps"),
    (filtered("allDay: true"), "filter.allDay"),
    (filtered('titleContains: "x"'), "filter.titleContains"),
    (filtered('attendeeDomains: ["x.example"]'), "filter.attendeeDomains"),
    *(
        (
            filtered(f'attendeeDomains: ["x.example", "{odd}"], startTime: {{gte: "2026-03-02T00:00:00Z"}}'),
            "filter.attendeeDomains[1]",
        )
        for odd in (
            "",
            " ",
            "a@b.example",
            "@b.example",
            "b example",
            "https://b.example",
            "*.example",
            ".",
            "b.",
            "a..b",
        )
    ),
    (filtered('titleContains: " ", startTime: {gte: "2026-03-02T00:00:00Z"}'), "filter.titleContains"),
    (filtered('titleContains: "%s", startTime: {gte: "2026-03-02T00:00:00Z"}' % ("x" * 201)), "filter.titleContains"),
    # sizes
    (meetings("first: -1"), "first"),
    (meetings("first: 501"), "first"),
    (meetings("last: 501"), "last"),
    (meetings("first: 1, last: 1"), "last"),
    # cursors
    (meetings('after: "nonsense"'), "after"),
    (meetings('before: "!!!"'), "before"),
    (meetings(f'after: "{CREATED}"'), "after"),
    (meetings(f'after: "{OLD}"'), "after"),
    (meetings(f'after: "{NOWHERE}"'), "after"),
    (meetings(f'after: "{CURSOR}", orderBy: {{field: UPDATED_AT}}'), "after"),
    ('{ people(after: "%s") { nodes { id } } }' % CURSOR, "after"),
    ('{ users(after: "%s") { nodes { id } } }' % CURSOR, "after"),
    ('{ cadences(before: "x") { nodes { id } } }', "before"),
    ("{ accounts(first: 1, last: 1) { nodes { id } } }", "last"),
    ("{ users(first: 501) { nodes { id } } }", "first"),
    # filters of meetings
    (filtered('startTime: {gte: "yesterday"}'), "filter.startTime.gte"),
    (filtered('startTime: {lt: "2026-03-01"}'), "filter.startTime.lt"),
    (filtered('startTime: {lte: "2026-03-01T00:00:00"}'), "filter.startTime.lte"),
    (filtered('createdAt: {gt: "2026-13-01T00:00:00Z"}'), "filter.createdAt.gt"),
    (filtered('updatedAt: {gte: "2026-03-02T00:00:00Z", lte: "2026-03-01T00:00:00Z"}'), "filter.updatedAt"),
    (filtered('endTime: {gte: "2026-03-01T00:00:00Z"}'), "filter.endTime"),
    (filtered('attendeeEmails: ["a@b.example"]'), "filter.attendeeEmails"),
    (filtered("ids: [%s]" % MANY), "filter.ids"),
    (filtered('ids: ["%s", "nonsense"]' % MEETING), "filter.ids[1]"),
    (filtered('personIds: ["%s"]' % MEETING), "filter.personIds[0]"),
    (filtered('ownerIds: ["%s"]' % PERSON), "filter.ownerIds[0]"),
    (filtered('bookedByIds: ["x"]'), "filter.bookedByIds[0]"),
    (filtered('cadenceIds: ["x"]'), "filter.cadenceIds[0]"),
    (filtered('stepIds: ["x"]'), "filter.stepIds[0]"),
    (filtered('accountIds: ["x"]'), "filter.accountIds[0]"),
    (filtered('personEmails: ["nobody"]'), "filter.personEmails[0]"),
    (filtered('ownerEmails: [""]'), "filter.ownerEmails[0]"),
    (filtered('calendarEventIds: [""]'), "filter.calendarEventIds[0]"),
    (filtered('iCalUids: ["\\n"]'), "filter.iCalUids[0]"),
    (filtered("salesloft: {ids: [1, abc]}".replace("abc", '"abc"')), "filter.salesloft.ids[1]"),
    (filtered('salesloft: {status: "held"}'), "filter.salesloft.status"),
    (filtered('salesloft: {personId: ["x"]}'), "filter.salesloft.personId[0]"),
    (filtered('salesloft: {cadenceId: ""}'), "filter.salesloft.cadenceId"),
    (filtered('salesloft: {stepId: "x"}'), "filter.salesloft.stepId"),
    (filtered('salesloft: {meetingTypeId: ["other_word"]}'), "filter.salesloft.meetingTypeId[0]"),
    (filtered('salesloft: {startTime: {gte: "now"}}'), "filter.salesloft.startTime.gte"),
    (filtered('salesloft: {bookedByUserUuid: ""}'), "filter.salesloft.bookedByUserUuid"),
    (filtered('drift: {agentIds: ["x"]}'), "filter.drift.agentIds[0]"),
    (filtered('drift: {status: [""]}'), "filter.drift.status[0]"),
    # filters of the other lists
    ('{ people(filter: {salesloftIds: ["x"]}) { nodes { id } } }', "filter.salesloftIds[0]"),
    ('{ people(filter: {emails: ["x"]}) { nodes { id } } }', "filter.emails[0]"),
    ('{ people(filter: {createdAt: {gt: "x"}}) { nodes { id } } }', "filter.createdAt.gt"),
    ('{ users(filter: {ids: ["x"]}) { nodes { id } } }', "filter.ids[0]"),
    ('{ users(filter: {search: "%s"}) { nodes { id } } }' % ("word " * 60), "filter.search"),
    ('{ cadences(filter: {name: ""}) { nodes { id } } }', "filter.name"),
    ('{ accounts(filter: {domains: [""]}) { nodes { id } } }', "filter.domains[0]"),
    # under a record
    ('{ nodes(ids: ["nonsense"]) { id } }', "ids[0]"),
    ('{ nodes(ids: ["%s"]) { id } }' % global_id("Meeting", "SALESLOFT", "no-number"), "ids[0]"),
]


@pytest.mark.sampled(3)
@pytest.mark.parametrize(("query", "argument"), TABLE, ids=[f"{place}-{name}" for place, (_, name) in enumerate(TABLE)])
async def test_bad_input_is_named_and_costs_no_call(little: Gateway, query: str, argument: str) -> None:
    answer = await little.ask(query)
    assert answer.codes == ["BAD_USER_INPUT"]
    (error,) = answer.errors
    assert error["extensions"]["argument"] == argument
    assert argument in error["message"]
    assert "Traceback" not in error["message"]
    assert answer.calls == []


@pytest.mark.parametrize("variables", [{"range": {"gte": "soon"}}, {"range": {"gte": "2026-03-01T25:00:00Z"}}])
async def test_bad_input_in_variables_is_named_too(little: Gateway, variables: dict[str, Any]) -> None:
    query = "query($range: DateTimeRange) { meetings(filter: {startTime: $range}) { nodes { id } } }"
    answer = await little.ask(query, **variables)
    assert [error["extensions"] for error in answer.errors] == [
        {"code": "BAD_USER_INPUT", "argument": "filter.startTime.gte"}
    ]
    assert answer.calls == []


async def test_under_a_record_bad_input_leaves_the_record(little: Gateway) -> None:
    key = next(iter(little.world.salesloft.cadences))
    answer = await little.ask(
        '{ cadence(by: {salesloftId: "%s"}) { id meetings(first: 600) { nodes { id } } } }' % key,
    )
    assert answer.data["cadence"] == {"id": global_id("Cadence", "SALESLOFT", key), "meetings": None}
    assert [(error["extensions"]["code"], error["extensions"]["argument"]) for error in answer.errors] == [
        ("BAD_USER_INPUT", "first")
    ]


@pytest.mark.parametrize(
    "query",
    [
        '{ node(id: "%s") { id } }' % global_id("Meeting", "SALESLOFT", 999_999_999),
        '{ node(id: "%s") { id } }' % global_id("Meeting", "DRIFT", "no-such-slug"),
        '{ node(id: "%s") { id } }' % global_id("Person", "DRIFT", 1),
        '{ node(id: "%s") { id } }' % global_id("Conversation", "DRIFT", 1),
        '{ node(id: "%s") { id } }' % global_id("Task", "SALESLOFT", 1),
        '{ person(by: {crmId: "nobody"}) { id } }',
        '{ person(by: {email: "nobody@nowhere.example"}) { id } }',
        '{ user(by: {guid: "0b1e5a1c-9c1d-4c39-9d0e-5b2c6a7f8e90"}) { id } }',
        '{ account(by: {domain: "nowhere.example"}) { id } }',
        '{ step(by: {salesloftId: "1"}) { id } }',
        '{ meeting(by: {calendarEventId: "nothing"}) { id } }',
    ],
)
async def test_what_does_not_exist_is_null_without_an_error(little: Gateway, query: str) -> None:
    answer = await little.ask(query)
    assert answer.errors == []
    assert list(answer.data.values()) == [None]


async def test_each_element_of_nodes_stands_for_itself(little: Gateway) -> None:
    key = next(iter(little.world.salesloft.cadences))
    good = global_id("Cadence", "SALESLOFT", key)
    answer = await little.ask("query($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids=[good, "bad", PERSON, good])
    assert answer.data == {"nodes": [{"id": good}, None, None, {"id": good}]}
    assert [(error["path"], error["extensions"]["argument"]) for error in answer.errors] == [(["nodes", 1], "ids[1]")]
