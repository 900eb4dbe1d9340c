"""Salesloft's `/v2/webhook_subscriptions`: one event type each (Salesloft: Webhook subscriptions)."""

import json
from dataclasses import dataclass, field
from typing import Any

from gateway.emulator.door import Answer, Ask
from gateway.emulator.table import Row

ENDPOINT = "webhook_subscriptions"
EVENTS = frozenset(
    {
        *("meeting_booked", "meeting_updated", "person_created", "person_updated", "person_deleted"),
        *("account_created", "account_updated", "account_deleted", "user_created", "user_updated"),
    }
)


@dataclass
class WebhookDesk:
    """Keeps subscriptions, each as it is sent; the token is shown in clear, as the vendor does.

    Attributes:
        rows: them, by id.
    """

    rows: dict[int, Row] = field(default_factory=dict)
    _made: int = 0

    def subscribe(self, url: str, token: str, event: str) -> Row:
        """Make one."""
        self._made += 1
        row: Row = {
            "id": self._made,
            "tenant_id": 1,
            "user_guid": "00000000-0000-4000-8000-000000000001",
            "event_type": event,
            "callback_url": url,
            "callback_token": token,
            "enabled": True,
        }
        self.rows[self._made] = row
        return row

    def answer(self, ask: Ask, key: str | None, headers: dict[str, str]) -> Answer:
        """Answer a request for the list, or for one of them."""
        endpoint = ENDPOINT if key is None else f"{ENDPOINT}/{{id}}"

        def answered(status: int, body: object = None) -> Answer:
            return Answer(endpoint, status, body, headers, 1)

        if key is None:
            if ask.method == "GET":
                enabled = dict(ask.params).get("enabled")
                rows = [row for row in self.rows.values() if enabled is None or row["enabled"] == (enabled == "true")]
                paging = {"per_page": 25, "current_page": 1, "next_page": None, "prev_page": None}
                return answered(200, {"metadata": {"paging": paging}, "data": rows})
            return self._made_of(ask, answered) if ask.method == "POST" else answered(405, {"error": "Not allowed"})
        row = self.rows.get(int(key)) if key.isdecimal() else None
        if row is None:
            return answered(404, {"error": "Not Found"})
        if ask.method == "DELETE":
            del self.rows[row["id"]]
            return answered(204)
        return answered(200, {"data": row}) if ask.method == "GET" else answered(405, {"error": "Not allowed"})

    def _made_of(self, ask: Ask, answered: Any) -> Answer:
        try:
            sent = json.loads(ask.body)
            url, token, event = (str(sent[name]) for name in ("callback_url", "callback_token", "event_type"))
        except (ValueError, KeyError, TypeError):
            wrong: Answer = answered(422, {"errors": {"callback_url": ["must be given"]}})
            return wrong
        if event not in EVENTS:
            unknown: Answer = answered(422, {"errors": {"event_type": ["is not included in the list"]}})
            return unknown
        made: Answer = answered(201, {"data": self.subscribe(url, token, event)})
        return made
