"""What worlds taught about locks that keep their windows themselves."""

from dataclasses import replace

import pytest

from drivers.simulator.lock.faults import Fault
from drivers.simulator.lock.profiles import shipped_model
from tests.sim.doors import Door
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
