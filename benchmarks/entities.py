"""A router's thousand entities of five kinds: ours beside Strawberry's own `_entities`, in CPU a representation.

python benchmarks/entities.py [ROUNDS]      prints a table

Both answer the same query over the same records in memory, so that what is measured is the way from representations
to JSON: on Strawberry's side `resolve_reference` with a DataLoader a kind, as its documentation has it. Rounds are
interleaved; figures are medians of the process's own CPU, which other load does not change.
"""

from __future__ import annotations

import asyncio
import itertools
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, cast

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent)]

import msgspec  # noqa: E402
import strawberry  # noqa: E402
from aiodataloader import DataLoader  # noqa: E402

from gateway.catalog.catalog import Catalog  # noqa: E402 - found beside this folder
from gateway.graph.documents import Prepared  # noqa: E402
from gateway.graph.engine import Engine  # noqa: E402
from gateway.graph.federation.entities import MAX_REPRESENTATIONS  # noqa: E402
from gateway.graph.federation.subgraph import Subgraph  # noqa: E402
from gateway.graph.ids import global_id  # noqa: E402
from gateway.model import records  # noqa: E402
from gateway.model.cost import Needs  # noqa: E402
from gateway.model.records import Kind, Record, Source  # noqa: E402
from gateway.request import Request  # noqa: E402
from gateway.sources.base import Found, Ports  # noqa: E402
from gateway.upstream.clock import SystemClock  # noqa: E402

KINDS = (Kind.PERSON, Kind.CADENCE, Kind.STEP, Kind.ACCOUNT, Kind.TASK)
EACH = MAX_REPRESENTATIONS // len(KINDS)
QUERY = """query($representations: [_Any!]!) { _entities(representations: $representations) { __typename
  ... on Person { id name title city } ... on Cadence { id name archived shared }
  ... on Step { id name type day } ... on Account { id name domain city } ... on Task { id subject currentState } } }"""
WARM = 5
"""Runs before the first that counts: ours compiles what it sees again, Strawberry keeps nothing."""


def _records() -> dict[Kind, dict[str, Record]]:
    makers: dict[Kind, Callable[[str], Record]] = {
        Kind.PERSON: lambda key: records.Person(
            source=Source.SALESLOFT, source_id=key, name=f"Person {key}", title="Buyer", city="Ulm"
        ),
        Kind.CADENCE: lambda key: records.Cadence(
            source=Source.SALESLOFT, source_id=key, name=f"Cadence {key}", archived=False, shared=True
        ),
        Kind.STEP: lambda key: records.Step(
            source=Source.SALESLOFT, source_id=key, name=f"Step {key}", type="email", day=3
        ),
        Kind.ACCOUNT: lambda key: records.Account(
            source=Source.SALESLOFT, source_id=key, name=f"Account {key}", domain="a.example", city="Ulm"
        ),
        Kind.TASK: lambda key: records.Task(
            source=Source.SALESLOFT, source_id=key, subject=f"Task {key}", current_state="due"
        ),
    }
    return {kind: {str(number): make(str(number)) for number in range(1, EACH + 1)} for kind, make in makers.items()}


RECORDS = _records()
NAMED = {
    global_id(kind, Source.SALESLOFT, key): (kind, record)
    for kind, rows in RECORDS.items()
    for key, record in rows.items()
}
REPRESENTATIONS = [
    {"__typename": kind.value, "id": global_id(kind, Source.SALESLOFT, str(number))}
    for number in range(1, EACH + 1)
    for kind in KINDS
]


def _variables() -> dict[str, Any]:
    """Fresh ones, as a request brings them: Strawberry takes them apart."""
    return {"representations": [dict(each) for each in REPRESENTATIONS]}


class Side(Protocol):
    """One of those compared."""

    async def answer(self) -> bytes:
        """The answer to the query, as JSON."""
        ...


class Held:
    """Records of one kind by id, from memory."""

    def __init__(self, kind: Kind) -> None:
        self._rows = RECORDS[kind]

    async def by_ids(self, _: Request, ids: Sequence[str]) -> Found[Any]:
        """Those that there are."""
        return Found(rows=[self._rows[key] for key in ids if key in self._rows])

    async def by_emails(self, _request: Request, _emails: Sequence[str]) -> Found[Any]:
        """Nobody: the query asks for none."""
        return Found(rows=[])

    def price_of_ids(self, _: int) -> Needs:
        """Nothing."""
        return []

    price_of_emails = price_of_ids
    most_addresses = 1


class Ours:
    """The gateway's engine over ports that hold everything."""

    def __init__(self) -> None:
        ports = Ports(
            source=Source.SALESLOFT,
            people=Held(Kind.PERSON),
            cadences=Held(Kind.CADENCE),
            steps=Held(Kind.STEP),
            accounts=Held(Kind.ACCOUNT),
            tasks=Held(Kind.TASK),
        )
        self._engine = Engine(Catalog([ports], SystemClock()), federation=Subgraph())

    async def answer(self) -> bytes:
        """See `Side`."""
        prepared = cast("Prepared", self._engine.prepare(QUERY))
        told = await self._engine.execute(
            prepared, variables=_variables(), operation_name=None, request=Request(SystemClock().monotonic() + 60)
        )
        return msgspec.json.encode({"data": told.data})


Load = Callable[[Sequence[Any]], Awaitable[list[Any]]]


def _entity(name: str, fields: Mapping[str, Any]) -> type[Any]:
    """A type as Strawberry's documentation writes one, its reference resolved through a loader of the request."""

    def resolve_reference(cls: type[Any], info: strawberry.Info[Any, None], id: strawberry.ID) -> Any:  # noqa: A002
        return info.context[name].load((cls, id))

    made = type(
        name,
        (),
        {"__annotations__": {"id": strawberry.ID, **fields}, "resolve_reference": classmethod(resolve_reference)},
    )
    return strawberry.federation.type(made, keys=["id"])


TEXT = str | None
TYPES = {
    Kind.PERSON: _entity("Person", {"name": TEXT, "title": TEXT, "city": TEXT}),
    Kind.CADENCE: _entity("Cadence", {"name": TEXT, "archived": bool | None, "shared": bool | None}),
    Kind.STEP: _entity("Step", {"name": TEXT, "type": TEXT, "day": int | None}),
    Kind.ACCOUNT: _entity("Account", {"name": TEXT, "domain": TEXT, "city": TEXT}),
    Kind.TASK: _entity("Task", {"subject": TEXT, "current_state": TEXT}),
}


@strawberry.type
class Query:
    """What a schema has to have."""

    hello: str = "hello"


async def _load(keys: Sequence[tuple[type[Any], str]]) -> list[Any]:
    made = []
    for cls, id_ in keys:
        _, record = NAMED[id_]
        names = [name for name in cls.__annotations__ if name != "id"]
        made.append(cls(id=id_, **{name: getattr(record, name) for name in names}))
    return made


class Strawberrys:
    """Strawberry's own federation."""

    def __init__(self) -> None:
        self._schema = strawberry.federation.Schema(query=Query, types=list(TYPES.values()))

    async def answer(self) -> bytes:
        """See `Side`."""
        loaders: dict[str, DataLoader[Any, Any]] = {kind.value: DataLoader(_load) for kind in KINDS}
        told = await self._schema.execute(QUERY, variable_values=_variables(), context_value=loaders)
        assert told.errors is None, told.errors
        return msgspec.json.encode({"data": told.data})


SIDES: dict[str, Callable[[], Side]] = {"this project": Ours, "Strawberry's own": Strawberrys}


def bench(rounds: int) -> dict[str, float]:
    """Microseconds of CPU a representation, by side; the answers are the same."""
    return asyncio.run(_bench(rounds))


async def _bench(rounds: int) -> dict[str, float]:
    sides = {name: make() for name, make in SIDES.items()}
    for side in sides.values():
        for _ in range(WARM):
            await side.answer()
    answers = [await side.answer() for side in sides.values()]
    assert all(one == other for one, other in itertools.pairwise(answers)), "they answer the same"
    taken: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, side in sides.items():
            began = time.process_time()
            await side.answer()
            taken[name].append((time.process_time() - began) / len(REPRESENTATIONS) * 1e6)
    return {name: statistics.median(times) for name, times in taken.items()}


def table(found: Mapping[str, float]) -> str:
    """The figures as Markdown."""
    rows = ["| `_entities`, 1,000 of five kinds | µs of CPU each | times ours |", "|---|---:|---:|"]
    ours = found["this project"]
    rows += [f"| {name} | {figure:.1f} | {figure / ours:.1f} |" for name, figure in found.items()]
    return "\n".join(rows)


if __name__ == "__main__":
    print(table(bench(int(sys.argv[1]) if sys.argv[1:] else 30)))
