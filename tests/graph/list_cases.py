"""The conditions of the lists of people, accounts and cadences: what each means, and what is asked for it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, TypeAlias

from gateway.emulator.world import World
from tests.graph.oracle import Row, fold, formatted, global_id, stub, when

Keep: TypeAlias = Callable[[Row], bool]


@dataclasses.dataclass(frozen=True)
class Case:
    """A filter of a list.

    Attributes:
        filter: As the client writes it, worked out from the world.
        keep: What it means.
        sent: Parameters of the list's first call.
    """

    filter: Callable[[World], dict[str, Any]]
    keep: Callable[[World], Keep]
    sent: Callable[[World], dict[str, list[str]]] = lambda _: {}


def ids(kind: str, *keys: object) -> list[str]:
    return [global_id(kind, "SALESLOFT", key) for key in keys]


def first(rows: Any, name: str = "id", test: Keep = lambda _: True) -> Any:
    return next(row[name] for row in rows.values() if row[name] is not None and test(row))


def emails(row: Row) -> set[str]:
    names = ("email_address", "secondary_email_address", "personal_email_address")
    return {fold(row[name]) for name in names if row[name]}


def second_address(world: World) -> str:
    return str(first(world.salesloft.people, "secondary_email_address", lambda row: row["id"] not in hidden(world)))


def hidden(world: World) -> set[int]:
    return world.salesloft.hidden_people


def made(row: Row, low: str, high: str, name: str = "created_at") -> bool:
    return low <= (formatted(when(row[name])) or "") < high


SPAN = ("2026-01-01T00:00:00.000000Z", "2026-02-01T00:00:00.000000Z")
RANGE = {"gte": SPAN[0], "lt": SPAN[1]}


def pushed(name: str) -> Callable[[World], dict[str, list[str]]]:
    return lambda _: {f"{name}[gte]": [SPAN[0]], f"{name}[lt]": [SPAN[1]]}


PEOPLE: dict[str, Case] = {
    "all": Case(lambda _: {}, lambda _: lambda _row: True, lambda _: {"sort_by": ["created_at"], "page": ["1"]}),
    "ids": Case(
        lambda w: {"ids": ids("Person", *list(w.salesloft.people)[:3])},
        lambda w: lambda row: row["id"] in list(w.salesloft.people)[:3],
        lambda w: {"ids[]": [str(key) for key in list(w.salesloft.people)[:3]]},
    ),
    "salesloftIds": Case(
        lambda w: {"salesloftIds": [str(key) for key in list(w.salesloft.people)[3:5]]},
        lambda w: lambda row: row["id"] in list(w.salesloft.people)[3:5],
        lambda w: {"ids[]": [str(key) for key in list(w.salesloft.people)[3:5]]},
    ),
    "emails": Case(
        lambda w: {"emails": [second_address(w).upper()]},
        lambda w: lambda row: fold(second_address(w)) in emails(row),
        lambda w: {"email_addresses[]": [fold(second_address(w))]},
    ),
    "crmIds": Case(
        lambda w: {"crmIds": [first(w.salesloft.people, "crm_id")]},
        lambda w: lambda row: row["crm_id"] == first(w.salesloft.people, "crm_id"),
        lambda w: {"crm_id[]": [first(w.salesloft.people, "crm_id")]},
    ),
    "accountIds": Case(
        lambda w: {"accountIds": ids("Account", first(w.salesloft.people, "account")["id"])},
        lambda w: lambda row: stub(row, "account") == first(w.salesloft.people, "account")["id"],
        lambda w: {"account_id[]": [str(first(w.salesloft.people, "account")["id"])]},
    ),
    "cadenceIds": Case(
        lambda w: {"cadenceIds": ids("Cadence", first(w.salesloft.cadences))},
        lambda w: lambda row: any(each["id"] == first(w.salesloft.cadences) for each in row["cadences"]),
        lambda w: {"cadence_id[]": [str(first(w.salesloft.cadences))]},
    ),
    "ownerIds": Case(
        lambda w: {"ownerIds": ids("User", first(w.salesloft.people, "owner")["id"])},
        lambda w: lambda row: stub(row, "owner") == first(w.salesloft.people, "owner")["id"],
        lambda w: {"owner_id[]": [str(first(w.salesloft.people, "owner")["id"])]},
    ),
    "createdAt": Case(lambda _: {"createdAt": RANGE}, lambda _: lambda row: made(row, *SPAN), pushed("created_at")),
    "updatedAt": Case(
        lambda _: {"updatedAt": {"gte": SPAN[1]}},
        lambda _: lambda row: made(row, SPAN[1], "9", "updated_at"),
        lambda _: {"updated_at[gte]": [SPAN[1]]},
    ),
}
ACCOUNTS: dict[str, Case] = {
    "all": Case(lambda _: {}, lambda _: lambda _row: True, lambda _: {"sort_by": ["created_at"], "page": ["1"]}),
    "ids": Case(
        lambda w: {"ids": ids("Account", first(w.salesloft.accounts))},
        lambda w: lambda row: row["id"] == first(w.salesloft.accounts),
        lambda w: {"ids[]": [str(first(w.salesloft.accounts))]},
    ),
    "salesloftIds": Case(
        lambda w: {"salesloftIds": [str(first(w.salesloft.accounts))]},
        lambda w: lambda row: row["id"] == first(w.salesloft.accounts),
        lambda w: {"ids[]": [str(first(w.salesloft.accounts))]},
    ),
    "crmIds": Case(
        lambda w: {"crmIds": [first(w.salesloft.accounts, "crm_id")]},
        lambda w: lambda row: row["crm_id"] == first(w.salesloft.accounts, "crm_id"),
        lambda w: {"crm_id[]": [first(w.salesloft.accounts, "crm_id")]},
    ),
    "domains": Case(
        lambda w: {"domains": [row["domain"].upper() for row in list(w.salesloft.accounts.values())[:2]]},
        lambda w: lambda row: row["domain"] in [row["domain"] for row in list(w.salesloft.accounts.values())[:2]],
    ),
    "domain": Case(
        lambda w: {"domains": [first(w.salesloft.accounts, "domain")]},
        lambda w: lambda row: row["domain"] == first(w.salesloft.accounts, "domain"),
        lambda w: {"domain": [first(w.salesloft.accounts, "domain")]},
    ),
    "names": Case(
        lambda w: {"names": [first(w.salesloft.accounts, "name")]},
        lambda w: lambda row: row["name"] == first(w.salesloft.accounts, "name"),
        lambda w: {"name[]": [first(w.salesloft.accounts, "name")]},
    ),
    "ownerIds": Case(
        lambda w: {"ownerIds": ids("User", first(w.salesloft.accounts, "owner")["id"])},
        lambda w: lambda row: stub(row, "owner") == first(w.salesloft.accounts, "owner")["id"],
        lambda w: {"owner_id[]": [str(first(w.salesloft.accounts, "owner")["id"])]},
    ),
    "archived": Case(
        lambda _: {"archived": False},
        lambda _: lambda row: row["archived_at"] is None,
        lambda _: {"archived": ["false"]},
    ),
    "updatedAt": Case(
        lambda _: {"updatedAt": RANGE}, lambda _: lambda row: made(row, *SPAN, "updated_at"), pushed("updated_at")
    ),
}
CADENCES: dict[str, Case] = {
    "all": Case(lambda _: {}, lambda _: lambda _row: True),
    "ids": Case(
        lambda w: {"ids": ids("Cadence", first(w.salesloft.cadences))},
        lambda w: lambda row: row["id"] == first(w.salesloft.cadences),
    ),
    "salesloftIds": Case(
        lambda w: {"salesloftIds": [str(first(w.salesloft.cadences))]},
        lambda w: lambda row: row["id"] == first(w.salesloft.cadences),
    ),
    "name": Case(
        lambda w: {"name": first(w.salesloft.cadences, "name").upper()},
        lambda w: lambda row: row["name"] == first(w.salesloft.cadences, "name"),
    ),
    "archived": Case(lambda _: {"archived": True}, lambda _: lambda row: row["archived_at"] is not None),
    "teamCadence": Case(lambda _: {"teamCadence": True}, lambda _: lambda row: row["team_cadence"]),
    "shared": Case(lambda _: {"shared": False}, lambda _: lambda row: not row["shared"]),
    "ownerIds": Case(
        lambda w: {"ownerIds": ids("User", first(w.salesloft.cadences, "owner")["id"])},
        lambda w: lambda row: stub(row, "owner") == first(w.salesloft.cadences, "owner")["id"],
    ),
    "updatedAt": Case(
        lambda _: {"updatedAt": {"gte": SPAN[0]}}, lambda _: lambda row: made(row, SPAN[0], "9", "updated_at")
    ),
}
