"""What the lists of people, users, cadences and accounts are narrowed by.

All conditions are ANDed. None is no condition; an empty set matches nothing.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from gateway.model.filters import Refs, TimeRange, fold_email
from gateway.model.records import Account, Cadence, Kind, Person, Ref, User

Words = frozenset[str] | None


class Conditions(msgspec.Struct, frozen=True, kw_only=True):
    """What every one of these filters can tell of itself."""

    @property
    def impossible(self) -> bool:
        """Whether some condition is an empty set, so that nothing can match."""
        return any(isinstance(value, frozenset) and not value for value in msgspec.structs.asdict(self).values())


class PersonFilter(Conditions, frozen=True, kw_only=True):
    """The conditions of `people(filter:)`.

    Attributes:
        emails: Folded addresses, any of which is enough; `ids` and all other sets likewise.
        owner_ids: As the client sent them; the catalog adds all other references of the same users.
    """

    ids: Refs = None
    emails: Words = None
    crm_ids: Words = None
    account_ids: Refs = None
    cadence_ids: Refs = None
    owner_ids: Refs = None
    created_at: TimeRange | None = None
    updated_at: TimeRange | None = None

    def admits(self, person: Person) -> bool:
        """Whether every condition holds."""
        return (
            (self.ids is None or Ref(person.source, Kind.PERSON, person.source_id) in self.ids)
            and (self.emails is None or not self.emails.isdisjoint(map(fold_email, person.emails or ())))
            and (self.crm_ids is None or person.crm_id in self.crm_ids)
            and (self.account_ids is None or person.account in self.account_ids)
            and (self.cadence_ids is None or not self.cadence_ids.isdisjoint(person.cadences or ()))
            and (self.owner_ids is None or person.owner in self.owner_ids)
            and (self.created_at is None or self.created_at.admits(person.created_at))
            and (self.updated_at is None or self.updated_at.admits(person.updated_at))
        )


class AccountFilter(Conditions, frozen=True, kw_only=True):
    """The conditions of `accounts(filter:)`.

    Attributes:
        domains: In lower case.
        owner_ids: As in `PersonFilter`.
    """

    ids: Refs = None
    crm_ids: Words = None
    domains: Words = None
    names: Words = None
    owner_ids: Refs = None
    archived: bool | None = None
    updated_at: TimeRange | None = None

    def admits(self, account: Account) -> bool:
        """Whether every condition holds."""
        return (
            (self.ids is None or Ref(account.source, Kind.ACCOUNT, account.source_id) in self.ids)
            and (self.crm_ids is None or account.crm_id in self.crm_ids)
            and (self.domains is None or (account.domain or "").strip().lower() in self.domains)
            and (self.names is None or account.name in self.names)
            and (self.owner_ids is None or account.owner in self.owner_ids)
            and (self.archived is None or self.archived == account.archived)
            and (self.updated_at is None or self.updated_at.admits(account.updated_at))
        )


class UserFilter(Conditions, frozen=True, kw_only=True):
    """The conditions of `users(filter:)`; those on a user's keys and addresses hold on the folded records as well.

    Attributes:
        emails: Folded addresses.
        search: Words, each of which has to be in a name or an address.
        search_addresses: Whether addresses are looked at; else names alone.
    """

    ids: Refs = None
    guids: Words = None
    emails: Words = None
    active: bool | None = None
    search: tuple[str, ...] = ()
    search_addresses: bool = True

    def admits(self, user: User) -> bool:
        """Whether every condition holds."""
        every = (user, *user.twins)
        texts = _texts(every, addresses=self.search_addresses) if self.search else []
        return (
            (self.ids is None or any(Ref(each.source, Kind.USER, each.source_id) in self.ids for each in every))
            and (self.guids is None or (user.guid or "").lower() in self.guids)
            and (self.emails is None or not self.emails.isdisjoint(_addresses(every)))
            and (self.active is None or self.active == user.active)
            and all(any(word in text for text in texts) for word in self.search)
        )


class CadenceFilter(Conditions, frozen=True, kw_only=True):
    """The conditions of `cadences(filter:)`.

    Attributes:
        name: The whole name, folded.
        owner_ids: As in `PersonFilter`.
    """

    ids: Refs = None
    name: str | None = None
    archived: bool | None = None
    team_cadence: bool | None = None
    shared: bool | None = None
    owner_ids: Refs = None
    updated_at: TimeRange | None = None

    def admits(self, cadence: Cadence) -> bool:
        """Whether every condition holds."""
        return (
            (self.ids is None or Ref(cadence.source, Kind.CADENCE, cadence.source_id) in self.ids)
            and (self.name is None or (cadence.name or "").strip().casefold() == self.name)
            and (self.archived is None or self.archived == cadence.archived)
            and (self.team_cadence is None or self.team_cadence == cadence.team_cadence)
            and (self.shared is None or self.shared == cadence.shared)
            and (self.owner_ids is None or cadence.owner in self.owner_ids)
            and (self.updated_at is None or self.updated_at.admits(cadence.updated_at))
        )


def _addresses(users: Iterable[User]) -> set[str]:
    return {fold_email(email) for user in users for email in user.emails or ()}


def _texts(users: Iterable[User], *, addresses: bool) -> list[str]:
    names = [text for user in users for text in (user.name, user.first_name, user.last_name)]
    emails = [email for user in users for email in user.emails or ()] if addresses else []
    return [text.casefold() for text in (*names, *emails) if text]
