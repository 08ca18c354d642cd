"""Windows in the lock: the PIN is never live without one (A2), and what two-digit years and silent locks do to that."""

import pytest

from gateway.model.answers import Ambiguous, Refused, Written
from gateway.model.evidence import Evidence
from gateway.model.failures import Busy, Unreachable, Unsupported
from gateway.model.instant import MINUTE_MS, Instant, later, parse_instant
from gateway.model.lock import ScheduleClock, ScheduleTrust
from gateway.model.pin import Pin
from gateway.model.window import Window
from gateway.ports import ClockedLockPort
from tests.drivers.zwave import states
from tests.drivers.zwave.fake_server import ZWaveError, running
from tests.drivers.zwave.hub import PIN, answers, hub, lock_address
from tests.drivers.zwave.scheduling_lock import SLOT, STAY, STAY_ON_WIRE, SchedulingLock, scheduling_node
from tests.drivers.zwave.states import Json


async def test_lock_with_schedules_and_a_clock_says_what_windows_it_keeps() -> None:
    async with running([scheduling_node()]) as server:
        SchedulingLock(server)
        async with hub(server) as here:
            schedule = (await here.arrival()).profile.schedule
    assert schedule is not None
    assert (schedule.grain_ms, schedule.clock) == (MINUTE_MS, ScheduleClock.UTC)
    assert schedule.enforced is ScheduleTrust.CLAIMED, "nobody saw this product enforce anything"


@pytest.mark.parametrize(
    ("is_in_utc", "time_version", "has"), [(True, 0, True), (False, 0, False), (False, 1, False), (False, 2, True)]
)
async def test_d6_lock_keeps_windows_only_if_its_clock_is_surely_in_utc(
    *, is_in_utc: bool, time_version: int, has: bool
) -> None:
    """Z-Wave JS sets most clocks in the server's own zone: a window in UTC would open off by that zone."""
    async with running([scheduling_node(time_version=time_version)]) as server:
        SchedulingLock(server)
        async with hub(server, is_in_utc=is_in_utc) as here:
            port = await here.arrival()
            assert (port.profile.schedule is not None) == has
            assert isinstance(port, ClockedLockPort)


async def test_owner_may_say_that_a_lock_enforces_its_schedules_or_has_none() -> None:
    async with running([scheduling_node()]) as server:
        SchedulingLock(server)
        async with hub(server, lock_address(schedules="proven")) as here:
            schedule = (await here.arrival()).profile.schedule
            assert schedule is not None
            assert schedule.enforced is ScheduleTrust.PROVEN
        async with hub(server, lock_address(schedules="none")) as here:
            assert (await here.arrival()).profile.schedule is None


async def test_schedule_goes_before_the_pin_in_utc_and_with_a_two_digit_year() -> None:
    async with running([scheduling_node()]) as server:
        lock = SchedulingLock(server)
        async with hub(server) as here:
            port = await here.arrival()
            answer = await port.write_slot(SLOT, PIN, window=STAY, old_pin=None)
    assert answer == Written(Evidence.SUPERVISED, STAY)
    assert lock.history == ["getTimezone", "setYearDaySchedule", "set"]
    assert lock.schedules == {(7, 1): STAY_ON_WIRE}
    assert lock.codes == {7: (1, PIN.reveal())}
    assert not lock.was_open_without_window


async def test_window_between_minutes_becomes_narrower_and_never_wider() -> None:
    asked = Window(later(STAY.starts_at or Instant(0), 1), later(STAY.ends_at or Instant(0), 59_999))
    async with running([scheduling_node()]) as server:
        SchedulingLock(server)
        async with hub(server) as here:
            answer = await (await here.arrival()).write_slot(SLOT, PIN, window=asked, old_pin=None)
    assert isinstance(answer, Written)
    assert answer.effective_window == Window(later(STAY.starts_at or Instant(0), MINUTE_MS), STAY.ends_at)


async def test_lock_that_schedules_only_users_with_a_code_gets_the_pin_disabled_first() -> None:
    async with running([scheduling_node(user_code_version=2)]) as server:
        lock = SchedulingLock(server, needs_user=True)
        async with hub(server) as here:
            answer = await (await here.arrival()).write_slot(SLOT, PIN, window=STAY, old_pin=None)
    assert answer == Written(Evidence.SUPERVISED, STAY)
    assert lock.history[1:] == ["setYearDaySchedule", "set", "setYearDaySchedule", "set"]
    assert lock.codes == {7: (1, PIN.reveal())}
    assert not lock.was_open_without_window


async def test_lock_that_can_do_neither_is_written_nothing_and_has_no_schedule_from_then_on() -> None:
    async with running([scheduling_node()]) as server:
        lock = SchedulingLock(server, needs_user=True)
        async with hub(server) as here:
            port = await here.arrival()
            with pytest.raises(Busy):
                await port.write_slot(SLOT, PIN, window=STAY, old_pin=None)
            assert port.profile.schedule is None
            assert lock.codes == {}
            with pytest.raises(Unsupported):
                await port.write_slot(SLOT, PIN, window=STAY, old_pin=None)


async def test_lock_that_ignores_the_disabled_status_is_cleared_at_once() -> None:
    node = scheduling_node(user_code_version=2, has_supervision=False)
    async with running([node]) as server:
        lock = SchedulingLock(server, needs_user=True, is_supervised=False, ignores_status=True)
        async with hub(server) as here:
            port = await here.arrival()
            with pytest.raises(Busy):
                await port.write_slot(SLOT, PIN, window=STAY, old_pin=None)
    assert lock.codes == {}
    assert lock.history[-3:] == ["get", "clear", "get"], "a clear that nobody confirmed is looked at"


async def test_same_pin_with_another_window_changes_the_window_only() -> None:
    longer = Window(STAY.starts_at, later(STAY.ends_at or Instant(0), 60 * MINUTE_MS))
    async with running([scheduling_node()]) as server:
        lock = SchedulingLock(server)
        async with hub(server) as here:
            port = await here.arrival()
            await port.write_slot(SLOT, PIN, window=STAY, old_pin=None)
            lock.history.clear()
            assert await port.write_slot(SLOT, PIN, window=longer, old_pin=PIN) == Written(Evidence.SUPERVISED, longer)
    assert lock.history == ["setYearDaySchedule"]


async def test_zone_of_the_lock_is_put_to_utc_before_its_first_window_and_after_its_clock_was_set() -> None:
    async with running([scheduling_node()]) as server:
        lock = SchedulingLock(server, zone=(60, 120))
        async with hub(server) as here:
            port = await here.arrival()
            await port.write_slot(SLOT, PIN, window=STAY, old_pin=None)
            assert lock.zone == (0, 0)
            assert lock.history[:2] == ["getTimezone", "setTimezone"]
            assert isinstance(port, ClockedLockPort)
            server.answer = answers(True)
            await port.set_clock(STAY.starts_at or Instant(0))
            lock.history.clear()
            server.answer = lock.hear
            await port.write_slot(SLOT, PIN, window=STAY, old_pin=None)
    assert lock.history[0] == "getTimezone"


async def test_schedule_slots_that_others_may_have_filled_are_emptied_once() -> None:
    async with running([scheduling_node()]) as server:
        lock = SchedulingLock(server, year_day_slots=3)
        lock.schedules[7, 3] = {"startYear": 20}
        async with hub(server) as here:
            port = await here.arrival()
            await port.write_slot(SLOT, PIN, window=STAY, old_pin=None)
            assert set(lock.schedules) == {(7, 1)}
            lock.history.clear()
            await port.write_slot(SLOT, Pin("553377"), window=STAY, old_pin=PIN)
    assert lock.history == ["setYearDaySchedule", "set"]


async def test_clear_takes_the_pin_first_and_then_its_schedule() -> None:
    async with running([scheduling_node()]) as server:
        lock = SchedulingLock(server)
        async with hub(server) as here:
            port = await here.arrival()
            await port.write_slot(SLOT, PIN, window=STAY, old_pin=None)
            lock.history.clear()
            assert await port.clear_slot(SLOT, old_pin=PIN) == Written(Evidence.SUPERVISED)
    assert lock.history == ["clear", "setYearDaySchedule", "setEnabled"]
    assert lock.schedules == {}
    assert lock.scheduled == set()


async def test_clear_of_a_slot_that_never_had_a_window_costs_nothing_more() -> None:
    async with running([scheduling_node()]) as server:
        lock = SchedulingLock(server)
        async with hub(server) as here:
            await (await here.arrival()).clear_slot(SLOT, old_pin=PIN)
    assert lock.history == ["clear"]


async def test_pin_without_a_window_is_freed_from_a_schedule_of_the_past_and_then_left_alone() -> None:
    async with running([scheduling_node()]) as server:
        lock = SchedulingLock(server)
        async with hub(server) as here:
            port = await here.arrival()
            assert await port.write_slot(SLOT, PIN, window=None, old_pin=None) == Written(Evidence.SUPERVISED)
            assert lock.history == ["set", "setEnabled"]
            lock.history.clear()
            await port.write_slot(SLOT, Pin("553377"), window=None, old_pin=None)
    assert lock.history == ["set"]


@pytest.mark.parametrize(
    ("refused", "is_free"),
    [({"setYearDaySchedule", "setEnabled"}, False), ({"setYearDaySchedule"}, True), ({"setEnabled"}, True)],
)
async def test_a2_pin_whose_schedule_the_lock_does_not_give_up_is_not_told_as_free(
    refused: set[str], *, is_free: bool
) -> None:
    async with running([scheduling_node()]) as server:
        lock = SchedulingLock(server)
        async with hub(server) as here:
            port = await here.arrival()
            await port.write_slot(SLOT, PIN, window=STAY, old_pin=None)
            lock.refuses = frozenset(refused)
            answer = await port.write_slot(SLOT, PIN, window=None, old_pin=PIN)
    assert isinstance(answer, Written if is_free else Ambiguous)


async def test_a2_pin_is_not_written_beside_another_schedule_that_the_lock_does_not_give_up() -> None:
    """A PIN opens in any of its schedules: the refusal went unnoticed, and the stay's own window shut nothing."""
    longer = Window(STAY.starts_at, later(STAY.ends_at or Instant(0), 60 * MINUTE_MS))
    async with running([scheduling_node()]) as server:
        lock = SchedulingLock(server, year_day_slots=2)
        async with hub(server) as here:
            port = await here.arrival()
            await port.write_slot(SLOT, PIN, window=STAY, old_pin=None)
            lock._schedule(7, 2, [dict(lock.schedules[7, 1])])
            lock.history.clear()
            lock.refuses = frozenset({"setYearDaySchedule"})
            with pytest.raises(Unreachable, match="another schedule"):
                await port.write_slot(SLOT, PIN, window=longer, old_pin=None)
            assert "set" not in lock.history
            lock.refuses = frozenset()
            assert isinstance(await port.write_slot(SLOT, PIN, window=longer, old_pin=None), Written)
    assert set(lock.schedules) == {(7, 1)}


async def test_lock_that_schedules_nothing_in_the_slot_may_refuse_to_free_it() -> None:
    async with running([scheduling_node()]) as server:
        lock = SchedulingLock(server, refuses=frozenset({"setEnabled"}))
        async with hub(server) as here:
            answer = await (await here.arrival()).write_slot(SLOT, PIN, window=None, old_pin=None)
    assert answer == Written(Evidence.SUPERVISED)
    assert lock.codes == {7: (1, PIN.reveal())}


async def test_window_beyond_two_digit_years_or_without_an_end_is_unsupported_and_nothing_is_sent() -> None:
    far = Window(parse_instant("2099-12-31T00:00:00Z"), parse_instant("2100-01-02T00:00:00Z"))
    async with running([scheduling_node()]) as server:
        lock = SchedulingLock(server)
        async with hub(server) as here:
            port = await here.arrival()
            for window in (
                far,
                Window(STAY.starts_at),
                Window(STAY.starts_at, later(STAY.starts_at or Instant(0), 999)),
            ):
                with pytest.raises(Unsupported):
                    await port.write_slot(SLOT, PIN, window=window, old_pin=None)
    assert lock.history == []


async def test_refused_pin_after_its_schedule_is_refused() -> None:
    async with running([scheduling_node()]) as server:
        lock = SchedulingLock(server)

        async def refuse_pins(command: Json) -> object:
            return {"status": 2} if command["methodName"] == "set" else await lock.hear(command)

        server.answer = refuse_pins
        async with hub(server) as here:
            answer = await (await here.arrival()).write_slot(SLOT, PIN, window=STAY, old_pin=None)
    assert isinstance(answer, Refused)


async def test_lock_clock_is_read_in_utc() -> None:
    told = {"year": 2026, "month": 11, "day": 22, "hour": 23, "minute": 5, "second": 9, "weekday": 0}
    async with running([scheduling_node()]) as server:
        SchedulingLock(server)
        async with hub(server) as here:
            port = await here.arrival()
            assert isinstance(port, ClockedLockPort)
            server.answer = answers(told | {"standardOffset": 0, "dstOffset": 0})
            assert await port.get_clock() == parse_instant("2026-11-22T23:05:09Z")
            server.answer = answers({})
            with pytest.raises(Unreachable):
                await port.get_clock()
            server.answer = answers(told | {"month": 2, "day": 31})
            with pytest.raises(Unsupported):
                await port.get_clock()


async def test_clock_that_the_lock_does_not_take_is_unreachable() -> None:
    async with running([scheduling_node()]) as server:
        SchedulingLock(server)
        async with hub(server) as here:
            port = await here.arrival()
            assert isinstance(port, ClockedLockPort)
            server.answer = answers(None)
            with pytest.raises(Unreachable):
                await port.set_clock(parse_instant("2026-11-22T23:05:09Z"))

            async def no_ack(_command: Json) -> object:
                raise ZWaveError(204, "The node did not acknowledge the command (ZW0204)")

            server.answer = no_ack
            with pytest.raises(Unreachable):
                await port.get_clock()


async def test_lock_without_a_clock_is_no_clocked_port_and_keeps_no_windows() -> None:
    async with running([states.node(2)]) as server, hub(server) as here:
        port = await here.arrival()
        assert not isinstance(port, ClockedLockPort)
        assert port.profile.schedule is None
