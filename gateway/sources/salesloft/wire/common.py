"""What all of Salesloft's answers share."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, TypeAlias

import msgspec

from gateway.sources.bounds import Count, Id

Instant: TypeAlias = Annotated[dt.datetime, msgspec.Meta(tz=True)]
"""A time with its offset: UTC on meetings, US Eastern on everything else."""

JSON: TypeAlias = Any
"""A JSON value that is passed on as it is: custom fields, CRM references."""


class Stub(msgspec.Struct, frozen=True):
    """A related record: its id alone. Meetings name users by GUID, everything else by numeric id."""

    id: Id


class Paging(msgspec.Struct, frozen=True, kw_only=True):
    """Where an answer stands among its pages; the counts only come when asked for."""

    per_page: Count | None = None
    current_page: Count | None = None
    next_page: Count | None = None
    prev_page: Count | None = None
    total_pages: Count | None = None
    total_count: Count | None = None


class Metadata(msgspec.Struct, frozen=True, kw_only=True):
    """What stands beside the rows; `paging` is absent where an answer is not paged (users without `page`)."""

    paging: Paging | None = None
