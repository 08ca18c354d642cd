"""What a hub does while nothing happens."""

from dataclasses import replace

from drivers.simulator.lock.profiles import Duplicates, shipped_model
from gateway.store import journal
from tests.sim.doors import Verb
from tests.sim.stories.house import HOUR_S, LOCK, create, delete, new_pin, pins, tell
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


def test_behind_asterisks_a_code_is_told_set_as_masked_and_nobody_can_know_better() -> None:
    """Seed 87 of thirty days: a hand put another PIN in the place of ours while the lock was deaf, and took a second code off.

    The look that finds the second one gone makes the hub look at the first one too, and asterisks are all it sees. It says so.
    """

    async def story(world: World) -> None:
        create(world, "kept", "2580")
        create(world, "taken", "1470")
        await world.pass_time(60)
        lock, lines = world.doors[LOCK], len(journal.timeline(world.disk.connection))
        held = {pin: slot for slot, pin in lock.firmware.pins().items()}
        lock.set_deaf(is_deaf=True)
        await world.pass_time(60)
        lock.erase(held["2580"], world.loop.time())
        lock.program(held["2580"], "3690", world.loop.time())
        lock.erase(held["1470"], world.loop.time())
        lock.set_deaf(is_deaf=False)
        await world.pass_time(13 * HOUR_S)
        assert pins(world) == {"3690", "1470"}
        told = {
            line.code_id: line.body["evidence"]
            for line in journal.timeline(world.disk.connection)[lines:]
            if line.kind == "access_code.set_on_device"
        }
        assert told == {"kept": "masked", "taken": "masked"}

    assert tell(story, [shipped_model("schlage_be469")]) == []


async def freed_slot(world: World) -> int:
    """A slot that had a code of ours and was seen empty since: the next code goes there."""
    create(world, "earlier", "2580")
    await world.pass_time(60)
    [slot] = world.doors[LOCK].firmware.pins()
    delete(world, "earlier")
    await world.pass_time(60)
    return slot


def test_asterisks_where_a_lost_write_went_are_taken_for_ours_and_nobody_can_know_better() -> None:
    """Seeds 156 and 262 of thirty days: a hand took a free slot of a deaf lock, and then the hub wrote into it what never arrived.

    The slot was seen empty before the write, so that the asterisks prove it (A7). The next PIN is ordered for the code goes there.
    """

    async def story(world: World) -> None:
        lock, slot = world.doors[LOCK], await freed_slot(world)
        lock.set_deaf(is_deaf=True)
        await world.pass_time(60)
        assert lock.program(slot, "3690", world.loop.time())
        lines = len(journal.timeline(world.disk.connection))
        create(world, "guest", "1470")
        await world.pass_time(HOUR_S)
        lock.set_deaf(is_deaf=False)
        await world.pass_time(HOUR_S)
        assert pins(world) == {"3690"}
        told = [
            line for line in journal.timeline(world.disk.connection)[lines:] if line.kind == "access_code.set_on_device"
        ]
        assert [(line.code_id, line.body["slot"], line.body["evidence"]) for line in told] == [
            ("guest", slot, "masked")
        ]
        new_pin(world, "guest", "7410")
        await world.pass_time(60)
        assert lock.firmware.pins() == {slot: "7410"}

    assert tell(story, [shipped_model("schlage_be469")]) == []


def test_a_stranger_who_took_a_slot_within_hearing_is_left_in_peace_behind_his_asterisks() -> None:
    """The same hour at a lock that is heard: the guest gets another slot (A14, N2)."""

    async def story(world: World) -> None:
        lock, slot = world.doors[LOCK], await freed_slot(world)
        assert lock.program(slot, "3690", world.loop.time())
        await world.pass_time(60)
        lock.set_deaf(is_deaf=True)
        create(world, "guest", "1470")
        await world.pass_time(HOUR_S)
        lock.set_deaf(is_deaf=False)
        await world.pass_time(HOUR_S)
        assert pins(world) == {"3690", "1470"}
        assert lock.firmware.pins()[slot] == "3690"

    assert tell(story, [shipped_model("schlage_be469")]) == []


def test_the_pin_of_a_stranger_that_only_a_notice_told_of_is_nobodys_to_compare() -> None:
    """Seed 100257: a hand stored the PIN of our code in another slot and took ours off; the lock's notices show asterisks."""

    async def story(world: World) -> None:
        create(world, "resident", "258025")
        await world.pass_time(60)
        lock = world.doors[LOCK]
        [ours] = lock.firmware.pins()
        assert lock.program(9, "258025", world.loop.time())
        await world.pass_time(60)
        lock.erase(ours, world.loop.time())
        await world.pass_time(60)
        assert lock.firmware.pins() == {ours: "258025", 9: "258025"}

    assert tell(story, [replace(shipped_model("plain_v1"), duplicates=Duplicates.ALLOW)]) == []


def test_a_pin_that_a_stranger_has_unseen_is_told_as_failed_and_tried_on() -> None:
    """Seed 101136: a hand stored a PIN behind a notice's asterisks, and then an order wanted it; the lock refused it without a word."""

    async def story(world: World) -> None:
        assert world.doors[LOCK].program(9, "258025", world.loop.time())
        await world.pass_time(60)
        create(world, "resident", "258025")
        await world.pass_time(HOUR_S)
        assert pins(world) == {"258025"}
        told = [event.kind for event in world.counterpart.of_code("resident")]
        assert "access_code.failed_to_set_on_device" in told
        assert "access_code.set_on_device" not in told

    assert tell(story, [shipped_model("no_supervision")]) == []
