"""T1 to T3 on hand-made clocks: what is held, what is believed, what never goes back."""

import pytest

from gateway.model.clock import ClockTrust
from gateway.model.instant import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, Instant
from gateway.runtime.interval import HOLD_MAX_MS, STEP_MS, IntervalClock, KeptTime
from gateway.store.hub_time import was_ever_known
from tests.builders import NOON

BOOT = "boot-1"


class Bench:
    """A wall clock, a crystal and a time service, each moved by the test."""

    def __init__(self, *, is_heard: bool = True) -> None:
        self.wall: int = NOON
        self.up_s = 50.0
        self.is_heard = is_heard
        self.clock = IntervalClock(self, KeptTime(NOON), BOOT)

    def start_again(self, boot: str = BOOT, high_water: int = NOON) -> None:
        """The process ends and is started again."""
        self.clock = IntervalClock(self, KeptTime(Instant(high_water), anchor=self.clock.anchor()), boot)

    def wall_ms(self) -> int:
        return self.wall

    def uptime_s(self) -> float:
        return self.up_s

    def is_synced(self) -> bool:
        return self.is_heard

    def pass_time(self, span_ms: int) -> None:
        self.wall += span_ms
        self.up_s += span_ms / 1000


def test_t3_the_first_word_of_the_time_service_is_no_step() -> None:
    bench = Bench(is_heard=False)
    bench.clock.reading()
    bench.wall, bench.is_heard = NOON + 400 * DAY_MS, True
    assert bench.clock.reading().lo == bench.wall
    assert bench.clock.step() is None


def test_t3_a_later_step_is_held_and_lo_goes_on_by_uptime() -> None:
    bench = Bench()
    bench.clock.reading()
    bench.wall += 2 * DAY_MS
    reading = bench.clock.reading()
    assert (reading.lo, reading.trust) == (NOON, ClockTrust.BOUNDED)
    bench.pass_time(MINUTE_MS)
    step = bench.clock.step()
    assert step is not None
    assert (step.to, step.lo) == (bench.wall, NOON + MINUTE_MS - 6)


def test_t3_a_step_is_taken_when_confirmed_or_after_half_an_hour() -> None:
    confirmed, left = Bench(), Bench()
    for bench in (confirmed, left):
        bench.clock.reading()
        bench.wall += 2 * DAY_MS
        bench.clock.reading()
    confirmed.clock.take_step()
    assert confirmed.clock.reading().lo == confirmed.wall
    assert confirmed.clock.reading().trust is ClockTrust.TRUSTED
    left.pass_time(HOLD_MAX_MS - SECOND_MS)
    assert left.clock.step() is not None
    left.pass_time(SECOND_MS)
    assert left.clock.reading().lo == left.wall
    assert left.clock.step() is None


def test_t3_a_step_that_is_taken_back_was_none_and_the_next_one_is_held_anew() -> None:
    bench = Bench()
    bench.clock.reading()
    bench.wall += 2 * DAY_MS
    assert bench.clock.step() is not None
    bench.wall -= 2 * DAY_MS
    assert bench.clock.step() is None
    bench.clock.take_step()
    bench.wall += 2 * DAY_MS
    assert bench.clock.step() is not None


def test_t3_a_correction_of_seconds_is_no_step() -> None:
    bench = Bench()
    bench.clock.reading()
    bench.wall += STEP_MS
    assert bench.clock.reading().lo == NOON + STEP_MS


def test_t1_lo_never_goes_back_when_the_clock_is_set_back() -> None:
    bench = Bench()
    bench.clock.reading()
    bench.wall -= DAY_MS
    assert bench.clock.reading().lo == NOON
    bench.pass_time(HOUR_MS)
    assert bench.clock.reading().lo == NOON + HOUR_MS - 360


def test_t1_without_the_service_the_interval_widens_by_100_ppm_both_ways() -> None:
    bench = Bench()
    bench.clock.reading()
    bench.is_heard = False
    bench.pass_time(DAY_MS)
    bench.wall += 400 * DAY_MS
    reading = bench.clock.reading()
    assert reading.trust is ClockTrust.BOUNDED
    assert (reading.lo, reading.hi) == (NOON + DAY_MS - 8_640, NOON + DAY_MS + 8_640)


def test_t2_a_person_s_word_bounds_time_that_nobody_knew() -> None:
    bench = Bench(is_heard=False)
    assert bench.clock.reading().untrusted_since == NOON
    assert not bench.clock.bound(Instant(NOON - 2 * MINUTE_MS), MINUTE_MS)
    assert bench.clock.bound(Instant(NOON + DAY_MS), MINUTE_MS)
    reading = bench.clock.reading()
    assert (reading.trust, reading.untrusted_since) == (ClockTrust.BOUNDED, None)
    assert (reading.lo, reading.hi) == (NOON + DAY_MS - MINUTE_MS, NOON + DAY_MS + MINUTE_MS)


def test_t2_nobody_s_word_counts_beside_the_time_service() -> None:
    bench = Bench()
    assert not bench.clock.bound(Instant(NOON + DAY_MS), MINUTE_MS)
    assert bench.clock.reading().lo == NOON


def test_t2_the_day_of_grace_goes_on_over_a_restart() -> None:
    bench = Bench(is_heard=False)
    kept = KeptTime(Instant(NOON + HOUR_MS), untrusted_since=NOON)
    assert IntervalClock(bench, kept).reading().untrusted_since == NOON


def test_t3_a_step_that_is_held_stays_held_over_a_restart_and_no_longer_than_half_an_hour_in_all() -> None:
    bench = Bench()
    bench.clock.reading()
    bench.wall += 2 * DAY_MS
    bench.clock.reading()
    for _ in range(3):
        bench.pass_time(9 * MINUTE_MS)
        bench.start_again()
        reading = bench.clock.reading()
        assert bench.clock.step() is not None
        assert reading.lo < NOON + HOUR_MS
    bench.pass_time(3 * MINUTE_MS)
    assert bench.clock.step() is None
    assert bench.clock.reading().lo == bench.wall


def test_t3_a_step_while_the_process_was_down_is_a_step() -> None:
    bench = Bench()
    bench.clock.reading()
    anchor = bench.clock.anchor()
    bench.pass_time(5 * MINUTE_MS)
    bench.wall += 2 * DAY_MS
    bench.clock = IntervalClock(bench, KeptTime(NOON, anchor=anchor), BOOT)
    assert bench.clock.reading().lo == NOON + 5 * MINUTE_MS - 30
    assert bench.clock.step() is not None


@pytest.mark.parametrize(("boot", "is_step"), [(BOOT, True), ("boot-2", False), ("", False)])
def test_t3_only_the_first_word_after_a_boot_is_no_step(boot: str, *, is_step: bool) -> None:
    bench = Bench()
    bench.clock.reading()
    bench.wall += 2 * DAY_MS
    bench.start_again(boot)
    assert (bench.clock.reading().lo == bench.wall) is not is_step


def test_t1_a_restart_without_the_time_service_loses_nothing_but_the_drift() -> None:
    bench = Bench()
    bench.clock.reading()
    bench.is_heard = False
    anchor = bench.clock.anchor()
    bench.pass_time(DAY_MS)
    went_on = bench.clock.reading()
    bench.clock = IntervalClock(bench, KeptTime(NOON, anchor=anchor), BOOT)
    assert bench.clock.reading() == went_on
    bench.pass_time(HOUR_MS)
    lower = bench.clock.anchor()
    ahead = Instant(bench.clock.reading().lo + HOUR_MS)
    bench.clock = IntervalClock(bench, KeptTime(ahead, anchor=lower), BOOT)
    assert bench.clock.reading().lo == ahead, "the mark on disk is never gone behind"


def test_t1_a_new_database_is_told_from_one_that_ever_knew_the_time() -> None:
    bench = Bench(is_heard=False)
    new = IntervalClock(bench, KeptTime(Instant(0)))
    bench.pass_time(400 * DAY_MS)
    assert not was_ever_known(new.reading().lo)
    bench.is_heard = True
    assert was_ever_known(new.reading().lo)


def test_t1_a_boot_that_cannot_be_told_from_others_keeps_no_anchor() -> None:
    assert IntervalClock(Bench(), KeptTime(NOON)).anchor() is None
