"""API keys and JWTs: who gets in, and how the others are refused."""

from __future__ import annotations

import hashlib
import logging

import pytest
from multidict import CIMultiDict

from gateway.model.scopes import SCOPES
from gateway.settings.api_keys import matching, read_keys, weaknesses
from gateway.settings.environment import BadSetting
from gateway.settings.settings import Settings
from gateway.upstream.clock import ManualClock
from tests.http.harness import Caller, PlainEngine
from tests.http.issuer import KEY, OTHER, Issuer, ask
from tests.http.issuer import clock as clock
from tests.http.issuer import engine as engine
from tests.http.issuer import gateway as gateway
from tests.http.issuer import issuer as issuer
from tests.http.issuer import signing as signing

HASH = "sha256$c25d3a4f0c9c0d0c54a2d4a7b4a0d0f1a1e0b7c8a2cbe3ed32b56d9e2f1f4a5c"


def test_entries_of_keys() -> None:
    keys = read_keys(f"{KEY}, web:{OTHER},\n# a comment, and more\nbot:{HASH}:meetings:read+people:read\n")
    assert [(key.name.split("-")[0], key.scopes) for key in keys] == [
        ("key", SCOPES),
        ("web", SCOPES),
        ("bot", {"meetings:read", "people:read"}),
    ]
    assert keys[2].digest.hex() == HASH.removeprefix("sha256$")


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("web:", "lacks a part"),
        (f":{KEY}", "lacks a part"),
        (f"web:{KEY}:", "lacks a part"),
        (f"web:{KEY}:meetings:write", "names the scope"),
        ("two words", "not one word"),
        ("schlüssel", "not one word"),
        ("web:sha256$123", "not a SHA-256"),
        (f"{KEY},web:{KEY}:everything", "entry 2"),
        (f"web:{KEY},bot:{KEY}", "entry 2 has the same key"),
        (f"web:{KEY},web:{KEY}:meetings:read", "entry 2 has the same key"),
        (",", "holds no key"),
        (f"{'x' * 65}:{KEY}", "entry 1 has a name of more than 64"),
    ],
)
def test_an_entry_that_is_not_valid(text: str, wrong: str) -> None:
    with pytest.raises(BadSetting, match=wrong) as caught:
        Settings.read({"GATEWAY_API_KEYS": text})
    assert KEY not in str(caught.value)


def test_keys_that_could_be_stored_better() -> None:
    assert weaknesses("KEYS", f"web:{KEY}", from_file=False) == []
    assert "can be guessed" in weaknesses("KEYS", "web:secret", from_file=False)[0]
    assert "plain text" in weaknesses("KEYS", f"web:{KEY}", from_file=True)[0]
    assert weaknesses("KEYS", f"web:{HASH}:pii:read", from_file=True) == []


def test_every_key_of_a_list_is_accepted_and_nothing_like_one() -> None:
    keys = read_keys(f"old:{KEY},new:{OTHER}")
    assert [getattr(matching(key, keys), "name", None) for key in (KEY, OTHER, KEY[:-1], f"{KEY} ", "")] == [
        *("old", "new"),
        *(None, None, None),
    ]


async def test_keys_in_either_header(gateway: Caller, engine: PlainEngine) -> None:
    assert (await ask(gateway, Authorization=f"Bearer {KEY}")).status == 200
    assert (await ask(gateway, Authorization=f"bearer  {OTHER} ")).status == 200
    assert (await ask(gateway, X_API_Key=OTHER)).status == 200
    reported = [(principal.name, principal.scopes) for principal in engine.principals if principal]
    assert reported == [("web", SCOPES), *[("bot", {"meetings:read"})] * 2]


async def test_a_token_of_either_key(gateway: Caller, engine: PlainEngine, issuer: Issuer, clock: ManualClock) -> None:
    for key_id in ("one", "two"):
        assert (await ask(gateway, Authorization=f"Bearer {issuer.token(clock, key_id)}")).status == 200
    assert {(p.name, p.scopes) for p in engine.principals if p} == {
        (f"sub:{hashlib.sha256(b'zoe').hexdigest()[:16]}", frozenset({"meetings:read", "people:read"}))
    }
    assert issuer.fetched == 1


async def test_whose_credential_it_was_stands_in_the_log(
    gateway: Caller, issuer: Issuer, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "gateway.web.request_log")
    address = "zoe@customer.example"
    for credential in (KEY, OTHER, issuer.token(clock, sub=address), issuer.token(clock, sub=None)):
        assert (await ask(gateway, Authorization=f"Bearer {credential}")).status == 200
    lines = [vars(record) for record in caplog.records]
    hashed = f"sub:{hashlib.sha256(address.encode()).hexdigest()[:16]}"
    assert [line["client"] for line in lines] == ["web", "bot", hashed, "sub:none"]
    assert address not in str(lines)
    assert KEY not in str(lines)


@pytest.mark.parametrize(
    ("reason", "headers"),
    [
        ("missing", {}),
        ("several", {"X-API-Key": KEY, "Authorization": f"Bearer {KEY}"}),
        ("scheme", {"Authorization": f"Basic {KEY}"}),
        ("unknown", {"X-API-Key": "wrong"}),
    ],
)
async def test_why_a_key_was_refused_stands_in_the_log(
    gateway: Caller, reason: str, headers: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "gateway.web.request_log")
    assert (await ask(gateway, **headers)).status == 401
    assert [vars(record)["refused"] for record in caplog.records] == [reason]


@pytest.mark.parametrize("headers", [{}, {"Cookie": "token=x"}])
async def test_no_credential(gateway: Caller, engine: PlainEngine, headers: dict[str, str]) -> None:
    reply = await ask(gateway, **headers)
    assert (reply.status, reply.code) == (401, "UNAUTHENTICATED")
    assert reply.headers["WWW-Authenticate"] == 'Bearer realm="meeting-gateway"'
    assert engine.executed == 0


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer wrong"},
        {"Authorization": f"Basic {KEY}"},
        {"Authorization": "Bearer"},
        {"Authorization": KEY},
        {"X-API-Key": "wrong"},
        {"X-API-Key": ""},
        {"X-API-Key": KEY, "Authorization": f"Bearer {KEY}"},
        {"Authorization": "Bearer a.b.c"},
        {"Authorization": "Bearer " + "x" * 9000 + ".y.z"},
        {"X-API-Key": "sch\u00fcssel"},
    ],
)
async def test_an_invalid_credential(gateway: Caller, engine: PlainEngine, headers: dict[str, str]) -> None:
    reply = await ask(gateway, **headers)
    assert (reply.status, reply.code) == (401, "UNAUTHENTICATED")
    assert reply.headers["WWW-Authenticate"] == 'Bearer realm="meeting-gateway", error="invalid_token"'
    assert engine.executed == 0


@pytest.mark.parametrize(
    "lines",
    [
        [("X-API-Key", KEY), ("X-API-Key", OTHER)],
        [("X-API-Key", KEY), ("X-API-Key", KEY)],
        [("Authorization", f"Bearer {KEY}"), ("Authorization", f"Bearer {KEY}")],
        [("X-API-Key", KEY), ("Authorization", f"Bearer {KEY}")],
    ],
)
async def test_two_credentials_are_refused(gateway: Caller, engine: PlainEngine, lines: list[tuple[str, str]]) -> None:
    reply = await gateway.ask("POST", json={"query": "{ hello }"}, headers=CIMultiDict(lines))
    assert (reply.status, reply.code, engine.executed) == (401, "UNAUTHENTICATED", 0)
    assert "More than one" in reply.json["errors"][0]["message"]
