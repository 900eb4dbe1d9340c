"""Opens live updates: the log in this process, or in the Redis that replicas share."""

from __future__ import annotations

import contextlib
import hashlib
import logging
from collections.abc import AsyncIterator, Callable, Sequence

from gateway.catalog.catalog import Catalog
from gateway.live.coordination import Alone
from gateway.live.live import Live, LiveOptions
from gateway.live.log import MemoryLog
from gateway.live.versions import MemoryVersions
from gateway.model.records import Source
from gateway.runtime.upstreams import Upstreams
from gateway.settings.settings import Settings
from gateway.upstream.clock import Timer, every

log = logging.getLogger(__name__)

FOLLOWED = 0.25
"""Seconds between two looks at the log that replicas share."""

ALONE = (
    "live updates are off: several processes need a Redis (GATEWAY_CACHE_URL) to share their changes; "
    "set one, or serve with --workers 1"
)


@contextlib.asynccontextmanager
async def live_updates(
    settings: Settings,
    catalog: Catalog,
    upstreams: Upstreams,
    clock: Timer,
    *,
    workers: int,
    secrets: Callable[[Source], Sequence[str]],
) -> AsyncIterator[Live | None]:
    """Live updates, for as long as the block runs; None where there are none.

    Args:
        settings: What is set.
        catalog: The sources, joined.
        upstreams: Their clients.
        clock: Where time comes from.
        workers: How many processes of this replica there are.
        secrets: What a source's deliveries may be signed with, now.
    """
    link, most = upstreams.link, settings.live.changes
    if not settings.live.enabled:
        yield None
        return
    if link is None and settings.cache.replicas * workers > 1:
        log.warning(ALONE)
        yield None
        return
    options = LiveOptions(
        poll=settings.live.poll,
        units={Source(source.name): source.rate_limit for source in settings.sources},
        secrets=secrets,
    )
    joined = catalog.meetings.joined
    if link is None:
        live = Live(
            joined,
            log=MemoryLog(most, clock),
            versions=MemoryVersions(),
            coordination=Alone(clock),
            clock=clock,
            options=options,
        )
        async with live.running():
            yield live
        return

    from gateway.runtime.changes import (  # noqa: PLC0415 - redis takes 7 MB, not paid for where it is not used
        RedisKeys,
        SharedCoordination,
        SharedLog,
        SharedVersions,
    )

    def identity() -> str:
        parts = sorted(f"{name}:{client.identity}" for name, client in upstreams.clients.items())
        return hashlib.blake2b("\n".join(parts).encode(), digest_size=12).hexdigest()

    keys = RedisKeys(link, identity)
    shared = SharedLog(link, keys, most, clock)
    live = Live(
        joined,
        log=shared,
        versions=SharedVersions(link, keys),
        coordination=SharedCoordination(link, keys, clock),
        clock=clock,
        options=options,
    )
    await shared.refresh()
    async with every(clock, FOLLOWED, shared.refresh), live.running():
        yield live
