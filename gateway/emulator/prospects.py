"""Whom the team sells to, as Salesloft knows them: accounts, people, tasks (Salesloft: Account, Person, Task)."""

from datetime import datetime, timedelta
from random import Random

from gateway.emulator import names
from gateway.emulator.calendar import before, eastern_text
from gateway.emulator.table import FIRST_ID, FIRST_LARGE_ID, Row, nth, stub

_LINKEDIN = "https://linkedin.example"

_DETAILS = (
    "conversational_name",
    "description",
    "phone",
    "website",
    "linkedin_url",
    "twitter_handle",
    "street",
    "city",
    "state",
    "postal_code",
    "country",
    "locale",
    "industry",
    "company_type",
    "founded",
    "revenue_range",
    "size",
    "crm_id",
    "crm_url",
    "owner_crm_id",
    "last_contacted_at",
    "last_contacted_type",
    "last_contacted_by",
    "last_contacted_person",
    "company_stage",
    "account_tier",
    "prospector_engagement_level",
    "prospector_engagement_score",
)
"""What an account may lack."""


def accounts(rng: Random, now: datetime, count: int, owners: list[Row]) -> list[Row]:
    """Make the accounts: every third in the CRM, every seventeenth archived, every tenth almost empty."""
    rows = []
    for number, (name, domain, industry) in enumerate(names.company_names(rng, count)):
        owner = owners[(number * 11) % len(owners)]
        created = before(rng, now - timedelta(days=30), days=700)
        updated = before(rng, now, days=90)
        row = _bare_account(number, name, domain, owner)
        row["created_at"] = eastern_text(created)
        row["updated_at"] = eastern_text(updated)
        row["archived_at"] = eastern_text(updated) if nth(number, 17, 16) else None
        if number % 10:
            row.update(_account_details(rng, number, row, industry, updated=updated, owner=owner))
        rows.append(row)
    return rows


def _bare_account(number: int, name: str, domain: str, owner: Row) -> Row:
    return {
        "id": FIRST_LARGE_ID + number * 11,
        "name": name,
        "domain": domain,
        **dict.fromkeys(_DETAILS),
        "crm_object_type": "account",
        "do_not_contact": nth(number, 29, 28),
        "custom_fields": {},
        "user_relationships": [],
        "tags": [],
        "counts": {"people": 0},
        "owner": stub("users", owner["id"]) if number % 23 else None,
        "creator": stub("users", owner["id"]),
    }


def _account_details(rng: Random, number: int, row: Row, industry: str, *, updated: datetime, owner: Row) -> Row:
    name, domain = str(row["name"]), str(row["domain"])
    city, state, country, zone, _, _ = names.PLACES[number % len(names.PLACES)]
    crm_id = f"001Qy{number:010d}AAQ" if nth(number, 3, 1) else None
    return {
        "conversational_name": name.partition(" ")[0],
        "description": f"{industry} company out of {city}",
        "phone": f"+1555{number:07d}",
        "website": f"https://www.{domain}",
        "linkedin_url": f"{_LINKEDIN}/company/{domain.removesuffix('.example')}",
        "twitter_handle": f"@{domain.partition('-')[0]}" if nth(number, 4, 1) else None,
        "street": f"{number + 1} Harbour Street",
        "city": city,
        "state": state,
        "postal_code": f"{10_000 + number}",
        "country": country,
        "locale": zone,
        "industry": industry,
        "company_type": ("Private", "Public", "Non-profit")[number % 3],
        "founded": str(1950 + number % 70),
        "revenue_range": f"{number % 9 + 1}0M-{number % 9 + 2}0M",
        "size": str(rng.randrange(10, 9000)),
        "crm_id": crm_id,
        "crm_url": f"https://crm.example/{crm_id}" if crm_id else None,
        "owner_crm_id": f"005Qy{owner['id']:010d}AAQ" if crm_id else None,
        "last_contacted_at": eastern_text(updated) if number % 2 else None,
        "last_contacted_type": ("email", "call", "other")[number % 3] if number % 2 else None,
        "last_contacted_by": stub("users", owner["id"]) if number % 2 else None,
        "custom_fields": {"Region": ("EMEA", "AMER", "APAC")[number % 3], "Seats": number * 5},
        "user_relationships": [{"name": "CSM", "value": owner["guid"]}] if nth(number, 6, 1) else [],
        "tags": ["target", industry.lower()][: number % 3],
        "company_stage": stub("account_stages", 900 + number % 4),
        "account_tier": stub("account_tiers", 70 + number % 3) if number % 2 else None,
        "prospector_engagement_level": ("low", "medium", "high")[number % 3] if nth(number, 5, 1) else None,
        "prospector_engagement_score": number % 100 if nth(number, 5, 1) else None,
    }


def people(
    rng: Random, now: datetime, count: int, *, owners: list[Row], companies: list[Row], cadences: list[Row]
) -> list[Row]:
    """Make the people.

    Every twentieth has no account, every 150th no e-mail address; some have three addresses, some addresses are in
    mixed case or have blanks around them, and a few are borne by two people.
    """
    rows: list[Row] = []
    for number, (first, last, mailbox) in enumerate(names.people_names(rng, count)):
        company = None if nth(number, 20, 19) else companies[rng.randrange(len(companies))]
        owner = owners[rng.randrange(len(owners))]
        row = _person(rng, number, first, last, company)
        _mail(row, number, mailbox, company["domain"] if company else names.MAIL_DOMAIN)
        _history(rng, row, number, now=now, owner=owner, cadence_rows=rng.sample(cadences, rng.randrange(3)))
        rows.append(row)
        if company is not None:
            company["counts"]["people"] += 1
            if company["last_contacted_at"] and company["last_contacted_person"] is None:
                company["last_contacted_person"] = stub("people", row["id"])
    for number in range(200, count - 1, 450):
        rows[number + 1]["secondary_email_address"] = rows[number]["email_address"]
    return rows


def _person(rng: Random, number: int, first: str, last: str, company: Row | None) -> Row:
    city, state, country, zone, _, offset = names.PLACES[rng.randrange(len(names.PLACES))]
    title, seniority, function = names.JOBS[rng.randrange(len(names.JOBS))]
    crm_id = f"003Qy{number:010d}AAQ" if nth(number, 3) else None
    return {
        "id": FIRST_LARGE_ID + number * 11,
        "first_name": first,
        "last_name": last if number % 61 else None,
        "display_name": f"{first} {last}" if number % 61 else first,
        "phone": f"+1555{number:07d}" if number % 2 else None,
        "phone_extension": str(number % 900) if nth(number, 14, 1) else None,
        "home_phone": f"+1556{number:07d}" if nth(number, 18, 1) else None,
        "mobile_phone": f"1557{number:07d}" if nth(number, 3) else None,
        "linkedin_url": f"{_LINKEDIN}/in/person-{number}" if nth(number, 2) else None,
        "title": title if number % 8 else None,
        "city": city,
        "state": state,
        "country": country if number % 5 else None,
        "work_city": city if nth(number, 4) else None,
        "work_state": state if nth(number, 4) else None,
        "work_country": country if nth(number, 4) else None,
        "crm_url": f"https://crm.example/{crm_id}" if crm_id else None,
        "crm_id": crm_id,
        "account_crm_id": company["crm_id"] if company and crm_id else None,
        "crm_object_type": ("contact" if number % 2 else "lead") if crm_id else None,
        "owner_crm_id": None,
        "person_company_name": company["name"] if company else None,
        "person_company_website": f"http://{company['domain']}" if company else None,
        "person_company_industry": company["industry"] if company else None,
        "do_not_contact": nth(number, 41, 40),
        "bouncing": nth(number, 67, 66),
        "locale": zone,
        "locale_utc_offset": offset,
        "eu_resident": country == "Germany",
        "personal_website": f"https://person-{number}.example" if nth(number, 30) else None,
        "twitter_handle": f"@person_{number}" if nth(number, 26) else None,
        "job_seniority": seniority if number % 8 else None,
        "job_function": function if number % 8 else None,
        "custom_fields": {"Region": "EMEA", "Lead score": number % 100} if nth(number, 4) else {},
        "tags": ["webinar", "vip"][: number % 3],
        "contact_restrictions": ["call"] if nth(number, 45) else [],
        "success_count": number % 3,
        "starred": nth(number, 25),
        "hot_lead": nth(number, 33),
        "external_source": "import" if nth(number, 10) else None,
        "account": stub("accounts", company["id"]) if company else None,
    }


def _mail(row: Row, number: int, mailbox: str, domain: str) -> None:
    email: str | None = f"{mailbox}@{domain}"
    if nth(number, 150, 149):
        email = None
    elif nth(number, 40, 3):
        email = f"{mailbox.title()}@{domain.title()}"
    elif nth(number, 97, 5):
        email = f" {mailbox}@{domain} "
    row["email_address"] = email
    row["full_email_address"] = f'"{row["display_name"]}" <{email}>' if email else None
    row["secondary_email_address"] = f"{mailbox}@old.{domain}" if nth(number, 23) else None
    private = nth(number, 31) or nth(number, 300, 149)
    row["personal_email_address"] = f"{mailbox}.{number}@{names.MAIL_DOMAIN}" if private else None


def _history(rng: Random, row: Row, number: int, *, now: datetime, owner: Row, cadence_rows: list[Row]) -> None:
    created = before(rng, now - timedelta(days=10), days=500)
    contacted = eastern_text(before(rng, now, days=9)) if number % 3 else None
    last = cadence_rows[-1]["id"] if cadence_rows else None
    row.update(
        created_at=eastern_text(created),
        updated_at=eastern_text(before(rng, now, days=10)),
        last_contacted_at=contacted,
        last_contacted_type="email" if contacted else None,
        last_contacted_by=stub("users", owner["id"]) if contacted else None,
        last_replied_at=contacted if nth(number, 6, 1) else None,
        untouched=contacted is None,
        owner=stub("users", owner["id"]) if number % 37 else None,
        owner_crm_id=f"005Qy{owner['id']:010d}AAQ" if row["crm_id"] else None,
        person_stage=stub("person_stages", 10_147 + number % 3),
        most_recent_cadence=stub("cadences", last),
        last_completed_step_cadence=stub("cadences", last) if nth(number, 4, 1) else None,
        last_completed_step=stub("steps", FIRST_ID) if last and nth(number, 4, 1) else None,
        cadences=[stub("cadences", cadence["id"]) for cadence in cadence_rows],
        counts={
            "emails_sent": rng.randrange(20),
            "emails_viewed": rng.randrange(15),
            "emails_clicked": rng.randrange(5),
            "emails_replied_to": rng.randrange(4),
            "emails_bounced": int(row["bouncing"]),
            "calls": rng.randrange(9),
        },
    )
    row["import"] = stub("imports", 5_174_826) if nth(number, 5) else None


def tasks(rng: Random, now: datetime, count: int, owners: list[Row], persons: list[Row]) -> list[Row]:
    """Make the tasks, due from a month ago to a month ahead."""
    rows = []
    for number in range(count):
        person, user = persons[rng.randrange(len(persons))], owners[rng.randrange(len(owners))]
        due = now + timedelta(days=rng.randrange(-30, 31), minutes=rng.randrange(600))
        done = due < now and not nth(number, 4, 0)
        rows.append(
            {
                "id": FIRST_ID + number * 2,
                "subject": f"{('Call', 'Write to', 'Prepare meeting with')[number % 3]} {person['display_name']}",
                "description": "See the notes of the last meeting" if nth(number, 3) else None,
                "task_type": ("call", "email", "general")[number % 3],
                "current_state": "completed" if done else "scheduled",
                "due_date": f"{due:%Y-%m-%d}",
                "due_at": eastern_text(due) if number % 2 else None,
                "remind_at": eastern_text(due - timedelta(hours=1)) if nth(number, 5) else None,
                "expires_after": eastern_text(due + timedelta(days=7)) if nth(number, 7) else None,
                "completed_at": eastern_text(due) if done else None,
                "completed_by": stub("users", user["id"]) if done else None,
                "created_at": eastern_text(before(rng, due, days=30)),
                "updated_at": eastern_text(min(due, now)),
                "created_by_user": stub("users", user["id"]),
                "person": stub("people", person["id"]),
                "user": stub("users", user["id"]),
                "opportunity": stub("opportunities", 77_000 + number) if nth(number, 9) else None,
            }
        )
    return rows
