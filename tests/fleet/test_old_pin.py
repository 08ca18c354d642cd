"""The old PIN goes with the call where the hub knows it, and is forgotten once it is proven gone (A11)."""

from collections.abc import Callable
from pathlib import Path
from typing import override

import pytest

from drivers.simulator.doors.driver import InProcessLock
from drivers.simulator.lock.firmware import Firmware, Status
from drivers.simulator.lock.profiles import shipped_model
from gateway.fleet import steps
from gateway.fleet.looks import Bench
from gateway.model.answers import WriteAnswer
from gateway.model.commands import CreateAccessCode, DeleteAccessCode, UpdateAccessCode
from gateway.model.ids import CodeId, Slot
from gateway.model.instant import DAY_MS, Instant
from gateway.model.pin import Pin
from gateway.model.slot import Operation, Outcome, SightedAs, SlotRecord
from gateway.model.snapshot import LockSettings
from gateway.model.window import Window
from gateway.planner.actions import ClearSlot, Reason, Urgency, WriteSlot
from gateway.planner.audit import AUDIT_EVERY_MS
from gateway.store import placed
from gateway.store.database import Connection, Database
from gateway.store.seal import PinSeal
from tests.builders import FRONT, LEAD_MS, NOON, SeededEntropy
from tests.fleet.test_worker import KEYS, hub, until

SEAL = PinSeal(KEYS, SeededEntropy().token)


class RecordingLock(InProcessLock):
    """Remembers which old PIN came with which call."""

    def __init__(self) -> None:
        super().__init__(FRONT, Firmware(shipped_model("plain_v1")))
        self.olds: list[tuple[str, Pin | None]] = []

    @override
    async def write_slot(self, slot: Slot, pin: Pin, *, window: Window | None, old_pin: Pin | None) -> WriteAnswer:
        self.olds.append(("write", old_pin))
        return await super().write_slot(slot, pin, window=window, old_pin=old_pin)

    @override
    async def clear_slot(self, slot: Slot, *, old_pin: Pin | None) -> WriteAnswer:
        self.olds.append(("clear", old_pin))
        return await super().clear_slot(slot, old_pin=old_pin)


async def test_a11_the_old_pin_goes_with_the_call_and_is_forgotten_when_gone(tmp_path: Path) -> None:
    lock = RecordingLock()
    async with hub(tmp_path / "hub.db", locks={FRONT: lock}) as house:

        def placed(con: Connection) -> int:
            return len(con.execute("SELECT 1 FROM placed_pin").fetchall())

        async def told(kind: str) -> None:
            async def is_told() -> bool:
                return kind in await house.kinds()

            await until(is_told)

        await house.order(CreateAccessCode(CodeId("owner"), FRONT, "Owner", Pin("2580")))
        await told("access_code.set_on_device")
        assert await house.database.read(placed) == 1
        await house.order(UpdateAccessCode(CodeId("owner"), pin=Pin("3691")), "access_code.update")
        await told("access_code.code_changed")
        assert await house.database.read(placed) == 1
        await house.order(DeleteAccessCode(CodeId("owner")), "access_code.delete")
        await told("access_code.deleted")
        assert lock.olds == [("write", None), ("write", Pin("2580")), ("clear", Pin("3691"))]
        assert await house.database.read(placed) == 0


class WindowOnlyLock(InProcessLock):
    """Changes the window alone where it is told that the very PIN is in the slot already, as the Z-Wave driver does."""

    def __init__(self) -> None:
        super().__init__(FRONT, Firmware(shipped_model("timed")))
        self.olds: list[Pin | None] = []

    @override
    async def write_slot(self, slot: Slot, pin: Pin, *, window: Window | None, old_pin: Pin | None) -> WriteAnswer:
        self.olds.append(old_pin)
        before = self.firmware.read(slot, self.now())
        answer = await super().write_slot(slot, pin, window=window, old_pin=old_pin)
        if window is not None and pin == old_pin:
            kept = "" if before is None else before.pin or ""
            is_enabled = before is not None and before.status is Status.ENABLED
            self.firmware.write(slot, kept, self.now(), is_enabled=is_enabled)
        return answer


def program(lock: InProcessLock) -> None:
    lock.firmware.program_at_keypad(1, "9999", lock.now())


def switch_off(lock: InProcessLock) -> None:
    lock.firmware.switch_at_keypad(1, lock.now(), is_enabled=False)


@pytest.mark.parametrize("hand", [program, switch_off])
async def test_a7_a_pin_that_the_lock_does_not_show_is_written_again_and_not_its_window_alone(
    tmp_path: Path, hand: Callable[[InProcessLock], None]
) -> None:
    """The ledger's own PIN went with the repair as "in the slot", so the driver wrote a window around somebody else's."""
    lock = WindowOnlyLock()
    async with hub(tmp_path / "hub.db", locks={FRONT: lock}) as house:

        async def told(times: int) -> None:
            async def is_told() -> bool:
                return (await house.kinds()).count("access_code.set_on_device") >= times

            await until(is_told)

        ends_at = Instant(NOON + 5 * DAY_MS)
        await house.order(CreateAccessCode(CodeId("guest"), FRONT, "Guest", Pin("2580"), NOON, ends_at))
        await told(1)
        hand(lock)
        house.pass_time(AUDIT_EVERY_MS)
        await told(2)
        assert house.pins() == {1: "2580"}
        assert lock.olds[-1] != Pin("2580")
        held = lock.firmware.read(1, lock.now())
        assert held is not None
        assert held.status is Status.ENABLED


async def test_a2_a_pin_that_the_lock_shows_goes_along_when_its_window_changes(tmp_path: Path) -> None:
    lock = WindowOnlyLock()
    async with hub(tmp_path / "hub.db", locks={FRONT: lock}) as house:
        ends_at = Instant(NOON + 2 * DAY_MS)
        await house.order(CreateAccessCode(CodeId("guest"), FRONT, "Guest", Pin("2580"), NOON, ends_at))

        async def is_written() -> bool:
            return len(lock.olds) == 1 and "access_code.set_on_device" in await house.kinds()

        await until(is_written)
        longer = Instant(ends_at + DAY_MS)
        await house.order(UpdateAccessCode(CodeId("guest"), ends_at=longer), "access_code.update")

        async def is_changed() -> bool:
            return len(lock.olds) == 2

        await until(is_changed)
        assert lock.olds == [None, Pin("2580")]


@pytest.mark.parametrize(
    ("sighted", "shown", "old_pin"),
    [
        (SightedAs.HELD, "2580", "2580"),
        (SightedAs.HELD, "3691", "3691"),
        (SightedAs.HELD, "9999", None),
        (SightedAs.HELD, None, None),
        (SightedAs.MASKED, None, None),
        (SightedAs.DISABLED, None, None),
        (SightedAs.UNKNOWN, None, None),
        (SightedAs.EMPTY, None, None),
    ],
)
async def test_a7_a_write_is_given_only_an_old_pin_that_the_lock_shows_and_a_clear_our_best_guess(
    tmp_path: Path, sighted: SightedAs, shown: str | None, old_pin: str | None
) -> None:
    """An edit from 3691 to 2580 that was refused: what is in the slot now says the lock alone."""
    intended, proven = SEAL.digest(Pin("2580")), SEAL.digest(Pin("3691"))
    record = SlotRecord(
        Slot(1),
        lease=CodeId("guest"),
        operation=Operation.WRITE,
        outcome=Outcome.REFUSED,
        intended=intended,
        intended_at=NOON,
        proven=proven,
        sighted=sighted,
        sighted_digest=None if shown is None else SEAL.digest(Pin(shown)),
        sighted_at=NOON,
    )
    write = WriteSlot(Slot(1), CodeId("guest"), intended, 1, Reason.WRITE, NOON)
    clear = ClearSlot(Slot(1), CodeId("guest"), Reason.REMOVE, NOON, Urgency.REMOVE)
    bench = Bench(FRONT, LockSettings(LEAD_MS), SEAL, SeededEntropy())

    def handed_over(con: Connection) -> tuple[Pin | None, Pin | None]:
        for pin in (Pin("2580"), Pin("3691")):
            placed.put(con, FRONT, Slot(1), SEAL.digest(pin), SEAL.seal(pin, FRONT, CodeId("guest")))
        return steps.pin_in(con, bench, record, write), steps.pin_in(con, bench, record, clear)

    guess = None if sighted is SightedAs.EMPTY else Pin("2580")
    async with await Database.open(tmp_path / "hub.db", KEYS.page_key) as database:
        assert await database.write(handed_over) == (None if old_pin is None else Pin(old_pin), guess)
