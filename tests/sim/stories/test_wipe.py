"""What worlds taught about locks that lost their memory."""

from tests.sim.stories.house import HOUR_S, LOCK, create, pins, tell
from tests.sim.world import World


def test_a_reset_lock_that_says_so_is_refilled_nearest_start_first() -> None:
    """Everything that belongs there now is put back, the ongoing code and the guest's (A17)."""

    async def story(world: World) -> None:
        create(world, "owner", "25802580")
        create(world, "guest", "14701470", starts_in_s=600, ends_in_s=20 * HOUR_S)
        create(world, "next", "36903690", starts_in_s=30 * HOUR_S, ends_in_s=40 * HOUR_S)
        await world.pass_time(HOUR_S)
        assert pins(world) == {"25802580", "14701470"}
        world.doors[LOCK].reset(world.loop.time(), is_told=True)
        assert pins(world) == set()
        await world.pass_time(120)
        assert pins(world) == {"25802580", "14701470"}

    assert tell(story) == []
