"""How fast lanes are merged: 100,000 rows of ten lanes. Run with `python -m benchmarks.merge`."""

from __future__ import annotations

import asyncio
import time

from gateway.model.order import Order, Position, Walk
from gateway.model.records import Source
from gateway.paging.merge import Chunk, Merge

LANES = 10
ROWS = 100_000
READ = 100


class Counting:
    """A lane of every tenth place, a hundred a read."""

    def __init__(self, number: int) -> None:
        self.next = number
        self.read_rows = 0

    async def read(self, want: int) -> Chunk[Position]:  # noqa: ARG002 - a Lane's signature
        """The next rows."""
        upto = min(self.next + READ * LANES, ROWS)
        rows = [Position(value, Source.SALESLOFT, str(value)) for value in range(self.next, upto, LANES)]
        self.read_rows += len(rows)
        self.next += READ * LANES
        return Chunk(rows=rows, frontier=rows[-1] if rows else None, done=self.next >= ROWS)


async def merged(page: int) -> tuple[float, int]:
    """CPU seconds for taking everything in pages, and the most rows that were read but not taken at any time."""
    lanes = [Counting(number) for number in range(LANES)]
    merge = Merge(lanes, Walk(Order(descending=False)), lambda row: row)
    begun = time.process_time()
    taken = ahead = 0
    while rows := await merge.take(page):
        taken += len(rows)
        ahead = max(ahead, sum(lane.read_rows for lane in lanes) - taken)
    if taken != ROWS:
        raise AssertionError(f"{taken} of {ROWS} rows came out")
    return time.process_time() - begun, ahead


def main() -> None:
    """Prints a table."""
    print(f"{ROWS:,} rows of {LANES} lanes, {READ} a read")
    for page in (100, 500, ROWS):
        seconds, ahead = asyncio.run(merged(page))
        print(f"  pages of {page:>7,}: {seconds:.3f} s of CPU, at most {ahead:,} rows read ahead")


if __name__ == "__main__":
    main()
