"""The graph as a subgraph over the emulated vendors, asked as a router asks it."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any

from gateway.catalog.catalog import Catalog
from gateway.emulator.world import World
from gateway.graph.engine import Engine
from gateway.graph.federation.subgraph import Subgraph
from gateway.settings.federation import options
from gateway.upstream.clock import ManualClock
from tests.graph.oracle import Truth, global_id
from tests.world import Asked, Gateway

ENTITIES = "query($representations: [_Any!]!) { _entities(representations: $representations) { __typename %s } }"
IDS = " ".join(
    f"... on {name} {{ id }}"
    for name in ("Meeting", "Person", "User", "Cadence", "Step", "Account", "Task", "Conversation")
)

Representation = Mapping[str, Any]


@functools.cache
def shared_engine(prefix: str = "") -> Engine:
    """One engine for all tests, and one for each prefix; see `tests.world.shared_engine`."""
    return Engine(Catalog([], ManualClock()), federation=Subgraph(options=options(prefix=prefix)))


class Asks(Gateway):
    """A gateway that answers routers, by names with a prefix where there is one."""

    prefix = ""

    @classmethod
    def of(cls, gateway: Gateway, prefix: str = "") -> Asks:
        """The same gateway, with the fields that a router asks for."""
        asks = cls(gateway.emulators, gateway.session, gateway.clock)
        asks.prefix = prefix
        return asks

    def engine(self) -> Engine:
        """The engine."""
        super().engine()
        engine = shared_engine(self.prefix)
        engine._catalog = self._catalog
        engine._on_internal_error = self.faults.append
        return engine

    async def entities(self, representations: Sequence[Any], selection: str = IDS) -> Asked:
        """What representations come to."""
        return await self.ask(ENTITIES % selection, representations=list(representations))


def every_key(world: World) -> list[tuple[Representation, str]]:
    """A representation by every key of every type, and the global id of what it names; empty where any will do."""
    hub, chat = world.salesloft, world.drift
    truth = Truth(world)
    person = next(row for row in hub.people.values() if row["crm_id"] and row["id"] not in hub.hidden_people)
    user, cadence, step = (next(iter(table.values())) for table in (hub.users, hub.cadences, hub.steps))
    account, task = next(iter(hub.accounts)), next(iter(hub.tasks))
    chatted = next(iter(chat.conversations))
    folded = next(event for event in truth.events if event.hub and event.chats and event.hub["event_id"])
    alone = next(event for event in truth.events if event.hub is None)
    assert folded.hub is not None
    ids = {
        "Person": global_id("Person", "SALESLOFT", person["id"]),
        "User": global_id("User", "SALESLOFT", user["id"]),
        "Cadence": global_id("Cadence", "SALESLOFT", cadence["id"]),
        "Step": global_id("Step", "SALESLOFT", step["id"]),
        "Account": global_id("Account", "SALESLOFT", account),
        "Task": global_id("Task", "SALESLOFT", task),
        "Conversation": global_id("Conversation", "DRIFT", chatted),
        "Meeting": folded.id,
    }
    others: list[tuple[str, dict[str, Any], str]] = [
        ("Person", {"salesloftId": str(person["id"])}, ids["Person"]),
        ("Person", {"salesloftId": person["id"]}, ids["Person"]),
        ("Person", {"email": person["email_address"].upper()}, ids["Person"]),
        ("Person", {"crmId": person["crm_id"]}, ids["Person"]),
        ("User", {"salesloftId": str(user["id"])}, ids["User"]),
        ("User", {"guid": user["guid"]}, ids["User"]),
        ("User", {"email": user["email"].upper()}, ids["User"]),
        ("Cadence", {"salesloftId": str(cadence["id"])}, ids["Cadence"]),
        ("Step", {"salesloftId": str(step["id"])}, ids["Step"]),
        ("Account", {"salesloftId": str(account)}, ids["Account"]),
        ("Meeting", {"sourceId": folded.key}, folded.id),
        ("Meeting", {"source": "SALESLOFT", "sourceId": folded.key}, folded.id),
        ("Meeting", {"sourceId": folded.chats[0]["slug"]}, folded.id),
        ("Meeting", {"source": "DRIFT", "sourceId": alone.key}, alone.id),
        ("Meeting", {"calendarEventId": folded.hub["event_id"]}, folded.id),
    ]
    by_id = [({"__typename": name, "id": id_}, id_) for name, id_ in ids.items()]
    return by_id + [({"__typename": name, **key}, id_) for name, key, id_ in others]
