"""Many keys in one call, and in halves of it where one of them is not accepted."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from typing import TypeVar

from gateway.errors import DeadlineExceeded, UpstreamError, UpstreamRejected
from gateway.upstream.request import Request

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

MOST_CALLS = 16
"""Further calls for one that was not accepted: what it takes to single one key out of a hundred, and a little more."""


async def fetched(
    fetch: Callable[[Request, Sequence[K]], Awaitable[Mapping[K, V]]], request: Request, keys: Sequence[K]
) -> tuple[dict[K, V], dict[K, UpstreamError | DeadlineExceeded]]:
    """What a call brings for keys, and why it cannot be had for others; one that is not accepted keeps none from those.

    Args:
        fetch: Makes a call.
        request: Whom it is for.
        keys: What is asked for.

    Raises:
        UpstreamError: It cannot be had for any of them.
        DeadlineExceeded: Likewise.
    """
    found: dict[K, V] = {}
    failed: dict[K, UpstreamError | DeadlineExceeded] = {}
    asking, left, first = [keys], MOST_CALLS, True
    while asking:
        some = asking.pop()
        try:
            found.update(await fetch(request, some))
        except (UpstreamError, DeadlineExceeded) as error:
            if first and (len(some) == 1 or not isinstance(error, UpstreamRejected)):
                raise
            if isinstance(error, UpstreamRejected) and len(some) > 1 and left > 1:
                middle = len(some) // 2
                asking += [some[middle:], some[:middle]]
                left -= 2
            else:
                failed.update(dict.fromkeys(some, error))
        first = False
    if len(failed) == len(keys):
        raise next(iter(failed.values()))
    return found, failed
