"""Brings locks and workers together.

Theory. From its arrival to its departure a lock is on a visit, which has a task of its own: take the lock in, then listen until its
reports run out. The keeper keeps that task up and not the one that follows the driver, which would lose the arrival it just
took off the driver's stream. A departure ends the use of the port and not the listening, because a reset or a use of a code that
was told right before is still to be taken in (A17, A18); the next visit begins when the last words of the one before are.
"""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from gateway.fleet import guard, reports
from gateway.fleet.airtime import Lane
from gateway.fleet.looks import Bench
from gateway.fleet.pulse import hanging
from gateway.fleet.worker import House, Worker
from gateway.keeper import Keeper
from gateway.model.clock import ClockReading
from gateway.model.events import Event, EventKind, Fact
from gateway.model.ids import LockId
from gateway.model.reports import Report
from gateway.nudge import OUTBOX_BELL, lock_bell
from gateway.ports import Arrival, Departure, DriverPort, LockPort
from gateway.store import journal, locks, slots
from gateway.store.database import Connection, is_of_the_disk

log = logging.getLogger(__name__)

LAST_WORDS_S = 30.0
"""How long a lock that comes back waits for the end of its earlier reports. A driver keeps some hundred unread ones at most, each a
commit of milliseconds; longer means a store in trouble or a stream that never ends, and neither may keep a lock away."""


@dataclass(slots=True)
class _Visit:
    """A lock from its arrival to its departure; `before` is the task of the visit before, while its last words may be unread."""

    port: LockPort
    before: asyncio.Task[None] | None
    is_taken_in: bool = False
    is_over: bool = False
    heard: tuple[Report, ClockReading] | None = None
    """A report that the disk did not take. The driver gives each once, so it is kept here until there is room (N3)."""


class Fleet:
    """All locks of this hub, each with its worker; one lane per driver."""

    def __init__(
        self,
        house: House,
        drivers: Mapping[str, DriverPort],
        keeper: Keeper,
    ) -> None:
        """No lock yet; `add` brings them, before `run` and later."""
        self._keeper = keeper
        self._house = house
        self._drivers = drivers
        self._lanes = {name: Lane() for name in drivers}
        self._benches: dict[LockId, Bench] = {}
        self.workers: dict[LockId, Worker] = {}
        self._tasks: asyncio.TaskGroup | None = None
        self._running: dict[LockId, asyncio.Task[None]] = {}
        self._visits: dict[LockId, tuple[_Visit, asyncio.Task[None]]] = {}

    def add(self, bench: Bench, driver: str) -> None:
        """Keep one lock more from now on."""
        lock_id = bench.lock_id
        self._benches[lock_id] = bench
        self.workers[lock_id] = Worker(bench, self._house, self._lanes[driver])
        if self._tasks is not None:
            self._work(self._tasks, lock_id)

    def remove(self, lock_id: LockId) -> None:
        """Keep a lock no more. Its driver may still say that it departs."""
        del self._benches[lock_id], self.workers[lock_id]
        if (running := self._running.pop(lock_id, None)) is not None:
            running.cancel()
        if (known := self._visits.pop(lock_id, None)) is not None:
            known[1].cancel()

    def hanging(self) -> tuple[LockId, ...]:
        """The locks whose workers do not move any more."""
        return hanging({lock_id: worker.pulse for lock_id, worker in self.workers.items()})

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for name, driver in self._drivers.items():
                tasks.create_task(self._keeper.keep_up(f"driver {name}", driver.run), name=f"driver {name}")
                tasks.create_task(self._follow(driver), name=f"locks of {name}")
            self._tasks = tasks
            for lock_id in self.workers:
                self._work(tasks, lock_id)

    def _work(self, tasks: asyncio.TaskGroup, lock_id: LockId) -> None:
        name, worker = f"worker {lock_id}", self.workers[lock_id]
        self._running[lock_id] = tasks.create_task(self._keeper.keep_up(name, worker.run), name=name)

    async def _follow(self, driver: DriverPort) -> None:
        async with asyncio.TaskGroup() as tasks:
            async for change in driver.locks():
                match change:
                    case Arrival(port=port):
                        self._arrived(tasks, port)
                    case Departure(lock_id=lock_id, cause=cause):
                        self._departed(lock_id, cause)

    def _arrived(self, tasks: asyncio.TaskGroup, port: LockPort) -> None:
        lock_id = port.lock_id
        old, before = self._visits.pop(lock_id, (None, None))
        if old is not None and before is not None and not old.is_over:
            # A driver that brings a lock twice: the earlier port is dead without a word, and its reports may never run out.
            before.cancel()
        visit = _Visit(port, before)
        name = f"reports of {lock_id}"
        task = tasks.create_task(self._keeper.keep_up(name, partial(self._receive, visit)), name=name)
        self._visits[lock_id] = visit, task

    def _departed(self, lock_id: LockId, cause: str) -> None:
        log.warning("fleet.lock.departed", extra={"lock": lock_id, "cause": cause})
        if (known := self._visits.get(lock_id)) is not None:
            known[0].is_over = True
        if (worker := self.workers.get(lock_id)) is not None:
            worker.attach(None)

    async def _receive(self, visit: _Visit) -> None:
        """One visit: take the lock in unless it is gone already, then listen until its reports run out."""
        if (before := visit.before) is not None:
            _, unread = await asyncio.wait([before], timeout=LAST_WORDS_S)
            if unread:
                log.error("fleet.reports.unread", extra={"lock": visit.port.lock_id})
                before.cancel()
            visit.before = None
        if not (visit.is_taken_in or visit.is_over):
            await self._take_in(visit)
        await self._listen(visit)

    async def _take_in(self, visit: _Visit) -> None:
        port = visit.port
        lock_id = port.lock_id
        if lock_id not in self.workers:
            # The hub let go of it before its driver heard of that.
            log.warning("fleet.lock.unknown", extra={"lock": lock_id})
            return
        at = self._house.clock.reading().lo

        def keep(con: Connection) -> None:
            if locks.put_profile(con, lock_id, port.profile):
                body: dict[str, Fact] = {"model": port.profile.model, "slots": len(port.profile.slots)}
                journal.append(con, Event(EventKind.DEVICE_ADDED, lock_id, body=body), at)
            guard.met(con, lock_id, port.profile.identity, at)
            reports.set_reachable(con, lock_id, at, is_reachable=True)
            # Nobody listened while the lock was away: hands at the keypad may have been busy (N2).
            slots.doubt_empty(con, lock_id)

        def is_all_known(con: Connection) -> bool:
            row = locks.get(con, lock_id)
            is_known = row is not None and row.profile == port.profile and row.is_reachable
            is_known = is_known and guard.is_met(con, lock_id, port.profile.identity)
            return is_known and not slots.has_trusted_empty(con, lock_id)

        if not await self._house.database.read(is_all_known):
            await self._house.database.write(keep)
            self._house.nudges.ring(OUTBOX_BELL)
        visit.is_taken_in = True
        log.info("fleet.lock.arrived", extra={"lock": lock_id, "model": port.profile.model})
        if not visit.is_over and (worker := self.workers.get(lock_id)) is not None:
            worker.attach(port)

    async def _listen(self, visit: _Visit) -> None:
        if (bench := self._benches.get(visit.port.lock_id)) is None:
            return
        if visit.heard is not None:
            await self._take(visit, bench, *visit.heard)
        async for report in visit.port.reports():
            log.info("fleet.report", extra={"lock": bench.lock_id, "report": type(report).__name__})
            await self._take(visit, bench, report, self._house.clock.reading())

    async def _take(self, visit: _Visit, bench: Bench, report: Report, reading: ClockReading) -> None:
        visit.heard = report, reading
        try:
            await self._house.database.write(lambda con: reports.take(con, bench, report, reading))
        except Exception as error:
            if not is_of_the_disk(error):
                # It would fail for ever, and no later word of this lock would be heard.
                visit.heard = None
            raise
        visit.heard = None
        self._house.nudges.ring(OUTBOX_BELL)
        self._house.nudges.ring(lock_bell(bench.lock_id))
