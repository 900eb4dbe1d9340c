"""Records of any kind by reference, for `node` and `nodes`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import strawberry

from gateway.errors import Forbidden, GatewayError
from gateway.graph.access import KIND_SCOPES, check
from gateway.graph.context import Context
from gateway.graph.loaders import LevelLoader
from gateway.graph.selection import Selection
from gateway.model.records import Kind, Record, Ref


async def nodes_by_refs(
    info: strawberry.Info[Context, None], refs: Sequence[Ref]
) -> list[Record | GatewayError | Exception | None]:
    """The record, error or None of each reference, in their order; one batch a kind."""
    context = info.context
    loaders: dict[Kind, LevelLoader[Ref, Any]] = {
        Kind.PERSON: context.loaders.person_by_ref,
        Kind.USER: context.loaders.user_by_ref,
        Kind.CADENCE: context.loaders.cadence_by_ref,
        Kind.STEP: context.loaders.step_by_ref,
        Kind.ACCOUNT: context.loaders.account_by_ref,
        Kind.TASK: context.loaders.task_by_ref,
        Kind.CONVERSATION: context.loaders.conversation_by_ref,
    }
    fields = Selection.of(info).attributes()

    async def of_kind(kind: Kind) -> dict[Ref, Record | Exception | None]:
        mine = list(dict.fromkeys(ref for ref in refs if ref.kind is kind))
        try:
            check(context.principal, frozenset({KIND_SCOPES[kind]}))
        except Forbidden as refusal:
            return dict.fromkeys(mine, refusal)
        if kind is Kind.MEETING:
            return dict(await context.catalog.meetings.by_refs(context.request, mine, fields))
        return dict(zip(mine, await loaders[kind].load_level(mine), strict=True))

    answers = await asyncio.gather(*(of_kind(kind) for kind in {ref.kind for ref in refs}))
    found = {ref: outcome for answer in answers for ref, outcome in answer.items()}
    return [found[ref] for ref in refs]
