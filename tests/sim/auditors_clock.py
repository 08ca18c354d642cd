"""Who watches the locks' own clocks, by which they open and shut windows (T4)."""

from collections.abc import Callable
from typing import Protocol

from drivers.simulator.lock import rules
from drivers.simulator.lock.schedule import Kind
from gateway.model.clock import ClockTrust
from gateway.model.instant import DAY_MS, MINUTE_MS, SECOND_MS, Instant
from tests.sim.book import Wish
from tests.sim.clock import HubClock, TrueTime
from tests.sim.doors import Door

WRONG_MS = MINUTE_MS + SECOND_MS
"""A lock's clock that is further off is wrong: a grain of its windows, and the second that Z-Wave clocks count in."""

FRESH_MS = 2 * DAY_MS + MINUTE_MS
"""A window goes onto a lock whose clock was looked at this long before, at most: once a day, and one look may fail."""

STAYS_WRONG_MS = 3 * DAY_MS
"""So much of trusted time and of a lock in reach puts a wrong clock right, on the worst radio there is here."""


class Scene(Protocol):
    """What this auditor may look at."""

    doors: dict[str, Door]
    true: TrueTime

    @property
    def clock(self) -> HubClock | None:
        """The clock of the hub's present life; None without power."""
        ...


def would_open(door: Door, slot: int, now: Instant) -> bool:
    """Whether this slot's PIN would open the door if the lock's clock were right. When it is not, that is for T4 to mend."""
    lock = door.firmware
    return not rules.is_bound(door.model) or lock.schedules.allows(slot, lock.clock.local_of(now / SECOND_MS))


class LockClockAuditor:
    """Follows the clocks of all locks. `cry` notes a broken rule."""

    def __init__(self, scene: Scene, cry: Callable[[str, str], None]) -> None:
        self._scene = scene
        self._cry = cry
        self._wrong_ms: dict[str, int] = {}
        """For how long a clock has been wrong while the hub could have mended it."""
        self._looked_at = Instant(0)

    def began(self, door: Door, wish: Wish, opens_at: Instant) -> None:
        """The hub begins to write a PIN with its window. `opens_at` is when it could go on without one."""
        clock, now = self._scene.clock, self._scene.true.now()
        if clock is None:
            return
        if now < opens_at and clock.trust is not ClockTrust.TRUSTED:
            self._cry(
                "lock clock", f"{door.lock_id}: {wish.code_id} is preloaded while the hub's own time is not trusted"
            )
        asked_s = door.clock_asked_s
        if asked_s is None or (self._scene.true.loop_time() - asked_s) * SECOND_MS > FRESH_MS:
            self._cry("lock clock", f"{door.lock_id}: {wish.code_id} gets a window by a clock that nobody looked at")

    def look(self, trust: ClockTrust, now: Instant) -> None:
        """Is a clock that windows hang on wrong for too long?"""
        passed_ms, self._looked_at = now - self._looked_at, now
        for lock_id, door in self._scene.doors.items():
            lock = door.firmware
            off_ms = lock.clock.utc_s(self._scene.true.loop_time()) * SECOND_MS - now
            if abs(off_ms) <= WRONG_MS or not _has_windows(door):
                self._wrong_ms.pop(lock_id, None)
            elif trust is ClockTrust.TRUSTED and door.port is not None and not door.is_deaf:
                self._wrong_ms[lock_id] = self._wrong_ms.get(lock_id, 0) + passed_ms
                if self._wrong_ms[lock_id] > STAYS_WRONG_MS:
                    self._wrong_ms[lock_id] = 0  # cries again, but not every look
                    self._cry(
                        "lock clock", f"{lock_id}: the clock that windows hang on is {off_ms / SECOND_MS:.0f} s off"
                    )


def _has_windows(door: Door) -> bool:
    """Whether any PIN on the lock has a window that the lock keeps."""
    schedules = door.firmware.schedules
    return door.model.year_day_slots > 0 and any(
        schedules.get(slot, Kind.YEAR_DAY, 1) is not None for slot in door.firmware.pins()
    )
