"""Scars of others, as named tests: what other products got wrong with real locks, played on the whole fleet (A7, A15).

Each test tells the story of a fault that was met in the field with another product; the hub's inside is real, the lock is the
simulated firmware, and only the clock and the radio are ours.
"""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import override

import pytest

from drivers.simulator.doors.driver import InProcessLock
from drivers.simulator.lock.faults import Fault
from drivers.simulator.lock.firmware import Firmware
from drivers.simulator.lock.profiles import Duplicates, LockModel, shipped_model
from gateway.model import ledger
from gateway.model.answers import Empty, Held, Sighting, SightingSource
from gateway.model.commands import CreateAccessCode, DeleteAccessCode, UpdateAccessCode
from gateway.model.ids import CodeId, Slot
from gateway.model.instant import DAY_MS, HOUR_MS, MINUTE_MS, Instant
from gateway.model.pin import Pin
from gateway.planner.audit import AUDIT_EVERY_MS
from gateway.store import codes, slots
from gateway.store.database import Connection
from tests.builders import FRONT, NOON, FakeClock
from tests.fleet.test_worker import Hub, hub, until

SETTLED_S = 0.05
"""Long enough for a worker that has something to do to begin it: it would take milliseconds."""


def make_lock(model: LockModel, memory: dict[int, str] | None = None) -> InProcessLock:
    return InProcessLock(FRONT, Firmware(model, memory=memory or {}))


async def create(house: Hub, name: str, pin: str, starts_ms: int | None = None, ends_ms: int | None = None) -> None:
    starts_at = None if starts_ms is None else Instant(house.clock.now + starts_ms)
    ends_at = None if ends_ms is None else Instant(house.clock.now + ends_ms)
    receipt = await house.order(CreateAccessCode(CodeId(name), FRONT, name, Pin(pin), starts_at, ends_at))
    assert receipt.rejection is None


async def told(house: Hub, kind: str, times: int = 1) -> None:
    """Wait until so many events of a kind were told, with the clock going on where the hub waits for it."""

    async def is_told() -> bool:
        if (await house.kinds()).count(kind) >= times:
            return True
        house.pass_time(15_000)
        return False

    await until(is_told)


async def is_calm(house: Hub) -> None:
    house.ring()
    await asyncio.sleep(SETTLED_S)


async def stored_pin(house: Hub, name: str) -> Pin:
    sealed = await house.database.read(lambda con: codes.sealed_pin(con, CodeId(name)))
    assert sealed is not None
    return house.desk.seal.open(sealed, FRONT, CodeId(name))


async def test_a_masked_read_back_never_overwrites_the_stored_pin(tmp_path: Path) -> None:
    """LCM: asterisks of a read were kept as the PIN, and later sent to the lock."""
    async with hub(tmp_path / "hub.db", "masked") as house:
        await create(house, "owner", "2580")
        await told(house, "access_code.set_on_device")
        house.pass_time(AUDIT_EVERY_MS)

        async def is_audited() -> bool:
            return house.locks[FRONT].calls["read"] >= 2

        await until(is_audited)
        assert await stored_pin(house, "owner") == Pin("2580")
        house.locks[FRONT].firmware.factory_reset(house.locks[FRONT].now())
        house.locks[FRONT].speak()
        await told(house, "access_code.set_on_device", 2)
        assert house.pins() == {1: "2580"}


async def test_masked_slots_are_not_rewritten_after_a_restart(tmp_path: Path) -> None:
    """LCM: after each restart every masked slot was written again."""
    clock = FakeClock()
    async with hub(tmp_path / "hub.db", "masked", clock=clock) as house:
        for number in range(3):
            await create(house, f"code-{number}", f"258{number}")
        await told(house, "access_code.set_on_device", 3)
        firmware = house.locks[FRONT].firmware
    again = InProcessLock(FRONT, firmware)
    async with hub(tmp_path / "hub.db", clock=clock, locks={FRONT: again}) as house:
        await is_calm(house)
        house.pass_time(HOUR_MS)
        await is_calm(house)
        assert (again.calls["write"], again.calls["clear"]) == (0, 0)


async def test_a_duplicate_that_the_lock_refuses_silently_is_never_told_as_set(tmp_path: Path) -> None:
    """Rental Control: the lock dropped a PIN that another slot held, said nothing, and the guest stood at the door."""
    model = replace(shipped_model("no_supervision"), duplicates=Duplicates.SILENT, is_masked=True)
    lock = make_lock(model, {5: "2580"})
    async with hub(tmp_path / "hub.db", locks={FRONT: lock}) as house:
        await create(house, "guest", "2580")
        await told(house, "access_code.failed_to_set_on_device")
        kinds = await house.kinds()
        assert "access_code.set_on_device" not in kinds
        assert "access_code.delay_in_setting_on_device" in kinds
        assert house.pins() == {5: "2580"}


class ZeroesLock(InProcessLock):
    """Shows four zeros, as if they were a PIN, in a slot that was cleared (Schlage BE469 with some firmwares)."""

    cleared: set[int]

    def __init__(self) -> None:
        super().__init__(FRONT, Firmware(replace(shipped_model("no_supervision"), is_masked=False)))
        self.cleared = set()

    @override
    async def clear_slot(self, slot: Slot, *, old_pin: Pin | None) -> object:  # type: ignore[override] # as its parent's
        self.cleared.add(slot)
        return await super().clear_slot(slot, old_pin=old_pin)

    @override
    async def read_slot(self, slot: Slot) -> Sighting:
        seen = await super().read_slot(slot)
        is_zeros = seen.value == Empty() and slot in self.cleared
        return Sighting(Held(Pin("0000")), SightingSource.LOCK) if is_zeros else seen


async def test_four_zeros_after_a_clear_are_an_empty_slot_and_no_loop(tmp_path: Path) -> None:
    """Keymaster: a cleared slot read 0000, was taken for a code, and cleared for ever."""
    lock = ZeroesLock()
    async with hub(tmp_path / "hub.db", locks={FRONT: lock}) as house:
        await create(house, "owner", "2580")
        await told(house, "access_code.set_on_device")
        await house.order(DeleteAccessCode(CodeId("owner")), "access_code.delete")
        await told(house, "access_code.deleted")
        assert lock.calls["clear"] == 1
        house.pass_time(HOUR_MS)
        await is_calm(house)
        assert lock.calls["clear"] == 1


@pytest.mark.parametrize("profile", ["plain_v1", "masked", "no_supervision"])
async def test_a_code_that_is_set_is_neither_added_nor_removed_again(tmp_path: Path, profile: str) -> None:
    """Keymaster: child and parent lock added and removed one code in turn, and a battery was flat in a day."""
    async with hub(tmp_path / "hub.db", profile) as house:
        await create(house, "owner", "2580")
        await told(house, "access_code.set_on_device")
        before = house.locks[FRONT].calls.copy()
        for _ in range(24):
            house.pass_time(HOUR_MS)
            await asyncio.sleep(0.01)
        after = house.locks[FRONT].calls
        assert (after["write"], after["clear"]) == (before["write"], before["clear"])
        assert after["read"] - before["read"] <= DAY_MS // AUDIT_EVERY_MS


async def test_asterisks_that_are_sent_again_and_again_cause_no_write(tmp_path: Path) -> None:
    """LCM: a lock that repeated its masked report was rewritten every seven seconds."""
    async with hub(tmp_path / "hub.db", "masked") as house:
        await create(house, "owner", "2580")
        await told(house, "access_code.set_on_device")
        before = house.locks[FRONT].calls.copy()
        asterisks = Sighting(Held(None), SightingSource.LOCK)

        def show_again(con: Connection) -> None:
            record = slots.get(con, FRONT, Slot(1))
            slots.put(con, FRONT, ledger.sighted(record, asterisks, house.clock.now, house.desk.seal.digest))

        for _ in range(20):
            house.pass_time(7_000)
            await house.database.write(show_again)
            await is_calm(house)
        assert house.locks[FRONT].calls == before
        assert (await house.kinds()).count("access_code.set_on_device") == 1


async def test_a_clear_that_takes_effect_late_is_not_told_before_it_has(tmp_path: Path) -> None:
    """Keymaster: every clear that took its time was logged as a failure; others called it done before it was."""
    strikes = iter([False] * 1 + [True] + [False] * 99)
    firmware = Firmware(
        replace(shipped_model("no_supervision"), is_masked=False),
        strikes=lambda fault: fault is Fault.COMMIT_LATE and next(strikes),
    )
    lock = InProcessLock(FRONT, firmware)
    async with hub(tmp_path / "hub.db", locks={FRONT: lock}) as house:
        await create(house, "owner", "2580")
        await told(house, "access_code.set_on_device")
        await house.order(DeleteAccessCode(CodeId("owner")), "access_code.delete")

        async def is_removed() -> bool:
            if "access_code.removed_from_device" in await house.kinds():
                assert house.pins() == {}
                return True
            house.pass_time(5_000)
            return False

        await until(is_removed)


async def test_an_extended_stay_moves_the_end_and_touches_nothing_on_the_lock(tmp_path: Path) -> None:
    """Rental Control: an extension was ignored, or took the guest's code off and put it on again."""
    async with hub(tmp_path / "hub.db") as house:
        await create(house, "guest", "2580", ends_ms=2 * HOUR_MS)
        await told(house, "access_code.set_on_device")
        before = house.locks[FRONT].calls.copy()
        longer = Instant(house.clock.now + 5 * HOUR_MS)
        await house.order(UpdateAccessCode(CodeId("guest"), ends_at=longer), "access_code.update")
        await told(house, "access_code.time_frame_changed")
        house.pass_time(3 * HOUR_MS)
        await is_calm(house)
        assert house.pins() == {1: "2580"}
        assert house.locks[FRONT].calls == before
        house.pass_time(2 * HOUR_MS)
        await told(house, "access_code.removed_from_device")
        assert house.pins() == {}


async def test_a_hub_that_was_unplugged_for_two_days_first_removes_the_stay_that_ended_meanwhile(
    tmp_path: Path,
) -> None:
    """Seam's just-in-time codes stay live until the hub is back; then the end must be the first thing it does."""
    clock = FakeClock()
    async with hub(tmp_path / "hub.db", clock=clock) as house:
        await create(house, "guest", "2580", ends_ms=DAY_MS)
        await told(house, "access_code.set_on_device")
        await create(house, "next", "1470", starts_ms=2 * DAY_MS - HOUR_MS, ends_ms=5 * DAY_MS)
        firmware = house.locks[FRONT].firmware
    clock.move(2 * DAY_MS)
    again = InProcessLock(FRONT, firmware)
    async with hub(tmp_path / "hub.db", clock=clock, locks={FRONT: again}) as house:
        await told(house, "access_code.set_on_device", 2)
        assert "2580" not in house.pins().values()
        assert "1470" in house.pins().values()
        assert again.verbs[0] == "clear"
        assert "access_code.removed_from_device" in await house.kinds()


async def test_two_codes_that_trade_pins_end_with_each_others(tmp_path: Path) -> None:
    """Z-Wave locks refuse a PIN that another slot holds: a plain exchange fails on both, for ever."""
    async with hub(tmp_path / "hub.db") as house:
        await create(house, "one", "1470")
        await create(house, "two", "2580")
        await told(house, "access_code.set_on_device", 2)
        # A third PIN keeps the orders apart: the same PIN for two living codes is refused when ordered (A10).
        await house.order(UpdateAccessCode(CodeId("one"), pin=Pin("3691")), "access_code.update")
        await house.order(UpdateAccessCode(CodeId("two"), pin=Pin("1470")), "access_code.update")
        await house.order(UpdateAccessCode(CodeId("one"), pin=Pin("2580")), "access_code.update")

        async def is_traded() -> bool:
            house.pass_time(5_000)
            return sorted(str(pin) for pin in house.pins().values()) == ["1470", "2580"] and (
                (await house.kinds()).count("access_code.code_changed") >= 2
            )

        await until(is_traded)
        assert house.pins() == {1: "2580", 2: "1470"}


async def test_one_pin_serves_two_stays_that_do_not_meet(tmp_path: Path) -> None:
    """Seam declines the same PIN for disjoint stays; under just-in-time the slot is empty between them."""
    async with hub(tmp_path / "hub.db") as house:
        await create(house, "first", "2580", ends_ms=2 * HOUR_MS)
        await create(house, "second", "2580", starts_ms=4 * HOUR_MS, ends_ms=6 * HOUR_MS)
        await told(house, "access_code.set_on_device")
        house.pass_time(2 * HOUR_MS)
        await told(house, "access_code.removed_from_device")
        house.clock.now = Instant(NOON + 4 * HOUR_MS)
        await told(house, "access_code.set_on_device", 2)
        assert list(house.pins().values()) == ["2580"]


async def test_firmware_that_drops_a_fresh_code_is_warned_of_first_and_then_an_error(tmp_path: Path) -> None:
    """Yale NF-YRD612: a new code vanishes about 50 s later, again and again; the lock tells that it is gone."""
    async with hub(tmp_path / "hub.db") as house:
        lock = house.locks[FRONT]
        await create(house, "guest", "2580")
        await told(house, "access_code.set_on_device")

        def drop() -> None:
            house.pass_time(50_000)
            lock.firmware.delete_at_keypad(1, lock.now())
            lock.speak()

        drop()
        await told(house, "access_code.delay_in_setting_on_device")
        assert "access_code.failed_to_set_on_device" not in await house.kinds()
        await told(house, "access_code.set_on_device", 2)
        drop()
        await told(house, "access_code.failed_to_set_on_device")
        kinds = await house.kinds()
        assert kinds.index("access_code.delay_in_setting_on_device") < kinds.index(
            "access_code.failed_to_set_on_device"
        )
        assert kinds.count("access_code.deleted_external") == 2


async def test_a_code_that_vanished_without_a_word_is_found_by_the_audit(tmp_path: Path) -> None:
    """LCM chooses not to look, Keymaster looks every minute: one look at one slot finds it at no cost."""
    async with hub(tmp_path / "hub.db") as house:
        await create(house, "owner", "2580")
        await told(house, "access_code.set_on_device")
        lock = house.locks[FRONT]
        lock.firmware.wipe(lock.now())
        before = lock.calls["read"]
        house.pass_time(AUDIT_EVERY_MS - MINUTE_MS)
        await is_calm(house)
        assert lock.calls["read"] == before
        house.pass_time(MINUTE_MS)
        await told(house, "access_code.deleted_external")
        await told(house, "access_code.set_on_device", 2)
        assert house.pins() == {1: "2580"}
