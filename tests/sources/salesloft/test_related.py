"""Salesloft's people, users, cadences, steps, accounts and tasks, as they are sent and as records."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
import pytest

from gateway.model.records import CadenceCounts, Kind, Record, Ref, Source, UserKey
from gateway.sources.decode import BodyDecoder, Row
from gateway.sources.salesloft import related, wire

W = TypeVar("W", bound=msgspec.Struct)
R = TypeVar("R", bound=Record)

EASTERN, UTC = "2026-02-03T23:30:00.000001-05:00", dt.datetime(2026, 2, 4, 4, 30, 0, 1, tzinfo=dt.UTC)
OWNER = Ref(Source.SALESLOFT, Kind.USER, "77", UserKey.ID)
STAMPS: dict[str, Any] = {"created_at": EASTERN, "updated_at": EASTERN}


def stub(identifier: int | str) -> dict[str, object]:
    return {"id": identifier, "_href": "https://upstream.example/v2/x"}


PERSON: dict[str, Any] = {
    **STAMPS,
    "id": 41,
    "last_contacted_at": EASTERN,
    "last_replied_at": EASTERN,
    "first_name": "Ada",
    "last_name": "Grün",
    "display_name": "Ada Grün",
    "email_address": "Ada@Gruen.example",
    "full_email_address": '"Ada Grün" <Ada@Gruen.example>',
    "secondary_email_address": " ada@gruen.EXAMPLE",
    "personal_email_address": "ada@home.example",
    "phone": "",
    "phone_extension": "1",
    "home_phone": "3",
    "mobile_phone": "2",
    "linkedin_url": "https://linkedin.example/ada",
    "title": "CTO",
    "city": "Köln",
    "state": "NW",
    "country": "DE",
    "work_city": "Bonn",
    "work_state": "NW",
    "work_country": "DE",
    "crm_url": "https://crm.example/1",
    "crm_id": "c1",
    "account_crm_id": "a1",
    "crm_object_type": "contact",
    "owner_crm_id": "o1",
    "person_company_name": "Grün & Söhne",
    "person_company_website": "https://gruen.example",
    "person_company_industry": "Paint",
    "do_not_contact": False,
    "bouncing": False,
    "locale": "US/Pacific",
    "locale_utc_offset": -420,
    "eu_resident": True,
    "personal_website": "https://ada.example",
    "twitter_handle": "ada",
    "last_contacted_type": "email",
    "job_seniority": "executive",
    "job_function": "it",
    "custom_fields": {"Colour": "green", "n": 1},
    "tags": ["vip"],
    "contact_restrictions": ["call"],
    "success_count": 1,
    "starred": True,
    "untouched": False,
    "hot_lead": True,
    "external_source": "import",
    "counts": dict.fromkeys(
        ("emails_sent", "emails_viewed", "emails_clicked", "emails_replied_to", "emails_bounced", "calls"), 3
    ),
    "account": stub(501),
    "owner": stub(77),
    "last_contacted_by": stub(77),
    "import": stub(8),
    "person_stage": stub(9),
    "most_recent_cadence": stub(42),
    "last_completed_step_cadence": stub(42),
    "last_completed_step": stub(43),
    "cadences": [stub(42), stub("44")],
}
USER: dict[str, Any] = {
    **STAMPS,
    "id": 77,
    "guid": "7a2c9d10-5b1e-4f6a-9c33-0e8d4b7f1a02",
    "name": "Rep One",
    "first_name": "Rep",
    "last_name": "One",
    "job_role": "AE",
    "active": True,
    "time_zone": "US/Eastern",
    "locale_utc_offset": -240,
    "slack_username": "rep",
    "twitter_handle": "rep",
    "email": "rep@vendor.example",
    "email_client_email_address": "REP@vendor.example",
    "sending_email_address": "rep.one@vendor.example",
    "from_address": "one@vendor.example",
    "full_email_address": "Rep One <rep@vendor.example>",
    "bcc_email_address": "bcc@vendor.example",
    "work_country": "US",
    "seat_package": "admin",
    "email_signature": "--",
    "email_signature_type": "html",
    "email_signature_click_tracking_disabled": False,
    "team_admin": True,
    "local_dial_enabled": True,
    "click_to_call_enabled": False,
    "email_client_configured": True,
    "crm_connected": True,
    "external_feature_flags": {"ma_enabled": True},
    "_private_fields": {"x": 1},
    "phone_client": {"id": 1},
    "phone_number_assignment": stub(2),
    "group": stub(3),
    "team": stub(4),
    "role": {"id": "Admin"},
}
COUNTS = ("cadence_people", "people_acted_on_count", "target_daily_people", "opportunities_created", "meetings_booked")
CADENCE: dict[str, Any] = {
    **STAMPS,
    "id": 42,
    "name": "Outbound",
    "archived": False,
    "archived_at": EASTERN,
    "archived_by": stub(77),
    "latest_active_date": EASTERN,
    "team_cadence": True,
    "shared": True,
    "remove_bounces_enabled": True,
    "remove_replies_enabled": True,
    "opt_out_link_included": True,
    "draft": False,
    "current_state": "active",
    "override_contact_restrictions": True,
    "cadence_framework_id": 5,
    "cadence_function": "outbound",
    "external_identifier": "ext",
    "tags": ["q1"],
    "knowledge_library_document_ids": [1, "2"],
    "creator": stub(78),
    "owner": stub(77),
    **dict.fromkeys(("bounced_stage", "replied_stage", "added_stage", "finished_stage", "cadence_priority"), stub(1)),
    "groups": [stub(1)],
    "counts": dict.fromkeys(COUNTS, 2),
}
STEP: dict[str, Any] = {
    **STAMPS,
    "id": 43,
    "disabled": False,
    "type": "email",
    "name": "Hello",
    "display_name": "Day 1: Step 1 - Email",
    "day": 1,
    "step_number": "1",
    "multitouch_enabled": False,
    "details": stub(1),
    "cadence": stub(42),
}
ACCOUNT: dict[str, Any] = {
    **STAMPS,
    **dict.fromkeys(("name", "domain", "conversational_name", "description", "phone", "website"), "t"),
    **dict.fromkeys(("linkedin_url", "twitter_handle", "street", "city", "state", "postal_code", "country"), "t"),
    **dict.fromkeys(("locale", "industry", "company_type", "revenue_range", "crm_id", "crm_url"), "t"),
    **dict.fromkeys(("crm_object_type", "owner_crm_id", "last_contacted_type", "prospector_engagement_level"), "t"),
    "id": 501,
    "founded": 1998,
    "size": 250,
    "archived_at": None,
    "last_contacted_at": EASTERN,
    "do_not_contact": False,
    "custom_fields": {"k": None},
    "user_relationships": [{"id": 1}],
    "tags": [],
    "counts": {"people": 8},
    "owner": stub(77),
    "creator": stub(78),
    **dict.fromkeys(("last_contacted_by", "last_contacted_person", "company_stage", "account_tier"), stub(1)),
    "prospector_engagement_score": 7,
}
TASK: dict[str, Any] = {
    **STAMPS,
    "id": 778,
    "subject": "Call",
    "description": "Call Ada",
    "task_type": "call",
    "current_state": "scheduled",
    "due_date": "2026-02-04",
    "due_at": EASTERN,
    "remind_at": EASTERN,
    "expires_after": EASTERN,
    "completed_at": EASTERN,
    "completed_by": stub(78),
    "created_by_user": stub(77),
    "person": stub(41),
    "user": stub(77),
    "opportunity": stub(6),
}


def translated(row: type[W], translate: Callable[[Row[W]], R], sent: dict[str, Any], **changes: object) -> R:
    decoder = BodyDecoder(row, wire.Metadata, source="SALESLOFT")
    return translate(decoder.decode(json.dumps({"data": [{**sent, **changes}]}).encode()).rows[0])


KINDS: list[tuple[type[msgspec.Struct], Callable[[Any], Record], dict[str, Any]]] = [
    (wire.Person, related.person, PERSON),
    (wire.User, related.user, USER),
    (wire.Cadence, related.cadence, CADENCE),
    (wire.Step, related.step, STEP),
    (wire.Account, related.account, ACCOUNT),
    (wire.Task, related.task, TASK),
]


@pytest.mark.parametrize(("row", "translate", "sent"), KINDS)
def test_no_field_that_is_sent_is_lost(
    row: type[msgspec.Struct], translate: Callable[[Any], Record], sent: dict[str, Any]
) -> None:
    record = translated(row, translate, {**sent, "a_field_of_tomorrow": 1})

    assert (record.source, record.source_id, record.unreadable) == (Source.SALESLOFT, str(sent["id"]), frozenset())
    kept = {field.encode_name: getattr(record.raw, field.name) for field in msgspec.structs.fields(row)}
    assert kept.keys() == sent.keys()
    assert {name for name in sent if sent[name] is not None} == {name for name in kept if kept[name] is not None}


@pytest.mark.parametrize(("row", "translate", "sent"), KINDS)
def test_a_row_of_an_id_alone_is_a_record(
    row: type[msgspec.Struct], translate: Callable[[Any], Record], sent: dict[str, Any]
) -> None:
    record = translated(row, translate, {"id": "5"})
    known = {"source", "source_id", "raw", "archived"}

    reported = {name for name in record.__struct_fields__ if getattr(record, name) not in (None, (), frozenset(), {})}
    assert reported <= known


@pytest.mark.parametrize(("row", "translate", "sent"), KINDS)
def test_a_field_that_cannot_be_read_is_named_twice(
    row: type[msgspec.Struct], translate: Callable[[Any], Record], sent: dict[str, Any]
) -> None:
    assert translated(row, translate, sent, updated_at="0001-01-01T00:00:00+01:00").unreadable >= (
        set() if row is wire.User else {"updated_at", "salesloft.updated_at"}
    )
    assert translated(row, translate, sent, created_at=[]).unreadable >= {"salesloft.created_at"}


def test_person() -> None:
    person = translated(wire.Person, related.person, PERSON)

    assert (person.name, person.first_name, person.last_name) == ("Ada Grün", "Ada", "Grün")
    assert (person.email, person.emails) == ("Ada@Gruen.example", ("Ada@Gruen.example", "ada@home.example"))
    assert (person.phone, person.title, person.company_name) == ("2", "CTO", "Grün & Söhne")
    assert (person.city, person.state, person.country, person.time_zone) == ("Köln", "NW", "DE", "US/Pacific")
    assert (person.crm_id, person.crm_url) == ("c1", "https://crm.example/1")
    assert (person.linkedin_url, person.do_not_contact) == ("https://linkedin.example/ada", False)
    assert (person.tags, person.custom_fields) == (("vip",), {"Colour": "green", "n": 1})
    assert (person.owner, person.account) == (OWNER, Ref(Source.SALESLOFT, Kind.ACCOUNT, "501"))
    assert person.cadences == tuple(Ref(Source.SALESLOFT, Kind.CADENCE, each) for each in ("42", "44"))
    assert person.last_contacted_at == person.created_at == person.updated_at == UTC


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({}, "Ada Grün"),
        ({"display_name": None}, "Ada Grün"),
        ({"display_name": "", "first_name": None}, "Grün"),
        ({"display_name": None, "first_name": None, "last_name": ""}, None),
    ],
)
def test_names_of_people(changes: dict[str, object], name: str | None) -> None:
    assert translated(wire.Person, related.person, PERSON, **changes).name == name


def test_the_first_address_that_there_is_comes_first() -> None:
    person = translated(wire.Person, related.person, PERSON, email_address="  ")

    assert (person.email, person.emails) == (" ada@gruen.EXAMPLE", (" ada@gruen.EXAMPLE", "ada@home.example"))


def test_user() -> None:
    user = translated(wire.User, related.user, USER)

    assert (user.name, user.guid, user.job_role, user.active) == ("Rep One", USER["guid"], "AE", True)
    assert user.time_zone == "US/Eastern"
    assert user.emails == ("rep@vendor.example", "rep.one@vendor.example", "one@vendor.example")
    assert (user.email, user.phone, user.avatar_url) == ("rep@vendor.example", None, None)


def test_cadence() -> None:
    cadence = translated(wire.Cadence, related.cadence, CADENCE)

    assert (cadence.name, cadence.function, cadence.current_state) == ("Outbound", "outbound", "active")
    assert (cadence.owner, cadence.creator) == (OWNER, Ref(Source.SALESLOFT, Kind.USER, "78"))
    assert cadence.counts == msgspec.convert(dict.fromkeys(COUNTS, 2), CadenceCounts)
    assert (cadence.team_cadence, cadence.shared, cadence.tags, cadence.created_at) == (True, True, ("q1",), UTC)


@pytest.mark.parametrize(
    ("archived", "archived_at", "expected"),
    [(None, None, False), (None, EASTERN, True), (None, "no time", True), (False, EASTERN, False), (True, None, True)],
)
def test_whether_a_cadence_is_archived(archived: bool | None, archived_at: str | None, expected: bool) -> None:
    changes = {"archived": archived, "archived_at": archived_at}

    assert translated(wire.Cadence, related.cadence, CADENCE, **changes).archived is expected


def test_step_account_and_task() -> None:
    step = translated(wire.Step, related.step, STEP)
    account = translated(wire.Account, related.account, ACCOUNT)
    task = translated(wire.Task, related.task, TASK)

    assert (step.display_name, step.day, step.step_number, step.type) == ("Day 1: Step 1 - Email", 1, 1, "email")
    assert step.cadence == Ref(Source.SALESLOFT, Kind.CADENCE, "42")
    assert (account.founded, account.size, account.people_count, account.archived) == ("1998", "250", 8, False)
    assert (account.owner, account.last_contacted_at) == (OWNER, UTC)
    assert (task.due_date, task.due_at) == (dt.date(2026, 2, 4), UTC)
    assert (task.created_by, task.completed_by) == (OWNER, Ref(Source.SALESLOFT, Kind.USER, "78"))
    assert (task.person, task.user) == (Ref(Source.SALESLOFT, Kind.PERSON, "41"), OWNER)
