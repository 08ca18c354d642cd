"""The in-process door on a lock with schedules: a PIN never lives without its window, and the lock's clock decides."""

import asyncio
from dataclasses import replace

import pytest

from drivers.simulator.doors.driver import InProcessLock, Trouble
from drivers.simulator.lock.faults import Fault
from drivers.simulator.lock.firmware import Firmware
from drivers.simulator.lock.profiles import LockModel, shipped_model
from gateway.model.answers import Refused, Written
from gateway.model.evidence import Evidence
from gateway.model.failures import Unreachable, Unsupported
from gateway.model.ids import LockId, Slot
from gateway.model.instant import HOUR_MS, MINUTE_MS, SECOND_MS, Instant, parse_instant
from gateway.model.lock import ScheduleTrust
from gateway.model.pin import Pin
from gateway.model.window import Window
from gateway.ports import ClockedLockPort

TIMED = replace(shipped_model("timed"), clock_drift_ppm=0, wrong_presses_max=0)
NOON = parse_instant("2027-01-31T12:00:00Z")
STAY = Window(parse_instant("2027-01-31T14:00:00Z"), parse_instant("2027-02-03T10:00:00Z"))
PIN, OTHER = Pin("4711"), Pin("9082")
SLOT = Slot(3)


async def door(faults: frozenset[Fault] = frozenset(), model: LockModel = TIMED) -> InProcessLock:
    """A lock whose clock is right and shows noon of the first day."""
    lock = InProcessLock(LockId("front"), Firmware(model, strikes=lambda fault: fault in faults))
    await lock.set_clock(NOON)
    return lock


def opens_at(lock: InProcessLock, instant: Instant) -> bool:
    """Whether slot 3 would open at an instant, with the lock's clock running on as it does."""
    ahead_s = instant / SECOND_MS - lock.firmware.clock.utc_s(lock.now())
    return SLOT in lock.firmware.opening(lock.now() + ahead_s)


async def test_window_is_kept_by_the_lock_alone() -> None:
    lock = await door()
    assert await lock.write_slot(SLOT, PIN, window=STAY, old_pin=None) == Written(Evidence.SUPERVISED, STAY)
    starts_at, ends_at = STAY.starts_at, STAY.ends_at
    assert starts_at is not None
    assert ends_at is not None
    instants = (NOON, Instant(starts_at - 1000), starts_at, Instant(ends_at - 1000), ends_at)
    assert [opens_at(lock, instant) for instant in instants] == [False, False, True, True, False]


async def test_lock_that_wants_the_code_first_never_holds_it_free() -> None:
    strict = replace(TIMED, schedule_needs_code=True)
    lock = await door(model=strict)
    assert await lock.write_slot(SLOT, PIN, window=STAY, old_pin=None) == Written(Evidence.SUPERVISED, STAY)
    assert (opens_at(lock, NOON), opens_at(lock, Instant(NOON + 3 * HOUR_MS))) == (False, True)
    refusing = await door(frozenset({Fault.REFUSE_SCHEDULE}), strict)
    assert isinstance(await refusing.write_slot(SLOT, PIN, window=STAY, old_pin=None), Refused)
    assert refusing.firmware.occupied(refusing.now()) == {}


async def test_effective_window_is_the_minutes_inside() -> None:
    lock = await door()
    asked = Window(Instant(NOON + 1), Instant(NOON + 5 * MINUTE_MS - 1))
    answer = await lock.write_slot(SLOT, PIN, window=asked, old_pin=None)
    assert isinstance(answer, Written)
    assert answer.effective_window == Window(Instant(NOON + MINUTE_MS), Instant(NOON + 4 * MINUTE_MS))


@pytest.mark.parametrize("window", [Window(NOON, Instant(NOON + 30_000)), Window(starts_at=NOON)])
async def test_window_that_the_lock_cannot_keep_is_unsupported(window: Window) -> None:
    lock = await door()
    with pytest.raises(Unsupported):
        await lock.write_slot(SLOT, PIN, window=window, old_pin=None)
    assert lock.firmware.opening(lock.now()) == {}


async def test_lock_without_schedules_takes_no_window_and_has_no_clock() -> None:
    lock = InProcessLock(LockId("front"), Firmware(shipped_model("plain_v1")))
    assert lock.profile.schedule is None
    with pytest.raises(Unsupported):
        await lock.write_slot(SLOT, PIN, window=STAY, old_pin=None)
    with pytest.raises(Unsupported):
        await lock.get_clock()


@pytest.mark.parametrize("bars", [False, True])
async def test_write_without_a_window_takes_the_old_schedule_away(bars: bool) -> None:
    lock = await door(model=replace(TIMED, erased_schedule_bars=bars))
    await lock.write_slot(SLOT, PIN, window=STAY, old_pin=None)
    assert await lock.write_slot(SLOT, PIN, window=None, old_pin=PIN) == Written(Evidence.SUPERVISED)
    assert opens_at(lock, NOON)


async def test_clear_takes_the_schedule_away_too() -> None:
    lock = await door()
    await lock.write_slot(SLOT, PIN, window=STAY, old_pin=None)
    await lock.clear_slot(SLOT, old_pin=PIN)
    await lock.write_slot(SLOT, OTHER, window=None, old_pin=None)
    assert opens_at(lock, NOON)


async def test_refused_schedule_means_no_pin_at_all() -> None:
    lock = await door(frozenset({Fault.REFUSE_SCHEDULE}))
    assert isinstance(await lock.write_slot(SLOT, PIN, window=STAY, old_pin=None), Refused)
    assert lock.firmware.occupied(lock.now()) == {}


async def test_refused_pin_leaves_no_pin_outside_its_window() -> None:
    lock = await door(frozenset({Fault.REFUSE_WRITE}))
    assert isinstance(await lock.write_slot(SLOT, PIN, window=STAY, old_pin=None), Refused)
    assert not opens_at(lock, NOON)


async def test_clock_is_read_as_an_instant_and_drifts() -> None:
    lock = await door()
    assert isinstance(lock, ClockedLockPort)
    assert 0 <= await lock.get_clock() - NOON < SECOND_MS
    lock.firmware.clock.jump(3600, lock.now())
    assert HOUR_MS <= await lock.get_clock() - NOON < HOUR_MS + SECOND_MS


async def test_silent_lock_leaves_its_clock_unknown_or_untouched() -> None:
    lock = await door()
    lock.troubles.append(Trouble.LOST_COMMAND)
    with pytest.raises(Unreachable):
        await lock.set_clock(Instant(0))
    assert await lock.get_clock() >= NOON
    lock.troubles.append(Trouble.LOST_ANSWER)
    answer = await lock.write_slot(SLOT, PIN, window=STAY, old_pin=None)
    assert answer == Written(Evidence.ACKNOWLEDGED, STAY)
    assert not opens_at(lock, NOON)


async def test_trust_in_the_schedule_is_what_the_door_was_told() -> None:
    profile = InProcessLock(LockId("front"), Firmware(TIMED), trust=ScheduleTrust.CLAIMED).profile
    assert profile.schedule is not None
    assert profile.schedule.enforced is ScheduleTrust.CLAIMED


async def test_power_loss_at_noon_bars_the_guest_until_the_clock_is_set() -> None:
    lock = await door()
    await lock.write_slot(SLOT, PIN, window=Window(NOON, STAY.ends_at), old_pin=None)
    before = lock.firmware.opening(lock.now())
    lock.firmware.lose_power(lock.now())
    lost = lock.firmware.opening(lock.now())
    await lock.set_clock(NOON)
    await asyncio.sleep(0)
    assert (before, lost, lock.firmware.opening(lock.now())) == ({3: "4711"}, {}, {3: "4711"})
