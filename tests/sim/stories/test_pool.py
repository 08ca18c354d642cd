"""Backup pools over whole stays, and each rule broken on purpose with the auditor that has to cry (A10, A12, A13, A16)."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from drivers.simulator.lock.profiles import shipped_model
from gateway.model.pin import Pin
from gateway.orders import pool
from gateway.orders import receive as orders
from gateway.planner import pool as planner
from tests.sim.stories.house import HOUR_S, LOCK, create, delete, pins, tell
from tests.sim.world import World

GUEST_PIN = "14701470"
SMALL = [replace(shipped_model("plain_v1"), slots=4)]


def names(story: Callable[[World], object], **house: object) -> list[str]:
    return [violation.auditor for violation in tell(story, **house)]  # type: ignore[arg-type] # a story, with its house


def pull(world: World, code_id: str, *, is_forced: bool = True) -> None:
    world.manager.order("access_code.pull_backup_access_code", {"access_code_id": code_id, "force": is_forced})


async def deaf_arrival(world: World) -> None:
    """The lock goes out of reach before the guest's lead, and comes back in the middle of the stay."""
    create(world, "guest", GUEST_PIN, starts_in_s=3 * HOUR_S, ends_in_s=8 * HOUR_S, with_pool=True)
    await world.pass_time(HOUR_S)
    assert len(world.auditors.pools.spares) == 3
    world.doors[LOCK].set_deaf(is_deaf=True)
    await world.pass_time(3 * HOUR_S)
    world.doors[LOCK].set_deaf(is_deaf=False)
    await world.pass_time(HOUR_S)


def test_a13_a_guest_before_a_deaf_lock_has_a_backup_and_later_both_work_to_the_end() -> None:
    async def whole(world: World) -> None:
        await deaf_arrival(world)
        backup = world.book.wishes[world.auditors.pools.given["guest"]].pin
        assert {GUEST_PIN, backup} <= pins(world)
        await world.pass_time(4 * HOUR_S)
        assert not {GUEST_PIN, backup} & pins(world)
        assert len(pins(world)) == 3

    assert tell(whole) == []


def test_a12_a_stay_that_is_deleted_and_ordered_again_under_its_id_is_given_a_backup_of_its_own() -> None:
    """A new life of an id is a new stay: neither the hub nor the judge takes the backup of the last one for its (seed 75 of 30 days)."""

    async def whole(world: World) -> None:
        create(world, "guest", GUEST_PIN, ends_in_s=30 * HOUR_S, with_pool=True)
        await world.pass_time(HOUR_S)
        pull(world, "guest")
        await world.pass_time(HOUR_S)
        first = world.auditors.pools.given["guest"]
        delete(world, "guest")
        create(world, "guest", GUEST_PIN, ends_in_s=20 * HOUR_S, with_pool=True)
        await world.pass_time(HOUR_S)
        assert "guest" not in world.auditors.pools.given
        pull(world, "guest")
        await world.pass_time(HOUR_S)
        second = world.auditors.pools.given["guest"]
        assert second != first
        assert world.book.wishes[first].pin not in pins(world)
        assert {GUEST_PIN, world.book.wishes[second].pin} <= pins(world)

    assert tell(whole) == []


def test_a12_a_pull_with_the_broker_gone_is_heard_of_later() -> None:
    async def whole(world: World) -> None:
        create(world, "guest", GUEST_PIN, ends_in_s=5 * HOUR_S, with_pool=True)
        await world.pass_time(HOUR_S)
        pull(world, "guest")
        world.broker.go_down()
        await world.pass_time(HOUR_S)
        world.broker.come_up()
        await world.pass_time(HOUR_S)
        pull(world, "guest")
        await world.pass_time(60)
        assert len(world.auditors.pools.given) == 1
        delete(world, "guest")
        await world.pass_time(HOUR_S)
        assert len(pins(world)) == 3

    assert tell(whole) == []


def test_a16_guests_push_spares_out_of_a_full_lock_and_the_pool_fills_again_when_they_leave() -> None:
    async def whole(world: World) -> None:
        create(world, "stay", GUEST_PIN, ends_in_s=40 * HOUR_S, with_pool=True)
        await world.pass_time(HOUR_S)
        assert len(pins(world)) == 3
        for number in range(3):
            create(world, f"guest-{number}", f"2580258{number}", starts_in_s=HOUR_S, ends_in_s=9 * HOUR_S)
        await world.pass_time(2 * HOUR_S)
        assert pins(world) == {GUEST_PIN, "25802580", "25802581", "25802582"}
        await world.pass_time(8 * HOUR_S)
        assert len(pins(world)) == 3
        assert len(world.auditors.pools.spares) == 2

    assert tell(whole, models=SMALL) == []


def test_a12_power_cuts_at_every_commit_of_a_pull_leave_one_backup_per_guest() -> None:
    async def whole(world: World) -> None:
        create(world, "guest", GUEST_PIN, ends_in_s=9 * HOUR_S, with_pool=True)
        await world.pass_time(HOUR_S)
        for commits in range(1, 8):
            if world.life is None:
                world.plug_in()
                await world.pass_time(60)
            assert world.life is not None
            world.life.power.cut_after(commits, is_lost=commits % 2 == 0)
            pull(world, "guest")
            await world.pass_time(600)
        if world.life is None:
            world.plug_in()
        await world.pass_time(600)
        assert len(world.auditors.pools.given) == 1

    assert tell(whole) == []


def test_a13_a_guest_at_risk_who_is_not_helped_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planner, "_pulls", lambda *_: ((), ()))
    assert "pool" in names(deaf_arrival)


def test_a12_a_pin_that_is_used_again_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.store.pool.was_ever_used", lambda *_: False)
    drawn = iter([Pin("36903690"), Pin("36903690"), Pin("47114711"), Pin("58225822"), *[Pin("69336933")] * 9])
    monkeypatch.setattr(pool, "draw_free", lambda *_: next(drawn))
    assert "pool" in names(deaf_arrival)


def test_a12_a_backup_that_outlives_its_guest_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orders, "follow", lambda *_: None)

    async def cancelled(world: World) -> None:
        create(world, "guest", GUEST_PIN, ends_in_s=9 * HOUR_S, with_pool=True)
        await world.pass_time(HOUR_S)
        pull(world, "guest")
        await world.pass_time(HOUR_S)
        delete(world, "guest")
        await world.pass_time(HOUR_S)

    assert "removal" in names(cancelled)


def test_a12_an_unproven_backup_that_is_handed_out_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planner._Spare, "is_ready", property(lambda _: True))
    monkeypatch.setattr(planner, "_can_act", lambda _: True)

    async def deaf_from_the_start(world: World) -> None:
        create(world, "owner", "25802580")
        await world.pass_time(HOUR_S)
        world.doors[LOCK].set_deaf(is_deaf=True)
        create(world, "guest", GUEST_PIN, starts_in_s=HOUR_S, ends_in_s=3 * HOUR_S, with_pool=True)
        await world.pass_time(2 * HOUR_S)
        world.doors[LOCK].set_deaf(is_deaf=False)

    assert "pool" in names(deaf_from_the_start)


def test_a16_a_guest_who_finds_no_room_beside_spares_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planner, "_push_count", lambda *_: 0)

    async def crowd(world: World) -> None:
        create(world, "stay", GUEST_PIN, ends_in_s=40 * HOUR_S, with_pool=True)
        await world.pass_time(HOUR_S)
        for number in range(3):
            create(world, f"guest-{number}", f"2580258{number}", ends_in_s=30 * HOUR_S)
        await world.pass_time(HOUR_S)

    assert "memory" in names(crowd, models=SMALL)
