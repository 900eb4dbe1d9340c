"""`meeting-gateway check`: a few cheap questions to each source that is on, and what came of them."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
from collections.abc import Sequence

import msgspec

from gateway import logs
from gateway.errors import GatewayError, UpstreamRefused
from gateway.settings.settings import SOURCE_ON, Settings
from gateway.sources.base import Ports, Probe, Sample
from gateway.upstream.client import Client
from gateway.upstream.clock import SystemClock
from gateway.upstream.request import Request
from gateway.upstreams import opened

MOST_SKEW = 5.0
"""Seconds by which a clock may be wrong before it is worth a word; Salesloft's budget turns with each minute."""


def check(args: argparse.Namespace) -> int:
    """Prints what each source says to a few cheap questions; 1 where there is something to be put right."""
    logs.configure("text", level=logging.ERROR)
    settings = Settings.read(os.environ, (SOURCE_ON,))
    for warning in settings.warnings:
        print(f"meeting-gateway: {warning}", file=sys.stderr)
    found = asyncio.run(findings(settings))
    if args.json:
        print(msgspec.json.encode(found).decode())
    else:
        print(table(found))
    return 0 if good(found) else 1


class Finding(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One source.

    Attributes:
        source: Its name.
        reachable: Whether it answered at all.
        credential_accepted: Whether it took the credential; None where it was not reached.
        scopes: Scopes that the credential has, by the source's names.
        scopes_missing: Scopes that it lacks: what takes them will be null, with an error.
        scopes_unknown: Scopes about which nothing can be told, since their question was not answered.
        budget_remaining: Units left of the gateway's budget in this minute, by its own count and what the source told.
        clock_skew: Seconds that the source's clock is ahead of this machine's; None where it was not told.
        rows: How many meetings its answer held: one, or none where it has none.
        unreadable: What of them could not be read, in our own words.
        unknown: Names of fields that this version does not know; they are ignored.
        problem: What is wrong, in a sentence; None where nothing is.
    """

    source: str
    reachable: bool
    credential_accepted: bool | None = None
    scopes: tuple[str, ...] = ()
    scopes_missing: tuple[str, ...] = ()
    scopes_unknown: tuple[str, ...] = ()
    budget_remaining: int | None = None
    clock_skew: float | None = None
    rows: int | None = None
    unreadable: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    problem: str | None = None

    @property
    def notes(self) -> list[str]:
        """What a table has no room for."""
        told = [
            (self.problem, f"{self.problem}"),
            (self.scopes_missing, f"the credential lacks {', '.join(self.scopes_missing)}"),
            (self.scopes_unknown, f"not known whether it has {', '.join(self.scopes_unknown)}"),
            (self.unreadable, f"could not be read: {', '.join(self.unreadable)}"),
            (self.unknown, f"fields not known here, and ignored: {', '.join(self.unknown)}"),
            (
                abs(self.clock_skew or 0.0) > MOST_SKEW,
                f"this machine's clock is {-(self.clock_skew or 0.0):+.0f} s off the source's; set it right",
            ),
        ]
        return [sentence for holds, sentence in told if holds]


async def findings(settings: Settings) -> list[Finding]:
    """What each source that is on says."""
    clock = SystemClock()
    async with opened(settings, clock, workers=1) as upstreams:

        async def look(ports: Ports) -> Finding:
            request = Request(clock.monotonic() + settings.server.deadline)
            try:
                return await _find(ports, upstreams.clients[ports.source.value], request)
            finally:
                await request.close()

        return list(await asyncio.gather(*(look(ports) for ports in upstreams.ports())))


async def _find(ports: Ports, client: Client, request: Request) -> Finding:
    """What a source says: to a question for a meeting, and to one for each further scope."""
    name = ports.source.value
    if ports.sample is None:
        return Finding(source=name, reachable=False, problem="This source cannot be asked for a sample.")
    sample, *others = await asyncio.gather(_answer(ports.sample, request), *_probed(ports, request))
    answers = {ports.scope: sample, **dict(zip(ports.probes, others, strict=True))}
    refused = tuple(scope for scope, answer in answers.items() if isinstance(answer, UpstreamRefused))
    failed = {scope: answer for scope, answer in answers.items() if isinstance(answer, GatewayError)}
    granted = tuple(scope for scope in answers if scope not in failed)
    if not granted:
        error = next((failed[scope] for scope in refused), next(iter(failed.values())))
        return Finding(
            source=name,
            reachable=bool(refused),
            credential_accepted=False if refused else None,
            problem=error.message,
        )
    odd = failed.get(ports.scope)
    read = sample if isinstance(sample, Sample) else None
    return Finding(
        source=name,
        reachable=True,
        credential_accepted=True,
        scopes=granted,
        scopes_missing=refused,
        scopes_unknown=tuple(scope for scope in failed if scope not in refused),
        budget_remaining=client.budget.remaining,
        clock_skew=round(client.budget.skew, 1),
        rows=None if read is None else read.rows,
        unreadable=() if read is None else read.unreadable,
        unknown=() if read is None else read.unknown,
        problem=None if odd is None or isinstance(odd, UpstreamRefused) else odd.message,
    )


def _probed(ports: Ports, request: Request) -> list[asyncio.Future[object]]:
    return [asyncio.ensure_future(_answer(probe, request)) for probe in ports.probes.values()]


async def _answer(probe: Probe, request: Request) -> object:
    """What a question came to, or the error that it ended in."""
    try:
        return await probe(request)
    except GatewayError as error:
        return error


HEADINGS = ("source", "reachable", "credential", "scopes", "budget left", "clock", "sample")


def table(found: Sequence[Finding]) -> str:
    """The findings for people: a row a source, and below what there is to say of each."""
    rows = [HEADINGS, *map(_row, found)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(HEADINGS))]
    lines = ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    notes = [f"{finding.source}: {note}" for finding in found for note in finding.notes]
    return "\n".join([*lines, *([""] if notes else []), *notes])


def _row(finding: Finding) -> tuple[str, ...]:
    accepted = {None: "-", True: "accepted", False: "refused"}[finding.credential_accepted]
    wanted = len(finding.scopes) + len(finding.scopes_missing) + len(finding.scopes_unknown)
    sample = "-"
    if finding.rows is not None:
        sample = "read" if finding.rows and not finding.unreadable else "no meeting" if not finding.rows else "odd"
    return (
        finding.source,
        "yes" if finding.reachable else "no",
        accepted,
        f"{len(finding.scopes)} of {wanted}" if wanted else "-",
        "-" if finding.budget_remaining is None else str(finding.budget_remaining),
        "-" if finding.clock_skew is None else f"{finding.clock_skew:+.1f} s",
        sample,
    )


def good(found: Sequence[Finding]) -> bool:
    """Whether there is nothing to be put right."""
    return not any(finding.problem or finding.scopes_missing or finding.scopes_unknown for finding in found)
