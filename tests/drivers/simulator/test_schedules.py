"""Schedules by a lock's own clock: what opens when, and what a clock does to it."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from drivers.simulator.lock.clock import LockClock, Minute, Offsets, Turn
from drivers.simulator.lock.faults import Fault
from drivers.simulator.lock.firmware import Firmware, PressOutcome, Refusal
from drivers.simulator.lock.profiles import LockModel, shipped_model
from drivers.simulator.lock.schedule import Daily, Kind, Schedule, WeekDay, YearDay

TIMED = replace(shipped_model("timed"), clock_drift_ppm=0, wrong_presses_max=0)
AT = 1000.0
PIN = "4711"


def utc(text: str) -> float:
    """Seconds since 1970 of an ISO text in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def lock_at(wall: str, model: LockModel = TIMED) -> Firmware:
    """A lock with one PIN in slot 1, whose clock shows `wall` at the instant AT."""
    lock = Firmware(model, memory={1: PIN})
    lock.clock.set(utc(wall), AT)
    return lock


def opens_at(lock: Firmware, wall: str) -> bool:
    """Whether the PIN opens when the lock's clock shows `wall`."""
    return lock.press(PIN, AT + utc(wall) - lock.clock.utc_s(AT)).outcome is PressOutcome.OPENED


STAY = YearDay(Minute(2027, 1, 31, 14, 0), Minute(2027, 2, 3, 10, 0))


def test_year_day_pin_opens_from_the_first_minute_up_to_the_last() -> None:
    lock = lock_at("2027-01-29 08:00")
    assert lock.put_schedule(1, 1, STAY, AT).is_ok
    walls = ("2027-01-29 08:00", "2027-01-31 13:59:59", "2027-01-31 14:00", "2027-02-03 09:59:59", "2027-02-03 10:00")
    assert [opens_at(lock, wall) for wall in walls] == [False, False, True, True, False]


def test_pin_that_was_never_scheduled_opens_at_any_hour() -> None:
    lock = lock_at("2027-01-29 08:00")
    lock.put_schedule(2, 1, STAY, AT)
    assert opens_at(lock, "2027-01-29 08:00")


def test_lock_that_only_stores_schedules_opens_at_any_hour() -> None:
    lock = lock_at("2027-01-29 08:00", replace(TIMED, enforces_schedules=False))
    assert lock.put_schedule(1, 1, STAY, AT).is_ok
    assert lock.schedules.get(1, Kind.YEAR_DAY, 1) == STAY
    assert opens_at(lock, "2027-01-29 08:00")


def test_week_day_pin_opens_on_its_day_only() -> None:
    lock = lock_at("2027-01-31 00:00")  # a Sunday
    lock.put_schedule(1, 1, WeekDay(1, 9 * 60, 17 * 60), AT)
    walls = ("2027-01-31 10:00", "2027-02-01 08:59", "2027-02-01 09:00", "2027-02-01 17:00", "2027-02-02 10:00")
    assert [opens_at(lock, wall) for wall in walls] == [False, False, True, False, False]


def test_daily_window_runs_over_midnight() -> None:
    lock = lock_at("2027-01-31 00:00")
    lock.put_schedule(1, 1, Daily(frozenset({5, 6}), 22 * 60, 6 * 60), AT)  # Friday and Saturday night
    walls = ("2027-02-05 21:59", "2027-02-05 23:00", "2027-02-06 03:59", "2027-02-06 04:00", "2027-02-07 03:00")
    assert [opens_at(lock, wall) for wall in walls] == [False, True, True, False, True]
    assert not opens_at(lock, "2027-02-08 03:00")


def test_setting_another_kind_forgets_the_first() -> None:
    lock = lock_at("2027-02-01 12:00")
    lock.put_schedule(1, 1, STAY, AT)
    lock.put_schedule(1, 1, WeekDay(0, 0, 60), AT)
    assert lock.schedules.get(1, Kind.YEAR_DAY, 1) is None
    assert not opens_at(lock, "2027-02-01 12:00")


@pytest.mark.parametrize("bars", [False, True])
def test_erasing_the_last_schedule_frees_or_bars_as_the_model_says(bars: bool) -> None:
    lock = lock_at("2027-01-29 08:00", replace(TIMED, erased_schedule_bars=bars))
    lock.put_schedule(1, 1, STAY, AT)
    assert lock.erase_schedule(1, Kind.YEAR_DAY, 1, AT).is_ok
    assert opens_at(lock, "2027-01-29 08:00") is not bars


def test_unbound_user_is_free_and_bound_again_is_not() -> None:
    lock = lock_at("2027-01-29 08:00")
    lock.put_schedule(1, 1, STAY, AT)
    lock.bind(1, AT, is_bound=False)
    free = opens_at(lock, "2027-01-29 08:00")
    lock.bind(None, AT, is_bound=True)
    assert (free, opens_at(lock, "2027-01-29 08:00")) == (True, False)


@pytest.mark.parametrize(
    ("schedule", "refusal"),
    [
        (YearDay(Minute(2027, 2, 30, 0, 0), Minute(2027, 3, 1, 0, 0)), Refusal.SCHEDULE),
        (YearDay(Minute(2027, 2, 3, 0, 0), Minute(2027, 2, 3, 0, 0)), Refusal.SCHEDULE),
        (YearDay(Minute(2000 + 0xEA, 2, 3, 0, 0), Minute(2000 + 0xEA, 2, 4, 0, 0)), Refusal.SCHEDULE),
        (WeekDay(7, 0, 60), Refusal.SCHEDULE),
        (WeekDay(1, 22 * 60, 6 * 60), Refusal.SCHEDULE),
        (Daily(frozenset(), 0, 60), Refusal.SCHEDULE),
    ],
)
def test_schedule_that_makes_no_sense_is_refused(schedule: Schedule, refusal: Refusal) -> None:
    lock = lock_at("2027-01-29 08:00")
    assert lock.put_schedule(1, 1, schedule, AT).refusal is refusal
    assert opens_at(lock, "2027-01-29 08:00")


def test_schedule_slot_that_the_lock_has_not_is_refused() -> None:
    lock = lock_at("2027-01-29 08:00")
    assert lock.put_schedule(1, 2, STAY, AT).refusal is Refusal.SLOT
    assert lock.put_schedule(31, 1, STAY, AT).refusal is Refusal.SLOT
    assert Firmware(shipped_model("plain_v1")).put_schedule(1, 1, STAY, AT).refusal is Refusal.SLOT


def test_schedule_for_a_slot_without_a_code_is_refused_where_the_model_says_so() -> None:
    lock = lock_at("2027-01-29 08:00", replace(TIMED, schedule_needs_code=True))
    assert lock.put_schedule(2, 1, STAY, AT).refusal is Refusal.SCHEDULE
    assert lock.put_schedule(1, 1, STAY, AT).is_ok


def test_injected_refusal_of_a_schedule_is_told() -> None:
    lock = Firmware(TIMED, strikes=lambda fault: fault is Fault.REFUSE_SCHEDULE)
    assert not lock.put_schedule(1, 1, STAY, AT).claims_success
    assert lock.write(1, PIN, AT).is_ok


@pytest.mark.parametrize("forgets", [False, True])
def test_emptied_slot_keeps_its_schedule_unless_the_model_forgets_it(forgets: bool) -> None:
    lock = lock_at("2027-01-29 08:00", replace(TIMED, clear_forgets_schedules=forgets))
    lock.put_schedule(1, 1, STAY, AT)
    lock.clear(1, AT)
    lock.write(1, PIN, AT)
    assert opens_at(lock, "2027-01-29 08:00") is forgets


def test_image_keeps_schedules_of_every_kind() -> None:
    lock = lock_at("2027-01-29 08:00")
    lock.put_schedule(1, 1, STAY, AT)
    lock.put_schedule(2, 3, WeekDay(1, 60, 120), AT)
    lock.put_schedule(3, 7, Daily(frozenset({0, 6}), 60, 120), AT)
    lock.bind(4, AT, is_bound=True)
    again = Firmware(TIMED)
    again.restore(lock.image())
    assert again.image() == lock.image()


@pytest.mark.parametrize(
    "schedules",
    [
        {"1": {"is_scheduled": True, "kind": "year_day", "slots": {"1": [2027, 1]}}},
        {"1": {"is_scheduled": True, "kind": "daily", "slots": {"1": [["x"], 1, 2]}}},
        {"1": 7},
        {"x": {"is_scheduled": True, "kind": None, "slots": {}}},
    ],
)
def test_damaged_image_of_schedules_is_refused(schedules: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"schedules|invalid literal"):
        Firmware(TIMED).restore({"slots": {}, "bolt": "locked", "battery": 1, "schedules": schedules})


# The clock.


def test_clock_drifts_by_its_parts_per_million() -> None:
    clock = LockClock(100, 0)
    clock.set(utc("2027-01-01 00:00"), AT)
    assert clock.utc_s(AT + 1_000_000) - utc("2027-01-01 00:00") == pytest.approx(1_000_100)


def test_drifting_lock_opens_early_and_a_set_clock_mends_it() -> None:
    lock = lock_at("2027-01-01 00:00", replace(TIMED, clock_drift_ppm=1000))
    lock.put_schedule(1, 1, STAY, AT)
    early = AT + utc("2027-01-31 13:30") - utc("2027-01-01 00:00")  # true time; the lock's is 44 minutes ahead
    drifted = lock.may_open(1, early)
    lock.clock.set(utc("2027-01-31 13:30"), early)
    assert (drifted, lock.may_open(1, early)) == (True, False)


def test_battery_change_puts_the_clock_to_the_makers_date() -> None:
    lock = lock_at("2027-02-01 12:00")
    lock.put_schedule(1, 1, STAY, AT)
    before = lock.may_open(1, AT)
    lock.lose_power(AT + 60)
    assert (before, lock.may_open(1, AT + 60)) == (True, False)
    assert (lock.clock.is_set, lock.clock.utc(AT + 120).isoformat()) == (False, "2000-01-01T00:01:00+00:00")


def test_jump_moves_the_clock_at_once() -> None:
    lock = lock_at("2027-01-31 13:00")
    lock.clock.jump(3600, AT)
    assert lock.clock.utc_s(AT) == utc("2027-01-31 14:00")


BERLIN = Offsets(60, 60, (Turn(3, 28, 2), Turn(10, 31, 2)))  # 2027; the autumn turn is at 03:00 summer time
SYDNEY = Offsets(600, 60, (Turn(10, 3, 2), Turn(4, 4, 2)))


@pytest.mark.parametrize(
    ("offsets", "at", "wall"),
    [
        (BERLIN, "2027-03-28 00:59", "01:59"),
        (BERLIN, "2027-03-28 01:00", "03:00"),
        (BERLIN, "2027-10-31 00:59", "02:59"),
        (BERLIN, "2027-10-31 01:00", "02:00"),
        (SYDNEY, "2027-01-01 00:00", "11:00"),
        (SYDNEY, "2027-06-01 00:00", "10:00"),
        (Offsets(-300, 60), "2027-07-01 00:00", "19:00"),
    ],
)
def test_local_time_follows_the_offsets_it_was_told(offsets: Offsets, at: str, wall: str) -> None:
    clock = LockClock(0, 0)
    clock.offsets = offsets
    assert clock.local_of(utc(at)).strftime("%H:%M") == wall


def test_local_time_that_is_set_is_local_time_that_is_shown() -> None:
    clock = LockClock(0, 0)
    clock.offsets = BERLIN
    for wall in ("2027-01-15 12:00", "2027-07-15 12:00", "2027-10-31 02:30"):
        clock.set_local(datetime.fromisoformat(wall).replace(tzinfo=UTC), AT)
        assert clock.local(AT).strftime("%Y-%m-%d %H:%M") == wall
