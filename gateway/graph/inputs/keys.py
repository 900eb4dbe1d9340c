"""The `by:` inputs, and how each key finds its record."""

from __future__ import annotations

import strawberry

from gateway.errors import GatewayError
from gateway.graph.context import Context
from gateway.graph.inputs.values import address, condition, decode_id, domain, guid, short_text, source_id
from gateway.model.record_filters import AccountFilter, PersonFilter
from gateway.model.records import Account, Cadence, Kind, Meeting, Person, Ref, Source, Step, User, UserKey


@strawberry.input(one_of=True, description="Identifies a meeting by exactly one of these keys.")
class MeetingBy:
    id: strawberry.ID | None = condition(
        "The global id. The id of a merged record returns the meeting that it is part of."
    )
    salesloft_id: strawberry.ID | None = condition("The id in Salesloft.")
    drift_slug: str | None = condition("The slug in Drift.")
    calendly_id: strawberry.ID | None = condition("The id in Calendly: the last part of the event's URI.")
    calendar_event_id: str | None = condition("The event's id in the calendar.")


@strawberry.input(one_of=True, description="Identifies a person by exactly one of these keys.")
class PersonBy:
    id: strawberry.ID | None = condition("The global id.")
    email: str | None = condition("Any of their e-mail addresses; case does not matter.", personal=True)
    salesloft_id: strawberry.ID | None = condition("The id in Salesloft.")
    drift_id: strawberry.ID | None = condition("The id of the contact in Drift.")
    crm_id: str | None = condition(
        "The id in the CRM. If several people have it, the one with the lowest id is returned."
    )


@strawberry.input(one_of=True, description="Identifies a team member by exactly one of these keys.")
class UserBy:
    id: strawberry.ID | None = condition("The global id.")
    email: str | None = condition("Any of their e-mail addresses; case does not matter.", personal=True)
    salesloft_id: strawberry.ID | None = condition("The numeric id in Salesloft.")
    guid: strawberry.ID | None = condition("The GUID in Salesloft.")
    drift_id: strawberry.ID | None = condition("The id in Drift.")
    calendly_id: strawberry.ID | None = condition("The id in Calendly: the last part of the user's URI.")


@strawberry.input(one_of=True, description="Identifies a cadence by exactly one of these keys.")
class CadenceBy:
    id: strawberry.ID | None = condition("The global id.")
    salesloft_id: strawberry.ID | None = condition("The id in Salesloft.")


@strawberry.input(one_of=True, description="Identifies a step by exactly one of these keys.")
class StepBy:
    id: strawberry.ID | None = condition("The global id.")
    salesloft_id: strawberry.ID | None = condition("The id in Salesloft.")


@strawberry.input(one_of=True, description="Identifies an account by exactly one of these keys.")
class AccountBy:
    id: strawberry.ID | None = condition("The global id.")
    salesloft_id: strawberry.ID | None = condition("The id in Salesloft.")
    crm_id: str | None = condition(
        "The id in the CRM. If several accounts have it, the one with the lowest id is returned."
    )
    domain: str | None = condition(
        "The internet domain. If several accounts have it, the one with the lowest id is returned."
    )


async def find_meeting(context: Context, by: MeetingBy, fields: frozenset[str]) -> Meeting | None:
    """The meeting that a key names; of several that bear it the first source's of the lowest id."""
    key, value = _chosen(by)
    if key == "calendar_event_id":
        event_id = short_text(value, "by.calendarEventId")
        return await context.catalog.meetings.by_calendar_event(context.request, event_id, fields)
    ref = _ref(key, value, Kind.MEETING)
    found = await context.catalog.meetings.by_refs(context.request, [ref], fields)
    return _present(found[ref])


async def find_person(context: Context, by: PersonBy) -> Person | None:
    """The person that a key names."""
    key, value = _chosen(by)
    if key == "email":
        return await context.catalog.people.by_email(context.request, address(value, "by.email"))
    if key == "crm_id":
        wanted = PersonFilter(crm_ids=frozenset({short_text(value, "by.crmId")}))
        return await context.catalog.person_list.lowest(context.request, wanted)
    return await context.loaders.person_by_ref.load(_ref(key, value, Kind.PERSON))


async def find_user(context: Context, by: UserBy) -> User | None:
    """The team member that a key names."""
    key, value = _chosen(by)
    if key == "email":
        return await context.loaders.user_by_email.load(address(value, "by.email"))
    return await context.loaders.user_by_ref.load(_ref(key, value, Kind.USER))


async def find_cadence(context: Context, by: CadenceBy) -> Cadence | None:
    """The cadence that a key names."""
    key, value = _chosen(by)
    return await context.loaders.cadence_by_ref.load(_ref(key, value, Kind.CADENCE))


async def find_step(context: Context, by: StepBy) -> Step | None:
    """The step that a key names."""
    key, value = _chosen(by)
    return await context.loaders.step_by_ref.load(_ref(key, value, Kind.STEP))


async def find_account(context: Context, by: AccountBy) -> Account | None:
    """The account that a key names."""
    key, value = _chosen(by)
    if key == "crm_id":
        wanted = AccountFilter(crm_ids=frozenset({short_text(value, "by.crmId")}))
    elif key == "domain":
        wanted = AccountFilter(domains=frozenset({domain(value, "by.domain")}))
    else:
        return await context.loaders.account_by_ref.load(_ref(key, value, Kind.ACCOUNT))
    return await context.catalog.account_list.lowest(context.request, wanted)


def _chosen(by: object) -> tuple[str, str]:
    """The one key that is given; GraphQL has checked that it is one."""
    return next((name, str(value)) for name, value in vars(by).items() if value is not strawberry.UNSET)


def _ref(key: str, value: str, kind: Kind) -> Ref:
    if key == "id":
        return decode_id(value, "by.id", (kind,))
    if key == "guid":
        return Ref(Source.SALESLOFT, kind, guid(value, "by.guid"), UserKey.GUID)
    vendor, _, rest = key.partition("_")
    source, argument = Source(vendor.upper()), f"by.{vendor}{rest.capitalize()}"
    return Ref(source, kind, source_id(source, kind, value, argument))


def _present(outcome: Meeting | GatewayError | None) -> Meeting | None:
    if isinstance(outcome, GatewayError):
        raise outcome
    return outcome
