"""What may happen to a meeting."""

from __future__ import annotations

import enum


class ChangeKind(enum.Enum):
    """What happened to a meeting, or to the log itself."""

    READY = "READY"
    CREATED = "CREATED"
    UPDATED = "UPDATED"
    CANCELED = "CANCELED"
    LEFT = "LEFT"
    GONE = "GONE"
    RESET = "RESET"
