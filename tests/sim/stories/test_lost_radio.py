"""What worlds taught about locks that were out of reach."""

from tests.sim.stories.house import HOUR_S, LOCK, create, delete, pins, tell
from tests.sim.world import World


def test_a_revoked_code_goes_within_two_minutes_of_the_locks_return() -> None:
    """The first look that was answered again counted as the last of many failures: the clear came 36 minutes later (A9)."""

    async def story(world: World) -> None:
        create(world, "cleaner", "25802580")
        await world.pass_time(60)
        world.doors[LOCK].set_deaf(is_deaf=True)
        delete(world, "cleaner")
        await world.pass_time(2 * HOUR_S)
        assert pins(world) == {"25802580"}
        world.doors[LOCK].set_deaf(is_deaf=False)
        await world.pass_time(120)
        assert pins(world) == set()

    assert tell(story) == []


def test_a_deaf_lock_is_not_asked_slot_by_slot() -> None:
    """Every slot had waits of its own, so one waiting code walked over all thirty, and then was told "no space" (A8, A16)."""

    async def story(world: World) -> None:
        world.doors[LOCK].set_deaf(is_deaf=True)
        create(world, "owner", "25802580")
        await world.pass_time(6 * HOUR_S)
        calls = sum(world.doors[LOCK].calls.values())
        assert calls < 30
        assert all("no_space" not in str(event.body) for event in world.counterpart.of_code("owner"))
        world.doors[LOCK].set_deaf(is_deaf=False)
        await world.pass_time(60)
        assert pins(world) == {"25802580"}

    assert tell(story) == []


def test_a_code_programmed_while_the_hub_was_off_is_not_written_over() -> None:
    """A slot seen empty long ago counted as free over a restart (N2)."""

    async def story(world: World) -> None:
        create(world, "first", "25802580")
        create(world, "second", "14701470")
        await world.pass_time(60)
        delete(world, "first")
        delete(world, "second")
        await world.pass_time(60)
        world.pull_plug()
        await world.pass_time(60)
        for slot in (1, 2):
            world.doors[LOCK].program(slot, f"9999999{slot}", world.loop.time())
        world.plug_in()
        await world.pass_time(60)
        create(world, "third", "36903690")
        await world.pass_time(60)
        assert pins(world) == {"99999991", "99999992", "36903690"}

    assert tell(story) == []
