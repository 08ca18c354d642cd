"""The backup pool and codes of others with the real worker, a real store and a firmware in process (A12-A14, A16)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from drivers.simulator.doors.driver import InProcessLock
from drivers.simulator.lock.firmware import Firmware
from drivers.simulator.lock.profiles import shipped_model
from gateway.model.commands import CreateAccessCode, DeleteAccessCode, Receipt, Reception, UpdateAccessCode
from gateway.model.ids import CodeId, Slot
from gateway.model.instant import HOUR_MS, MINUTE_MS, Instant
from gateway.model.pin import Pin
from gateway.model.pool_commands import (
    ConvertUnmanaged,
    DeleteUnmanaged,
    ListUnmanaged,
    PoolCommand,
    PullBackupCode,
    UpdateDevice,
)
from gateway.store import codes, journal, pool
from gateway.store.database import Connection
from tests.builders import FRONT, LEAD_MS, NOON
from tests.fleet.test_worker import Hub, hub, until

START, END = Instant(NOON + 2 * HOUR_MS), Instant(NOON + 5 * HOUR_MS)
STAY = CreateAccessCode(CodeId("guest"), FRONT, "Guest", Pin("2580"), START, END, use_backup_pool=True)
FAR = CreateAccessCode(
    CodeId("far"), FRONT, "Far", Pin("3691"), Instant(NOON + 80 * HOUR_MS), Instant(NOON + 90 * HOUR_MS)
)


@dataclass
class House:
    """A hub with one lock, and shorter words for it."""

    hub: Hub

    async def ask(self, command: PoolCommand, kind: str = "pool") -> Receipt:
        return await self.hub.order(command, kind)

    async def heard(self, kind: str, count: int = 1) -> None:
        """Wait for so many events of a kind."""

        async def is_there() -> bool:
            return (await self.hub.kinds()).count(kind) >= count

        await until(is_there)

    async def holds(self, count: int) -> None:
        """Wait until the lock holds so many PINs."""

        async def is_so() -> bool:
            return len(self.hub.pins()) == count

        await until(is_so)

    async def ready(self, count: int) -> None:
        """Wait until so many spares are proven."""

        def look(con: Connection) -> int:
            told = codes.announced(con, FRONT)
            return sum(told[code_id].digest is not None for code_id in _spares(con))

        async def is_so() -> bool:
            return await self.hub.database.read(look) == count

        await until(is_so)

    async def spares(self) -> list[CodeId]:
        return await self.hub.database.read(_spares)

    async def backup(self) -> Pin:
        """A guest's stay is ordered, and a backup is given for it days ahead."""
        await self.hub.order(STAY)
        await self.ready(3)
        receipt = await self.ask(PullBackupCode(CodeId("guest"), is_forced=True))
        assert receipt.drawn_pin is not None
        return receipt.drawn_pin

    def deafen(self, *, is_dead: bool) -> None:
        self.hub.locks[FRONT].is_dead = is_dead

    async def body_of(self, kind: str) -> dict[str, object]:
        events = await self.hub.database.read(lambda con: journal.outbox(con, 0, 1000))
        return dict(next(stored.event.body for stored in reversed(events) if stored.event.kind == kind))


def _spares(con: Connection) -> list[CodeId]:
    found = [code.code_id for code in codes.unfinished(con, FRONT) if not code.is_deleted]
    return [code_id for code_id in found if (backup := pool.get(con, code_id)) is not None and backup.is_spare]


@asynccontextmanager
async def house(path: Path, profile: str = "plain_v1", memory: dict[int, str] | None = None) -> AsyncIterator[House]:
    async with hub(path / "hub.db", profile, memory) as found:
        yield House(found)


@asynccontextmanager
async def small_house(path: Path, slots: int) -> AsyncIterator[House]:
    """A lock with only so many slots: the rest is programmed by hand."""
    model = shipped_model("plain_v1")
    memory = {number: f"77{number:03}" for number in range(slots + 1, model.slots + 1)}
    locks = {FRONT: InProcessLock(FRONT, Firmware(model, memory=memory))}
    async with hub(path / "hub.db", locks=locks) as found:
        yield House(found)


async def test_a12_a_stay_with_the_pool_flag_fills_the_pool_with_proven_codes(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        await here.hub.order(STAY)
        await here.ready(3)
        assert len(set(here.hub.pins().values())) == 3
        assert (await here.hub.kinds()).count("access_code.set_on_device") == 3


async def test_a12_a_pull_gives_a_proven_code_to_the_guest_and_the_pool_is_refilled(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        await here.hub.order(STAY)
        await here.ready(3)
        receipt = await here.ask(PullBackupCode(CodeId("guest"), is_forced=True))
        assert receipt.reception is Reception.ACCEPTED
        assert receipt.drawn_pin is not None
        assert receipt.drawn_pin.reveal() in here.hub.pins().values()
        pulled = await here.body_of("access_code.backup_access_code_pulled")
        again = await here.ask(PullBackupCode(CodeId("guest"), is_forced=True))
        assert again.answer["backup_access_code_id"] == pulled["backup_access_code_id"]
        assert again.drawn_pin == receipt.drawn_pin
        await here.ready(3)
        assert len(here.hub.pins()) == 4


async def test_a12_after_the_stay_the_backup_is_gone_and_its_pin_is_never_drawn_again(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        given = await here.backup()
        digits, digest = given.reveal(), here.hub.desk.seal.digest(given)
        await here.ready(3)
        here.hub.pass_time(END - NOON)
        await here.heard("access_code.removed_from_device")
        await here.holds(3)
        assert digits not in here.hub.pins().values()
        assert await here.hub.database.read(lambda con: pool.was_ever_used(con, digest))


async def test_a12_a_pull_works_while_the_lock_does_not_answer(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        await here.hub.order(STAY)
        await here.ready(3)
        here.deafen(is_dead=True)
        receipt = await here.ask(PullBackupCode(CodeId("guest"), is_forced=True))
        assert receipt.drawn_pin is not None
        assert receipt.drawn_pin.reveal() in here.hub.pins().values()


async def test_a13_a_guest_whose_code_does_not_reach_the_lock_gets_a_backup_before_arriving(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        await here.hub.order(STAY)
        await here.ready(3)
        here.deafen(is_dead=True)
        here.hub.pass_time(START - 10 * MINUTE_MS - NOON - 1)
        await here.heard("access_code.changed")
        assert "access_code.backup_access_code_pulled" not in await here.hub.kinds()
        here.hub.pass_time(1)
        await here.heard("access_code.backup_access_code_pulled")
        assert "access_code.failed_to_set_on_device" not in await here.hub.kinds()


async def test_a16_a_due_guest_pushes_a_spare_out_of_a_full_lock(tmp_path: Path) -> None:
    async with small_house(tmp_path, 4) as here:
        await here.hub.order(STAY)
        await here.ready(3)
        others = CreateAccessCode(CodeId("owner"), FRONT, "Owner", Pin("8520"))
        await here.hub.order(others)
        await here.heard("access_code.set_on_device", 4)
        here.hub.pass_time(START - LEAD_MS - NOON)
        await here.heard("access_code.set_on_device", 5)
        assert {"2580", "8520"} <= set(here.hub.pins().values())
        await here.ready(2)


async def test_a10_an_order_with_the_pin_of_a_spare_replaces_the_spare(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        await here.hub.order(STAY)
        await here.ready(3)
        wanted = here.hub.pins()[1]
        assert wanted is not None
        receipt = await here.hub.order(CreateAccessCode(CodeId("same"), FRONT, "Same", Pin(wanted)))
        assert receipt.reception is Reception.ACCEPTED
        await here.ready(3)
        await here.holds(4)
        assert list(here.hub.pins().values()).count(wanted) == 1


async def test_a12_a_pulled_backup_follows_its_original(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        given = await here.backup()
        longer = Instant(END + HOUR_MS)
        await here.hub.order(UpdateAccessCode(CodeId("guest"), ends_at=longer), "access_code.update")
        here.hub.pass_time(END - NOON)
        await here.heard("access_code.set_on_device", 5)
        assert given.reveal() in here.hub.pins().values()
        await here.hub.order(DeleteAccessCode(CodeId("guest")), "access_code.delete")
        await here.heard("access_code.deleted", 2)
        await here.holds(3)
        assert given.reveal() not in here.hub.pins().values()


async def test_a12_the_backup_is_on_the_lock_again_when_the_stay_is_prolonged_after_its_end(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        digits = (await here.backup()).reveal()
        await here.ready(3)
        here.hub.pass_time(START - NOON)
        await here.heard("access_code.set_on_device", 5)
        here.hub.pass_time(END - START)
        await here.heard("access_code.removed_from_device", 2)
        assert digits not in here.hub.pins().values()
        here.hub.pass_time(10 * MINUTE_MS)
        longer = Instant(END + 20 * HOUR_MS)
        await here.hub.order(UpdateAccessCode(CodeId("guest"), ends_at=longer), "access_code.update")
        await here.heard("access_code.set_on_device", 7)
        assert {digits, "2580"} <= set(here.hub.pins().values())
        here.hub.pass_time(20 * HOUR_MS)
        await here.heard("access_code.removed_from_device", 4)
        assert not {digits, "2580"} & set(here.hub.pins().values())


async def test_a12_a_pool_that_is_turned_off_takes_its_spares_away_and_leaves_the_pulled_one(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        given = await here.backup()
        await here.ask(UpdateDevice(FRONT, is_pool_on=False))
        await here.holds(1)
        assert list(here.hub.pins().values()) == [given.reveal()]


async def test_a12_what_is_wrong_with_the_pool_is_told_and_its_end_too(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        await here.hub.order(STAY)
        await here.ready(3)
        await here.heard("device.backup_access_code_pool_changed", 2)
        events = await here.hub.database.read(lambda con: journal.outbox(con, 0, 1000))
        told = [stored.event.body for stored in events if stored.event.kind == "device.backup_access_code_pool_changed"]
        assert [body["device_errors"] for body in told] == [["empty_backup_access_code_pool"], []]


async def test_a14_codes_of_others_are_listed_and_not_touched(tmp_path: Path) -> None:
    async with house(tmp_path, memory={2: "4711"}) as here:
        await here.hub.order(FAR)
        await here.heard("access_code.unmanaged.created")
        receipt = await here.ask(ListUnmanaged(FRONT))
        listed = receipt.answer["unmanaged_access_codes"]
        seen_at = "2027-01-31T12:00:00.000Z"
        assert listed == [{"slot": 2, "is_pin_readable": True, "is_enabled": True, "seen_at": seen_at}]
        assert here.hub.pins() == {2: "4711"}


@pytest.mark.parametrize(("profile", "pin"), [("plain_v1", None), ("plain_v1", "4711"), ("masked", "4711")])
async def test_a14_a_code_is_adopted_in_its_slot(tmp_path: Path, profile: str, pin: str | None) -> None:
    async with house(tmp_path, profile, memory={2: "4711"}) as here:
        await here.hub.order(FAR)
        await here.heard("access_code.unmanaged.created")
        wish = ConvertUnmanaged(FRONT, Slot(2), CodeId("owner"), "Owner", None if pin is None else Pin(pin))
        receipt = await here.ask(wish, "access_code.unmanaged.convert_to_managed")
        assert receipt.reception is Reception.ACCEPTED, receipt
        await here.heard("access_code.unmanaged.converted_to_managed")
        await here.heard("command.applied")
        assert here.hub.pins() == {2: "4711"}
        await here.hub.order(UpdateAccessCode(CodeId("owner"), pin=Pin("4722")), "access_code.update")
        await here.heard("access_code.code_changed")
        assert here.hub.pins() == {2: "4722"}


async def test_a14_a_hidden_pin_cannot_be_adopted_without_being_told(tmp_path: Path) -> None:
    async with house(tmp_path, "masked", memory={2: "4711"}) as here:
        await here.hub.order(FAR)
        await here.heard("access_code.unmanaged.created")
        receipt = await here.ask(ConvertUnmanaged(FRONT, Slot(2), CodeId("owner"), "Owner"))
        assert receipt.rejection is not None
        assert receipt.rejection.field == "code"


async def test_a14_an_adoption_fails_when_the_code_has_gone_meanwhile(tmp_path: Path) -> None:
    async with house(tmp_path, memory={2: "4711"}) as here:
        await here.hub.order(FAR)
        await here.heard("access_code.unmanaged.created")
        lock = here.hub.locks[FRONT]
        lock.firmware.clear(2, lock.now())
        await here.ask(
            ConvertUnmanaged(FRONT, Slot(2), CodeId("owner"), "Owner"), "access_code.unmanaged.convert_to_managed"
        )
        await here.heard("access_code.unmanaged.failed_to_convert_to_managed")
        await here.heard("command.failed")
        assert here.hub.pins() == {}


@pytest.mark.parametrize("profile", ["plain_v1", "masked"])
async def test_a14_a_code_of_others_is_deleted_on_request_only_and_with_proof(tmp_path: Path, profile: str) -> None:
    async with house(tmp_path, profile, memory={2: "4711", 3: "4712"}) as here:
        await here.hub.order(FAR)
        await here.heard("access_code.unmanaged.created", 2)
        await here.ask(DeleteUnmanaged(FRONT, Slot(2)), "access_code.unmanaged.delete")
        await here.heard("access_code.unmanaged.removed")
        await here.heard("command.applied")
        assert here.hub.pins() == {3: "4712"}
