"""Documents that are named instead of sent."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from urllib.parse import urlencode

import pytest

from gateway.settings.environment import BadSetting
from gateway.web import persisted
from gateway.web.persisted import AutomaticDocuments, MemoryDocumentStore, TrustedDocuments, trusted
from tests.http.harness import Caller, PlainEngine, Reply, calling, plain_site
from tests.http.harness import engine as engine
from tests.http.harness import gateway as gateway

QUERY = "query Greeting { hello }"
HASH = hashlib.sha256(QUERY.encode()).hexdigest()
RESPONSE = "application/graphql-response+json"


def named(digest: object = HASH, version: object = 1) -> dict[str, object]:
    return {"persistedQuery": {"version": version, "sha256Hash": digest}}


async def ask(gateway: Caller, query: str | None = None, **body: object) -> Reply:
    return await gateway.post(query, accept=RESPONSE, **body)


async def test_a_document_is_asked_for_once_and_named_from_then_on(gateway: Caller) -> None:
    unknown = await ask(gateway, extensions=named())
    assert (unknown.status, unknown.code) == (400, "PERSISTED_QUERY_NOT_FOUND")
    assert unknown.json["errors"][0]["message"] == "PersistedQueryNotFound"
    old = await gateway.post(None, accept="application/json", extensions=named())
    assert (old.status, old.json) == (200, unknown.json)
    assert (await ask(gateway, QUERY, extensions=named())).status == 200
    assert (await ask(gateway, extensions=named())).json == {"data": {"hello": "Hello, None"}}
    got = await gateway.ask("GET", f"/graphql?{urlencode({'extensions': json.dumps(named())})}")
    assert got.json == {"data": {"hello": "Hello, None"}}


@pytest.mark.parametrize(
    "extensions",
    [
        {"persistedQuery": 5},
        {"persistedQuery": []},
        {"persistedQuery": {}},
        named(version=2),
        named(version="1"),
        named(None),
        named(["x"]),
        named("x"),
        named(HASH.upper()),
        named("0" * 64),
    ],
)
async def test_an_invalid_name(gateway: Caller, engine: PlainEngine, extensions: dict[str, object]) -> None:
    reply = await ask(gateway, QUERY, extensions=extensions)
    assert (reply.status, reply.code) == (400, "BAD_USER_INPUT")
    assert engine.executed == 0


async def test_a_document_that_is_not_valid_is_not_cached(gateway: Caller) -> None:
    wrong = "{ nothing }"
    digest = hashlib.sha256(wrong.encode()).hexdigest()
    assert (await ask(gateway, wrong, extensions=named(digest))).code == "GRAPHQL_VALIDATION_FAILED"
    assert (await ask(gateway, extensions=named(digest))).code == "PERSISTED_QUERY_NOT_FOUND"


async def test_the_cache_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(persisted, "CACHE_BYTES", 1500)
    store = MemoryDocumentStore()
    for number in range(100):
        await store.put(str(number), f"{number:0100}")
    assert [await store.get(str(number)) is not None for number in (0, 89, 90, 99)] == [False, False, True, True]


async def test_a_large_document_runs_but_is_not_cached(engine: PlainEngine) -> None:
    large = f"{QUERY} # {'x' * persisted.LONGEST_STORED}"
    digest = hashlib.sha256(large.encode()).hexdigest()
    async with calling(plain_site(engine, max_document=len(large))) as gateway:
        assert (await ask(gateway, large, extensions=named(digest))).status == 200
        assert (await ask(gateway, extensions=named(digest))).code == "PERSISTED_QUERY_NOT_FOUND"


async def test_a_document_that_is_too_long_is_not_even_hashed(
    engine: PlainEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = f"{QUERY} # {'x' * 1000}"
    monkeypatch.setattr(hashlib, "sha256", None)
    async with calling(plain_site(engine, max_document=1000)) as gateway:
        reply = await ask(gateway, long, extensions=named(HASH))
    assert (reply.status, reply.code) == (400, "OPERATION_TOO_COSTLY")
    assert reply.json["errors"][0]["extensions"] == {
        "code": "OPERATION_TOO_COSTLY",
        "measured": len(long),
        "allowed": 1000,
    }


RELAY = {"d41d8cd98f": QUERY, HASH: "query Other { hello }"}
PREFIXED = {"d41d8cd98f": QUERY, f"sha256:{HASH}": "query Other { hello }"}
APOLLO = {
    "format": "apollo-persisted-query-manifest",
    "version": 1,
    "operations": [
        {"id": "d41d8cd98f", "name": "Greeting", "type": "query", "body": QUERY},
        {"id": HASH, "name": "Other", "type": "query", "body": "query Other { hello }"},
    ],
}


@pytest.mark.parametrize("manifest", [RELAY, PREFIXED, APOLLO], ids=["relay", "prefixed", "apollo"])
@pytest.mark.parametrize(
    ("body", "runs"),
    [
        ({"documentId": "d41d8cd98f"}, True),
        ({"doc_id": "d41d8cd98f"}, True),
        ({"id": "d41d8cd98f"}, True),
        ({"documentId": f"sha256:{HASH}"}, True),
        ({"documentId": HASH}, True),
        ({"extensions": named(HASH)}, True),
        ({"extensions": named("d41d8cd98f")}, True),
        ({"query": QUERY}, True),
        ({"query": QUERY, "extensions": named(HASH)}, True),
        ({"query": "{ hello }"}, False),
        ({"query": f"{QUERY} "}, False),
        ({"query": QUERY, "documentId": "unknown"}, False),
        ({"query": "{ hello }", "extensions": named(hashlib.sha256(b"{ hello }").hexdigest())}, False),
        ({"documentId": "unknown"}, False),
        ({"extensions": named("0" * 64)}, False),
    ],
)
async def test_only_trusted_documents_run(
    tmp_path: Path, engine: PlainEngine, manifest: object, body: dict[str, object], runs: bool
) -> None:
    file = tmp_path / "manifest.json"
    file.write_text(json.dumps(manifest))
    async with calling(plain_site(engine, documents=trusted(file))) as gateway:
        reply = await gateway.ask("POST", json=body, headers={"Accept": RESPONSE})
    if runs:
        assert reply.json == {"data": {"hello": "Hello, None"}}
    else:
        assert (reply.status, reply.code) == (400, "PERSISTED_QUERY_NOT_FOUND")
        assert engine.executed == 0


async def test_a_request_that_names_no_document_at_all(engine: PlainEngine) -> None:
    async with calling(plain_site(engine, documents=TrustedDocuments({"a": QUERY}))) as gateway:
        reply = await gateway.post(None)
        by_get = await gateway.ask("GET", "/graphql?documentId=a")
    assert (reply.status, reply.code) == (400, "BAD_USER_INPUT")
    assert by_get.status == 200


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"[]", b"{}", b"\xff", b'{"a": 5}', b'{"format": "other", "version": 1, "operations": []}'),
        *(json.dumps(APOLLO | change).encode() for change in ({"version": 2}, {"operations": [{"id": "x"}]})),
    ],
)
def test_an_invalid_manifest(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "manifest.json"
    file.write_bytes(content)
    with pytest.raises(BadSetting, match="GATEWAY_TRUSTED_DOCUMENTS"):
        trusted(file)
    with pytest.raises(BadSetting, match="cannot be read"):
        trusted(tmp_path / "none")


async def test_the_store_is_a_port() -> None:
    class Forgetful:
        async def get(self, digest: str) -> str | None:
            return None

        async def put(self, digest: str, text: str) -> None: ...

    async with calling(plain_site(PlainEngine(), documents=AutomaticDocuments(Forgetful()))) as gateway:
        assert (await ask(gateway, QUERY, extensions=named())).status == 200
        assert (await ask(gateway, extensions=named())).code == "PERSISTED_QUERY_NOT_FOUND"
