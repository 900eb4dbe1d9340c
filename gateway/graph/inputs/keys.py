"""The `by:` inputs, and how each key finds its record."""

from __future__ import annotations

import strawberry

from gateway.errors import GatewayError
from gateway.graph.context import Context
from gateway.graph.inputs.values import address, condition, decode_id, domain, guid, short_text, source_id
from gateway.model.neighbours import AccountFilter, PersonFilter
from gateway.model.records import Account, Cadence, Kind, Meeting, Person, Ref, Source, Step, User, UserKey


@strawberry.input(one_of=True, description="Exactly one key of a meeting.")
class MeetingBy:
    id: strawberry.ID | None = condition("Its global id; that of a folded record finds the meeting that holds it.")
    salesloft_id: strawberry.ID | None = condition("Its id in Salesloft.")
    drift_slug: str | None = condition("Its slug in Drift.")
    calendar_event_id: str | None = condition("The calendar's id of the event.")


@strawberry.input(one_of=True, description="Exactly one key of a person.")
class PersonBy:
    id: strawberry.ID | None = condition("The global id.")
    email: str | None = condition("Any address of theirs, in any case.", personal=True)
    salesloft_id: strawberry.ID | None = condition("The id in Salesloft.")
    drift_id: strawberry.ID | None = condition("The id of the contact in Drift.")
    crm_id: str | None = condition("The id in the CRM; of several people who bear it the one of the lowest id.")


@strawberry.input(one_of=True, description="Exactly one key of a team member.")
class UserBy:
    id: strawberry.ID | None = condition("The global id.")
    email: str | None = condition("Any address of theirs, in any case.", personal=True)
    salesloft_id: strawberry.ID | None = condition("The numeric id in Salesloft.")
    guid: strawberry.ID | None = condition("The GUID in Salesloft.")
    drift_id: strawberry.ID | None = condition("The id in Drift.")


@strawberry.input(one_of=True, description="Exactly one key of a cadence.")
class CadenceBy:
    id: strawberry.ID | None = condition("The global id.")
    salesloft_id: strawberry.ID | None = condition("The id in Salesloft.")


@strawberry.input(one_of=True, description="Exactly one key of a step.")
class StepBy:
    id: strawberry.ID | None = condition("The global id.")
    salesloft_id: strawberry.ID | None = condition("The id in Salesloft.")


@strawberry.input(one_of=True, description="Exactly one key of an account.")
class AccountBy:
    id: strawberry.ID | None = condition("The global id.")
    salesloft_id: strawberry.ID | None = condition("The id in Salesloft.")
    crm_id: str | None = condition("The id in the CRM; of several accounts that bear it the one of the lowest id.")
    domain: str | None = condition("The internet domain; of several accounts that bear it the one of the lowest id.")


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
    argument = {"salesloft_id": "by.salesloftId", "drift_id": "by.driftId", "drift_slug": "by.driftSlug"}.get(
        key, f"by.{key}"
    )
    if key == "guid":
        return Ref(Source.SALESLOFT, kind, guid(value, argument), UserKey.GUID)
    source = Source.DRIFT if key.startswith("drift") else Source.SALESLOFT
    return Ref(source, kind, source_id(source, kind, value, argument))


def _present(outcome: Meeting | GatewayError | None) -> Meeting | None:
    if isinstance(outcome, GatewayError):
        raise outcome
    return outcome
