"""Salesloft's REST API v2 over the seeded world, from its documents alone (Salesloft: List meetings; API basics)."""

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from starlette.types import Receive, Scope, Send

from gateway.emulator.door import Answer, Ask, Clock, Door, Throttle
from gateway.emulator.salesloft.filters import Invalid, Scene
from gateway.emulator.salesloft.kinds import KINDS
from gateway.emulator.salesloft.lists import cost_of, hidden_ids, list_page
from gateway.emulator.salesloft.webhooks import WebhookDesk
from gateway.emulator.table import Row, Table
from gateway.emulator.world import SalesloftWorld, World

LIFETIME = timedelta(hours=2)
_ENDPOINT = "oauth/token"


class TokenDesk:
    """Gives out access tokens that live for two hours of the clock."""

    def __init__(self, client_id: str, client_secret: str, clock: Clock) -> None:
        self._client = client_id, client_secret
        self._clock = clock
        self._expiry: dict[str, datetime] = {}

    def gave_out(self, token: str) -> bool:
        """Say whether a token was given out here and still lives."""
        expiry = self._expiry.get(token)
        return expiry is not None and self._clock() < expiry

    def answer(self, ask: Ask) -> Answer:
        """Answer a request for a token; the form comes in the body."""
        if ask.method != "POST":
            return Answer(_ENDPOINT, 405, {"error": "Method Not Allowed"}, {"allow": "POST"})
        form = dict(Ask.params_of(ask.body))
        if form.get("grant_type") != "client_credentials":
            return _refusal(400, "unsupported_grant_type", "The authorization grant type is not supported.")
        sent = f"{form.get('client_id', '')}\n{form.get('client_secret', '')}"
        if not hmac.compare_digest(sent.encode(), "\n".join(self._client).encode()):
            return _refusal(401, "invalid_client", "Client authentication failed.")
        now = self._clock()
        self._expiry = {token: expiry for token, expiry in self._expiry.items() if now < expiry}
        token = secrets.token_hex(32)
        self._expiry[token] = now + LIFETIME
        body = {
            "access_token": token,
            "token_type": "bearer",
            "expires_in": int(LIFETIME.total_seconds()),
            "scope": form.get("scope", ""),
            "created_at": int(now.timestamp()),
        }
        return Answer(_ENDPOINT, 200, body)


def _refusal(status: int, error: str, description: str) -> Answer:
    return Answer(_ENDPOINT, status, {"error": error, "error_description": description})


PREFIX = "/v2/"
_ERRORS = {
    401: "No Bearer Token attached to request, please see documentation at developers.salesloft.com",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    429: "API rate limit exceeded",
}


@dataclass(frozen=True)
class SalesloftOptions:
    """Where the documents are silent or the team's set-up decides.

    Attributes:
        deleted_by_default: which meetings come without `show_deleted`: False the active, True the cancelled, None both.
        no_show_only: whether `no_show=true` shows no-shows alone, or lets them in as its absence does.
        match_every_email: whether `email_addresses[]` looks at a person's other two addresses too.
        canceled_by_id: whether `ids[]` alone shows cancelled meetings too, whatever comes without `show_deleted`.
        guids_of: whose meetings `user_guids[]` selects: `owner`, `booker` or `either`.
        most_values: how many values of one filter are looked at; None for all.
        ored: whether `event_ids[]` and `i_cal_uids[]` are ORed, as documented.
        any_case: whether `guid[]` looks at a GUID without regard to case.
        single_meetings: whether `/v2/meetings/{id}` is there.
        strict: whether a filter that there is not is refused, rather than ignored.
        bad_value_status: what a value that cannot be read gets.
        limit_headers: whether answers tell of the limit.
        rate_limit: cost units a minute of the clock; None for no limit.
        scopes: what the token may read; None for everything.
        client_id: for the client-credentials grant at `/oauth/token`.
        client_secret: likewise.
        latency: seconds before each answer.
    """

    deleted_by_default: bool | None = False
    no_show_only: bool = True
    match_every_email: bool = True
    canceled_by_id: bool = False
    guids_of: str = "owner"
    most_values: int | None = None
    ored: bool = True
    any_case: bool = False
    single_meetings: bool = False
    strict: bool = False
    bad_value_status: int = 422
    limit_headers: bool = True
    rate_limit: int | None = 600
    scopes: frozenset[str] | None = None
    client_id: str = "emulated-client"
    client_secret: str = field(default="emulated-secret", repr=False)
    latency: float = 0.0


class SalesloftEmulator:
    """An ASGI application that answers as Salesloft does.

    Attributes:
        world: what it holds; changes show at once (see `Table` for when to call `touch`).
        token: the API key that it accepts, beside those given out at `/oauth/token`.
        door: call log, faults and latency.
        throttle: the vendor's minute.
        webhooks: the subscriptions to what happens.
    """

    def __init__(self, world: World, *, clock: Clock, token: str, options: SalesloftOptions | None = None) -> None:
        self.world = world
        self.token = token
        self.options = options or SalesloftOptions()
        self.door = Door(self, clock, self.options.latency)
        self.throttle = Throttle(self.options.rate_limit)
        self.webhooks = WebhookDesk()
        self._clock = clock
        self._desk = TokenDesk(self.options.client_id, self.options.client_secret, clock)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        await self.door(scope, receive, send)

    def error_body(self, status: int) -> object:
        """Give Salesloft's error body."""
        return {"error": _ERRORS.get(status, "Something went wrong")}

    def answer(self, ask: Ask) -> Answer:
        """Answer a request; budget and headers are settled here."""
        if ask.path == "/oauth/token":
            return self._desk.answer(ask)
        if ask.path.startswith(WEBHOOKS):
            if not self._admits(ask.bearer):
                return Answer("webhook_subscriptions", 401, self.error_body(401))
            self.throttle.spend(1, self._clock())
            key_of_one = ask.path.removeprefix(WEBHOOKS).removesuffix(".json").removeprefix("/") or None
            return self.webhooks.answer(ask, key_of_one, self._headers(1))
        kind, key = _place(ask.path)
        endpoint = f"{kind}/{{id}}" if key is not None else kind
        if not self._admits(ask.bearer):
            return Answer(endpoint, 401, self.error_body(401))
        cost = cost_of(ask.params) if key is None else 1
        if not self.throttle.spend(cost, self._clock()):
            return Answer(endpoint, 429, self.error_body(429), self._headers(cost))
        status, body, unknown, written = self._result(ask, kind, key)
        headers = self._headers(cost)
        if status == 405:  # noqa: PLR2004 -- named by its phrase below
            headers["allow"] = "GET"
        return Answer(endpoint, status, body, headers, cost, unknown, written)

    def _admits(self, bearer: str | None) -> bool:
        if bearer is None:
            return False
        return hmac.compare_digest(bearer.encode(), self.token.encode()) or self._desk.gave_out(bearer)

    def _headers(self, cost: int) -> dict[str, str]:
        if not self.options.limit_headers:
            return {}
        return {
            "x-ratelimit-endpoint-cost": str(cost),
            "x-ratelimit-remaining-minute": str(self.throttle.remaining),
        }

    def _result(
        self, ask: Ask, kind: str, key: str | None
    ) -> tuple[int, object, tuple[str, ...], Mapping[str, object]]:
        """Give status, body, names that were ignored, and what of the body is JSON already."""
        world = self.world.salesloft
        status, body = 200, None
        if kind == UNKNOWN or (key is not None and not self._single(kind)):
            status = 404
        elif ask.method != "GET":
            status = 405
        elif kind in KINDS and self.options.scopes is not None and KINDS[kind].scope not in self.options.scopes:
            status = 403
        elif kind in _SINGLE_OBJECTS:
            body = {"data": world.team if kind == "team" else world.users[world.me_id]}
        elif key is not None:
            row = _record(world, self._scene(), kind, key)
            status, body = (200, {"data": row}) if row else (404, None)
        else:
            try:
                page = list_page(kind, ask.params, self._scene())
            except Invalid as invalid:
                return self.options.bad_value_status, {"errors": invalid.errors}, (), {}
            return 200, page.body, page.unknown, {"data": page.rows}
        return status, body or self.error_body(status), tuple(name for name, _ in ask.params), {}

    def _single(self, kind: str) -> bool:
        return KINDS[kind].single or (kind == "meetings" and self.options.single_meetings)

    def _scene(self) -> Scene:
        options = self.options
        return Scene(
            world=self.world.salesloft,
            now=self._clock(),
            deleted_by_default=options.deleted_by_default,
            no_show_only=options.no_show_only,
            match_every_email=options.match_every_email,
            canceled_by_id=options.canceled_by_id,
            guids_of=options.guids_of,
            most_values=options.most_values,
            ored=options.ored,
            any_case=options.any_case,
            strict=options.strict,
        )


WEBHOOKS = "/v2/webhook_subscriptions"
UNKNOWN = "unknown"
_SINGLE_OBJECTS = frozenset({"me", "team"})


def _place(path: str) -> tuple[str, str | None]:
    """Read a path, with or without `.json`: the kind and, of a single record, its key."""
    if not path.startswith(PREFIX):
        return UNKNOWN, None
    kind, slash, key = path.removeprefix(PREFIX).removesuffix(".json").partition("/")
    if kind in _SINGLE_OBJECTS and not slash:
        return kind, None
    if kind not in KINDS or "/" in key or (slash and not key):
        return UNKNOWN, None
    return kind, key if slash else None


def _record(world: SalesloftWorld, scene: Scene, kind: str, key: str) -> Row | None:
    """Find one record; a user by GUID too, as its own links have it. What group privacy hides is not there."""
    table: Table[int] = getattr(world, kind)
    if not key.isdecimal():
        return next((row for row in table.data.values() if kind == "users" and row["guid"] == key), None)
    hidden: Mapping[int, object] | set[int] = hidden_ids(KINDS[kind], scene)
    return None if int(key) in hidden else table.data.get(int(key))
