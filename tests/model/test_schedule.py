"""What a lock with schedules of its own can be asked for (D6)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.instant import DAY_MS, HOUR_MS, MINUTE_MS, Instant
from gateway.model.lock import Schedule, ScheduleClock, ScheduleTrust
from gateway.model.window import Window

YEAR_DAY = Schedule(MINUTE_MS, ScheduleClock.UTC, MINUTE_MS, 10 * DAY_MS, ScheduleTrust.PROVEN)


@given(st.integers(0, 20 * DAY_MS), st.integers(1, 12 * DAY_MS))
def test_an_effective_window_is_never_wider_than_asked(starts_at: int, length_ms: int) -> None:
    asked = Window(Instant(starts_at), Instant(starts_at + length_ms))
    kept = YEAR_DAY.inside(asked)
    if kept is None:
        rounded_ms = (starts_at + length_ms) // MINUTE_MS * MINUTE_MS - -(-starts_at // MINUTE_MS) * MINUTE_MS
        assert not MINUTE_MS <= rounded_ms <= 10 * DAY_MS
        return
    assert kept.starts_at is not None
    assert kept.ends_at is not None
    assert starts_at <= kept.starts_at < starts_at + MINUTE_MS
    assert starts_at + length_ms - MINUTE_MS < kept.ends_at <= starts_at + length_ms


def test_an_ongoing_code_has_no_schedule() -> None:
    assert YEAR_DAY.inside(Window()) is None
    assert YEAR_DAY.inside(Window(Instant(HOUR_MS))) is None


def test_a_schedule_that_contradicts_itself_is_refused() -> None:
    with pytest.raises(ValueError, match="longest not below the shortest"):
        Schedule(MINUTE_MS, ScheduleClock.OWN, HOUR_MS, MINUTE_MS, ScheduleTrust.NONE)
