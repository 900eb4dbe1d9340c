"""Tokens: asked for in time, by one for all, never in a loop, and nowhere to be read."""

from __future__ import annotations

import asyncio
import copy
import json
import logging
import pickle
import traceback
from collections.abc import Callable
from urllib.parse import parse_qs

import pytest

from gateway.errors import DeadlineExceeded, UpstreamMalformed, UpstreamRefused, UpstreamTimeout, UpstreamUnavailable
from gateway.request import Request
from gateway.upstream.client import Client
from gateway.upstream.clock import ManualClock
from gateway.upstream.credentials import Secret
from gateway.upstream.http import Session, Upstream
from gateway.upstream.oauth import MAX_LIFETIME, SHORT_LIFETIME, ClientCredentials, TokenVault
from tests.upstream.conftest import MakeClient
from tests.upstream.server import Handler, Received, Server, hang, reply
from tests.upstream.turns import turn

CLIENT_SECRET = "cs-53c237-not-to-be-seen"


class TokenServer:
    """Gives a new token for every question, good for two hours; everything else wants the newest one."""

    def __init__(self) -> None:
        self.asked: list[dict[str, list[str]]] = []
        self.valid = ""
        self.answer: Handler | None = None
        self.used: list[str] = []

    async def __call__(self, request: Received, writer: asyncio.StreamWriter) -> None:
        if request.target != "/oauth/token":
            token = request.headers["authorization"].removeprefix("Bearer ")
            self.used.append(token)
            await reply(200 if token == self.valid else 401)(request, writer)
            return
        assert request.method == "POST"
        assert "authorization" not in request.headers
        self.asked.append(parse_qs(request.body.decode()))
        self.valid = f"at-{len(self.asked)}-not-to-be-seen"
        body = {"access_token": self.valid, "token_type": "bearer", "expires_in": 7200, "scope": "meetings:read"}
        await (self.answer or reply(200, json.dumps(body).encode()))(request, writer)


@pytest.fixture
def tokens(server: Server) -> TokenServer:
    tokens = TokenServer()
    server.otherwise = tokens
    return tokens


MakeCredential = Callable[..., ClientCredentials]


@pytest.fixture
def make_credential(server: Server, session: Session, clock: ManualClock) -> MakeCredential:
    def make(vault: TokenVault | None = None, *, timeout: float = 5) -> ClientCredentials:
        endpoint = Upstream(name="SALESLOFT", base_url=f"{server.url}/oauth/token", timeout=timeout)
        return ClientCredentials(endpoint, "client-1", Secret(CLIENT_SECRET), session, clock, vault=vault)

    return make


@pytest.fixture
def client(make_client: MakeClient, make_credential: MakeCredential, tokens: TokenServer) -> Client:
    assert not tokens.asked
    return make_client(credential=make_credential())


@pytest.fixture
def hasty(make_client: MakeClient, make_credential: MakeCredential, tokens: TokenServer) -> Client:
    """A client whose token endpoint has a tenth of a second."""
    assert not tokens.asked
    return make_client(credential=make_credential(timeout=0.1))


def asking(clock: ManualClock) -> Request:
    return Request(clock.monotonic() + 25)


async def ask(client: Client, clock: ManualClock) -> None:
    await client.get(asking(clock), "/v2/me", "/v2/me")


async def test_a_token_is_asked_for_once_and_used(client: Client, tokens: TokenServer, clock: ManualClock) -> None:
    request = asking(clock)
    await client.get(request, "/v2/me", "/v2/me")
    await asyncio.gather(*(client.get(asking(clock), "/v2/x", f"/v2/{n}") for n in range(9)))

    (form,) = tokens.asked
    assert form == {"grant_type": ["client_credentials"], "client_id": ["client-1"], "client_secret": [CLIENT_SECRET]}
    assert set(tokens.used) == {"at-1-not-to-be-seen"}
    assert [(entry.endpoint, entry.cost) for entry in request.ledger.calls()] == [("/oauth/token", 0), ("/v2/me", 1)]


async def test_it_is_asked_for_anew_at_half_of_its_life_by_one(
    client: Client, tokens: TokenServer, clock: ManualClock
) -> None:
    await ask(client, clock)
    clock.advance(3599)
    await ask(client, clock)
    assert len(tokens.asked) == 1

    clock.advance(2)
    await asyncio.gather(*(client.get(asking(clock), "/v2/x", f"/v2/{n}", [("n", "1")]) for n in range(9)))
    assert len(tokens.asked) == 2


async def test_an_old_token_is_used_while_there_is_no_new_one(
    hasty: Client, tokens: TokenServer, clock: ManualClock
) -> None:
    client = hasty
    await ask(client, clock)
    clock.advance(3601)
    tokens.answer = hang
    tokens.valid = "at-1-not-to-be-seen"

    token = await client_token(client, clock)
    assert token == "at-1-not-to-be-seen"
    assert len(tokens.asked) == 2
    assert await client_token(client, clock) == token
    assert len(tokens.asked) == 2  # not asked again at once
    clock.advance(5)
    assert await client_token(client, clock) == token
    assert len(tokens.asked) == 3

    clock.advance(3600)
    with pytest.raises(UpstreamTimeout):
        await client_token(client, clock)


async def client_token(client: Client, clock: ManualClock) -> str:
    return (await client.credential.token(asking(clock))).reveal()


@pytest.mark.parametrize(
    "case",
    [
        (reply(400, b'{"error":"invalid_grant"}'), UpstreamRefused),
        (reply(401, b'{"error":"invalid_client"}'), UpstreamRefused),
        (reply(404), UpstreamRefused),
        (reply(500), UpstreamUnavailable),
        (reply(302, b"", {"Location": "http://127.0.0.1:1/"}), UpstreamUnavailable),
        (hang, UpstreamTimeout),
        (reply(200, b"<html>"), UpstreamMalformed),
        (reply(200, b'{"access_token":7}'), UpstreamMalformed),
        (reply(200, b'{"access_token":""}'), UpstreamUnavailable),
        (reply(200, b'{"access_token":"x","expires_in":0}'), UpstreamUnavailable),
    ],
)
async def test_no_token_no_call_and_no_loop(
    make_client: MakeClient,
    make_credential: MakeCredential,
    tokens: TokenServer,
    clock: ManualClock,
    case: tuple[Handler, type[Exception]],
) -> None:
    answer, error = case
    client = make_client(credential=make_credential(timeout=0.5 if answer is hang else 60))
    tokens.answer = answer
    for _ in range(5):
        with pytest.raises(error):
            await ask(client, clock)
    assert (len(tokens.asked), tokens.used) == (1, [])

    clock.advance(60)
    tokens.answer = None
    await ask(client, clock)
    assert tokens.used == ["at-2-not-to-be-seen"]


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("7200", 7200),
        ('"7200"', 7200),
        ('" 3600.5 "', 3600.5),
        ("60", 60),
        ("null", SHORT_LIFETIME),
        ('"soon"', SHORT_LIFETIME),
        ('""', SHORT_LIFETIME),
        ('"nan"', SHORT_LIFETIME),
        ("true", SHORT_LIFETIME),
        ("[7200]", SHORT_LIFETIME),
        ('{"seconds": 7200}', SHORT_LIFETIME),
        ("99999999999", MAX_LIFETIME),
        ("1" + "0" * 100, MAX_LIFETIME),
        ('"1e400"', MAX_LIFETIME),
        ('"inf"', MAX_LIFETIME),
    ],
    ids=lambda value: str(value)[:20],
)
async def test_the_life_of_a_token_may_be_given_in_any_form(
    client: Client, tokens: TokenServer, clock: ManualClock, said: str, seconds: float
) -> None:
    token = b'{"access_token": "at-1-not-to-be-seen", "expires_in": %b}' % said.encode()
    tokens.answer = reply(200, token)
    await ask(client, clock)
    clock.advance(seconds / 2 - 1)
    await ask(client, clock)
    assert len(tokens.asked) == 1
    clock.advance(2)
    await client_token(client, clock)
    assert len(tokens.asked) == 2


async def test_a_token_without_a_life_lasts_as_long_as_salesloft_s(
    client: Client, tokens: TokenServer, clock: ManualClock
) -> None:
    tokens.answer = reply(200, b'{"access_token": "at-1-not-to-be-seen"}')
    await ask(client, clock)
    clock.advance(3599)
    await ask(client, clock)
    assert len(tokens.asked) == 1


async def test_a_revoked_token_is_replaced_once(client: Client, tokens: TokenServer, clock: ManualClock) -> None:
    await ask(client, clock)
    clock.advance(100)
    tokens.valid = "revoked"

    await ask(client, clock)
    assert len(tokens.asked) == 2

    tokens.valid = "revoked again"
    with pytest.raises(UpstreamRefused):
        await ask(client, clock)
    assert len(tokens.asked) == 2  # the token is new: the fault is not its age


async def test_waiting_for_a_token_ends_at_the_deadline(
    make_client: MakeClient, make_credential: MakeCredential, tokens: TokenServer, clock: ManualClock
) -> None:
    class Stuck:
        async def load(self) -> None:
            await asyncio.sleep(30)

        async def save(self, token: object) -> None: ...

        async def claim(self, seconds: float) -> bool:
            return seconds < 0

        async def release(self) -> None: ...

    client = make_client(credential=make_credential(Stuck()))
    call = asyncio.ensure_future(ask(client, clock))
    await turn()
    clock.advance(25)
    with pytest.raises(DeadlineExceeded):
        await call
    assert not tokens.asked


def test_a_secret_shows_itself_only_by_name() -> None:
    secret = Secret("ak-123")
    shown = [
        repr(secret),
        str(secret),
        f"{secret}",
        f"{secret:>30}",
        repr([secret]),
        repr({"a": secret}),
    ]
    assert not any("123" in text for text in shown)
    assert secret.reveal() == "ak-123"
    assert (secret == Secret("ak-123"), secret == Secret("ak-124"), secret == "ak-123") == (True, False, False)
    for smuggle in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            smuggle(secret)
    assert secret.fingerprint("a") != secret.fingerprint("b") != Secret("ak-124").fingerprint("b")


async def test_no_token_is_written_anywhere(
    client: Client, tokens: TokenServer, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    """Logs at debug, reprs, error answers with their whole traceback."""
    caplog.set_level(logging.DEBUG)
    asyncio.get_running_loop().set_debug(True)
    await ask(client, clock)
    clock.advance(100)
    reported = [repr(client), repr(vars(client)), repr(client.credential), repr(vars(client.credential))]
    for answer in (reply(500), reply(401)):
        tokens.answer = answer
        tokens.valid = "revoked"
        try:
            await ask(client, clock)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is looked through
            reported.append("".join(traceback.format_exception(error)))
            reported.append(repr(error.extensions()) if hasattr(error, "extensions") else "")
        clock.advance(100)
    reported.append(caplog.text)
    assert "not-to-be-seen" not in "".join(reported)
