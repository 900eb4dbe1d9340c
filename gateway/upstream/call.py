"""What is asked of an upstream."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Generic, TypeAlias, TypeVar
from urllib.parse import quote

import msgspec
from yarl import URL

from gateway.upstream.batch import encoded
from gateway.upstream.request import Request

T = TypeVar("T")

Params: TypeAlias = tuple[tuple[str, str], ...]
"""Query parameters in their order; names may repeat."""


class Call(msgspec.Struct, Generic[T], frozen=True):
    """One GET.

    Attributes:
        endpoint: The endpoint's name: a path template, never with ids in it.
        path: The path below the base URL.
        read: Makes something of the body of a 2xx answer; raises UpstreamMalformed where it is not what was asked for.
        params: Query parameters.
        cost: Units that it is expected to take.
        one: Whether it asks for a single record: that may not exist, and what goes wrong may be that record's alone.
        large: Whether less is asked for where the answer is too large, which then says nothing of the endpoint.
        plain: A call that is answered as long as the upstream is well, whatever this one asks for; None for a call
            that is answered then itself.
    """

    endpoint: str
    path: str
    read: Callable[[bytes], Awaitable[T]]
    params: Params = ()
    cost: int = 1
    one: bool = False
    large: bool = False
    plain: Call[Any] | None = None


class Errand(msgspec.Struct, Generic[T], frozen=True):
    """A call and whom it is made for.

    Attributes:
        request: Its deadline bounds the call, its ledger notes it.
        call: What is asked.
        url: Where.
        asked: The ledger's turn at which it was asked for.
    """

    request: Request
    call: Call[T]
    url: URL
    asked: int


def url_of(base_url: str, endpoint: str, path: str, params: Params = ()) -> URL:
    """The URL of a call, with every name and value percent-encoded and no way out of the base.

    Raises:
        ValueError: A path with `.` or `..` in it.
    """
    if not path.startswith("/") or {".", ".."} & set(path.split("/")):
        msg = f"not a path below the base URL, for {endpoint}"
        raise ValueError(msg)
    names = {name: encoded(name) for name in dict(params)}
    query = "&".join([f"{names[name]}={encoded(value)}" for name, value in params])
    return URL(f"{base_url.rstrip('/')}{quote(path)}{'?' if query else ''}{query}", encoded=True)
