"""The notebook's JSON, typed; the only file that knows its field names."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

import msgspec

from gateway.sources.bounds import Id


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """A meeting, on a page of its own (Notebook: Pages)."""

    id: Id
    title: str | None = None
    start: Annotated[dt.datetime, msgspec.Meta(tz=True)] | None = None
    event: str | None = None
    mood: str | None = None
    guest: Id | None = None
    writer: Id | None = None


class Name(msgspec.Struct, frozen=True, kw_only=True):
    """Anybody or anything else that the notebook knows (Notebook: Index)."""

    id: Id
    name: str | None = None
    email: str | None = None
    part_of: Id | None = None
