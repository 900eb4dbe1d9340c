"""Calendly's `/webhook_subscriptions`: one for several events, and one for a URL (Calendly: Webhook subscriptions)."""

import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from gateway.emulator.calendar import utc_text
from gateway.emulator.calendly.team import key_of, uri
from gateway.emulator.door import Ask
from gateway.emulator.table import Row

ENDPOINT = "webhook_subscriptions"
EVENTS = frozenset(
    {
        *("invitee.created", "invitee.canceled", "invitee_no_show.created", "invitee_no_show.deleted"),
        *("routing_form_submission.created", "event_type.created", "event_type.updated", "event_type.deleted"),
    }
)
SCOPES = frozenset({"organization", "user", "group"})


class Refused(Exception):
    """A call that gets an error; `status` is its status, `parameter` what it is about."""

    def __init__(self, status: int, message: str, parameter: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.parameter = parameter


@dataclass
class WebhookDesk:
    """Holds subscriptions, each as it is sent; its key is never shown.

    Attributes:
        clock: tells the time.
        rows: them, by id.
        keys: what each signs with, by id; without one deliveries are unsigned.
    """

    clock: Callable[[], datetime]
    rows: dict[str, Row] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    _made: int = 0

    def subscribe(self, url: str, events: list[str], organization: str, signing_key: str | None = None) -> Row:
        """Make one.

        Raises:
            Refused: the URL is subscribed already.
        """
        if any(row["callback_url"] == url for row in self.rows.values()):
            raise Refused(409, "Hook with this url already exists")
        self._made += 1
        key, now = f"5ab5c41b-0000-4000-8000-{self._made:012d}", utc_text(self.clock())
        row: Row = {
            "uri": uri(ENDPOINT, key),
            "callback_url": url,
            "created_at": now,
            "updated_at": now,
            "retry_started_at": None,
            "state": "active",
            "events": events,
            "scope": "organization",
            "organization": organization,
            "user": None,
            "creator": None,
        }
        self.rows[key] = row
        if signing_key:
            self.keys[key] = signing_key
        return row

    def listed(self, ask: Ask, organization: str) -> list[Row]:
        """Give those of an organization.

        Raises:
            Refused: the organization or the scope is missing.
        """
        given = dict(ask.params)
        for name in ("organization", "scope"):
            if not given.get(name):
                raise Refused(400, f"{name} is required", name)
        if given["organization"] != organization:
            raise Refused(403, "You do not have permission to access this resource.")
        return [row for row in self.rows.values() if row["scope"] == given["scope"]]

    def made(self, ask: Ask, organization: str) -> Row:
        """Make one as it is asked for.

        Raises:
            Refused: something is wrong with it.
        """
        try:
            sent = json.loads(ask.body)
            url, events, scope = str(sent["url"]), list(sent["events"]), sent["scope"]
        except (ValueError, KeyError, TypeError):
            raise Refused(400, "The supplied parameters are invalid.", "url") from None
        if not url.startswith(("https://", "http://127.0.0.1", "http://localhost")):
            raise Refused(400, "must be a https URL", "url")
        if not events or not set(events) <= EVENTS:
            raise Refused(400, "is not included in the list", "events")
        if scope not in SCOPES:
            raise Refused(400, "is not included in the list", "scope")
        if sent.get("organization") != organization:
            raise Refused(403, "You do not have permission to access this resource.")
        return self.subscribe(url, events, organization, sent.get("signing_key"))

    def one(self, key: str) -> Row:
        """Give one.

        Raises:
            Refused: it is unknown.
        """
        row = self.rows.get(key)
        if row is None:
            raise Refused(404, "The server could not find the requested resource.")
        return row

    def delete(self, key: str) -> None:
        """Delete one.

        Raises:
            Refused: it is unknown.
        """
        self.one(key)
        del self.rows[key]
        self.keys.pop(key, None)

    def deliveries(self, event: str, body: bytes) -> list[tuple[str, dict[str, str]]]:
        """Give where an event is delivered, and the headers it is signed by."""
        found = []
        for row in self.rows.values():
            if event not in row["events"] or row["state"] != "active":
                continue
            headers: dict[str, str] = {}
            signing_key = self.keys.get(key_of(row["uri"]))
            if signing_key is not None:
                at = str(int(self.clock().timestamp()))
                signature = hmac.new(signing_key.encode(), at.encode() + b"." + body, hashlib.sha256).hexdigest()
                headers["Calendly-Webhook-Signature"] = f"t={at},v1={signature}"
            found.append((row["callback_url"], headers))
        return found
