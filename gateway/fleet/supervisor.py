"""Brings locks and workers together."""

import asyncio
import logging
from collections.abc import Mapping
from functools import partial

from gateway.fleet import guard, reports
from gateway.fleet.airtime import Lane
from gateway.fleet.looks import Bench
from gateway.fleet.pulse import hanging
from gateway.fleet.worker import House, Worker
from gateway.keeper import Keeper
from gateway.model.events import Event, EventKind, Fact
from gateway.model.ids import LockId
from gateway.nudge import OUTBOX_BELL, lock_bell
from gateway.ports import Arrival, Departure, DriverPort, LockPort
from gateway.store import journal, locks, slots
from gateway.store.database import Connection

log = logging.getLogger(__name__)


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
            listeners: dict[LockId, asyncio.Task[None]] = {}
            async for change in driver.locks():
                match change:
                    case Arrival(port=port):
                        await self._arrived(port)
                        if (old := listeners.pop(port.lock_id, None)) is not None:
                            old.cancel()
                        listeners[port.lock_id] = tasks.create_task(
                            self._keeper.keep_up(f"reports of {port.lock_id}", partial(self._listen, port)),
                            name=f"reports of {port.lock_id}",
                        )
                    case Departure(lock_id=lock_id, cause=cause):
                        log.warning("fleet.lock.departed", extra={"lock": lock_id, "cause": cause})
                        if (worker := self.workers.get(lock_id)) is not None:
                            worker.attach(None)
                        if (old := listeners.pop(lock_id, None)) is not None:
                            old.cancel()

    async def _arrived(self, port: LockPort) -> None:
        lock_id = port.lock_id
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
        log.info("fleet.lock.arrived", extra={"lock": lock_id, "model": port.profile.model})
        self.workers[lock_id].attach(port)

    async def _listen(self, port: LockPort) -> None:
        lock_id = port.lock_id
        bench = self._benches[lock_id]
        async for report in port.reports():
            reading = self._house.clock.reading()
            log.info("fleet.report", extra={"lock": lock_id, "report": type(report).__name__})
            await self._house.database.write(
                lambda con, report=report, reading=reading: reports.take(con, bench, report, reading)  # type: ignore[misc]
            )
            self._house.nudges.ring(OUTBOX_BELL)
            self._house.nudges.ring(lock_bell(lock_id))
