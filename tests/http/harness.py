"""A gateway on a loopback socket, over whichever engine a test wants."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any, cast

import aiohttp
import msgspec
import pytest
from graphql import DocumentNode, GraphQLError, GraphQLSchema, build_schema, execute, parse, validate
from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.app import log_internal_error
from gateway.emulator.server import serve
from gateway.graph.engine import Engine, OperationResult
from gateway.model.records import Source
from gateway.model.scopes import Principal
from gateway.model.status import SourceState, SourceStatus
from gateway.request import Request
from gateway.runtime.connection import ClientSocket
from gateway.upstream.clock import SystemClock
from gateway.web.authentication import Authenticator
from gateway.web.explorer import Examples, Explorer, File
from gateway.web.graphql import GraphQLEndpoint
from gateway.web.persisted import AutomaticDocuments, MemoryDocumentStore
from gateway.web.rate_limit import ClientRateLimits
from gateway.web.routes import STATE, Health, site

RESPONSE = "application/graphql-response+json"
JSON = "application/json"
NOW = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
PAGE_FILE = File("page.0123.js", b"let page = 1;", b"packed", "text/javascript", '"plain"', '"packed"')


@dataclass
class Prepared:
    document: DocumentNode


@dataclass
class PlainEngine:
    """graphql-core over `hello`, without a gateway behind it; what a test wants to go wrong goes wrong in `meddle`."""

    schema: GraphQLSchema = field(default_factory=lambda: build_schema("type Query { hello(name: String): String }"))
    meddle: Callable[[Request], Any] = lambda _: None
    executed: int = 0
    cancelled: int = 0
    principals: list[Principal | None] = field(default_factory=list)
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    def prepare(self, query: str) -> Prepared | list[GraphQLError]:
        try:
            document = parse(query)
        except GraphQLError as error:
            return [error]
        return validate(self.schema, document) or Prepared(document)

    async def execute(
        self,
        prepared: Prepared,
        *,
        variables: dict[str, object] | None,
        operation_name: str | None,
        request: Request,
        principal: Principal | None,
        router: bool,
    ) -> OperationResult:
        self.executed += 1
        self.principals.append(principal)
        self.reached.set()
        try:
            done = self.meddle(request)
            if asyncio.iscoroutine(done):
                await done
        except asyncio.CancelledError:
            self.cancelled += 1
            self.ended.set()
            raise
        result = execute(
            self.schema,
            prepared.document,
            {"hello": lambda info, name=None: f"Hello, {name}"},
            variable_values=variables,
            operation_name=operation_name,
        )
        assert not asyncio.iscoroutine(result)
        errors = [dict(error.formatted) for error in getattr(result, "errors", None) or []]
        started = all("path" in error for error in errors)
        return OperationResult(data=cast("Any", result).data, errors=errors, started=started)


def plain_site(engine: PlainEngine, *, graphiql: bool = True, health: Health | None = None, **given: Any) -> Starlette:
    """The HTTP API over an engine; `given` goes to the endpoint."""
    explorer = Explorer([PAGE_FILE], Examples(), lambda: NOW) if graphiql else None
    clock = given.get("clock", SystemClock())
    defaults: dict[str, Any] = {
        "documents": AutomaticDocuments(MemoryDocumentStore()),
        "access": Authenticator(required=False),
        "origins": frozenset(),
        "rates": ClientRateLimits(100_000, 100_000, clock),
        "clock": clock,
        "deadline": 5.0,
        "trace": True,
    }
    faces = {name: given.pop(name) for name in ("hosts", "proxies", "page_folder") if name in given}
    options = {**defaults, **given}
    endpoint = GraphQLEndpoint(
        engine=cast("Engine", engine), explorer=explorer, on_internal_error=log_internal_error, **options
    )

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[dict[str, ASGIApp]]:
        yield {STATE: endpoint}

    health = health or Health(statuses_of(SALESLOFT="OK", DRIFT="OFF"))
    return site(lifespan, health, explorer, log_internal_error, origins=options["origins"], **faces)


def statuses_of(**states: str) -> Callable[[], list[SourceStatus]]:
    """Sources by name that are in these states."""
    return lambda: [
        SourceStatus(source=Source(name), enabled=state != "OFF", state=SourceState(state))
        for name, state in states.items()
    ]


@contextlib.asynccontextmanager
async def served(app: Starlette, seen: list[dict[str, Any]] | None = None) -> AsyncIterator[str]:
    """Runs an application with its lifespan; the base URL. What it makes of each request's scope goes to `seen`."""
    async with app.router.lifespan_context(app) as state:

        async def asgi(scope: Scope, receive: Receive, send: Send) -> None:
            scope["state"].update(state or {})
            await app(scope, receive, send)
            if seen is not None:
                seen.append(dict(scope))

        async with serve(asgi, websockets=ClientSocket) as url:
            yield url


@dataclass
class Reply:
    """An HTTP answer, read."""

    status: int
    headers: Any
    body: bytes

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)

    @property
    def code(self) -> str:
        """The code of the first error; empty where it is only one of HTTP's."""
        return str(self.json["errors"][0].get("extensions", {"code": ""})["code"])


@dataclass
class Caller:
    """Asks a served gateway."""

    url: str
    session: aiohttp.ClientSession

    async def ask(self, method: str, path: str = "/graphql", **options: Any) -> Reply:
        options.setdefault("allow_redirects", False)
        async with self.session.request(method, f"{self.url}{path}", **options) as response:
            return Reply(response.status, response.headers, await response.read())

    async def post(self, query: str | None = None, *, accept: str | None = None, **body: Any) -> Reply:
        headers = {} if accept is None else {"Accept": accept}
        return await self.ask("POST", json={"query": query, **body}, headers=headers)


@contextlib.asynccontextmanager
async def calling(app: Starlette, seen: list[dict[str, Any]] | None = None) -> AsyncIterator[Caller]:
    connector = aiohttp.TCPConnector(force_close=True)  # no connection that the server may be closing just now
    sparse = aiohttp.ClientSession(connector=connector, skip_auto_headers=("Accept", "User-Agent"))
    async with served(app, seen) as url, sparse as session:
        yield Caller(url, session)


def address(gateway: Caller) -> tuple[str, int]:
    host, _, port = gateway.url.removeprefix("http://").partition(":")
    return host, int(port)


async def raw(gateway: Caller, sent: bytes) -> bytes:
    """What comes back for bytes as they are."""
    reader, writer = await asyncio.open_connection(*address(gateway))
    writer.write(sent)
    async with asyncio.timeout(5):
        received = await reader.read(65_536)
    writer.close()
    return received


@pytest.fixture
def engine() -> PlainEngine:
    return PlainEngine()


@pytest.fixture
async def gateway(engine: PlainEngine) -> AsyncIterator[Caller]:
    async with calling(plain_site(engine)) as caller:
        yield caller
