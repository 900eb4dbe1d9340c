"""How Salesloft reads a query (`name=`, `name[]=`, `name[gte]=`, each with a type), and what each filter keeps."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, fields
from datetime import datetime
from enum import Enum
from typing import Any

from gateway.emulator.calendar import instant
from gateway.emulator.table import Row
from gateway.emulator.world import SalesloftWorld

IS_NULL = "_is_null"
IS_NOT_NULL = "_is_not_null"
OPERATORS = frozenset({"gt", "gte", "lt", "lte"})


class Invalid(Exception):
    """Parameters that get a 422; `errors` is the body's, field by field."""

    def __init__(self, errors: dict[str, list[str]]) -> None:
        super().__init__(errors)
        self.errors = errors


class Shape(Enum):
    """How often, and with which brackets, a parameter comes."""

    ONE = "one"
    MANY = "many"
    EITHER = "either"
    RANGE = "range"


Reader = Callable[[str], Any]
"""Reads one text; raises ValueError with a message for the client."""


@dataclass(frozen=True)
class Param:
    """One documented parameter."""

    shape: Shape
    read: Reader


@dataclass(frozen=True)
class ParsedParams:
    """What came.

    Attributes:
        values: by parameter; a list for MANY and EITHER, a dict by operator for RANGE.
        unknown: the names that were ignored.
    """

    values: dict[str, Any]
    unknown: tuple[str, ...]


def number(text: str) -> int:
    """Read an integer."""
    if not text.removeprefix("-").isdecimal():
        raise ValueError("must be an integer")
    return int(text)


def number_or_null(text: str) -> int | str:
    """Read an integer, or the word for "none"."""
    return text if text == IS_NULL else number(text)


def text(value: str) -> str:
    """Read any text."""
    return value


def lower(value: str) -> str:
    """Read text whose case does not matter."""
    return value.strip().lower()


def flag(value: str) -> bool:
    """Read a boolean."""
    if value not in {"true", "false"}:
        raise ValueError("must be true or false")
    return value == "true"


def loose_flag(value: str) -> bool | None:
    """Read a boolean where the document says that other words are no filter."""
    return {"true": True, "false": False}.get(value)


def word(*words: str) -> Reader:
    """Make a reader of one of these words."""

    def read(value: str) -> str:
        if value not in words:
            raise ValueError(f"must be one of: {', '.join(words)}")
        return value

    return read


def moment(value: str) -> datetime | str:
    """Read a time to the microsecond."""
    if value in {IS_NULL, IS_NOT_NULL}:
        return value
    try:
        return instant(value)
    except ValueError:
        raise ValueError("must be an iso8601 timestamp") from None


@dataclass
class _Gathering:
    values: dict[str, Any] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)
    errors: dict[str, list[str]] = field(default_factory=dict)

    def take(self, name: str, raw: str, known: dict[str, Param]) -> None:
        base, bracket, inner = name.partition("[")
        param = known.get(base)
        operator = inner.removesuffix("]")
        if param is None or (bracket and operator and not (param.shape is Shape.RANGE and operator in OPERATORS)):
            self.unknown.append(name)
            return
        try:
            self._keep(base, param, bracketed=bool(bracket), operator=operator, value=param.read(raw))
        except ValueError as why:
            self.errors.setdefault(base, []).append(str(why))

    def _keep(self, base: str, param: Param, *, bracketed: bool, operator: str, value: Any) -> None:
        match param.shape:
            case Shape.RANGE if operator and isinstance(value, datetime):
                self.values.setdefault(base, {})[operator] = value
            case Shape.RANGE if not bracketed and isinstance(value, str):
                self.values[base] = {value: True}
            case Shape.MANY | Shape.EITHER if bracketed or param.shape is Shape.EITHER:
                self.values.setdefault(base, []).append(value)
            case Shape.ONE if not bracketed:
                self.values[base] = value
            case Shape.MANY:
                raise ValueError("must be an array")
            case Shape.RANGE:
                raise ValueError("must be an object with gt, gte, lt or lte")
            case _:
                raise ValueError("must be a single value")


def read(params: Iterable[tuple[str, str]], known: dict[str, Param]) -> ParsedParams:
    """Read a query.

    Raises:
        Invalid: a known parameter has a value or a form that it cannot have.
    """
    gathering = _Gathering()
    for name, raw in params:
        gathering.take(name, raw, known)
    if gathering.errors:
        raise Invalid(gathering.errors)
    return ParsedParams(gathering.values, tuple(gathering.unknown))


Keep = Callable[[Row], bool]
Get = Callable[[Row], Any]


@dataclass(frozen=True)
class Scene:
    """What filters look at beside the rows: the rest of the world, the time, and how the vague words are taken."""

    world: SalesloftWorld
    now: datetime
    deleted_by_default: bool | None
    no_show_only: bool
    match_every_email: bool
    canceled_by_id: bool = False
    guids_of: str = "owner"
    most_values: int | None = None
    ored: bool = True
    any_case: bool = False
    strict: bool = False

    @property
    def reading(self) -> tuple[Any, ...]:
        """How the words are taken: all but the world and the time."""
        return tuple(getattr(self, each.name) for each in fields(self) if each.name not in {"world", "now"})


Make = Callable[[Any, Scene], Keep | None]
"""Makes the test of a row out of the value sent; None where the value filters nothing."""


@dataclass(frozen=True)
class Filter:
    """One filter parameter.

    Attributes:
        param: how it is read.
        make: what it keeps.
        absent: which rows pass where it is not sent; None for all.
        either: filters with the same word here are ORed.
    """

    param: Param
    make: Make
    absent: Callable[[Scene], Keep | None] | None = None
    either: str | None = None


def column(name: str) -> Get:
    """Get a field."""
    return lambda row: row.get(name)


def ref(name: str) -> Get:
    """Get the id of the record that a stub names."""
    return lambda row: (row.get(name) or {}).get("id")


def refs(name: str) -> Get:
    """Get the ids of a list of stubs."""
    return lambda row: [stub["id"] for stub in row.get(name) or ()]


def among(get: Get, read: Reader, shape: Shape = Shape.MANY) -> Filter:
    """Keep rows whose value is one of those sent; `_is_null` keeps rows without one."""

    def make(values: list[Any], _: Scene) -> Keep:
        wanted = {None if value == IS_NULL else value for value in values}
        return lambda row: get(row) in wanted

    return Filter(Param(shape, read), make)


def sharing(get: Callable[[Row, Scene], Iterable[Any]], read: Reader) -> Filter:
    """Keep rows one of whose values is one of those sent; `_is_null` keeps rows without any."""

    def make(values: list[Any], scene: Scene) -> Keep:
        wanted = set(values)

        def keep(row: Row) -> bool:
            have = list(get(row, scene))
            return not wanted.isdisjoint(have) or (not have and IS_NULL in wanted)

        return keep

    return Filter(Param(Shape.MANY, read), make)


def equal(get: Get, read: Reader) -> Filter:
    """Keep rows whose value is the one sent."""

    def make(value: Any, _: Scene) -> Keep | None:
        return None if value is None else lambda row: get(row) == value

    return Filter(Param(Shape.ONE, read), make)


def between(name: str, read: Reader) -> Filter:
    """Keep rows whose time lies within all the bounds; rows without one are within none."""

    def make(bounds: dict[str, Any], _: Scene) -> Keep:
        if IS_NULL in bounds:
            return lambda row: row.get(name) is None
        if IS_NOT_NULL in bounds:
            return lambda row: row.get(name) is not None

        def keep(row: Row) -> bool:
            value = row.get(name)
            return value is not None and within(instant(value), bounds)

        return keep

    return Filter(Param(Shape.RANGE, read), make)


def within(value: datetime, bounds: dict[str, datetime]) -> bool:
    """Say whether a time lies within all the bounds."""
    return not (
        ("gt" in bounds and value <= bounds["gt"])
        or ("gte" in bounds and value < bounds["gte"])
        or ("lt" in bounds and value >= bounds["lt"])
        or ("lte" in bounds and value > bounds["lte"])
    )


def known_to_world(get: Callable[[Row, Scene], Any], read: Reader, shape: Shape = Shape.ONE) -> Filter:
    """Filter rows by what only the world knows of them."""

    def make(sent: Any, scene: Scene) -> Keep:
        wanted = set(sent) if isinstance(sent, list) else {sent}
        return lambda row: get(row, scene) in wanted

    return Filter(Param(shape, read), make)
