"""Door 3: a lock port in process, straight onto the firmware. The fastest way to a simulated lock; no radio, no frames.

It serves the daemon's own tests and worlds in virtual time. Where it and the serial door with the real Z-Wave JS differ, the
serial door is right and this one is mended.
"""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable
from enum import StrEnum
from typing import override

from drivers.simulator.doors.words import profile_of, report_of
from drivers.simulator.lock import values as firmware_words
from drivers.simulator.lock.clock import Minute, minute_of
from drivers.simulator.lock.firmware import EMPTY, Firmware, NoticeKind, Refusal, Status, WriteResult
from drivers.simulator.lock.schedule import Kind, YearDay
from gateway.model.answers import (
    Ambiguous,
    Disabled,
    Empty,
    Held,
    Listing,
    RefusalReason,
    Refused,
    Sighting,
    SightingSource,
    SlotValue,
    Unknown,
    WriteAnswer,
    Written,
)
from gateway.model.evidence import Evidence
from gateway.model.failures import Busy, Part, Unreachable, Unsupported
from gateway.model.ids import LockId, Slot
from gateway.model.instant import MINUTE_MS, SECOND_MS, Instant
from gateway.model.lock import LockProfile, Schedule, ScheduleClock, ScheduleTrust
from gateway.model.pin import Pin
from gateway.model.reports import (
    Reachability,
    Report,
)
from gateway.model.window import Window
from gateway.ports import Arrival, Departure, DriverCondition, DriverPort, DriverState, LockPort

CALL_S = 0.024
"""One supervised S2 exchange at 100 kbit/s with the lock awake (our measurement of the airtime model)."""

ANSWER_LIMIT_S = 1.0
"""How long the real driver waits for a lock's answer before it gives up (Z-Wave JS report time-out)."""


BUSY_MS = 2_000
"""How long a driver that is busy asks to be left alone."""


EXCHANGE_MESSAGES, EXCHANGE_BEAMS = 2, 1
"""What a call costs the lock's battery: a command and its answer, and the beam that wakes a lock that sleeps between calls."""

ONLY_SLOT = 1
"""The year-day slot of a user that holds the window; this door uses no other."""

VERBS_KEPT = 200
"""How many of the last calls a lock remembers, for whoever asks in which order they came."""


class Trouble(StrEnum):
    """What can go wrong with a call; each is used up by one call."""

    LOST_COMMAND = "lost_command"
    """The command never arrives."""
    LOST_ANSWER = "lost_answer"
    """The command is executed, the answer never arrives."""
    UNREACHABLE = "unreachable"
    """The stick cannot send, and says so."""
    BUSY = "busy"
    """The driver asks to come back later."""
    HUNG = "hung"
    """The command is executed, and the driver never comes back."""


class InProcessLock(LockPort):
    """One simulated lock as a port. `calls` counts what was asked of it, by verb; `verbs` has the last of them in order.

    `trust` is what the profile claims about the lock's schedules; a lock without year-day schedules claims none.
    """

    def __init__(self, lock_id: LockId, firmware: Firmware, *, trust: ScheduleTrust = ScheduleTrust.PROVEN) -> None:
        self._lock_id = lock_id
        self.serial = ""
        """What the device tells of itself; another one in the lock's place tells another."""
        self.firmware = firmware
        self._schedule: Schedule | None = None
        if firmware.model.year_day_slots:
            self._schedule = Schedule(
                grain_ms=MINUTE_MS, clock=ScheduleClock.UTC, shortest_ms=MINUTE_MS, longest_ms=None, enforced=trust
            )
        self.calls: Counter[str] = Counter()
        self.verbs: deque[str] = deque(maxlen=VERBS_KEPT)
        self.troubles: deque[Trouble] = deque()
        self.is_dead = False
        self._is_thought_dead = False
        self._has_stick = True
        self._remembered = self._interviewed()
        self._reports: deque[Report] = deque()
        self._rung = asyncio.Event()
        self._left = asyncio.Event()

    @property
    @override
    def lock_id(self) -> LockId:
        return self._lock_id

    @property
    @override
    def profile(self) -> LockProfile:
        return profile_of(self.firmware, self._schedule, self.serial)

    @override
    async def read_slot(self, slot: Slot) -> Sighting:
        self._check(slot)
        trouble = await self._send("read")
        if not self._has_stick:
            raise Unreachable(Part.STICK, "the stick is unplugged")
        if trouble is Trouble.LOST_COMMAND:
            raise Unreachable(Part.LOCK, "no acknowledgement from the lock")
        shown = self._sighting(slot, SightingSource.LOCK)
        is_heard = await self._hear(trouble)
        if self._left.is_set():
            raise Unreachable(Part.SERVER, "the connection to the driver broke")
        if not is_heard:
            return Sighting(Unknown(), SightingSource.LOCK)
        self._remembered[slot] = Sighting(shown.value, SightingSource.MIDDLEMAN)
        return shown

    @override
    async def read_all(self) -> Listing:
        self.calls["list"] += 1
        if self._left.is_set():
            raise Unreachable(Part.SERVER, "the connection to the driver is gone")
        return Listing(dict(self._remembered), is_complete=True)

    @override
    async def write_slot(self, slot: Slot, pin: Pin, *, window: Window | None, old_pin: Pin | None) -> WriteAnswer:
        self._check(slot)
        digits, kept = pin.reveal(), None
        if window is not None:
            kept = self._schedule.inside(window) if self._schedule is not None else None
            if kept is None:
                raise Unsupported("this lock cannot keep that window")
        answer = await self._change("write", lambda at: self._store(slot, digits, kept, at), kept)
        if isinstance(answer, Refused) and self._is_disabled(slot):
            return Ambiguous("the PIN is on the lock and disabled")
        if kept is not None and answer == Written(Evidence.ACKNOWLEDGED, kept) and not self._shows(slot, kept):
            # A schedule that the lock did not confirm is asked for, as a PIN read back says nothing about it (D6).
            return Ambiguous("the lock does not show the window")
        return answer

    @override
    async def clear_slot(self, slot: Slot, *, old_pin: Pin | None) -> WriteAnswer:
        self._check(slot)
        return await self._change("clear", lambda at: self._empty(slot, at))

    async def get_clock(self) -> Instant:
        """The lock's time now (`ClockedLockPort`)."""
        if not await self._hear(await self._to_clock("get_clock")):
            raise Unreachable(Part.LOCK, "the lock does not answer")
        return Instant(round(self.firmware.clock.utc_s(self.now()) * SECOND_MS))

    async def set_clock(self, at: Instant) -> None:
        """Put the lock's clock right (`ClockedLockPort`)."""
        trouble = await self._to_clock("set_clock")
        if trouble is not Trouble.LOST_COMMAND:
            self.firmware.set_clock(at / SECOND_MS, self.now())
        if not await self._hear(trouble):
            raise Unreachable(Part.LOCK, "the lock does not answer")

    @override
    async def reports(self) -> AsyncIterator[Report]:
        while not self._left.is_set():
            while self._reports:
                yield self._reports.popleft()
            self._rung.clear()
            await self._rung.wait()

    def speak(self) -> None:
        """Carry what the firmware has to say to whoever listens."""
        for notice in self.firmware.drain_notices():
            report = report_of(notice)
            if report is not None and not self.is_dead:
                self._reports.append(report)
                if notice.kind is NoticeKind.ALL_CODES_DELETED:
                    self._remembered = dict.fromkeys(self._slots(), Sighting(Empty(), SightingSource.MIDDLEMAN))
        self._rung.set()

    def set_dead(self, *, is_dead: bool, is_noticed: bool = True) -> None:
        """Take the lock off the air, or bring it back; told at once, or (as in life) when the next call finds out."""
        self.is_dead = is_dead
        if is_noticed:
            self._notice(is_dead=is_dead)

    def set_stick(self, *, is_there: bool) -> None:
        """Pull the stick, or put it back: nothing is sent without it, and nothing heard."""
        self._has_stick = is_there

    def leave(self) -> None:
        """End the reports: the port is dead."""
        self._left.set()
        self._rung.set()

    def now(self) -> float:
        """The instant the firmware is told, in seconds of the loop."""
        return asyncio.get_running_loop().time()

    async def _to_clock(self, verb: str) -> Trouble | None:
        if self._schedule is None:
            raise Unsupported("this lock has no clock that can be set")
        return await self._send(verb)

    def _slots(self) -> list[Slot]:
        return [Slot(number) for number in self.profile.slots]

    def _check(self, slot: Slot) -> None:
        if slot not in self.profile.slots:
            raise Unsupported(f"slot {slot} is not one of this lock's")

    def _notice(self, *, is_dead: bool) -> None:
        if is_dead is not self._is_thought_dead:
            self._is_thought_dead = is_dead
            self._reports.append(Reachability(not is_dead, "simulated"))
            self._rung.set()

    def _store(self, slot: Slot, digits: str, window: Window | None, at: float) -> WriteResult:
        """Write as a good driver does: never a moment with a PIN that opens outside its window."""
        lock = self.firmware
        if window is None:
            written = lock.write(slot, digits, at)
            if written.claims_success:
                self._free(slot, at)
            return written
        bounds = YearDay(self._minute(window.starts_at), self._minute(window.ends_at))
        held = lock.read(int(slot), at)
        is_in_two_steps = lock.model.schedule_needs_code and (held is None or held.status is Status.AVAILABLE)
        if is_in_two_steps:
            disabled = lock.write(slot, digits, at, is_enabled=False)
            if not disabled.claims_success:
                return disabled
        put = lock.put_schedule(slot, ONLY_SLOT, bounds, at)
        result = lock.write(slot, digits, at) if put.claims_success else put
        if is_in_two_steps and not result.claims_success:
            lock.clear(slot, at)  # what was written in part
        return result

    def _free(self, slot: Slot, at: float) -> None:
        """Let a slot open at any hour: no schedule, and none asked for (a lock may bar who has lost his)."""
        if self._schedule is not None:
            self.firmware.erase_schedule(slot, Kind.YEAR_DAY, None, at)
            self.firmware.bind(slot, at, is_bound=False)

    def _empty(self, slot: Slot, at: float) -> WriteResult:
        cleared = self.firmware.clear(slot, at)
        if cleared.claims_success:
            self._free(slot, at)
        return cleared

    def _is_disabled(self, slot: Slot) -> bool:
        held = self.firmware.read(int(slot), self.now())
        return held is not None and held.status is Status.DISABLED

    def _shows(self, slot: Slot, window: Window) -> bool:
        bounds = YearDay(self._minute(window.starts_at), self._minute(window.ends_at))
        return self.firmware.schedules.get(slot, Kind.YEAR_DAY, ONLY_SLOT) == bounds

    def _minute(self, instant: Instant | None) -> Minute:
        """What the lock's wall shows at an instant, if its clock is right."""
        assert instant is not None, "a window that the schedule took has both ends"
        return minute_of(self.firmware.clock.local_of(instant / SECOND_MS))

    async def _change(
        self, verb: str, act: Callable[[float], WriteResult], window: Window | None = None
    ) -> WriteAnswer:
        trouble = await self._send(verb)
        if trouble is Trouble.LOST_COMMAND or not self._has_stick:
            return Ambiguous("no acknowledgement from the lock")
        result = act(self.now())
        self.speak()
        is_heard = await self._hear(trouble)
        if self._left.is_set():
            return Ambiguous("the connection to the driver broke")
        if not is_heard or not self.profile.supervision_is_honest:
            # The radio's own acknowledgement came; what the lock made of the command did not, or never does.
            return Written(Evidence.ACKNOWLEDGED, window)
        if result.claims_success:
            return Written(Evidence.SUPERVISED, window)
        has_complained = result.refusal is Refusal.DUPLICATE and self.firmware.model.notifies_duplicates
        return Refused(RefusalReason.DUPLICATE if has_complained else RefusalReason.UNSPECIFIED)

    async def _send(self, verb: str) -> Trouble | None:
        """The way to the lock, or the wait for nothing. Whoever is cancelled after it has changed the lock."""
        self.calls[verb] += 1
        self.verbs.append(verb)
        trouble = self.troubles.popleft() if self.troubles else None
        if self._left.is_set():
            raise Unreachable(Part.SERVER, "the connection to the driver is gone")
        if not self.is_dead:
            self.firmware.talk(EXCHANGE_MESSAGES, EXCHANGE_BEAMS, self.now())
        if trouble is Trouble.UNREACHABLE:
            raise Unreachable(Part.LOCK, "the stick could not send")
        if trouble is Trouble.BUSY:
            raise Busy(BUSY_MS, "the stick is busy")
        if self.is_dead:
            trouble = Trouble.LOST_COMMAND
        await asyncio.sleep(ANSWER_LIMIT_S if trouble is Trouble.LOST_COMMAND else CALL_S / 2)
        if trouble is Trouble.LOST_COMMAND:
            self._notice(is_dead=True)
        return trouble

    async def _hear(self, trouble: Trouble | None) -> bool:
        """The way back. Returns whether the answer is heard."""
        if trouble is Trouble.HUNG:
            await asyncio.Event().wait()
        is_heard = trouble is None and not self.is_dead
        if is_heard:
            self._notice(is_dead=False)
        try:
            async with asyncio.timeout(CALL_S / 2 if is_heard else ANSWER_LIMIT_S):
                await self._left.wait()
        except TimeoutError:
            return is_heard
        return False

    def _sighting(self, slot: Slot, source: SightingSource) -> Sighting:
        seen = self.firmware.read(slot, self.now())
        return Sighting(Unknown() if seen is None else _value(seen), source)

    def _interviewed(self) -> dict[Slot, Sighting]:
        """What Z-Wave JS knows of a lock when it arrives: from then on only looks and a told reset change it."""
        held = self.firmware.occupied(self.now())
        return {slot: Sighting(_value(held.get(slot, EMPTY)), SightingSource.MIDDLEMAN) for slot in self._slots()}


def _value(seen: firmware_words.Slot) -> SlotValue:
    match seen.status:
        case Status.AVAILABLE:
            return Empty()
        case Status.DISABLED:
            return Disabled()
        case Status.ENABLED:
            return Held(Pin(seen.shown) if seen.shown.isdigit() else None)


class InProcessDriver(DriverPort):
    """Brings a fixed set of in-process locks; `depart` and `arrive` take one away and bring it back."""

    def __init__(self, locks: list[InProcessLock]) -> None:
        self._changes: asyncio.Queue[Arrival | Departure] = asyncio.Queue()
        self._here: set[LockId] = set()
        for lock in locks:
            self.arrive(lock)

    @override
    async def run(self) -> None:
        await asyncio.Event().wait()

    @override
    async def locks(self) -> AsyncIterator[Arrival | Departure]:
        while True:
            yield await self._changes.get()

    @override
    def condition(self) -> DriverCondition:
        if not self._here:
            return DriverCondition(DriverState.DOWN, "no lock in process; it comes back by itself")
        return DriverCondition(DriverState.READY, "locks in process")

    def arrive(self, lock: InProcessLock) -> None:
        """Bring a lock (again)."""
        self._here.add(lock.lock_id)
        self._changes.put_nowait(Arrival(lock))

    def depart(self, lock: InProcessLock, cause: str) -> None:
        """Take a lock away."""
        lock.leave()
        self._here.discard(lock.lock_id)
        self._changes.put_nowait(Departure(lock.lock_id, cause))
