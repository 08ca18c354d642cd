"""The old PIN goes with the call where the hub knows it, and is forgotten once it is proven gone (A11)."""

from pathlib import Path
from typing import override

from drivers.simulator.doors.driver import InProcessLock
from drivers.simulator.lock.firmware import Firmware
from drivers.simulator.lock.profiles import shipped_model
from gateway.model.answers import WriteAnswer
from gateway.model.commands import CreateAccessCode, DeleteAccessCode, UpdateAccessCode
from gateway.model.ids import CodeId, Slot
from gateway.model.pin import Pin
from gateway.model.window import Window
from gateway.store.database import Connection
from tests.builders import FRONT
from tests.fleet.test_worker import hub, until


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
