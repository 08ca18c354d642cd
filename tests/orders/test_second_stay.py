"""What becomes of a backup when its original is over, prolonged, or made anew under the same id (A12, A10, A19)."""

from dataclasses import replace

import pytest

from gateway.model.access_code import AccessCode
from gateway.model.commands import KEPT, CreateAccessCode, DeleteAccessCode, Kept, Reception, UpdateAccessCode
from gateway.model.ids import CodeId, Slot
from gateway.model.instant import DAY_MS, HOUR_MS, Instant
from gateway.model.pin import Pin
from gateway.model.slot import SightedAs, SlotRecord
from gateway.store import codes, pool, retention, slots
from gateway.store.database import Connection
from tests.builders import FRONT
from tests.orders.conftest import Room
from tests.orders.pools import END, LATER, START, STAY, pull, with_spares


async def after_the_stay(room: Room, count: int = 2) -> list[AccessCode]:
    """A guest was given the first of so many spares, and the stay is over: guest and backup are proven gone. Returns the spares."""
    spares = await with_spares(room, count)
    await room.order(STAY)
    await pull(room, is_forced=True)

    def finish(con: Connection) -> None:
        for code_id in (STAY.code_id, spares[0].code_id):
            codes.finish(con, code_id, END)
        slots.put(con, FRONT, SlotRecord(Slot(1), sighted=SightedAs.EMPTY, sighted_at=END))

    await room.database.write(finish)
    return spares


async def backup_of(room: Room) -> CodeId | None:
    return await room.database.read(lambda con: pool.pulled_for(con, STAY.code_id))


async def prolong(room: Room, at: Instant = LATER, *, starts_at: Instant = START, pin: Pin | Kept = KEPT) -> None:
    wish = UpdateAccessCode(STAY.code_id, pin=pin, starts_at=starts_at, ends_at=Instant(at + 20 * HOUR_MS))
    receipt = await room.order(wish, kind="access_code.update", at=at)
    assert receipt.reception is Reception.ACCEPTED, receipt


async def test_a12_a_stay_that_is_prolonged_after_its_end_has_its_backup_again(room: Room) -> None:
    """The backup stayed off the lock, and each further pull told its PIN as if it worked."""
    [spare, _] = await after_the_stay(room)
    await prolong(room)
    assert await backup_of(room) == spare.code_id
    backup = await room.database.read(lambda con: codes.get(con, spare.code_id))
    assert backup is not None
    assert (backup.window.ends_at, backup.accepted_at, backup.is_deleted) == (LATER + 20 * HOUR_MS, LATER, False)
    assert not await room.database.read(lambda con: codes.is_finished(con, spare.code_id))
    again = await pull(room, LATER)
    assert again.answer["backup_access_code_id"] == spare.code_id
    assert room.desk.seal.digest(again.drawn_pin or Pin("0000")) == spare.digest


async def test_a10_a_backup_whose_pin_another_code_has_by_now_does_not_come_back(room: Room) -> None:
    [spare, other] = await after_the_stay(room)
    sealed = await room.database.read(lambda con: codes.sealed_pin(con, spare.code_id))
    assert sealed is not None
    pin = room.desk.seal.open(sealed, FRONT, spare.code_id)
    await room.order(CreateAccessCode(CodeId("owner"), FRONT, "Owner", pin), at=LATER)
    await prolong(room)
    await is_gone_for_good(room, spare, other)


async def test_a19_a_backup_whose_pin_was_erased_does_not_come_back(room: Room) -> None:
    """The erased PIN was to be handed out: the order ended as an error of the hub's own."""
    [spare, other] = await after_the_stay(room)
    week_later = Instant(LATER + 8 * DAY_MS)
    await room.database.write(lambda con: retention.erase(con, week_later))
    await prolong(room, week_later, pin=Pin("147036"))
    await is_gone_for_good(room, spare, other, week_later)


async def test_a12_the_backup_of_a_stay_that_is_over_is_not_there_for_another_stay(room: Room) -> None:
    [spare, other] = await after_the_stay(room)
    await prolong(room, starts_at=Instant(END + 1))
    await is_gone_for_good(room, spare, other)


@pytest.mark.parametrize("is_over_first", [True, False])
async def test_a12_a_deleted_code_that_is_created_anew_has_no_backup_yet(room: Room, *, is_over_first: bool) -> None:
    """It had none for ever: the one that was given for the deleted code was in its way."""
    if is_over_first:
        [spare, other] = await after_the_stay(room)
    else:
        [spare, other] = await with_spares(room, 2)
        await room.order(STAY)
        await pull(room, is_forced=True)
    await room.order(DeleteAccessCode(STAY.code_id), kind="access_code.delete", at=LATER)
    await room.database.write(lambda con: codes.finish(con, STAY.code_id, LATER))
    again = replace(STAY, pin=Pin("147036"), starts_at=LATER, ends_at=Instant(LATER + 20 * HOUR_MS))
    assert (await room.order(again, at=LATER)).reception is Reception.ACCEPTED
    await is_gone_for_good(room, spare, other)


async def test_a12_a_pull_never_tells_the_pin_of_a_backup_that_is_gone(room: Room) -> None:
    spares = await with_spares(room, 2)
    await room.order(STAY)
    await pull(room, is_forced=True)
    await room.order(DeleteAccessCode(spares[0].code_id), kind="access_code.delete")
    receipt = await pull(room, is_forced=True)
    assert receipt.answer["backup_access_code_id"] == spares[1].code_id


async def is_gone_for_good(room: Room, backup: AccessCode, other: AccessCode, at: Instant = LATER) -> None:
    """The backup stands in for nobody and is no spare: the next pull takes the other one."""
    assert await backup_of(room) is None
    code = await room.database.read(lambda con: codes.get(con, backup.code_id))
    assert code is not None
    assert code.is_deleted
    receipt = await pull(room, at)
    assert receipt.answer["backup_access_code_id"] == other.code_id
