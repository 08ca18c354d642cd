"""What seasons of bookings taught: guests who would have stood before a closed door."""

from dataclasses import replace

from drivers.simulator.doors.driver import Trouble
from drivers.simulator.lock.profiles import shipped_model
from tests.sim.doors import Radio, Verb
from tests.sim.stories.house import LOCK, create, pins, tell
from tests.sim.world import World


def test_a_lost_command_on_a_lock_that_tells_nothing_of_hands_is_repeated_soon() -> None:
    """Each look before the repetition counted as one more failure and made its wait longer: the PIN came after 36 minutes (A8)."""

    async def story(world: World) -> None:
        create(world, "first", "14701470")
        await world.pass_time(60)
        door = world.doors[LOCK]
        looks, writes = door.calls[Verb.READ], door.calls[Verb.WRITE]
        create(world, "guest", "25802580")
        while door.calls[Verb.READ] == looks:
            await world.pass_time(0.002)
        door.radio = Radio(1.0, (Trouble.LOST_COMMAND,))
        while door.calls[Verb.WRITE] == writes:
            await world.pass_time(0.002)
        door.radio = Radio()
        await world.pass_time(60)
        assert pins(world) == {"14701470", "25802580"}

    assert tell(story, models=[replace(shipped_model("plain_v1"), notifies_keypad_changes=False)]) == []
