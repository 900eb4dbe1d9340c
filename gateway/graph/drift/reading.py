"""Values of Drift's rows that are shown in another form than they are sent in."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from gateway.graph.relation import read
from gateway.model.order import moment


def instant(name: str) -> Callable[[Any], dt.datetime | None]:
    """Reads a time, which Drift sends in milliseconds since 1970."""

    def resolve(row: Any) -> dt.datetime | None:
        milliseconds = read(row, name)
        return None if milliseconds is None else moment(milliseconds * 1000)

    return resolve
