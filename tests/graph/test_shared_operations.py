"""Equal operations under way: run once, each waiter with its own end, and nobody joined who may see something else."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from gateway.graph.answers import JOIN_WITHIN, SharedOperations
from gateway.graph.documents import Prepared
from gateway.graph.engine import Engine, OperationResult
from gateway.model.scopes import Principal
from gateway.request import Request
from tests.world import Gateway
from tests.world import gateway as gateway
from tests.world import world as world

PAGE = "query ($first: Int) { meetings(first: $first) { nodes { id person { name email } } } }"


class Client:
    """Asks as the endpoint does, several times at once."""

    def __init__(self, gateway: Gateway) -> None:
        gateway.cold = False
        self.gateway = gateway
        self.engine: Engine = gateway.engine()
        self.before = self.engine.shared_operations.joined
        prepared = self.engine.prepare(PAGE)
        assert isinstance(prepared, Prepared)
        self.prepared = prepared

    @property
    def joined(self) -> int:
        return self.engine.shared_operations.joined - self.before

    @property
    def calls(self) -> int:
        return sum(len(each.calls) for each in self.gateway._emulated.values())

    def ask(
        self, request: Request, *, first: int = 5, principal: Principal | None = None
    ) -> asyncio.Task[OperationResult]:
        return asyncio.ensure_future(
            self.engine.execute(
                self.prepared, variables={"first": first}, operation_name=None, request=request, principal=principal
            )
        )

    def request(self, seconds: float = 25) -> Request:
        return Request(self.gateway.clock.monotonic() + seconds)


@pytest.fixture
def client(gateway: Gateway) -> Client:
    return Client(gateway)


def decoded(answer: OperationResult) -> Any:
    assert answer.errors == []
    return msgspec.json.decode(msgspec.json.encode(answer.data))


async def begun(client: Client) -> None:
    """Waits until a first call has come to a vendor."""
    before = client.calls
    for _ in range(10_000):
        if client.calls > before:
            return
        await asyncio.sleep(0)
    pytest.fail("nothing was asked")


async def test_equal_operations_at_once_are_one(client: Client) -> None:
    alone = decoded(await client.ask(client.request(), first=4))
    cost = client.calls
    client.gateway.clock.advance(20_000)  # nothing that was kept is of use any more
    requests = [client.request() for _ in range(8)]
    answers = await asyncio.gather(*(client.ask(request, first=4) for request in requests))
    assert client.joined == 7
    assert client.calls - cost <= cost
    assert [decoded(answer) for answer in answers] == [alone] * 8
    assert [len(request.ledger.calls()) > 0 for request in requests] == [True] + [False] * 7
    assert len({request.freshness.max_age for request in requests}) == 1
    assert len({request.freshness.as_of("SALESLOFT") for request in requests}) == 1


async def test_others_are_not(client: Client) -> None:
    await asyncio.gather(client.ask(client.request(), first=5), client.ask(client.request(), first=6))
    assert client.joined == 0


async def test_who_may_see_less_is_not_joined(client: Client) -> None:
    less, more = Principal("a", frozenset({"meetings:read"})), Principal("b")
    seen, all_of_it = await asyncio.gather(
        client.ask(client.request(), principal=less), client.ask(client.request(), principal=more)
    )
    assert client.joined == 0
    assert {error["extensions"]["code"] for error in seen.errors} == {"FORBIDDEN"}
    assert any(node["person"] for node in decoded(all_of_it)["meetings"]["nodes"])


async def test_who_has_another_deadline_is_not_joined(client: Client) -> None:
    requests = client.request(25), client.request(25 + 2 * JOIN_WITHIN)
    await asyncio.gather(*map(client.ask, requests))
    assert client.joined == 0


async def test_the_first_may_leave_the_others(client: Client) -> None:
    first = client.ask(client.request())
    await begun(client)
    others = [client.ask(client.request()) for _ in range(3)]
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    answers = await asyncio.gather(*others)
    assert client.joined == 3
    assert len(decoded(answers[0])["meetings"]["nodes"]) == 5
    assert decoded(answers[1]) == decoded(answers[0])


async def test_what_nobody_waits_for_any_more_ends(client: Client) -> None:
    asked = [client.ask(client.request()) for _ in range(3)]
    await begun(client)
    for each in asked:
        each.cancel()
    assert all(isinstance(end, asyncio.CancelledError) for end in await asyncio.gather(*asked, return_exceptions=True))
    assert client.engine.shared_operations._running == {}
    again = await client.ask(client.request())
    assert len(decoded(again)["meetings"]["nodes"]) == 5


async def test_who_comes_after_the_end_begins_anew(client: Client) -> None:
    await client.ask(client.request())
    assert client.engine.shared_operations._running == {}
    await client.ask(client.request())
    assert client.joined == 0


async def test_a_failure_is_everybodys() -> None:
    joining: SharedOperations[int] = SharedOperations(lambda answer: answer)

    async def fail(_: Request) -> int:
        await asyncio.sleep(0)
        raise LookupError("broken")

    ends = await asyncio.gather(*(joining.run("key", Request(1), fail) for _ in range(3)), return_exceptions=True)
    assert [type(end) for end in ends] == [LookupError] * 3
    assert joining.joined == 2
