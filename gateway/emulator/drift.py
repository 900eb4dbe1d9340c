"""Drift's REST API over the seeded world, from its documents alone (Drift: Meeting model, Users, Contacts)."""

import hmac
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlencode
from zlib import crc32

from msgspec import Raw
from starlette.types import Receive, Scope, Send

from gateway.emulator.calendar import millis
from gateway.emulator.door import Answer, Ask, Clock, Door, Throttle
from gateway.emulator.table import Row
from gateway.emulator.world import World

MEETINGS = "users/meetings/org"
HORIZON = timedelta(days=30)
MEETINGS_MOST, MEETINGS_DEFAULT = 1_000, 100
USERS_MOST = 20
CONTACTS_MOST, CONTACTS_DEFAULT = 100, 25
ACCOUNTS_MOST, ACCOUNTS_DEFAULT = 65, 10
_TYPES = {
    400: "validation_error",
    401: "authentication_error",
    403: "authentication_error",
    404: "not_found",
    405: "validation_error",
    429: "rate_limit",
}
_PARAMS = {
    MEETINGS: {"min_start_time", "max_start_time", "limit"},
    "users": {"userId"},
    "contacts": {"email", "limit", "index", "idType", "id"},
    "accounts": {"index", "size"},
}
_SCOPES = {
    "users": "user_read",
    "contacts": "contact_read",
    "conversations": "conversation_read",
    "accounts": "account_read",
}


@dataclass(frozen=True)
class DriftOptions:
    """Where the documents are silent or contradict each other.

    Attributes:
        auth_status: what a refused credential gets; 403 as documented, or 401 as several clients expect.
        bare_contacts: whether every look-up of one contact by e-mail answers with a bare object; else only those of
            `world.drift.bare_emails` do.
        order: the field that meetings are sorted by, `-` before it for the other way round; no order where empty.
        canceled: whether cancelled meetings are listed.
        horizon: how long ago a meeting may have begun that is listed; None for however long.
        limited: whether `limit` is honoured.
        limit_headers: whether answers tell of the limit.
        rate_limit: calls a minute of the clock; None for no limit.
        scopes: what the token may read; None for everything.
        latency: seconds before each answer.
    """

    auth_status: int = 403
    bare_contacts: bool = False
    order: str = ""
    canceled: bool = True
    horizon: timedelta | None = HORIZON
    limited: bool = True
    limit_headers: bool = False
    rate_limit: int | None = None
    scopes: frozenset[str] | None = None
    latency: float = 0.0


class Refused(Exception):
    """A request that gets an error; `status` is its status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class DriftEmulator:
    """An ASGI application that answers as Drift does.

    Attributes:
        world: what it holds; changes show at once.
        token: the access token that it accepts.
        door: call log, faults and latency.
        throttle: the vendor's minute, without limit by default.
    """

    def __init__(self, world: World, *, clock: Clock, token: str, options: DriftOptions | None = None) -> None:
        self.world = world
        self.token = token
        self.options = options or DriftOptions()
        self.door = Door(self, clock, self.options.latency)
        self.throttle = Throttle(self.options.rate_limit)
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        await self.door(scope, receive, send)

    def error_body(self, status: int, message: str = "") -> object:
        """Give Drift's error body."""
        kind = _TYPES.get(status, "internal_error")
        return {"error": {"type": kind, "message": message or kind.replace("_", " ")}}

    def answer(self, ask: Ask) -> Answer:
        """Answer a request."""
        endpoint, key = _place(ask.path)
        unknown = tuple(name for name, _ in ask.params if name not in _PARAMS.get(endpoint, ()))
        headers = {"x-ratelimit-remaining": "59"} if self.options.limit_headers else {}
        try:
            self._admit(ask, endpoint)
            written: dict[str, object] = {}
            if endpoint == MEETINGS:
                body, written = self._meetings(ask)
            else:
                body = self._result(ask, endpoint, key, headers)
        except Refused as refused:
            if refused.status == 405:  # noqa: PLR2004 -- method not allowed
                headers["allow"] = "GET"
            return Answer(endpoint, refused.status, self.error_body(refused.status, str(refused)), headers, 0, unknown)
        return Answer(endpoint, 200, body, headers, 0, unknown, written)

    def _admit(self, ask: Ask, endpoint: str) -> None:
        scopes = self.options.scopes
        if ask.bearer is None or not hmac.compare_digest(ask.bearer.encode(), self.token.encode()):
            raise Refused(self.options.auth_status, "Invalid or missing access token")
        if not self.throttle.spend(1, self._clock()):
            raise Refused(429, "Rate limit exceeded")
        if endpoint == UNKNOWN:
            raise Refused(404, "No such resource")
        if ask.method != "GET":
            raise Refused(405, "Method not allowed")
        if scopes is not None and _SCOPES[endpoint.partition("/")[0]] not in scopes:
            raise Refused(403, "The token lacks the scope for this resource")

    def _result(self, ask: Ask, endpoint: str, key: str, headers: dict[str, str]) -> Row:
        world = self.world.drift
        data: object
        match endpoint:
            case "users/list":
                data = list(world.users.data.values())
            case "users/{id}":
                data = _found(world.users.data, key)
            case "users":
                data = self._users(ask)
            case "contacts/{id}":
                data = _found(world.contacts.data, key)
            case "contacts":
                data = self._contacts(ask, headers)
            case "conversations/{id}":
                data = _found(world.conversations.data, key)
            case _:
                data = self._accounts(ask)
        return {"data": data}

    def _meetings(self, ask: Ask) -> tuple[Row, dict[str, object]]:
        """Give the meetings that start within the window, both ends in it, and not more than 30 days ago.

        Returns:
            The body, and what of it is JSON already.
        """
        first = _required(ask, "min_start_time")
        if self.options.horizon is not None:
            first = max(first, millis(self._clock() - self.options.horizon))
        last = _required(ask, "max_start_time")
        limit = _number(ask, "limit", MEETINGS_DEFAULT)
        if not 0 <= limit <= MEETINGS_MOST:
            raise Refused(400, "limit must be between 0 and 1000")
        options, table = self.options, self.world.drift.meetings
        starts = table.derived("starts", (), lambda: sorted(row["slotStart"] for row in table.data.values()))
        listed = (options.order, options.canceled, self.world.seed)
        # Windows between the same two starts hold the same meetings: as time goes by, nearly all of them are the same.
        window = (bisect_left(starts, first), bisect_right(starts, last), limit if options.limited else None)

        def within() -> tuple[list[Row], list[Raw]]:
            rows = [row for row in table.derived("listed", listed, self._in_order) if first <= row["slotStart"] <= last]
            rows = rows[: window[-1]]
            return rows, table.written("row", rows, "slug")

        rows, texts = table.derived("windows", (listed, window), within)
        return {"data": rows}, {"data": texts}

    def _in_order(self) -> list[Row]:
        """Give the meetings that are listed, in their order.

        Where none is set they are shuffled, the same way for as long as the table is the same: none is documented.
        """
        meetings = self.world.drift.meetings.data.values()
        rows = sorted(meetings, key=lambda row: crc32(f"{self.world.seed}:{row['slug']}".encode()))
        if not self.options.canceled:
            rows = [row for row in rows if not row["status"].startswith("CANCEL")]
        if name := self.options.order.removeprefix("-"):
            rows.sort(key=lambda row: row[name], reverse=name != self.options.order)
        return rows

    def _users(self, ask: Ask) -> dict[str, Row]:
        keys = [_integer(raw, "userId") for name, raw in ask.params if name == "userId"]
        if not 1 <= len(keys) <= USERS_MOST:
            raise Refused(400, "userId must be given once to 20 times")
        users = self.world.drift.users.data
        return {str(key): users[key] for key in keys if key in users}

    def _contacts(self, ask: Ask, headers: dict[str, str]) -> list[Row] | Row:
        contacts = self.world.drift.contacts.data.values()
        if _last(ask, "idType") is not None:
            return self._external(ask, contacts)
        email, limit = _last(ask, "email"), _number(ask, "limit", CONTACTS_DEFAULT)
        if not email or not 1 <= limit <= CONTACTS_MOST:
            raise Refused(400, "email is required, and limit is between 1 and 100")
        wanted, start = email.strip().lower(), _number(ask, "index", 0)
        found = [row for row in contacts if str(row["attributes"].get("email", "")).strip().lower() == wanted]
        if start + limit < len(found):
            query = urlencode({"email": email, "limit": limit, "index": start + limit})
            headers["link"] = f'<https://driftapi.com/contacts?{query}>; rel="next"'
        page = found[start : start + limit]
        bare = self.options.bare_contacts or wanted in self.world.drift.bare_emails
        return page[0] if bare and len(page) == 1 else page

    def _external(self, ask: Ask, contacts: Iterable[Row]) -> list[Row]:
        if _last(ask, "idType") != "external":
            raise Refused(400, "idType must be external")
        wanted = {raw for name, raw in ask.params if name == "id"}
        return [row for row in contacts if row["attributes"].get("externalId") in wanted]

    def _accounts(self, ask: Ask) -> Row:
        index, size = _number(ask, "index", 0), _number(ask, "size", ACCOUNTS_DEFAULT)
        if index < 0 or not 1 <= size <= ACCOUNTS_MOST:
            raise Refused(400, f"index must not be negative, size is between 1 and {ACCOUNTS_MOST}")
        rows = list(self.world.drift.accounts.data.values())
        body: Row = {"accounts": rows[index : index + size], "total": len(rows)}
        if index + size < len(rows):
            body["next"] = f"https://driftapi.com/accounts?index={index + size}&size={size}"
        return body


UNKNOWN = "unknown"
_LISTS = frozenset({MEETINGS, "users/list", "users", "contacts", "accounts"})


def _place(path: str) -> tuple[str, str]:
    """Read a path: the endpoint's name and, of a single record, its key."""
    place = path.strip("/")
    if place in _LISTS:
        return place, ""
    kind, _, key = place.partition("/")
    if kind in {"users", "contacts", "conversations"} and key and "/" not in key:
        return f"{kind}/{{id}}", key
    return UNKNOWN, ""


def _found(rows: dict[int, Row], key: str) -> Row:
    row = rows.get(int(key)) if key.isdecimal() else None
    if row is None:
        raise Refused(404, "No such record")
    return row


def _last(ask: Ask, name: str) -> str | None:
    return next((raw for key, raw in reversed(ask.params) if key == name), None)


def _integer(raw: str, name: str) -> int:
    if not raw.removeprefix("-").isdecimal():
        raise Refused(400, f"{name} must be an integer")
    return int(raw)


def _number(ask: Ask, name: str, default: int) -> int:
    raw = _last(ask, name)
    return default if raw is None else _integer(raw, name)


def _required(ask: Ask, name: str) -> int:
    raw = _last(ask, name)
    if raw is None:
        raise Refused(400, f"{name} is required")
    return _integer(raw, name)
