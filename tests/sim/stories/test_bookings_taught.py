"""What seasons of bookings taught: guests who would have stood before a closed door."""

from dataclasses import replace

import pytest

from drivers.simulator.doors.driver import Trouble
from drivers.simulator.lock.profiles import shipped_model
from gateway.model.events import EventKind
from tests.sim.doors import Radio, Verb
from tests.sim.reception import Ending, Reception
from tests.sim.stories.house import HOUR_S, LOCK, create, delete, new_pin, pins, tell
from tests.sim.stories.test_windows import heard
from tests.sim.world import World

MINUTE_S = 60.0


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


def test_a_lost_look_for_a_free_slot_is_repeated_soon_whatever_was_lost_long_ago() -> None:
    """The silence of slots that were asked days before still counted: the next look came after half an hour (A8)."""

    async def story(world: World) -> None:
        door = world.doors[LOCK]
        create(world, "first", "14701470", 5 * MINUTE_S)
        door.radio = Radio(1.0, (Trouble.LOST_ANSWER,))
        await world.pass_time(HOUR_S)
        door.radio = Radio()
        await world.pass_time(HOUR_S)
        assert pins(world) == {"14701470"}
        looks = door.calls[Verb.READ]
        door.radio = Radio(1.0, (Trouble.LOST_ANSWER,))
        create(world, "guest", "25802580")
        while door.calls[Verb.READ] == looks:
            await world.pass_time(0.002)
        door.radio = Radio()
        await world.pass_time(MINUTE_S)
        assert pins(world) == {"14701470", "25802580"}

    assert tell(story, models=[replace(shipped_model("plain_v1"), notifies_keypad_changes=False)]) == []


STRANGER = "9086"
SILENT = shipped_model("schlage_be469zp")
"""It shows asterisks, and takes no PIN twice without a word of it."""


def test_a_pin_that_a_lock_refuses_without_a_word_is_told_within_minutes_of_its_lead() -> None:
    """The PIN of a hidden stranger: it was told when the guest stood at the door, after eight tries in two hours (A8)."""

    async def story(world: World) -> None:
        reception = Reception(world)
        create(world, "guest", STRANGER, 2 * HOUR_S, 9 * HOUR_S)
        await world.pass_time(1.5 * HOUR_S + 180)
        assert heard(world, EventKind.CODE_FAILED_TO_SET) == 1
        writes = world.doors[LOCK].calls[Verb.WRITE]
        await world.pass_time(HOUR_S)
        assert reception.endings == {Ending.TOLD: 1}
        assert world.doors[LOCK].calls[Verb.WRITE] > writes, "it is tried all the same: the stranger may go"
        assert heard(world, EventKind.CODE_FAILED_TO_SET) == 1
        world.doors[LOCK].erase(22, world.loop.time())
        await world.pass_time(HOUR_S)
        assert pins(world) == {STRANGER}

    assert tell(story, [SILENT], {1: {22: STRANGER}}) == []


def test_another_pin_for_a_code_that_does_not_get_on_the_lock_is_written_at_once() -> None:
    """The new PIN waited for the repetition of the old one, up to half an hour."""

    async def story(world: World) -> None:
        create(world, "guest", STRANGER, 0.5 * HOUR_S, 9 * HOUR_S)
        await world.pass_time(0.4 * HOUR_S)
        new_pin(world, "guest", "2581")
        await world.pass_time(10)
        assert "2581" in pins(world)
        assert heard(world, EventKind.CODE_SET) == 1

    assert tell(story, [SILENT], {1: {22: STRANGER}}) == []


@pytest.mark.parametrize("model", ["masked", "plain_v1"])
def test_a_stranger_s_pin_is_given_to_a_guest_only_where_the_lock_hides_it(model: str) -> None:
    """A lock that shows asterisks and takes a PIN twice leaves nobody a way to know: the auditor asked for more than can be (A10)."""

    async def story(world: World) -> None:
        create(world, "guest", STRANGER)
        await world.pass_time(MINUTE_S)
        is_refused = heard(world, EventKind.COMMAND_REJECTED) == 1
        assert is_refused is not shipped_model(model).is_masked

    assert tell(story, [shipped_model(model)], {1: {22: STRANGER}}) == []


@pytest.mark.parametrize("is_deleted", [True, False], ids=["deleted", "ended"])
def test_a_code_whose_new_pin_does_not_get_on_the_lock_goes_at_once_when_it_has_to(*, is_deleted: bool) -> None:
    """Its removal waited for the repetition of the write, and the old PIN opened the door meanwhile (A9)."""

    async def story(world: World) -> None:
        create(world, "guest", "14701470", None, None if is_deleted else 20 * MINUTE_S)
        await world.pass_time(MINUTE_S)
        door = world.doors[LOCK]
        door.radio = Radio(1.0, (Trouble.LOST_COMMAND,))
        new_pin(world, "guest", "25802580")
        await world.pass_time(19 * MINUTE_S)
        door.radio = Radio()
        assert pins(world) == {"14701470"}
        world.auditors.violations.clear()  # nobody could help it while no command arrived
        if is_deleted:
            delete(world, "guest")
        await world.pass_time(2 * MINUTE_S)
        assert pins(world) == set()

    assert tell(story) == []
