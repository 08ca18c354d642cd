"""Two bounded queues with one reader each: a lock's reports, and the comings and goings of locks.

A slow reader must not cost memory, and must never miss a change of a slot without knowing it. So when a lock's reports
overflow, what a later report repeats goes first, then what is only of interest; slot changes are never dropped one by one
but folded into a single "any slot may have changed", which makes the reader look at the lock.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from typing import Final

from gateway.model.ids import LockId
from gateway.model.reports import (
    AccessDenied,
    BatteryLevel,
    Jammed,
    Locked,
    Reachability,
    Report,
    SlotChange,
    SlotChanged,
    Tampered,
    Unlocked,
)
from gateway.ports import Arrival, Departure

log = logging.getLogger(__name__)

REPORTS_MAX: Final = 256
"""Unread reports of one lock. A busy door makes some 50 a day, so this is days of a stopped reader; about 50 KB."""

_DROPPED_FIRST: Final[tuple[Callable[[Report], bool], ...]] = (
    lambda report: isinstance(report, (BatteryLevel, Reachability)),
    lambda report: isinstance(report, (Locked, Unlocked)) and report.slot is None,
    lambda report: isinstance(report, (AccessDenied, Jammed, Tampered)),
)
"""What goes first on overflow, oldest of the first kind that is there."""


class Reports:
    """Reports of one lock on their way to its one reader."""

    def __init__(self, lock_id: LockId) -> None:
        """The lock's name is for the log only."""
        self._lock_id = lock_id
        self._queue: list[Report] = []
        self._changed = asyncio.Event()
        self._is_closed = False
        self.dropped_count = 0

    def put(self, report: Report) -> None:
        """Add a report; the same as the last unread one is one report. Never blocks."""
        if self._is_closed or (self._queue and self._queue[-1] == report):
            return
        self._queue.append(report)
        if len(self._queue) > REPORTS_MAX:
            self._shed()
        self._changed.set()

    def close(self) -> None:
        """No more reports; the reader still gets the unread ones."""
        self._is_closed = True
        self._changed.set()

    async def stream(self) -> AsyncIterator[Report]:
        """The reports in order, until closed and read."""
        while True:
            while self._queue:
                yield self._queue.pop(0)
            if self._is_closed:
                return
            self._changed.clear()
            await self._changed.wait()

    def _shed(self) -> None:
        self.dropped_count += 1
        log.warning("reports.overflow", extra={"lock": self._lock_id, "dropped": self.dropped_count})
        for goes in _DROPPED_FIRST:
            oldest = next((place for place, report in enumerate(self._queue) if goes(report)), None)
            if oldest is not None:
                del self._queue[oldest]
                return
        changes = [place for place, report in enumerate(self._queue) if isinstance(report, SlotChanged)]
        if len(changes) > 1:
            self._queue[changes[0]] = SlotChanged(SlotChange.CHANGED)
            for place in reversed(changes[1:]):
                del self._queue[place]
        else:
            # Only uses of codes are left, hundreds of them: the oldest is the least useful.
            del self._queue[next(place for place in range(len(self._queue)) if place not in changes)]


class Comings:
    """Arrivals and departures on their way to the one reader.

    An arrival that nobody saw is taken back by its departure, so there are never more than two entries per lock.
    """

    def __init__(self) -> None:
        """Nothing has come or gone yet."""
        self._queue: list[Arrival | Departure] = []
        self._changed = asyncio.Event()

    def arrive(self, arrival: Arrival) -> None:
        """Announce a lock."""
        self._queue.append(arrival)
        self._changed.set()

    def depart(self, departure: Departure) -> None:
        """Announce that a lock's port is dead."""
        for place, entry in enumerate(self._queue):
            if isinstance(entry, Arrival) and entry.port.lock_id == departure.lock_id:
                del self._queue[place]
                return
        self._queue.append(departure)
        self._changed.set()

    async def stream(self) -> AsyncIterator[Arrival | Departure]:
        """All entries in order, for ever."""
        while True:
            while self._queue:
                yield self._queue.pop(0)
            self._changed.clear()
            await self._changed.wait()
