"""The inputs of `people`, `users`, `cadences` and `accounts`, and what they come to in the model."""

from __future__ import annotations

import strawberry

from gateway.errors import BadUserInput
from gateway.graph.inputs.values import (
    DateTimeRange,
    address,
    condition,
    domain,
    given,
    guid,
    keys,
    name,
    own_refs,
    refs,
    short_text,
    span,
)
from gateway.model import neighbours
from gateway.model.records import Kind
from gateway.model.scopes import PII

MOST_SEARCHED = 200
"""Characters of a search."""

RULES = (
    "Conditions, all of them ANDed. A null condition is none; an empty list matches nothing and costs no call; a list "
    "has at most 100 values."
)


@strawberry.input(description=RULES)
class PersonFilter:
    ids: list[strawberry.ID] | None = condition("Global ids.")
    salesloft_ids: list[strawberry.ID] | None = condition("Ids in Salesloft.")
    emails: list[str] | None = condition("Addresses, in any case: any of theirs.", personal=True)
    crm_ids: list[str] | None = condition("Ids in the CRM.")
    account_ids: list[strawberry.ID] | None = condition("Global ids of accounts.")
    cadence_ids: list[strawberry.ID] | None = condition("Global ids of cadences that they are in.")
    owner_ids: list[strawberry.ID] | None = condition("Global ids of the team members whose contacts they are.")
    created_at: DateTimeRange | None = condition("When the record was made.")
    updated_at: DateTimeRange | None = condition("When the record last changed.")


@strawberry.input(description=RULES)
class UserFilter:
    ids: list[strawberry.ID] | None = condition("Global ids.")
    salesloft_ids: list[strawberry.ID] | None = condition("Numeric ids in Salesloft.")
    guids: list[strawberry.ID] | None = condition("GUIDs in Salesloft.")
    emails: list[str] | None = condition("Addresses, in any case: any of theirs.", personal=True)
    active: bool | None = condition("Whether they can log in. Only Salesloft tells.")
    search: str | None = condition(
        f"Words, each of which is in a name or, with the scope `{PII}`, in an address, in any case."
    )


@strawberry.input(description=RULES)
class CadenceFilter:
    ids: list[strawberry.ID] | None = condition("Global ids.")
    salesloft_ids: list[strawberry.ID] | None = condition("Ids in Salesloft.")
    name: str | None = condition("The whole name, in any case.")
    archived: bool | None = condition("Whether it is put away.")
    team_cadence: bool | None = condition("Whether it is the whole team's.")
    shared: bool | None = condition("Whether others may use it.")
    owner_ids: list[strawberry.ID] | None = condition("Global ids of the team members whose cadences they are.")
    updated_at: DateTimeRange | None = condition("When it last changed.")


@strawberry.input(description=RULES)
class AccountFilter:
    ids: list[strawberry.ID] | None = condition("Global ids.")
    salesloft_ids: list[strawberry.ID] | None = condition("Ids in Salesloft.")
    crm_ids: list[str] | None = condition("Ids in the CRM.")
    domains: list[str] | None = condition("Internet domains, in any case.")
    names: list[str] | None = condition("Whole names, as they are written.")
    owner_ids: list[strawberry.ID] | None = condition("Global ids of the team members whose accounts they are.")
    archived: bool | None = condition("Whether it is put away.")
    updated_at: DateTimeRange | None = condition("When the record last changed.")


def person_filter(asked: PersonFilter | None) -> neighbours.PersonFilter:
    """The conditions asked for.

    Raises:
        BadUserInput: One of them cannot be meant; `argument` names it.
    """
    if asked is None:
        return neighbours.PersonFilter()
    ids = refs(asked.ids, "filter.ids", Kind.PERSON)
    return neighbours.PersonFilter(
        ids=own_refs(ids, asked.salesloft_ids, "filter.salesloftIds", Kind.PERSON),
        emails=keys(asked.emails, "filter.emails", address),
        crm_ids=keys(asked.crm_ids, "filter.crmIds"),
        account_ids=refs(asked.account_ids, "filter.accountIds", Kind.ACCOUNT),
        cadence_ids=refs(asked.cadence_ids, "filter.cadenceIds", Kind.CADENCE),
        owner_ids=refs(asked.owner_ids, "filter.ownerIds", Kind.USER),
        created_at=span(asked.created_at, "filter.createdAt"),
        updated_at=span(asked.updated_at, "filter.updatedAt"),
    )


def user_filter(asked: UserFilter | None, *, search_addresses: bool) -> neighbours.UserFilter:
    """The conditions asked for.

    Args:
        asked: What the client wrote.
        search_addresses: Whether a search looks at addresses too; those may not be guessed that may not be read.

    Raises:
        BadUserInput: One of them cannot be meant; `argument` names it.
    """
    if asked is None:
        return neighbours.UserFilter()
    ids = refs(asked.ids, "filter.ids", Kind.USER)
    return neighbours.UserFilter(
        ids=own_refs(ids, asked.salesloft_ids, "filter.salesloftIds", Kind.USER),
        guids=keys(asked.guids, "filter.guids", guid),
        emails=keys(asked.emails, "filter.emails", address),
        active=given(asked.active),
        search=_searched(given(asked.search)),
        search_addresses=search_addresses,
    )


def cadence_filter(asked: CadenceFilter | None) -> neighbours.CadenceFilter:
    """The conditions asked for.

    Raises:
        BadUserInput: One of them cannot be meant; `argument` names it.
    """
    if asked is None:
        return neighbours.CadenceFilter()
    ids = refs(asked.ids, "filter.ids", Kind.CADENCE)
    whole_name = given(asked.name)
    return neighbours.CadenceFilter(
        ids=own_refs(ids, asked.salesloft_ids, "filter.salesloftIds", Kind.CADENCE),
        name=None if whole_name is None else short_text(whole_name, "filter.name").casefold(),
        archived=given(asked.archived),
        team_cadence=given(asked.team_cadence),
        shared=given(asked.shared),
        owner_ids=refs(asked.owner_ids, "filter.ownerIds", Kind.USER),
        updated_at=span(asked.updated_at, "filter.updatedAt"),
    )


def account_filter(asked: AccountFilter | None) -> neighbours.AccountFilter:
    """The conditions asked for.

    Raises:
        BadUserInput: One of them cannot be meant; `argument` names it.
    """
    if asked is None:
        return neighbours.AccountFilter()
    ids = refs(asked.ids, "filter.ids", Kind.ACCOUNT)
    return neighbours.AccountFilter(
        ids=own_refs(ids, asked.salesloft_ids, "filter.salesloftIds", Kind.ACCOUNT),
        crm_ids=keys(asked.crm_ids, "filter.crmIds"),
        domains=keys(asked.domains, "filter.domains", domain),
        names=keys(asked.names, "filter.names", name),
        owner_ids=refs(asked.owner_ids, "filter.ownerIds", Kind.USER),
        archived=given(asked.archived),
        updated_at=span(asked.updated_at, "filter.updatedAt"),
    )


def _searched(text: str | None) -> tuple[str, ...]:
    if text is not None and len(text) > MOST_SEARCHED:
        raise BadUserInput(
            f"filter.search: has {len(text)} characters; at most {MOST_SEARCHED} are taken.", argument="filter.search"
        )
    return tuple((text or "").casefold().split())
