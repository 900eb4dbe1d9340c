"""What is kept and what is spent stays within bounds, whatever anybody sends."""

from __future__ import annotations

import gc
import itertools
import tracemalloc

import pytest
from graphql import parse

from gateway.execution.plans import MAX_VARIANTS, CompileTime, Plans
from tests.execution.library import Book, Context, Declarations, Library, Shelf

NAMES = [f"$v{n}: Boolean!" for n in range(8)]
MANY_WAYS = f"query Q({', '.join(NAMES)}) {{ {' '.join(f'a{n}: now @include(if: $v{n})' for n in range(8))} }}"


class Time:
    """A clock that goes on only when told, and by a step each time it is looked at while something is compiled."""

    def __init__(self) -> None:
        self.now = 0.0
        self.step = 0.0

    def __call__(self) -> float:
        self.now += self.step
        return self.now


async def run(library: Library, document: object, **variables: bool) -> str:
    outcome = await library.operations.execute(document, context=Context(), variables=variables)  # type: ignore[arg-type]
    return outcome.interpreted or "compiled"


async def test_an_operation_is_compiled_once_when_it_is_first_seen() -> None:
    library, document = Library(), parse("{ now }")
    assert [await run(library, document) for _ in range(4)] == ["compiled"] * 4
    assert library.plans.compiled == 1


async def test_operations_of_one_document_have_plans_of_their_own() -> None:
    library, document = Library(), parse("query A { a: now } query B { b: now }")
    for name in ("A", "B", "A"):
        outcome = await library.operations.execute(document, context=Context(), operation_name=name)
        assert outcome.interpreted is None
        assert outcome.data is not None
    assert library.plans.compiled == 2


async def test_endless_documents_are_cached_up_to_a_bound() -> None:
    library = Library(most_bytes=500_000)
    for n in range(300):
        await run(library, parse(f"{{ a{n}: now b: now }}"))
        assert library.plans.weight <= 500_000
    assert 30 < len(library.plans) < 100


async def test_a_long_document_weighs_what_its_text_does() -> None:
    library = Library(most_bytes=2_000_000)
    for n in range(20):
        await run(library, parse(f"{{ a{n}: now " + "# a comment is text too\n" * 500 + " }"))
    assert len(library.plans) == 2


async def test_what_is_used_stays() -> None:
    library, used = Library(most_bytes=100_000), parse("{ now }")
    for n in range(100):
        assert await run(library, used) == "compiled"
        await run(library, parse(f"{{ a{n}: now }}"))
    assert library.plans.compiled == 101


async def test_endless_variants_of_a_document_are_cached_up_to_a_bound() -> None:
    library, document = Library(), parse(MANY_WAYS)
    for values in itertools.islice(itertools.product([True, False], repeat=8), 100):
        await run(library, document, **{f"v{n}": value for n, value in enumerate(values)})
    assert len(library.plans) == MAX_VARIANTS


async def test_a_plan_of_one_variant_is_never_anothers() -> None:
    library, document = (
        Library(),
        parse("query Q($a: Boolean!, $b: Boolean = true) { x: now @skip(if: $a) y: now @include(if: $b) }"),
    )
    expected = {(True, True): ["y"], (True, False): [], (False, True): ["x", "y"], (False, False): ["x"]}
    for (a, b), names in expected.items():
        for variables in ({"a": a, "b": b}, {"a": a} if b else {"a": a, "b": b}):
            outcome = await library.operations.execute(document, context=Context(), variables=variables)
            assert list(outcome.data.__struct_encode_fields__) == names  # type: ignore[union-attr]
    assert library.plans.compiled == 4


async def test_no_more_time_is_spent_on_compiling_than_its_share() -> None:
    time = Time()
    allowance = CompileTime(time, share=0.1, burst=2.0)
    library = Library(timer=time, allowance=allowance)
    time.step = 0.25  # what one compilation takes, as it seems
    reported = [await run(library, parse(f"{{ a{n}: now }}")) for n in range(40)]
    assert reported[:5] == ["compiled"] * 5
    assert "too much is being compiled" in reported
    spent = library.plans.compiled * time.step
    assert spent <= 2.0 + time.now * 0.1 + 2 * time.step
    time.step, time.now = 0.0, time.now + 100.0
    assert await run(library, parse("{ again: now }")) == "compiled"


async def test_fragments_that_multiply_are_not_followed() -> None:
    layers = [f"fragment F{n} on Author {{ a: rival {{ ...F{n + 1} }} b: rival {{ ...F{n + 1} }} }}" for n in range(30)]
    text = "{ books { author { ...F0 } } } " + " ".join(layers) + " fragment F30 on Author { name }"
    library = Library()
    outcome = await library.operations.execute(parse(text), context=Context(Shelf([Book("1")])))
    assert outcome.interpreted == "it selects more than 2000 fields"
    assert library.plans.weight < 1_000_000


@pytest.mark.slow
async def test_plans_are_let_go_with_all_that_they_made() -> None:
    library = Library(most_bytes=3_000_000)
    query = "{{ books {{ id title a{0}: author {{ id name rival {{ id }} }} pages {{ number words }} }} }}"
    for n in range(200):
        await run(library, parse(query.format(n)))
    tracemalloc.start()
    try:
        for n in range(200, 700):
            await run(library, parse(query.format(n)))
        gc.collect()
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert 30 < len(library.plans) < 80
    assert kept < 4_500_000


def test_an_allowance_is_saved_up_to_its_burst() -> None:
    time = Time()
    allowance = CompileTime(time, share=0.5, burst=1.0)
    allowance.spend(3.0)
    assert not allowance.open()
    time.now = 3.9
    assert not allowance.open()
    time.now = 4.1
    assert allowance.open()
    time.now = 1_000.0
    assert allowance.open()
    allowance.spend(1.0)
    assert not allowance.open()


def test_no_plans_are_still_plans() -> None:
    plans = Plans(Declarations(), Time())
    assert len(plans) == 0
    assert Library().operations.plans is not plans
