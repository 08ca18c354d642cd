"""What worlds taught about locks that were out of reach."""

from dataclasses import replace

import pytest

from drivers.simulator.doors.driver import Trouble
from drivers.simulator.lock.faults import Fault
from drivers.simulator.lock.profiles import shipped_model
from drivers.simulator.lock.values import PressOutcome
from gateway.model.answers import Listing
from gateway.model.events import EventKind
from gateway.model.failures import Part, Unreachable
from tests.sim.doors import Radio, Verb, WorldLock
from tests.sim.stories.house import HOUR_S, LOCK, create, delete, new_pin, pins, tell
from tests.sim.world import World


async def a_stranger_in_our_former_slot(world: World) -> None:
    """A code of ours came and went; an hour later somebody programmed theirs where it had been."""
    create(world, "first", "25802580")
    await world.pass_time(60)
    delete(world, "first")
    await world.pass_time(HOUR_S)
    world.doors[LOCK].program(1, "99999999", world.loop.time())
    await world.pass_time(60)


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


def test_a_driver_that_is_busy_is_not_asked_again_at_once() -> None:
    """A look for a free slot that never left the hub was repeated without a pause, for ever (A8, D4)."""

    async def story(world: World) -> None:
        world.doors[LOCK].radio = Radio(1.0, (Trouble.BUSY, Trouble.UNREACHABLE))
        create(world, "owner", "25802580")
        await world.pass_time(HOUR_S)
        assert sum(world.doors[LOCK].calls.values()) < 200
        world.doors[LOCK].radio = Radio()
        await world.pass_time(HOUR_S)
        assert pins(world) == {"25802580"}

    assert tell(story) == []


def test_a_first_listing_that_fails_is_not_repeated_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """It was repeated without a pause, for nothing was kept of it (A8)."""
    asked: list[float] = []

    async def refuse(self: WorldLock) -> Listing:
        asked.append(self.now())
        assert len(asked) < 100
        if self.now() < HOUR_S / 10:
            raise Unreachable(Part.STICK, "unplugged")
        return await listing(self)

    listing = WorldLock.read_all
    monkeypatch.setattr(WorldLock, "read_all", refuse)

    async def story(world: World) -> None:
        create(world, "owner", "25802580")
        await world.pass_time(HOUR_S)
        assert pins(world) == {"25802580"}

    assert tell(story) == []


def test_a_pin_that_lands_after_its_slot_was_seen_empty_is_taken_off() -> None:
    """The lock took the write, showed an empty slot, the stay ended, the lease was dropped, and then the PIN landed (A9)."""

    async def story(world: World) -> None:
        world.doors[LOCK].radio = Radio(fault_rates={Fault.COMMIT_LATE: 1.0})
        create(world, "guest", "25802580", ends_in_s=1.5)
        await world.pass_time(1)
        delete(world, "guest")
        await world.pass_time(120)
        world.doors[LOCK].radio = Radio()
        await world.pass_time(120)
        assert pins(world) == set()

    assert tell(story, models=[shipped_model("no_supervision")]) == []


def test_a_slot_that_a_lock_calls_empty_before_it_is_may_be_written() -> None:
    """Seed 64: a hand deleted a stranger's code, the lock said so two seconds before it did so, and a guest waited for the slot."""

    async def story(world: World) -> None:
        create(world, "guest", "25802580")
        await world.pass_time(60)
        assert pins(world) == {"99999999"}
        world.doors[LOCK].radio = Radio(fault_rates={Fault.COMMIT_LATE: 1.0})
        world.doors[LOCK].erase(1, world.loop.time())
        await world.pass_time(600)
        assert pins(world) == {"25802580"}

    assert tell(story, models=[replace(shipped_model("plain_v2"), slots=1)], memory={1: {1: "99999999"}}) == []


@pytest.mark.parametrize("model", ["plain_v2", "masked"])
def test_a_slot_that_was_kept_for_a_code_is_looked_at_after_a_power_cut(model: str) -> None:
    """The write never left, the hub lost its power, a hand took the slot: it was written over, for it was leased (N2, A15).

    Where the lock shows asterisks they proved the write that had never left, and the guest was told a PIN that opened nothing (A7).
    """

    async def story(world: World) -> None:
        create(world, "first", "25802580")
        await world.pass_time(60)
        delete(world, "first")
        await world.pass_time(60)
        world.doors[LOCK].radio = Radio(1.0, (Trouble.BUSY,))
        create(world, "second", "14701470")
        await world.pass_time(60)
        world.pull_plug()
        world.doors[LOCK].radio = Radio()
        await world.pass_time(60)
        for slot in (1, 2):
            world.doors[LOCK].program(slot, f"9999999{slot}", world.loop.time())
        world.plug_in()
        await world.pass_time(120)
        assert pins(world) == {"99999991", "99999992", "14701470"}

    assert tell(story, [shipped_model(model)]) == []


def test_a_pin_whose_write_was_lost_is_not_forgotten_for_the_next_one() -> None:
    """The answer to the first PIN was lost, no look was answered, another PIN was written over it unseen and lost as well.

    The look that then showed the first PIN took it for a stranger's: it opened for ever (A9).
    """

    async def story(world: World) -> None:
        lock = world.doors[LOCK]
        create(world, "resident", "25802580")
        while not lock.calls[Verb.READ]:
            await world.pass_time(0.001)
        # The look that finds the slot free is under way; from here on no answer arrives.
        lock.radio = Radio(1.0, (Trouble.LOST_ANSWER,))
        await world.pass_time(5)
        assert pins(world) == {"25802580"}
        assert not [event for event in world.counterpart.of_code("resident") if event.kind == EventKind.CODE_SET]
        lock.radio = Radio(1.0, (Trouble.LOST_COMMAND,))
        await world.pass_time(30)
        new_pin(world, "resident", "14701470")
        await world.pass_time(3)
        assert pins(world) == {"25802580"}
        lock.radio = Radio()
        await world.pass_time(HOUR_S / 2)
        assert pins(world) == {"14701470"}

    assert tell(story) == []


@pytest.mark.parametrize("model", ["plain_v2", "masked"])
def test_a_replaced_pin_is_hunted_as_a_revoked_one_is(model: str) -> None:
    """Seed 56: the write that replaces it had failed six times, so it waited eight minutes while the old PIN opened (A9)."""

    async def story(world: World) -> None:
        create(world, "resident", "25802580")
        await world.pass_time(60)
        world.doors[LOCK].radio = Radio(1.0, (Trouble.UNREACHABLE,))
        new_pin(world, "resident", "14701470")
        await world.pass_time(HOUR_S / 6)
        world.doors[LOCK].radio = Radio()
        await world.pass_time(120)
        assert pins(world) == {"14701470"}

    assert tell(story, models=[shipped_model(model)]) == []


def test_a_lock_that_tells_nothing_of_hands_is_looked_at_before_each_write() -> None:
    """A slot seen empty an hour ago was written over what an owner had programmed since (N2)."""

    async def story(world: World) -> None:
        await a_stranger_in_our_former_slot(world)
        create(world, "second", "14701470")
        await world.pass_time(60)
        assert pins(world) == {"99999999", "14701470"}

    assert tell(story, models=[replace(shipped_model("plain_v1"), notifies_keypad_changes=False)]) == []


def test_a_stranger_in_our_former_slot_of_a_masked_lock_that_tells_nothing_of_hands_stays() -> None:
    """The stranger opened the door, which was taken for our own PIN that had never gone, and the slot was cleared (N2, A18)."""

    async def story(world: World) -> None:
        await a_stranger_in_our_former_slot(world)
        world.doors[LOCK].press("99999999", world.loop.time())
        await world.pass_time(600)
        assert pins(world) == {"99999999"}

    assert tell(story, models=[replace(shipped_model("masked"), notifies_keypad_changes=False)]) == []


def test_a_code_programmed_while_a_lock_is_out_of_reach_is_not_written_over() -> None:
    """What the lock told of it was heard by nobody, and the slot still counted as free (N2)."""

    async def story(world: World) -> None:
        create(world, "first", "25802580")
        await world.pass_time(60)
        delete(world, "first")
        await world.pass_time(60)
        world.doors[LOCK].set_deaf(is_deaf=True)
        world.doors[LOCK].program(1, "99999999", world.loop.time())
        await world.pass_time(60)
        world.doors[LOCK].set_deaf(is_deaf=False)
        create(world, "second", "14701470")
        await world.pass_time(120)
        assert pins(world) == {"99999999", "14701470"}

    assert tell(story) == []


def test_an_old_pin_that_opens_the_door_does_not_prove_the_new_one() -> None:
    """The write of a new PIN was lost, the guest came in with the old one, and the new one was told as set (N6, A7)."""

    async def story(world: World) -> None:
        create(world, "guest", "25802580")
        await world.pass_time(60)
        world.doors[LOCK].radio = Radio(1.0, (Trouble.LOST_COMMAND,))
        new_pin(world, "guest", "14701470")
        await world.pass_time(5)
        world.doors[LOCK].press("25802580", world.loop.time())
        await world.pass_time(60)
        assert EventKind.CODE_PIN_CHANGED not in [event.kind for event in world.counterpart.of_code("guest")]
        world.doors[LOCK].radio = Radio()
        await world.pass_time(HOUR_S)
        assert pins(world) == {"14701470"}

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


def test_a_stranger_in_a_slot_that_we_emptied_is_not_cleared_unseen() -> None:
    """Seed 33: his PIN opened, two looks were not answered, and the slot was cleared as if the ended code were in it (N2)."""

    async def story(world: World) -> None:
        door = world.doors[LOCK]
        create(world, "guest", "25802580", ends_in_s=HOUR_S)
        await world.pass_time(60)
        (slot,) = door.firmware.pins()
        await world.pass_time(HOUR_S)
        assert door.program(slot, "97316402", world.loop.time())
        door.radio = Radio(1.0, (Trouble.LOST_ANSWER,))
        assert door.press("97316402", world.loop.time()) is PressOutcome.OPENED
        await world.pass_time(2 * HOUR_S)
        assert pins(world) == {"97316402"}
        door.radio = Radio()
        await world.pass_time(HOUR_S)
        assert pins(world) == {"97316402"}

    assert tell(story, models=[replace(shipped_model("plain_v1"), notifies_keypad_changes=False)]) == []
