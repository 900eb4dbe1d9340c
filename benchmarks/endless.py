"""What endless distinct documents, and endless variants of one, gain whoever sends them: time, memory, plans.

python benchmarks/endless.py [COUNT]      prints a table
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import sys
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parent.parent)]

from gateway.catalog.catalog import Catalog  # noqa: E402 - found beside this file
from gateway.graph.documents import Prepared  # noqa: E402
from gateway.graph.engine import Engine  # noqa: E402
from gateway.request import Request  # noqa: E402
from gateway.upstream.clock import SystemClock  # noqa: E402

FIELDS = "title startTime endTime sources person { name email account { name } } owner { name } attendees { email }"
WAYS = 14
Asked = tuple[str, dict[str, Any]]


def once(count: int, name: str = "a") -> Iterator[Asked]:
    """Documents that nobody sends again."""
    return ((f"{{ {name}{n}: meetings {{ nodes {{ {FIELDS} }} }} }}", {}) for n in range(count))


def twice(count: int) -> Iterator[Asked]:
    """Documents that are each sent again, and so would be compiled."""
    return itertools.chain.from_iterable((asked, asked) for asked in once(count // 2))


def variants(count: int) -> Iterator[Asked]:
    """One document with as many plans as its variables have values, each sent twice."""
    names = [f"v{n}" for n in range(WAYS)]
    declared = ", ".join(f"${name}: Boolean!" for name in names)
    fields = " ".join(f"{name}: title @include(if: ${name})" for name in names)
    text = f"query Q({declared}) {{ meetings {{ nodes {{ {fields} {FIELDS} }} }} }}"
    for values in itertools.islice(itertools.product([True, False], repeat=WAYS), count // 2):
        asked = text, dict(zip(names, values, strict=True))
        yield asked
        yield asked


def same(count: int) -> Iterator[Asked]:
    """One document again and again: what an honest client sends."""
    return itertools.repeat(next(once(1)), count)


async def measure(asked: Iterator[Asked], count: int) -> str:
    """A row of the table."""
    engine = Engine(Catalog((), SystemClock()))
    for text, variables in once(200, "before"):  # what is made but once is not counted
        await run(engine, text, variables)
    gc.collect()
    tracemalloc.start()
    began, compiled, seconds = time.process_time(), engine.operations.plans.compiled, engine.operations.plans.compiling
    for text, variables in asked:
        await run(engine, text, variables)
    took = time.process_time() - began
    gc.collect()
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    plans = engine.operations.plans
    return (
        f"{count:,} | {took / count * 1e3:.1f} | {plans.compiled - compiled:,} | {plans.compiling - seconds:.2f} | "
        f"{(plans.compiling - seconds) / took:.0%} | {len(plans):,} | {plans.weight / 1e6:.1f} | {kept / 1e6:.1f}"
    )


async def run(engine: Engine, text: str, variables: dict[str, Any]) -> None:
    """One request."""
    prepared = engine.prepare(text)
    assert isinstance(prepared, Prepared)
    request = Request(deadline=float("inf"))
    answer = await engine.execute(prepared, variables=variables, operation_name=None, request=request)
    assert answer.started


async def main(count: int) -> None:
    """Prints the table."""
    print(
        "| sent | requests | ms CPU each | compiled | s compiling | of all time | plans kept | MB reckoned | MB kept |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for name, asked in (
        ("one document", same),
        ("distinct documents", once),
        ("distinct documents, each twice", twice),
        ("variants of one document, each twice", variants),
    ):
        print(f"| {name} | {await measure(asked(count), count)} |", flush=True)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 4_000))
