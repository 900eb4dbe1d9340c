"""JWTs: which are accepted, why the others are not, and the keys of their issuer."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from collections.abc import Mapping
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from gateway.upstream.clock import ManualClock
from gateway.web.tokens import FRESH, LONGEST_USE, PAUSE, SKEW, KeySet, KeysUnavailable
from tests.http.harness import Caller, PlainEngine
from tests.http.issuer import AUDIENCE, ISSUER, KEY, Forge, Issuer, ask, public_jwk, settled
from tests.http.issuer import clock as clock
from tests.http.issuer import engine as engine
from tests.http.issuer import gateway as gateway
from tests.http.issuer import issuer as issuer
from tests.http.issuer import signing as signing


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
    return issuer.token(clock)[:-1]  # of whatever length the signature is, one character short is not base64


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


@pytest.mark.parametrize(
    ("claims", "email"),
    [
        ({"email": "zoe@team.example"}, "zoe@team.example"),
        ({"email": "zoe@team.example", "email_verified": True}, "zoe@team.example"),
        ({"email": "zoe@team.example", "email_verified": "true"}, "zoe@team.example"),
        ({"email": "zoe@team.example", "email_verified": False}, None),
        ({"email": "zoe@team.example", "email_verified": "false"}, None),
        ({"email": ["zoe@team.example"]}, None),
        ({"mail": "zoe@team.example"}, None),
    ],
)
async def test_a_token_may_say_whose_it_is(  # noqa: PLR0917 - fixtures
    gateway: Caller, engine: PlainEngine, issuer: Issuer, clock: ManualClock, claims: dict[str, Any], email: str | None
) -> None:
    await ask(gateway, Authorization=f"Bearer {issuer.token(clock, **claims)}")
    (principal,) = engine.principals
    assert principal is not None
    assert principal.email == email


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
    assert await keys.key("three")  # known: nobody waits for the issuer, who is asked behind it
    await settled()
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
    await settled()
    assert await keys.key("one")
    with pytest.raises(KeysUnavailable):
        await keys.key("perhaps a new one")
    clock.advance(LONGEST_USE)
    with pytest.raises(KeysUnavailable):
        await keys.key("one")
    issuer.failing = False
    clock.advance(PAUSE)
    assert await keys.key("one")


async def test_a_token_while_there_are_no_keys(gateway: Caller, issuer: Issuer, clock: ManualClock) -> None:
    issuer.failing = True
    reply = await ask(gateway, Authorization=f"Bearer {issuer.token(clock)}")
    assert (reply.status, reply.code) == (503, "")
    assert int(reply.headers["Retry-After"]) > 0
    assert "WWW-Authenticate" not in reply.headers
    assert (await ask(gateway, X_API_Key=KEY)).status == 200
    issuer.failing = False
    clock.advance(PAUSE)
    assert (await ask(gateway, Authorization=f"Bearer {issuer.token(clock)}")).status == 200


async def test_an_issuer_that_hangs_holds_up_nobody_whose_key_is_known(
    gateway: Caller, issuer: Issuer, clock: ManualClock
) -> None:
    assert (await ask(gateway, Authorization=f"Bearer {issuer.token(clock)}")).status == 200
    clock.advance(FRESH + 1)
    issuer.hanging.clear()
    async with asyncio.timeout(60):
        for _ in range(3):
            assert (await ask(gateway, Authorization=f"Bearer {issuer.token(clock)}")).status == 200
        assert issuer.fetched == 2
        stranger = asyncio.ensure_future(ask(gateway, Authorization=f"Bearer {unknown_key(issuer, clock)}"))
        assert (await ask(gateway, Authorization=f"Bearer {issuer.token(clock)}")).status == 200
        issuer.hanging.set()
        assert (await stranger).status == 401
    assert issuer.fetched == 2


async def test_keys_that_cannot_sign_are_left_out(issuer: Issuer, clock: ManualClock) -> None:
    issuer.extra = [
        {"kty": "oct", "k": "c2VjcmV0", "kid": "shared", "alg": "HS256"},
        {"kty": "RSA", "kid": "broken"},
        {"kty": "RSA", "n": 5, "e": 5, "kid": "numbers"},
        {**public_jwk(issuer.keys["one"]), "kid": "for-encryption", "use": "enc"},
        {**public_jwk(issuer.keys["one"]), "kid": "odd", "alg": "HS256"},
        {"kid": "no kind"},
        {**public_jwk(rsa.generate_private_key(65537, 1024)), "kid": "short", "use": "sig"},
        {**public_jwk(issuer.keys["one"]), "kid": ["a list"]},
        {**public_jwk(issuer.keys["one"]), "kid": 5},
        {"kty": ["RSA"], "kid": "kinds"},
        {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "kid": "off the curve"},
        {"kty": "OKP", "crv": "Ed25519", "x": "AA", "kid": "too short"},
        *("a text", 5, None, [], {}),
    ]
    keys = KeySet(issuer.publish, clock)
    left_out = ("shared", "broken", "numbers", "for-encryption", "odd", "no kind", "short", "kinds", "off the curve")
    for key_id in (*left_out, "too short", None):
        assert await keys.key(key_id) is None
    assert await keys.key("one")
    assert await keys.key("two")


def forged(head: bytes, claims: bytes, signature: bytes = b"x") -> Forge:
    token = b".".join(jwt.utils.base64url_encode(part) for part in (head, claims, signature)).decode()
    return lambda _issuer, _clock: token


def signed(claims: bytes) -> Forge:
    """A token that its issuer has signed, whatever it holds."""

    def sign(issuer: Issuer, _clock: ManualClock) -> str:
        return jwt.PyJWS().encode(claims, issuer.keys["one"], "RS256", {"kid": "one"})

    return sign


ODD_HEADS = (
    *(b"", b"{}", b"5", b"[]", b"null", b'"x"', b"\xff\xfe", b"{", b'{"alg": ["RS256"]}', b'{"alg": {"a": 1}}'),
    *(b'{"alg": "RS256", "kid": ["one"]}', b'{"alg": "RS256", "kid": {"a": 1}}', b'{"alg": "RS256", "kid": NaN}'),
    *(b'{"alg": "RS256", "kid": "one", "crit": ["b64"], "b64": false}', b'{"alg": "RS256", "kid": "\x01\x02"}'),
    *(b"[" * 3000, b'{"a":' * 1000, b'{"alg": "RS256", "kid": ' + b"1" * 5000 + b"}", b'{"alg": "\\ud800"}'),
)
ODD_CLAIMS = (
    *(b'{"exp": 1%s}' % (b"0" * 400), b'{"exp": 1e400}', b'{"exp": NaN}', b'{"exp": Infinity}', b'{"exp": -Infinity}'),
    *(b'{"exp": 1%s}' % (b"0" * 5000), b'{"exp": 1e300}', b'{"exp": -1}', b'{"exp": null}', b'{"exp": [9]}', b"{}"),
    *(b'{"exp": 253402300800}', b'{"exp": %d, "nbf": NaN}', b'{"exp": %d, "iat": NaN}', b'{"exp": %d, "nbf": -1}'),
    *(b'{"exp": %d, "nbf": 1e999}', b'{"exp": %d, "iat": 1%s}' % (0, b"0" * 400), b'{"exp": %d, "sub": ["x"]}'),
    *(b"5", b"[]", b"null", b'"x"', b"\xff", b"[" * 3000, b'{"exp": %d, "a": ' + b"[" * 3000, b"{", b"\x00"),
    *(b'{"exp": %d, "sub": "\x00\x01"}', b'{"exp": %d, "iss": 5}', b'{"exp": %d, "aud": {"a": 1}}', b'{"exp": 1e-400}'),
)


@pytest.mark.parametrize("head", ODD_HEADS, ids=lambda part: str(part[:40]))
async def test_a_head_that_nobody_means_is_no_fault_of_ours(
    gateway: Caller, engine: PlainEngine, issuer: Issuer, clock: ManualClock, head: bytes
) -> None:
    reply = await ask(gateway, Authorization=f"Bearer {forged(head, b'{}')(issuer, clock)}")
    assert (reply.status, reply.code, engine.executed) == (401, "UNAUTHENTICATED", 0)


@pytest.mark.parametrize("claims", ODD_CLAIMS, ids=lambda part: str(part[:40]))
async def test_signed_claims_that_nobody_means_are_no_fault_of_ours(
    gateway: Caller, engine: PlainEngine, issuer: Issuer, clock: ManualClock, claims: bytes
) -> None:
    now = int(clock.time()) + 300
    text = claims.replace(b"%d", str(now).encode())
    if text.startswith(b'{"exp"') and b'"iss"' not in text:  # right in all else
        ours = json.dumps({"iss": ISSUER, "aud": AUDIENCE, "scope": "meetings:read"})[1:].encode()
        text = text.replace(b"{", b"{" + ours[:-1] + b", ", 1)
    reply = await ask(gateway, Authorization=f"Bearer {signed(text)(issuer, clock)}")
    assert (reply.status, reply.code, engine.executed) == (401, "UNAUTHENTICATED", 0)


@pytest.mark.parametrize("odd", ["\x01", "\x7f", "\t", " ", "%00", "é", "=", "+", "/"])
@pytest.mark.parametrize("place", [0, 1, 2])
async def test_a_character_that_no_token_has(
    *, gateway: Caller, engine: PlainEngine, issuer: Issuer, clock: ManualClock, odd: str, place: int
) -> None:
    parts = issuer.token(clock).split(".")
    parts[place] = f"{parts[place][:3]}{odd}{parts[place][3:]}"
    line = f"Authorization: Bearer {'.'.join(parts)}\r\n".encode("latin-1")
    body = b'{"query": "{ hello }"}'
    head = b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nConnection: close\r\n"
    sent = head + line + b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
    host, _, port = gateway.url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(sent)
    answer = await reader.read()
    writer.close()
    assert answer[9:12] in {b"400", b"401"}  # some are no HTTP at all
    assert b"INTERNAL" not in answer
    assert engine.executed == 0


@pytest.mark.parametrize("sub", ["\ud800", "x" * 5000, "", "web"])
async def test_a_subject_of_any_kind_has_a_rate_of_its_own(
    gateway: Caller, engine: PlainEngine, issuer: Issuer, clock: ManualClock, sub: str
) -> None:
    assert (await ask(gateway, Authorization=f"Bearer {issuer.token(clock, sub=sub)}")).status == 200
    assert (await ask(gateway, X_API_Key=KEY)).status == 200
    of_token, of_key = (principal.name for principal in engine.principals if principal)
    assert of_key == "web"
    assert of_token != of_key


async def test_a_token_may_leave_out_which_key_where_there_is_one(issuer: Issuer, clock: ManualClock) -> None:
    del issuer.keys["two"]
    assert await KeySet(issuer.publish, clock).key(None)
