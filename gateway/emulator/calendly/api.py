"""Calendly's API v2 over the seeded world, from its documents alone (Calendly: Scheduled events, Invitees, Users)."""

import base64
import hashlib
import hmac
import json
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from starlette.types import Receive, Scope, Send

from gateway.emulator.calendar import instant
from gateway.emulator.calendly.team import key_of, uri
from gateway.emulator.calendly.webhooks import ENDPOINT as WEBHOOKS
from gateway.emulator.calendly.webhooks import Refused, WebhookDesk
from gateway.emulator.door import Answer, Ask, Clock, Door, Throttle
from gateway.emulator.table import Row
from gateway.emulator.world import World

EVENTS = "scheduled_events"
COUNT_MOST, COUNT_DEFAULT = 100, 20
_TITLES = {
    400: "Invalid Argument",
    401: "Unauthenticated",
    403: "Permission Denied",
    404: "Resource Not Found",
    405: "Method Not Allowed",
    429: "Too Many Requests",
    500: "Internal Server Error",
}
_PAGING = {"count", "page_token"}
_PARAMS = {
    "scheduled_events": _PAGING
    | {"organization", "user", "group", "invitee_email", "status", "sort", "min_start_time", "max_start_time"},
    "scheduled_events/{id}/invitees": _PAGING | {"status", "sort", "email"},
    "organization_memberships": _PAGING | {"organization", "user", "email", "role"},
    "event_types": _PAGING | {"organization", "user", "active", "sort"},
    WEBHOOKS: _PAGING | {"organization", "user", "scope", "sort"},
}
_SCOPES = {
    "scheduled_events": "scheduled_events:read",
    "users": "users:read",
    "organization_memberships": "organizations:read",
    "event_types": "event_types:read",
    WEBHOOKS: "webhooks:write",
}
_METHODS = {WEBHOOKS: {"GET", "POST"}, f"{WEBHOOKS}/{{id}}": {"GET", "DELETE"}}
"""Of endpoints that are not only read."""

_DONE = {"POST": 201, "DELETE": 204}
UNKNOWN = "unknown"


@dataclass(frozen=True)
class CalendlyOptions:
    """Where the documents are silent, or accounts differ.

    Attributes:
        inclusive: whether `min_start_time` and `max_start_time` themselves are within.
        page_tokens: whether `next_page_token` stands beside `next_page`; older captures have the link alone.
        reusable_tokens: whether a page token can be used more than once.
        old_hosts: whether all hosts come without names and addresses, as before 2023.
        calendar_events: whether events name the calendar's.
        role: of the token's user: `owner`, `admin` or `user`, who may not read the whole organization.
        rate_limit: requests a minute of the clock; None for no limit, and no headers that tell of one.
        scopes: what the token may read; None for everything.
        latency: seconds before each answer.
    """

    inclusive: bool = False
    page_tokens: bool = True
    reusable_tokens: bool = True
    old_hosts: bool = False
    calendar_events: bool = True
    role: str = "owner"
    rate_limit: int | None = None
    scopes: frozenset[str] | None = None
    latency: float = 0.0


class InvalidRequest(Exception):
    """A request that gets an error; `status` is its status, `parameter` what it is about."""

    def __init__(self, status: int, message: str, parameter: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.parameter = parameter


class CalendlyEmulator:
    """An ASGI application that answers as Calendly does.

    Attributes:
        world: what it holds; changes show at once.
        token: the access token that it accepts.
        door: call log, faults and latency.
        throttle: the vendor's minute, without limit by default.
        expired: page tokens given out before are refused once this is raised.
        webhooks: the subscriptions to what happens.
    """

    def __init__(self, world: World, *, clock: Clock, token: str, options: CalendlyOptions | None = None) -> None:
        self.world = world
        self.token = token
        self.options = options or CalendlyOptions()
        self.door = Door(self, clock, self.options.latency)
        self.throttle = Throttle(self.options.rate_limit)
        self.expired = 0
        self.webhooks = WebhookDesk(clock)
        self._clock = clock
        self._given = 0
        self._used: set[str] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        await self.door(scope, receive, send)

    def error_body(self, status: int, message: str = "", parameter: str = "") -> object:
        """Give Calendly's error body; `details` only where a parameter is at fault."""
        title = _TITLES.get(status, "Internal Server Error")
        body: Row = {"title": title, "message": message or title}
        if parameter:
            body["details"] = [{"parameter": parameter, "message": message}]
        return body

    def answer(self, ask: Ask) -> Answer:
        """Answer a request."""
        endpoint, keys = _place(ask.path)
        unknown = tuple(name for name, _ in ask.params if name not in _PARAMS.get(endpoint, ()))
        try:
            self._admit(ask, endpoint)
            body = self._result(ask, endpoint, keys)
        except (InvalidRequest, Refused) as refused:
            body = self.error_body(refused.status, str(refused), refused.parameter)
            return Answer(endpoint, refused.status, body, self._limits(), 0, unknown)
        status, written = _DONE.get(ask.method, 200), self._written(endpoint, body)
        return Answer(endpoint, status, body, self._limits(), 0, unknown, written)

    def _written(self, endpoint: str, body: Any) -> Mapping[str, object]:
        """Give what of a body is JSON already."""
        if endpoint != EVENTS:
            return {}
        shown = (self.options.old_hosts, self.options.calendar_events)
        return {"collection": self.world.calendly.events.written(shown, body["collection"], "uri")}

    def _limits(self) -> dict[str, str]:
        """The headers that every answer bears; `Reset` is seconds to the end of the minute."""
        if self.throttle.per_minute is None:
            return {}
        return {
            "x-ratelimit-limit": str(self.throttle.per_minute),
            "x-ratelimit-remaining": str(self.throttle.remaining),
            "x-ratelimit-reset": str(60 - int(self._clock().timestamp()) % 60),
        }

    def _admit(self, ask: Ask, endpoint: str) -> None:
        if ask.bearer is None or not hmac.compare_digest(ask.bearer.encode(), self.token.encode()):
            raise InvalidRequest(401, "The access token is invalid, expired or revoked")
        if not self.throttle.spend(1, self._clock()):
            raise InvalidRequest(429, "Too many requests")
        if endpoint == UNKNOWN:
            raise InvalidRequest(404, "The server could not find the requested resource.")
        if ask.method not in _METHODS.get(endpoint, {"GET"}):
            raise InvalidRequest(405, "Method not allowed")
        scope = _SCOPES[endpoint.partition("/")[0]]
        if self.options.scopes is not None and scope not in self.options.scopes:
            raise InvalidRequest(403, f"The access token lacks the scope {scope}")

    def _result(self, ask: Ask, endpoint: str, keys: tuple[str, ...]) -> object:
        world = self.world.calendly
        if endpoint.startswith(WEBHOOKS):
            return self._subscriptions(ask, keys)
        match endpoint:
            case "organization_memberships":
                return self._page(ask, self._memberships(ask))
            case "event_types":
                self._organization(ask)
                return self._page(ask, list(world.event_types.values()))
            case "scheduled_events":
                return self._page(ask, self._events(ask), self._shown)
            case "scheduled_events/{id}/invitees":
                return self._page(ask, self._invitees(ask, keys[0]))
            case _:
                return {"resource": self._one(endpoint, keys)}

    def _subscriptions(self, ask: Ask, keys: tuple[str, ...]) -> object:
        world, desk = self.world.calendly, self.webhooks
        organization = world.users[world.me]["current_organization"]
        if self.options.role == "user":
            raise InvalidRequest(403, "You do not have permission to access this resource.")
        if keys and ask.method == "DELETE":
            desk.delete(keys[0])
            return None
        if keys:
            return {"resource": desk.one(keys[0])}
        if ask.method == "POST":
            return {"resource": desk.made(ask, organization)}
        return self._page(ask, desk.listed(ask, organization))

    def _one(self, endpoint: str, keys: tuple[str, ...]) -> Row:
        world = self.world.calendly
        if endpoint == "users/me":
            return world.users[world.me]
        if endpoint == "users/{id}":
            return _found(world.users.data, keys[0])
        if endpoint == "scheduled_events/{id}":
            return _found(world.events.data, keys[0])
        row = _found(world.invitees.data, keys[1])
        if key_of(row["event"]) != keys[0]:
            raise InvalidRequest(404, "The server could not find the requested resource.")
        return row

    def _organization(self, ask: Ask) -> None:
        """Check that the token may read what the request is about.

        Raises:
            InvalidRequest: `organization` and `user` are missing, or are somebody else's.
        """
        world = self.world.calendly
        me, organization, user = world.users[world.me], _last(ask, "organization"), _last(ask, "user")
        if organization is None and user is None and _last(ask, "group") is None:
            raise InvalidRequest(400, "One of organization, user and group is required", "organization")
        if organization is not None and organization != me["current_organization"]:
            raise InvalidRequest(403, "You do not have permission to access this resource.")
        if self.options.role == "user" and user != me["uri"]:
            raise InvalidRequest(403, "You do not have permission to access this resource.")

    def _memberships(self, ask: Ask) -> list[Row]:
        self._organization(ask)
        rows: Iterable[Row] = self.world.calendly.memberships.values()
        for name, value in (("user", _last(ask, "user")), ("email", _last(ask, "email"))):
            if value is not None:
                rows = [row for row in rows if row["user"]["uri" if name == "user" else name] == value]
        role = _last(ask, "role")
        return [row for row in rows if role is None or row["role"] == role]

    def _events(self, ask: Ask) -> list[Row]:
        self._organization(ask)
        sort, status = _last(ask, "sort") or "start_time:asc", _last(ask, "status")
        if sort not in {"start_time:asc", "start_time:desc"}:
            raise InvalidRequest(400, "sort must be start_time:asc or start_time:desc", "sort")
        _check_status(status)
        first, last = _moment(ask, "min_start_time"), _moment(ask, "max_start_time")
        starts, ordered = self.world.calendly.events.derived("sorted", (), self._in_order)
        # Those that begin at a bound itself are within only where it is inclusive.
        at_first, at_last = (bisect_left, bisect_right) if self.options.inclusive else (bisect_right, bisect_left)
        rows = ordered[
            0 if first is None else at_first(starts, first) : len(starts) if last is None else at_last(starts, last)
        ]
        if status is not None:
            rows = [row for row in rows if row["status"] == status]
        if (user := _last(ask, "user")) is not None:
            rows = [row for row in rows if user in {host["user"] for host in row["event_memberships"]}]
        if (email := _last(ask, "invitee_email")) is not None:
            of_invitee = {
                row["event"]
                for row in self.world.calendly.invitees.values()
                if row["email"].strip().lower() == email.strip().lower()
            }
            rows = [row for row in rows if row["uri"] in of_invitee]
        return rows[::-1] if sort.endswith("desc") else rows

    def _in_order(self) -> tuple[list[str], list[Row]]:
        """Give the starts of the events, and the events, by start."""
        rows = sorted(self.world.calendly.events.data.values(), key=lambda row: (row["start_time"], row["uri"]))
        return [row["start_time"] for row in rows], rows

    def _invitees(self, ask: Ask, event_key: str) -> list[Row]:
        event = _found(self.world.calendly.events.data, event_key)
        status, email, sort = _last(ask, "status"), _last(ask, "email"), _last(ask, "sort") or "created_at:asc"
        _check_status(status)
        if sort not in {"created_at:asc", "created_at:desc"}:
            raise InvalidRequest(400, "sort must be created_at:asc or created_at:desc", "sort")
        rows = sorted(self.world.calendly.invitees_of(event["uri"]), key=lambda row: str(row["created_at"]))
        rows = [row for row in rows if status is None or row["status"] == status]
        rows = [row for row in rows if email is None or row["email"] == email]
        return rows[::-1] if sort.endswith("desc") else rows

    def _shown(self, event: Row) -> Row:
        """Give an event as an account of the options' kind has it."""
        shown = dict(event)
        if self.options.old_hosts:
            shown["event_memberships"] = [{"user": host["user"]} for host in event["event_memberships"]]
        if not self.options.calendar_events:
            shown["calendar_event"] = None
        return shown

    def _page(self, ask: Ask, rows: list[Row], show: Callable[[Row], Row] = lambda row: row) -> object:
        """Give a page, with a token for the next that is bound to what was asked."""
        count = _last(ask, "count") or str(COUNT_DEFAULT)
        if not count.isdecimal() or not 1 <= int(count) <= COUNT_MOST:
            raise InvalidRequest(400, f"count must be between 1 and {COUNT_MOST}", "count")
        place, end = self._place_of(ask), int(count)
        page = [show(row) for row in rows[place : place + end]]
        more = place + end < len(rows)
        following = self._token(ask, place + end) if more else None
        preceding = self._token(ask, max(0, place - end)) if place else None
        pagination: Row = {
            "count": len(page),
            "next_page": following and _link(ask, following),
            "previous_page": preceding and _link(ask, preceding),
        }
        if self.options.page_tokens:
            pagination |= {"next_page_token": following, "previous_page_token": preceding}
        return {"collection": page, "pagination": pagination}

    def _token(self, ask: Ask, place: int) -> str:
        self._given += 1
        plain = json.dumps([_filter_of(ask), place, self.expired, self._given]).encode()
        return base64.urlsafe_b64encode(plain).decode().rstrip("=")

    def _place_of(self, ask: Ask) -> int:
        token = _last(ask, "page_token")
        if token is None:
            return 0
        try:
            asked, place, given, _ = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        except ValueError:
            asked = place = given = None
        used = not self.options.reusable_tokens and token in self._used
        if not self.options.reusable_tokens:
            self._used.add(token)
        if used or asked != _filter_of(ask) or given != self.expired or not isinstance(place, int):
            raise InvalidRequest(400, "The page token is invalid or has expired", "page_token")
        return place


def _filter_of(ask: Ask) -> str:
    """Name what a request is about, but for its place in the answer."""
    plain = repr((ask.path, sorted(pair for pair in ask.params if pair[0] != "page_token")))
    return hashlib.sha256(plain.encode()).hexdigest()[:24]


def _link(ask: Ask, token: str) -> str:
    pairs = [pair for pair in ask.params if pair[0] != "page_token"]
    return f"{uri(ask.path.strip('/'))}?{urlencode([*pairs, ('page_token', token)])}"


def _place(path: str) -> tuple[str, tuple[str, ...]]:
    """Read a path: the endpoint's name, and the ids in it."""
    match path.strip("/").split("/"):
        case ["users", "me"]:
            return "users/me", ()
        case ["users" | "scheduled_events" | "webhook_subscriptions" as kind, key] if key:
            return f"{kind}/{{id}}", (key,)
        case ["scheduled_events", key, "invitees"]:
            return "scheduled_events/{id}/invitees", (key,)
        case ["scheduled_events", key, "invitees", invitee]:
            return "scheduled_events/{id}/invitees/{invitee}", (key, invitee)
        case ["scheduled_events" | "organization_memberships" | "event_types" | "webhook_subscriptions" as kind]:
            return kind, ()
        case _:
            return UNKNOWN, ()


def _found(rows: dict[str, Row], key: str) -> Row:
    row = rows.get(key)
    if row is None:
        raise InvalidRequest(404, "The server could not find the requested resource.")
    return row


def _check_status(status: str | None) -> None:
    if status not in {None, "active", "canceled"}:
        raise InvalidRequest(400, "status must be active or canceled", "status")


def _moment(ask: Ask, name: str) -> str | None:
    raw = _last(ask, name)
    if raw is None:
        return None
    try:
        return (instant(raw) + timedelta()).isoformat(timespec="microseconds").replace("+00:00", "Z")
    except ValueError:
        raise InvalidRequest(400, f"{name} must be a time in UTC", name) from None


def _last(ask: Ask, name: str) -> str | None:
    return next((raw for key, raw in reversed(ask.params) if key == name), None)
