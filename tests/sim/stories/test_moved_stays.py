"""What a reading of the rules taught about stays that are moved, shortened, postponed or given to another lock."""

import pytest

from drivers.simulator.doors.driver import Trouble
from drivers.simulator.lock.profiles import shipped_model
from gateway.model.events import EventKind, Fact
from gateway.model.instant import DAY_MS, HOUR_MS, MINUTE_MS, Instant
from gateway.orders import pool
from tests.sim.book import text
from tests.sim.doors import Verb
from tests.sim.stories.house import HOUR_S, LOCK, create, delete, new_pin, pins, tell
from tests.sim.stories.test_changed_minds import an_owner_s_code
from tests.sim.stories.test_pool import pull
from tests.sim.world import World

DAY_S = 24 * HOUR_S
PIN = "25802580"


def move(
    world: World, code_id: str = "guest", *, starts_in_ms: int | None = None, ends_in_ms: int | None = None
) -> str:
    now, body = world.true.now(), {"access_code_id": code_id}
    edges = {"starts_at": starts_in_ms, "ends_at": ends_in_ms}
    given = {name: str(text(Instant(now + after_ms))) for name, after_ms in edges.items() if after_ms is not None}
    return world.manager.order("access_code.update", body | given)


def endings(world: World, order_id: str) -> list[tuple[str, object]]:
    found = [event for event in world.counterpart.events if event.body.get("command_id") == order_id]
    final = {EventKind.COMMAND_APPLIED, EventKind.COMMAND_FAILED, EventKind.COMMAND_REJECTED}
    return [(event.kind, event.body.get("reason")) for event in found if event.kind in final]


def kinds(world: World, code_id: str = "guest") -> list[str]:
    return [event.kind for event in world.counterpart.of_code(code_id)]


def test_a18_a_guest_who_moved_to_another_lock_is_not_hunted_on_the_first_one() -> None:
    """Somebody else's PIN in the slot that he left was leased to his code, which is the other lock's: both workers died for ever."""

    async def story(world: World) -> None:
        create(world, "guest", PIN, ends_in_s=30 * HOUR_S)
        await world.pass_time(60)
        delete(world, "guest")
        await world.pass_time(60)
        create(world, "guest", PIN, starts_in_s=5 * HOUR_S, ends_in_s=40 * HOUR_S, lock_id="lock-2")
        await world.pass_time(60)
        door = world.doors[LOCK]
        door.firmware.program_at_keypad(1, "99999999", world.loop.time())
        door.firmware.drain_notices()
        door.press("99999999", world.loop.time())
        await world.pass_time(60)
        create(world, "other", "14701470")
        await world.pass_time(60)
        assert "14701470" in pins(world)
        await world.pass_time(5 * HOUR_S)
        assert pins(world, "lock-2") == {PIN}

    assert tell(story, models=[shipped_model("plain_v1")] * 2) == []


def test_a3_a_postponed_code_goes_although_the_first_removal_was_lost() -> None:
    """The look that showed it still there was taken for a proof of the new wish, and it stayed until its start."""

    async def story(world: World) -> None:
        create(world, "guest", PIN)
        await world.pass_time(60)
        port = world.doors[LOCK].port
        assert port is not None
        port.troubles.append(Trouble.LOST_COMMAND)
        move(world, starts_in_ms=119 * MINUTE_MS)
        await world.pass_time(180)
        assert pins(world) == set()
        await world.pass_time(95 * 60)
        assert pins(world) == {PIN}

    assert tell(story) == []


def test_a12_a_backup_does_not_open_through_the_gap_before_a_postponed_stay() -> None:
    async def story(world: World) -> None:
        create(world, "guest", PIN, ends_in_s=10 * HOUR_S, with_pool=True)
        await world.pass_time(HOUR_S)
        pull(world, "guest")
        await world.pass_time(60)
        backup = world.book.wishes[world.auditors.pools.given["guest"]]
        assert {PIN, backup.pin} <= pins(world)
        move(world, starts_in_ms=7 * DAY_MS, ends_in_ms=9 * DAY_MS)
        await world.pass_time(DAY_S)
        assert not {PIN, backup.pin} & pins(world)
        await world.pass_time(7 * DAY_S)
        assert PIN in pins(world)
        assert backup.pin not in pins(world)
        pull(world, "guest")
        await world.pass_time(60)
        assert world.auditors.pools.given["guest"] != backup.code_id

    assert tell(story) == []


@pytest.mark.parametrize("model", ["plain_v1", "timed_strict"])
def test_c1_a_shortened_stay_that_is_heard_of_after_its_new_end_ends_at_once(model: str) -> None:
    """It was refused, as its end lay in the past, and the PIN opened to the old end."""

    async def story(world: World) -> None:
        create(world, "guest", PIN, ends_in_s=72 * HOUR_S)
        await world.pass_time(60)
        world.broker.go_down()
        order = move(world, ends_in_ms=HOUR_MS)
        await world.pass_time(2 * HOUR_S)
        world.broker.come_up()
        await world.pass_time(600)
        assert pins(world) == set()
        assert endings(world, order) == [(EventKind.COMMAND_FAILED, "expired")]
        longer = move(world, ends_in_ms=-MINUTE_MS)
        await world.pass_time(60)
        assert endings(world, longer) == [(EventKind.COMMAND_REJECTED, "invalid_input")], "it shortens nothing"

    assert tell(story, models=[shipped_model(model)]) == []


def test_t2_a_guest_whose_code_waits_for_the_time_is_told_of_and_so_is_the_time() -> None:
    """No code was on a lock yet, so nobody heard that the hub had lost the time, nor that the guest had none."""

    async def story(world: World) -> None:
        create(world, "guest", PIN, starts_in_s=3 * HOUR_S, ends_in_s=20 * HOUR_S)
        await world.pass_time(HOUR_S)
        world.pull_plug()
        await world.pass_time(60)
        world.plug_in(is_synced=False)
        await world.pass_time(600)
        (told,) = [event for event in world.counterpart.events if event.kind == EventKind.HUB_CLOCK_UNKNOWN]
        assert (told.body["codes_at_stake"], told.body["codes_waiting"]) == (0, 1)
        await world.pass_time(2 * HOUR_S)
        assert pins(world) == set()
        assert EventKind.CODE_FAILED_TO_SET in kinds(world)
        assert world.life is not None
        world.sync(world.life)
        await world.pass_time(60)
        assert pins(world) == {PIN}

    assert tell(story) == []


def test_a12_a_pool_without_a_free_pin_is_told_as_empty_and_keeps_nobody_busy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The drawing changed nothing, so the worker drew again at once, for ever."""
    draws = 0

    def none_left(*_: object) -> None:
        nonlocal draws
        draws += 1

    monkeypatch.setattr(pool, "draw_free", none_left)

    async def story(world: World) -> None:
        create(world, "guest", PIN, ends_in_s=10 * HOUR_S, with_pool=True)
        await world.pass_time(HOUR_S)
        changes = [event for event in world.counterpart.events if event.kind == EventKind.DEVICE_POOL_CHANGED]
        assert [change.body["device_errors"] for change in changes] == [["empty_backup_access_code_pool"]]
        assert draws < 3 * 130, "a look every half minute"

    assert tell(story) == []


def test_c2_an_order_on_a_code_that_a_hand_may_change_is_answered() -> None:
    async def story(world: World) -> None:
        slot = await an_owner_s_code(world)
        door = world.doors[LOCK]
        door.erase(slot, world.loop.time())
        await world.pass_time(60)
        door.program(slot, "99999999", world.loop.time())
        await world.pass_time(600)
        renamed = world.manager.order("access_code.update", {"access_code_id": "owner", "name": "Boss"})
        again = new_pin(world, "owner", PIN)
        await world.pass_time(HOUR_S)
        failed = (EventKind.COMMAND_FAILED, "external_change_in_effect")
        assert endings(world, renamed)[-1] in {failed, (EventKind.COMMAND_FAILED, "superseded")}
        assert endings(world, again) == [failed]
        assert pins(world) == {"99999999"}

    assert tell(story) == []


def test_a9_a_postponed_code_that_cannot_be_taken_off_is_told() -> None:
    async def story(world: World) -> None:
        create(world, "guest", PIN)
        await world.pass_time(60)
        world.doors[LOCK].set_deaf(is_deaf=True)
        move(world, starts_in_ms=7 * DAY_MS)
        await world.pass_time(240)
        assert EventKind.CODE_FAILED_TO_REMOVE not in kinds(world)
        await world.pass_time(120)
        assert kinds(world).count(EventKind.CODE_FAILED_TO_REMOVE) == 1
        world.doors[LOCK].set_deaf(is_deaf=False)
        await world.pass_time(120)
        assert pins(world) == set()

    assert tell(story) == []


def test_a12_a_guest_whose_backup_was_deleted_by_its_own_id_may_have_another() -> None:
    async def story(world: World) -> None:
        create(world, "guest", PIN, ends_in_s=10 * HOUR_S, with_pool=True)
        await world.pass_time(HOUR_S)
        pull(world, "guest")
        await world.pass_time(60)
        first = world.auditors.pools.given["guest"]
        delete(world, first)
        await world.pass_time(600)
        pull(world, "guest")
        await world.pass_time(60)
        assert world.auditors.pools.given["guest"] != first
        assert world.book.wishes[first].pin not in pins(world)

    assert tell(story) == []


def test_a5_a_first_strict_start_is_written_once() -> None:
    """The write measures the link, its lead shrinks, and the code was taken off again for the seconds until the new one."""

    async def story(world: World) -> None:
        start = Instant(world.true.now() + HOUR_MS)
        body: dict[str, Fact] = {
            "access_code_id": "guest",
            "device_id": LOCK,
            "name": "guest",
            "code": PIN,
            "strict_start": True,
        }
        body |= {"starts_at": text(start), "ends_at": text(Instant(start + HOUR_MS))}
        world.manager.order("access_code.create", body)
        await world.pass_time(HOUR_S + 60)
        assert pins(world) == {PIN}
        assert world.doors[LOCK].calls[Verb.WRITE] == 1
        assert world.doors[LOCK].calls[Verb.CLEAR] == 0

    assert tell(story) == []
