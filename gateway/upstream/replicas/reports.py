"""What a replica reports of a window, as bytes that replicas of other releases can read as far as they have to.

A report begins with the units that its replica may spend, as a decimal number: that much every release writes and
reads, so that old and new replicas stay within one budget. What follows is for those of the same version.
"""

from __future__ import annotations

import msgspec

from gateway.upstream.window import Report

VERSION = 1
"""Of what follows the number; a release that changes it counts it up."""

MOST_DIGITS = 9
"""Digits of a number of units; one with more is not meant as one."""


class _Details(msgspec.Struct, array_like=True, frozen=True):
    version: int
    spent: int
    flying: int
    told: int | None
    base: int
    held_until: float
    well: float


_decoder = msgspec.msgpack.Decoder(_Details)


def encoded(report: Report) -> bytes:
    """A report as bytes."""
    details = _Details(VERSION, report.spent, report.flying, report.told, report.base, report.held_until, report.well)
    return b"%d %b" % (report.reserved, msgspec.msgpack.encode(details))


def decoded(data: bytes, *, unreadable: int) -> Report:
    """The report that bytes hold.

    Args:
        data: Whatever stands there.
        unreadable: Units that are taken for spent where not even their number can be read.
    """
    number, _, rest = data.partition(b" ")
    reserved = int(number) if number.isdigit() and len(number) <= MOST_DIGITS else unreadable
    try:
        details = _decoder.decode(rest)
    except (msgspec.MsgspecError, ValueError):
        details = None
    if details is None or details.version != VERSION:
        return Report(reserved=reserved, spent=reserved)
    return Report(
        reserved=reserved,
        spent=details.spent,
        flying=details.flying,
        told=details.told,
        base=details.base,
        held_until=details.held_until,
        well=details.well,
    )
