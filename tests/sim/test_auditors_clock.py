"""Mutation stories of locks' clocks: T4 broken on purpose, and the auditor that has to cry. And the same unbroken: silence."""

from dataclasses import replace

import pytest

from drivers.simulator.lock.profiles import shipped_model
from gateway.model.access_code import AccessCode
from gateway.model.clock import ClockReading, ClockTrust
from gateway.model.instant import Instant
from gateway.model.lock_clock import ClockState, LockClock
from gateway.model.slot import SlotRecord
from gateway.model.snapshot import LockSnapshot
from gateway.planner import native, plan
from gateway.planner.native import Timing
from tests.sim.stories.house import HOUR_S, LOCK, create, tell
from tests.sim.world import World

TIMED = [shipped_model("timed")]


async def clock_goes_wrong(world: World) -> None:
    """A stay of a week, with a lock whose clock goes an hour wrong on its second day and loses its batteries on the fourth."""
    create(world, "guest", "25802580", starts_in_s=HOUR_S, ends_in_s=7 * 24 * HOUR_S)
    await world.pass_time(24 * HOUR_S)
    world.doors[LOCK].firmware.clock.jump(HOUR_S, world.loop.time())
    await world.pass_time(48 * HOUR_S)
    world.doors[LOCK].change_batteries(world.loop.time())
    await world.pass_time(3.5 * 24 * HOUR_S)


async def boots_in_doubt(world: World) -> None:
    """The hub boots without the time, a lock tells it to a minute, and a stay is booked that begins in two days."""
    create(world, "resident", "14701470", ends_in_s=200 * HOUR_S)
    await world.pass_time(HOUR_S)
    world.pull_plug()
    life = world.plug_in(is_synced=False)
    await world.pass_time(60)
    assert life.clock.trust is ClockTrust.BOUNDED
    create(world, "guest", "25802580", starts_in_s=48 * HOUR_S, ends_in_s=72 * HOUR_S)
    await world.pass_time(HOUR_S)
    world.sync(life)
    await world.pass_time(HOUR_S)


def test_t4_nobody_cries_when_nothing_is_broken() -> None:
    assert tell(clock_goes_wrong, models=TIMED) == []
    assert tell(boots_in_doubt, models=TIMED) == []


def test_t4_a_clock_that_stays_wrong_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def only_once(clock: LockClock, now: Instant) -> Instant | None:
        return now if clock.state is ClockState.UNCHECKED else None

    monkeypatch.setattr(LockClock, "check_due_at", only_once)
    monkeypatch.setattr(LockClock, "is_good", lambda *_: True)
    assert {cry.auditor for cry in tell(clock_goes_wrong, models=TIMED)} == {"lock clock"}


def test_t4_a_window_by_a_clock_that_nobody_looked_at_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LockClock, "check_due_at", lambda *_: None)
    monkeypatch.setattr(LockClock, "is_good", lambda *_: True)
    assert "lock clock" in {cry.auditor for cry in tell(clock_goes_wrong, models=TIMED)}


def test_t4_a_preload_while_the_hubs_own_time_is_in_doubt_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def trusting(
        code: AccessCode, snapshot: LockSnapshot, reading: ClockReading, record: SlotRecord | None, **twin: bool
    ) -> Timing:
        return native.timing(code, snapshot, replace(reading, trust=ClockTrust.TRUSTED), record, **twin)

    monkeypatch.setattr(plan, "timing", trusting)
    assert "lock clock" in {cry.auditor for cry in tell(boots_in_doubt, models=TIMED)}
