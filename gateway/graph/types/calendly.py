"""Records as Calendly sends them, in the vendor's words (Calendly: Event and Invitee)."""

from __future__ import annotations

import datetime as dt

import strawberry
from strawberry.scalars import JSON

from gateway.graph.fields import field
from gateway.graph.merged_records import face_of_row
from gateway.sources.calendly import wire


def vendor_id(row: wire.Event | wire.Invitee) -> strawberry.ID:
    """The id in a row's URI."""
    return strawberry.ID(wire.id_of(row.uri))


@strawberry.type(description="Where a Calendly event takes place.")
@face_of_row(wire.Location)
class CalendlyLocation:
    type: str | None = field(
        "The type, such as `physical`, `outbound_call` or `zoom`; some services are spelled in two ways."
    )
    location: str | None = field("The address or the text; for an outbound call, the invitee's number.", personal=True)
    status: str | None = field("The status of a video conference: `initiated`, `processing`, `pushed` or `failed`.")
    join_url: str | None = field("The link to join a video conference.")
    data: JSON | None = field("What the video service says about it, such as passcodes.", personal=True)


@strawberry.type(description="How many people a Calendly event has.")
@face_of_row(wire.InviteesCounter)
class CalendlyInviteesCounter:
    total: int | None = field("Everybody who was ever invited.")
    active: int | None = field("Those who have not cancelled.")
    limit: int | None = field("How many may book it.")


@strawberry.type(description="A host of a Calendly event.")
@face_of_row(wire.EventMembership)
class CalendlyEventMembership:
    user: str | None = field("The URI of the Calendly user.")
    user_email: str | None = field("The host's e-mail address; null in older events.", personal=True)
    user_name: str | None = field("The host's name; null in older events.", personal=True)
    buffered_start_time: dt.datetime | None = field("The start, including the buffer before it.")
    buffered_end_time: dt.datetime | None = field("The end, including the buffer after it.")


@strawberry.type(description="A guest whom an invitee added to a Calendly event.")
@face_of_row(wire.EventGuest)
class CalendlyEventGuest:
    email: str | None = field("The guest's e-mail address.", personal=True)
    created_at: dt.datetime | None = field("When the guest was added.")
    updated_at: dt.datetime | None = field("When the guest was last updated.")


@strawberry.type(description="A Calendly event in the host's calendar.")
@face_of_row(wire.CalendarEvent)
class CalendlyCalendarEvent:
    kind: str | None = field("The calendar: `google`, `outlook`, `exchange`, `icloud` or `outlook_desktop`.")
    external_id: str | None = field("The event's id in that calendar.")


@strawberry.type(description="The cancellation of a Calendly event, or of one invitee's booking.")
@face_of_row(wire.Cancellation)
class CalendlyCancellation:
    canceled_by: str | None = field("The name of the person who cancelled.", personal=True)
    reason: str | None = field("The reason given.", personal=True)
    canceler_type: str | None = field("Who cancelled: `host` or `invitee`.")
    created_at: dt.datetime | None = field("When it was cancelled; null in older records.")


@strawberry.type(description="A question of the booking form and the invitee's answer.")
@face_of_row(wire.QuestionAndAnswer)
class CalendlyQuestionAndAnswer:
    question: str | None = field("The question.")
    answer: str | None = field("The invitee's answer.", personal=True)
    position: int | None = field("The question's place in the form, from 0.")


@strawberry.type(description="The campaign that led an invitee to the booking page.")
@face_of_row(wire.Tracking)
class CalendlyTracking:
    utm_campaign: str | None = field("The `utm_campaign` parameter of the link.")
    utm_source: str | None = field("The `utm_source` parameter of the link.")
    utm_medium: str | None = field("The `utm_medium` parameter of the link.")
    utm_content: str | None = field("The `utm_content` parameter of the link.")
    utm_term: str | None = field("The `utm_term` parameter of the link.")
    salesforce_uuid: str | None = field("The Salesforce record that is named in the link.")


@strawberry.type(description="The payment for a booking.")
@face_of_row(wire.Payment)
class CalendlyPayment:
    external_id: str | None = field("The payment's id at the payment provider.", personal=True)
    provider: str | None = field("The payment provider, such as `stripe`.")
    amount: float | None = field("The amount, in units of the currency.")
    currency: str | None = field("The currency's ISO 4217 code.")
    terms: str | None = field("The payment terms.")
    successful: bool | None = field("Whether the payment succeeded.")


@strawberry.type(description="The mark that an invitee did not show up.")
@face_of_row(wire.NoShow)
class CalendlyNoShow:
    uri: str | None = field("The URI of the mark.")
    created_at: dt.datetime | None = field("When the invitee was marked.")


@strawberry.type(description="A request to confirm a booking.")
@face_of_row(wire.Reconfirmation)
class CalendlyReconfirmation:
    created_at: dt.datetime | None = field("When the invitee was asked.")
    confirmed_at: dt.datetime | None = field("When the invitee confirmed; null until then.")


@strawberry.type(description="An invitee as Calendly sends them: every documented field, under Calendly's names.")
@face_of_row(wire.Invitee)
class CalendlyInvitee:
    vendor_id: strawberry.ID | None = field("The id in Calendly; the links hold it.", vendor_id, personal=True)
    uri: str | None = field("The URI in Calendly's API; it ends in that id.", personal=True)
    email: str | None = field("The invitee's e-mail address.", personal=True)
    first_name: str | None = field("The first name, where the form asks for it.", personal=True)
    last_name: str | None = field("The last name, where the form asks for it.", personal=True)
    name: str | None = field("The full name.", personal=True)
    status: str | None = field("The status: `active` or `canceled`.")
    timezone: str | None = field("The time zone the invitee booked in.")
    event: str | None = field("The URI of the event.")
    created_at: dt.datetime | None = field("When the invitee booked.")
    updated_at: dt.datetime | None = field("When the booking was last updated.")
    questions_and_answers: list[CalendlyQuestionAndAnswer] | None = field("What the booking form asked.", personal=True)
    tracking: CalendlyTracking | None = field("The campaign that led to the booking.")
    text_reminder_number: str | None = field("The phone number for text reminders.", personal=True)
    rescheduled: bool | None = field("Whether the invitee moved to another event.")
    old_invitee: str | None = field("The URI of the booking that this one replaces.", personal=True)
    new_invitee: str | None = field("The URI of the booking that replaces this one.", personal=True)
    cancel_url: str | None = field("A link that cancels the booking for whoever opens it.", personal=True)
    reschedule_url: str | None = field("A link that moves the booking for whoever opens it.", personal=True)
    routing_form_submission: str | None = field("The URI of the routing form's answers.")
    cancellation: CalendlyCancellation | None = field("The cancellation, if the booking was cancelled.")
    payment: CalendlyPayment | None = field("The payment, if one was taken.")
    no_show: CalendlyNoShow | None = field("The no-show mark, if there is one.")
    reconfirmation: CalendlyReconfirmation | None = field("The request to confirm, if one was sent.")
    scheduling_method: str | None = field("How it was booked, such as `instant_book`.")
    invitee_scheduled_by: str | None = field("The URI of the user who booked for the invitee.")


@strawberry.type(description="A scheduled event as Calendly sends it: every documented field, under Calendly's names.")
@face_of_row(wire.Event)
class CalendlyMeeting:
    vendor_id: strawberry.ID = field("The id in Calendly.", vendor_id)
    uri: str = field("The URI in Calendly's API.")
    name: str | None = field("The name of the event type.")
    meeting_notes_plain: str | None = field("The host's notes, as plain text.", personal=True)
    meeting_notes_html: str | None = field("The host's notes, as HTML.", personal=True)
    status: str | None = field("The status: `active` or `canceled`.")
    booking_method: str | None = field("How it was booked, such as `instant`.")
    start_time: dt.datetime | None = field("When it starts.")
    end_time: dt.datetime | None = field("When it ends.")
    created_at: dt.datetime | None = field("When it was booked.")
    updated_at: dt.datetime | None = field("When it was last updated; marking a no-show does not count.")
    event_type: str | None = field("The URI of the event type.")
    location: CalendlyLocation | None = field("Where it takes place.")
    invitees_counter: CalendlyInviteesCounter | None = field("How many people it has.")
    event_memberships: list[CalendlyEventMembership] | None = field("The hosts; the first is the meeting's owner.")
    event_guests: list[CalendlyEventGuest] | None = field("The guests whom invitees added.", personal=True)
    calendar_event: CalendlyCalendarEvent | None = field("The event in the host's calendar; null without one.")
    cancellation: CalendlyCancellation | None = field("The cancellation, if it was cancelled.")
    invitees: list[CalendlyInvitee] | None = field("Everybody who booked it. Costs one call per event.")
