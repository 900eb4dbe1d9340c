"""What all of Salesloft's answers share."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, TypeAlias

import msgspec

Id: TypeAlias = int | Annotated[str, msgspec.Meta(min_length=1)]

Instant: TypeAlias = Annotated[dt.datetime, msgspec.Meta(tz=True)]
"""A time with its offset: UTC on meetings, US Eastern on everything else."""

JSON: TypeAlias = Any
"""A JSON value that is passed on as it is: custom fields, CRM references."""


class Stub(msgspec.Struct, frozen=True):
    """A related record: its id alone. Meetings name users by GUID, everything else by numeric id."""

    id: Id


class Paging(msgspec.Struct, frozen=True, kw_only=True):
    """Where an answer stands among its pages; the counts only come when asked for."""

    per_page: int | None = None
    current_page: int | None = None
    next_page: int | None = None
    prev_page: int | None = None
    total_pages: int | None = None
    total_count: int | None = None


class Metadata(msgspec.Struct, frozen=True, kw_only=True):
    """What stands beside the rows; `paging` is absent where an answer is not paged (users without `page`)."""

    paging: Paging | None = None
