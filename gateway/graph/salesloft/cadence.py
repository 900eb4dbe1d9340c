"""`SalesloftCadence` and `SalesloftStep`: cadences and their steps as Salesloft sends them."""

from __future__ import annotations

import datetime as dt

import strawberry
from strawberry.scalars import JSON

from gateway.graph.folded import face_of_row
from gateway.graph.relation import field
from gateway.graph.salesloft.reference import SalesloftReference
from gateway.sources.salesloft import wire


@strawberry.type(description="Salesloft's counters of a cadence.")
@face_of_row(wire.CadenceCounts)
class SalesloftCadenceCounts:
    cadence_people: int | None = field("People in the cadence now.")
    people_acted_on_count: int | None = field("People whom something was done for.")
    target_daily_people: int | None = field("People to be added a day.")
    opportunities_created: int | None = field("Opportunities that came of it.")
    meetings_booked: int | None = field("Meetings that came of it.")


@strawberry.type(description="A cadence as Salesloft sends it, in the vendor's words.")
@face_of_row(wire.Cadence)
class SalesloftCadence:
    id: strawberry.ID = field("The id in Salesloft.", name="vendorId")
    name: str | None = field("The name.")
    created_at: dt.datetime | None = field("When it was made.")
    updated_at: dt.datetime | None = field("When it last changed.")
    archived: bool | None = field("Whether it is put away.")
    archived_at: dt.datetime | None = field("When it was put away.")
    archived_by: JSON | None = field("Who put it away.")
    latest_active_date: dt.datetime | None = field("When it was last active.")
    team_cadence: bool | None = field("Whether it is the whole team's.")
    shared: bool | None = field("Whether others may use it.")
    remove_bounces_enabled: bool | None = field("Whether people whose address bounces are taken out.")
    remove_replies_enabled: bool | None = field("Whether people who answer are taken out.")
    opt_out_link_included: bool | None = field("Whether e-mails have a link to opt out.")
    draft: bool | None = field("Whether it is a draft.")
    current_state: str | None = field("`draft`, `active`, `archived` and others.")
    override_contact_restrictions: bool | None = field("Whether contact restrictions are overridden.")
    cadence_framework_id: strawberry.ID | None = field("The framework that it was made from.")
    cadence_function: str | None = field("`outbound`, `inbound`, `event`, `other`.")
    external_identifier: strawberry.ID | None = field("An id of the team's own.")
    tags: list[str] | None = field("Labels.")
    knowledge_library_document_ids: list[strawberry.ID] | None = field("Documents of the knowledge library.")
    creator: SalesloftReference | None = field("Who made it.")
    owner: SalesloftReference | None = field("Whose it is.")
    bounced_stage: SalesloftReference | None = field("The stage of people whose address bounces.")
    replied_stage: SalesloftReference | None = field("The stage of people who answer.")
    added_stage: SalesloftReference | None = field("The stage of people who are added.")
    finished_stage: SalesloftReference | None = field("The stage of people who are through.")
    cadence_priority: SalesloftReference | None = field("The priority.")
    groups: list[SalesloftReference] | None = field("The groups that it is for.")
    counts: SalesloftCadenceCounts | None = field("Counters.")


@strawberry.type(description="A step of a cadence as Salesloft sends it, in the vendor's words.")
@face_of_row(wire.Step)
class SalesloftStep:
    id: strawberry.ID = field("The id in Salesloft.", name="vendorId")
    created_at: dt.datetime | None = field("When it was made.")
    updated_at: dt.datetime | None = field("When it last changed.")
    disabled: bool | None = field("Whether it is switched off.")
    type: str | None = field("`email`, `phone`, `integration`, `other`.")
    name: str | None = field("The name.")
    display_name: str | None = field("Day, number and type, such as `Day 1: Step 1 - Email`.")
    day: int | None = field("The day of the cadence.")
    step_number: int | None = field("Its number among the day's steps.")
    multitouch_enabled: bool | None = field("Whether it has several touches.")
    details: SalesloftReference | None = field("What is done in it.")
    cadence: SalesloftReference | None = field("The cadence.")
