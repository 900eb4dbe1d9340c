"""The notebook's endpoints: each gives all that there is of a kind, and is cached as one answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar, cast

import msgspec

from gateway.model.cost import Ask, How
from gateway.model.records import Record
from gateway.request import Request
from gateway.sources.base import Found, Sample, Sampler
from gateway.sources.cached import Translated, Translator, is_partial
from gateway.sources.decode import Body, BodyDecoder, Envelope, Row, sample
from gateway.sources.problems import problems_of
from gateway.upstream.cache import ListCache
from gateway.upstream.client import Client
from gateway.upstream.freshness import CachePolicy, Lifetimes

from . import wire
from .translate import NOTEBOOK

W = TypeVar("W", bound=msgspec.Struct)
R = TypeVar("R", bound=Record)

ENTRIES = Envelope(rows="entries")
PAGES = "/pages"
VITAL = frozenset({PAGES})


class Book(Generic[W, R]):
    """All records of a kind.

    Args:
        client: Calls the notebook.
        path: The endpoint.
        row: Its rows' type.
        record_of: Makes a record of a row.
        lifetimes: How long an answer may be used.
    """

    def __init__(
        self, client: Client, path: str, row: type[W], record_of: Callable[[Row[W]], R], lifetimes: Lifetimes
    ) -> None:
        def found(body: Body[W, None]) -> Found[R]:
            records = [record_of(each) for each in body.rows]
            return Found(rows=records, problems=problems_of(records, body.lost))

        async def fetch(request: Request, _: str) -> Translated[Body[W, None], Found[R]]:
            body = await client.get(request, path, path, read=decoder.read_list)
            assert body is not None
            return translator.of(body)

        decoder = BodyDecoder(row, type(None), source=NOTEBOOK.value, envelope=ENTRIES)
        translator: Translator[Body[W, None], Found[R]] = Translator(cast("Any", Body)[row, None], found)
        policy = CachePolicy(name=path, endpoint=path, codec=translator, lifetimes=lifetimes, doubtful=is_partial)
        self._cached = ListCache(client, policy, fetch)
        self.ask = Ask(source=NOTEBOOK, endpoint=path, how=How.ONCE, keys="all")

    async def read(self, request: Request) -> Found[R]:
        """All of them."""
        return (await self._cached.get(request, "all")).value.value

    async def renew(self, request: Request) -> Found[R]:
        """The same as they are now."""
        return (await self._cached.renew(request, "all")).value.value


def sampler(client: Client) -> Sampler:
    """Asks for the pages, and says how well they are understood."""

    async def read(body: bytes) -> Sample:
        return sample(body, wire.Page, source=NOTEBOOK.value, envelope=ENTRIES)

    async def ask(request: Request) -> Sample:
        seen = await client.get(request, PAGES, PAGES, read=read)
        assert seen is not None
        return seen

    return ask
