"""What only time can judge: windows that a lock keeps itself (A2), leads that a weak link stretches (A4), the hub's own clock (T1, T2)."""

from collections.abc import Callable
from typing import Protocol

from drivers.simulator.lock.schedule import Kind
from gateway.model.clock import ClockReading, ClockTrust
from gateway.model.ids import CodeId, LockId
from gateway.model.instant import DAY_MS, MINUTE_MS, SECOND_MS, Instant
from gateway.model.link import LONGEST_LEAD_MS
from gateway.store import facts, lock_time, slots
from gateway.store.database import Connection
from tests.sim.auditors_clock import would_open
from tests.sim.book import Wish
from tests.sim.clock import HubClock, Machine, TrueTime
from tests.sim.doors import Door
from tests.sim.power import Disk

FALLS_BACK_MS = 11 * MINUTE_MS
"""The mark is kept every ten minutes (T1), by a keeper who looks every half minute."""

STAYS_MS = DAY_MS + 2 * MINUTE_MS
"""How long codes stay while nobody knows the time (T2), and what a look and a power cut between two of them may cost."""


def lead_of(con: Connection, lock_id: str, lead_ms: int) -> int:
    """The lead that this lock's link asks for: a weak one makes it longer (A4)."""
    return lock_time.get(con, LockId(lock_id)).link.lead_ms(lead_ms)


def has_window(con: Connection, lock_id: str, wish: Wish) -> bool:
    """Whether the write that begins now carries a window that opens no earlier, and shuts no later, than ordered (A2)."""
    held = slots.of_code(con, LockId(lock_id), CodeId(wish.code_id))
    asked = None if held is None else held.barrier.asked
    if asked is None or asked.ends_at is None or wish.ends_at is None:
        return False
    return (asked.starts_at or 0) >= (wish.starts_at or 0) and asked.ends_at <= wish.ends_at


def may_be_there(door: Door, slot: int, wish: Wish, at: Instant, now: Instant) -> bool:
    """Whether a PIN may lie on the lock although its lead has not begun: the lock itself keeps it shut (A2), or a weak link
    has stretched the lead (A4). `at` is what the hub believes, `now` the true time."""
    is_ahead = not wish.is_over(at) and wish.starts_at is not None
    return is_ahead and (not would_open(door, slot, now) or wish.is_wanted(at, LONGEST_LEAD_MS))


class Timed(Protocol):
    """What the auditor of the hub's time may look at."""

    disk: Disk
    true: TrueTime
    machine: Machine

    @property
    def clock(self) -> HubClock | None:
        """The clock of the hub's present life; None without power."""
        ...


class ClockAuditor:
    """Watches what the hub believes about time, against what is true. `cry` notes a broken rule."""

    def __init__(self, scene: Timed, cry: Callable[[str, str], None]) -> None:
        self._scene = scene
        self._cry = cry
        self._boot = ""
        self._lo = self._earlier = Instant(0)
        """The lower bound at the last look, and at the one half a minute before: as long as the hub's keeper of the time may be asleep."""
        self._doubted_from: Instant | None = None
        self._last_mark = Instant(0)
        self._read_at_commit = -1

    def look(self, reading: ClockReading, now: Instant) -> None:
        """Is true time inside the interval, and has its lower end never gone back (T1)?"""
        if reading.lo > now + SECOND_MS:
            self._cry("clock", f"the hub is sure that {reading.lo - now} ms have passed that have not")
        if reading.trust is not ClockTrust.UNTRUSTED and now > reading.hi + SECOND_MS:
            self._cry("clock", f"true time is {now - reading.hi} ms beyond what the hub holds possible")
        self._check_back(reading)
        if reading.trust is not ClockTrust.UNTRUSTED:
            self._doubted_from = None
        elif self._doubted_from is None:
            self._doubted_from = reading.lo

    def _check_back(self, reading: ClockReading) -> None:
        mark, boot = self._mark(), self._scene.machine.boot
        # What was heard since the look before the last one the keeper need not have seen, let alone kept, when the power went (seed 100949).
        floor = self._lo - SECOND_MS if boot == self._boot else self._earlier - FALLS_BACK_MS
        if reading.lo < max(mark, floor):
            self._cry("clock", f"the hub's time went back by {max(mark, self._lo) - reading.lo} ms")
        self._boot, self._earlier, self._lo = boot, self._lo, reading.lo

    def _mark(self) -> Instant:
        """The mark on the disk, which is another only after a commit."""
        disk = self._scene.disk
        if disk.commits != self._read_at_commit:
            self._read_at_commit, self._last_mark = disk.commits, facts.high_water(disk.connection)
        return self._last_mark

    def began(self, door: Door, wish: Wish, lead_ms: int) -> None:
        """The hub begins to write a PIN: not before the lead by what it knows itself (T1)."""
        clock, con = self._scene.clock, self._scene.disk.connection
        if clock is None or has_window(con, str(door.lock_id), wish):
            return
        if clock.reading().lo < wish.opens_at(lead_of(con, str(door.lock_id), lead_ms)):
            self._cry("activation", f"{door.lock_id}: {wish.code_id} starts before its lead has surely come")

    def overstays(self, door: Door, slot: int, wish: Wish, lo: Instant) -> bool:
        """Whether a PIN with an end that no lock keeps is still there at `lo`, after a day without the time (T2)."""
        if self._doubted_from is None or wish.ends_at is None or lo <= self._doubted_from + STAYS_MS:
            return False
        return door.firmware.schedules.get(slot, Kind.YEAR_DAY, 1) is None
