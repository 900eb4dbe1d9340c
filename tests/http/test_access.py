"""API keys and JWTs: who gets in, and how the others are told."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm
from multidict import CIMultiDict

from gateway.model.scopes import SCOPES
from gateway.settings.api_keys import matching, read_keys, weaknesses
from gateway.settings.environment import BadSetting
from gateway.settings.settings import Settings
from gateway.upstream.clock import ManualClock
from gateway.web.access import Access
from gateway.web.keyset import FRESH, LONGEST_USE, PAUSE, KeySet, KeysUnavailable
from gateway.web.tokens import SKEW, Tokens
from tests.http.harness import Caller, PlainEngine, Reply, calling, plain_site

KEY, OTHER = "a-long-enough-key", "another-long-enough-key"
HASH = "sha256$c25d3a4f0c9c0d0c54a2d4a7b4a0d0f1a1e0b7c8a2cbe3ed32b56d9e2f1f4a5c"
ISSUER, AUDIENCE = "https://login.example", "meetings"


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
    ],
)
def test_an_entry_that_is_not_valid(text: str, wrong: str) -> None:
    with pytest.raises(BadSetting, match=wrong) as caught:
        Settings.read({"GATEWAY_API_KEYS": text})
    assert KEY not in str(caught.value)


def test_what_could_be_kept_better() -> None:
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


@dataclass
class Issuer:
    """Signs tokens and publishes keys; `published` is what the next fetch gets."""

    keys: dict[str, Any] = field(default_factory=dict)
    fetched: int = 0
    failing: bool = False
    extra: list[dict[str, Any]] = field(default_factory=list)

    def add(self, key_id: str, *, curve: bool = False) -> None:
        self.keys[key_id] = ec.generate_private_key(ec.SECP256R1()) if curve else rsa.generate_private_key(65537, 2048)

    async def publish(self) -> bytes:
        self.fetched += 1
        if self.failing:
            raise OSError("down")
        entries = [public_jwk(key) | {"kid": key_id, "use": "sig"} for key_id, key in self.keys.items()]
        return json.dumps({"keys": entries + self.extra}).encode()

    def token(self, clock: ManualClock, key_id: str = "one", **changes: Any) -> str:
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": "zoe",
            "exp": int(clock.time()) + 300,
            "scope": "openid meetings:read people:read",
            **changes,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        algorithm = "RS256" if isinstance(self.keys[key_id], rsa.RSAPrivateKey) else "ES256"
        return jwt.encode(claims, self.keys[key_id], algorithm, headers={"kid": key_id})


def public_jwk(key: Any) -> dict[str, Any]:
    kind: Any = RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else ECAlgorithm
    made: dict[str, Any] = kind.to_jwk(key.public_key(), as_dict=True)
    return made


@pytest.fixture(scope="module")
def signing() -> Mapping[str, Any]:
    """Keys are slow to make: one set for all tests."""
    issuer = Issuer()
    issuer.add("one")
    issuer.add("two", curve=True)
    issuer.add("stranger")
    return issuer.keys


@pytest.fixture
def issuer(signing: Mapping[str, Any]) -> Issuer:
    return Issuer({"one": signing["one"], "two": signing["two"]})


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def engine() -> PlainEngine:
    return PlainEngine()


@pytest.fixture
async def gateway(issuer: Issuer, clock: ManualClock, engine: PlainEngine) -> AsyncIterator[Caller]:
    tokens = Tokens(KeySet(issuer.publish, clock), ISSUER, AUDIENCE, clock)
    keys = read_keys(f"web:{KEY},bot:{OTHER}:meetings:read")
    async with calling(
        plain_site(engine, access=Access(required=True, keys=keys, tokens=tokens), clock=clock)
    ) as caller:
        yield caller


async def ask(gateway: Caller, **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await gateway.ask("POST", json={"query": "{ hello }"}, headers=named)


async def test_keys_in_either_header(gateway: Caller, engine: PlainEngine) -> None:
    assert (await ask(gateway, Authorization=f"Bearer {KEY}")).status == 200
    assert (await ask(gateway, Authorization=f"bearer  {OTHER} ")).status == 200
    assert (await ask(gateway, X_API_Key=OTHER)).status == 200
    told = [(principal.name, principal.scopes) for principal in engine.principals if principal]
    assert told == [("web", SCOPES), *[("bot", {"meetings:read"})] * 2]


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
async def test_a_credential_that_is_none(gateway: Caller, engine: PlainEngine, headers: dict[str, str]) -> None:
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


Forge = Callable[[Issuer, ManualClock], str]


def claim(**changes: Any) -> Forge:
    return lambda issuer, clock: issuer.token(clock, **changes)


def at(name: str, offset: float) -> Forge:
    return lambda issuer, clock: issuer.token(clock, "one", **{name: clock.time() + offset})


def stranger(issuer: Issuer, clock: ManualClock) -> str:
    key = rsa.generate_private_key(65537, 2048)
    return jwt.encode({"iss": ISSUER, "aud": AUDIENCE, "exp": clock.time() + 9}, key, "RS256", headers={"kid": "one"})


def unknown_key(issuer: Issuer, clock: ManualClock) -> str:
    issuer.keys["three"] = issuer.keys["one"]
    token = issuer.token(clock, "three")
    del issuer.keys["three"]
    return token


def unsigned(issuer: Issuer, clock: ManualClock) -> str:
    return jwt.encode({"iss": ISSUER, "aud": AUDIENCE, "exp": clock.time() + 9}, "", "none", headers={"kid": "one"})


def confused(issuer: Issuer, clock: ManualClock) -> str:
    """Signed by HMAC with the public key as if it were a shared secret."""
    import hmac  # noqa: PLC0415 - only this forgery needs it

    public = issuer.keys["one"].public_key()
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    head = jwt.utils.base64url_encode(b'{"alg":"HS256","kid":"one","typ":"JWT"}')
    claims = {"iss": ISSUER, "aud": AUDIENCE, "exp": clock.time() + 9}
    signed = head + b"." + jwt.utils.base64url_encode(json.dumps(claims).encode())
    return (signed + b"." + jwt.utils.base64url_encode(hmac.digest(pem, signed, hashlib.sha256))).decode()


def other_algorithm(issuer: Issuer, clock: ManualClock) -> str:
    claims = {"iss": ISSUER, "aud": AUDIENCE, "exp": clock.time() + 9}
    return jwt.encode(claims, issuer.keys["one"], "RS512", headers={"kid": "two"})


def truncated(issuer: Issuer, clock: ManualClock) -> str:
    return issuer.token(clock)[:-4]


def tampered(issuer: Issuer, clock: ManualClock) -> str:
    head, claims, signature = issuer.token(clock).split(".")
    more = jwt.utils.base64url_decode(claims).replace(b"people:read", b"people:read pii:read")
    return ".".join([head, jwt.utils.base64url_encode(more).decode(), signature])


@pytest.mark.parametrize(
    ("reason", "forge"),
    [
        *(("issuer", claim(iss="https://other.example")), ("issuer", claim(iss=None))),
        *(("audience", claim(aud="other")), ("audience", claim(aud=None)), ("audience", claim(aud=[5]))),
        *(("claims", claim(exp=None)), ("claims", claim(exp="soon")), ("claims", claim(exp=True))),
        *(("claims", claim(nbf="x")), ("claims", claim(sub=5))),
        *(("expired", at("exp", -SKEW - 1)), ("early", at("nbf", SKEW + 1)), ("early", at("iat", SKEW + 1))),
        *(("signature", stranger), ("malformed", truncated), ("signature", tampered)),
        *(("key", unknown_key), ("algorithm", unsigned), ("algorithm", confused), ("algorithm", other_algorithm)),
        *(("malformed", lambda *_: "a.b.c"), ("malformed", lambda *_: f"{'x' * 9000}.y.z")),
    ],
)
async def test_a_token_that_is_not_accepted_says_why_in_our_log_alone(
    *,
    gateway: Caller,
    engine: PlainEngine,
    issuer: Issuer,
    clock: ManualClock,
    reason: str,
    forge: Forge,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "gateway.web.request_log")
    token = forge(issuer, clock)
    reply = await ask(gateway, Authorization=f"Bearer {token}")
    assert (reply.status, reply.code) == (401, "UNAUTHENTICATED")
    assert engine.executed == 0
    (line,) = [vars(record) for record in caplog.records]
    assert line["refused"] == reason
    assert "client" not in line
    assert token not in str(line)
    assert "issuer" not in reply.json["errors"][0]["message"]
    assert (await ask(gateway, Authorization=f"Bearer {issuer.token(clock)}")).status == 200


@pytest.mark.parametrize(
    "forge",
    [at("exp", -SKEW + 1), at("nbf", SKEW - 1), claim(aud=["x", AUDIENCE]), claim(scp=["pii:read"], scope=None)],
)
async def test_a_token_that_just_is(gateway: Caller, issuer: Issuer, clock: ManualClock, forge: Forge) -> None:
    assert (await ask(gateway, Authorization=f"Bearer {forge(issuer, clock)}")).status == 200


async def test_a_token_without_any_scope_of_ours(gateway: Caller, issuer: Issuer, clock: ManualClock) -> None:
    reply = await ask(gateway, Authorization=f"Bearer {issuer.token(clock, scope='openid email')}")
    assert (reply.status, reply.code) == (403, "FORBIDDEN")
    assert reply.headers["WWW-Authenticate"] == 'Bearer realm="meeting-gateway", error="insufficient_scope"'


async def test_health_and_the_page_need_no_credential_and_tell_nothing(gateway: Caller) -> None:
    for path in ("/healthz", "/readyz"):
        reply = await gateway.ask("GET", path)
        assert reply.status == 200
        assert b"web" not in reply.body
    assert (await gateway.ask("GET", headers={"Accept": "text/html"})).status == 200


async def test_new_keys_are_found_and_old_ones_dropped(
    issuer: Issuer, clock: ManualClock, signing: Mapping[str, Any]
) -> None:
    keys = KeySet(issuer.publish, clock)
    assert await keys.key("one")
    issuer.keys["three"] = signing["stranger"]
    assert await keys.key("three") is None  # asked too soon after the last fetch
    clock.advance(PAUSE)
    assert await keys.key("three")
    del issuer.keys["three"]
    clock.advance(FRESH + 1)
    assert await keys.key("three") is None
    assert issuer.fetched == 3


async def test_a_flood_of_unknown_keys_asks_the_issuer_no_oftener(issuer: Issuer, clock: ManualClock) -> None:
    keys = KeySet(issuer.publish, clock)
    for number in range(1000):
        assert await keys.key(f"made-up-{number}") is None
    assert issuer.fetched == 1


async def test_keys_go_on_while_the_issuer_is_down_but_not_for_ever(issuer: Issuer, clock: ManualClock) -> None:
    keys = KeySet(issuer.publish, clock)
    assert await keys.key("one")
    issuer.failing = True
    clock.advance(FRESH + 1)
    assert await keys.key("one")
    clock.advance(LONGEST_USE)
    with pytest.raises(KeysUnavailable):
        await keys.key("one")
    issuer.failing = False
    clock.advance(PAUSE)
    assert await keys.key("one")


async def test_a_token_while_there_are_no_keys(gateway: Caller, issuer: Issuer, clock: ManualClock) -> None:
    issuer.failing = True
    assert (await ask(gateway, Authorization=f"Bearer {issuer.token(clock)}")).status == 401
    assert (await ask(gateway, X_API_Key=KEY)).status == 200


async def test_keys_that_cannot_sign_are_left_out(issuer: Issuer, clock: ManualClock) -> None:
    issuer.extra = [
        {"kty": "oct", "k": "c2VjcmV0", "kid": "shared", "alg": "HS256"},
        {"kty": "RSA", "kid": "broken"},
        {"kty": "RSA", "n": 5, "e": 5, "kid": "numbers"},
        {**public_jwk(issuer.keys["one"]), "kid": "for-encryption", "use": "enc"},
        {**public_jwk(issuer.keys["one"]), "kid": "odd", "alg": "HS256"},
        {"kid": "no kind"},
    ]
    keys = KeySet(issuer.publish, clock)
    for key_id in ("shared", "broken", "numbers", "for-encryption", "odd", "no kind", None):
        assert await keys.key(key_id) is None
    assert await keys.key("one")


async def test_a_token_may_leave_out_which_key_where_there_is_one(issuer: Issuer, clock: ManualClock) -> None:
    del issuer.keys["two"]
    assert await KeySet(issuer.publish, clock).key(None)
