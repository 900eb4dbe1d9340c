"""Endless distinct documents of the largest size leave nothing behind."""

from __future__ import annotations

from gateway.catalog.catalog import Catalog
from gateway.graph.documents import CACHE_BYTES, Prepared
from gateway.graph.engine import Engine
from gateway.settings.settings import Settings
from gateway.upstream.clock import SystemClock
from gateway.upstream.request import Request
from gateway.web.limits import guard, text_guard
from gateway.web.metrics.gauges import PAGE_SIZE, STATM
from tests.properties import PROFILE

DOCUMENTS = {"quick": 2_000, "ci": 10_000, "nightly": 10_000}[PROFILE]
WARM = 500
"""Documents after which every cache is full."""

LIMITS = Settings.read({}).limits
LARGEST = LIMITS.document
GROWTH = 64 * 1024 * 1024
"""Bytes; a thousand of the documents have 100 MB."""


def resident_bytes() -> int:
    return int(STATM.read_bytes().split()[1]) * PAGE_SIZE


async def test_endless_distinct_documents_of_the_largest_size() -> None:
    clock = SystemClock()
    engine = Engine(
        Catalog((), clock), max_tokens=LIMITS.tokens, check_text=text_guard(LARGEST), guard=guard(LIMITS), max_cost=1
    )
    padding = "x" * (LARGEST - 50)
    resident = 0
    for number in range(DOCUMENTS):
        # Some are run, some are wrong, some cannot be read: what is cached of each differs.
        ending = ("", " { nothing }", '"')[number % 3]
        prepared = engine.prepare(f"{{ __typename }} #{number:06}{padding}\n{ending}")
        if isinstance(prepared, Prepared):
            request = Request(clock.monotonic() + 25)
            answer = await engine.execute(prepared, variables={"n": number}, operation_name=None, request=request)
            assert answer.data == {"__typename": "Query"}
        if number == WARM:
            resident = resident_bytes()
    assert engine.documents.weight <= CACHE_BYTES
    assert resident_bytes() - resident < GROWTH
