"""The team as Salesloft knows it: users, cadences and their steps (Salesloft: User, Cadence, Step)."""

from datetime import datetime, timedelta
from random import Random
from uuid import UUID

from gateway.emulator import names
from gateway.emulator.calendar import before, eastern_text
from gateway.emulator.table import FIRST_ID, Row, chance, nth, stub

TEAM_ID = 104_779
GROUPS = ((31, "Enterprise"), (32, "Mid-market"), (39, "Project Kite"))
PRIVATE_GROUP = 39
_API = "https://api.salesloft.com/v2"
_STEP_TYPES = ("email", "phone", "integration", "other")
_STEP_WORDS = {"email": "Email", "phone": "Phone", "integration": "LinkedIn", "other": "Other"}


def team_row(now: datetime) -> Row:
    """Make the answer of `/v2/team`."""
    return {
        "id": TEAM_ID,
        "name": "Brightquay",
        "created_at": eastern_text(now - timedelta(days=1400)),
        "updated_at": eastern_text(now - timedelta(days=20)),
        "allow_automated_email_steps": True,
        "deactivated": False,
        "group_privacy_setting": "group",
        "license_limit": 50,
        "local_dial_enabled": True,
        "plan": "premier",
        "plan_features": {"meetings": True},
        "team_visibility_default": "all",
        "_private_fields": {},
    }


def users(rng: Random, now: datetime, count: int) -> list[Row]:
    """Make the users.

    The first is the token's own, the second has four different e-mail addresses, every thirteenth is in a private
    group.
    """
    rows = []
    for number, (first, last, mailbox) in enumerate(names.people_names(rng, count)):
        email = f"{mailbox}@{names.TEAM_DOMAIN}"
        created = before(rng, now - timedelta(days=400), days=900)
        row = _user(rng, number, name=(first, last), email=email, created=created)
        row["updated_at"] = eastern_text(before(rng, now, days=200))
        if number == 1:
            row["email"] = f"{mailbox}@login.{names.TEAM_DOMAIN}"
            row["email_client_email_address"] = email
            row["sending_email_address"] = f"{mailbox}@mail.{names.TEAM_DOMAIN}"
            row["from_address"] = f"sales+{mailbox}@{names.TEAM_DOMAIN}"
            row["bcc_email_address"] = f"bcc+{mailbox}@{names.TEAM_DOMAIN}"
        elif nth(number, 9, 4):
            row["email"] = email.title()
        rows.append(row)
    return rows


def _user(rng: Random, number: int, *, name: tuple[str, str], email: str, created: datetime) -> Row:
    first, last = name
    full = f"{first} {last}"
    key = FIRST_ID + number * 13
    group = None if nth(number, 4) else GROUPS[number % 2]
    if nth(number, 13, 11):
        group = GROUPS[2]
    place = names.PLACES[number % 5]
    return {
        "id": key,
        "guid": str(UUID(int=rng.getrandbits(128), version=4)),
        "created_at": eastern_text(created),
        "updated_at": eastern_text(created),
        "name": full,
        "first_name": first,
        "last_name": last,
        "job_role": ("Account Executive / Account Manager", "Sales Development Rep", "Sales Manager")[number % 3],
        "active": not nth(number, 14, 13),
        "time_zone": place[3],
        "locale_utc_offset": place[5],
        "slack_username": email.partition("@")[0] if number % 3 else None,
        "twitter_handle": f"@{email.partition('.')[0]}_bq" if nth(number, 8, 1) else None,
        "email": email,
        "email_client_email_address": email,
        "sending_email_address": email,
        "from_address": email if nth(number, 6, 3) else None,
        "full_email_address": f'"{full}" <{email}>',
        "bcc_email_address": None,
        "work_country": "US" if number % 5 else None,
        "seat_package": "admin" if number == 0 else "sales" if number % 3 else "prospect",
        "email_signature": f"<p>{full}</p>" if number % 2 else "",
        "email_signature_type": "html",
        "email_signature_click_tracking_disabled": False,
        "team_admin": number == 0,
        "local_dial_enabled": True,
        "click_to_call_enabled": nth(number, 2),
        "email_client_configured": True,
        "crm_connected": not nth(number, 7, 6),
        "external_feature_flags": {"ma_enabled": True, "hot_leads": True},
        "_private_fields": {},
        "phone_client": {"id": 7593 + number},
        "phone_number_assignment": stub("phone_number_assignments", 34_935 + number) if number % 2 else None,
        "group": group and stub("groups", group[0]),
        "team": {"_href": f"{_API}/team", "id": TEAM_ID},
        "role": {"id": "Admin" if number == 0 else "User" if number % 10 else "5f0c3d1e-8a55-4b1f-9d3c-2b7f6f1f0a11"},
    }


def cadences(rng: Random, now: datetime, count: int, owners: list[Row]) -> list[Row]:
    """Make the cadences; two pairs share a name, every ninth is archived."""
    rows = []
    for number in range(count):
        owner = owners[(number * 7) % len(owners)]
        theme = names.CADENCE_THEMES[number % len(names.CADENCE_THEMES)]
        created = before(rng, now - timedelta(days=60), days=500)
        updated = before(rng, now, days=50)
        archived = nth(number, 9, 8)
        wave = number // len(names.CADENCE_THEMES)
        rows.append(
            {
                "id": FIRST_ID + number * 13,
                "created_at": eastern_text(created),
                "updated_at": eastern_text(updated),
                "archived": archived,
                "archived_at": eastern_text(updated) if archived else None,
                "archived_by": stub("users", owner["id"]) if archived else None,
                "latest_active_date": f"{updated:%Y-%m-%d}" if number % 3 else None,
                "team_cadence": nth(number, 3),
                "shared": nth(number, 2),
                "remove_bounces_enabled": nth(number, 4),
                "remove_replies_enabled": True,
                "opt_out_link_included": True,
                "draft": nth(number, 20, 19),
                "current_state": "archived" if archived else "draft" if nth(number, 20, 19) else "active",
                "override_contact_restrictions": nth(number, 2) if nth(number, 5) else None,
                "cadence_framework_id": 400 + number if nth(number, 6) else None,
                "cadence_function": ("outbound", "inbound", "event", "other")[number % 4],
                "name": theme if wave <= 1 and nth(number, 5) else f"{theme} #{wave + 1}",
                "external_identifier": f"ext-{number}" if nth(number, 10) else None,
                "tags": ["opt-out", theme.split()[0].lower()][: number % 3],
                "knowledge_library_document_ids": [number, number + 1] if nth(number, 12) else [],
                "creator": stub("users", owner["id"]),
                "owner": stub("users", owner["id"]),
                "bounced_stage": stub("person_stages", 10_147),
                "replied_stage": stub("person_stages", 10_148),
                "added_stage": stub("person_stages", 10_148),
                "finished_stage": stub("person_stages", 10_149),
                "cadence_priority": {"_href": f"{_API}/cadence_priorities", "id": 3385},
                "groups": [stub("groups", GROUPS[number % 2][0])] if nth(number, 5, 1) else [],
                "counts": {
                    "cadence_people": None if nth(number, 11) else rng.randrange(200),
                    "people_acted_on_count": rng.randrange(150),
                    "target_daily_people": rng.randrange(30),
                    "opportunities_created": rng.randrange(12),
                    "meetings_booked": rng.randrange(40),
                },
            }
        )
    return rows


def steps(rng: Random, now: datetime, cadence_rows: list[Row]) -> list[Row]:
    """Make three to seven steps for each cadence."""
    rows: list[Row] = []
    for cadence in cadence_rows:
        day = 1
        for position in range(1, 3 + rng.randrange(5) + 1):
            kind = _STEP_TYPES[0 if position == 1 else rng.randrange(len(_STEP_TYPES))]
            key = FIRST_ID + len(rows) * 3
            created = before(rng, now - timedelta(days=60), days=300)
            rows.append(
                {
                    "id": key,
                    "created_at": eastern_text(created),
                    "updated_at": eastern_text(before(rng, now, days=50)),
                    "disabled": chance(rng, 0.05),
                    "type": kind,
                    "name": f"{cadence['name']}, {_STEP_WORDS[kind].lower()} {position}",
                    "display_name": f"Day {day}: Step {position} - {_STEP_WORDS[kind]}",
                    "day": day,
                    "step_number": position,
                    "multitouch_enabled": nth(position, 3),
                    "details": stub(f"action_details/{kind}_details", key),
                    "cadence": stub("cadences", cadence["id"]),
                }
            )
            day += rng.randrange(3)
    return rows
