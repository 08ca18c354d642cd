"""One action, one call: whatever a driver does becomes a result, and a driver that hangs is not waited for for ever."""

import asyncio
from typing import override

import pytest

from drivers.simulator.doors.driver import InProcessLock
from drivers.simulator.lock.firmware import Firmware
from drivers.simulator.lock.profiles import shipped_model
from gateway.fleet import executor
from gateway.fleet.executor import NotSent, perform
from gateway.model.answers import Ambiguous, RefusalReason, Refused, Sighting, Unknown, WriteAnswer
from gateway.model.failures import Busy, LockFailure, Part, Unreachable, Unsupported
from gateway.model.ids import CodeId, Slot
from gateway.model.pin import Pin
from gateway.model.window import Window
from gateway.planner.actions import ReadSlot, Reason, Urgency, WriteSlot
from tests.builders import FRONT, NOON, FakeClock, digest, slot

WRITE = WriteSlot(slot(1), CodeId("c"), digest("2580"), 1, Reason.WRITE, NOON)
READ = ReadSlot(slot(1), CodeId("c"), Reason.PROVE, NOON, Urgency.PROVE)


class Trouble(InProcessLock):
    """A lock whose calls fail, or never come back."""

    def __init__(self, failure: LockFailure | None) -> None:
        super().__init__(FRONT, Firmware(shipped_model("plain_v1")))
        self._failure = failure

    @override
    async def read_slot(self, slot: Slot) -> Sighting:
        await self._fail()
        raise AssertionError

    @override
    async def write_slot(self, slot: Slot, pin: Pin, *, window: Window | None, old_pin: Pin | None) -> WriteAnswer:
        await self._fail()
        raise AssertionError

    async def _fail(self) -> None:
        if self._failure is not None:
            raise self._failure
        await asyncio.Event().wait()


@pytest.mark.parametrize(
    ("failure", "result"),
    [
        (Unreachable(Part.STICK, "unplugged"), NotSent(Part.STICK, "unplugged")),
        (Busy(500, "interview"), NotSent(None, "interview", 500)),
        (Unsupported("no such thing"), Refused(RefusalReason.UNSPECIFIED)),
    ],
)
async def test_a_failure_becomes_a_result(failure: LockFailure, result: object) -> None:
    assert await perform(Trouble(failure), WRITE, Pin("2580"), FakeClock()) == result


async def test_a_write_that_hangs_is_in_doubt_and_a_read_that_hangs_saw_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(executor, "CALL_LIMIT_S", 0.01)
    assert isinstance(await perform(Trouble(None), WRITE, Pin("2580"), FakeClock()), Ambiguous)
    seen = await perform(Trouble(None), READ, None, FakeClock())
    assert isinstance(seen, Sighting)
    assert seen.value == Unknown()


async def test_cancellation_passes_through() -> None:
    task = asyncio.get_running_loop().create_task(perform(Trouble(None), WRITE, Pin("2580"), FakeClock()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
