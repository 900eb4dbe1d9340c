"""`Step`: one step of a cadence."""

from __future__ import annotations

import datetime as dt
from typing import Any

import strawberry

from gateway.graph.cadence import Cadence
from gateway.graph.folded import id_in, row_in
from gateway.graph.node import Node, node_face_of
from gateway.graph.relation import field, relation
from gateway.graph.salesloft.cadence import SalesloftStep
from gateway.graph.under import meetings_of
from gateway.model import records
from gateway.model.records import Kind


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
