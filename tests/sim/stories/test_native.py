"""What worlds taught about locks that keep their windows themselves."""

from dataclasses import replace

import pytest

from drivers.simulator.doors.driver import Trouble
from drivers.simulator.lock.faults import Fault
from drivers.simulator.lock.profiles import shipped_model
from gateway.model.events import EventKind
from gateway.model.instant import Instant
from tests.sim.book import text
from tests.sim.doors import Door, Radio, Verb
from tests.sim.stories.house import HOUR_S, LOCK, create, tell
from tests.sim.world import World


def test_a_preloaded_code_that_a_hand_deleted_is_never_put_back_without_its_window() -> None:
    """Its last proof outlived its deletion, so it counted as on the lock without a window, and was live 81 minutes early (A2)."""

    async def story(world: World) -> None:
        create(world, "guest", "25802580", starts_in_s=2 * HOUR_S, ends_in_s=20 * HOUR_S)
        await world.pass_time(0.9 * HOUR_S)
        door = world.doors[LOCK]
        (slot,) = door.firmware.pins()
        door.erase(slot, world.loop.time())
        await world.pass_time(60)
        assert all(not door.firmware.may_open(slot, world.loop.time()) for slot in door.firmware.pins())
        await world.pass_time(2 * HOUR_S)
        (slot,) = door.firmware.pins()
        assert door.firmware.may_open(slot, world.loop.time())

    assert tell(story, models=[shipped_model("timed_strict")]) == []


def test_a_word_about_the_first_step_of_a_window_proves_nothing_of_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seed 26: the lock told of the disabled PIN, dropped the write that enables it, and the code was told set (A7, N6)."""
    dropped: list[str] = []

    def drop_enabling(door: Door, fault: Fault) -> bool:
        if fault is not Fault.SILENT_REFUSE or dropped or not door.firmware.used_slots():
            return False
        dropped.append(door.lock_id)
        return True

    async def story(world: World) -> None:
        create(world, "guest", "25802580", ends_in_s=20 * HOUR_S)
        await world.pass_time(60)
        (slot,) = world.doors[LOCK].firmware.pins()
        assert dropped == [LOCK]
        assert world.doors[LOCK].firmware.may_open(slot, world.loop.time())

    monkeypatch.setattr(Door, "strikes", drop_enabling)
    assert tell(story, models=[replace(shipped_model("kwikset_914"), notifies_radio_writes=True)]) == []


def move(world: World, starts_in_s: float, ends_in_s: float) -> None:
    """Order another window for the guest."""
    now = world.true.now()
    window = {
        "starts_at": text(Instant(now + round(starts_in_s * 1000))),
        "ends_at": text(Instant(now + round(ends_in_s * 1000))),
    }
    world.manager.order("access_code.update", {"access_code_id": "guest", **window})


def opens(world: World) -> bool:
    """Whether any PIN on the lock opens the door now."""
    lock = world.doors[LOCK].firmware
    return any(lock.may_open(slot, world.loop.time()) for slot in lock.pins())


def test_a_pin_read_back_says_nothing_of_the_window_that_the_lock_refused() -> None:
    """Seed 74: without Supervision the refusal was not heard, the PIN was the same as before, and the new window was told set (D6, N6)."""

    async def story(world: World) -> None:
        create(world, "guest", "25802580", ends_in_s=20 * HOUR_S)
        await world.pass_time(60)
        assert opens(world)
        world.doors[LOCK].radio = Radio(fault_rates={Fault.REFUSE_SCHEDULE: 1.0})
        move(world, 10 * HOUR_S, 20 * HOUR_S)
        before = world.doors[LOCK].calls[Verb.WRITE]
        await world.pass_time(60)
        assert opens(world)
        assert world.doors[LOCK].calls[Verb.WRITE] - before <= 4, "each try that led nowhere waits longer (A8)"
        assert [event.kind for event in world.counterpart.of_code("guest")].count(EventKind.CODE_SCHEDULED) == 0
        world.doors[LOCK].radio = Radio()
        await world.pass_time(120)
        assert not opens(world)

    assert tell(story, models=[shipped_model("kwikset_914")]) == []


def test_a_window_that_is_moved_while_the_code_is_on_the_lock_is_hunted_as_a_revoked_code_is() -> None:
    """The write of the later window had failed for a while, and its repetition waited minutes while the old window was open (A9)."""

    async def story(world: World) -> None:
        create(world, "guest", "25802580", ends_in_s=20 * HOUR_S)
        await world.pass_time(60)
        world.doors[LOCK].radio = Radio(1.0, (Trouble.UNREACHABLE,))
        move(world, 10 * HOUR_S, 20 * HOUR_S)
        await world.pass_time(600)
        world.doors[LOCK].radio = Radio()
        await world.pass_time(120)
        assert not opens(world)

    assert tell(story, models=[shipped_model("timed")]) == []


@pytest.mark.parametrize("refusals", [1, 2])
def test_a_pin_that_a_lock_took_and_would_not_enable_does_not_stay(
    refusals: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seed 96: it was told refused, the slot counted as untouched, and the disabled PIN lay there after the stay (A9, D6)."""
    refused: list[str] = []

    def refuse_second_steps(door: Door, fault: Fault) -> bool:
        """The enabling; then also the clear that a driver sends after it."""
        if fault is not Fault.REFUSE_WRITE or not door.firmware.used_slots() or len(refused) == refusals:
            return False
        refused.append(door.lock_id)
        return True

    async def story(world: World) -> None:
        create(world, "guest", "25802580", ends_in_s=HOUR_S)
        await world.pass_time(600)
        assert len(refused) == refusals
        assert opens(world), "written again, later (A8)"
        await world.pass_time(HOUR_S)
        assert world.doors[LOCK].firmware.used_slots() == set()

    monkeypatch.setattr(Door, "strikes", refuse_second_steps)
    assert tell(story, models=[shipped_model("timed_strict")]) == []
