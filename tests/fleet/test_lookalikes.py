"""PINs that a lock cannot tell apart are never on it together, even when the one that should be gone is not (A10)."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import override

from drivers.simulator.doors.driver import InProcessLock
from drivers.simulator.lock.firmware import Firmware
from drivers.simulator.lock.profiles import shipped_model
from gateway.model.answers import WriteAnswer
from gateway.model.commands import CreateAccessCode
from gateway.model.failures import Busy
from gateway.model.ids import CodeId, Slot
from gateway.model.instant import HOUR_MS, MINUTE_MS, SECOND_MS, Instant
from gateway.model.lock import LockProfile
from gateway.model.pin import Pin
from gateway.model.pin_rules import PinRelations
from gateway.model.window import Window
from tests.builders import FRONT, NOON
from tests.fleet.test_worker import hub, until

TWO_DIGITS_A_KEY = PinRelations(("12", "34", "56", "78", "90"))


class StubbornLock(InProcessLock):
    """A keypad of five keys, on a lock that has no time for clearing while it is stubborn."""

    def __init__(self) -> None:
        super().__init__(FRONT, Firmware(shipped_model("plain_v1")))
        self.is_stubborn = True
        self.refused = 0
        self.had_both = False

    @property
    @override
    def profile(self) -> LockProfile:
        return replace(super().profile, pin_relations=TWO_DIGITS_A_KEY)

    @override
    async def write_slot(self, slot: Slot, pin: Pin, *, window: Window | None, old_pin: Pin | None) -> WriteAnswer:
        answer = await super().write_slot(slot, pin, window=window, old_pin=old_pin)
        self.had_both |= len(self.firmware.occupied(self.now())) > 1
        return answer

    @override
    async def clear_slot(self, slot: Slot, *, old_pin: Pin | None) -> WriteAnswer:
        if self.is_stubborn:
            self.refused += 1
            raise Busy(MINUTE_MS, "somebody is at the keypad")
        return await super().clear_slot(slot, old_pin=old_pin)


async def test_a10_a_write_waits_for_a_predecessor_that_types_the_same_keys_and_will_not_go(tmp_path: Path) -> None:
    """The order was fine: the stays do not meet. The first guest's PIN just does not come off."""
    lock = StubbornLock()
    async with hub(tmp_path / "hub.db", locks={FRONT: lock}) as house:
        first = CreateAccessCode(CodeId("first"), FRONT, "First", Pin("1357"), None, Instant(NOON + HOUR_MS))
        starts_at, ends_at = Instant(NOON + 3 * HOUR_MS), Instant(NOON + 5 * HOUR_MS)
        second = CreateAccessCode(CodeId("second"), FRONT, "Second", Pin("2468"), starts_at, ends_at)
        for order in (first, second):
            assert (await house.order(order)).rejection is None

        async def is_set() -> bool:
            return "access_code.set_on_device" in await house.kinds()

        await until(is_set)
        house.pass_time(2 * HOUR_MS)
        for _ in range(60):
            house.pass_time(MINUTE_MS)
            await asyncio.sleep(0.005)
        assert house.pins() == {1: "1357"}
        assert lock.refused > 0
        lock.is_stubborn = False

        async def is_second_set() -> bool:
            house.pass_time(15 * SECOND_MS)
            return (await house.kinds()).count("access_code.set_on_device") == 2

        await until(is_second_set)
        assert list(house.pins().values()) == ["2468"]
        assert not lock.had_both
