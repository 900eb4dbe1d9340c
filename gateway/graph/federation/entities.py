"""`_entities`: the records that other subgraphs' representations name, each by itself, all of a kind in one batch."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from typing import Any, TypeAlias

from gateway.errors import BadUserInput, Forbidden, GatewayError, OperationTooCostly
from gateway.graph.access import check, check_argument
from gateway.graph.context import Context
from gateway.graph.federation.keys import By, Wanted, wanted
from gateway.graph.ids import KINDS
from gateway.graph.nodes import nodes_of_kind
from gateway.model.neighbours import PersonFilter
from gateway.model.records import Kind, Ref, Source
from gateway.model.scopes import KIND_SCOPES, Principal

MOST = 1_000
"""Representations of one `_entities`; a router's page of 100 entities has ten fields that lead to others."""
MOST_SINGLY = 100
"""Of those that a source is asked for one a call: Drift's contacts and conversations."""
ARGUMENT = "representations"

Outcome: TypeAlias = Any
"""A record, the error that stands for it, or None where there is none."""


async def entities(
    context: Context, representations: Sequence[Any], fields: frozenset[str], kinds: Mapping[str, Kind] = KINDS
) -> list[Outcome]:
    """The record, error or None of each representation, in their order.

    Args:
        context: The request's.
        representations: As the router sent them.
        fields: The attributes that are selected on any of them.
        kinds: The kinds of records, by the names that their types are shown by.

    Raises:
        OperationTooCostly: They are too many.
    """
    if len(representations) > MOST:
        message = f"{ARGUMENT}: has {len(representations)} values; at most {MOST} are taken."
        raise OperationTooCostly(message, measured=len(representations), allowed=MOST)
    asked = [
        _wanted(each, f"{ARGUMENT}[{place}]", kinds, context.principal) for place, each in enumerate(representations)
    ]
    found = await _found(context, [each for each in asked if isinstance(each, Wanted)], fields)
    return [found[each] if isinstance(each, Wanted) else each for each in asked]


def _wanted(
    representation: object, place: str, kinds: Mapping[str, Kind], principal: Principal | None
) -> Wanted | GatewayError:
    try:
        found = wanted(representation, place, kinds)
        if found.by is By.EMAIL:
            check(principal, frozenset({KIND_SCOPES[found.kind]}))
            check_argument(principal, f"{place}.email", f"{ARGUMENT}[].email")
    except (BadUserInput, Forbidden) as error:
        return error
    return found


async def _found(context: Context, asked: Sequence[Wanted], fields: frozenset[str]) -> dict[Wanted, Outcome]:
    """What each comes to: a look-up a kind and key, all at once."""
    distinct = list(dict.fromkeys(asked))
    beyond = [each for each in distinct if _single(each)][MOST_SINGLY:]
    error = OperationTooCostly(
        f"{len(beyond) + MOST_SINGLY} of the {ARGUMENT} would be looked up one by one; at most {MOST_SINGLY} are.",
        measured=len(beyond) + MOST_SINGLY,
        allowed=MOST_SINGLY,
    )
    found: dict[Wanted, Outcome] = dict.fromkeys(beyond, error)
    groups: dict[tuple[Kind, By], list[Wanted]] = {}
    for each in distinct:
        if each not in found:
            groups.setdefault((each.kind, each.by), []).append(each)
    answers = await asyncio.gather(
        *(_of_group(context, kind, by, group, fields) for (kind, by), group in groups.items())
    )
    for group, answer in zip(groups.values(), answers, strict=True):
        found.update((each, answer.get(each.value)) for each in group)
    return found


def _single(each: Wanted) -> bool:
    """Whether a source has to be asked for it by a call of its own."""
    return isinstance(each.value, Ref) and (
        each.kind is Kind.CONVERSATION or (each.kind is Kind.PERSON and each.value.source is Source.DRIFT)
    )


async def _of_group(
    context: Context, kind: Kind, by: By, group: Sequence[Wanted], fields: frozenset[str]
) -> Mapping[Any, Outcome]:
    """What the values of one kind's key come to; an error that stands for all of them is each one's own."""
    values: list[Any] = [each.value for each in group]
    try:
        check(context.principal, frozenset({KIND_SCOPES[kind]}))
        return await _looked_up(context, kind, by, values, fields)
    except (Forbidden, GatewayError) as error:
        return dict.fromkeys(values, error)


def _looked_up(
    context: Context, kind: Kind, by: By, values: list[Any], fields: frozenset[str]
) -> Awaitable[Mapping[Any, Outcome]]:
    catalog, request = context.catalog, context.request
    match kind, by:
        case Kind.MEETING, By.EVENT:
            return catalog.meetings.by_calendar_events(request, values, fields)
        case Kind.PERSON, By.EMAIL:
            return catalog.people.by_emails(request, values)
        case Kind.PERSON, By.CRM_ID:
            return catalog.person_list.lowest_each(
                request, values, lambda some: PersonFilter(crm_ids=some), lambda person: person.crm_id
            )
        case Kind.USER, By.EMAIL:
            return _users_by_email(context, values)
        case _:
            return nodes_of_kind(context, kind, values, fields)


async def _users_by_email(context: Context, emails: Sequence[str]) -> Mapping[str, Outcome]:
    return dict(zip(emails, await context.loaders.user_by_email.load_level(emails), strict=True))
