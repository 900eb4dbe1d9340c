"""Small choices that the makers of the world share."""

from random import Random

from gateway.emulator.table import Row

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
