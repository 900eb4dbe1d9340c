"""What reading an answer costs where no row is as expected, beside one where all are: milliseconds of CPU.

    python benchmarks/odd_answers.py [ROUNDS]      prints a line of JSON

The day on which a vendor changes a field's type looks like that: every row of every answer has to be read leniently.
The least of the rounds is a figure, since whatever else the machine does only adds to it.
"""

from __future__ import annotations

import datetime as dt
import json
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parent.parent)]

import msgspec  # noqa: E402 - found beside this file

from gateway.emulator.world import World  # noqa: E402
from gateway.errors import GatewayError  # noqa: E402
from gateway.sources.decode import BodyDecoder  # noqa: E402
from gateway.sources.drift import wire as drift  # noqa: E402
from gateway.sources.salesloft import wire as salesloft  # noqa: E402

PAGE, WINDOW, EMPTY = 100, 1_000, 100_000
"""Rows of a page of Salesloft's, of Drift's window, and of an answer that is rows without anything in them."""


def bodies() -> dict[str, tuple[BodyDecoder[Any, Any], bytes, bytes]]:
    """By list: how it is read, its body as expected, and the same with one field of another type in every row."""
    world = World.seeded(dt.datetime(2026, 3, 18, tzinfo=dt.UTC), drift_meetings=WINDOW)
    meetings = list(world.salesloft.meetings.values())[:PAGE]
    people = list(world.salesloft.people.values())[:PAGE]
    window = list(world.drift.meetings.values())
    return {
        "100 meetings of Salesloft": _both(salesloft.Meeting, salesloft.Metadata, meetings, "title"),
        "100 people of Salesloft": _both(salesloft.Person, salesloft.Metadata, people, "title"),
        "1,000 meetings of Drift": _both(drift.Meeting, type(None), window, "meetingType"),
    }


def _both(
    row: type[msgspec.Struct], metadata: type[Any], rows: list[dict[str, Any]], odd: str
) -> tuple[BodyDecoder[Any, Any], bytes, bytes]:
    decoder: BodyDecoder[Any, Any] = BodyDecoder(row, metadata, source="SALESLOFT")
    changed = [{**each, odd: {"of": "another type"}} for each in rows]
    return decoder, msgspec.json.encode({"data": rows}), msgspec.json.encode({"data": changed})


def least(rounds: int, work: Callable[[], object]) -> float:
    """Milliseconds of CPU."""
    taken = []
    for _ in range(rounds):
        began = time.process_time()
        work()
        taken.append((time.process_time() - began) * 1e3)
    return min(taken)


def refused(decoder: BodyDecoder[Any, Any], body: bytes) -> None:
    """Reads an answer that is too long to be one."""
    try:
        decoder.decode(body)
    except GatewayError:
        return
    raise AssertionError("an answer of 100,000 empty rows was read")


def measure(rounds: int) -> Mapping[str, Mapping[str, float]]:
    """By list: milliseconds for rows as expected (`strict`), for odd ones (`lenient`), and for what is refused."""
    empty = b'{"data":[' + b",".join([b"{}"] * EMPTY) + b"]}"
    found = {}
    for name, (decoder, expected, odd) in bodies().items():
        read, lenient = decoder.decode(expected), decoder.decode(odd)
        if any(row.unreadable for row in read.rows) or not all(row.unreadable for row in lenient.rows):
            raise AssertionError(f"{name}: is not read as this benchmark takes it to be")
        found[name] = {
            "strict": least(rounds, partial(decoder.decode, expected)),
            "lenient": least(rounds, partial(decoder.decode, odd)),
            "refused": least(rounds, partial(refused, decoder, empty)),
        }
    return found


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 20)))
