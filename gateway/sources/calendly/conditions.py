"""Calendly's own filter of meetings; all of it is checked here, but for whose meeting it is, which Calendly tells."""

from __future__ import annotations

from typing import Annotated

from gateway.model.conditions import ByTexts, Check, Condition, Form, OwnConditions, Texts
from gateway.model.filters import fold_email
from gateway.sources.calendly import wire
from gateway.sources.calendly.wire import id_of


def _status(own: MeetingConditions) -> Check:
    wanted = {word.casefold() for word in own.status or ()}
    return lambda event: (event.status or "").casefold() in wanted


def _event_type(event: wire.Event) -> str | None:
    return None if event.event_type is None else id_of(event.event_type)


def _hosts(event: wire.Event) -> set[str]:
    return {id_of(host.user) for host in event.event_memberships or () if host.user}


def _invitees(event: wire.Event) -> set[str]:
    return {fold_email(each.email) for each in event.invitees or () if each.email}


class MeetingConditions(OwnConditions[wire.Event], frozen=True, kw_only=True):
    """Calendly's own part of a filter, in its own words and ids.

    A meeting that lacks the value does not match.

    Attributes:
        invitee_emails: Holds on events whose invitees were read, or whose only one is known.
    """

    status: Annotated[Texts, Condition(ByTexts(), "The status: `active` or `canceled`.", test=_status)] = None
    event_type_ids: Annotated[Texts, Condition(ByTexts(Form.URI_PART), "Ids of event types.", of=_event_type)] = None
    user_ids: Annotated[
        Texts, Condition(ByTexts(Form.URI_PART), "Ids of the Calendly users who host it.", of=_hosts, several=True)
    ] = None
    invitee_emails: Annotated[
        Texts,
        Condition(
            ByTexts(Form.EMAIL),
            "E-mail addresses of invitees. Costs one call per address.",
            of=_invitees,
            several=True,
            personal=True,
        ),
    ] = None
