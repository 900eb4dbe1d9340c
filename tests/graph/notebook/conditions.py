"""The notebook's own filter of meetings."""

from __future__ import annotations

from typing import Annotated

from gateway.model.conditions import ByTexts, Condition, OwnConditions, Texts

from . import wire


class MeetingConditions(OwnConditions[wire.Page], frozen=True, kw_only=True):
    """Checked here, since nobody else reads the notebook."""

    moods: Annotated[Texts, Condition(ByTexts(), "Moods that they were written in.", about=("mood",))] = None
