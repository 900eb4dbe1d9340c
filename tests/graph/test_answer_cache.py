"""Answers given again: the same bytes, no work, and never after something that they were made of has changed."""

from __future__ import annotations

import msgspec
import pytest

from gateway.graph.answers import LARGEST_PART, LONGEST_VARIABLES, MAX_BYTES, AnswerCache
from gateway.graph.documents import Prepared
from gateway.model.scopes import Principal
from gateway.request import Hit, Request
from gateway.upstream.cache import _CachedUse
from gateway.upstream.store import CacheEntry
from tests.world import Gateway
from tests.world import gateway as gateway
from tests.world import world as world

PAGE = "query ($first: Int) { meetings(first: $first) { nodes { id title person { name } owner { name } } } }"


@pytest.fixture
def cache(gateway: Gateway) -> AnswerCache:
    """The answer cache of a gateway that caches records, too."""
    gateway.cold = False
    cache = gateway.engine().answer_cache = AnswerCache()
    return cache


async def warm(gateway: Gateway, query: str = PAGE, **variables: object) -> None:
    """Asks twice: the first answer is made of calls, the second of cached records."""
    await gateway.ask(query, **variables)
    again = await gateway.ask(query, **variables)
    assert again.calls == []


async def test_an_answer_of_cached_records_is_given_again(gateway: Gateway, cache: AnswerCache) -> None:
    await gateway.ask(PAGE, first=5)
    made = await gateway.ask(PAGE, first=5)
    before = cache.hits
    again = await gateway.ask(PAGE, first=5)
    assert cache.hits == before + 1
    assert again.ok == made.ok
    assert again.calls == []


async def test_its_records_count_as_used(gateway: Gateway, cache: AnswerCache) -> None:
    await gateway.ask(PAGE, first=5)
    made = await gateway.ask(PAGE, first=5)
    again = await gateway.ask(PAGE, first=5)
    entries = [(each.source, each.endpoint, each.cache) for each in made.request.ledger.entries]
    assert [(each.source, each.endpoint, each.cache) for each in again.request.ledger.entries] == entries
    assert {cache for _, _, cache in entries} == {Hit.FRESH}
    for source in ("SALESLOFT", "DRIFT"):
        assert again.request.freshness.as_of(source) == made.request.freshness.as_of(source)
    assert again.request.freshness.max_age == pytest.approx(made.request.freshness.max_age, abs=1)


async def test_not_when_something_else_is_asked(gateway: Gateway, cache: AnswerCache) -> None:
    await warm(gateway, first=5)
    before = cache.hits
    other = await gateway.ask(PAGE, first=6)
    assert len(other.ok["meetings"]["nodes"]) == 6
    aliased = await gateway.ask(PAGE.replace("meetings(", "again: meetings("), first=5)
    assert len(aliased.ok["again"]["nodes"]) == 5
    assert cache.hits == before


async def test_not_once_a_record_is_no_longer_fresh(gateway: Gateway, cache: AnswerCache) -> None:
    await warm(gateway, first=5)
    before = cache.hits
    gateway.clock.advance(11)  # pages are fresh for ten seconds
    await gateway.ask(PAGE, first=5)
    assert cache.hits == before


async def test_not_once_a_record_was_fetched_anew(gateway: Gateway, cache: AnswerCache) -> None:
    await warm(gateway, first=5)
    (answer,) = cache._cached.values()
    use = next(
        use for use in answer.dependencies if isinstance(use, _CachedUse) and use._cache._policy.name == "people"
    )
    records, (key, *_) = use._cache, use._cached
    fetched = CacheEntry(use._cached[key].value, use._cached[key].as_of)
    await records._client.store.put(records._namespace, {key: fetched}, records._policy.codec, seconds=60)
    before = cache.hits
    await gateway.ask(PAGE, first=5)
    assert cache.hits == before


async def test_what_is_true_for_a_moment_is_never_given_again(gateway: Gateway, cache: AnswerCache) -> None:
    query = "{ meetings(first: 2) { nodes { id } } sources { source budgetRemaining } }"
    await warm(gateway, query)
    await gateway.ask(query)
    assert cache.hits == 0


async def test_an_answer_with_errors_is_never_given_again(gateway: Gateway, cache: AnswerCache) -> None:
    query = '{ meetings(first: 2) { nodes { id } } node(id: "nonsense") { id } }'
    for _ in range(3):
        assert [error["extensions"]["code"] for error in (await gateway.ask(query)).errors] == ["BAD_USER_INPUT"]
    assert cache.hits == 0


async def test_variables_have_a_length_beyond_which_nothing_is_cached(gateway: Gateway, cache: AnswerCache) -> None:
    query = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } meetings(first: 1) { nodes { id } } }"
    ids = ["TWVldGluZzpTQUxFU0xPRlQ6MQ" + "x" * LONGEST_VARIABLES]
    for _ in range(3):
        await gateway.ask(query, ids=ids)
    assert cache.hits == 0


async def test_the_room_is_bounded(gateway: Gateway, cache: AnswerCache) -> None:
    for first in range(1, 40):
        await warm(gateway, first=first)
    assert 0 < cache._cached.currsize <= MAX_BYTES
    assert max(each.size for each in cache._cached.values()) <= MAX_BYTES // LARGEST_PART


async def test_only_to_whom_may_see_the_same(gateway: Gateway, cache: AnswerCache) -> None:
    query = "{ people(first: 3) { nodes { id email } } }"
    engine = gateway.engine()
    prepared = engine.prepare(query)
    assert isinstance(prepared, Prepared)

    async def addresses(scopes: frozenset[str]) -> list[str | None]:
        request = Request(gateway.clock.monotonic() + 25)
        answer = await engine.execute(
            prepared, variables=None, operation_name=None, request=request, principal=Principal("somebody", scopes)
        )
        return [node["email"] for node in msgspec.json.decode(msgspec.json.encode(answer.data))["people"]["nodes"]]

    everything = frozenset({"people:read", "pii:read"})
    for _ in range(3):
        seen = await addresses(everything)
    assert None not in seen
    assert cache.hits == 1
    for _ in range(3):
        assert await addresses(frozenset({"people:read"})) == [None] * 3
    assert await addresses(everything) == seen
