"""What goes wrong with a vendor, and how it is let go wrong."""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest

from gateway.emulator.faults import (
    BAD_GATEWAY,
    BadRows,
    Fault,
    Hang,
    Huge,
    MalformedJson,
    Reset,
    SlowBody,
    Status,
    Truncated,
    wrong_type,
)
from gateway.emulator.server import Emulated
from tests.upstream_e2e.stage import Product

Break = Callable[[Product, Emulated, pytest.MonkeyPatch], Awaitable[None]]


def answering(fault: Fault) -> Break:
    """Lets the vendor answer with a fault, whatever it is asked."""

    async def begin(_: Product, vendor: Emulated, __: pytest.MonkeyPatch) -> None:
        vendor.faults.add(fault)

    return begin


def spoilt(salesloft: str, drift: str) -> Break:
    """Lets one field of every row have another type."""

    async def begin(stage: Product, vendor: Emulated, _: pytest.MonkeyPatch) -> None:
        name = salesloft if vendor is stage.emulators.salesloft else drift
        vendor.faults.add(BadRows(wrong_type(name), at=None))

    return begin


async def refuse(_: Product, vendor: Emulated, __: pytest.MonkeyPatch) -> None:
    """Lets nobody listen at the vendor's address any more."""
    await vendor.listener.refuse()


async def unname(stage: Product, vendor: Emulated, patch: pytest.MonkeyPatch) -> None:
    """Lets the vendor's name be known to nobody any more, and its connections be gone."""
    look_up = socket.getaddrinfo

    def unknown(host: Any, port: Any, *rest: Any, **options: Any) -> Any:
        if str(port) == vendor.url.rpartition(":")[2]:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return look_up(host, port, *rest, **options)

    await vendor.listener.refuse()
    await vendor.listener.accept()
    stage.forget_addresses()
    patch.setattr(socket, "getaddrinfo", unknown)


@dataclass(frozen=True)
class Trouble:
    """One way for a vendor to fail.

    Attributes:
        name: What it is called here.
        begin: Lets it begin.
        code: What it is called in answers.
        tries: Calls before that is believed.
    """

    name: str
    begin: Break
    code: str
    tries: int


TROUBLES = [
    Trouble("refused", refuse, "UPSTREAM_UNAVAILABLE", 2),
    Trouble("dns", unname, "UPSTREAM_UNAVAILABLE", 2),
    Trouble("reset", answering(Reset()), "UPSTREAM_UNAVAILABLE", 2),
    Trouble("hang", answering(Hang()), "UPSTREAM_TIMEOUT", 2),
    Trouble("slow body", answering(SlowBody(pause=0.2)), "UPSTREAM_TIMEOUT", 2),
    Trouble("500", answering(Status(500)), "UPSTREAM_UNAVAILABLE", 2),
    Trouble("502 html", answering(BAD_GATEWAY), "UPSTREAM_UNAVAILABLE", 2),
    Trouble("429", answering(Status(429)), "UPSTREAM_RATE_LIMITED", 1),
    Trouble("401", answering(Status(401)), "UPSTREAM_REFUSED", 1),
    Trouble("403", answering(Status(403)), "UPSTREAM_REFUSED", 1),
    Trouble("bad json", answering(MalformedJson()), "UPSTREAM_MALFORMED", 1),
    Trouble("truncated", answering(Truncated()), "UPSTREAM_MALFORMED", 2),
    Trouble("huge", answering(Huge()), "UPSTREAM_MALFORMED", 1),
]

WRONG_TYPES = spoilt("title", "endUserTimeZone")
