"""Windows that nobody surely has in the lock: lost answers, silent locks, and Supervision that is not honest (A2, A7, D6)."""

import pytest

from gateway.model.answers import Ambiguous, Refused, Written
from gateway.model.evidence import Evidence
from gateway.model.failures import Busy, Part, Unreachable
from gateway.model.instant import MINUTE_MS, Instant, later
from gateway.model.window import Window
from tests.drivers.zwave.fake_server import running
from tests.drivers.zwave.hub import PIN, hub, lock_address
from tests.drivers.zwave.scheduling_lock import SLOT, STAY, SchedulingLock, scheduling_node
from tests.drivers.zwave.states import Json


async def test_lock_without_supervision_is_asked_for_the_schedule_before_it_gets_the_pin() -> None:
    async with running([scheduling_node(has_supervision=False)]) as server:
        lock = SchedulingLock(server, is_supervised=False)
        async with hub(server) as here:
            answer = await (await here.arrival()).write_slot(SLOT, PIN, window=STAY, old_pin=None)
    assert answer == Written(Evidence.ACKNOWLEDGED, STAY)
    assert lock.history == ["getTimezone", "setYearDaySchedule", "getYearDaySchedule", "set"]


async def test_a2_schedule_that_is_in_doubt_leaves_the_pin_unsent_and_is_ambiguous() -> None:
    """The slot's PIN may be live under the new window: "nothing was executed" would let the old one be believed."""
    async with running([scheduling_node()]) as server:
        lock = SchedulingLock(server)
        async with hub(server) as here:
            port = await here.arrival()
            await port.write_slot(SLOT, PIN, window=STAY, old_pin=None)
            lock.fails_at = "setYearDaySchedule"
            longer = Window(STAY.starts_at, later(STAY.ends_at or Instant(0), 60 * MINUTE_MS))
            for old_pin in (PIN, None):
                lock.history.clear()
                answer = await port.write_slot(SLOT, PIN, window=longer, old_pin=old_pin)
                assert isinstance(answer, Ambiguous)
                assert lock.history == ["setYearDaySchedule"]


async def test_schedule_that_was_never_sent_is_unreachable() -> None:
    async with running([scheduling_node()]) as server:
        lock = SchedulingLock(server, fails_at="setYearDaySchedule", fails_with=103)
        async with hub(server) as here:
            port = await here.arrival()
            with pytest.raises(Unreachable) as caught:
                await port.write_slot(SLOT, PIN, window=STAY, old_pin=None)
    assert caught.value.part is Part.STICK
    assert lock.codes == {}


@pytest.mark.parametrize("code", [103, 204])
async def test_a2_schedule_that_was_sent_and_cannot_be_looked_at_is_ambiguous(code: int) -> None:
    """The look was never sent, or lost; the schedule before it was."""
    async with running([scheduling_node(has_supervision=False)]) as server:
        lock = SchedulingLock(server, is_supervised=False, fails_at="getYearDaySchedule", fails_with=code)
        async with hub(server) as here:
            answer = await (await here.arrival()).write_slot(SLOT, PIN, window=STAY, old_pin=None)
    assert isinstance(answer, Ambiguous)
    assert lock.codes == {}


async def test_zone_that_is_in_doubt_before_the_schedule_is_unreachable() -> None:
    async with running([scheduling_node()]) as server:
        lock = SchedulingLock(server, zone=(60, 120), fails_at="setTimezone")
        async with hub(server) as here:
            with pytest.raises(Unreachable):
                await (await here.arrival()).write_slot(SLOT, PIN, window=STAY, old_pin=None)
    assert lock.schedules == {}


async def test_a7_success_of_a_schedule_is_not_believed_where_supervision_is_not_honest() -> None:
    async with running([scheduling_node(user_code_version=2)]) as server:
        lock = SchedulingLock(server, pretends=frozenset({"setYearDaySchedule"}))
        async with hub(server, lock_address(supervision_is_honest=False)) as here:
            port = await here.arrival()
            with pytest.raises(Busy):
                await port.write_slot(SLOT, PIN, window=STAY, old_pin=None)
    assert lock.codes == {}
    assert "getYearDaySchedule" in lock.history


async def test_a7_schedule_that_is_shown_is_taken_where_supervision_is_not_honest() -> None:
    async with running([scheduling_node()]) as server:
        lock = SchedulingLock(server)
        async with hub(server, lock_address(supervision_is_honest=False)) as here:
            port = await here.arrival()
            assert await port.write_slot(SLOT, PIN, window=STAY, old_pin=None) == Written(Evidence.SUPERVISED, STAY)
            assert lock.history == ["getTimezone", "setYearDaySchedule", "getYearDaySchedule", "set"]
            lock.history.clear()
            answer = await port.write_slot(SLOT, PIN, window=STAY, old_pin=PIN)
    assert answer == Written(Evidence.ACKNOWLEDGED, STAY)


async def test_a2_pin_is_not_believed_to_be_disabled_where_supervision_is_not_honest() -> None:
    node = scheduling_node(user_code_version=2)
    async with running([node]) as server:
        lock = SchedulingLock(server, needs_user=True, ignores_status=True)
        async with hub(server, lock_address(supervision_is_honest=False)) as here:
            with pytest.raises(Busy):
                await (await here.arrival()).write_slot(SLOT, PIN, window=STAY, old_pin=None)
    assert lock.codes == {}
    assert lock.history[-3:] == ["get", "clear", "get"], "neither the status nor the clear is believed unseen"


async def test_d6_zone_is_not_believed_to_be_utc_where_supervision_is_not_honest() -> None:
    async with running([scheduling_node()]) as server:
        lock = SchedulingLock(server, zone=(60, 120), pretends=frozenset({"setTimezone"}))
        async with hub(server, lock_address(supervision_is_honest=False)) as here:
            with pytest.raises(Unreachable):
                await (await here.arrival()).write_slot(SLOT, PIN, window=STAY, old_pin=None)
    assert lock.schedules == {}


async def test_pin_that_is_in_doubt_after_its_schedule_is_ambiguous() -> None:
    async with running([scheduling_node()]) as server:
        SchedulingLock(server, fails_at="set")
        async with hub(server) as here:
            answer = await (await here.arrival()).write_slot(SLOT, PIN, window=STAY, old_pin=None)
    assert isinstance(answer, Ambiguous)


@pytest.mark.parametrize("is_clear_taken", [True, False])
async def test_pin_that_is_refused_when_it_is_enabled_is_taken_off_again_or_in_doubt(*, is_clear_taken: bool) -> None:
    """Disabled it opens nothing, but it lies there: "refused" alone would say that the slot is as it was."""
    async with running([scheduling_node(user_code_version=2)]) as server:
        lock = SchedulingLock(server, needs_user=True)

        async def refuse_to_enable(command: Json) -> object:
            match command:
                case {"methodName": "set", "args": [_, 1, _]}:
                    return {"status": 2}
                case {"methodName": "clear"} if not is_clear_taken:
                    return {"status": 2}
                case _:
                    return await lock.hear(command)

        server.answer = refuse_to_enable
        async with hub(server) as here:
            answer = await (await here.arrival()).write_slot(SLOT, PIN, window=STAY, old_pin=None)
    assert isinstance(answer, Refused if is_clear_taken else Ambiguous)
    assert (lock.codes == {}) == is_clear_taken
