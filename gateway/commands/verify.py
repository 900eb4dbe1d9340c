"""`meeting-gateway check --verify`: asks each source, with its owner's account, what the vendor's documents leave open.

It reads, within 30 units of each. What it prints holds nobody's data and can be pasted into an issue.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
from collections.abc import Mapping, Sequence

import msgspec

from gateway import logs
from gateway.errors import GatewayError
from gateway.request import Request
from gateway.runtime.upstreams import opened, release
from gateway.settings.settings import SOURCE_ON, Settings
from gateway.sources.base import Ports
from gateway.sources.examination import OutOfUnits, Reply, Verdict
from gateway.upstream.client import Client
from gateway.upstream.clock import SystemClock
from gateway.upstream.http import Failure, Session, exchange, open_session, url_of
from gateway.upstream.responses import units_in

UNITS = 30
"""Units that the questions to one source may cost."""

ENDPOINT = "verify"
SHOWN: Mapping[bool | None, str] = {True: "yes", False: "NO", None: "-"}


class Examined(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One source.

    Attributes:
        source: Its name.
        units: What its questions cost.
        verdicts: What they came to.
        problem: Why there are none, or not all.
    """

    source: str
    units: int
    verdicts: tuple[Verdict, ...] = ()
    problem: str | None = None


class VerifyReport(msgspec.Struct, frozen=True, kw_only=True):
    """What is printed.

    Attributes:
        release: The gateway's.
        units: What all questions cost together.
        sources: What each source said.
    """

    release: str
    units: int
    sources: tuple[Examined, ...]


def verify(args: argparse.Namespace) -> int:
    """Prints what holds of each source that is on; 1 where something does that the gateway is not made for."""
    logs.configure("text", level=logging.ERROR)
    settings = Settings.read(os.environ, (SOURCE_ON,))
    for warning in settings.warnings:
        print(f"meeting-gateway: {warning}", file=sys.stderr)
    report = asyncio.run(examined(settings))
    print(msgspec.json.encode(report).decode() if args.json else written(report))
    fine = all(
        each.problem is None and all(verdict.expected is not False for verdict in each.verdicts)
        for each in report.sources
    )
    return 0 if fine else 1


async def examined(settings: Settings) -> VerifyReport:
    """What each source that is on says, one after the other."""
    clock = SystemClock()
    found = []
    async with opened(settings, clock, workers=1) as upstreams, open_session(connections=1) as session:
        for ports in upstreams.ports():
            allowance = UnitAllowance(UNITS)
            asker = Asker(upstreams.clients[ports.source.value], session, allowance, settings.server.deadline)
            found.append(await _examined(ports, asker, allowance))
    return VerifyReport(release=release(), units=sum(each.units for each in found), sources=tuple(found))


async def _examined(ports: Ports, ask: Asker, allowance: UnitAllowance) -> Examined:
    name = ports.source.value
    if ports.examine is None:
        return Examined(source=name, units=0, problem="There are no questions to it.")
    try:
        verdicts = await ports.examine(ask)
    except GatewayError as error:
        return Examined(source=name, units=allowance.spent, problem=error.message)
    problem = "Not all was asked: the units were used up." if allowance.exhausted else ask.problem
    return Examined(source=name, units=allowance.spent, verdicts=tuple(verdicts), problem=problem)


class UnitAllowance:
    """Units that may be spent.

    Args:
        units: How many.

    Attributes:
        spent: How many were.
        exhausted: Whether more were wanted.
    """

    def __init__(self, units: int) -> None:
        self.spent = 0
        self.exhausted = False
        self._units = units

    def take(self) -> None:
        """Takes a unit.

        Raises:
            OutOfUnits: There is none left.
        """
        if self.spent >= self._units:
            self.exhausted = True
            raise OutOfUnits
        self.spent += 1


class Asker:
    """Makes calls of one source with its own credential and budget, each once.

    Args:
        client: The source's.
        session: The connections.
        allowance: The units that are left.
        deadline: Seconds for a call, its wait for units included.

    Attributes:
        problem: Why no call was answered, as long as none was.
    """

    def __init__(self, client: Client, session: Session, allowance: UnitAllowance, deadline: float) -> None:
        self.problem: str | None = "Nothing was answered."
        self._client = client
        self._session = session
        self._allowance = allowance
        self._deadline = deadline

    async def __call__(self, path: str, params: Sequence[tuple[str, str]]) -> Reply:
        """What a call comes to."""
        client = self._client
        request = Request(client.clock.monotonic() + self._deadline)
        try:
            token = await client.credential.token(request)
            self._allowance.take()
            grant = await client.budget.take(request, 1)
            url = url_of(client.upstream.base_url, ENDPOINT, path, tuple(params))
            authorization = {"Authorization": f"Bearer {token.reveal()}"}
            ended = await exchange(self._session, client.upstream, url, authorization)
            cost = 1
            if not isinstance(ended, Failure):
                cost = units_in(ended.headers, client.upstream.cost_header, UNITS) or 1
            await client.budget.settle(grant, cost=cost)
            self._allowance.spent += cost - 1
        finally:
            await request.close()
        if isinstance(ended, Failure):
            self._note(ended.error.message)
            return Reply(status=0)
        reply = Reply(
            status=ended.status,
            headers={name.lower(): value for name, value in ended.headers.items()},
            sent=ended.body,
        )
        self._note(None if reply.good else f"The first call was answered with status {reply.status}.")
        return reply

    def _note(self, problem: str | None) -> None:
        """Remembers what the first call came to, until one is answered."""
        if self.problem is not None:
            self.problem = problem


def written(report: VerifyReport) -> str:
    """The report in Markdown."""
    lines = [f"meeting-gateway {report.release}, {report.units} units"]
    for each in report.sources:
        lines += ["", f"### {each.source}, {each.units} units", ""]
        lines += [each.problem, ""] if each.problem else []
        if each.verdicts:
            lines += ["| Question | Answer | Expected | Told by |", "|---|---|---|---|"]
        lines += [
            f"| {verdict.question} | {verdict.answer} | {SHOWN[verdict.expected]} | {verdict.because} |"
            for verdict in each.verdicts
        ]
    return "\n".join(lines)
