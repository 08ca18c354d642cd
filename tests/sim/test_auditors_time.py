"""Mutation stories of the hub's clock: each rule of time broken on purpose, and the auditor that has to cry (T1 to T3)."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from gateway.model.clock import ClockAnchor, ClockReading
from gateway.model.events import EventKind
from gateway.model.instant import DAY_MS
from gateway.planner import plan
from gateway.planner.desired import Desire, desire
from gateway.runtime.interval import IntervalClock
from gateway.store import facts
from tests.sim.stories.house import HOUR_S, create, pins, tell
from tests.sim.stories.test_windows import heard
from tests.sim.world import World

GUEST = "14701470"


def names(story: Callable[[World], object]) -> set[str]:
    return {violation.auditor for violation in tell(story)}  # type: ignore[arg-type] # a story


async def boot_in(world: World, shown_ms: int) -> None:
    """The power goes for a minute; the wall clock begins elsewhere, and no time service is heard."""
    world.pull_plug()
    await world.pass_time(60)
    life = world.plug_in(is_synced=False)
    life.clock.sources.error_ms = shown_ms - world.true.now()


def hear(world: World) -> None:
    """The time service is there, and right."""
    assert world.life is not None
    world.life.clock.sources.error_ms = 0
    world.sync(world.life)


async def err_over_a_restart(world: World) -> None:
    """The service is a year ahead for twenty minutes, and the daemon is started again in the middle of it."""
    create(world, "guest", GUEST, starts_in_s=60, ends_in_s=20 * HOUR_S)
    await world.pass_time(600)
    assert world.machine.sources is not None
    world.machine.sources.error_ms = 365 * DAY_MS
    await world.pass_time(300)
    await world.stop()
    await world.pass_time(300)
    world.plug_in()
    await world.pass_time(600)
    assert pins(world) == {GUEST}
    assert heard(world, EventKind.HUB_CLOCK_STEP_HELD) == 1
    world.machine.sources.error_ms = 0
    await world.pass_time(HOUR_S)


def test_t3_a_step_that_is_held_is_held_over_a_restart_of_the_daemon() -> None:
    assert names(err_over_a_restart) == set()


def test_t3_a_step_that_is_believed_at_once_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    async def err(world: World) -> None:
        create(world, "guest", GUEST, starts_in_s=60, ends_in_s=20 * HOUR_S)
        await world.pass_time(600)
        assert world.machine.sources is not None
        world.machine.sources.error_ms = 365 * DAY_MS
        await world.pass_time(600)
        world.machine.sources.error_ms = 0

    assert names(err) == set()
    monkeypatch.setattr(IntervalClock, "_is_held", lambda *_: False)
    assert "clock" in names(err)


def test_t3_a_step_that_is_believed_because_the_daemon_was_started_again_is_seen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def err(world: World) -> None:
        await world.pass_time(600)
        assert world.machine.sources is not None
        world.machine.sources.error_ms = 365 * DAY_MS
        await world.stop()
        world.plug_in()
        await world.pass_time(600)
        world.machine.sources.error_ms = 0

    assert names(err) == set()
    monkeypatch.setattr(IntervalClock, "_go_on_from", lambda _clock, _anchor: None)
    assert "clock" in names(err)


def test_t1_time_that_goes_back_over_a_power_cut_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    async def cut(world: World) -> None:
        await world.pass_time(5 * HOUR_S)
        await boot_in(world, 0)
        await world.pass_time(HOUR_S)
        hear(world)

    assert names(cut) == set()
    monkeypatch.setattr(facts, "raise_high_water", lambda *_: None)
    assert "clock" in names(cut)


def test_t1_a_bound_that_is_wrong_after_a_restart_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    async def restart(world: World) -> None:
        await world.pass_time(600)
        assert world.life is not None
        world.life.clock.is_synced = False
        await world.pass_time(5 * HOUR_S)
        await world.stop()
        await world.pass_time(2 * HOUR_S)
        life = world.plug_in(is_synced=False)
        await world.pass_time(HOUR_S)
        world.sync(life)

    assert names(restart) == set()
    anchor = IntervalClock.anchor

    def forgetful(clock: IntervalClock) -> ClockAnchor | None:
        found = anchor(clock)
        return None if found is None else replace(found, hi=found.lo, lo=found.lo - 3_600_000, is_bounded=True)

    monkeypatch.setattr(IntervalClock, "anchor", forgetful)
    assert "clock" in names(restart)


def test_t1_a_start_by_a_guess_of_the_time_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The guess happens to be right: what counts is that nobody knew."""

    async def doubt(world: World) -> None:
        create(world, "guest", GUEST, starts_in_s=2 * HOUR_S, ends_in_s=70 * HOUR_S)
        await world.pass_time(600)
        world.pull_plug()
        await world.pass_time(3 * HOUR_S)
        life = world.plug_in(is_synced=False)
        await world.pass_time(600)
        world.sync(life)

    assert names(doubt) == set()

    def guessing(code: object, reading: ClockReading, *rest: object, **named: object) -> Desire:
        return desire(code, replace(reading, lo=reading.hi), *rest, **named)  # type: ignore[arg-type] # passed on

    monkeypatch.setattr(plan, "desire", guessing)
    assert "activation" in names(doubt)


def test_t2_a_code_that_stays_for_more_than_a_day_without_the_time_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    async def doubt(world: World) -> None:
        create(world, "guest", GUEST, starts_in_s=60, ends_in_s=90 * HOUR_S)
        create(world, "owner", "25802580")
        await world.pass_time(600)
        await boot_in(world, 0)
        await world.pass_time(23 * HOUR_S)
        assert GUEST in pins(world)
        await world.pass_time(2 * HOUR_S)
        found.append(pins(world))
        await world.pass_time(HOUR_S)
        hear(world)
        await world.pass_time(HOUR_S)

    found: list[set[str]] = []
    assert names(doubt) == set()
    assert found == [{"25802580"}], "ongoing codes are not touched"

    def patient(*given: object, **named: object) -> Desire:
        return desire(*given, **named | {"stay_ms": 30 * DAY_MS})  # type: ignore[arg-type] # passed on

    monkeypatch.setattr(plan, "desire", patient)
    assert "overstay" in names(doubt)
