"""`meeting-gateway check`: one cheap question to each source that is on, and what came of it."""

from __future__ import annotations

import asyncio

import msgspec

from gateway.errors import GatewayError, UpstreamRefused
from gateway.settings import Settings
from gateway.sources.base import Ports
from gateway.upstream.clock import SystemClock
from gateway.upstream.request import Request
from gateway.upstreams import opened


class Finding(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One source.

    Attributes:
        source: Its name.
        reachable: Whether it answered at all.
        credential_accepted: Whether it took the credential; None where it was not reached.
        rows: How many meetings its answer held: one, or none where it has none.
        unreadable: What of them could not be read, in our own words.
        unknown: Names of fields that this version does not know; they are ignored.
        budget_remaining: Units left of the gateway's own budget in this minute.
        problem: What is wrong, in a sentence; None where nothing is.
    """

    source: str
    reachable: bool
    credential_accepted: bool | None = None
    rows: int | None = None
    unreadable: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    budget_remaining: int | None = None
    problem: str | None = None

    def line(self) -> str:
        """The finding for people."""
        if self.problem is not None:
            return f"{self.source:10} FAILED  {self.problem}"
        left = f"{self.budget_remaining} units of the gateway's budget left this minute"
        read = f"{self.rows} meeting(s) read" if self.rows else "no meeting to read"
        odd = f"; could not be read: {', '.join(self.unreadable)}" if self.unreadable else ""
        new = f"; fields not known here: {', '.join(self.unknown)}" if self.unknown else ""
        return f"{self.source:10} ok      credential accepted, {read}, {left}{odd}{new}"


async def findings(settings: Settings) -> list[Finding]:
    """What each source that is on says."""
    clock = SystemClock()
    async with opened(settings, clock, workers=1) as upstreams:

        async def ask(ports: Ports) -> Finding:
            name = ports.source.value
            if ports.sample is None:
                return Finding(source=name, reachable=False, problem="This source cannot be asked for a sample.")
            try:
                sample = await ports.sample(Request(clock.monotonic() + settings.deadline))
            except GatewayError as error:
                refused = isinstance(error, UpstreamRefused)
                return Finding(
                    source=name,
                    reachable=refused,
                    credential_accepted=False if refused else None,
                    problem=error.message,
                )
            return Finding(
                source=name,
                reachable=True,
                credential_accepted=True,
                rows=sample.rows,
                unreadable=sample.unreadable,
                unknown=sample.unknown,
                budget_remaining=upstreams.clients[name].budget.remaining,
            )

        return list(await asyncio.gather(*(ask(ports) for ports in upstreams.ports())))
