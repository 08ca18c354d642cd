"""Mutation stories of the record's auditors: the rule broken on purpose, the auditor crying, and silence when it is whole."""

import pytest

from drivers.simulator.doors.driver import InProcessLock
from gateway.fleet import usage
from gateway.model.answers import WriteAnswer, Written
from gateway.model.evidence import Evidence
from gateway.model.ids import Slot
from gateway.model.pin import Pin
from gateway.model.usage import Use
from gateway.runtime.housekeeping import Housekeeping
from tests.sim.stories.house import HOUR_S, LOCK, create, delete, pins, tell
from tests.sim.test_auditors import names
from tests.sim.world import World

DAY_S = 24 * HOUR_S


async def visit(world: World) -> None:
    """A guest comes in early, in time, and leaves."""
    create(world, "guest", "14701470", starts_in_s=HOUR_S, ends_in_s=3 * HOUR_S)
    await world.pass_time(0.75 * HOUR_S)
    world.doors[LOCK].press("14701470", world.loop.time())
    await world.pass_time(HOUR_S)
    world.doors[LOCK].press("14701470", world.loop.time())
    await world.pass_time(2 * HOUR_S)


def test_a18_a_visit_is_told_as_what_it_was() -> None:
    assert tell(visit) == []


def test_a18_a_use_told_on_the_wrong_side_of_its_window_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usage, "use_of", lambda *_, **__: Use.IN_WINDOW)
    assert "usage" in names(visit)


async def lying(world: World) -> None:
    """The lock says that the guest's code is gone; an hour later the guest opens the door with it."""
    create(world, "guest", "14701470", ends_in_s=HOUR_S)
    await world.pass_time(2 * HOUR_S)
    assert pins(world) == {"14701470"}
    world.doors[LOCK].press("14701470", world.loop.time())
    await world.pass_time(HOUR_S)
    create(world, "owner", "25802580")
    await world.pass_time(60)


def lie_once(monkeypatch: pytest.MonkeyPatch) -> None:
    clear, lies = InProcessLock.clear_slot, [True]

    async def pretend(self: InProcessLock, slot: Slot, *, old_pin: Pin | None) -> WriteAnswer:
        return Written(Evidence.SUPERVISED) if lies and lies.pop() else await clear(self, slot, old_pin=old_pin)

    monkeypatch.setattr(InProcessLock, "clear_slot", pretend)


def test_a18_a_pin_that_opens_after_its_proven_removal_is_hunted_down(monkeypatch: pytest.MonkeyPatch) -> None:
    lie_once(monkeypatch)

    async def story(world: World) -> None:
        await lying(world)
        assert pins(world) == {"25802580"}

    # The lock lied, so the claim was wrong; the use is told, and nothing of the guest's is left at the end.
    assert not {"usage", "memory"} & set(names(story))


def test_a18_an_alarm_that_is_not_raised_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    lie_once(monkeypatch)
    monkeypatch.setattr(usage, "_raise_alarm", lambda *_: None)
    assert "usage" in names(lying)


async def leave(world: World) -> None:
    """A code is deleted, and nine days pass."""
    create(world, "guest", "14701470")
    await world.pass_time(60)
    delete(world, "guest")
    await world.pass_time(9 * DAY_S)


def test_a19_forgetting_in_time_is_silent() -> None:
    assert tell(leave) == []


def test_a19_a_name_that_is_kept_too_long_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    async def forgetful(_: Housekeeping) -> float:
        return DAY_S

    monkeypatch.setattr(Housekeeping, "_tidy", forgetful)
    assert "record" in names(leave)


def test_a19_a_line_changed_from_outside_is_seen() -> None:
    async def tampered(world: World) -> None:
        create(world, "guest", "14701470")
        await world.pass_time(60)
        world.disk.connection.execute("UPDATE journal SET actor = 'shell' WHERE line = 2")

    assert "record" in names(tampered)
