"""The clock: `lo` never goes back, and only trusted time pulls it forward (T1)."""

import asyncio
import os
from pathlib import Path

import pytest

from gateway.model.clock import ClockTrust
from gateway.model.instant import DAY_MS, Instant
from gateway.runtime import clock as clocks
from gateway.runtime.clock import SystemClock, TrustSource
from gateway.runtime.interval import KeptTime
from tests.builders import NOON


class Machine:
    """The machine's two clocks and its kernel's word, moved by the test."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.wall_ms: int = NOON
        self.uptime_s = 1000.0
        self.is_synchronised = False
        monkeypatch.setattr("time.clock_gettime", lambda _: self.uptime_s)
        monkeypatch.setattr("time.time_ns", lambda: self.wall_ms * 1_000_000)
        monkeypatch.setattr(clocks, "kernel_is_synchronised", lambda: self.is_synchronised)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(monkeypatch)


def test_t1_untrusted_time_does_not_move_lo_but_uptime_does(machine: Machine) -> None:
    machine.wall_ms = NOON + 300 * DAY_MS
    clock = SystemClock(TrustSource.KERNEL, KeptTime(NOON))
    assert clock.reading().lo == NOON
    assert clock.reading().trust is ClockTrust.UNTRUSTED
    machine.uptime_s += 1000
    assert clock.reading().lo == NOON + 999_900


def test_t1_trusted_time_pulls_lo_forward_and_never_back(machine: Machine) -> None:
    clock = SystemClock(TrustSource.KERNEL, KeptTime(Instant(NOON - DAY_MS)))
    machine.is_synchronised = True
    assert clock.reading().lo == NOON
    machine.wall_ms = NOON - DAY_MS
    reading = clock.reading()
    assert reading.lo == NOON
    assert reading.hi >= reading.lo


def test_t1_after_trust_is_lost_time_is_bounded(machine: Machine) -> None:
    clock = SystemClock(TrustSource.KERNEL, KeptTime(NOON))
    machine.is_synchronised = True
    clock.reading()
    machine.is_synchronised = False
    assert clock.reading().trust is ClockTrust.BOUNDED


def test_a_clock_in_1970_starts_at_the_mark_on_disk(machine: Machine) -> None:
    machine.wall_ms = 0
    assert SystemClock(TrustSource.KERNEL, KeptTime(NOON)).reading().lo == NOON


def test_assumed_trust_is_for_development(machine: Machine) -> None:
    assert SystemClock(TrustSource.ASSUME, KeptTime(Instant(0))).reading().trust is ClockTrust.TRUSTED


def test_the_kernel_answers() -> None:
    assert clocks.kernel_is_synchronised() in {True, False}


def test_t1_the_time_service_s_flag_is_believed_for_a_day_after_its_last_answer(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Its clock file, which it also saves while no server answers, was taken for the answer: trust never ended."""
    flag = tmp_path / "synchronized"
    monkeypatch.setattr(clocks, "SYNC_FLAG", flag)
    clock = SystemClock(TrustSource.SERVICE, KeptTime(NOON))
    assert clock.reading().trust is ClockTrust.UNTRUSTED
    flag.touch()
    os.utime(flag, (NOON / 1000, NOON / 1000))
    assert clock.reading().trust is ClockTrust.TRUSTED
    machine.wall_ms = NOON + DAY_MS + 1
    machine.uptime_s += DAY_MS / 1000
    assert clock.reading().trust is ClockTrust.BOUNDED
    os.utime(flag, (machine.wall_ms / 1000, machine.wall_ms / 1000))
    assert clock.reading().trust is ClockTrust.TRUSTED


async def test_t1_a_watch_on_a_clock_that_nobody_sets_stays_silent_and_ends_when_cancelled() -> None:
    heard: list[str] = []
    watch = asyncio.get_running_loop().create_task(clocks.watch_settings(lambda: heard.append("set")))
    await asyncio.sleep(0)
    watch.cancel()
    with pytest.raises(asyncio.CancelledError):
        await watch
    assert heard == []


def test_t3_the_boot_is_named_by_the_unit_else_by_the_kernel_else_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kernels = tmp_path / "boot_id"
    monkeypatch.setattr(clocks, "BOOT_FILE", kernels)
    monkeypatch.delenv(clocks.BOOT_VARIABLE, raising=False)
    assert clocks.boot_name() == ""
    kernels.write_text("5c1b\n")
    assert clocks.boot_name() == "5c1b"
    monkeypatch.setenv(clocks.BOOT_VARIABLE, "d0e2")
    assert clocks.boot_name() == "d0e2"
