"""What worlds taught about time that was lost: every instant in the store was true once, and must not be ahead later."""

from drivers.simulator.lock.profiles import shipped_model
from gateway.model.clock import ClockTrust
from gateway.model.events import EventKind
from tests.sim.stories.house import HOUR_S, LOCK, create, delete, pins, tell
from tests.sim.world import World


def test_waits_do_not_grow_when_the_hub_loses_the_time_service_and_then_its_power() -> None:
    """The mark on disk stood still while time was only bounded, so after a restart all waits lay hours ahead (T1, A9)."""

    async def story(world: World) -> None:
        create(world, "cleaner", "25802580")
        await world.pass_time(60)
        assert pins(world) == {"25802580"}
        assert world.life is not None
        world.life.clock.is_synced = False
        await world.pass_time(6 * HOUR_S)
        world.doors[LOCK].set_deaf(is_deaf=True)
        delete(world, "cleaner")
        await world.pass_time(HOUR_S)
        world.pull_plug()
        await world.pass_time(10)
        life = world.plug_in(is_synced=False)
        await world.pass_time(120)
        world.doors[LOCK].set_deaf(is_deaf=False)
        await world.pass_time(120)
        assert pins(world) == set()
        world.sync(life)

    assert tell(story) == []


def test_a_time_bound_code_whose_first_write_never_left_the_hub_waits_for_the_time() -> None:
    """A lease alone counted as "on the lock", so a code that ends within a day started on an untrusted clock (T2)."""

    async def story(world: World) -> None:
        world.doors[LOCK].set_deaf(is_deaf=True)
        create(world, "guest", "14701470", starts_in_s=60, ends_in_s=20 * HOUR_S)
        await world.pass_time(HOUR_S)
        world.pull_plug()
        await world.pass_time(10)
        life = world.plug_in(is_synced=False)
        world.doors[LOCK].set_deaf(is_deaf=False)
        await world.pass_time(HOUR_S)
        assert pins(world) == set()
        world.sync(life)
        await world.pass_time(120)
        assert pins(world) == {"14701470"}

    assert tell(story) == []


def test_a_code_whose_end_may_have_come_is_not_put_on_a_lock() -> None:
    """A lock's clock tells the time to a minute, and a stay that had just ended was written: it lay between both bounds (T1)."""

    async def story(world: World) -> None:
        create(world, "resident", "25802580", ends_in_s=60 * HOUR_S)
        await world.pass_time(600)
        world.pull_plug()
        create(world, "guest", "14701470", ends_in_s=130)
        await world.pass_time(150)
        life = world.plug_in(is_synced=False)
        await world.pass_time(20)
        assert life.clock.trust is ClockTrust.BOUNDED
        assert pins(world) == {"25802580"}
        await world.pass_time(300)
        kinds = {event.kind for event in world.counterpart.of_code("guest")}
        assert EventKind.COMMAND_ACCEPTED in kinds
        assert EventKind.CODE_SET not in kinds
        world.sync(life)

    assert tell(story, models=[shipped_model("timed")]) == []


def test_a_time_that_was_heard_seconds_before_the_power_went_may_be_heard_again() -> None:
    """Seed 100949: an hour was heard and lost within half a minute, in which the keeper of the time slept and nothing went by it (T1)."""

    async def story(world: World) -> None:
        world.pull_plug()
        await world.pass_time(HOUR_S)
        life = world.plug_in(is_synced=False)
        await world.pass_time(600)
        # The keeper looks at 10 and 40 seconds of a minute, as the hub was plugged in at 10; the judge at 0 and 30.
        await world.pass_time((20 - world.loop.time()) % 30)
        world.sync(life)
        await world.pass_time(18)
        world.pull_plug()
        await world.pass_time(20)
        life = world.plug_in(is_synced=False)
        assert life.clock.reading().trust is ClockTrust.UNTRUSTED
        await world.pass_time(60)
        world.sync(life)

    assert tell(story) == []
