"""What the lists of people, users, cadences and accounts are narrowed by: tables of conditions, as in `filters`."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from gateway.model.conditions import (
    ByFlag,
    ByIds,
    BySearch,
    BySourceIds,
    ByText,
    ByTexts,
    ByTime,
    Check,
    Condition,
    Filter,
    Form,
    Refs,
    Texts,
    TimeRange,
)
from gateway.model.filters import fold_email
from gateway.model.records import Account, Cadence, Kind, Person, Record, Ref, Source, User
from gateway.model.scopes import PII

UpdatedAt: TypeAlias = Annotated[
    TimeRange | None, Condition(ByTime(), "When the record was last updated.", about=("updated_at",))
]
Archived: TypeAlias = Annotated[bool | None, Condition(ByFlag(), "Whether it is archived.", about=("archived",))]
CrmIds: TypeAlias = Annotated[Texts, Condition(ByTexts(), "Ids in the CRM.", about=("crm_id",))]


def _ids(kind: Kind) -> Condition:
    def of(record: Record) -> Ref:
        return Ref(record.source, kind, record.source_id)

    return Condition(ByIds(kind), "Global ids.", about=("source_id",), of=of)


def _salesloft_ids(kind: Kind) -> Condition:
    return Condition(BySourceIds(Source.SALESLOFT, kind), "Ids in Salesloft.", means="ids")


def _owners(owned: str) -> Condition:
    return Condition(ByIds(Kind.USER), f"Global ids of the team members who own the {owned}.", about=("owner",))


class PersonFilter(Filter[Person], frozen=True, kw_only=True):
    """The conditions of `people(filter:)`.

    Attributes:
        emails: Folded addresses, any of which is enough; `ids` and all other sets likewise.
        owner_ids: As the client sent them; the catalog adds all other references of the same users.
    """

    ids: Annotated[Refs, _ids(Kind.PERSON)] = None
    salesloft_ids: Annotated[Refs, _salesloft_ids(Kind.PERSON)] = None
    emails: Annotated[
        Texts,
        Condition(
            ByTexts(Form.EMAIL),
            "E-mail addresses, any of theirs; case does not matter.",
            about=("emails",),
            of=lambda person: map(fold_email, person.emails or ()),
            several=True,
            personal=True,
        ),
    ] = None
    crm_ids: CrmIds = None
    account_ids: Annotated[Refs, Condition(ByIds(Kind.ACCOUNT), "Global ids of accounts.", about=("account",))] = None
    cadence_ids: Annotated[
        Refs,
        Condition(
            ByIds(Kind.CADENCE),
            "Global ids of cadences that they are in.",
            about=("cadences",),
            of=lambda person: person.cadences or (),
            several=True,
        ),
    ] = None
    owner_ids: Annotated[Refs, _owners("contacts")] = None
    created_at: Annotated[
        TimeRange | None, Condition(ByTime(), "When the record was created.", about=("created_at",))
    ] = None
    updated_at: UpdatedAt = None


def _every_user(user: User) -> tuple[User, ...]:
    return (user, *user.twins)


def _found(wanted: UserFilter) -> Check | None:
    words, addresses = wanted.search, wanted.search_addresses
    if not words:
        return None

    def found(user: User) -> bool:
        every = _every_user(user)
        texts = [text for each in every for text in (each.name, each.first_name, each.last_name)]
        texts += [email for each in every for email in each.emails or ()] if addresses else []
        folded = [text.casefold() for text in texts if text]
        return all(any(word in text for text in folded) for word in words)

    return found


class UserFilter(Filter[User], frozen=True, kw_only=True):
    """The conditions of `users(filter:)`; those on a user's keys and addresses hold on the folded records as well.

    Attributes:
        emails: Folded addresses.
        search: Words, each of which has to be in a name or an address.
        search_addresses: Whether addresses are looked at; else names alone.
    """

    ids: Annotated[
        Refs,
        Condition(
            ByIds(Kind.USER),
            "Global ids.",
            about=("source_id",),
            of=lambda user: [Ref(each.source, Kind.USER, each.source_id) for each in _every_user(user)],
            several=True,
        ),
    ] = None
    salesloft_ids: Annotated[
        Refs, Condition(BySourceIds(Source.SALESLOFT, Kind.USER), "Numeric ids in Salesloft.", means="ids")
    ] = None
    guids: Annotated[
        Texts,
        Condition(
            ByTexts(Form.GUID),
            "GUIDs in Salesloft.",
            about=("guid",),
            of=lambda user: (user.guid or "").lower(),
        ),
    ] = None
    emails: Annotated[
        Texts,
        Condition(
            ByTexts(Form.EMAIL),
            "E-mail addresses, any of theirs; case does not matter.",
            about=("emails",),
            of=lambda user: [fold_email(email) for each in _every_user(user) for email in each.emails or ()],
            several=True,
            personal=True,
        ),
    ] = None
    active: Annotated[
        bool | None, Condition(ByFlag(), "Whether they can log in. Only Salesloft provides it.", about=("active",))
    ] = None
    updated_at: UpdatedAt = None
    search: Annotated[
        tuple[str, ...],
        Condition(
            BySearch(200),
            f"Words that must all be in a name or, with the scope `{PII}`, in an e-mail address; case does not matter.",
            about=("name", "first_name", "last_name", "emails"),
            test=_found,
        ),
    ] = ()
    search_addresses: bool = True


class CadenceFilter(Filter[Cadence], frozen=True, kw_only=True):
    """The conditions of `cadences(filter:)`.

    Attributes:
        name: The whole name, folded.
        owner_ids: As in `PersonFilter`.
    """

    ids: Annotated[Refs, _ids(Kind.CADENCE)] = None
    salesloft_ids: Annotated[Refs, _salesloft_ids(Kind.CADENCE)] = None
    name: Annotated[
        str | None,
        Condition(
            ByText(Form.FOLDED),
            "The full name; case does not matter.",
            about=("name",),
            of=lambda cadence: (cadence.name or "").strip().casefold(),
        ),
    ] = None
    archived: Archived = None
    team_cadence: Annotated[
        bool | None, Condition(ByFlag(), "Whether it belongs to the whole team.", about=("team_cadence",))
    ] = None
    shared: Annotated[bool | None, Condition(ByFlag(), "Whether it is shared with other users.", about=("shared",))] = (
        None
    )
    owner_ids: Annotated[Refs, _owners("cadences")] = None
    updated_at: UpdatedAt = None


class AccountFilter(Filter[Account], frozen=True, kw_only=True):
    """The conditions of `accounts(filter:)`.

    Attributes:
        domains: In lower case.
        owner_ids: As in `PersonFilter`.
    """

    ids: Annotated[Refs, _ids(Kind.ACCOUNT)] = None
    salesloft_ids: Annotated[Refs, _salesloft_ids(Kind.ACCOUNT)] = None
    crm_ids: CrmIds = None
    domains: Annotated[
        Texts,
        Condition(
            ByTexts(Form.DOMAIN),
            "Internet domains; case does not matter.",
            about=("domain",),
            of=lambda account: (account.domain or "").strip().lower(),
        ),
    ] = None
    names: Annotated[Texts, Condition(ByTexts(Form.NAME), "Full names, which must match exactly.", about=("name",))] = (
        None
    )
    owner_ids: Annotated[Refs, _owners("accounts")] = None
    archived: Archived = None
    updated_at: UpdatedAt = None
