"""Drift's own filter of meetings; all of it is checked here, since Drift filters on none of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from gateway.model.conditions import ByTexts, Check, Condition, Form, OwnConditions, Texts
from gateway.sources.drift import wire


def _id(name: str) -> Callable[[wire.Meeting], str | None]:
    def read(meeting: wire.Meeting) -> str | None:
        value: wire.Id | None = getattr(meeting, name)
        return None if value is None else str(value)

    return read


def _word(name: str) -> Callable[[MeetingConditions], Check]:
    """In any case: the documents' own examples differ in it."""

    def test(own: MeetingConditions) -> Check:
        wanted = {word.casefold() for word in getattr(own, name)}
        return lambda meeting: (getattr(meeting, name) or "").casefold() in wanted

    return test


class MeetingConditions(OwnConditions[wire.Meeting], frozen=True, kw_only=True):
    """Drift's own part of a filter, in its own words and ids.

    A meeting that lacks the value does not match: Drift filters on none of this, so that nobody else can have checked
    it.
    """

    status: Annotated[
        Texts, Condition(ByTexts(), "Statuses, such as `ACTIVE`; case does not matter.", test=_word("status"))
    ] = None
    meeting_source: Annotated[
        Texts,
        Condition(
            ByTexts(), "Where it was booked, such as `EMAIL_DROP`; case does not matter.", test=_word("meeting_source")
        ),
    ] = None
    meeting_type: Annotated[
        Texts,
        Condition(
            ByTexts(), "Kinds of meeting, such as `New Meeting`; case does not matter.", test=_word("meeting_type")
        ),
    ] = None
    agent_ids: Annotated[
        Texts, Condition(ByTexts(Form.NUMBER), "Ids of the Drift users who host it.", of=_id("agent_id"))
    ] = None
    scheduler_ids: Annotated[
        Texts, Condition(ByTexts(Form.NUMBER), "Ids of the contacts who booked it.", of=_id("scheduler_id"))
    ] = None
    conversation_ids: Annotated[
        Texts,
        Condition(ByTexts(Form.NUMBER), "Ids of the conversations in which it was booked.", of=_id("conversation_id")),
    ] = None
    booked_by_ids: Annotated[
        Texts, Condition(ByTexts(Form.NUMBER), "Ids of the Drift users who booked it.", of=_id("booked_by"))
    ] = None
