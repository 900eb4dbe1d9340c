"""`meeting-gateway serve`, and what serving takes whatever it is over."""

from __future__ import annotations

import argparse
import logging
import os
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path

from gateway import logs
from gateway.app import from_environment
from gateway.runtime import server
from gateway.runtime.signals import hangups_taken
from gateway.runtime.upstreams import release
from gateway.settings.caching import CACHING
from gateway.settings.clients import LIMITS
from gateway.settings.environment import BadSetting
from gateway.settings.settings import GUARDED, SOURCE_ON, Check, Settings
from gateway.settings.sources import SOURCES
from gateway.web.explorer import Examples
from gateway.web.persisted import trusted

log = logging.getLogger("gateway")


def _unreadable_manifest(settings: Settings) -> Iterable[BadSetting]:
    if settings.limits.trusted_documents is not None:
        try:
            trusted(settings.limits.trusted_documents)  # each worker reads it again
        except BadSetting as fault:
            yield fault


MANIFEST = Check(_unreadable_manifest, (LIMITS,))
"""The manifest of trusted documents can be read."""


def enough_for(workers: int) -> Check:
    """Every process has at least a unit a minute of each source where no Redis counts what others spend."""

    def too_small(settings: Settings) -> Iterable[BadSetting]:
        processes = settings.cache.replicas * workers
        for source in settings.sources:
            if source.enabled and settings.cache.url is None and source.rate_limit < processes:
                wrong = f"{source.rate_limit} a minute cannot be divided among {processes} processes"
                yield BadSetting(f"{source.name}_RATE_LIMIT", f"{wrong}; raise it, or share it with GATEWAY_CACHE_URL")

    return Check(too_small, (*SOURCES, CACHING))


CHECKS = (SOURCE_ON, GUARDED, MANIFEST)
"""What has to hold before the graph is served over the real upstreams."""


def serve(args: argparse.Namespace) -> int:
    """Serves over the upstreams that the settings name, until it is stopped."""
    run(args, CHECKS, Examples(), logging.INFO)
    return 0


def run(
    args: argparse.Namespace,
    checks: Sequence[Check],
    examples: Examples,
    log_level: int,
    announce: Callable[[str], None] = lambda _: None,
    *,
    page_folder: Path | None = None,
) -> None:
    """Serves by the settings, those on the command line put before the environment's.

    Args:
        args: The command line.
        checks: What has to hold of the settings.
        examples: What the explorer's starting tabs ask about.
        log_level: The least that is logged.
        announce: Is given the graph's URL once the socket listens.
        page_folder: The built example page; None where there is none.

    Raises:
        BadSetting: One or several settings are not valid.
    """
    checks = (*checks, enough_for(args.workers))
    with hangups_taken():
        logs.configure(args.log_format, level=log_level)
        given = {"GATEWAY_HOST": args.host, "GATEWAY_PORT": args.port}
        os.environ.update({name: str(value) for name, value in given.items() if value is not None})  # for workers too
        settings = Settings.read(os.environ, checks)
        for warning in settings.warnings:
            log.warning("%s", warning)
        listener = server.listen(settings.server.host, settings.server.port)
        url = f"{server.address(settings.server.host, listener)}/graphql"
        log.info("listening", extra={"url": url, "workers": args.workers, **overview(settings)})
        announce(url)
        with server.counts_of(args.workers) as counts:
            application = partial(
                from_environment,
                workers=args.workers,
                log_format=args.log_format,
                log_level=log_level,
                examples=examples,
                counts=counts,
                page_folder=page_folder,
            )
            server.run(
                settings,
                listener,
                application,
                workers=args.workers,
                check=lambda: Settings.read(os.environ, checks),
            )


def overview(settings: Settings) -> dict[str, object]:
    """What somebody who reads the log has to know of a gateway: which one it is, over what, and for whom."""
    access = settings.access
    accepted = [name for name, given in (("keys", access.keys), ("jwt", access.jwks_url)) if given]
    return {
        "version": release(),
        "sources": {source.name: "on" if source.enabled else "off" for source in settings.sources},
        "cache": "memory" if settings.cache.url is None else "redis",
        "authentication": "+".join(accepted) if access.required else "none",
        "graphiql": "on" if settings.browsers.graphiql else "off",
    }
