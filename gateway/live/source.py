"""One source's changes: hints are read again in batches, and it is polled where nobody delivers them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

from gateway.errors import GatewayError
from gateway.live.allowance import Allowance
from gateway.live.audience import Audience
from gateway.live.coordination import Coordination
from gateway.live.detector import Detector
from gateway.live.log import Change, ChangeLog
from gateway.live.versions import Place, Versions
from gateway.model.changes import ChangeKind
from gateway.model.order import micros, moment
from gateway.model.records import Kind, Meeting, Ref, Source
from gateway.model.status import LiveMode
from gateway.request import Priority, Request
from gateway.sources.live import LiveMeetings
from gateway.upstream.clock import Timer

log = logging.getLogger(__name__)

COLLECTED = 0.5
"""Seconds in which hints are collected after the first of them: vendors deliver one change several times."""

BATCH = 100
"""Meetings that are read again at a time: what one call takes."""

MOST_HINTS = 5_000
"""Meetings that wait to be read again; with more of them the whole list is taken for changed."""

RETRY = 5.0
"""Seconds after which hints are looked into again that could not be."""

SILENT = 3600.0
"""Seconds without a delivery after which a source is polled though it has webhooks."""


class LiveSource:
    """One source.

    Args:
        source: Which.
        meetings: Its meetings as they change.
        detector: Compares and logs.
        log: Where it is noted that changes may have been missed.
        versions: How far the source was looked at.
        coordination: What replicas agree on.
        audience: Whether somebody listens.
        clock: The time.
        request: Makes a request for reading.
        units: Upstream units of a minute.
        poll: Seconds between two looks.
        delivers: Whether the vendor may deliver: a secret is set.
    """

    def __init__(
        self,
        source: Source,
        meetings: LiveMeetings,
        *,
        detector: Detector,
        log: ChangeLog,
        versions: Versions,
        coordination: Coordination,
        audience: Audience,
        clock: Timer,
        request: Callable[[Priority], Request],
        units: int,
        poll: float,
        delivers: Callable[[], bool],
    ) -> None:
        self.source = source
        self.meetings = meetings
        self.last_change_at: float | None = None
        self._detector = detector
        self._log = log
        self._versions = versions
        self._coordination = coordination
        self._audience = audience
        self._clock = clock
        self._request = request
        self._poll = poll
        self._delivers = delivers
        self._hinted: dict[str, None] = {}
        self._everything = False
        self._overflowed = False
        self._something = asyncio.Event()
        self._polled_at = float("-inf")
        self._turn = asyncio.Lock()
        self.for_hints = Allowance(units / 3, clock)
        self.for_polls = Allowance(units / 10, clock)
        self._delivered_at: float | None = None

    @property
    def mode(self) -> LiveMode:
        """How changes are learnt of, as far as this process knows."""
        heard = self._delivered_at
        if self._delivers() and heard is not None and self._clock.time() - heard < SILENT:
            return LiveMode.WEBHOOK
        return LiveMode.POLL if self._poll else LiveMode.OFF

    @property
    def waiting(self) -> int:
        """Meetings that wait to be read again."""
        return len(self._hinted) + self._everything

    def hint(self, ids: Sequence[str]) -> None:
        """Has some meetings read again, or all where none is named."""
        if not ids:
            self._everything = True
        for id_ in ids:
            if len(self._hinted) < MOST_HINTS:
                self._hinted[id_] = None
            elif id_ not in self._hinted:
                self._overflowed = True
        self._something.set()

    async def read_hints(self) -> None:
        """Reads what is hinted at again, for ever."""
        while True:
            await self._something.wait()
            await self._clock.sleep(COLLECTED)
            wait = self.for_hints.wait(self.meetings.reread_cost)
            if wait:
                await self._clock.sleep(wait)
            self._something.clear()
            try:
                async with self._turn:
                    done = await self.read_batch()
            except GatewayError:
                done = False
            except Exception:
                log.exception("%s: hints could not be looked into", self.source.value)
                done = False
            if not done:
                await self._clock.sleep(RETRY)
            if not done or self._hinted or self._everything or self._overflowed:
                self._something.set()

    async def read_batch(self) -> bool:
        """Reads one batch of hints again; whether that was possible."""
        if self._overflowed:
            reset = Change(kind=ChangeKind.RESET, record=Ref(self.source, Kind.MEETING, ""), at=self._clock.time())
            if not await self._log.append([reset]):
                return False
            self._overflowed = False
        ids, everything = list(self._hinted)[:BATCH], self._everything
        if not ids and not everything:
            return True
        for id_ in ids:
            del self._hinted[id_]
        self._everything = False
        request = self._request(Priority.REVALIDATION)
        try:
            reread = await self.meetings.reread(request, ids)
            missing = [Ref(self.source, Kind.MEETING, id_) for id_ in reread.missing]
            if reread.whole:
                changes = await self._detector.compare_window(request, self.source, reread.rows, as_of=reread.as_of)
            else:
                changes = await self._detector.compare(request, reread.rows, missing, as_of=reread.as_of)
            for id_ in reread.failed:
                self._hinted.setdefault(id_)
        except BaseException:
            self._hinted = dict.fromkeys([*ids, *self._hinted])
            self._everything = self._everything or everything
            raise
        finally:
            self.for_hints.spend(request.ledger.cost())
            await request.close()
        self._note(changes)
        return not reread.failed

    async def poll(self) -> None:
        """Looks for changes again and again, while somebody listens and the vendor does not deliver."""
        while True:
            await self._audience.wait()
            await self._clock.sleep(self._poll)
            if not self._audience.present:
                continue
            try:
                await self.learn_of_deliveries()
                if self.mode is LiveMode.POLL:
                    await self.look(self._poll / 2)
            except GatewayError as error:
                log.info("%s: not polled: %s", self.source.value, error.message)
            except Exception:
                log.exception("%s: not polled", self.source.value)

    async def learn_of_deliveries(self) -> None:
        """Learns whether the vendor delivers, to whichever replica."""
        self._delivered_at = await self._coordination.last_delivery(self.source)

    async def look(self, within: float) -> bool:
        """Looks for changes, unless somebody has within so many seconds; whether all is known up to now.

        Raises:
            GatewayError: The source could not be read.
        """
        async with self._turn:
            place = await self._versions.place(self.source)
            if place is not None and self._clock.time() - place.looked_at < within:
                return True
            if self.for_polls.wait(self.meetings.reread_cost):
                return True  # later, from the same place
            if not await self._coordination.lead(self.source, self._poll):
                return True  # another process has, or does so now
            request = self._request(Priority.REVALIDATION)
            try:
                return await self._look(request, place)
            finally:
                self.for_polls.spend(request.ledger.cost())
                await request.close()

    async def _look(self, request: Request, place: Place | None) -> bool:
        since = None if place is None or place.updated_at is None else moment(place.updated_at)
        recent = await self.meetings.recent(request, since)
        if recent.whole:
            self._note(await self._detector.compare_window(request, self.source, recent.rows, as_of=recent.as_of))
            return True
        if place is None:
            await self._detector.learn(recent.rows)
        else:
            await self._detector.learn(recent.rows, before=place.updated_at)
            self._note(await self._detector.compare(request, recent.rows, as_of=recent.as_of))
            if not recent.reached:
                reset = Change(kind=ChangeKind.RESET, record=Ref(self.source, Kind.MEETING, ""), at=recent.as_of)
                await self._log.append([reset])
        await self._versions.put_place(self.source, self._place(place, recent.rows))
        return True

    def _place(self, before: Place | None, rows: Sequence[Meeting]) -> Place:
        times = [micros(row.updated_at) for row in rows if row.updated_at is not None]
        if before is not None and before.updated_at is not None:
            times.append(before.updated_at)
        return Place(updated_at=max(times, default=None), looked_at=self._clock.time())

    def _note(self, changes: Sequence[Change]) -> None:
        if changes:
            self.last_change_at = max(change.at for change in changes)
