"""What worlds taught about windows that locks keep themselves, lock clocks, and a hub's clock that jumps (A2, T1 to T4)."""

from dataclasses import replace

from drivers.simulator.lock.profiles import shipped_model
from drivers.simulator.lock.values import PressOutcome
from gateway.model.clock import ClockTrust
from gateway.model.events import EventKind
from gateway.model.instant import DAY_MS
from tests.sim.stories.house import HOUR_S, LOCK, create, pins, tell
from tests.sim.world import World

TIMED = [shipped_model("timed")]
GUEST = "14701470"


def opening(world: World) -> set[str]:
    """The PINs that open the door now."""
    return set(world.doors[LOCK].firmware.opening(world.loop.time()).values())


def heard(world: World, kind: EventKind) -> int:
    return sum(event.kind == kind for event in world.counterpart.events)


def test_a_lock_keeps_a_stay_while_the_hub_is_without_power_from_the_preload_to_the_end() -> None:
    async def story(world: World) -> None:
        create(world, "guest", GUEST, starts_in_s=48 * HOUR_S, ends_in_s=72 * HOUR_S)
        await world.pass_time(600)
        assert (pins(world), opening(world)) == ({GUEST}, set())
        world.pull_plug()
        await world.pass_time(46 * HOUR_S)
        assert opening(world) == set()
        await world.pass_time(3 * HOUR_S)
        assert opening(world) == {GUEST}
        await world.pass_time(24 * HOUR_S)
        assert opening(world) == set()
        world.plug_in()
        await world.pass_time(600)
        assert pins(world) == set()

    assert tell(story, models=TIMED) == []


def test_a_lock_with_new_batteries_gets_the_time_back_before_its_guest_comes() -> None:
    """The daily check had just been made, and the lock told nobody: it is asked again one lead before a start (T4)."""

    async def story(world: World) -> None:
        create(world, "guest", GUEST, starts_in_s=48 * HOUR_S, ends_in_s=72 * HOUR_S)
        await world.pass_time(30 * HOUR_S)
        world.doors[LOCK].firmware.lose_power(world.loop.time())
        await world.pass_time(18 * HOUR_S + 120)
        assert heard(world, EventKind.DEVICE_CLOCK_WRONG) == 1
        assert opening(world) == {GUEST}
        await world.pass_time(25 * HOUR_S)

    assert tell(story, models=TIMED) == []


def test_a_lock_whose_clock_runs_wrong_is_put_right_within_a_day() -> None:
    async def story(world: World) -> None:
        create(world, "guest", GUEST, starts_in_s=70 * HOUR_S, ends_in_s=90 * HOUR_S)
        await world.pass_time(HOUR_S)
        world.doors[LOCK].firmware.clock.jump(-3 * 3600, world.loop.time())
        await world.pass_time(25 * HOUR_S)
        assert heard(world, EventKind.DEVICE_CLOCK_WRONG) == 1
        await world.pass_time(45 * HOUR_S)
        assert opening(world) == {GUEST}

    assert tell(story, models=TIMED) == []


def test_a_hub_in_doubt_learns_the_time_from_a_lock_that_was_seen_right() -> None:
    async def story(world: World) -> None:
        create(world, "guest", GUEST, starts_in_s=40 * HOUR_S, ends_in_s=44 * HOUR_S)
        await world.pass_time(HOUR_S)
        world.pull_plug()
        await world.pass_time(44 * HOUR_S)
        life = world.plug_in(is_synced=False)
        await world.pass_time(600)
        assert life.clock.trust is ClockTrust.BOUNDED
        assert pins(world) == set()
        world.sync(life)

    assert tell(story, models=TIMED) == []


def test_a_hub_in_1970_opens_nothing_and_removes_nothing_until_it_hears_the_time() -> None:
    async def story(world: World) -> None:
        create(world, "guest", GUEST, starts_in_s=60, ends_in_s=20 * HOUR_S)
        create(world, "next", "25802580", starts_in_s=3 * HOUR_S, ends_in_s=23 * HOUR_S)
        await world.pass_time(600)
        world.pull_plug()
        await world.pass_time(60)
        life = world.plug_in(is_synced=False)
        life.clock.sources.error_ms = -world.true.now()
        await world.pass_time(6 * HOUR_S)
        assert pins(world) == {GUEST}
        assert heard(world, EventKind.HUB_CLOCK_UNKNOWN) == 1
        life.clock.sources.error_ms = 0
        world.sync(life)
        await world.pass_time(600)
        assert pins(world) == {GUEST, "25802580"}
        assert heard(world, EventKind.HUB_CLOCK_KNOWN) == 1

    assert tell(story) == []


def test_a_service_that_jumps_a_year_ahead_removes_nothing_for_half_an_hour() -> None:
    async def story(world: World) -> None:
        create(world, "guest", GUEST, starts_in_s=60, ends_in_s=20 * HOUR_S)
        await world.pass_time(600)
        assert world.life is not None
        world.life.clock.sources.error_ms = 365 * DAY_MS
        await world.pass_time(25 * 60)
        assert pins(world) == {GUEST}
        assert heard(world, EventKind.HUB_CLOCK_STEP_HELD) == 1
        world.life.clock.sources.error_ms = 0
        await world.pass_time(HOUR_S)
        assert pins(world) == {GUEST}

    assert tell(story) == []


def test_a_lock_that_does_not_keep_the_windows_it_was_proven_to_keep_is_seen() -> None:
    """The mutation of the keypad's auditor: a PIN that lies on a lock ahead of its lead has to be shut."""
    lying = [replace(shipped_model("timed"), enforces_schedules=False)]

    async def story(world: World) -> None:
        create(world, "guest", GUEST, starts_in_s=48 * HOUR_S, ends_in_s=72 * HOUR_S)
        await world.pass_time(2 * HOUR_S)
        assert opening(world) == {GUEST}

    assert "removal" in {violation.auditor for violation in tell(story, models=lying)}


def test_a_lock_that_opens_before_its_window_gives_its_codes_back_and_gets_them_just_in_time() -> None:
    """A lock of a make that keeps windows, one that does not: the first guest who tries early shows it (A2)."""
    lying = [replace(shipped_model("timed"), enforces_schedules=False)]

    async def story(world: World) -> None:
        create(world, "guest", GUEST, starts_in_s=48 * HOUR_S, ends_in_s=72 * HOUR_S)
        await world.pass_time(60)
        door = world.doors[LOCK]
        assert door.press(GUEST, world.loop.time()) is PressOutcome.OPENED
        await world.pass_time(100)
        assert pins(world) == set()
        assert heard(world, EventKind.DEVICE_WINDOW_NOT_KEPT) == 1
        await world.pass_time(47 * HOUR_S)
        assert pins(world) == set()
        await world.pass_time(HOUR_S)
        assert pins(world) == {GUEST}
        await world.pass_time(25 * HOUR_S)

    assert tell(story, models=lying) == []
