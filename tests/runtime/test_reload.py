"""Secrets in files are replaced while the gateway runs: looked at every half minute, and when one is refused."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from gateway.emulator.server import Emulators
from gateway.runtime.reload import EVERY
from tests.upstream.replicas.redis_server import redis_server
from tests.upstream_e2e.stage import Product, client_of, product, world

QUERY = "{ meetings(first: 3, filter: {sources: [SALESLOFT]}) { nodes { id } sourceReports { source status code } } }"
TOKENS = [f"ak-{number}-not-to-be-seen" for number in range(3)]
KEY, OTHER, THIRD = "key-one-0123456789abcdef", "key-two-0123456789abcdef", "key-three-0123456789abc"
FRESH = 40.0
"""Seconds after which lists are asked for anew."""

LONGEST = 60.0
"""Seconds that anything may take on a busy machine."""


@dataclass
class Files:
    """A gateway whose secrets are in files."""

    stage: Product
    folder: Path
    log: pytest.LogCaptureFixture

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)

    async def ask(self, key: str | None = None) -> Any:
        return await self.stage.ask(QUERY, {} if key is None else {"X-API-Key": key})

    async def report(self) -> Any:
        return (await self.ask()).reports()["SALESLOFT"]

    async def looked(self, line: str, seconds: float = EVERY) -> None:
        """Moves time on, and waits until the log says something once more than before."""
        before = self.said(line)
        self.stage.clock.advance(seconds)
        end = asyncio.get_running_loop().time() + LONGEST
        while self.said(line) == before and asyncio.get_running_loop().time() < end:  # noqa: ASYNC110 - a log has no event
            await asyncio.sleep(0.001)
        assert self.said(line) == before + 1

    def said(self, line: str) -> int:
        return sum(line in record.getMessage() for record in self.log.records)

    def vendor_takes(self, token: str) -> None:
        """From now on Salesloft knows another token, and that alone."""
        self.stage.emulators.salesloft.app.token = token

    @property
    def statuses(self) -> list[int]:
        return [call.status for call in self.stage.emulators.salesloft.calls]


Filed = Callable[..., contextlib.AbstractAsyncContextManager[Files]]


@pytest.fixture
def filed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Filed:
    """Makes a gateway with settings of which some are in files; it knows the first token."""
    caplog.set_level(logging.INFO)

    @contextlib.asynccontextmanager
    async def made(contents: Mapping[str, str], **settings: str) -> AsyncIterator[Files]:
        for name, text in contents.items():
            (tmp_path / name).write_text(text)
        named = {f"{name}_FILE": str(tmp_path / name) for name in contents}
        given = {**dict.fromkeys(contents, ""), **named, **settings}
        async with product(world(), settings=given, jumps=False, rereads=True) as stage:
            files = Files(stage, tmp_path, caplog)
            files.vendor_takes(TOKENS[0])
            yield files
        assert not [token for token in (*TOKENS, KEY, OTHER, THIRD) if token in caplog.text]

    return made


NOTHING_KEPT = {"GATEWAY_TTL_PAGES": "0,0"}


async def test_a_token_that_is_refused_leads_to_the_one_in_the_file_at_once(filed: Filed) -> None:
    async with filed({"SALESLOFT_TOKEN": TOKENS[0]}, **NOTHING_KEPT) as files:
        assert (await files.report())["status"] == "OK"
        files.stage.forget()
        files.vendor_takes(TOKENS[1])
        files.write("SALESLOFT_TOKEN", f"{TOKENS[1]}\n")
        assert (await files.report())["status"] == "OK"
        assert files.statuses == [401, 200]
        assert files.said("SALESLOFT_TOKEN: another value is in use from now on") == 1


async def test_many_that_are_refused_at_once_all_get_the_one_in_the_file(filed: Filed) -> None:
    async with filed({"SALESLOFT_TOKEN": TOKENS[0]}, **NOTHING_KEPT) as files:
        files.vendor_takes(TOKENS[1])
        files.write("SALESLOFT_TOKEN", TOKENS[1])
        queries = [QUERY.replace("first: 3", f"first: {size}") for size in range(1, 9)]
        replies = await asyncio.gather(*map(files.stage.ask, queries))
        assert {reply.reports()["SALESLOFT"]["status"] for reply in replies} == {"OK"}
        assert files.said("another value is in use") == 1


async def test_a_refusal_without_another_token_is_one(filed: Filed) -> None:
    async with filed({"SALESLOFT_TOKEN": TOKENS[0]}, **NOTHING_KEPT) as files:
        files.vendor_takes(TOKENS[1])
        reply = await files.ask()
        assert reply.codes == {"UPSTREAM_REFUSED"}
        assert files.statuses == [401]


async def test_a_token_is_replaced_before_one_is_refused(filed: Filed) -> None:
    async with filed({"SALESLOFT_TOKEN": TOKENS[0]}) as files:
        assert (await files.report())["status"] == "OK"
        files.stage.forget()
        files.vendor_takes(TOKENS[1])
        files.write("SALESLOFT_TOKEN", TOKENS[1])
        await files.looked("SALESLOFT_TOKEN: another value")
        assert (await files.report())["status"] == "OK"
        assert files.statuses == [200], "asked anew, since another token may be another account's, and with that alone"


async def test_endpoints_that_refused_the_old_token_are_asked_at_once(filed: Filed) -> None:
    async with filed({"SALESLOFT_TOKEN": TOKENS[0]}, **NOTHING_KEPT) as files:
        files.vendor_takes(TOKENS[1])
        for _ in range(17):  # the last one is a trial, after which it is left alone for a minute
            assert (await files.ask()).codes == {"UPSTREAM_REFUSED"}
            files.stage.clock.advance(10)
            await files.stage.settle()
        files.write("SALESLOFT_TOKEN", TOKENS[1])
        await files.looked("SALESLOFT_TOKEN: another value")
        assert (await files.report())["status"] == "OK"


async def test_drifts_too(filed: Filed) -> None:
    query = QUERY.replace("SALESLOFT", "DRIFT")
    async with filed({"DRIFT_TOKEN": TOKENS[0]}) as files:
        files.stage.emulators.drift.app.token = TOKENS[1]
        files.write("DRIFT_TOKEN", TOKENS[1])
        assert (await files.stage.ask(query)).reports()["DRIFT"]["status"] == "OK"


async def test_a_file_that_cannot_be_used_changes_nothing_and_is_reported_once(filed: Filed) -> None:
    async with filed({"SALESLOFT_TOKEN": TOKENS[0]}, **NOTHING_KEPT) as files:
        (files.folder / "SALESLOFT_TOKEN").unlink()
        await files.looked("SALESLOFT_TOKEN_FILE: ")
        assert (await files.report())["status"] == "OK"
        files.write("SALESLOFT_TOKEN", "two words")
        await files.looked("SALESLOFT_TOKEN: holds a character")
        assert (await files.report())["status"] == "OK"
        files.write("SALESLOFT_TOKEN", "")
        await files.looked("is empty")
        for _ in range(3):
            files.stage.clock.advance(EVERY)
            await files.stage.settle()
        files.vendor_takes(TOKENS[1])
        files.write("SALESLOFT_TOKEN", TOKENS[1])
        await files.looked("SALESLOFT_TOKEN: another value")
        assert (await files.report())["status"] == "OK"
        assert files.said("what was read before stays in use") == 3


async def test_one_bad_file_does_not_keep_another_from_use(filed: Filed) -> None:
    async with filed({"SALESLOFT_TOKEN": TOKENS[0], "GATEWAY_API_KEYS": f"web:{KEY}"}) as files:
        files.write("GATEWAY_API_KEYS", "# none at the moment")
        files.write("SALESLOFT_TOKEN", TOKENS[1])
        files.vendor_takes(TOKENS[1])
        await files.looked("SALESLOFT_TOKEN: another value")
        assert files.said("GATEWAY_API_KEYS: holds no key") == 1
        assert (await files.ask(KEY)).reports()["SALESLOFT"]["status"] == "OK"


async def test_keys_of_clients_come_and_go(filed: Filed) -> None:
    async with filed({"GATEWAY_API_KEYS": f"web:{KEY},bot:{OTHER}"}, SALESLOFT_TOKEN=TOKENS[0]) as files:
        assert [(await files.ask(key)).status for key in (KEY, OTHER, THIRD)] == [200, 200, 401]
        files.write("GATEWAY_API_KEYS", f"web:{KEY}\nnew:{THIRD}\n")
        await files.looked("GATEWAY_API_KEYS: another value")
        assert [(await files.ask(key)).status for key in (KEY, OTHER, THIRD)] == [200, 401, 200]


async def test_keys_of_prometheus_and_of_routers_come_and_go(filed: Filed) -> None:
    contents = {"GATEWAY_METRICS_KEYS": KEY, "GATEWAY_ROUTER_KEYS": KEY}
    service = {"query": "{ _service { sdl } }"}
    async with filed(contents, GATEWAY_FEDERATION="on") as files:

        async def accepted() -> list[tuple[int, bool]]:
            ask = files.stage.caller.ask
            pages = [await ask("GET", "/metrics", headers={"X-API-Key": key}) for key in (KEY, OTHER)]
            routers = [await ask("POST", json=service, headers={"Router-Authorization": key}) for key in (KEY, OTHER)]
            return [(page.status, "errors" not in reply.json) for page, reply in zip(pages, routers, strict=True)]

        assert await accepted() == [(200, True), (401, False)]
        for name in contents:
            files.write(name, OTHER)
        await files.looked("GATEWAY_ROUTER_KEYS: another value")
        assert await accepted() == [(401, False), (200, True)]


async def test_an_oauth_clients_secret(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("emulated-secret")
    settings = {"SALESLOFT_CLIENT_SECRET_FILE": str(file), **NOTHING_KEPT}

    def client(emulators: Emulators) -> dict[str, str]:
        return {**client_of(emulators), "SALESLOFT_CLIENT_SECRET": ""}

    async with product(world(), settings=settings, more=client, jumps=False, rereads=True) as stage:
        vendor: Any = stage.emulators.salesloft.app
        assert (await stage.ask(QUERY)).reports()["SALESLOFT"]["status"] == "OK"
        vendor._desk._client = "emulated-client", "another"
        vendor._desk._expiry.clear()
        file.write_text("another")
        stage.clock.advance(EVERY - 1)
        stage.forget()
        assert (await stage.ask(QUERY)).reports()["SALESLOFT"]["status"] == "OK"


async def test_a_token_in_the_file_of_settings(filed: Filed, tmp_path: Path) -> None:
    (tmp_path / "settings").write_text(f"SALESLOFT_TOKEN={TOKENS[0]}\nGATEWAY_MAX_DEPTH=9\n")
    named = {"GATEWAY_ENV_FILE": str(tmp_path / "settings"), "SALESLOFT_TOKEN": ""}
    async with filed({}, **named, **NOTHING_KEPT) as files:
        files.vendor_takes(TOKENS[1])
        files.write("settings", f"SALESLOFT_TOKEN={TOKENS[1]}\nGATEWAY_MAX_DEPTH=9\n")
        assert (await files.report())["status"] == "OK"
        assert files.statuses == [401, 200]


async def test_another_oauth_client_replaces_the_first_whole(tmp_path: Path) -> None:
    file = tmp_path / "settings"

    def client(emulators: Emulators, number: int) -> str:
        given = {
            **client_of(emulators),
            "SALESLOFT_CLIENT_ID": f"client-{number}",
            "SALESLOFT_CLIENT_SECRET": f"s{number}",
        }
        return "".join(f"{name}={value}\n" for name, value in given.items() if value)

    def first(emulators: Emulators) -> dict[str, str]:
        desk: Any = emulators.salesloft.app
        desk._desk._client = "client-1", "s1"
        file.write_text(client(emulators, 1))
        return {"GATEWAY_ENV_FILE": str(file), "SALESLOFT_TOKEN": ""}

    async with product(world(), settings=NOTHING_KEPT, more=first, jumps=False, rereads=True) as stage:
        assert (await stage.ask(QUERY)).reports()["SALESLOFT"]["status"] == "OK"
        vendor: Any = stage.emulators.salesloft.app
        vendor._desk._client = "client-2", "s2"
        vendor._desk._expiry.clear()
        file.write_text(client(stage.emulators, 2))
        assert (await stage.ask(QUERY)).reports()["SALESLOFT"]["status"] == "OK"


async def test_the_redis_that_replicas_share_is_asked_by_another_password(filed: Filed) -> None:
    with redis_server() as server:

        def url(password: str) -> str:
            return server.url.replace("://", f"://:{password}@")

        async def admin(password: str, *command: str) -> None:
            async with Redis.from_url(url(password) if password else server.url) as redis:
                await redis.execute_command(*command)  # type: ignore[no-untyped-call]  # the library's own

        async def shared() -> str:
            await files.stage.ask("{ meetings(first: 1) { nodes { id } } }")
            return str((await files.stage.caller.ask("GET", "/readyz")).json["shared"])

        await admin("", "CONFIG", "SET", "requirepass", "first")
        async with filed({"GATEWAY_CACHE_URL": url("first")}, SALESLOFT_TOKEN=TOKENS[0]) as files:
            assert await shared() == "OK"
            await admin("first", "CONFIG", "SET", "requirepass", "second")
            await admin("second", "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
            files.stage.clock.advance(FRESH)
            assert await shared() != "OK"
            files.write("GATEWAY_CACHE_URL", url("second"))
            await files.looked("GATEWAY_CACHE_URL: another value")
            assert await shared() == "OK"
            files.stage.clock.advance(LONGEST)
            await files.stage.settle()
            assert await shared() == "OK", "the old connections are closed by now"
        assert "first" not in files.log.text
        assert "second" not in files.log.text


async def test_what_was_spent_is_counted_on_under_another_token(filed: Filed) -> None:
    async def left(stage: Product) -> int:
        sources = (await stage.ask("{ sources { source budgetRemaining } }")).ok["sources"]
        (units,) = [each["budgetRemaining"] for each in sources if each["source"] == "SALESLOFT"]
        return int(units)

    with redis_server() as redis:
        settings = {"GATEWAY_CACHE_URL": redis.url, "SALESLOFT_RATE_LIMIT": "50", **NOTHING_KEPT}
        async with filed({"SALESLOFT_TOKEN": TOKENS[0]}, **settings) as files:
            for _ in range(5):
                assert (await files.report())["status"] == "OK"
            before = await left(files.stage)
            assert before <= 45
            files.vendor_takes(TOKENS[1])
            files.write("SALESLOFT_TOKEN", TOKENS[1])
            assert (await files.report())["status"] == "OK"
            assert await left(files.stage) < before
            async with product(world(), settings={**settings, "SALESLOFT_TOKEN": TOKENS[1]}, jumps=False) as replica:
                vendor: Any = replica.emulators.salesloft.app
                vendor.token = TOKENS[1]
                (reply,) = await replica.drive([replica.ask(QUERY)])
                assert reply.reports()["SALESLOFT"]["status"] == "OK"
                assert await left(replica) < before, "a replica that was started with the new token knows of it"
