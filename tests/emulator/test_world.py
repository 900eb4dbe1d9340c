"""The seeded world: what a sales team's year has to hold, and that it is the same for the same seed and moment."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from gateway.emulator.calendar import EASTERN, instant, of_millis, utc_text
from gateway.emulator.table import Table
from gateway.emulator.world import World

NOW = datetime(2026, 3, 18, 15, 20, tzinfo=UTC)
Row = dict[str, Any]


def dump(world: World) -> bytes:
    tables = [
        table.data
        for side in (world.salesloft, world.drift)
        for table in vars(side).values()
        if isinstance(table, Table)
    ]
    return msgspec.json.encode(tables)


@pytest.fixture(scope="module")
def meetings(world: World) -> list[Row]:
    return list(world.salesloft.meetings.values())


@pytest.fixture(scope="module")
def bookings(world: World) -> list[Row]:
    return list(world.drift.meetings.values())


@pytest.fixture(scope="module")
def by_event(meetings: list[Row]) -> dict[str, list[Row]]:
    rows: dict[str, list[Row]] = {}
    for row in meetings:
        if row["event_id"]:
            rows.setdefault(row["event_id"], []).append(row)
    return rows


@pytest.fixture(scope="module")
def pairs(bookings: list[Row], by_event: dict[str, list[Row]]) -> list[tuple[Row, list[Row]]]:
    """Drift's rows with Salesloft's rows of the same calendar event id."""
    return [(row, by_event[row["eventId"]]) for row in bookings if row.get("eventId") in by_event]


def test_same_seed_and_moment_same_world(world: World) -> None:
    assert dump(World.seeded(NOW)) == dump(world)
    assert dump(World.seeded(NOW + timedelta(seconds=30))) == dump(world)


def test_other_seed_other_world(world: World) -> None:
    assert dump(World.seeded(NOW, 8)) != dump(world)


def test_sizes(world: World) -> None:
    hub, chat = world.salesloft, world.drift
    assert (len(hub.users), len(hub.people), len(hub.cadences), len(hub.accounts)) == (40, 2000, 60, 300)
    assert (len(hub.meetings), len(chat.meetings)) == (5000, 800)
    assert len(hub.steps) > 180
    assert len(hub.tasks) == 1200


@pytest.mark.parametrize("size", [0, 1, 37, 2500])
def test_any_size_can_be_had(size: int) -> None:
    world = World.seeded(
        NOW, users=2, accounts=1, people=2, cadences=1, tasks=size, salesloft_meetings=size, drift_meetings=size
    )
    assert (len(world.salesloft.tasks), len(world.salesloft.meetings), len(world.drift.meetings)) == (size, size, size)


def test_names_are_fictional_and_addresses_reserved(world: World) -> None:
    text = dump(world).decode()
    domains = {part.partition('"')[0].partition(">")[0].strip().rstrip("\\").lower() for part in text.split("@")[1:]}
    real = {domain for domain in domains if not domain.endswith(".example") and "." in domain}
    assert real == {"google.com"}  # the tail of a Google event's UID


def test_people_and_titles_are_not_all_ascii(world: World, meetings: list[Row]) -> None:
    assert sum(not row["title"].isascii() for row in meetings) > 500
    assert sum(not row["display_name"].isascii() for row in world.salesloft.people.values()) > 200


def test_meetings_span_a_year(meetings: list[Row], bookings: list[Row]) -> None:
    starts = [instant(row["start_time"]) for row in meetings if row["start_time"]]
    assert min(starts) < NOW - timedelta(days=260)
    assert NOW + timedelta(days=85) < max(starts) < NOW + timedelta(days=96)
    slots = [of_millis(row["slotStart"]) for row in bookings]
    near = [slot for slot in slots if slot >= NOW - timedelta(days=30)]
    assert len(near) > 600
    assert len(slots) - len(near) > 50
    assert max(slots) < NOW + timedelta(days=96)


def test_every_working_day_ahead_has_meetings(meetings: list[Row]) -> None:
    days = {instant(row["start_time"]).date() for row in meetings if row["start_time"]}
    week = [(NOW + timedelta(days=n)).date() for n in range(1, 60)]
    assert {day for day in week if day.weekday() < 5} <= days


def test_times_are_written_as_each_vendor_does(world: World) -> None:
    offsets = Counter(row["created_at"][-6:] for row in world.salesloft.people.values())
    assert set(offsets) == {"-05:00", "-04:00"}
    for row in world.salesloft.people.values():
        moment = datetime.fromisoformat(row["updated_at"])
        assert moment.astimezone(EASTERN).isoformat(timespec="microseconds") == row["updated_at"]
    for row in world.salesloft.meetings.values():
        assert row["created_at"] == utc_text(instant(row["created_at"]))


def test_ties_and_microseconds(meetings: list[Row]) -> None:
    starts = Counter(row["start_time"] for row in meetings if row["start_time"])
    assert starts.most_common(1)[0][1] > 100  # more than a page of one instant
    assert sum(count > 1 for count in starts.values()) > 300
    assert {500_000, 500_001, 500_002, 499_999} == {instant(start).microsecond for start in starts} - {0}
    assert Counter(row["created_at"] for row in meetings).most_common(1)[0][1] > 5


def test_rows_without_a_start_or_an_event(meetings: list[Row]) -> None:
    assert 3 < sum(row["start_time"] is None for row in meetings) < 20
    unbooked = [row for row in meetings if row["event_id"] is None]
    assert {row["status"] for row in unbooked} == {"pending", "retry", "failed"}


def test_cancellations_and_no_shows(meetings: list[Row]) -> None:
    assert sum(row["canceled_at"] is not None for row in meetings) > 300
    missed = [row for row in meetings if row["no_show"]]
    assert len(missed) > 100
    assert all(instant(row["start_time"]) < NOW for row in missed if row["start_time"])
    assert any(row["canceled_at"] for row in missed)


def test_series_share_one_uid(meetings: list[Row]) -> None:
    uids = Counter(row["i_cal_uid"] for row in meetings if row["i_cal_uid"])
    assert sum(count >= 8 for count in uids.values()) >= 40
    masters = [row for row in meetings if row.get("recurrence")]
    assert masters
    assert all(row["recurring_interval"] in {"Weekly", "Monthly"} for row in masters)


def test_all_day_meetings_last_from_midnight_to_midnight(meetings: list[Row]) -> None:
    days = [row for row in meetings if row["all_day"]]
    assert len(days) > 20
    assert all(row["start_time"].endswith("T00:00:00.000000Z") for row in days)


def test_outlook_events(meetings: list[Row]) -> None:
    assert sum(str(row["event_id"]).startswith("AAMk") and len(row["event_id"]) > 100 for row in meetings) > 100


def test_old_rows_lack_the_newer_keys(meetings: list[Row]) -> None:
    edge = utc_text(NOW - timedelta(days=200))
    old = [row for row in meetings if row["start_time"] and row["start_time"] < edge]
    assert len(old) > 100
    assert all("owned_by_user" not in row for row in old if row["canceled_at"] is None)


def test_one_event_in_two_calendars(by_event: dict[str, list[Row]]) -> None:
    shared = [rows for rows in by_event.values() if len(rows) > 1]
    assert len(shared) > 40
    assert any(len({row["start_time"] for row in rows}) > 1 for rows in shared)


def test_twins_agree_or_were_moved_on_either_side(pairs: list[tuple[Row, list[Row]]]) -> None:
    moved = [(utc_text(of_millis(row["slotStart"])), {twin["start_time"] for twin in twins}) for row, twins in pairs]
    assert sum(start in starts for start, starts in moved) > 150
    elsewhere = [(start, starts) for start, starts in moved if start not in starts]
    assert sum(start > max(starts) for start, starts in elsewhere) > 10
    assert sum(start < min(starts) for start, starts in elsewhere) > 10


def test_twins_are_cancelled_on_one_side_or_both(pairs: list[tuple[Row, list[Row]]]) -> None:
    states = Counter((row["status"] == "CANCELED", twins[0]["canceled_at"] is not None) for row, twins in pairs)
    assert min(states[True, False], states[False, True], states[True, True]) > 8


def test_some_twins_share_only_uid_and_start(
    meetings: list[Row], bookings: list[Row], by_event: dict[str, list[Row]]
) -> None:
    starts: dict[str, set[str]] = {}
    for row in meetings:
        if row["i_cal_uid"] and row["start_time"]:
            starts.setdefault(row["i_cal_uid"], set()).add(row["start_time"])
    derived = [row for row in bookings if row.get("eventId") and row["eventId"] not in by_event]
    uids = {row["slug"]: row["eventId"].partition("_")[0] + "@google.com" for row in derived}
    same = [row for row in derived if utc_text(of_millis(row["slotStart"])) in starts.get(uids[row["slug"]], ())]
    uid_alone = [row for row in derived if uids[row["slug"]] in starts and row not in same]
    assert len(same) > 20
    assert any("_" in row["eventId"] for row in same)
    assert len(uid_alone) > 10  # a shared UID that is not the same event


def test_one_number_names_a_record_of_several_tables(world: World) -> None:
    """As in real accounts, where each table counts for itself."""
    hub, chat = world.salesloft, world.drift
    small = [set(table) for table in (hub.users, hub.cadences, hub.steps, hub.tasks, hub.meetings)]
    assert set.intersection(*small)
    assert set(hub.people) & set(hub.accounts)
    assert set(chat.contacts) & set(chat.conversations)


def test_one_event_in_two_drift_records(bookings: list[Row]) -> None:
    counts = Counter(row["eventId"] for row in bookings if "eventId" in row)
    assert sum(count > 1 for count in counts.values()) >= 3


def test_drift_rows_leave_out_what_they_lack(bookings: list[Row]) -> None:
    assert all(value is not None for row in bookings for value in row.values())
    for name in ("conversationId", "endUserTimeZone", "meetingNotes", "bookedBy", "eventId"):
        assert 0 < sum(name in row for row in bookings) < len(bookings)
    assert {row["status"] for row in bookings} == {"ACTIVE", "CANCELED", "CANCELLED", "RESCHEDULED"}


def test_e_mail_addresses_are_untidy(world: World) -> None:
    emails = [row["email_address"] for row in world.salesloft.people.values()]
    assert sum(email is None for email in emails) > 5
    assert sum(email is not None and email != email.strip() for email in emails) > 5
    assert sum(email is not None and email != email.lower() for email in emails) > 20
    assert sum(row["account"] is None for row in world.salesloft.people.values()) > 50


def test_an_owner_has_four_different_addresses(world: World) -> None:
    fields = ("email", "email_client_email_address", "sending_email_address", "from_address")
    assert any(
        None not in {row[f] for f in fields} and len({row[f] for f in fields}) == 4
        for row in world.salesloft.users.values()
    )


def test_contacts_meet_people_by_any_address(world: World) -> None:
    primary = {str(row["email_address"]).strip().lower() for row in world.salesloft.people.values()}
    other = {
        row[name].lower()
        for row in world.salesloft.people.values()
        for name in ("secondary_email_address", "personal_email_address")
        if row[name]
    }
    emails = [str(row["attributes"].get("email", "")).strip().lower() for row in world.drift.contacts.values()]
    assert sum(email in primary for email in emails) > 200
    assert sum(email in other - primary for email in emails) > 5
    assert sum(email not in primary | other and email != "" for email in emails) > 100
    assert emails.count("") > 20
    assert max(Counter(email for email in emails if email).values()) > 1


def test_drift_users_meet_the_team_by_another_address(world: World) -> None:
    emails = {str(row.get("email", "")).lower() for row in world.drift.users.values()}
    login = {row["email"].lower() for row in world.salesloft.users.values()}
    assert any(
        row["from_address"] and row["from_address"].lower() in emails - login for row in world.salesloft.users.values()
    )
    assert any(row["bot"] for row in world.drift.users.values())


def test_some_ids_do_not_fit_32_bits(world: World) -> None:
    assert min(world.salesloft.people) < 2**31 < max(world.salesloft.people)
    assert min(world.drift.contacts) > 2**31


def test_stubs_lead_somewhere(world: World, meetings: list[Row]) -> None:
    hub = world.salesloft
    guids = {row["guid"] for row in hub.users.values()}
    for row in meetings:
        assert row["person"]["id"] in hub.people
        assert row["cadence"] is None or row["cadence"]["id"] in hub.cadences
        assert row["step"] is None or hub.steps[row["step"]["id"]]["cadence"]["id"] == row["cadence"]["id"]
        assert row["account_id"] is None or row["account_id"] in hub.accounts
        assert row["task_id"] is None or row["task_id"] in hub.tasks
        for name in ("owned_by_user", "booked_by_user"):
            assert not row.get(name) or row[name]["id"] in guids


def test_some_of_drifts_references_lead_nowhere(world: World, bookings: list[Row]) -> None:
    chat = world.drift
    lost = [row for row in bookings if row["schedulerId"] not in chat.contacts]
    assert 0 < len(lost) < 40
    gone = [row for row in bookings if "conversationId" in row and row["conversationId"] not in chat.conversations]
    assert 0 < len(gone) < 40
