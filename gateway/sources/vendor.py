"""What a source's folder declares to the rest of the gateway: how its ports are opened, and how its API behaves."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from gateway.model.records import Source
from gateway.settings.lifetimes import DEFAULT, RecordLifetimes
from gateway.settings.sources import SourceSettings
from gateway.sources.base import Ports
from gateway.upstream.client import Client
from gateway.upstream.clock import Timer
from gateway.upstream.credentials import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceOptions:
    """What a source is opened with beside its client.

    Attributes:
        settings: Its own settings; None for what holds where nothing is set.
        lifetimes: How long what it gave may be used.
        id_key: What ids made of addresses are encrypted with.
    """

    settings: SourceSettings | None = None
    lifetimes: RecordLifetimes = DEFAULT
    id_key: Secret = field(default_factory=lambda: Secret(""))


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendor:
    """One source, as its folder's `source.VENDOR` declares it.

    Attributes:
        open: Opens its ports over a client.
        vital: Endpoints without which there are no meetings.
        cost_header: Response header with the units that a call took, where there is one.
        remaining_header: Response header with the units left of the rate limit, where there is one.
        reset_header: Response header with the seconds until there are units again, where there is one.
        forbidden: What a 403 means, in a sentence, where it does not mean that the credential is not accepted.
    """

    open: Callable[[Client, Timer, SourceOptions], Ports]
    vital: frozenset[str]
    cost_header: str | None = None
    remaining_header: str | None = None
    reset_header: str | None = None
    forbidden: str | None = None


def vendors() -> Mapping[str, Vendor]:
    """Every source's declaration, by its name in the enum `Source`, in order of rank."""
    found: dict[str, Vendor] = {}
    for source in Source:
        module = importlib.import_module(f"gateway.sources.{source.value.lower()}.source")
        found[source.value] = module.VENDOR
    return found
