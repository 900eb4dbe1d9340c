"""What the worst documents of the largest size cost until they are refused or answered: CPU, characters, tokens.

    python benchmarks/bombs.py [ROUNDS]      prints a line of JSON

Each is sent once a round, so that nothing about it is known; the least of its rounds is its figure, since whatever else
the machine does only adds to it.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent.parent)]

from gateway.catalog.catalog import Catalog  # noqa: E402 - found beside this file
from gateway.errors import GatewayError  # noqa: E402
from gateway.graph.documents import Prepared  # noqa: E402
from gateway.graph.engine import Engine  # noqa: E402
from gateway.request import Request  # noqa: E402
from gateway.settings.settings import Settings  # noqa: E402
from gateway.upstream.clock import SystemClock  # noqa: E402
from gateway.web.document_limits import check_variables, guard, text_guard  # noqa: E402

LIMITS = Settings.read({}).limits
SIZE = LIMITS.document - 20

STRING = ('{ node(id: "', '") { id } }')
BLOCK = ('{ node(id: """', '""") { id } }')
PIECES = {
    "a comment": ("{ __typename } #", "x", ""),
    "comments": ("{ __typename }", "#" + "x" * 98 + "\n", ""),
    "white space": ("{ __typename }", " ", ""),
    "commas": ("{ __typename }", ",", ""),
    "a name": ("{ ", "a", " }"),
    "a string": (STRING[0], "x", STRING[1]),
    "a string without an end": (STRING[0], "x", ""),
    "escapes": (STRING[0], "\\u0041" + "x" * 95, STRING[1]),
    "too many escapes": (STRING[0], "\\u0041", STRING[1]),
    "a block string": (BLOCK[0], "x", BLOCK[1]),
    "quotes in a block string": (BLOCK[0], '"" ', BLOCK[1]),
    "lines of a block string": (BLOCK[0], "\n" + "x" * 9, BLOCK[1]),
    "a block string without an end": (BLOCK[0], '"" ', ""),
    "a number": ("{ meetings(first: ", "1", ") { nodes { id } } }"),
    "emoji": ("{ __typename } #", "\N{PILE OF POO}", ""),
}
"""Beginning, what is repeated, and end of each document."""

IDS = "query($v: [ID!]!) { nodes(ids: $v) { id } }"
WORDS = "query($v: [MeetingStatus!]) { meetings(filter: {status: $v}) { nodes { id } } }"
LISTS: dict[str, tuple[str, object]] = {
    "190,000 ids": (IDS, ["x"] * 190_000),
    "1,000 ids": (IDS, ["x"] * 1_000),
    "90,000 enum words": (WORDS, ["BOOKED"] * 90_000),
    "1,000 wrong enum words": (WORDS, [f"BOOKE{number}" for number in range(1_000)]),
}
FIELDS = " ".join(f"accountUpdatedCreate{number}" for number in range(190))
NEAR = f"{{ meetings {{ nodes {{ salesloft {{ {FIELDS} }} }} }} }}"


def documents() -> dict[str, tuple[str, dict[str, object]]]:
    """Each document with its variables."""
    found: dict[str, tuple[str, dict[str, object]]] = {}
    for name, (begin, piece, end) in PIECES.items():
        found[name] = begin + piece * ((SIZE - len(begin) - len(end)) // len(piece)) + end, {}
    found |= {name: (text, {"v": value}) for name, (text, value) in LISTS.items()}
    return found | {"near misses of names": (NEAR, {})}


async def handle(engine: Engine, text: str, variables: dict[str, object]) -> float:
    """Seconds of CPU that a request costs."""
    began = time.process_time()
    try:
        check_variables(variables)
        prepared = engine.prepare(text)
        if isinstance(prepared, Prepared):
            request = Request(deadline=float("inf"))
            await engine.execute(prepared, variables=variables, operation_name=None, request=request)
    except GatewayError:
        pass
    return time.process_time() - began


async def main(rounds: int) -> None:
    """Prints the figures, in ms."""
    engine = Engine(
        Catalog((), SystemClock()),
        max_tokens=LIMITS.tokens,
        max_cost=LIMITS.cost,
        check_text=text_guard(LIMITS.document),
        guard=guard(LIMITS),
    )
    await handle(engine, "{ __typename nothing }", {})  # what is made but once is not counted
    figures = {
        name: min([await handle(engine, f"{text}{' ' * round_}", variables) for round_ in range(rounds)]) * 1e3
        for name, (text, variables) in documents().items()
    }
    print(json.dumps({name: round(figure, 2) for name, figure in figures.items()}))


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 5))
