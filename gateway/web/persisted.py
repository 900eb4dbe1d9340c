"""Documents that clients name instead of sending them: Apollo's automatic persisted queries, and trusted documents."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from sys import getsizeof
from typing import Protocol

import msgspec
from cachetools import LRUCache

from gateway.errors import BadUserInput, PersistedQueryNotFound
from gateway.settings.environment import BadSetting
from gateway.web.request import GraphQLRequest

SETTING = "GATEWAY_TRUSTED_DOCUMENTS"
HASH = re.compile(r"[0-9a-f]{64}")
APOLLO_FORMAT = "apollo-persisted-query-manifest"
CACHE_BYTES = 16_000_000
"""Of automatically persisted documents, all together; a character takes one to four."""

LONGEST_STORED = 100_000
"""Characters of the longest that is stored."""

UNKNOWN_HASH = "PersistedQueryNotFound"
"""The message that Apollo's clients look for, to send the text next."""


class RequestedDocument(msgspec.Struct, frozen=True):
    """The document that a request asks for.

    Attributes:
        text: The document.
        store_as: The hash to store it under, once it has proven valid; None where there is nothing to store.
    """

    text: str
    store_as: str | None = None


class DocumentSource(Protocol):
    """Where documents come from."""

    async def find(self, message: GraphQLRequest) -> RequestedDocument:
        """The document that a message contains or names.

        Raises:
            PersistedQueryNotFound: It names one that is not known.
            BadUserInput: It names none, or names it wrongly.
        """
        ...

    async def store(self, requested: RequestedDocument) -> None:
        """Stores a valid document, if it was sent with its hash."""
        ...


class DocumentStore(Protocol):
    """A bounded store of texts by their SHA-256, which may drop any of them at any time."""

    async def get(self, digest: str) -> str | None:
        """The text, where it is known."""
        ...

    async def put(self, digest: str, text: str) -> None:
        """Stores a text."""
        ...


class MemoryDocumentStore:
    """Texts in this process; the least recently used are dropped first."""

    def __init__(self) -> None:
        self._texts: LRUCache[str, str] = LRUCache(CACHE_BYTES, getsizeof=getsizeof)

    async def get(self, digest: str) -> str | None:
        """The text, where it is known."""
        return self._texts.get(digest)

    async def put(self, digest: str, text: str) -> None:
        """Stores a text."""
        self._texts[digest] = text


class AutomaticDocuments:
    """Any document; one that is sent with its hash can be requested by it from then on (Apollo's protocol).

    Args:
        store: Where they are stored.
    """

    def __init__(self, store: DocumentStore) -> None:
        self._store = store

    async def find(self, message: GraphQLRequest) -> RequestedDocument:
        """The document that a message holds or names."""
        digest = apollo_hash(message)
        if digest is None:
            return RequestedDocument(required(message))
        if not HASH.fullmatch(digest):
            raise BadUserInput("sha256Hash is not a SHA-256 in hex.", argument="extensions.persistedQuery.sha256Hash")
        if message.query:
            if hashlib.sha256(message.query.encode()).hexdigest() != digest:
                raise BadUserInput("sha256Hash is not the query's.", argument="extensions.persistedQuery.sha256Hash")
            return RequestedDocument(message.query, store_as=digest if len(message.query) <= LONGEST_STORED else None)
        text = await self._store.get(digest)
        if text is None:
            raise PersistedQueryNotFound(UNKNOWN_HASH)
        return RequestedDocument(text)

    async def store(self, requested: RequestedDocument) -> None:
        """Stores a document that came with its hash."""
        if requested.store_as is not None:
            await self._store.put(requested.store_as, requested.text)


class TrustedDocuments:
    """The operations of a manifest, by id, hash or text, and no others.

    Args:
        texts: Each document by its id.
    """

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = {_bare(name): text for name, text in texts.items()}
        self._known = frozenset(texts.values())

    def take(self, other: TrustedDocuments) -> None:
        """Replaces the manifest."""
        self._texts, self._known = other._texts, other._known

    async def find(self, message: GraphQLRequest) -> RequestedDocument:
        """The document of the manifest that a message means."""
        name = message.document_id or message.doc_id or message.id or apollo_hash(message)
        if name is None and required(message) in self._known:
            return RequestedDocument(required(message))
        text = None if name is None else self._texts.get(_bare(name))
        if text is None:
            raise PersistedQueryNotFound("Only trusted documents are run; this is not one of them.")
        return RequestedDocument(text)

    async def store(self, requested: RequestedDocument) -> None:
        """Stores nothing: the manifest is whole."""


def _bare(name: str) -> str:
    """A document's id without the name of its hash, which manifests and clients may or may not write."""
    return name.removeprefix("sha256:")


class ManifestOperation(msgspec.Struct):
    """An entry of Apollo's manifest."""

    id: str
    body: str


class ApolloManifest(msgspec.Struct):
    """What `generate-persisted-query-manifest` writes."""

    format: str
    version: int
    operations: list[ManifestOperation]


def trusted(path: Path) -> TrustedDocuments:
    """The documents of a manifest: Relay's (ids to texts) or Apollo's.

    Raises:
        BadSetting: It is neither.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BadSetting(SETTING, f"{path} cannot be read ({error.strerror}); it should name a manifest") from None
    try:
        texts = msgspec.json.decode(content, type=dict[str, str])
    except (msgspec.DecodeError, UnicodeDecodeError):
        texts = _apollo(path, content)
    if not texts:
        raise BadSetting(SETTING, f"{path} holds no document, so that nothing could be run")
    return TrustedDocuments(texts)


def _apollo(path: Path, content: bytes) -> dict[str, str]:
    try:
        manifest = msgspec.json.decode(content, type=ApolloManifest)
    except (msgspec.DecodeError, UnicodeDecodeError):
        manifest = ApolloManifest("", 0, [])
    if (manifest.format, manifest.version) != (APOLLO_FORMAT, 1):
        raise BadSetting(SETTING, f"{path} is neither Relay's manifest, ids to texts, nor Apollo's of version 1")
    return {operation.id: operation.body for operation in manifest.operations}


def apollo_hash(message: GraphQLRequest) -> str | None:
    """The hash of `extensions.persistedQuery`, where there is one.

    Raises:
        BadUserInput: It is not as Apollo's protocol has it.
    """
    asked = (message.extensions or {}).get("persistedQuery")
    if asked is None:
        return None
    digest = asked.get("sha256Hash") if isinstance(asked, dict) else None
    if not isinstance(asked, dict) or asked.get("version") != 1 or not isinstance(digest, str):
        raise BadUserInput("persistedQuery takes version 1 and a sha256Hash.", argument="extensions.persistedQuery")
    return digest


def is_unknown_hash(errors: Sequence[Mapping[str, object]]) -> bool:
    """Whether an answer asks for the text of a hash."""
    return [error["message"] for error in errors] == [UNKNOWN_HASH]


def required(message: GraphQLRequest) -> str:
    """The document in a message.

    Raises:
        BadUserInput: It holds none.
    """
    if not message.query:
        raise BadUserInput("There is no query: send its text as 'query'.", argument="query")
    return message.query
