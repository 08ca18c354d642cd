"""What a hub does while nothing happens."""

from gateway.store import journal
from tests.sim.doors import Verb
from tests.sim.stories.house import HOUR_S, LOCK, create, tell
from tests.sim.world import World


def test_a_rotating_look_is_a_line_of_the_timeline_only_when_it_shows_something_new() -> None:
    """Four looks a day at each lock were most of what an idle day wrote to the card."""

    async def story(world: World) -> None:
        create(world, "owner", "25802580")
        await world.pass_time(60)
        looks, lines = world.doors[LOCK].calls[Verb.READ], len(journal.timeline(world.disk.connection))
        await world.pass_time(13 * HOUR_S)
        assert world.doors[LOCK].calls[Verb.READ] == looks + 2
        assert len(journal.timeline(world.disk.connection)) == lines
        world.doors[LOCK].firmware.wipe(world.loop.time())
        await world.pass_time(6 * HOUR_S)
        assert any(line.kind == "slot.read.ended" for line in journal.timeline(world.disk.connection)[lines:])

    assert tell(story) == []
