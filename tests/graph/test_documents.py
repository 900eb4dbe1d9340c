"""Nothing is forgotten: every field and parameter that the vendors' documents name is in the graph, and works.

The names below are the documents' own (Salesloft: List meetings and the lists beside it; Drift: Meeting model, User
model, Contact model), with those seen in use since.
"""

from __future__ import annotations

import re
from typing import Any

import pytest
from graphql import GraphQLInputObjectType, GraphQLObjectType, GraphQLSchema, get_named_type, is_leaf_type

from gateway.emulator.faults import BadRows, wrong_type
from gateway.emulator.table import Table
from gateway.emulator.world import World
from tests.graph.oracle import global_id
from tests.world import Gateway

MEETING = """id title start_time end_time calendar_id calendar_type meeting_type_id meeting_type recipient_name
recipient_email location description event_id account_id task_id created_at updated_at guests attendees person cadence
step owned_by_user booked_by_user crm_references crm event_source canceled_at all_day no_show crm_custom_fields
strict_attribution i_cal_uid status reschedule_status owned_by_meetings_settings booked_by_meetings_settings
reschedule_guid recurring recurrence recurring_interval last_occurrence_at undo_completion_count
count_towards_meetings_attended_metric count_towards_meetings_booked_metric created_on_demand notes"""
ATTENDEE = "email name organizer status status_changed person deleted_at affiliation"
PERSON = """id created_at updated_at last_contacted_at last_replied_at first_name last_name display_name email_address
full_email_address secondary_email_address personal_email_address phone phone_extension home_phone mobile_phone
linkedin_url title city state country work_city work_state work_country crm_url crm_id account_crm_id crm_object_type
owner_crm_id person_company_name person_company_website person_company_industry do_not_contact bouncing locale
locale_utc_offset eu_resident personal_website twitter_handle last_contacted_type job_seniority job_function
custom_fields tags contact_restrictions success_count starred untouched hot_lead external_source counts account owner
last_contacted_by import person_stage most_recent_cadence last_completed_step_cadence last_completed_step cadences"""
CADENCE = """id name created_at updated_at archived archived_at archived_by latest_active_date team_cadence shared
remove_bounces_enabled remove_replies_enabled opt_out_link_included draft current_state override_contact_restrictions
cadence_framework_id cadence_function external_identifier tags knowledge_library_document_ids creator owner
bounced_stage replied_stage added_stage finished_stage cadence_priority groups counts"""
STEP = """id created_at updated_at disabled type name display_name day step_number multitouch_enabled details cadence"""
USER = """id guid created_at updated_at name first_name last_name job_role active time_zone locale_utc_offset
slack_username twitter_handle email email_client_email_address sending_email_address from_address full_email_address
bcc_email_address work_country seat_package email_signature email_signature_type
email_signature_click_tracking_disabled team_admin local_dial_enabled click_to_call_enabled email_client_configured
crm_connected external_feature_flags _private_fields phone_client phone_number_assignment group team role"""
ACCOUNT = """id created_at updated_at archived_at name domain conversational_name description phone website
linkedin_url twitter_handle street city state postal_code country locale industry company_type founded revenue_range
size crm_id crm_url crm_object_type owner_crm_id last_contacted_at last_contacted_type do_not_contact custom_fields
user_relationships tags counts owner creator last_contacted_by last_contacted_person company_stage account_tier
prospector_engagement_level prospector_engagement_score"""
TASK = """id subject description task_type current_state due_date due_at remind_at expires_after completed_at
completed_by created_at updated_at created_by_user person user opportunity"""
DRIFT_MEETING = """agentId orgId status meetingSource schedulerId eventId slug slotStart slotEnd updatedAt scheduledAt
meetingType conversationId endUserTimeZone meetingNotes bookedBy conferenceType conferenceDetails isRecurring isPrivate
meetingSlug isOrgSlug"""
DRIFT_USER = """id orgId name alias email phone locale availability role timeZone avatarUrl verified bot createdAt
updatedAt"""
CONTACT = "id createdAt name firstName email phone externalId tags lastActive lastContacted startDate"
CONVERSATION = """id status participants contactId inboxId relatedPlaybookId conversationTags createdAt updatedAt"""

FIELDS = {
    "SalesloftMeeting": MEETING,
    "SalesloftAttendee": ATTENDEE,
    "SalesloftPerson": PERSON,
    "SalesloftCadence": CADENCE,
    "SalesloftStep": STEP,
    "SalesloftUser": USER,
    "SalesloftAccount": ACCOUNT,
    "SalesloftTask": TASK,
    "SalesloftMeetingsSettings": "email_address",
    "SalesloftPersonCounts": "emails_sent emails_viewed emails_clicked emails_replied_to emails_bounced calls",
    "SalesloftCadenceCounts": """cadence_people people_acted_on_count target_daily_people opportunities_created
        meetings_booked""",
    "SalesloftAccountCounts": "people",
    "DriftMeeting": DRIFT_MEETING,
    "DriftUser": DRIFT_USER,
    "DriftContact": CONTACT,
    "DriftConversation": CONVERSATION,
    "DriftConferenceDetails": "join_url",
}
PARAMETERS = """ids status person_id account_id person_ids event_ids i_cal_uids task_ids start_time created_at
user_guids show_deleted booked_by_user_uuid no_show meeting_type_id cadence_id step_id"""
"""Every parameter of `GET /v2/meetings` but paging, sorting and `include_meetings_settings` (always sent)."""
DRIFT_CONDITIONS = "status meetingSource meetingType agentIds schedulerIds conversationIds bookedByIds"


def camel(name: str) -> str:
    """A vendor's name as the graph has it; only a Node has a field `id`, since Relay stores records by it alone."""
    return "vendorId" if name == "id" else re.sub(r"_(\w)", lambda found: found[1].upper(), name.lstrip("_"))


def fields_of(schema: GraphQLSchema, name: str) -> dict[str, Any]:
    kind = schema.type_map[name]
    assert isinstance(kind, GraphQLObjectType | GraphQLInputObjectType)
    return dict(kind.fields)


@pytest.mark.parametrize("name", FIELDS)
def test_every_documented_field_is_in_the_graph(gateway_schema: GraphQLSchema, name: str) -> None:
    assert {camel(field) for field in FIELDS[name].split()} - fields_of(gateway_schema, name).keys() == set()


def test_every_documented_parameter_is_in_the_filter(gateway_schema: GraphQLSchema) -> None:
    assert fields_of(gateway_schema, "SalesloftMeetingFilter").keys() == {camel(name) for name in PARAMETERS.split()}
    assert fields_of(gateway_schema, "DriftMeetingFilter").keys() == set(DRIFT_CONDITIONS.split())


def test_only_a_node_has_a_field_id(gateway_schema: GraphQLSchema) -> None:
    """Relay keeps every record under its `id` alone, whatever its type: a vendor's number there is another's too."""
    types = [kind for kind in gateway_schema.type_map.values() if isinstance(kind, GraphQLObjectType)]
    having = {kind.name for kind in types if "id" in kind.fields}
    nodes = {kind.name for kind in gateway_schema.get_possible_types(gateway_schema.type_map["Node"])}  # type: ignore[arg-type]  # it is an interface
    assert having == nodes


def test_everything_has_a_description(gateway_schema: GraphQLSchema) -> None:
    bare: list[str] = []
    for name, kind in gateway_schema.type_map.items():
        if name.startswith("__") or name in {"String", "Int", "Float", "Boolean", "ID"}:
            continue
        if not kind.description:
            bare.append(name)
        for field, what in {**getattr(kind, "fields", {}), **getattr(kind, "values", {})}.items():
            if not what.description:
                bare.append(f"{name}.{field}")
            bare += [f"{name}.{field}({arg})" for arg, of in getattr(what, "args", {}).items() if not of.description]
    assert bare == []


def selected(schema: GraphQLSchema, name: str) -> str:
    """Every field of a vendor's type, and of those below it."""
    parts = []
    for field, what in fields_of(schema, name).items():
        below = get_named_type(what.type)
        parts.append(field if is_leaf_type(below) else f"{field} {selected(schema, below.name)}")
    return "{ %s }" % " ".join(parts)


@pytest.fixture
def gateway_schema(gateway: Gateway) -> GraphQLSchema:
    return gateway.engine().schema


def plainly(value: Any) -> Any:
    """A vendor's JSON as the graph shows it: names in camelCase, ids as text, no links."""
    if isinstance(value, dict):
        return {camel(key): plainly(each) for key, each in value.items() if key != "_href"}
    return [plainly(each) for each in value] if isinstance(value, list) else value


FREE = {"crmReferences", "crm", "crmCustomFields", "customFields", "externalFeatureFlags", "privateFields",
        "userRelationships", "archivedBy"}  # fmt: skip
TIMES = re.compile(r"\d{4}-\d\d-\d\dT")


def same(shown: Any, sent: Any) -> bool:
    """Whether a value is shown as it was sent, in the graph's form."""
    if isinstance(shown, dict) and isinstance(sent, dict):
        return all(same(shown[key], sent.get(key)) for key in shown)
    if isinstance(shown, list) and isinstance(sent, list):
        return len(shown) == len(sent) and all(map(same, shown, sent))
    if isinstance(shown, str) and isinstance(sent, str) and TIMES.match(shown):
        return shown[:4].isdigit()  # an offset less; the times themselves are compared elsewhere
    return shown == sent or (shown is not None and sent is not None and str(shown) == str(sent))


SALESLOFT_DOORS = [
    ("meetings", "", "SalesloftMeeting"),
    ("people", "people(first: 500)", "SalesloftPerson"),
    ("users", "users(first: 500, filter: {active: true})", "SalesloftUser"),
    ("cadences", "cadences(first: 500)", "SalesloftCadence"),
    ("accounts", "accounts(first: 500)", "SalesloftAccount"),
]


@pytest.mark.sampled(3)
@pytest.mark.parametrize(("table", "door", "name"), SALESLOFT_DOORS)
async def test_salesloft_s_fields_are_shown_as_sent(gateway: Gateway, table: str, door: str, name: str) -> None:
    schema = gateway.engine().schema
    rows = getattr(gateway.world.salesloft, table)
    if table == "meetings":  # some fields are rare: a row for each, and some more
        having = {field: row["id"] for row in rows.values() for field, value in row.items() if value is not None}
        chosen = {*having.values(), *list(rows)[:40]}
        ids = ", ".join('"%s"' % global_id("Meeting", "SALESLOFT", key) for key in chosen)
        door = f"meetings(first: 500, filter: {{ids: [{ids}]}})"
    answer = await gateway.ask("{ %s { nodes { salesloft %s } } }" % (door, selected(schema, name)))
    seen: set[str] = set()
    for node in answer.ok[table]["nodes"]:
        shown = node["salesloft"]
        sent = rows[int(shown["vendorId"])]
        for field, value in shown.items():
            raw = {camel(key): each for key, each in sent.items()}.get(field)
            wanted = raw if field in FREE else plainly(raw)
            assert same(value, wanted), (field, value, wanted)
            if value is not None:
                seen.add(field)
    assert shown.keys() - seen == set(), "every field has a value somewhere in the world"


async def test_drift_s_fields_are_shown_as_sent(gateway: Gateway) -> None:
    schema = gateway.engine().schema
    query = "{ meetings(first: 500, filter: {sources: [DRIFT], canceled: INCLUDE}) { nodes { drift %s } } }"
    answer = await gateway.ask(query % selected(schema, "DriftMeeting"))
    seen: set[str] = set()
    for node in answer.ok["meetings"]["nodes"]:
        shown = node["drift"]
        sent = plainly(gateway.world.drift.meetings[shown["slug"]])
        for field, value in shown.items():
            if field in {"slotStart", "slotEnd", "updatedAt", "scheduledAt"}:
                assert (value is None) == (field not in sent)
            else:
                assert same(value, sent.get(field)), field
            seen |= {field} if value is not None else set()
    assert shown.keys() - seen == set()


async def test_drift_s_people_users_and_chats_are_shown(gateway: Gateway) -> None:
    schema = gateway.engine().schema
    query = """{ meetings(first: 60, filter: {sources: [DRIFT]}) { nodes {
      person { driftId drift %s } owner { driftId drift %s } conversation { driftId drift %s } } } }"""
    parts = (selected(schema, "DriftContact"), selected(schema, "DriftUser"), selected(schema, "DriftConversation"))
    answer = await gateway.ask(query % parts)
    tables: dict[str, Table[int]] = {
        "person": gateway.world.drift.contacts,
        "owner": gateway.world.drift.users,
        "conversation": gateway.world.drift.conversations,
    }
    found = dict.fromkeys(tables, 0)
    for node in answer.ok["meetings"]["nodes"]:
        for kind, table in tables.items():
            shown = node[kind] and node[kind]["drift"]
            if shown is None:
                continue
            found[kind] += 1
            sent = plainly(table[int(shown["vendorId"])])
            flat = {**sent, **sent.get("attributes", {})}
            for field in ("name", "email", "phone", "role", "alias", "status", "contactId", "inboxId", "externalId"):
                if field in shown:
                    assert same(shown[field], flat.get(field)), (kind, field)
            assert "ip" not in shown
    assert all(found.values())


async def test_an_unreadable_vendor_s_field_is_an_error_at_its_path(little: Gateway) -> None:
    little.emulators.salesloft.faults.add(BadRows(wrong_type("calendar_type"), at=None), "meetings")
    answer = await little.ask(
        "{ meetings(first: 2, filter: {sources: [SALESLOFT]}) { nodes { title salesloft { calendarType } } } }"
    )
    assert [node["salesloft"] for node in answer.data["meetings"]["nodes"]] == [{"calendarType": None}] * 2
    assert [error["path"][2:] for error in answer.errors] == [
        [0, "salesloft", "calendarType"],
        [1, "salesloft", "calendarType"],
    ]
    assert set(answer.codes) == {"UPSTREAM_MALFORMED"}


async def test_an_unknown_enum_value_is_shown_beside_unknown(little: Gateway, small: World) -> None:
    key = next(
        row["id"] for row in small.salesloft.meetings.values() if row["canceled_at"] is None and not row["no_show"]
    )
    small.salesloft.meetings.change(key, status="rebooking", calendar_type="carrier_pigeon")
    answer = await little.ask(
        "query($k: ID!) { meeting(by: {salesloftId: $k}) { status salesloft { status calendarType } } }", k=str(key)
    )
    assert answer.ok["meeting"] == {
        "status": "UNKNOWN",
        "salesloft": {"status": "rebooking", "calendarType": "carrier_pigeon"},
    }


async def test_drift_s_too(little: Gateway) -> None:
    little.emulators.drift.faults.add(BadRows(wrong_type("meetingNotes"), at=None), "users/meetings/org")
    little.emulators.drift.faults.add(BadRows(lambda row: {**row, "attributes": {"phone": []}}), "contacts/{id}")
    ahead = little.world.now.timestamp() * 1000
    row = next(row for row in little.world.drift.meetings.values() if row["slotStart"] > ahead)
    id_ = global_id("Meeting", "DRIFT", row["slug"])
    answer = await little.ask("query($id: ID!) { meeting(by: {id: $id}) { drift { meetingNotes slug } } }", id=id_)
    assert answer.data == {"meeting": {"drift": {"meetingNotes": None, "slug": row["slug"]}}}
    assert [error["path"] for error in answer.errors] == [["meeting", "drift", "meetingNotes"]]
    contact = global_id("Person", "DRIFT", row["schedulerId"])
    answer = await little.ask("query($id: ID!) { person(by: {id: $id}) { drift { phone } } }", id=contact)
    assert answer.data == {"person": {"drift": {"phone": None}}}
    assert answer.codes == ["UPSTREAM_MALFORMED"]
