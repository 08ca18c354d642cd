"""When to try again (A8, A9)."""

from gateway.model.instant import DAY_MS, MINUTE_MS, SECOND_MS, Instant
from gateway.model.snapshot import Effort
from gateway.planner.backoff import counted, open_again_at, removal_wait_ms, replacement_wait_ms, wait_ms
from tests.builders import NOON


def test_a8_waits_double_from_fifteen_seconds_to_thirty_minutes() -> None:
    waits = [wait_ms(tries, 0.0) // SECOND_MS for tries in range(1, 11)]
    assert waits == [15, 30, 60, 120, 240, 480, 960, 1800, 1800, 1800]


def test_jitter_only_stretches_and_by_a_fifth_at_most() -> None:
    assert wait_ms(1, 0.999) < 18 * SECOND_MS
    assert wait_ms(1, 0.5) > 15 * SECOND_MS


def test_a9_a_removal_is_repeated_every_minute_while_the_lock_answers_or_for_half_an_hour() -> None:
    assert removal_wait_ms(12, 0.9, is_answering=True) == MINUTE_MS
    assert removal_wait_ms(500, 0.9, is_answering=True) == MINUTE_MS
    assert removal_wait_ms(30, 0.9, is_answering=False) == MINUTE_MS
    assert removal_wait_ms(31, 0.0, is_answering=False) == 30 * MINUTE_MS


def test_a9_a_write_over_an_earlier_pin_is_repeated_every_minute_for_a_quarter_of_an_hour() -> None:
    waits = [replacement_wait_ms(tries, 0.0) // SECOND_MS for tries in (1, 2, 3, 4, 15, 16)]
    assert waits == [15, 30, 60, 60, 60, 1800]


def test_a8_the_count_starts_anew_each_day() -> None:
    today = counted(counted(None, NOON), NOON)
    assert today == Effort(NOON // DAY_MS, 2)
    assert counted(today, Instant(NOON + DAY_MS)).repeats == 1
    spent = Effort(NOON // DAY_MS, 40)
    assert open_again_at(spent, NOON, is_inside_lead=False) == (NOON // DAY_MS + 1) * DAY_MS
    assert open_again_at(spent, NOON, is_inside_lead=True) is None
    assert open_again_at(spent, Instant(NOON + DAY_MS), is_inside_lead=False) is None
