"""Orders about codes of others: what is taken over, what is refused and why, and what a delete does to it (A14, A7, C1)."""

from dataclasses import replace

import pytest

from gateway.model import ledger
from gateway.model.access_code import AccessCode
from gateway.model.answers import Empty, Held, Sighting, SightingSource
from gateway.model.commands import CreateAccessCode, DeleteAccessCode, Reception
from gateway.model.evidence import Evidence, Proof
from gateway.model.ids import CodeId, CommandId, Slot
from gateway.model.pin import Pin
from gateway.model.pool_commands import (
    ConvertUnmanaged,
    DeleteUnmanaged,
    ListUnmanaged,
)
from gateway.model.slot import SlotRecord, Verdict, Wanted, judge
from gateway.orders import unmanaged
from gateway.store import codes, inbox, journal, slots, takeovers
from gateway.store.database import Connection
from tests.builders import FRONT, NOON
from tests.orders.conftest import Room
from tests.orders.pools import STAY, reason, with_spares, with_stranger


async def test_a14_only_a_slot_of_somebody_else_can_be_asked_for(room: Room) -> None:
    await with_spares(room, 1)
    for slot in (1, 2):
        assert reason(await room.order(DeleteUnmanaged(FRONT, Slot(slot)))) == ("access_code_not_found", "slot")
        wish = ConvertUnmanaged(FRONT, Slot(slot), CodeId("mine"), "x")
        assert reason(await room.order(wish)) == ("access_code_not_found", "slot")


async def test_a14_one_request_at_a_time_for_a_slot(room: Room) -> None:
    await with_stranger(room)
    kind = "access_code.unmanaged.convert_to_managed"
    first = await room.order(ConvertUnmanaged(FRONT, Slot(3), CodeId("mine"), "x"), kind=kind)
    assert first.reception is Reception.ACCEPTED
    assert reason(await room.order(DeleteUnmanaged(FRONT, Slot(3)))) == ("already_exists", "slot")


async def test_a14_an_id_under_which_a_code_is_being_taken_over_is_taken(room: Room) -> None:
    """The look that ended the adoption broke the worker: the order was closed already, by the code that had its id."""
    await with_stranger(room)
    kind = "access_code.unmanaged.convert_to_managed"
    await room.order(ConvertUnmanaged(FRONT, Slot(3), CodeId("mine"), "x"), kind=kind)
    created = await room.order(CreateAccessCode(CodeId("mine"), FRONT, "x", Pin("258025")))
    assert reason(created) == ("already_exists", "access_code_id")
    await room.database.write(lambda con: slots.put(con, FRONT, replace(slots.get(con, FRONT, Slot(3)), slot=Slot(4))))
    again = await room.order(ConvertUnmanaged(FRONT, Slot(4), CodeId("mine"), "x"), kind=kind)
    assert reason(again) == ("already_exists", "access_code_id")


async def test_a14_a_slot_that_was_leased_since_is_not_adopted_and_the_guest_keeps_it(room: Room) -> None:
    """The guest's PIN became the adopted code's, under its window: it never ended."""
    await with_stranger(room)
    kind = "access_code.unmanaged.convert_to_managed"
    await room.order(ConvertUnmanaged(FRONT, Slot(3), CodeId("mine"), "x"), kind=kind)
    await room.order(STAY)

    def write_the_guest_there(con: Connection) -> SlotRecord:
        guest = codes.get(con, STAY.code_id)
        assert guest is not None
        empty = ledger.sighted(
            slots.get(con, FRONT, Slot(3)), Sighting(Empty(), SightingSource.LOCK), NOON, room.desk.seal.digest
        )
        record = ledger.intend_write(empty, guest.code_id, guest.digest, NOON)
        shown = Sighting(Held(STAY.pin), SightingSource.LOCK)
        record = ledger.sighted(record, shown, NOON, room.desk.seal.digest)
        slots.put(con, FRONT, record)
        unmanaged.looked(con, FRONT, Slot(3), shown, room.desk.seal, NOON)
        return record

    record = await room.database.write(write_the_guest_there)
    assert await room.database.read(lambda con: slots.get(con, FRONT, Slot(3))) == record
    assert await room.database.read(lambda con: codes.get(con, CodeId("mine"))) is None
    assert await room.database.read(lambda con: takeovers.of_lock(con, FRONT)) == {}
    assert [kind for kind, _ in await room.events()][-2:] == [
        "access_code.unmanaged.failed_to_convert_to_managed",
        "command.failed",
    ]


@pytest.mark.parametrize("shown", ["471147", None])
async def test_a7_an_adopted_code_is_not_proven_by_what_a_middleman_remembers(room: Room, shown: str | None) -> None:
    """The driver's cache counted as a look at the lock: a PIN that had long gone was told as set."""
    await with_stranger(room, shown, SightingSource.MIDDLEMAN)
    wish = ConvertUnmanaged(FRONT, Slot(3), CodeId("mine"), "x", Pin("471147"))
    assert (await room.order(wish)).reception is Reception.ACCEPTED
    record = await room.database.read(lambda con: slots.get(con, FRONT, Slot(3)))
    wanted = Wanted(room.desk.seal.digest(Pin("471147")), 1)
    assert (record.lease, record.proof, record.proven) == ("mine", None, None)
    # It is looked at before anything is cleared or written.
    assert judge(record, wanted) is Verdict.UNPROVEN
    held = Sighting(Held(Pin("471147")), SightingSource.LOCK)
    seen = ledger.sighted(record, held, NOON, room.desk.seal.digest)
    assert seen.proof == Proof(Evidence.READ_BACK, NOON)
    assert judge(seen, wanted) is Verdict.GOOD


async def test_a7_an_adopted_code_is_proven_by_the_look_that_showed_its_pin(room: Room) -> None:
    await with_stranger(room)
    await room.order(ConvertUnmanaged(FRONT, Slot(3), CodeId("mine"), "x", Pin("471147")))
    record = await room.database.read(lambda con: slots.get(con, FRONT, Slot(3)))
    assert record.proof == Proof(Evidence.READ_BACK, NOON)


async def test_a14_the_pin_of_another_living_code_cannot_be_adopted(room: Room) -> None:
    await with_stranger(room, None)
    await room.order(CreateAccessCode(CodeId("owner"), FRONT, "Owner", Pin("258025")))
    wish = ConvertUnmanaged(FRONT, Slot(3), CodeId("mine"), "x", Pin("258025"))
    assert reason(await room.order(wish)) == ("duplicate_access_code", "code")


async def test_a14_the_list_says_what_is_known_and_no_pin(room: Room) -> None:
    await with_stranger(room)
    receipt = await room.order(ListUnmanaged(FRONT), kind="access_code.unmanaged.list")
    listed = receipt.answer["unmanaged_access_codes"]
    assert isinstance(listed, list)
    [entry] = listed
    assert entry == {"slot": 3, "is_pin_readable": True, "is_enabled": True, "seen_at": "2027-01-31T12:00:00.000Z"}
    assert "471147" not in str(await room.database.read(journal.timeline))


CONVERT = ConvertUnmanaged(FRONT, Slot(3), CodeId("owner"), "Owner")
CONVERT_KIND = "access_code.unmanaged.convert_to_managed"


@pytest.mark.parametrize("generation", [None, 2])
async def test_c1_a_delete_gives_up_the_adoption_that_waits_under_its_id(room: Room, generation: int | None) -> None:
    await with_stranger(room)
    await room.order(CONVERT, kind=CONVERT_KIND, command_id="adopt")
    receipt = await room.order(DeleteAccessCode(CodeId("owner"), generation), kind="access_code.delete")
    assert reason(receipt) == ("access_code_not_found", "access_code_id")
    assert ("command.failed", "failed_to_convert") in await room.events()
    seen = Sighting(Held(Pin("471147")), SightingSource.LOCK)

    def look(con: Connection) -> AccessCode | None:
        unmanaged.looked(con, FRONT, Slot(3), seen, room.desk.seal, NOON)
        return codes.get(con, CodeId("owner"))

    assert await room.database.write(look) is None
    order = await room.database.read(lambda con: inbox.get(con, CommandId("adopt")))
    assert order is not None
    assert order.final is inbox.Final.FAILED


async def test_c1_a_delete_that_is_not_newer_leaves_the_adoption_that_waits(room: Room) -> None:
    await with_stranger(room)
    await room.order(CONVERT, kind=CONVERT_KIND)
    receipt = await room.order(DeleteAccessCode(CodeId("owner"), 1), kind="access_code.delete")
    assert reason(receipt) == ("stale", "generation")
    assert await room.database.read(lambda con: takeovers.is_asked_for(con, CodeId("owner")))


async def test_c1_an_adoption_that_its_delete_overtook_is_stale(room: Room) -> None:
    await with_stranger(room)
    await room.order(DeleteAccessCode(CodeId("owner"), 2), kind="access_code.delete")
    assert reason(await room.order(CONVERT, kind=CONVERT_KIND)) == ("stale", "access_code_id")
