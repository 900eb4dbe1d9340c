"""A table of the world: rows by key, with a version that every change moves; and its makers' small choices."""

from collections import UserDict
from collections.abc import Callable, Hashable, Mapping
from random import Random
from typing import Any, TypeVar

import msgspec

Row = dict[str, Any]
"""One record, in the very shape of the vendor's JSON."""

K = TypeVar("K", bound=int | str)
T = TypeVar("T")

FIRST_ID = 6_970
"""Where Salesloft's users, cadences, steps, tasks and meetings begin: every table counts for itself, so that one number
names a record of each."""
FIRST_LARGE_ID = 2_147_470_000
"""Where its people and accounts begin: most of the ids after it do not fit a signed 32-bit integer."""

_DERIVED_MOST = 6_000


class Table(UserDict[K, Row]):
    """Rows by key. Inserting and deleting move `version`; so do `change` and `touch`.

    The emulators cache sorted and filtered lists for one version, so code that writes into a row directly
    (`table[key]["title"] = ...`) calls `touch` afterwards.
    """

    def __init__(self, rows: Mapping[K, Row]) -> None:
        self.version = 0
        self._derived: tuple[int, dict[str, dict[Hashable, Any]]] = (0, {})
        super().__init__()
        self.data.update(rows)

    def __setitem__(self, key: K, row: Row) -> None:
        self.version += 1
        super().__setitem__(key, row)

    def __delitem__(self, key: K) -> None:
        self.version += 1
        super().__delitem__(key)

    def __repr__(self) -> str:
        return f"<{len(self.data)} rows>"  # test runners write out what fixtures hold

    def change(self, key: K, **fields: Any) -> Row:
        """Overwrite fields of one row.

        Returns:
            The row.

        Raises:
            KeyError: there is no such row.
        """
        row = self.data[key]
        row.update(fields)
        self.touch()
        return row

    def touch(self) -> None:
        """Say that a row was changed in place."""
        self.version += 1

    def derived(self, use: str, key: Hashable, make: Callable[[], T]) -> T:
        """Give what was made of this version of the table; emulators over the same table share it.

        Args:
            use: names one cache; each has at most `_DERIVED_MOST` entries.
            key: what the result depends on besides the rows.
            make: makes it, where it is not cached.
        """
        version, caches = self._derived
        if version != self.version:
            caches = {}
            self._derived = self.version, caches
        cache = caches.setdefault(use, {})
        if key not in cache:
            if len(cache) >= _DERIVED_MOST:
                cache.clear()
            cache[key] = make()
        found: T = cache[key]
        return found

    def written(self, use: Hashable, rows: list[Row], key: str) -> list[msgspec.Raw]:
        """Give rows as JSON, each written once a version of the table.

        Args:
            use: names one way of showing a row.
            rows: as they are shown.
            key: the field that tells them apart.
        """
        texts: dict[K, msgspec.Raw] = self.derived("written", use, dict)
        try:
            return [texts[row[key]] for row in rows]
        except KeyError:
            texts.update((row[key], msgspec.Raw(msgspec.json.encode(row))) for row in rows if row[key] not in texts)
            return [texts[row[key]] for row in rows]


_API = "https://api.salesloft.com/v2"


def nth(number: int, every: int, at: int = 0) -> bool:
    """Say whether this is one of every so many, starting with `at`."""
    return number % every == at


def chance(rng: Random, share: float) -> bool:
    """Be true in that share of the cases."""
    return rng.random() < share


def stub(kind: str, key: int | str | None) -> Row | None:
    """Make Salesloft's reference to another record, or None for none."""
    return None if key is None else {"_href": f"{_API}/{kind}/{key}", "id": key}
