"""The clock: `lo` never goes back, and only trusted time pulls it forward (T1)."""

import pytest

from gateway.model.clock import ClockTrust
from gateway.model.instant import DAY_MS, Instant
from gateway.runtime import clock as clocks
from gateway.runtime.clock import SystemClock, TrustSource
from tests.builders import NOON


class Machine:
    """The machine's two clocks and its kernel's word, moved by the test."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.wall_ms: int = NOON
        self.uptime_s = 1000.0
        self.is_synchronised = False
        monkeypatch.setattr("time.monotonic", lambda: self.uptime_s)
        monkeypatch.setattr("time.time_ns", lambda: self.wall_ms * 1_000_000)
        monkeypatch.setattr(clocks, "kernel_is_synchronised", lambda: self.is_synchronised)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(monkeypatch)


def test_t1_untrusted_time_does_not_move_lo_but_uptime_does(machine: Machine) -> None:
    machine.wall_ms = NOON + 300 * DAY_MS
    clock = SystemClock(TrustSource.KERNEL, NOON)
    assert clock.reading().lo == NOON
    assert clock.reading().trust is ClockTrust.UNTRUSTED
    machine.uptime_s += 1000
    assert clock.reading().lo == NOON + 999_900


def test_t1_trusted_time_pulls_lo_forward_and_never_back(machine: Machine) -> None:
    clock = SystemClock(TrustSource.KERNEL, Instant(NOON - DAY_MS))
    machine.is_synchronised = True
    assert clock.reading().lo == NOON
    machine.wall_ms = NOON - DAY_MS
    reading = clock.reading()
    assert reading.lo == NOON
    assert reading.hi >= reading.lo


def test_t1_after_trust_is_lost_time_is_bounded(machine: Machine) -> None:
    clock = SystemClock(TrustSource.KERNEL, NOON)
    machine.is_synchronised = True
    clock.reading()
    machine.is_synchronised = False
    assert clock.reading().trust is ClockTrust.BOUNDED


def test_a_clock_in_1970_starts_at_the_mark_on_disk(machine: Machine) -> None:
    machine.wall_ms = 0
    assert SystemClock(TrustSource.KERNEL, NOON).reading().lo == NOON


def test_assumed_trust_is_for_development(machine: Machine) -> None:
    assert SystemClock(TrustSource.ASSUME, Instant(0)).reading().trust is ClockTrust.TRUSTED


def test_the_kernel_answers() -> None:
    assert clocks.kernel_is_synchronised() in {True, False}
