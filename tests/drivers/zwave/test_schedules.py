"""Windows in the lock: the PIN is never live without one (A2), and what two-digit years and silent locks do to that."""

import pytest

from gateway.model.answers import Ambiguous, Refused, Written
from gateway.model.evidence import Evidence
from gateway.model.failures import Busy, Part, Unreachable, Unsupported
from gateway.model.ids import Slot
from gateway.model.instant import MINUTE_MS, Instant, later, parse_instant
from gateway.model.lock import ScheduleClock, ScheduleTrust
from gateway.model.pin import Pin
from gateway.model.window import Window
from gateway.ports import ClockedLockPort
from tests.drivers.zwave import states
from tests.drivers.zwave.fake_server import ZWaveError, running
from tests.drivers.zwave.hub import PIN, answers, hub, lock_address
from tests.drivers.zwave.scheduling_lock import SchedulingLock, scheduling_node
from tests.drivers.zwave.states import Json

STAY = Window(parse_instant("2026-12-30T15:00:00Z"), parse_instant("2027-01-02T10:30:00Z"))
STAY_ON_WIRE = {
    "startYear": 26,
    "startMonth": 12,
    "startDay": 30,
    "startHour": 15,
    "startMinute": 0,
    "stopYear": 27,
    "stopMonth": 1,
    "stopDay": 2,
    "stopHour": 10,
    "stopMinute": 30,
}
SLOT = Slot(7)


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
