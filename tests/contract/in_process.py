"""The wire without a wire: the lock port straight onto the firmware."""

import asyncio
from collections.abc import Mapping
from typing import override

from drivers.kit.bench import Door, Mishap, Need, Pins, Timing
from drivers.kit.stage import THEIRS
from drivers.simulator.doors.driver import InProcessDriver, InProcessLock, Trouble
from drivers.simulator.lock.faults import Fault, Faults
from drivers.simulator.lock.firmware import Firmware, How, PressOutcome
from gateway.model.ids import LockId, Slot
from gateway.model.instant import SECOND_MS, Instant
from gateway.model.pin import Pin
from gateway.ports import DriverPort
from tests.contract.kinds import LOCKOUT_S, Kind, lacking_of, pins_of

LOCK = LockId("lock")
TIMING = Timing(quiet_s=0.5, commit_late_s=2.5, lockout_s=LOCKOUT_S + 0.5, call_s=70.0, return_s=60.0)
"""Seconds of a virtual clock; the late commit of the simulator takes 2 s."""

RIGHT_TIME_S = 1_800_000_000
"""Where the lock's clock stands when a scene begins, in seconds since 1970: some day of January 2027."""


def armed_as(mishap: Mishap) -> Fault | None:
    """The fault of the simulated lock itself that a mishap is; None for one that happens on the way to it."""
    return {
        Mishap.REFUSE: Fault.REFUSE_WRITE,
        Mishap.DROP: Fault.SILENT_REFUSE,
        Mishap.COMMIT_LATE: Fault.COMMIT_LATE,
    }.get(mishap)


class FirmwareDoor(Door):
    """Hands and truth of a firmware in this process; what differs from wire to wire is left to the heirs."""

    def __init__(self, firmware: Firmware, faults: Faults) -> None:
        self.firmware = firmware
        self.faults = faults
        firmware.clock.set(RIGHT_TIME_S, self._now())

    def tell(self) -> None:
        """Carry what the firmware has to say to the wire."""
        raise AssertionError("each wire has its own way")

    @override
    async def memory(self) -> Mapping[Slot, Pin]:
        slots = self.firmware.occupied(self._now())
        return {Slot(number): Pin(slot.pin) for number, slot in slots.items() if slot.pin and slot.status == "enabled"}

    @override
    async def press(self, pin: Pin) -> bool:
        outcome = self.firmware.press(pin.reveal(), self._now()).outcome
        self.tell()
        return outcome is PressOutcome.OPENED

    @override
    async def program(self, slot: Slot, pin: Pin) -> None:
        assert self.firmware.program_at_keypad(slot, pin.reveal(), self._now()).is_ok
        self.tell()

    @override
    async def erase(self, slot: Slot) -> None:
        assert self.firmware.delete_at_keypad(slot, self._now()).is_ok
        self.tell()

    @override
    async def reset(self) -> None:
        self.firmware.factory_reset(self._now())
        self.tell()

    @override
    async def wipe(self) -> None:
        self.firmware.wipe(self._now())
        self.tell()

    @override
    async def turn(self, *, is_locked: bool) -> None:
        if is_locked:
            self.firmware.lock(self._now(), How.MANUAL)
        else:
            self.firmware.unlock(self._now(), How.MANUAL)
        self.tell()

    @override
    async def jam(self) -> None:
        self.firmware.jam(self._now())
        self.tell()

    @override
    async def battery(self, percent: int) -> None:
        self.firmware.set_battery(percent, self._now())
        self.tell()

    @override
    async def tamper(self) -> None:
        self.firmware.move_cover(self._now(), is_open=True)
        self.tell()

    @override
    async def clock(self) -> Instant:
        return Instant(round(self.firmware.clock.utc_s(self._now()) * SECOND_MS))

    def _now(self) -> float:
        return asyncio.get_running_loop().time()


class InProcessDoor(FirmwareDoor):
    """The door of the port straight onto the firmware."""

    def __init__(self, firmware: Firmware, faults: Faults) -> None:
        super().__init__(firmware, faults)
        self.lock = InProcessLock(LOCK, firmware)
        self.driver = InProcessDriver([self.lock])

    @override
    def tell(self) -> None:
        self.lock.speak()

    @override
    async def strike(self, mishap: Mishap) -> None:
        fault = armed_as(mishap)
        if fault is not None:
            self.faults.arm(fault, times=1)
        else:
            troubles = {Mishap.LOSE_COMMAND: Trouble.LOST_COMMAND, Mishap.LOSE_REPORT: Trouble.LOST_ANSWER}
            self.lock.troubles.append(troubles[mishap])

    @override
    async def set_reach(self, *, is_reachable: bool) -> None:
        self.lock.set_dead(is_dead=not is_reachable, is_noticed=False)

    @override
    async def cut(self) -> None:
        self.driver.depart(self.lock, "the line was cut")

    @override
    async def mend(self) -> None:
        self.lock = InProcessLock(LOCK, self.firmware)
        self.driver.arrive(self.lock)

    @override
    async def unplug(self) -> None:
        self.lock.set_stick(is_there=False)

    @override
    async def plug(self) -> None:
        self.lock.set_stick(is_there=True)


class InProcessBench:
    """A fresh lock for one scene. Make it inside the loop that plays the scene."""

    lock_id = LOCK
    timing = TIMING

    def __init__(self, kind: Kind) -> None:
        model = kind.model()
        self.pins: Pins = pins_of(model)
        self.lacking: Mapping[Need, str] = lacking(kind)
        faults = Faults(lambda: 0.0)
        memory = {int(THEIRS): self.pins.theirs.reveal()}
        self.door = InProcessDoor(Firmware(model, memory=memory, strikes=faults.strikes), faults)

    def driver(self) -> DriverPort:
        return self.door.driver


def lacking(kind: Kind) -> Mapping[Need, str]:
    """What a lock of this kind lacks on this wire."""
    return {**lacking_of(kind.model()), Need.REPEAT_COMMAND: "there is no radio that could repeat a call"}
