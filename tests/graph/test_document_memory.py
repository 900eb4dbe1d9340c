"""Endless distinct documents of the largest size leave nothing behind."""

from __future__ import annotations

import asyncio
import multiprocessing
from concurrent.futures import ProcessPoolExecutor

import msgspec
import pytest

from gateway.catalog.catalog import Catalog
from gateway.graph.documents import CACHE_BYTES, Prepared
from gateway.graph.engine import Engine
from gateway.request import Request
from gateway.settings.settings import Settings
from gateway.upstream.clock import SystemClock
from gateway.web.document_limits import guard, text_guard
from gateway.web.metrics.gauges import PAGE_SIZE, STATM
from tests.properties import PROFILE

pytestmark = pytest.mark.slow

DOCUMENTS = {"quick": 2_000, "ci": 10_000, "nightly": 10_000}[PROFILE]
WARM = 500
"""Documents after which every cache is full."""

LIMITS = Settings.read({}).limits
LARGEST = LIMITS.document
GROWTH = 64 * 1024 * 1024
"""Bytes; a thousand of the documents have 100 MB."""


def resident_bytes() -> int:
    return int(STATM.read_bytes().split()[1]) * PAGE_SIZE


def test_endless_distinct_documents_of_the_largest_size() -> None:
    """In a process of its own, whose memory no other test has a part in."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
        grown, cached = process.submit(asked_endlessly).result()
    assert cached <= CACHE_BYTES
    assert grown < GROWTH


def asked_endlessly() -> tuple[int, int]:
    """Bytes that the process grew by once every cache was full, and bytes that documents have in the cache."""
    return asyncio.run(ask_endlessly())


async def ask_endlessly() -> tuple[int, int]:
    clock = SystemClock()
    engine = Engine(
        Catalog((), clock), max_tokens=LIMITS.tokens, check_text=text_guard(LARGEST), guard=guard(LIMITS), max_cost=1
    )
    resident = 0
    padding = "x" * (LARGEST - 50)
    for number in range(DOCUMENTS):
        # Some are run, some are wrong, some cannot be read: what is cached of each differs.
        ending = ("", " { nothing }", '"')[number % 3]
        prepared = engine.prepare(f"{{ __typename }} #{number:06}{padding}\n{ending}")
        if isinstance(prepared, Prepared):
            request = Request(clock.monotonic() + 25)
            answer = await engine.execute(prepared, variables={"n": number}, operation_name=None, request=request)
            assert msgspec.to_builtins(answer.data) == {"__typename": "Query"}
        if number == WARM:
            resident = resident_bytes()
    return resident_bytes() - resident, engine.documents.weight
