"""The hub's list of its locks: what joins is kept and shown at once, under a name of its own; the configuration comes first."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.model.access_code import Origin
from gateway.model.commands import CreateAccessCode, DeleteAccessCode, Order, Reception
from gateway.model.ids import CodeId, CommandId, LockId, Slot
from gateway.model.instant import MINUTE_MS
from gateway.model.lock import Schedule, ScheduleClock, ScheduleTrust
from gateway.model.lock_clock import ClockState, LockClock
from gateway.model.network import Newcomer
from gateway.model.pin import Pin
from gateway.model.pool_commands import DeleteUnmanaged
from gateway.model.slot import SightedAs, SlotRecord
from gateway.orders.receive import Desk, receive
from gateway.orders.rules import HubRules
from gateway.runtime.config import Config, LockConfig, load
from gateway.runtime.household import Household
from gateway.store import codes, inbox, journal, lock_time, locks, slots, takeovers
from gateway.store.database import Connection, Database
from gateway.store.lock_time import LockTime
from gateway.store.seal import HubKeys, PinSeal
from tests.builders import NOON, FakeClock, SeededEntropy, make_profile

CONFIGURATION = """
[hub]
id = "house"
zone = "UTC"
state = "state"
[leads]
just_in_time_s = 600.0
[broker]
url = "mqtt://127.0.0.1:1883"
"""
LOCK = """
[[locks]]
id = "cellar"
name = "Cellar"
node = 7
"""


def configured(folder: Path, *more: str) -> Config:
    path = folder / "hub.toml"
    path.write_text("".join((CONFIGURATION, *more)))
    return load(path)


def lock_at(node: int, name: str | None = None) -> Newcomer:
    return Newcomer({"node": node}, "Yale YRD256", "S2 Access Control", name)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with await Database.open(tmp_path / "hub.db", b"k" * 32) as opened:
        yield opened


async def test_lock_that_joins_is_kept_and_shown_everywhere_at_once(tmp_path: Path, database: Database) -> None:
    config = configured(tmp_path)
    household = await Household.open(config, database, FakeClock())
    settings, views, came = household.settings, household.views, list[LockConfig]()
    household.joined = came.append
    address = await household.door("zwave").adopt(lock_at(5, "Back door"))
    assert (address.lock_id, address.name, address.address) == ("back-door", "Back door", {"node": 5})
    assert [lock.lock_id for lock in came] == ["back-door"]
    assert settings[LockId("back-door")].lead_ms == 600_000
    assert views[LockId("back-door")].name == "Back door"
    again = await Household.open(config, database, FakeClock())
    assert again.locks() == household.locks()


async def test_names_and_ids_are_made_unlike_those_of_other_locks(tmp_path: Path, database: Database) -> None:
    household = await Household.open(configured(tmp_path, LOCK), database, FakeClock())
    named = [
        await household.adopt(lock_at(node, name), "zwave")
        for node, name in ((8, "cellar"), (9, None), (10, "été"), (11, "庭"))
    ]
    assert [(lock.lock_id, lock.name) for lock in named] == [
        ("cellar-2", "cellar 2"),
        ("yale-yrd256", "Yale YRD256"),
        ("t", "été"),
        ("lock", "庭"),
    ]


async def test_configuration_takes_a_joined_lock_over_by_its_address_or_its_id(
    tmp_path: Path, database: Database
) -> None:
    household = await Household.open(configured(tmp_path), database, FakeClock())
    await household.adopt(lock_at(7, "Cellar"), "zwave")
    await household.adopt(lock_at(8, "Attic"), "zwave")
    config = configured(tmp_path, LOCK, LOCK.replace("cellar", "attic").replace("Cellar", "Attic").replace("7", "9"))
    later = await Household.open(config, database, FakeClock())
    assert later.locks() == config.locks
    assert not await later.release(LockId("attic"))
    assert later.locks() == config.locks


async def test_lock_that_leaves_is_forgotten_and_one_of_the_configuration_is_not(
    tmp_path: Path, database: Database
) -> None:
    config = configured(tmp_path, LOCK)
    household = await Household.open(config, database, FakeClock())
    went = list[LockId]()
    household.left = lambda lock: went.append(lock.lock_id)
    await household.adopt(lock_at(5, "Attic"), "zwave")
    assert not await household.release(LockId("cellar"))
    assert await household.release(LockId("attic"))
    (event,) = await database.read(lambda con: journal.outbox(con, 0, 10))
    assert (event.event.kind, event.event.lock_id, event.event.body["reason"]) == ("device.removed", "attic", "left")
    assert went == ["attic"]
    assert list(household.settings) == list(household.views) == ["cellar"]
    assert (await Household.open(config, database, FakeClock())).locks() == config.locks


async def test_c2_orders_of_a_lock_that_leaves_end_and_its_living_codes_wait_for_it(
    tmp_path: Path, database: Database
) -> None:
    household = await Household.open(configured(tmp_path), database, FakeClock())
    attic = (await household.adopt(lock_at(5, "Attic"), "zwave")).lock_id
    seal, entropy = PinSeal(HubKeys.derive(b"s" * 32), SeededEntropy().token), SeededEntropy()
    desk = Desk(HubRules(household.settings), seal, entropy)

    def order(con: Connection, kind: str, command: CreateAccessCode | DeleteAccessCode | DeleteUnmanaged) -> None:
        order = Order(CommandId(f"{kind}-{command!r}"), kind, Origin.CLOUD, repr(command).encode(), command)
        assert receive(con, order, desk, NOON).reception is Reception.ACCEPTED

    def fill(con: Connection) -> None:
        locks.put_profile(con, attic, make_profile())
        for code_id, pin in (("stays", "258025"), ("goes", "471147")):
            order(con, "access_code.create", CreateAccessCode(CodeId(code_id), attic, "Guest", Pin(pin)))
        slots.put(con, attic, SlotRecord(Slot(1), lease=CodeId("goes")))
        slots.put(con, attic, SlotRecord(Slot(2), sighted=SightedAs.MASKED, sighted_at=NOON))
        order(con, "access_code.delete", DeleteAccessCode(CodeId("goes")))
        order(con, "access_code.unmanaged.delete", DeleteUnmanaged(attic, Slot(2)))

    await database.write(fill)
    before = await database.read(journal.last_seq)
    assert await household.release(attic)
    events = [each.event for each in await database.read(lambda con: journal.outbox(con, before, 10))]
    failed = [event for event in events if event.kind == "command.failed"]
    assert [event.body["reason"] for event in failed] == ["device_removed"] * 3
    assert sorted(str(event.command_id).split("-")[0] for event in failed) == [
        "access_code.create",
        "access_code.delete",
        "access_code.unmanaged.delete",
    ]
    assert [event.kind.value for event in events if event not in failed] == [
        "access_code.deleted",
        "access_code.deleted",
        "device.removed",
    ]
    assert await database.read(lambda con: inbox.open_orders(con, attic)) == ()
    assert await database.read(lambda con: takeovers.of_lock(con, attic)) == {}
    assert [code.code_id for code in await database.read(lambda con: codes.unfinished(con, attic))] == ["stays"]


async def test_a2_a_lock_that_joins_under_the_name_of_one_that_left_inherits_no_proof_of_windows(
    tmp_path: Path, database: Database
) -> None:
    household = await Household.open(configured(tmp_path), database, FakeClock())
    old = await household.adopt(lock_at(5, "Attic"), "zwave")

    def prove(con: Connection) -> None:
        schedule = Schedule(MINUTE_MS, ScheduleClock.UTC, MINUTE_MS, None, ScheduleTrust.CLAIMED)
        locks.put_profile(con, old.lock_id, make_profile(schedule=schedule))
        lock_time.set_native_proven(con, old.lock_id, NOON)
        lock_time.put_clock(con, old.lock_id, LockClock(ClockState.GOOD, NOON, 0))

    await database.write(prove)
    assert await household.release(old.lock_id)
    new = await household.adopt(lock_at(6, "Attic"), "zwave")
    assert new.lock_id == old.lock_id
    assert await database.read(lambda con: lock_time.get(con, new.lock_id)) == LockTime()


async def test_a2_a_lock_that_opened_outside_a_window_is_not_believed_again_because_it_left_and_came_back(
    tmp_path: Path, database: Database
) -> None:
    household = await Household.open(configured(tmp_path), database, FakeClock())
    lock = await household.adopt(lock_at(5, "Attic"), "zwave")

    def disprove(con: Connection) -> None:
        locks.put_profile(con, lock.lock_id, make_profile())
        lock_time.set_native_disproved(con, lock.lock_id, NOON)

    await database.write(disprove)
    before = await database.read(lambda con: lock_time.get(con, lock.lock_id))
    assert await household.release(lock.lock_id)
    await household.adopt(lock_at(5, "Attic"), "zwave")
    assert await database.read(lambda con: lock_time.get(con, lock.lock_id)) == before != LockTime()


def test_hub_without_any_lock_is_no_mistake_and_runs_its_driver(tmp_path: Path) -> None:
    config = configured(tmp_path)
    assert config.locks == ()
    assert config.defaults == replace(config.defaults, lead_ms=600_000)
