"""Locks come and go: what they said is still read, and a fault while one comes is nobody else's (A17, A18)."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import override

import pytest

from drivers.simulator.doors.driver import InProcessLock
from drivers.simulator.lock.firmware import Firmware
from drivers.simulator.lock.profiles import shipped_model
from gateway import keeper
from gateway.fleet import guard, reports, supervisor
from gateway.fleet.looks import Bench
from gateway.model.clock import ClockReading
from gateway.model.identity import LockIdentity
from gateway.model.ids import LockId
from gateway.model.instant import Instant
from gateway.model.reports import FactoryReset, Jammed, Reachability, Report, Tampered
from gateway.store import locks
from gateway.store.database import Connection
from tests.builders import FRONT
from tests.fleet.test_worker import Hub, hub, until

SETTLED_S = 0.1
BACK = LockId("back-door")


class TalkingLock(InProcessLock):
    """Its reports run out after it left, as the port promises; one that is `endless` breaks the promise."""

    def __init__(self, lock_id: LockId = FRONT, *, is_endless: bool = False) -> None:
        super().__init__(lock_id, Firmware(shipped_model("plain_v1")))
        self.said: list[Report] = []
        self.is_endless = is_endless
        self.rung = asyncio.Event()

    def say(self, *reports: Report) -> None:
        self.said.extend(reports)
        self.rung.set()

    @override
    def leave(self) -> None:
        super().leave()
        self.rung.set()

    @override
    async def reports(self) -> AsyncIterator[Report]:
        while True:
            while self.said:
                yield self.said.pop(0)
            if self._left.is_set() and not self.is_endless:
                return
            self.rung.clear()
            await self.rung.wait()


async def attached(house: Hub, lock_id: LockId = FRONT) -> None:
    async def is_here() -> bool:
        return not house.fleet.workers[lock_id].is_away

    await until(is_here)


async def is_reachable(house: Hub) -> bool:
    row = await house.database.read(lambda con: locks.get(con, FRONT))
    return row is not None and row.is_reachable


async def test_a18_what_a_lock_said_before_it_departed_is_still_taken_in(tmp_path: Path) -> None:
    lock = TalkingLock()
    async with hub(tmp_path / "hub.db", locks={FRONT: lock}) as house:
        await attached(house)
        lock.say(*[Jammed()] * 20, FactoryReset())
        house.driver.depart(lock, "it was reset")

        async def is_all_told() -> bool:
            kinds = await house.kinds()
            return (kinds.count("lock.jammed"), kinds.count("device.removed")) == (20, 1)

        await until(is_all_told)
        assert house.fleet.workers[FRONT].is_away


async def test_a17_a_lock_that_comes_back_arrives_after_its_last_words_were_taken_in(tmp_path: Path) -> None:
    """Its old "I am gone" after the new arrival would leave a lock that is here as unreachable."""
    lock, again = TalkingLock(), TalkingLock()
    async with hub(tmp_path / "hub.db", locks={FRONT: lock}) as house:
        await attached(house)
        lock.say(*[Jammed()] * 20, Reachability(is_reachable=False))
        house.driver.depart(lock, "unplugged")
        again.say(Jammed())
        house.driver.arrive(again)

        async def is_heard() -> bool:
            return (await house.kinds()).count("lock.jammed") == 21

        await until(is_heard)
        assert await is_reachable(house)
        await attached(house)


async def test_a_lock_whose_last_words_never_end_arrives_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "LAST_WORDS_S", 0.05)
    lock, again = TalkingLock(is_endless=True), TalkingLock()
    async with hub(tmp_path / "hub.db", locks={FRONT: lock}) as house:
        await attached(house)
        house.driver.depart(lock, "unplugged")

        async def is_away() -> bool:
            return house.fleet.workers[FRONT].is_away

        await until(is_away)
        house.driver.arrive(again)
        await attached(house)


class StoreFault:
    """Makes the store fail while a lock is taken in."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        self.is_on = True
        self._met = guard.met
        monkeypatch.setattr(guard, "met", self._fail)
        monkeypatch.setattr(keeper, "FIRST_WAIT_S", 0.02)

    def _fail(self, con: Connection, lock_id: LockId, identity: LockIdentity, at: Instant) -> None:
        if self.is_on and lock_id == FRONT:
            self.count += 1
            raise OSError("disk full")
        self._met(con, lock_id, identity, at)

    async def until_struck(self, times: int = 1) -> None:
        async def is_struck() -> bool:
            return self.count >= times

        await until(is_struck)


async def test_a_fault_of_the_store_while_a_lock_arrives_is_its_own_and_passes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault = StoreFault(monkeypatch)
    async with hub(tmp_path / "hub.db", locks={FRONT: TalkingLock(), BACK: TalkingLock(BACK)}) as house:
        await fault.until_struck()
        await attached(house, BACK)
        assert house.fleet.workers[FRONT].is_away
        fault.is_on = False
        await attached(house)


async def test_a_lock_that_departs_while_it_cannot_be_taken_in_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault = StoreFault(monkeypatch)
    lock = TalkingLock()
    async with hub(tmp_path / "hub.db", locks={FRONT: lock}) as house:
        await fault.until_struck()
        lock.say(Jammed())
        house.driver.depart(lock, "unplugged")
        fault.is_on = False

        async def is_heard() -> bool:
            return "lock.jammed" in await house.kinds()

        await until(is_heard)
        assert house.fleet.workers[FRONT].is_away


async def test_a_lock_that_is_kept_no_more_while_it_arrives_disturbs_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault = StoreFault(monkeypatch)
    front, back = TalkingLock(), TalkingLock(BACK)
    async with hub(tmp_path / "hub.db", locks={FRONT: front, BACK: back}) as house:
        await fault.until_struck()
        house.fleet.remove(FRONT)
        fault.is_on = False
        await asyncio.sleep(SETTLED_S)
        house.driver.depart(front, "it has left the network")
        house.driver.depart(back, "unplugged")
        house.driver.arrive(front)
        house.driver.arrive(TalkingLock(BACK))
        await attached(house, BACK)
        await asyncio.sleep(SETTLED_S)
        assert set(house.fleet.workers) == {BACK}


async def test_n3_what_a_lock_says_while_the_disk_is_full_is_taken_in_when_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The report whose commit failed was lost with its use of a code, or its reset (A17, A18)."""
    monkeypatch.setattr(keeper, "FIRST_WAIT_S", 0.02)
    lock = TalkingLock()
    async with hub(tmp_path / "hub.db", locks={FRONT: lock}) as house:
        await attached(house)

        def no_room(con: Connection) -> None:
            con.execute("PRAGMA max_page_count = 1").fetchall()

        def room(con: Connection) -> None:
            con.execute("PRAGMA max_page_count = 1000000").fetchall()

        await house.database.read(no_room)
        lock.say(*[Jammed()] * 40)

        async def is_stuck() -> bool:
            return house.keeper.restarts > 1

        await until(is_stuck)
        await house.database.read(room)

        async def is_all_told() -> bool:
            return (await house.kinds()).count("lock.jammed") == 40

        await until(is_all_told)


async def test_a_report_that_cannot_be_taken_silences_no_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper, "FIRST_WAIT_S", 0.02)
    take = reports.take

    def stumble(con: Connection, bench: Bench, report: Report, reading: ClockReading) -> None:
        if report == Tampered():
            raise LookupError("a fault of ours")
        take(con, bench, report, reading)

    monkeypatch.setattr(reports, "take", stumble)
    lock = TalkingLock()
    async with hub(tmp_path / "hub.db", locks={FRONT: lock}) as house:
        await attached(house)
        lock.say(Tampered(), Jammed())

        async def is_heard() -> bool:
            return "lock.jammed" in await house.kinds()

        await until(is_heard)
        assert house.keeper.restarts == 1
