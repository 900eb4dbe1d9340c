"""What the catalog's tests share."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from typing import Any, TypeVar

import pytest

from tests.catalog.asking import Run

T = TypeVar("T")


@pytest.fixture(scope="module")
def run() -> Iterator[Run]:
    """Runs coroutines on one loop for all cases of a property."""
    with asyncio.Runner() as runner:

        def to_the_end(work: Coroutine[Any, Any, T], /) -> T:
            return runner.run(work)

        yield to_the_end
