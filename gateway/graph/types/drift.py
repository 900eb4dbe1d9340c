"""Records as Drift sends them, under Drift's names (Drift: Meeting model, User model, Contact model and others)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import strawberry

from gateway.graph.fields import explain, field, read, reader
from gateway.graph.merged_records import face_of_row
from gateway.model.order import moment
from gateway.sources.drift import wire


def instant(row: type[Any], name: str) -> Callable[[Any], dt.datetime | None]:
    """Reads a time of a row, which Drift sends in milliseconds since 1970."""
    reader(row, name)  # that there is one; a null is explained below

    def resolve(row: Any) -> dt.datetime | None:
        milliseconds = read(row, name)
        return None if milliseconds is None else moment(milliseconds * 1000)

    return resolve


def _join_url(details: Any) -> str | None:
    url: str | None = details.join_url if details.join_url is not None else details.camel_join_url
    if url is None:
        explain(details, "join_url")
        explain(details, "camel_join_url")
    return url


@strawberry.type(description="How to join a video call.")
@face_of_row(wire.ConferenceDetails)
class DriftConferenceDetails:
    join_url: str | None = field("The link to the call.", _join_url)


@strawberry.type(description="A meeting as Drift sends it: every documented field, under Drift's names.")
@face_of_row(wire.Meeting)
class DriftMeeting:
    agent_id: strawberry.ID | None = field("The id of the Drift user who hosts it.")
    org_id: strawberry.ID | None = field("The id of the organization.")
    status: str | None = field("The status: `ACTIVE`, `CANCELED`, or a value that Drift has added since.")
    meeting_source: str | None = field("Where it was booked, such as `EMAIL_DROP`.")
    scheduler_id: strawberry.ID | None = field("The id of the contact who booked it.")
    event_id: str | None = field("The calendar event's id.")
    slug: str = field("The slug, which identifies the meeting in Drift.")
    slot_start: dt.datetime | None = field("When it starts.", instant(wire.Meeting, "slot_start"))
    slot_end: dt.datetime | None = field("When it ends.", instant(wire.Meeting, "slot_end"))
    updated_at: dt.datetime | None = field("When it was last updated.", instant(wire.Meeting, "updated_at"))
    scheduled_at: dt.datetime | None = field("When it was booked.", instant(wire.Meeting, "scheduled_at"))
    meeting_type: str | None = field("The kind of meeting, such as `New Meeting`.")
    conversation_id: strawberry.ID | None = field("The id of the conversation in which it was booked.")
    end_user_time_zone: str | None = field("The visitor's time zone.")
    meeting_notes: str | None = field("What the visitor wrote when booking.", personal=True)
    booked_by: strawberry.ID | None = field("The id of the Drift user who booked it, if one did.")
    conference_type: str | None = field("The kind of video call, such as `ZOOM`.")
    conference_details: DriftConferenceDetails | None = field("How to join the video call.")
    is_recurring: bool | None = field("Whether it is recurring.")
    is_private: bool | None = field("Whether it is private.")
    meeting_slug: str | None = field("The slug of the calendar page on which it was booked.")
    is_org_slug: bool | None = field("Whether that page belongs to the organization.")


def _of_attributes(name: str, read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Reads off a contact's attributes, which it may lack as a whole, or which could not be read."""

    def resolve(contact: Any) -> Any:
        if contact.attributes is None:
            explain(contact, "attributes")
            return None
        value = read(contact.attributes)
        if value is None:
            explain(contact, f"attributes.{name}")
        return value

    return resolve


def _attribute(name: str) -> Callable[[Any], Any]:
    return _of_attributes(name, reader(wire.Attributes, name))


def _moment(name: str) -> Callable[[Any], Any]:
    return _of_attributes(name, instant(wire.Attributes, name))


def _tags(attributes: wire.Attributes) -> list[str] | None:
    """A tag comes as a text, or as an object with a name."""
    if attributes.tags is None:
        return None
    names = (tag if isinstance(tag, str) else tag.name for tag in attributes.tags)
    return [name for name in names if name is not None]


@strawberry.type(
    description=(
        "A contact as Drift sends it. Drift's attributes are free-form and hold a lot of private "
        "data, so these are the only ones that are read: IP addresses, locations and visited "
        "pages are dropped on arrival."
    )
)
@face_of_row(wire.Contact)
class DriftContact:
    id: strawberry.ID = field("The id in Drift.", name="vendorId")
    created_at: dt.datetime | None = field("When the contact was created.", instant(wire.Contact, "created_at"))
    name: str | None = field("The full name.", _attribute("name"))
    first_name: str | None = field("The first name; it often holds the full name.", _attribute("first_name"))
    last_name: str | None = field("The last name.", _attribute("last_name"))
    email: str | None = field("The e-mail address.", _attribute("email"), personal=True)
    phone: str | None = field("The phone number.", _attribute("phone"), personal=True)
    title: str | None = field("The job title.", _attribute("title"))
    company: str | None = field("The company's name.", _attribute("company"))
    city: str | None = field("The city.", _attribute("city"))
    state: str | None = field("The state or region.", _attribute("state"))
    country: str | None = field("The country.", _attribute("country"))
    external_id: strawberry.ID | None = field("The id in the organization's own system.", _attribute("external_id"))
    tags: list[str] | None = field("Tags.", _of_attributes("tags", _tags))
    last_active: dt.datetime | None = field("When they last visited the site.", _moment("last_active"))
    last_contacted: dt.datetime | None = field("When they were last contacted.", _moment("last_contacted"))
    start_date: dt.datetime | None = field("When they were first seen.", _moment("start_date"))


@strawberry.type(description="A user as Drift sends them, under Drift's names.")
@face_of_row(wire.User)
class DriftUser:
    id: strawberry.ID = field("The id in Drift.", name="vendorId")
    org_id: strawberry.ID | None = field("The id of the organization.")
    name: str | None = field("The full name.")
    alias: str | None = field("The name that is shown in chats.")
    email: str | None = field("The e-mail address.", personal=True)
    phone: str | None = field("The phone number.", personal=True)
    locale: str | None = field("The locale, such as `en-US`.")
    availability: str | None = field("Availability: `AVAILABLE`, `OFFLINE`, `ON_CALL` or others.")
    role: str | None = field("The role: `member`, `admin`, `agent` or others.")
    time_zone: str | None = field("The time zone.")
    avatar_url: str | None = field("URL of their picture.")
    verified: bool | None = field("Whether their e-mail address is verified.")
    bot: bool | None = field("Whether it is a bot.")
    created_at: dt.datetime | None = field("When the record was created.", instant(wire.User, "created_at"))
    updated_at: dt.datetime | None = field("When it was last updated.", instant(wire.User, "updated_at"))


@strawberry.type(description="A tag of a conversation.")
@face_of_row(wire.Tag)
class DriftTag:
    name: str | None = field("The tag's name.")
    color: str | None = field("Its colour: six hexadecimal digits.")


@strawberry.type(description="A conversation as Drift sends it, under Drift's names.")
@face_of_row(wire.Conversation)
class DriftConversation:
    id: strawberry.ID = field("The id in Drift.", name="vendorId")
    status: str | None = field("The state: `open`, `closed`, `pending` or others.")
    participants: list[strawberry.ID] | None = field("Ids of the Drift users taking part.")
    contact_id: strawberry.ID | None = field("The id of the contact.")
    inbox_id: strawberry.ID | None = field("The id of the inbox.")
    related_playbook_id: strawberry.ID | None = field("The id of the playbook that started it.")
    conversation_tags: list[DriftTag] | None = field("Tags.")
    created_at: dt.datetime | None = field("When it started.", instant(wire.Conversation, "created_at"))
    updated_at: dt.datetime | None = field("When it was last updated.", instant(wire.Conversation, "updated_at"))
