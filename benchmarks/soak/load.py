"""Questions at a fixed rate, whether or not earlier ones are answered, and what became of each."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from benchmarks.soak.questions import Question

AT_ONCE = 256
"""Questions under way at most; one that finds no place counts as lost, so that a jam is seen."""

PATIENCE = 30.0
GIVE_UP = 0.9
"""How often a client does not go on to the next page."""

TYPED = frozenset(
    {
        *("UPSTREAM_RATE_LIMITED", "UPSTREAM_TIMEOUT", "UPSTREAM_UNAVAILABLE", "UPSTREAM_REFUSED"),
        *("UPSTREAM_MALFORMED", "DEADLINE_EXCEEDED"),
    }
)
"""Codes that say what a vendor did; any other error is one too many."""


@dataclass
class Outcomes:
    """What became of the questions.

    Attributes:
        took: When each answered one was due (seconds from the start), and the milliseconds from then to its answer.
        refused: How often a typed code was among an answer's errors.
        wrong: What should not have happened, by kind.
    """

    took: list[tuple[float, float]] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)
    asked: int = 0
    partial: int = 0


class Load:
    """Clients of one gateway.

    Args:
        url: Where it is.
        questions: What is asked, by chance.
        rate: Questions a second.
    """

    def __init__(self, url: str, questions: Sequence[Question], rate: float) -> None:
        self._url = f"{url}/graphql"
        self._questions = questions
        self._rate = rate
        self._chance = random.Random(9)  # noqa: S311 - which question is next
        self._under_way: set[asyncio.Task[None]] = set()
        self._cursors: dict[int, str] = {}
        self.outcomes = Outcomes()

    async def run(self, seconds: float) -> None:
        """Asks for so long, and waits for the last answers."""
        loop = asyncio.get_running_loop()
        connector = aiohttp.TCPConnector(limit=AT_ONCE, force_close=False)
        timeout = aiohttp.ClientTimeout(total=PATIENCE)
        async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
            started = loop.time()
            for number in range(int(seconds * self._rate)):
                due = number / self._rate
                await asyncio.sleep(max(0.0, started + due - loop.time()))
                self.outcomes.asked += 1
                if len(self._under_way) >= AT_ONCE:
                    self.outcomes.wrong["no place"] += 1
                    continue
                task = asyncio.create_task(self._ask(session, started, due))
                self._under_way.add(task)
                task.add_done_callback(self._under_way.discard)
            await asyncio.gather(*self._under_way)

    async def _ask(self, session: aiohttp.ClientSession, started: float, due: float) -> None:
        place = self._chance.randrange(len(self._questions))
        question = self._questions[place]
        variables = dict(question.variables)
        if question.pages and place in self._cursors:
            variables["after"] = self._cursors.pop(place)
        try:
            async with session.post(self._url, json={"query": question.query, "variables": variables}) as response:
                answer = await response.json()
                status = response.status
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            self.outcomes.wrong[type(error).__name__] += 1
            return
        self.outcomes.took.append((due, (asyncio.get_running_loop().time() - started - due) * 1000))
        self._judge(status, answer)
        if question.pages:
            self._go_on(place, answer)

    def _judge(self, status: int, answer: dict[str, Any]) -> None:
        codes = {error["extensions"]["code"] for error in answer.get("errors", ())}
        self.outcomes.refused.update(codes & TYPED)
        self.outcomes.partial += bool(codes)
        self.outcomes.wrong.update(codes - TYPED)
        if status != 200:  # noqa: PLR2004 - nothing is asked for that should be refused
            self.outcomes.wrong[f"status {status}"] += 1

    def _go_on(self, place: int, answer: dict[str, Any]) -> None:
        page = ((answer.get("data") or {}).get("meetings") or {}).get("pageInfo") or {}
        if page.get("hasNextPage") and self._chance.random() > GIVE_UP:
            self._cursors[place] = page["endCursor"]
