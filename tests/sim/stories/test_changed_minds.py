"""What worlds taught about people who change their minds, at the desk and at the door."""

from dataclasses import replace

from drivers.simulator.lock.profiles import shipped_model
from gateway.model.events import EventKind
from gateway.model.ids import CodeId, LockId
from gateway.model.instant import Instant
from gateway.planner.backoff import REPEATS_PER_DAY
from gateway.store import slots
from tests.sim.book import text
from tests.sim.stories.house import HOUR_S, LOCK, create, delete, new_pin, pins, tell
from tests.sim.world import World


async def an_owner_s_code(world: World) -> int:
    """A code that people may change at the lock; the slot that it is in."""
    create(world, "owner", "25802580", may_change=True)
    await world.pass_time(60)
    (slot,) = world.doors[LOCK].firmware.pins()
    return slot


def test_an_allowed_change_at_a_masked_lock_is_never_told_as_our_pin() -> None:
    """Our PIN was deleted by hand, another one programmed there: asterisks were taken for ours, and told as set (N6, A15)."""

    async def story(world: World) -> None:
        slot = await an_owner_s_code(world)
        world.doors[LOCK].erase(slot, world.loop.time())
        await world.pass_time(60)
        world.doors[LOCK].program(slot, "99999999", world.loop.time())
        await world.pass_time(600)
        kinds = [event.kind for event in world.counterpart.of_code("owner")]
        assert kinds.count(EventKind.CODE_SET) == 1
        assert pins(world) == {"99999999"}
        delete(world, "owner")
        await world.pass_time(60)
        assert pins(world) == set()

    assert tell(story, models=[replace(shipped_model("masked"), slots=5)]) == []


def test_a_look_for_another_reason_does_not_take_an_allowed_change_for_our_pin() -> None:
    """Another code was deleted by hand, so the hub looked for a wipe, and found the stranger's asterisks in place (N6, A17)."""

    async def story(world: World) -> None:
        slot = await an_owner_s_code(world)
        create(world, "guest", "14701470")
        await world.pass_time(60)
        world.doors[LOCK].erase(slot, world.loop.time())
        await world.pass_time(60)
        world.doors[LOCK].program(slot, "99999999", world.loop.time())
        await world.pass_time(60)
        (other,) = world.doors[LOCK].firmware.pins().keys() - {slot}
        world.doors[LOCK].erase(other, world.loop.time())
        await world.pass_time(600)
        assert pins(world) == {"99999999", "14701470"}
        assert [event.kind for event in world.counterpart.of_code("owner")].count(EventKind.CODE_SET) == 1

    assert tell(story, models=[shipped_model("masked")]) == []


def test_a_code_that_is_wanted_again_before_its_removal_arrived_is_told_with_evidence() -> None:
    """The look found our PIN still there: `set` was told without a slot and without evidence (A7)."""

    async def story(world: World) -> None:
        create(world, "guest", "25802580")
        await world.pass_time(60)
        world.doors[LOCK].set_deaf(is_deaf=True)
        soon = Instant(world.true.now() + 3_000_000)
        world.manager.order("access_code.update", {"access_code_id": "guest", "starts_at": text(soon)})
        await world.pass_time(HOUR_S)
        world.doors[LOCK].set_deaf(is_deaf=False)
        await world.pass_time(60)
        assert pins(world) == {"25802580"}
        last = [event for event in world.counterpart.of_code("guest") if event.kind == EventKind.CODE_SET][-1]
        assert last.body["evidence"] == "read_back"

    assert tell(story) == []


def test_a_pin_that_somebody_else_took_off_may_serve_another_code() -> None:
    """A change that is allowed stood in the slot, so the PIN it had replaced counted as there for ever, and a swap hung (A10)."""

    async def story(world: World) -> None:
        create(world, "owner", "25802580", may_change=True)
        create(world, "guest", "14701470")
        await world.pass_time(60)
        door = world.doors[LOCK]
        slot = next(slot for slot, pin in door.firmware.pins().items() if pin == "25802580")
        door.erase(slot, world.loop.time())
        await world.pass_time(5)
        door.program(slot, "99999999", world.loop.time())
        await world.pass_time(60)
        new_pin(world, "owner", "36903690")
        await world.pass_time(60)
        new_pin(world, "guest", "25802580")
        await world.pass_time(600)
        assert "25802580" in pins(world)

    assert tell(story) == []


def test_a_replaced_pin_goes_from_a_lock_that_comes_back_although_the_day_s_tries_are_spent() -> None:
    """The new PIN waited for the next day's budget, and the one that it replaced opened until then (A8, A9; seed 93 of thirty days)."""

    async def story(world: World) -> None:
        create(world, "guest", "25802580")
        await world.pass_time(60)
        door = world.doors[LOCK]
        door.set_deaf(is_deaf=True)
        new_pin(world, "guest", "14701470")
        for _ in range(6):  # each return of the driver is a reason to try again soon
            await world.pass_time(1200)
            world.driver_leaves()
            await world.pass_time(60)
            world.driver_returns()
        await world.pass_time(1200)
        spent = slots.efforts(world.disk.connection, LockId(LOCK))[CodeId("guest")]
        assert spent.repeats == REPEATS_PER_DAY
        assert pins(world) == {"25802580"}
        door.set_deaf(is_deaf=False)
        await world.pass_time(120)
        assert pins(world) == {"14701470"}

    assert tell(story) == []
