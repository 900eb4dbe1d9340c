"""`Cadence` and `Step`: cadences, and the steps that they are made of."""

from __future__ import annotations

import datetime as dt
from typing import Any

import strawberry

from gateway.graph.fields import Node, face_of, field, node_face_of, relation
from gateway.graph.meeting_lists import meetings_of
from gateway.graph.merged_records import id_in, row_in
from gateway.graph.types.salesloft import SalesloftCadence, SalesloftStep
from gateway.graph.types.user import User
from gateway.model import records
from gateway.model.records import Kind, Ref


@strawberry.type(description="Salesloft's counts for a cadence.")
@face_of(records.CadenceCounts)
class CadenceCounts:
    cadence_people: int | None = field("People who are in the cadence now.")
    people_acted_on_count: int | None = field("People who have been acted on.")
    target_daily_people: int | None = field("The target number of people to add per day.")
    opportunities_created: int | None = field("Opportunities that came from it.")
    meetings_booked: int | None = field("Meetings that came from it.")


def _own_ref(cadence: records.Cadence) -> Ref:
    return Ref(cadence.source, Kind.CADENCE, cadence.source_id)


@strawberry.type(description="A Salesloft cadence: a sequence of steps for contacting prospects.")
@node_face_of(records.Cadence, Kind.CADENCE)
class Cadence(Node):
    salesloft_id: strawberry.ID | None = field("The id in Salesloft.", id_in(records.Source.SALESLOFT))
    name: str | None = field("The name.")
    archived: bool | None = field("Whether it is archived.")
    current_state: str | None = field("The state, in Salesloft's words: `draft`, `active`, `archived` and others.")
    function: str | None = field("The purpose, in Salesloft's words: `outbound`, `inbound`, `event` or `other`.")
    team_cadence: bool | None = field("Whether it belongs to the whole team.")
    shared: bool | None = field("Whether it is shared with other users.")
    tags: list[str] | None = field("Tags.")
    owner: User | None = relation(
        "user_by_ref",
        "owner",
        "The team member who owns the cadence.",
        only=records.Source.SALESLOFT,
    )
    creator: User | None = relation(
        "user_by_ref", "creator", "The team member who created it.", only=records.Source.SALESLOFT
    )
    counts: CadenceCounts | None = field("Counts of its people, opportunities and meetings.")
    created_at: dt.datetime | None = field("When it was created.")
    updated_at: dt.datetime | None = field("When it was last updated.")
    steps: list[Step] | None = relation(
        "steps_by_cadence",
        _own_ref,
        (
            "Its steps, ordered by day and number. Costs one call per cadence, or one call per "
            "hundred steps of the team if that is less."
        ),
    )
    salesloft: SalesloftCadence | None = field(
        "The record as Salesloft sends it, with the fields that only Salesloft has.", row_in(records.Source.SALESLOFT)
    )
    meetings: Any = meetings_of("Meetings that came from it.")


@strawberry.type(description="One step of a Salesloft cadence.")
@node_face_of(records.Step, Kind.STEP)
class Step(Node):
    salesloft_id: strawberry.ID | None = field("The id in Salesloft.", id_in(records.Source.SALESLOFT))
    name: str | None = field("The name.")
    display_name: str | None = field("Day, number and type, such as `Day 1: Step 1 - Email`.")
    type: str | None = field("The type, in Salesloft's words: `email`, `phone`, `integration` or `other`.")
    day: int | None = field("The day of the cadence.")
    step_number: int | None = field("Its number among the steps of that day.")
    disabled: bool | None = field("Whether it is disabled.")
    multitouch_enabled: bool | None = field("Whether it has multiple touches.")
    cadence: Cadence | None = relation("cadence_by_ref", "cadence", "The cadence that it belongs to.")
    created_at: dt.datetime | None = field("When it was created.")
    updated_at: dt.datetime | None = field("When it was last updated.")
    salesloft: SalesloftStep | None = field(
        "The record as Salesloft sends it, with the fields that only Salesloft has.", row_in(records.Source.SALESLOFT)
    )
    meetings: Any = meetings_of("Meetings that came from this step.")
