"""Reads the files that settings name again while the gateway runs: secrets periodically, all of them on SIGHUP."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence

from gateway.runtime.upstreams import Upstreams
from gateway.settings.api_keys import LiveKeys
from gateway.settings.environment import BadSetting
from gateway.settings.settings import ReloadedSettings, Settings
from gateway.upstream.clock import Timer
from gateway.web.persisted import TrustedDocuments, trusted

log = logging.getLogger(__name__)

EVERY = 30.0
"""Seconds between two reads of the files of secrets."""

AT_ONCE = 1.0
"""Seconds within which a second refusal of a credential does not cause another read."""


class AcceptedKeys:
    """The keys that are accepted, by whom they are of.

    Args:
        settings: Those of the start.

    Attributes:
        clients: Of those who ask.
        routers: Of federation's routers.
        metrics: Of those who read `/metrics`.
        webhooks: Secrets of vendors who deliver, by the source's name.
    """

    def __init__(self, settings: Settings) -> None:
        self.clients = LiveKeys(settings.access.keys)
        self.routers = LiveKeys(settings.federation.router_keys)
        self.metrics = LiveKeys(settings.metrics.keys)
        self.webhooks = _webhook_secrets(settings)

    def replace(self, settings: Settings) -> None:
        """Replaces the accepted keys by those in new settings."""
        self.clients.replace(settings.access.keys)
        self.routers.replace(settings.federation.router_keys)
        self.metrics.replace(settings.metrics.keys)
        self.webhooks = _webhook_secrets(settings)


def _webhook_secrets(settings: Settings) -> Mapping[str, Sequence[str]]:
    return {source.name: [each.reveal() for each in source.webhook_secrets] for source in settings.sources}


class Reload:
    """The settings that hold now, and what takes them when they change.

    Args:
        settings: Those of the start.
        environment: Where they are read again; None where they are not.
        clock: Tells when to look.
        keys: The keys that are accepted.
        upstreams: The sources, with their credentials.
        manifest: The trusted documents, where there are any.
    """

    def __init__(
        self,
        settings: Settings,
        environment: Mapping[str, str] | None,
        clock: Timer,
        *,
        keys: AcceptedKeys,
        upstreams: Upstreams,
        manifest: TrustedDocuments | None,
    ) -> None:
        self._settings = settings
        self._environment = environment
        self._clock = clock
        self._keys = keys
        self._upstreams = upstreams
        self._manifest = manifest
        self._faults: tuple[str, ...] = ()
        self._looking = asyncio.Lock()
        self._looked = -AT_ONCE

    @contextlib.asynccontextmanager
    async def followed(self) -> AsyncIterator[None]:
        """Reads secrets periodically within the block, and when a source refuses one."""
        if self._environment is None:
            yield
            return
        self._upstreams.look_when_refused(self.look)
        following = asyncio.ensure_future(self._follow())
        try:
            yield
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)

    async def look(self) -> None:
        """Reads secrets again, unless that was done a moment ago."""
        async with self._looking:
            if self._clock.monotonic() - self._looked >= AT_ONCE:
                before = self._faults
                reread = await self._reread()
                if reread.faults != before:
                    _tell(reread.faults)

    async def now(self) -> None:
        """Reads every file again, and logs the result of each."""
        log.info("reload: reading the files that settings name")
        async with self._looking:
            reread = await self._reread()
        _tell(reread.faults)
        for name in reread.pending:
            log.warning("reload: %s has changed; it will be used from the next start on", name)
        failed = len(reread.faults)
        for name, read in self._others().items():
            try:
                await read()
            except BadSetting as fault:
                failed += 1
                _tell([str(fault)])
            else:
                log.info("reload: %s was read", name)
        log.info("reload: done", extra={"replaced": len(reread.replaced), "failed": failed})

    async def _follow(self) -> None:
        while True:
            await self._clock.sleep(EVERY)
            try:
                await self.look()
            except Exception:
                log.exception("the files of secrets could not be looked at")

    async def _reread(self) -> ReloadedSettings:
        """Reads the settings again and applies them."""
        self._looked = self._clock.monotonic()
        reread = await asyncio.to_thread(self._settings.reread, self._environment or {})
        self._settings, self._faults = reread.settings, reread.faults
        if reread.replaced:
            self._keys.replace(reread.settings)
            self._upstreams.rotate(reread.settings)
        for name in reread.replaced:
            log.info("%s: another value is in use from now on", name)
        return reread

    def _others(self) -> Mapping[str, Callable[[], Awaitable[None]]]:
        """How files are read again that hold no secrets, by the settings that name them."""
        reads: dict[str, Callable[[], Awaitable[None]]] = {}
        if self._manifest is not None:
            reads["GATEWAY_TRUSTED_DOCUMENTS"] = self._read_manifest
        if self._upstreams.look_at_switches is not None:
            reads["GATEWAY_OFF_FILE"] = self._upstreams.look_at_switches
        return reads

    async def _read_manifest(self) -> None:
        path = self._settings.limits.trusted_documents
        assert self._manifest is not None
        assert path is not None
        self._manifest.take(await asyncio.to_thread(trusted, path))


def _tell(faults: Iterable[str]) -> None:
    for fault in faults:
        log.error("%s; what was read before stays in use", fault)
