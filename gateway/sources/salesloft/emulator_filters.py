"""What a filter of Salesloft's keeps: the building blocks of the tables of parameters."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gateway.emulator.calendar import instant
from gateway.emulator.table import Row
from gateway.emulator.world import SalesloftWorld
from gateway.sources.salesloft.emulator_params import IS_NOT_NULL, IS_NULL, Param, Reader, Shape

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


Make = Callable[[Any, Scene], Keep | None]
"""Makes the test of a row out of the value sent; None where the value filters nothing."""


@dataclass(frozen=True)
class Filter:
    """One filter parameter.

    Attributes:
        param: how it is read.
        make: what it keeps.
        absent: what is kept where it is not sent; None for everything.
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


def told(get: Callable[[Row, Scene], Any], read: Reader, shape: Shape = Shape.ONE) -> Filter:
    """Keep rows by what only the world tells of them."""

    def make(sent: Any, scene: Scene) -> Keep:
        wanted = set(sent) if isinstance(sent, list) else {sent}
        return lambda row: get(row, scene) in wanted

    return Filter(Param(shape, read), make)
