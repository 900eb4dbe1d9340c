"""What the upstream of the benchmarks holds: a team's meetings in Salesloft's shapes, the same on every run."""

from __future__ import annotations

import datetime as dt
from typing import Any, TypeAlias

Row: TypeAlias = dict[str, Any]

MEETINGS, PEOPLE, USERS, CADENCES, ACCOUNTS = 6_000, 6_000, 20, 12, 60
"""As many people as meetings: two pages that do not overlap have nobody in common."""
EPOCH = dt.datetime(2026, 1, 5, 9, tzinfo=dt.UTC)
FIRST = ("Ada", "Ben", "Cleo", "Dan", "Eve", "Finn", "Gus", "Hana", "Ida", "Jon")
LAST = ("Alder", "Birch", "Cedar", "Elm", "Fir", "Oak", "Pine")
ANSWERS = ("accepted", "needsAction", "declined")


def told(moment: dt.datetime) -> str:
    """An instant as Salesloft writes it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def name_of(number: int) -> tuple[str, str]:
    """A first and a last name."""
    return FIRST[number % len(FIRST)], LAST[number % len(LAST)]


def guid(user: int) -> str:
    """What meetings know a user by."""
    return f"00000000-0000-4000-8000-{user:012d}"


def stub(kind: str, key: int | str) -> Row:
    """A reference to another record."""
    return {"_href": f"https://vendor.example/v2/{kind}/{key}", "id": key}


def person(number: int) -> Row:
    """A row of List people."""
    first, last = name_of(number)
    absent = (
        "last_contacted_at last_replied_at secondary_email_address personal_email_address phone phone_extension "
        "home_phone linkedin_url country work_city work_state work_country crm_url crm_id crm_object_type owner_crm_id "
        "person_company_industry personal_website twitter_handle last_contacted_type last_contacted_by "
        "last_completed_step_cadence last_completed_step"
    )
    return {
        "id": number,
        "created_at": told(EPOCH),
        "updated_at": told(EPOCH),
        "first_name": first,
        "last_name": last,
        "display_name": f"{first} {last}",
        "email_address": f"p{number}@customer.example",
        "full_email_address": f'"{first} {last}" <p{number}@customer.example>',
        "mobile_phone": "15550100",
        "title": "Manager",
        "city": "Springfield",
        "state": "CA",
        "person_company_name": f"Company {number % ACCOUNTS}",
        "person_company_website": "https://customer.example",
        "do_not_contact": False,
        "bouncing": False,
        "locale": "US/Pacific",
        "locale_utc_offset": -420,
        "eu_resident": False,
        "job_seniority": "manager",
        "custom_fields": {},
        "tags": [],
        "contact_restrictions": [],
        "success_count": 0,
        "starred": False,
        "untouched": False,
        "counts": dict.fromkeys(("emails_sent", "emails_viewed", "emails_clicked", "emails_replied_to", "calls"), 0),
        "account": stub("accounts", 1 + number % ACCOUNTS),
        "owner": stub("users", 1 + number % USERS),
        "person_stage": stub("person_stages", 10),
        "most_recent_cadence": stub("cadences", 1 + number % CADENCES),
        "cadences": [stub("cadences", 1 + number % CADENCES)],
        **dict.fromkeys(absent.split()),
    }


def user(number: int) -> Row:
    """A row of List users."""
    first, last = name_of(number)
    email = f"u{number}@vendor.example"
    return {
        "id": number,
        "guid": guid(number),
        "created_at": told(EPOCH),
        "updated_at": told(EPOCH),
        "name": f"{first} {last}",
        "first_name": first,
        "last_name": last,
        "job_role": "Account Executive",
        "active": True,
        "time_zone": "US/Eastern",
        "locale_utc_offset": -240,
        "slack_username": None,
        "email": email,
        "email_client_email_address": email,
        "sending_email_address": email,
        "full_email_address": f'"{first} {last}" <{email}>',
        "seat_package": "admin",
        "email_signature": "",
        "email_signature_type": "html",
        "team_admin": True,
        "crm_connected": True,
        "external_feature_flags": {},
        "_private_fields": {},
        "phone_client": {"id": 7_593},
        "group": None,
        "team": stub("team", 104_779),
        "role": {"id": "Admin"},
    }


def cadence(number: int) -> Row:
    """A row of List cadences."""
    return {
        "id": number,
        "created_at": told(EPOCH),
        "updated_at": told(EPOCH),
        "archived_at": None,
        "team_cadence": number % 2 == 0,
        "shared": True,
        "draft": False,
        "cadence_function": "event",
        "name": f"Cadence {number}",
        "tags": [],
        "creator": stub("users", 1 + number % USERS),
        "owner": stub("users", 1 + number % USERS),
        "groups": [],
        "counts": {"cadence_people": 11, "people_acted_on_count": 0, "meetings_booked": 0},
    }


def account(number: int) -> Row:
    """A row of List accounts."""
    return {
        "id": number,
        "created_at": told(EPOCH),
        "updated_at": told(EPOCH),
        "name": f"Company {number}",
        "domain": f"company{number}.example",
        "owner": stub("users", 1 + number % USERS),
        "custom_fields": {},
        "tags": [],
    }


def meeting(number: int) -> Row:
    """A row of List meetings; each starts an hour after the one before."""
    start = EPOCH + dt.timedelta(hours=number)
    absent = "account_id meeting_type crm_references canceled_at crm_custom_fields reschedule_status step"
    attendees = [
        {
            "email": f"a{number}_{place}@customer.example",
            "name": f"{FIRST[(number + place) % len(FIRST)]} {LAST[place % len(LAST)]}",
            "organizer": place == 0,
            "status": ANSWERS[place % len(ANSWERS)],
            "status_changed": False,
            "deleted_at": None,
        }
        for place in range(2 + number % 3)
    ]
    who = 1 + number * 7_919 % PEOPLE
    return {
        "id": number,
        "title": f"Meeting {number}",
        "start_time": told(start),
        "end_time": told(start + dt.timedelta(minutes=30)),
        "calendar_id": "rep@vendor.example",
        "calendar_type": "gmail",
        "recipient_name": " ".join(name_of(who)),
        "recipient_email": f"p{who}@customer.example",
        "location": "",
        "description": "",
        "event_id": f"event{number}",
        "task_id": 123_599 + number,
        "created_at": told(EPOCH + dt.timedelta(minutes=number)),
        "updated_at": told(EPOCH + dt.timedelta(minutes=number)),
        "guests": [],
        "event_source": "internal",
        "all_day": False,
        "no_show": False,
        "strict_attribution": False,
        "i_cal_uid": f"event{number}@calendar.example",
        "status": "booked",
        "attendees": attendees,
        "person": stub("people", who),
        "cadence": stub("cadences", 1 + number * 17 % CADENCES),
        "booked_by_user": stub("users", guid(1 + number * 31 % 8)),
        "owned_by_user": stub("users", guid(1 + number * 31 % 8)),
        **dict.fromkeys(absent.split()),
    }


def chat_meeting(number: int, count: int) -> Row:
    """One of so many meetings of Drift's, spread over the time of Salesloft's; no event is in both."""
    start = EPOCH + dt.timedelta(hours=MEETINGS) * number / count
    began = int(start.timestamp()) * 1_000
    return {
        "slug": f"slug-{number}",
        "agentId": 1 + number % USERS,
        "orgId": 1,
        "status": "ACTIVE",
        "meetingSource": "ZOOM_IN_CHAT",
        "schedulerId": 1_000 + number,
        "eventId": f"chat{number}",
        "slotStart": began,
        "slotEnd": began + 1_800_000,
        "updatedAt": began,
        "scheduledAt": began,
        "meetingType": "New Meeting",
        "endUserTimeZone": "America/New_York",
    }


def chat_user(number: int) -> Row:
    """One of Drift's users: the same people."""
    return {"id": number, "orgId": 1, "name": " ".join(name_of(number)), "email": f"u{number}@vendor.example"}


def tables(team: int = USERS, chats: int = 0) -> dict[str, list[Row]]:
    """Every list by its name, oldest first, of a team of so many, and so many meetings of Drift's."""
    return {
        "org": [chat_meeting(number, chats) for number in range(1, chats + 1)],
        "list": [chat_user(number) for number in range(1, USERS + 1)],
        "meetings": [meeting(number) for number in range(1, MEETINGS + 1)],
        "people": [person(number) for number in range(1, PEOPLE + 1)],
        "users": [user(number) for number in range(1, team + 1)],
        "cadences": [cadence(number) for number in range(1, CADENCES + 1)],
        "accounts": [account(number) for number in range(1, ACCOUNTS + 1)],
    }
