"""The filters of `GET /v2/meetings`, every one of the document (Salesloft: List meetings), and how a row is shown."""

from collections.abc import Mapping
from typing import Any

from gateway.emulator.table import Row
from gateway.sources.salesloft.emulator_filters import Filter, Keep, Scene, among, between, column, equal, ref
from gateway.sources.salesloft.emulator_params import Param, Shape, flag, moment, number, text, word

PERSONAL = "default_personal_meeting"
SETTINGS = ("owned_by_meetings_settings", "booked_by_meetings_settings")


def _canceled(wanted: bool | None) -> Keep | None:
    return None if wanted is None else lambda row: (row["canceled_at"] is not None) is wanted


def _no_show(wanted: bool, scene: Scene) -> Keep | None:
    if not wanted:
        return lambda row: not row["no_show"]
    return (lambda row: bool(row["no_show"])) if scene.no_show_only else None


def _type(value: str) -> int | str:
    return value if value == PERSONAL else number(value)


def _of_type(values: list[Any], _: Scene) -> Keep:
    return lambda row: row.get("meeting_type_id") in values or (PERSONAL in values and row["meeting_type"] == PERSONAL)


def _event(name: str) -> Filter:
    plain = among(column(name), text)
    return Filter(plain.param, plain.make, either="event")


FILTERS: Mapping[str, Filter] = {
    "ids": among(column("id"), number),
    "status": equal(column("status"), word("pending", "booked", "failed", "retry")),
    "person_id": among(ref("person"), number, Shape.EITHER),
    "account_id": among(column("account_id"), number, Shape.EITHER),
    "person_ids": among(ref("person"), number),
    "event_ids": _event("event_id"),
    "i_cal_uids": _event("i_cal_uid"),
    "task_ids": among(column("task_id"), number),
    "include_meetings_settings": Filter(Param(Shape.ONE, flag), lambda *_: None),
    "start_time": between("start_time", moment),
    "created_at": between("created_at", moment),
    "user_guids": among(ref("owned_by_user"), text),
    "show_deleted": Filter(
        Param(Shape.ONE, flag),
        lambda wanted, _: _canceled(wanted),
        absent=lambda scene: _canceled(scene.deleted_by_default),
    ),
    "booked_by_user_uuid": equal(ref("booked_by_user"), text),
    "no_show": Filter(Param(Shape.ONE, flag), _no_show),
    "meeting_type_id": Filter(Param(Shape.EITHER, _type), _of_type),
    "cadence_id": equal(ref("cadence"), number),
    "step_id": equal(ref("step"), number),
}


def without_settings(row: Row) -> Row:
    """Show a meeting as it is without `include_meetings_settings`."""
    return {name: value for name, value in row.items() if name not in SETTINGS}
