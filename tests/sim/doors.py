"""Locks on doors, over all lives of the hub: real firmware, watched memory, an unkind radio, people's hands.

A `Door` stays; its `port` is what one life of the hub gets to talk to it. What people do at the keypad while the hub does not
hear it stays in `unheard` until the hub has seen what is in that slot: nobody can be blamed for what nobody told them.
"""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Coroutine, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol, override

from drivers.simulator.doors.driver import InProcessLock, Trouble
from drivers.simulator.lock.faults import Fault
from drivers.simulator.lock.firmware import (
    COMMIT_LATE_S,
    Firmware,
    How,
    PressOutcome,
    Refusal,
    Slot,
    Status,
    WriteResult,
)
from drivers.simulator.lock.profiles import LockModel
from gateway.model.answers import Held, Listing, Sighting, Unknown, WriteAnswer, Written
from gateway.model.failures import LockFailure
from gateway.model.ids import LockId
from gateway.model.ids import Slot as SlotNumber
from gateway.model.instant import Instant
from gateway.model.pin import Pin
from gateway.model.reports import Reachability, Report, SlotChanged
from gateway.model.window import Window


class Actor(StrEnum):
    """Who changed a lock's memory."""

    HUB = "hub"
    HAND = "hand"


class Verb(StrEnum):
    """What the hub asked of a lock."""

    READ = "read"
    WRITE = "write"
    CLEAR = "clear"
    LIST = "list"


@dataclass(frozen=True, slots=True)
class Change:
    """A slot's content changed: the PINs before and after, None for an empty slot."""

    slot: int
    before: str | None
    after: str | None
    actor: Actor


@dataclass(slots=True)
class Radio:
    """How unkind the way to this lock is. Rates are per call; `troubles` says which of them exist in this world."""

    trouble_rate: float = 0.0
    troubles: tuple[Trouble, ...] = ()
    fault_rates: dict[Fault, float] = field(default_factory=dict)


class Watcher(Protocol):
    """Who looks on."""

    def on_call(self, door: "Door", verb: Verb, slot: int | None, pin: str | None) -> None:
        """The hub begins a call."""
        ...

    def on_change(self, door: "Door", change: Change) -> None:
        """A lock's memory changed."""
        ...

    def on_refusal(self, door: "Door", slot: int, pin: str, why: Refusal) -> None:
        """The lock did not take a PIN of the hub's."""
        ...

    def on_disturbance(self, door: "Door", what: str) -> None:
        """Something went wrong that the hub has to get over."""
        ...


class WatchedFirmware(Firmware):
    """The lock's own program, with somebody looking at its memory."""

    def __init__(self, door: "Door", model: LockModel, memory: Mapping[int, str]) -> None:
        super().__init__(model, memory=memory, strikes=door.strikes)
        self._door = door
        self._actor = Actor.HAND
        self._late_actors: dict[int, Actor] = {}

    def pins(self) -> dict[int, str]:
        """The PINs that open the door now, by slot."""
        return {
            number: slot.pin
            for number, slot in sorted(self._slots.items())
            if slot.status is Status.ENABLED and slot.pin is not None
        }

    def is_settling(self, slot: int) -> bool:
        """Whether a change of this slot was accepted and has not landed yet."""
        return any(late.user_id == slot for late in self._late)

    def is_leaving(self, slot: int) -> bool:
        """Whether the lock said that this slot is empty and still holds what was there."""
        return any(late.user_id == slot and late.slot is None for late in self._late)

    @override
    def write(self, user_id: int, pin: str, at: float, *, is_enabled: bool = True) -> WriteResult:
        self._actor = Actor.HUB
        result = super().write(user_id, pin, at, is_enabled=is_enabled)
        if result.refusal is not None:
            self._door.watcher.on_refusal(self._door, user_id, pin, result.refusal)
        return result

    @override
    def clear(self, user_id: int, at: float) -> WriteResult:
        self._actor = Actor.HUB
        return super().clear(user_id, at)

    @override
    def program_at_keypad(self, user_id: int, pin: str, at: float) -> WriteResult:
        self._actor = Actor.HAND
        return super().program_at_keypad(user_id, pin, at)

    @override
    def delete_at_keypad(self, user_id: int, at: float) -> WriteResult:
        self._actor = Actor.HAND
        return super().delete_at_keypad(user_id, at)

    @override
    def _commit(self, user_id: int, slot: Slot | None, at: float) -> None:
        self._late_actors[user_id] = self._actor
        super()._commit(user_id, slot, at)
        if self.is_settling(user_id):
            self._door.wake_at(at + COMMIT_LATE_S)

    @override
    def _store(self, user_id: int, slot: Slot | None) -> None:
        before = self._slots.get(user_id)
        super()._store(user_id, slot)
        actor = self._late_actors.get(user_id, self._actor)
        self._door.changed(
            Change(user_id, None if before is None else before.pin, None if slot is None else slot.pin, actor)
        )

    @override
    def _empty(self) -> None:
        before = self.pins()
        super()._empty()
        for slot, pin in before.items():
            self._door.changed(Change(slot, pin, None, Actor.HAND))


class Door:
    """One lock, for as long as the world lasts."""

    def __init__(
        self, lock_id: str, model: LockModel, watcher: Watcher, chance: random.Random, memory: Mapping[int, str] = {}
    ) -> None:
        self.lock_id = LockId(lock_id)
        self.model = model
        self.radio = Radio()
        self.is_deaf = False
        self.unheard: set[int] = set()
        self.veiled: set[int] = set()
        """Slots of which the lock's last word was a notice with asterisks: some locks that show PINs when asked do not tell them by themselves."""
        self.unanswered: set[int] = set()
        """Slots of which the hub does not know how its last write or clear ended."""
        self.touched: dict[int, float] = {}
        """When a hand last changed a slot."""
        self.calls: Counter[Verb] = Counter()
        self.struck: Counter[str] = Counter()
        self.clock_asked_s: float | None = None
        """When the hub last looked at the lock's clock."""
        self.port: WorldLock | None = None
        self.watcher = watcher
        self.chance = chance
        self.firmware = WatchedFirmware(self, model, memory)

    def new_port(self) -> "WorldLock":
        """What the next life of the hub, or of its driver, talks to."""
        self.firmware.drain_notices()
        self.port = WorldLock(self)
        return self.port

    def no_port(self) -> None:
        self.port = None

    def strikes(self, fault: Fault) -> bool:
        """Whether the lock itself misbehaves now."""
        rate = self.radio.fault_rates.get(fault, 0.0)
        if rate == 0.0 or self.chance.random() >= rate:
            return False
        self.struck[fault.value] += 1
        self.watcher.on_disturbance(self, fault.value)
        return True

    def changed(self, change: Change) -> None:
        self.veiled.discard(change.slot)
        if change.actor is Actor.HAND:
            self.unheard.add(change.slot)
            self.touched[change.slot] = asyncio.get_running_loop().time()
        self.watcher.on_change(self, change)

    # Hands at the door.

    def program(self, slot: int, pin: str, at: float) -> bool:
        """Somebody stores a PIN with the master code."""
        is_done = self.firmware.program_at_keypad(slot, pin, at).is_ok
        self._tell()
        return is_done

    def erase(self, slot: int, at: float) -> None:
        """Somebody empties a slot."""
        self.firmware.delete_at_keypad(slot, at)
        self._tell()

    def press(self, digits: str, at: float) -> PressOutcome:
        """Somebody types digits, and locks the door again."""
        outcome = self.firmware.press(digits, at).outcome
        if outcome is PressOutcome.OPENED:
            self.firmware.lock(at, How.MANUAL)
        self._tell()
        return outcome

    def reset(self, at: float, *, is_told: bool) -> None:
        """Somebody empties the lock by the button inside, or its memory is lost."""
        if is_told:
            self.firmware.factory_reset(at)
        else:
            self.firmware.wipe(at)
        self._tell()

    def set_battery(self, percent: int, at: float) -> None:
        """Use the battery up, or change it."""
        self.firmware.set_battery(percent, at)
        self._tell()

    def change_batteries(self, at: float) -> None:
        """The batteries are out and in again: the lock has lost the time, and few say so."""
        self.firmware.lose_power(at)
        self._tell()

    def set_deaf(self, *, is_deaf: bool) -> None:
        """The lock leaves the radio, or comes back."""
        self.is_deaf = is_deaf
        if is_deaf:
            self.struck["lock_deaf"] += 1
        self.watcher.on_disturbance(self, "deaf" if is_deaf else "back")
        if self.port is not None:
            self.port.set_dead(is_dead=is_deaf)

    def wake_at(self, due: float) -> None:
        """Let the lock do then what time alone does."""
        loop = asyncio.get_running_loop()

        def wake() -> None:
            self.firmware.advance(loop.time())
            self._tell()

        loop.call_at(due, wake)

    def _tell(self) -> None:
        if self.port is None:
            self.firmware.drain_notices()
        else:
            self.port.speak()


class WorldLock(InProcessLock):
    """The in-process door with an unkind radio in front of it."""

    def __init__(self, door: Door) -> None:
        super().__init__(door.lock_id, door.firmware)
        self._door = door
        self.is_dead = door.is_deaf
        if door.is_deaf:
            self._reports.append(Reachability(is_reachable=False, cause="does not answer"))

    @override
    async def reports(self) -> AsyncIterator[Report]:
        async for report in super().reports():
            yield report
            # Asked for the next one: the hub has taken this one into its books.
            if isinstance(report, SlotChanged) and report.slot is not None:
                self._door.unheard.discard(int(report.slot))
                if report.sighting is not None and report.sighting.value == Held(None):
                    self._door.veiled.add(int(report.slot))

    @override
    async def read_slot(self, slot: SlotNumber) -> Sighting:
        self._begin(Verb.READ, int(slot), None)
        seen = await self._watched(int(slot), super().read_slot(slot))
        if isinstance(seen.value, Unknown):
            self._fail("unanswered")
        elif seen.value == Held(None):
            # Asterisks do not show whose PIN it is: what a hand put there unheard stays unheard.
            self._door.unanswered.discard(int(slot))
        else:
            self._door.veiled.discard(int(slot))
            self._succeed(int(slot))
        return seen

    @override
    async def write_slot(
        self, slot: SlotNumber, pin: Pin, *, window: Window | None, old_pin: Pin | None
    ) -> WriteAnswer:
        self._begin(Verb.WRITE, int(slot), pin.reveal())
        return await self._watched(int(slot), super().write_slot(slot, pin, window=window, old_pin=old_pin))

    @override
    async def clear_slot(self, slot: SlotNumber, *, old_pin: Pin | None) -> WriteAnswer:
        self._begin(Verb.CLEAR, int(slot), None)
        return await self._watched(int(slot), super().clear_slot(slot, old_pin=old_pin))

    @override
    async def get_clock(self) -> Instant:
        shown = await super().get_clock()
        self._door.clock_asked_s = self.now()
        return shown

    @override
    async def read_all(self) -> Listing:
        self._begin(Verb.LIST, None, None)
        return await super().read_all()

    def _begin(self, verb: Verb, slot: int | None, pin: str | None) -> None:
        door = self._door
        door.calls[verb] += 1
        door.watcher.on_call(door, verb, slot, pin)
        if slot is not None and verb in {Verb.WRITE, Verb.CLEAR}:
            door.unanswered.add(slot)
        if verb is not Verb.LIST and door.radio.troubles and door.chance.random() < door.radio.trouble_rate:
            trouble = door.chance.choice(door.radio.troubles)
            door.struck[trouble.value] += 1
            door.watcher.on_disturbance(door, trouble.value)
            self.troubles.append(trouble)

    async def _watched[T](self, slot: int, call: Coroutine[Any, Any, T]) -> T:
        try:
            answer = await call
        except (LockFailure, asyncio.CancelledError):
            self._fail("not done")
            raise
        if isinstance(answer, Written):
            self._succeed(slot)
        elif not isinstance(answer, Sighting):
            self._fail(type(answer).__name__)
        return answer

    def _succeed(self, slot: int) -> None:
        self._door.unheard.discard(slot)
        self._door.unanswered.discard(slot)

    def _fail(self, how: str) -> None:
        self._door.watcher.on_disturbance(self._door, how)
