"""Cadences and their steps as Salesloft sends them."""

from __future__ import annotations

import msgspec

from gateway.sources.bounds import Id, Int
from gateway.sources.salesloft.wire.common import JSON, Instant, Stub


class CadenceCounts(msgspec.Struct, frozen=True, kw_only=True):
    """Counters of a cadence."""

    cadence_people: Int | None = None
    people_acted_on_count: Int | None = None
    target_daily_people: Int | None = None
    opportunities_created: Int | None = None
    meetings_booked: Int | None = None


class Cadence(msgspec.Struct, frozen=True, kw_only=True):
    """A sequence of steps (Salesloft: List cadences).

    Attributes:
        cadence_function: `outbound`, `inbound`, `event`, `other`.
        archived_by: In whatever form it comes: no document shows one.
    """

    id: Id
    name: str | None = None
    created_at: Instant | None = None
    updated_at: Instant | None = None
    archived: bool | None = None
    archived_at: Instant | None = None
    archived_by: JSON = None
    latest_active_date: Instant | None = None
    team_cadence: bool | None = None
    shared: bool | None = None
    remove_bounces_enabled: bool | None = None
    remove_replies_enabled: bool | None = None
    opt_out_link_included: bool | None = None
    draft: bool | None = None
    current_state: str | None = None
    override_contact_restrictions: bool | None = None
    cadence_framework_id: Id | None = None
    cadence_function: str | None = None
    external_identifier: Id | None = None
    tags: tuple[str, ...] | None = None
    knowledge_library_document_ids: tuple[Id, ...] | None = None
    creator: Stub | None = None
    owner: Stub | None = None
    bounced_stage: Stub | None = None
    replied_stage: Stub | None = None
    added_stage: Stub | None = None
    finished_stage: Stub | None = None
    cadence_priority: Stub | None = None
    groups: tuple[Stub, ...] | None = None
    counts: CadenceCounts | None = None


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """A step of a cadence (Salesloft: List steps).

    Attributes:
        type: `email`, `phone`, `integration`, `other`.
        details: What is done in it, in a resource of its own.
    """

    id: Id
    created_at: Instant | None = None
    updated_at: Instant | None = None
    disabled: bool | None = None
    type: str | None = None
    name: str | None = None
    display_name: str | None = None
    day: Int | None = None
    step_number: Int | None = None
    multitouch_enabled: bool | None = None
    details: Stub | None = None
    cadence: Stub | None = None
