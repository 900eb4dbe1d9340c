"""Clients' API keys as they are set: `key`, `name:key` or `name:key:scope+scope`, the key itself or its hash."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, overload

from gateway.model.scopes import SCOPES
from gateway.settings.kinds import InvalidValue, ValueKind

HASHED = "sha256$"
HASH = re.compile(r"sha256\$[0-9a-f]{64}")
LONGEST_NAME = 64
"""Characters of a name: it stands in each line of the log, and is a label of metrics."""

SHORT = 16
"""Characters below which a key can be guessed."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """One accepted key.

    Attributes:
        name: Whose it is; also what its rate is counted under.
        digest: SHA-256 of the key. Keys are long and random, so nothing slower is needed.
        scopes: What it may read.
    """

    name: str
    digest: bytes
    scopes: frozenset[str]


def read_keys(text: str) -> tuple[ApiKey, ...]:
    """The keys of a list: entries separated by commas or line ends; a line that begins with `#` is a comment.

    Raises:
        InvalidValue: An entry is not valid, one key is listed for two clients, or there is no key at all.
    """
    keys: dict[bytes, ApiKey] = {}
    for entry in _entries(text):
        key = _key(entry)
        if keys.setdefault(key.digest, key) != key:
            raise InvalidValue(
                f"entry {entry.number} has the same key as another one, with another name or other scopes"
            )
    if not keys:
        raise InvalidValue("holds no key; an entry should look like name:key:scope+scope")
    return tuple(keys.values())


def weaknesses(name: str, text: str, from_file: bool) -> list[str]:
    """Sentences about keys that could be stored better.

    Args:
        name: The setting.
        text: The list.
        from_file: Whether it is a file's.
    """
    sentences = []
    keys = [entry.key for entry in _entries(text)]
    if any(len(key) < SHORT for key in keys):
        sentences.append(f"{name} has a key of less than {SHORT} characters, which can be guessed")
    if from_file and any(not HASH.fullmatch(key) for key in keys):
        sentences.append(f"{name}_FILE holds a key in plain text; sha256$ and the key's SHA-256 in hex would do")
    return sentences


KEYS = ValueKind(
    read=read_keys,
    expected="a list of keys",
    column="keys, comma separated (in a file also one a line)",
    secret=True,
    review=weaknesses,
    show=lambda _: "",
)


def matching(presented: str, keys: Sequence[ApiKey]) -> ApiKey | None:
    """The key that was presented; takes as long for a wrong one as for a right one."""
    digest = hashlib.sha256(presented.encode()).digest()
    found = None
    for key in keys:
        if hmac.compare_digest(key.digest, digest) and found is None:
            found = key
    return found


class LiveKeys(Sequence[ApiKey]):
    """Keys that may be replaced while requests are checked against them.

    Args:
        keys: Those accepted at the start.
    """

    def __init__(self, keys: Iterable[ApiKey]) -> None:
        self._keys = tuple(keys)

    def replace(self, keys: Iterable[ApiKey]) -> None:
        """Accepts these, and no others, from now on."""
        self._keys = tuple(keys)

    @overload
    def __getitem__(self, place: int) -> ApiKey: ...

    @overload
    def __getitem__(self, place: slice) -> Sequence[ApiKey]: ...

    def __getitem__(self, place: int | slice) -> ApiKey | Sequence[ApiKey]:
        return self._keys[place]

    def __iter__(self) -> Iterator[ApiKey]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)


class _Entry(NamedTuple):
    number: int
    name: str
    key: str
    scopes: str


def _entries(text: str) -> Iterator[_Entry]:
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    written = filter(None, (entry.strip() for line in lines for entry in line.split(",")))
    for number, entry in enumerate(written, start=1):
        if not entry.isascii() or not entry.isprintable() or " " in entry:
            raise InvalidValue(f"entry {number} is not one word of ASCII, such as name:key:scope+scope")
        parts = entry.split(":", 2)
        if not all(parts):
            raise InvalidValue(f"entry {number} lacks a part; it should look like name:key:scope+scope")
        if len(parts) > 1 and len(parts[0]) > LONGEST_NAME:
            raise InvalidValue(f"entry {number} has a name of more than {LONGEST_NAME} characters")
        name, key, scopes = ("", *parts, "") if len(parts) == 1 else (*parts, "")[:3]
        yield _Entry(number, name, key, scopes)


def _key(entry: _Entry) -> ApiKey:
    if entry.key.startswith(HASHED) and not HASH.fullmatch(entry.key):
        raise InvalidValue(f"entry {entry.number} is not a SHA-256: sha256$ and 64 hex digits in small letters")
    hashed = HASH.fullmatch(entry.key)
    digest = bytes.fromhex(entry.key.removeprefix(HASHED)) if hashed else hashlib.sha256(entry.key.encode()).digest()
    scopes = frozenset(entry.scopes.split("+")) if entry.scopes else SCOPES
    if unknown := scopes - SCOPES:
        known = ", ".join(sorted(SCOPES))
        raise InvalidValue(f'entry {entry.number} names the scope "{min(unknown)[:40]}"; there are {known}')
    return ApiKey(entry.name or f"key-{digest.hex()[:8]}", digest, scopes)
