"""The worker with a real store and a firmware in process: orders in, lock truth out."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import override

import pytest

from drivers.simulator.doors.driver import InProcessDriver, InProcessLock, Trouble
from drivers.simulator.lock.firmware import Firmware
from drivers.simulator.lock.profiles import shipped_model
from gateway.fleet.looks import Bench
from gateway.fleet.supervisor import Fleet
from gateway.fleet.worker import House
from gateway.keeper import Keeper
from gateway.model.access_code import Origin
from gateway.model.answers import WriteAnswer
from gateway.model.commands import (
    Command,
    CreateAccessCode,
    DeleteAccessCode,
    Order,
    Receipt,
    Reception,
    UpdateAccessCode,
)
from gateway.model.ids import CodeId, CommandId, LockId, Slot
from gateway.model.instant import HOUR_MS, MINUTE_MS, Instant
from gateway.model.lock import LockProfile, ReadBack
from gateway.model.pin import Pin
from gateway.model.slot import Operation, Outcome
from gateway.model.snapshot import LockSettings
from gateway.model.window import Window
from gateway.nudge import Nudges, lock_bell
from gateway.orders.receive import Desk, receive
from gateway.orders.rules import HubRules
from gateway.store import journal, locks, slots
from gateway.store.database import Database
from gateway.store.seal import HubKeys, PinSeal
from tests.builders import FRONT, LEAD_MS, NOON, FakeClock, SeededEntropy

LIMIT_S = 10.0
KEYS = HubKeys.derive(b"s" * 32)


@dataclass
class Hub:
    """A daemon's inside without its edges."""

    database: Database
    clock: FakeClock
    locks: dict[LockId, InProcessLock]
    driver: InProcessDriver
    fleet: Fleet
    nudges: Nudges
    desk: Desk
    keeper: Keeper
    order_count: int = 0
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    async def order(self, command: Command, kind: str = "access_code.create") -> Receipt:
        self.order_count += 1
        order = Order(CommandId(f"order-{self.order_count}"), kind, Origin.CLOUD, bytes([self.order_count]), command)
        at = self.clock.now
        receipt = await self.database.write(lambda con: receive(con, order, self.desk, at))
        self.ring()
        return receipt

    def ring(self) -> None:
        for lock_id in self.locks:
            self.nudges.ring(lock_bell(lock_id))

    def pass_time(self, by_ms: int) -> None:
        self.clock.move(by_ms)
        self.ring()

    async def kinds(self) -> list[str]:
        events = await self.database.read(lambda con: journal.outbox(con, 0, 1000))
        return [stored.event.kind.value for stored in events]

    def pins(self, lock_id: LockId = FRONT) -> dict[int, str | None]:
        firmware = self.locks[lock_id].firmware
        return {number: seen.pin for number, seen in firmware.occupied(self.locks[lock_id].now()).items()}


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(LIMIT_S):
        while not await condition():  # noqa: ASYNC110 - it looks into a lock and a database, which ring no bell
            await asyncio.sleep(0.005)


@asynccontextmanager
async def hub(
    path: Path,
    profile: str = "plain_v1",
    memory: dict[int, str] | None = None,
    clock: FakeClock | None = None,
    locks: dict[LockId, InProcessLock] | None = None,
) -> AsyncIterator[Hub]:
    clock = clock or FakeClock()
    locks = locks or {FRONT: InProcessLock(FRONT, Firmware(shipped_model(profile), memory=memory or {}))}
    entropy = SeededEntropy()
    nudges = Nudges()
    seal = PinSeal(KEYS, entropy.token)
    settings = LockSettings(LEAD_MS)
    async with await Database.open(path, KEYS.page_key) as database:
        house = House(database, clock, entropy, nudges)
        driver = InProcessDriver(list(locks.values()))
        keeper = Keeper()
        fleet = Fleet(house, {"sim": driver}, keeper)
        for lock_id in locks:
            fleet.add(Bench(lock_id, settings, seal, entropy), "sim")
        desk = Desk(HubRules(dict.fromkeys(locks, settings)), seal, entropy)
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(fleet.run())
            yield Hub(database, clock, locks, driver, fleet, nudges, desk, keeper)
            running.cancel()


async def test_an_ongoing_code_is_set_with_proof_and_deleted_with_proof(tmp_path: Path) -> None:
    async with hub(tmp_path / "hub.db") as house:
        receipt = await house.order(CreateAccessCode(CodeId("owner"), FRONT, "Owner", Pin("2580")))
        assert receipt.reception is Reception.ACCEPTED

        async def is_applied() -> bool:
            return "command.applied" in await house.kinds()

        await until(is_applied)
        assert house.pins() == {1: "2580"}
        calls = house.locks[FRONT].calls
        # Never seen by hearsay alone: one look at the slot before its first write, then a supervised write (A7).
        assert (calls["write"], calls["read"], calls["list"]) == (1, 1, 1)

        await house.order(DeleteAccessCode(CodeId("owner")), "access_code.delete")

        async def is_deleted() -> bool:
            return "access_code.deleted" in await house.kinds()

        await until(is_deleted)
        assert house.pins() == {}
        about_the_code = [kind for kind in await house.kinds() if not kind.startswith("device.")]
        assert about_the_code == [
            "command.received",
            "command.accepted",
            "access_code.created",
            "access_code.changed",
            "access_code.set_on_device",
            "command.applied",
            "command.received",
            "command.accepted",
            "access_code.mutations_requested",
            "access_code.changed",
            "access_code.removed_from_device",
            "access_code.deleted",
            "command.applied",
        ]


async def test_a_time_bound_code_is_on_the_lock_from_its_lead_to_its_end(tmp_path: Path) -> None:
    async with hub(tmp_path / "hub.db") as house:
        starts_at, ends_at = Instant(NOON + 2 * HOUR_MS), Instant(NOON + 5 * HOUR_MS)
        await house.order(CreateAccessCode(CodeId("guest"), FRONT, "Guest", Pin("2580"), starts_at, ends_at))

        async def is_listed() -> bool:
            return house.locks[FRONT].calls["list"] == 1

        await until(is_listed)
        house.pass_time(2 * HOUR_MS - LEAD_MS - 1)
        await asyncio.sleep(0.05)
        assert house.pins() == {}
        house.pass_time(1)

        async def is_set() -> bool:
            return "access_code.set_on_device" in await house.kinds()

        await until(is_set)
        assert house.pins() == {1: "2580"}
        house.pass_time(3 * HOUR_MS + LEAD_MS - 1)
        await asyncio.sleep(0.05)
        assert house.pins() == {1: "2580"}
        house.pass_time(1)

        async def is_removed() -> bool:
            return "access_code.removed_from_device" in await house.kinds()

        await until(is_removed)
        assert house.pins() == {}


@pytest.mark.parametrize("profile", ["plain_v1", "masked", "no_supervision"])
async def test_a_pin_edit_ends_with_the_new_pin_only(tmp_path: Path, profile: str) -> None:
    async with hub(tmp_path / "hub.db", profile) as house:
        await house.order(CreateAccessCode(CodeId("owner"), FRONT, "Owner", Pin("2580")))

        async def is_set() -> bool:
            return "access_code.set_on_device" in await house.kinds()

        await until(is_set)
        await house.order(UpdateAccessCode(CodeId("owner"), pin=Pin("3691")), "access_code.update")

        async def is_changed() -> bool:
            return "access_code.code_changed" in await house.kinds()

        await until(is_changed)
        assert house.pins() == {1: "3691"}


async def test_slots_of_others_are_never_touched(tmp_path: Path) -> None:
    async with hub(tmp_path / "hub.db", memory={1: "1111", 3: "4711"}) as house:
        for number in range(3):
            await house.order(CreateAccessCode(CodeId(f"code-{number}"), FRONT, "x", Pin(f"258{number}")))

        async def are_set() -> bool:
            return (await house.kinds()).count("access_code.set_on_device") == 3

        await until(are_set)
        assert house.pins() == {1: "1111", 2: "2580", 3: "4711", 4: "2581", 5: "2582"}
        assert (await house.kinds()).count("access_code.unmanaged.created") == 2


async def test_a_lost_answer_is_looked_at_before_anything_is_written_again(tmp_path: Path) -> None:
    async with hub(tmp_path / "hub.db") as house:
        lock = house.locks[FRONT]
        await house.order(CreateAccessCode(CodeId("first"), FRONT, "x", Pin("1470")))

        async def is_set() -> bool:
            return (await house.kinds()).count("access_code.set_on_device") == 1

        await until(is_set)
        # The look at the next slot is heard, the write is executed, its answer is lost.
        lock.calls.clear()
        lock.troubles.extend([Trouble.LOST_ANSWER, Trouble.LOST_ANSWER])
        await house.order(CreateAccessCode(CodeId("second"), FRONT, "x", Pin("2580")))

        async def is_second_tried() -> bool:
            house.pass_time(MINUTE_MS)
            return (await house.kinds()).count("access_code.set_on_device") == 2

        await until(is_second_tried)
        assert house.pins() == {1: "1470", 2: "2580"}
        assert lock.calls["write"] == 1


async def test_a_restart_with_nothing_to_do_asks_the_lock_nothing(tmp_path: Path) -> None:
    clock = FakeClock()
    async with hub(tmp_path / "hub.db", clock=clock) as house:
        await house.order(CreateAccessCode(CodeId("owner"), FRONT, "Owner", Pin("2580")))

        async def is_set() -> bool:
            return "access_code.set_on_device" in await house.kinds()

        await until(is_set)
        firmware = house.locks[FRONT].firmware
    lock = InProcessLock(FRONT, firmware)
    async with hub(tmp_path / "hub.db", clock=clock, locks={FRONT: lock}) as again:
        before = await again.kinds()
        await asyncio.sleep(0.1)
        assert not lock.calls
        assert await again.kinds() == before


class LearningLock(InProcessLock):
    """A lock whose driver finds out by the first look that it masks."""

    @property
    @override
    def profile(self) -> LockProfile:
        return replace(super().profile, read_back=ReadBack.MASKED if self.calls["read"] else ReadBack.CLEAR)


async def test_what_a_driver_learns_about_a_lock_is_kept(tmp_path: Path) -> None:
    lock = LearningLock(FRONT, Firmware(shipped_model("masked")))
    async with hub(tmp_path / "hub.db", locks={FRONT: lock}) as house:
        await house.order(CreateAccessCode(CodeId("owner"), FRONT, "Owner", Pin("2580")))

        async def is_set() -> bool:
            return "access_code.set_on_device" in await house.kinds()

        await until(is_set)
        row = await house.database.read(lambda con: locks.get(con, FRONT))
        assert row is not None
        assert row.profile.read_back is ReadBack.MASKED


class WatchingLock(InProcessLock):
    """Looks into the database at the moment a command would go on the air."""

    def __init__(self) -> None:
        super().__init__(FRONT, Firmware(shipped_model("plain_v1")))
        self.house: Hub | None = None
        self.found: list[tuple[Operation, Outcome, CodeId | None]] = []

    @override
    async def write_slot(self, slot: Slot, pin: Pin, *, window: Window | None, old_pin: Pin | None) -> WriteAnswer:
        await self._note(slot)
        return await super().write_slot(slot, pin, window=window, old_pin=old_pin)

    @override
    async def clear_slot(self, slot: Slot, *, old_pin: Pin | None) -> WriteAnswer:
        await self._note(slot)
        return await super().clear_slot(slot, old_pin=old_pin)

    async def _note(self, slot: Slot) -> None:
        assert self.house is not None
        record = await self.house.database.read(lambda con: slots.get(con, FRONT, slot))
        self.found.append((record.operation, record.outcome, record.lease))


async def test_n4_the_intent_is_committed_before_the_command_goes_on_the_air(tmp_path: Path) -> None:
    lock = WatchingLock()
    async with hub(tmp_path / "hub.db", locks={FRONT: lock}) as house:
        lock.house = house
        await house.order(CreateAccessCode(CodeId("owner"), FRONT, "Owner", Pin("2580")))

        async def is_set() -> bool:
            return "access_code.set_on_device" in await house.kinds()

        await until(is_set)
        await house.order(DeleteAccessCode(CodeId("owner")), "access_code.delete")

        async def is_deleted() -> bool:
            return "access_code.deleted" in await house.kinds()

        await until(is_deleted)
    assert lock.found == [
        (Operation.WRITE, Outcome.PENDING, CodeId("owner")),
        (Operation.CLEAR, Outcome.PENDING, CodeId("owner")),
    ]


async def test_a_lock_that_comes_back_is_relieved_of_an_ended_code_first(tmp_path: Path) -> None:
    lock = InProcessLock(FRONT, Firmware(shipped_model("plain_v1")))
    async with hub(tmp_path / "hub.db", locks={FRONT: lock}) as house:
        await house.order(CreateAccessCode(CodeId("guest"), FRONT, "Guest", Pin("2580"), None, Instant(NOON + HOUR_MS)))

        async def is_set() -> bool:
            return "access_code.set_on_device" in await house.kinds()

        await until(is_set)
        house.driver.depart(lock, "unplugged")

        async def is_away() -> bool:
            return house.fleet.workers[FRONT].is_away

        await until(is_away)
        house.pass_time(2 * HOUR_MS)
        await house.order(CreateAccessCode(CodeId("next"), FRONT, "Next", Pin("1470")))
        again = InProcessLock(FRONT, lock.firmware)
        house.locks[FRONT] = again
        house.driver.arrive(again)

        async def is_done() -> bool:
            return house.pins() == {2: "1470"} or house.pins() == {1: "1470"}

        await until(is_done)
        assert again.verbs[0] == "clear"


class HangingLock(InProcessLock):
    """Takes the command and never answers: the process dies meanwhile."""

    @override
    async def write_slot(self, slot: Slot, pin: Pin, *, window: Window | None, old_pin: Pin | None) -> WriteAnswer:
        self.calls["hung"] += 1
        never: asyncio.Future[WriteAnswer] = asyncio.get_running_loop().create_future()
        return await never


async def test_a_write_that_was_cut_by_our_own_end_is_repeated_at_once(tmp_path: Path) -> None:
    clock = FakeClock()
    firmware = Firmware(shipped_model("plain_v1"))
    hanging = HangingLock(FRONT, firmware)
    async with hub(tmp_path / "hub.db", clock=clock, locks={FRONT: hanging}) as house:
        await house.order(CreateAccessCode(CodeId("owner"), FRONT, "Owner", Pin("2580")))

        async def is_cut() -> bool:
            return hanging.calls["hung"] == 1

        await until(is_cut)
    async with hub(tmp_path / "hub.db", clock=clock, locks={FRONT: InProcessLock(FRONT, firmware)}) as again:

        async def is_set() -> bool:
            return "access_code.set_on_device" in await again.kinds()

        await until(is_set)
        assert again.pins() == {1: "2580"}
        assert list(again.locks[FRONT].verbs) == ["read", "write"]
