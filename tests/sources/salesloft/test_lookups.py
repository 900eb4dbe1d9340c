"""Look-ups over the emulated Salesloft: what they find, and the calls they take."""

from __future__ import annotations

import pytest

from gateway.model.identity import derived_uid
from gateway.model.records import Kind, Meeting, MeetingStatus, Ref, Source, UserKey
from tests.sources.salesloft_stand import Stand, ref
from tests.sources.salesloft_stand import stand as stand  # a fixture


async def test_meetings_by_id_are_looked_for_among_the_cancelled_where_they_are_not_active(stand: Stand) -> None:
    active = [str(each["id"]) for each in stand.rows if not each["canceled_at"]][:120]
    gone = [str(each["id"]) for each in stand.rows if each["canceled_at"]][:3]

    found = await stand.listing.by_ids(stand.request(), [*active, *gone, "999999999", "no-number"])

    assert {row.source_id for row in found.rows} == {*active, *gone}
    calls = [params for _, params in stand.called()]
    assert [(params["show_deleted"], len(params["ids[]"])) for params in calls][-1] == (["true"], 4)
    assert sorted(len(params["ids[]"]) for params in calls[:-1]) == [24, 100]
    assert {params["per_page"][0] for params in calls} == {"100"}


async def test_active_meetings_by_id_are_one_call(stand: Stand) -> None:
    (identifier, *_) = [str(each["id"]) for each in stand.rows if not each["canceled_at"]]

    found = await stand.listing.by_ids(stand.request(), [identifier])

    assert [row.source_id for row in found.rows] == [identifier]
    assert len(stand.called()) == 1


async def test_the_same_events(stand: Stand) -> None:
    sent = list(stand.world.drift.meetings.values())
    meetings = [
        Meeting(source=Source.DRIFT, source_id=each["slug"], calendar_event_id=each.get("eventId")) for each in sent
    ]
    events = {each.calendar_event_id for each in meetings} - {None}
    uids = {derived_uid(event) for event in events if event} - {None}

    found = await stand.listing.same_events(stand.request(), meetings)

    expected = {str(each["id"]) for each in stand.rows if each["event_id"] in events or each["i_cal_uid"] in uids}
    assert {row.source_id for row in found.rows} == expected
    assert any(row.status is MeetingStatus.CANCELED for row in found.rows)
    assert found.incomplete is None
    calls = [params for _, params in stand.called()]
    for listing in ("false", "true"):
        asked = [params for params in calls if params["show_deleted"] == [listing]]
        assert sorted(each for params in asked for each in params.get("event_ids[]", [])) == sorted(
            filter(None, events)
        )
        assert sorted(each for params in asked for each in params.get("i_cal_uids[]", [])) == sorted(filter(None, uids))


async def test_events_without_a_key_cost_no_call(stand: Stand) -> None:
    found = await stand.listing.same_events(stand.request(), [Meeting(source=Source.DRIFT, source_id="s")])

    assert (found.rows, stand.called()) == ([], [])


async def test_people_by_id(stand: Stand) -> None:
    salesloft = stand.world.salesloft
    assert stand.ports.people is not None
    salesloft.hidden_people.add(hidden := next(iter(salesloft.people)))
    ids = [str(identifier) for identifier in salesloft.people]

    found = await stand.ports.people.by_ids(stand.request(), [*ids, "x", "-1"])

    assert {row.source_id for row in found.rows} == {*ids} - {str(hidden)} - set(map(str, salesloft.hidden_people))
    ((endpoint, params),) = stand.called()
    assert (endpoint, params["ids[]"], params["per_page"]) == ("people", sorted(ids), ["100"])


async def test_people_by_address_whatever_its_case(stand: Stand) -> None:
    assert stand.ports.people is not None
    shown = [
        each
        for identifier, each in stand.world.salesloft.people.items()
        if identifier not in stand.world.salesloft.hidden_people and each["email_address"]
    ]
    address = shown[0]["email_address"].strip().lower()

    found = await stand.ports.people.by_emails(stand.request(), [address, "nobody@nowhere.example"])

    assert str(shown[0]["id"]) in {row.source_id for row in found.rows}
    assert all(address in {each.strip().lower() for each in row.emails or ()} for row in found.rows)
    assert len(stand.called()) == 1


async def test_users_by_guid_and_by_id_hidden_ones_included(stand: Stand) -> None:
    users = stand.world.salesloft.users
    assert stand.ports.users is not None
    first, second, third, *_ = users.values()
    stand.world.salesloft.hidden_users.add(first["id"])
    refs = [
        ref(Kind.USER, first["guid"].upper(), UserKey.GUID),
        ref(Kind.USER, second["id"]),
        ref(Kind.USER, "no-number"),
        Ref(Source.DRIFT, Kind.USER, str(third["id"])),
    ]

    found = await stand.ports.users.by_refs(stand.request(), refs)

    assert {row.source_id for row in found.rows} == {str(first["id"]), str(second["id"])}
    asked = sorted(stand.called(), key=lambda call: sorted(call[1]))
    assert [(endpoint, params["visible_only"]) for endpoint, params in asked] == [("users", ["false"])] * 2
    assert [params.get("guid[]") or params.get("ids[]") for _, params in asked] == [
        [first["guid"]],
        [str(second["id"])],
    ]


async def test_the_team_comes_whole_in_one_call(stand: Stand) -> None:
    assert stand.ports.users is not None
    found = await stand.ports.users.all(stand.request())

    assert {row.source_id for row in found.rows} == {str(identifier) for identifier in stand.world.salesloft.users}
    ((endpoint, params),) = stand.called()
    assert (endpoint, params) == ("users", {"visible_only": ["false"]})


@pytest.mark.parametrize("kind", ["cadences", "steps", "accounts", "tasks"])
async def test_related_records_by_id(stand: Stand, kind: str) -> None:
    rows = getattr(stand.world.salesloft, kind)
    hidden = {str(each) for each in getattr(stand.world.salesloft, f"hidden_{kind}", ())}
    ids = [str(identifier) for identifier in rows][:60]

    found = await getattr(stand.ports, kind).by_ids(stand.request(), [*ids, "0x1"])

    assert {row.source_id for row in found.rows} == {*ids} - hidden
    assert found.problems == ()
    ((endpoint, params),) = stand.called()
    assert (endpoint, len(params["ids[]"])) == (kind, len(ids))
