"""Random records of every kind, with everything around them, and what can be wrong with them."""

from __future__ import annotations

import dataclasses
import datetime as dt
import random
from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import inspect as types

from gateway.errors import UpstreamTimeout
from gateway.model import records
from gateway.model.records import Kind, Ref, Source, UserKey
from gateway.sources.drift import wire as drift
from gateway.sources.salesloft import wire as salesloft

EPOCH = dt.datetime(2026, 3, 1, 9, tzinfo=dt.UTC)
COUNT = 6
"""Records of each kind."""

KINDS: dict[Kind, type[records.Record]] = {
    Kind.MEETING: records.Meeting,
    Kind.PERSON: records.Person,
    Kind.USER: records.User,
    Kind.CADENCE: records.Cadence,
    Kind.STEP: records.Step,
    Kind.ACCOUNT: records.Account,
    Kind.TASK: records.Task,
    Kind.CONVERSATION: records.Conversation,
}
LINKS = {
    "owner": Kind.USER,
    "booked_by": Kind.USER,
    "creator": Kind.USER,
    "user": Kind.USER,
    "completed_by": Kind.USER,
    "created_by": Kind.USER,
    "person": Kind.PERSON,
    "contact": Kind.PERSON,
    "cadence": Kind.CADENCE,
    "step": Kind.STEP,
    "account": Kind.ACCOUNT,
    "task": Kind.TASK,
    "conversation": Kind.CONVERSATION,
    "cadences": Kind.CADENCE,
    "participants": Kind.USER,
}
ROWS: dict[tuple[Kind, Source], type[Any]] = {
    (Kind.MEETING, Source.SALESLOFT): salesloft.Meeting,
    (Kind.MEETING, Source.DRIFT): drift.Meeting,
    (Kind.PERSON, Source.SALESLOFT): salesloft.Person,
    (Kind.PERSON, Source.DRIFT): drift.Contact,
    (Kind.USER, Source.SALESLOFT): salesloft.User,
    (Kind.USER, Source.DRIFT): drift.User,
    (Kind.CADENCE, Source.SALESLOFT): salesloft.Cadence,
    (Kind.STEP, Source.SALESLOFT): salesloft.Step,
    (Kind.ACCOUNT, Source.SALESLOFT): salesloft.Account,
    (Kind.TASK, Source.SALESLOFT): salesloft.Task,
    (Kind.CONVERSATION, Source.DRIFT): drift.Conversation,
}
WRONG: tuple[Any, ...] = (7, "wrong", True, 2.5, (), (None,), ("a", 3), {}, dt.date(2026, 1, 1), ValueError("wrong"))
"""Values of types that hardly any field has."""


@dataclasses.dataclass(frozen=True)
class Faults:
    """How often what goes wrong, from 0 to 1.

    Attributes:
        raising: Of batches: all of it fails.
        failing: Of keys: that one fails.
        missing: Of keys: there is none.
        strange: Of keys: a value of another type.
        slow: Of batches: some loop turns.
        cancelled: Of batches: it ends cancelled.
        wrong: Of records: an attribute of another type, or null where none may be.
        unreadable: Of records: an attribute that could not be read, or twins that could not be looked for.
    """

    raising: float = 0
    failing: float = 0
    missing: float = 0
    strange: float = 0
    slow: float = 0
    cancelled: float = 0
    wrong: float = 0
    unreadable: float = 0


SIMPLE: dict[type[Any], Callable[[random.Random, Any], Any]] = {
    types.NoneType: lambda _rng, _info: None,
    types.BoolType: lambda rng, _: rng.random() < 0.5,
    types.IntType: lambda rng, _: rng.choice([0, 1, 7, 2_000_000_000]),
    types.FloatType: lambda rng, _: rng.choice([0.5, 3.0, -1.25]),
    types.StrType: lambda rng, _: rng.choice(["", "plain", 'quo"te', "ümlaut €", "\u2028\n\t", "a@example.com", "12"]),
    types.DateTimeType: lambda rng, _: EPOCH + dt.timedelta(seconds=rng.randint(0, 9), microseconds=rng.choice([0, 5])),
    types.EnumType: lambda rng, info: rng.choice(list(info.cls)),
    types.DateType: lambda rng, _: dt.date(2026, 3, rng.randint(1, 5)),
}


KNOWN: dict[type[Any], dict[str, Any]] = {}


class Values:
    """Random values by type, and records by kind."""

    def __init__(self, seed: object, faults: Faults) -> None:
        self._random = random.Random(str(seed))
        self._faults = faults

    def record(self, kind: Kind, number: int) -> records.Record:
        """A record with everything around it."""
        source = Source.DRIFT if number % 3 == 2 and kind is not Kind.STEP else Source.SALESLOFT
        given: dict[str, Any] = {"source": source, "source_id": str(number)}
        cls = KINDS[kind]
        for name in cls.__struct_fields__:
            if name in LINKS:
                given[name] = self._links(name)
            elif name not in {*given, "raw", "unreadable", "twins", "sources", "unfolded"}:
                given[name] = self.value(_annotation(cls, name))
        row = ROWS.get((kind, source))
        given["raw"] = None if row is None or self._random.random() < 0.2 else self._struct(row)
        if kind is Kind.MEETING:
            given["sources"] = (source,)
        made: records.Record = self._spoilt(cls, given)
        return made

    def value(self, info: Any) -> Any:
        """A value of a type."""
        rng = self._random
        if type(info) in SIMPLE:
            return SIMPLE[type(info)](rng, info)
        match info:
            case types.UnionType(types=parts):
                return self.value(rng.choice(parts))
            case types.ListType(item_type=item):
                return [self.value(item) for _ in range(rng.randint(0, 2))]
            case types.VarTupleType(item_type=item):
                return tuple(self.value(item) for _ in range(rng.randint(0, 3)))
            case types.StructType(cls=struct):
                return self._struct(struct)
        return rng.choice([None, "any", 3, [1, {"deep": None}]])

    def _struct(self, struct: type[Any]) -> Any:
        if issubclass(struct, Ref):
            return Ref(Source.SALESLOFT, Kind.PERSON, str(self._random.randrange(COUNT)))
        names = [name for name in struct.__struct_fields__ if name not in {"raw", "unreadable"}]
        return self._spoilt(struct, {name: self.value(_annotation(struct, name)) for name in names})

    def _spoilt(self, cls: type[Any], given: dict[str, Any]) -> Any:
        """An instance, with a fault where one is due."""
        rng, names = self._random, [name for name in given if name not in {"source", "source_id", "raw", *LINKS}]
        if names and rng.random() < self._faults.wrong:
            given[rng.choice([*names, *names, "source"] if "source" in given else names)] = rng.choice([None, *WRONG])
        if "unreadable" in cls.__struct_fields__ and rng.random() < self._faults.unreadable:
            name = rng.choice(names)
            if rng.random() < 0.7:
                given[name] = None
            given["unreadable"] = frozenset({name, f"salesloft.{rng.choice(names)}"})
        if "unfolded" in cls.__struct_fields__ and rng.random() < self._faults.unreadable:
            given["unfolded"] = UpstreamTimeout("Twins could not be looked for.", source="SALESLOFT")
        return cls(**given)

    def _links(self, name: str) -> Any:
        rng = self._random
        if name in {"cadences", "participants"}:
            return rng.choice([None, (), tuple(self._ref(LINKS[name]) for _ in range(rng.randint(1, 4)))])
        return None if rng.random() < 0.2 else self._ref(LINKS[name])

    def _ref(self, kind: Kind) -> Ref:
        number = self._random.randrange(COUNT + 1)
        key = UserKey.GUID if kind is Kind.USER and number % 2 else UserKey.ID
        return Ref(Source.SALESLOFT, kind, str(number), key)


def _annotation(struct: type[Any], name: str) -> Any:
    """The type of a field."""
    if struct not in KNOWN:
        KNOWN[struct] = _annotations(struct)
    return KNOWN[struct][name]


def _annotations(struct: type[Any]) -> dict[str, Any]:
    """The types of a struct's fields as msgspec has them; Any, where it does not know one."""
    reported: dict[str, Any] = {}
    for field in msgspec.structs.fields(struct):
        try:
            reported[field.name] = types.type_info(field.type)
        except TypeError:
            reported[field.name] = types.AnyType()
    return reported
