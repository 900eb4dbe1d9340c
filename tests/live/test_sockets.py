"""WebSocket, message by message (graphql-ws, PROTOCOL.md): operations, credentials, close codes, misuse."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from tests.live.stage import ROUNDS, Stage, meeting_id, staged
from tests.live.streams import EVENTS
from tests.live.test_changes import active

PROTOCOL = "graphql-transport-ws"
KEY = "a-key-of-many-characters-0123456789"
Socket = aiohttp.ClientWebSocketResponse


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with staged() as stage:
        yield stage


@contextlib.asynccontextmanager
async def socket(stage: Stage, *, protocols: tuple[str, ...] = (PROTOCOL,), **options: Any) -> AsyncIterator[Socket]:
    url = f"{stage.caller.url.replace('http', 'ws')}/graphql"
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(url, protocols=protocols, autoping=False, **options) as connection,
    ):
        yield connection


@contextlib.asynccontextmanager
async def ready(stage: Stage, payload: dict[str, Any] | None = None, **options: Any) -> AsyncIterator[Socket]:
    async with socket(stage, **options) as connection:
        await connection.send_json({"type": "connection_init", **({} if payload is None else {"payload": payload})})
        assert await connection.receive_json() == {"type": "connection_ack"}
        yield connection


async def heard(stage: Stage, connection: Socket) -> Any:
    """The next message that is not a ping, with time moved on until it is there."""
    for _ in range(ROUNDS):
        try:
            message = await connection.receive(timeout=0.05)
        except TimeoutError:
            stage.clock.advance(0.5)
            continue
        if message.type is aiohttp.WSMsgType.TEXT:
            told = json.loads(message.data)
            if told["type"] == "ping":
                await connection.send_json({"type": "pong"})
                continue
            return told
        return message
    raise AssertionError("nothing came")


async def closed(stage: Stage, connection: Socket) -> int | None:
    """The code that the server closes a connection with."""
    while not connection.closed:
        message = await heard(stage, connection)
        if isinstance(message, aiohttp.WSMessage) and message.type is aiohttp.WSMsgType.CLOSE:
            await connection.close()
            return int(message.data)
    return connection.close_code


def subscribe(id_: str = "1", query: str = EVENTS, **variables: Any) -> dict[str, Any]:
    return {"id": id_, "type": "subscribe", "payload": {"query": query, "variables": variables}}


async def test_a_subscription_and_its_end(stage: Stage) -> None:
    async with ready(stage) as connection:
        assert connection.protocol == PROTOCOL
        await connection.send_json(subscribe())
        first = await heard(stage, connection)
        assert (first["id"], first["type"]) == ("1", "next")
        assert first["payload"]["data"]["meetingChanged"]["kind"] == "READY"
        row = stage.edit(active(stage), title="Moved")
        await stage.deliver(row)
        change = (await heard(stage, connection))["payload"]["data"]["meetingChanged"]
        assert (change["kind"], change["meetingId"]) == ("UPDATED", meeting_id(row))
        await connection.send_json({"id": "1", "type": "complete"})
        await connection.send_json(subscribe("1", since=change["cursor"]))  # the id is free again
        assert (await heard(stage, connection))["payload"]["data"]["meetingChanged"]["kind"] == "READY"


async def test_queries_run_over_it_too(stage: Stage) -> None:
    async with ready(stage) as connection:
        await connection.send_json(subscribe("q", "{ __typename }"))
        assert await heard(stage, connection) == {
            "id": "q",
            "type": "next",
            "payload": {"data": {"__typename": "Query"}},
        }
        assert await heard(stage, connection) == {"id": "q", "type": "complete"}


@pytest.mark.parametrize(
    "query", ["{ nothing }", "mutation { x }", "subscription { a: meetingChanged { kind } b }", "{"]
)
async def test_what_cannot_run_is_an_error_of_its_id(stage: Stage, query: str) -> None:
    async with ready(stage) as connection:
        await connection.send_json(subscribe("bad", query))
        told = await heard(stage, connection)
        assert (told["id"], told["type"]) == ("bad", "error")
        assert told["payload"][0]["extensions"]["code"].startswith("GRAPHQL_")
        await connection.send_json({"type": "ping"})
        assert await heard(stage, connection) == {"type": "pong"}


async def test_a_since_that_is_none_is_bad_input(stage: Stage) -> None:
    async with ready(stage) as connection:
        await connection.send_json(subscribe(since="nonsense"))
        told = await heard(stage, connection)
        errors = told["payload"]["errors"] if told["type"] == "next" else told["payload"]
        assert errors[0]["extensions"] == {"code": "BAD_USER_INPUT", "argument": "since"}


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("nonsense", 4400),
        ("[]", 4400),
        ("{}", 4400),
        ('{"type": "unknown"}', 4400),
        ('{"type": "subscribe"}', 4400),
        ('{"type": "subscribe", "id": "1", "payload": {"query": 7}}', 4400),
        ('{"type": "subscribe", "id": "", "payload": {"query": "{ __typename }"}}', 4400),
        ('{"type": "connection_init"}', 4429),
        ("[" * 5_000, 4400),
    ],
)
async def test_misuse_closes_with_the_protocols_code(stage: Stage, message: str, code: int) -> None:
    async with ready(stage) as connection:
        await connection.send_str(message)
        assert await closed(stage, connection) == code


async def test_bytes_are_no_message(stage: Stage) -> None:
    async with ready(stage) as connection:
        await connection.send_bytes(b'{"type":"ping"}')
        assert await closed(stage, connection) == 4400


async def test_two_operations_of_one_id_close_with_4409(stage: Stage) -> None:
    async with ready(stage) as connection:
        await connection.send_json(subscribe())
        await heard(stage, connection)
        await connection.send_json(subscribe())
        assert await closed(stage, connection) == 4409


async def test_to_subscribe_before_the_ack_closes_with_4401(stage: Stage) -> None:
    async with socket(stage) as connection:
        await connection.send_json(subscribe())
        assert await closed(stage, connection) == 4401


async def test_no_init_in_time_closes_with_4408(stage: Stage) -> None:
    async with socket(stage) as connection:
        assert await closed(stage, connection) == 4408


async def test_another_protocol_closes_with_4406(stage: Stage) -> None:
    for protocols in ((), ("graphql-ws",)):
        async with socket(stage, protocols=protocols) as connection:
            assert await closed(stage, connection) == 4406


async def test_a_page_of_another_origin_may_not_connect(stage: Stage) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        async with socket(stage, origin="https://elsewhere.example"):
            pass
    assert refused.value.status == 403
    async with ready(stage, origin=stage.caller.url):
        pass


async def test_another_host_may_not_be_asked_for(stage: Stage) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        async with socket(stage, headers={"Host": "evil.example"}):
            pass
    assert refused.value.status == 403


async def test_a_ping_comes_within_twelve_seconds(stage: Stage) -> None:
    async with ready(stage) as connection:
        begun = stage.clock.monotonic()
        while True:
            try:
                message = await connection.receive(timeout=0.05)
            except TimeoutError:
                stage.clock.advance(0.5)
                continue
            assert json.loads(message.data) == {"type": "ping"}
            assert stage.clock.monotonic() - begun <= 12
            return


@pytest.mark.parametrize(
    "payload",
    [
        {"authorization": f"Bearer {KEY}"},
        {"Authorization": f"Bearer {KEY}"},
        {"x-api-key": KEY},
        {"X-API-Key": KEY},
        {"connectionParams": {"token": KEY}},
    ],
)
async def test_the_credential_comes_in_the_first_message(payload: dict[str, Any]) -> None:
    async with staged(GATEWAY_API_KEYS=f"web:{KEY}") as stage, ready(stage, payload) as connection:
        await connection.send_json(subscribe("q", "{ __typename }"))
        assert (await heard(stage, connection))["type"] == "next"


@pytest.mark.parametrize("payload", [None, {}, {"authorization": "Bearer wrong"}, {"x-api-key": 7}])
async def test_without_one_it_closes_with_4403(payload: dict[str, Any] | None) -> None:
    async with staged(GATEWAY_API_KEYS=f"web:{KEY}") as stage, socket(stage) as connection:
        await connection.send_json({"type": "connection_init", "payload": payload})
        assert await closed(stage, connection) == 4403


async def test_one_subscription_too_many_is_an_error_of_its_id() -> None:
    async with staged(GATEWAY_SUBSCRIPTIONS="1") as stage, ready(stage) as connection:
        await connection.send_json(subscribe("1"))
        await heard(stage, connection)
        await connection.send_json(subscribe("2"))
        told = await heard(stage, connection)
        assert (told["id"], told["type"]) == ("2", "error")
        assert told["payload"][0]["extensions"]["code"] == "RATE_LIMITED"


async def test_a_connection_that_breaks_off_gives_its_places_back() -> None:
    async with staged(GATEWAY_SUBSCRIPTIONS="1") as stage:
        for _ in range(3):
            for _ in range(50):
                async with ready(stage) as connection:
                    await connection.send_json(subscribe())
                    told = await heard(stage, connection)
                if told["type"] == "next":
                    break
            else:
                raise AssertionError("its place was not given back")
