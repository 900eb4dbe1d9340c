"""`Cadence` and `Step`: cadences, and the steps that they are made of."""

from __future__ import annotations

import datetime as dt
from typing import Any

import strawberry

from gateway.graph.folded import id_in, row_in
from gateway.graph.node import Node, face_of, node_face_of
from gateway.graph.relation import field, relation
from gateway.graph.types.salesloft import SalesloftCadence, SalesloftStep
from gateway.graph.types.user import User
from gateway.graph.under import meetings_of
from gateway.model import records
from gateway.model.records import Kind, Ref


@strawberry.type(description="A cadence's counters, as Salesloft keeps them.")
@face_of(records.CadenceCounts)
class CadenceCounts:
    cadence_people: int | None = field("People in the cadence now.")
    people_acted_on_count: int | None = field("People whom something was done for.")
    target_daily_people: int | None = field("People to be added a day.")
    opportunities_created: int | None = field("Opportunities that came of it.")
    meetings_booked: int | None = field("Meetings that came of it.")


def _own_ref(cadence: records.Cadence) -> Ref:
    return Ref(cadence.source, Kind.CADENCE, cadence.source_id)


@strawberry.type(description="A Salesloft cadence: a sequence of steps that prospects are taken through.")
@node_face_of(records.Cadence, Kind.CADENCE)
class Cadence(Node):
    salesloft_id: strawberry.ID | None = field("The id in Salesloft.", id_in(records.Source.SALESLOFT))
    name: str | None = field("Its name.")
    archived: bool | None = field("Whether it is put away.")
    current_state: str | None = field("Its state, in Salesloft's word: `draft`, `active`, `archived` and others.")
    function: str | None = field("What it is for, in Salesloft's word: `outbound`, `inbound`, `event`, `other`.")
    team_cadence: bool | None = field("Whether it is the whole team's.")
    shared: bool | None = field("Whether others may use it.")
    tags: list[str] | None = field("Labels.")
    owner: User | None = relation(
        "user_by_ref",
        "owner",
        "The team member whose cadence it is.",
        only=records.Source.SALESLOFT,
    )
    creator: User | None = relation(
        "user_by_ref", "creator", "The team member who made it.", only=records.Source.SALESLOFT
    )
    counts: CadenceCounts | None = field("Its counters.")
    created_at: dt.datetime | None = field("When it was made.")
    updated_at: dt.datetime | None = field("When it last changed.")
    steps: list[Step] | None = relation(
        "steps_by_cadence", _own_ref, "Its steps, by day and number; a call a cadence, or a page a hundred steps."
    )
    salesloft: SalesloftCadence | None = field("Salesloft's own fields.", row_in(records.Source.SALESLOFT))
    meetings: Any = meetings_of("The meetings that it led to.")


@strawberry.type(description="One step of a Salesloft cadence.")
@node_face_of(records.Step, Kind.STEP)
class Step(Node):
    salesloft_id: strawberry.ID | None = field("The id in Salesloft.", id_in(records.Source.SALESLOFT))
    name: str | None = field("Its name.")
    display_name: str | None = field("Day, number and type, such as `Day 1: Step 1 - Email`.")
    type: str | None = field("What is done, in Salesloft's word: `email`, `phone`, `integration`, `other`.")
    day: int | None = field("The day of the cadence.")
    step_number: int | None = field("Its number among the day's steps.")
    disabled: bool | None = field("Whether it is switched off.")
    multitouch_enabled: bool | None = field("Whether it has several touches.")
    cadence: Cadence | None = relation("cadence_by_ref", "cadence", "The cadence that it belongs to.")
    created_at: dt.datetime | None = field("When it was made.")
    updated_at: dt.datetime | None = field("When it last changed.")
    salesloft: SalesloftStep | None = field("Salesloft's own fields.", row_in(records.Source.SALESLOFT))
    meetings: Any = meetings_of("The meetings that this step led to.")
