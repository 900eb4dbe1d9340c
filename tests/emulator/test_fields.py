"""Every field that the documents name is on the rows, with a value on at least one."""

from typing import Any

import pytest

from gateway.emulator.world import World

MEETING = """
id title start_time end_time calendar_id calendar_type meeting_type_id meeting_type recipient_name recipient_email
location description event_id account_id task_id created_at updated_at guests attendees person cadence step
owned_by_user booked_by_user crm_references crm event_source canceled_at all_day no_show crm_custom_fields
strict_attribution i_cal_uid status reschedule_status owned_by_meetings_settings booked_by_meetings_settings
reschedule_guid recurring recurrence
recurring_interval last_occurrence_at undo_completion_count count_towards_meetings_attended_metric
count_towards_meetings_booked_metric created_on_demand notes
"""
ATTENDEE = "email name organizer status status_changed person deleted_at affiliation"
PERSON = """
id created_at updated_at last_contacted_at last_replied_at first_name last_name display_name email_address
full_email_address secondary_email_address personal_email_address phone phone_extension home_phone mobile_phone
linkedin_url title city state country work_city work_state work_country crm_url crm_id account_crm_id crm_object_type
owner_crm_id person_company_name person_company_website person_company_industry do_not_contact bouncing locale
locale_utc_offset eu_resident personal_website twitter_handle last_contacted_type job_seniority job_function
custom_fields tags contact_restrictions success_count starred untouched hot_lead external_source counts account owner
last_contacted_by import person_stage most_recent_cadence last_completed_step_cadence last_completed_step cadences
"""
PERSON_COUNTS = "emails_sent emails_viewed emails_clicked emails_replied_to emails_bounced calls"
CADENCE = """
id name created_at updated_at archived archived_at archived_by latest_active_date team_cadence shared
remove_bounces_enabled remove_replies_enabled opt_out_link_included draft current_state override_contact_restrictions
cadence_framework_id cadence_function external_identifier tags knowledge_library_document_ids creator owner
bounced_stage replied_stage added_stage finished_stage cadence_priority groups counts
"""
CADENCE_COUNTS = "cadence_people people_acted_on_count target_daily_people opportunities_created meetings_booked"
STEP = "id created_at updated_at disabled type name display_name day step_number multitouch_enabled details cadence"
USER = """
id guid created_at updated_at name first_name last_name job_role active time_zone locale_utc_offset slack_username
twitter_handle email email_client_email_address sending_email_address from_address full_email_address bcc_email_address
work_country seat_package email_signature email_signature_type email_signature_click_tracking_disabled team_admin
local_dial_enabled click_to_call_enabled email_client_configured crm_connected external_feature_flags _private_fields
phone_client phone_number_assignment group team role
"""
ACCOUNT = """
id created_at updated_at archived_at name domain conversational_name description phone website linkedin_url
twitter_handle street city state postal_code country locale industry company_type founded revenue_range size crm_id
crm_url crm_object_type owner_crm_id last_contacted_at last_contacted_type do_not_contact custom_fields
user_relationships tags counts owner creator last_contacted_by last_contacted_person company_stage account_tier
prospector_engagement_level prospector_engagement_score
"""
TASK = """
id subject description task_type current_state due_date due_at remind_at expires_after completed_at completed_by
created_at updated_at created_by_user person user opportunity
"""
BOOKING = """
agentId orgId status meetingSource schedulerId eventId slug slotStart slotEnd updatedAt scheduledAt meetingType
conversationId endUserTimeZone meetingNotes bookedBy conferenceType conferenceDetails isRecurring isPrivate meetingSlug
isOrgSlug
"""
AGENT = """
id orgId name alias email phone locale availability role timeZone avatarUrl verified bot createdAt updatedAt
"""
CONTACT = """
name first_name email phone externalId tags events socialProfiles last_active last_contacted start_date ip original_ip
last_context_location recent_entrance_page_url recent_entrance_page_title original_entrance_page_url
original_entrance_page_title _calculated_version _END_USER_VERSION _end_user_version
"""
CONVERSATION = """
id status participants contactId inboxId relatedPlaybookId conversationTags createdAt updatedAt
"""
DRIFT_ACCOUNT = "accountId ownerId name domain deleted createDateTime updateDateTime"


def rows_of(world: World, place: str) -> list[dict[str, Any]]:
    side, _, path = place.partition(".")
    name, _, inner = path.partition(".")
    rows = list(getattr(getattr(world, side), name).values())
    if inner:
        parts = [row[inner] for row in rows]
        rows = [one for part in parts for one in (part if isinstance(part, list) else [part])]
    return rows


@pytest.mark.parametrize(
    ("place", "fields"),
    [
        ("salesloft.meetings", MEETING),
        ("salesloft.meetings.attendees", ATTENDEE),
        ("salesloft.people", PERSON),
        ("salesloft.people.counts", PERSON_COUNTS),
        ("salesloft.cadences", CADENCE),
        ("salesloft.cadences.counts", CADENCE_COUNTS),
        ("salesloft.steps", STEP),
        ("salesloft.users", USER),
        ("salesloft.accounts", ACCOUNT),
        ("salesloft.accounts.counts", "people"),
        ("salesloft.tasks", TASK),
        ("drift.meetings", BOOKING),
        ("drift.users", AGENT),
        ("drift.contacts", "id createdAt attributes"),
        ("drift.contacts.attributes", CONTACT),
        ("drift.conversations", CONVERSATION),
        ("drift.accounts", DRIFT_ACCOUNT),
    ],
)
def test_every_documented_field_has_a_value_somewhere(world: World, place: str, fields: str) -> None:
    rows = rows_of(world, place)
    empty = {name for name in fields.split() if not any(row.get(name) not in (None, [], "") for row in rows)}
    assert empty == set()


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ("status", {"pending", "booked", "failed", "retry"}),
        ("reschedule_status", {"pending", "booked", "failed", "retry", None}),
        ("calendar_type", {"gmail", "azure", "nylas", "linkedin_azure", "cerebro", "external", "nylas_v3", "internal"}),
        ("event_source", {"external", "internal"}),
    ],
)
def test_every_documented_word_occurs(world: World, field: str, words: set[str | None]) -> None:
    assert {row[field] for row in world.salesloft.meetings.values()} == words


def test_every_answer_of_an_attendee_occurs(world: World) -> None:
    attendees = rows_of(world, "salesloft.meetings.attendees")
    assert {one["status"] for one in attendees} == {"needsAction", "accepted", "tentative", "declined"}
    assert any(not row["attendees"] for row in world.salesloft.meetings.values())
