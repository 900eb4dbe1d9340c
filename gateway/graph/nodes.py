"""Records of any kind by reference, for `node` and `nodes`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import strawberry

from gateway.errors import Forbidden, GatewayError
from gateway.graph.access import check
from gateway.graph.context import Context
from gateway.graph.loaders import LevelLoader
from gateway.graph.lookahead import LookAhead
from gateway.model.records import Kind, Record, Ref
from gateway.model.scopes import KIND_SCOPES


async def nodes_by_refs(
    info: strawberry.Info[Context, None], refs: Sequence[Ref]
) -> list[Record | GatewayError | Exception | None]:
    """The record, error or None of each reference, in their order; one batch a kind."""
    fields = LookAhead.of(info).attributes()
    kinds = {ref.kind for ref in refs}
    answers = await asyncio.gather(
        *(nodes_of_kind(info.context, kind, [ref for ref in refs if ref.kind is kind], fields) for kind in kinds)
    )
    found = {ref: outcome for answer in answers for ref, outcome in answer.items()}
    return [found[ref] for ref in refs]


async def nodes_of_kind(
    context: Context, kind: Kind, refs: Sequence[Ref], fields: frozenset[str]
) -> dict[Ref, Record | Exception | None]:
    """The record, error or None of each reference, all of one kind; an error each where its scope is missing."""
    mine = list(dict.fromkeys(refs))
    try:
        check(context.principal, frozenset({KIND_SCOPES[kind]}))
    except Forbidden as refusal:
        return dict.fromkeys(mine, refusal)
    if kind is Kind.MEETING:
        return dict(await context.catalog.meetings.by_refs(context.request, mine, fields))
    return dict(zip(mine, await _loader(context, kind).load_level(mine), strict=True))


def _loader(context: Context, kind: Kind) -> LevelLoader[Ref, Any]:
    loader: LevelLoader[Ref, Any] = getattr(context.loaders, LOADERS[kind])
    return loader


LOADERS = {
    Kind.PERSON: "person_by_ref",
    Kind.USER: "user_by_ref",
    Kind.CADENCE: "cadence_by_ref",
    Kind.STEP: "step_by_ref",
    Kind.ACCOUNT: "account_by_ref",
    Kind.TASK: "task_by_ref",
    Kind.CONVERSATION: "conversation_by_ref",
}
"""The loader of each kind but meetings, whose fields decide what is looked up."""
