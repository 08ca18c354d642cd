"""Orders about backups, drawn PINs and codes of others: what is taken, what is refused and why (A10, A12, A14)."""

from dataclasses import replace

import pytest

from gateway.model import ledger
from gateway.model.access_code import AccessCode
from gateway.model.answers import Empty, Held, Sighting, SightingSource, Written
from gateway.model.commands import KEPT, CreateAccessCode, DeleteAccessCode, Kept, Receipt, Reception, UpdateAccessCode
from gateway.model.evidence import Evidence, Proof
from gateway.model.ids import CodeId, CommandId, LockId, Slot
from gateway.model.instant import DAY_MS, HOUR_MS, Instant
from gateway.model.pin import NO_RUN, NOT_ALL_SAME, Pin
from gateway.model.pin_rules import PinRelations
from gateway.model.pool_commands import (
    ConvertUnmanaged,
    DeleteUnmanaged,
    GenerateCode,
    ListUnmanaged,
    PullBackupCode,
    UpdateDevice,
)
from gateway.model.slot import SightedAs, SlotRecord, Verdict, Wanted, judge
from gateway.orders import pool as pools
from gateway.orders import unmanaged
from gateway.orders.draw import draw_free
from gateway.orders.pool import Cabinet
from gateway.store import codes, inbox, journal, locks, pool, retention, slots, takeovers
from gateway.store.database import Connection
from tests.builders import FRONT, LEAD_MS, NOON, make_profile
from tests.orders.conftest import Room

START, END = Instant(NOON + 2 * HOUR_MS), Instant(NOON + 5 * HOUR_MS)
LATER = Instant(END + HOUR_MS // 6)
STAY = CreateAccessCode(CodeId("guest"), FRONT, "Guest", Pin("258025"), START, END, use_backup_pool=True)


async def with_spares(room: Room, count: int, *, is_proven: bool = True) -> list[AccessCode]:
    """Spares in the first slots of the lock."""

    def stock(con: Connection) -> list[AccessCode]:
        locks.put_profile(con, FRONT, make_profile(slots=10))
        made = []
        for number in range(1, count + 1):
            code_id = pools.generate(con, Cabinet(FRONT, room.desk.seal, room.desk.entropy), NOON)
            assert code_id is not None
            code = codes.get(con, code_id)
            assert code is not None
            empty = SlotRecord(Slot(number), sighted=SightedAs.EMPTY, sighted_at=NOON)
            record = ledger.intend_write(empty, code_id, code.digest, Instant(NOON + number))
            if is_proven:
                answer = Written(Evidence.SUPERVISED)
                record = ledger.ended(record, answer, Instant(NOON + number), 1, supervision_is_honest=True)
            slots.put(con, FRONT, record)
            made.append(code)
        return made

    return await room.database.write(stock)


async def with_stranger(room: Room, pin: str | None = "471147", seen_by: SightingSource = SightingSource.LOCK) -> None:
    """Somebody's code in slot 3."""

    def program(con: Connection) -> None:
        locks.put_profile(con, FRONT, make_profile(slots=10))
        held = Sighting(Held(None if pin is None else Pin(pin)), seen_by)
        slots.put(con, FRONT, ledger.sighted(SlotRecord(Slot(3)), held, NOON, room.desk.seal.digest))

    await room.database.write(program)


async def pull(room: Room, at: Instant = NOON, *, is_forced: bool = False) -> Receipt:
    return await room.order(
        PullBackupCode(CodeId("guest"), is_forced=is_forced), kind="access_code.pull_backup_access_code", at=at
    )


def reason(receipt: Receipt) -> tuple[str, str | None]:
    assert receipt.rejection is not None, receipt
    return receipt.rejection.reason.value, receipt.rejection.field


async def test_a12_a_pull_is_refused_for_what_is_no_stay(room: Room) -> None:
    await with_spares(room, 1)
    assert reason(await pull(room)) == ("access_code_not_found", "access_code_id")
    await room.order(CreateAccessCode(CodeId("guest"), FRONT, "Owner", Pin("258025")))
    assert reason(await pull(room)) == ("access_code_not_time_bound", "access_code_id")


async def test_a12_a_pull_before_the_lead_says_that_it_opens_now_and_needs_force(room: Room) -> None:
    await with_spares(room, 1)
    await room.order(STAY)
    opens_at = Instant(START - LEAD_MS)
    assert reason(await pull(room, Instant(opens_at - 1))) == ("opens_now", "force")
    assert (await pull(room, opens_at)).reception is Reception.ACCEPTED


async def test_a12_only_a_proven_spare_is_given_the_longest_proven_first(room: Room) -> None:
    await with_spares(room, 1, is_proven=False)
    await room.order(STAY)
    assert reason(await pull(room, is_forced=True)) == ("backup_access_code_not_found", "access_code_id")
    spares = await with_spares(room, 3)
    receipt = await pull(room, is_forced=True)
    assert receipt.answer["backup_access_code_id"] == spares[0].code_id


async def test_a12_a_pulled_backup_ends_with_its_original_and_a_second_pull_is_the_same_one(room: Room) -> None:
    spares = await with_spares(room, 2)
    await room.order(STAY)
    first, second = await pull(room, is_forced=True), await pull(room, is_forced=True)
    assert first.answer == second.answer
    assert first.drawn_pin == second.drawn_pin
    backup = await room.database.read(lambda con: codes.get(con, spares[0].code_id))
    assert backup is not None
    assert backup.window.ends_at == END
    kinds = [kind for kind, _ in await room.events()]
    assert kinds.count("access_code.backup_access_code_pulled") == 1


async def test_a12_a_stay_that_is_over_has_no_backup(room: Room) -> None:
    await with_spares(room, 1)
    await room.order(STAY)
    assert reason(await pull(room, END)) == ("invalid_input", "access_code_id")


@pytest.mark.parametrize("ends_at", [Instant(END + HOUR_MS), Instant(END - HOUR_MS), None])
async def test_a12_a_backup_follows_every_change_of_its_originals_end(room: Room, ends_at: Instant | None) -> None:
    [spare] = await with_spares(room, 1)
    await room.order(STAY)
    await pull(room, is_forced=True)
    await room.order(UpdateAccessCode(CodeId("guest"), ends_at=ends_at), kind="access_code.update")
    backup = await room.database.read(lambda con: codes.get(con, spare.code_id))
    assert backup is not None
    assert backup.window.ends_at == ends_at
    await room.order(DeleteAccessCode(CodeId("guest")), kind="access_code.delete")
    backup = await room.database.read(lambda con: codes.get(con, spare.code_id))
    assert backup is not None
    assert backup.is_deleted


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


async def test_a12_the_pool_flag_turns_the_pool_on_and_is_for_stays_only(room: Room) -> None:
    refused = await room.order(CreateAccessCode(CodeId("owner"), FRONT, "Owner", Pin("369036"), use_backup_pool=True))
    assert reason(refused) == ("invalid_input", "use_backup_access_code_pool")
    rules = room.desk.hub.locks[FRONT].pool
    assert not (await room.database.read(lambda con: pool.of_lock(con, FRONT, rules))).is_on
    await room.order(STAY)
    found = await room.database.read(lambda con: pool.of_lock(con, FRONT, rules))
    assert (found.is_on, set(found.guests)) == (True, {"guest"})
    await room.order(UpdateDevice(FRONT, is_pool_on=False), kind="device.update")
    assert not (await room.database.read(lambda con: pool.of_lock(con, FRONT, replace(rules, is_on=True)))).is_on


async def test_a10_a_spare_gives_way_to_an_order_with_its_pin_and_a_pulled_one_does_not(room: Room) -> None:
    spares = await with_spares(room, 2)
    sealed = [await room.database.read(lambda con, code=code: codes.sealed_pin(con, code.code_id)) for code in spares]  # type: ignore[misc]
    pins = [
        room.desk.seal.open(text, FRONT, code.code_id)
        for text, code in zip(sealed, spares, strict=True)
        if text is not None
    ]
    await room.order(STAY)
    await pull(room, is_forced=True)
    given = await room.order(CreateAccessCode(CodeId("same"), FRONT, "x", pins[0]))
    assert reason(given) == ("duplicate_access_code", "code")
    taken = await room.order(CreateAccessCode(CodeId("other"), FRONT, "x", pins[1]))
    assert taken.reception is Reception.ACCEPTED
    spare = await room.database.read(lambda con: codes.get(con, spares[1].code_id))
    assert spare is not None
    assert spare.is_deleted


@pytest.mark.parametrize("is_same", [True, False])
async def test_a10_a_spare_on_the_same_keys_gives_way_too(room: Room, *, is_same: bool) -> None:
    """On a lock with two digits to a key even a spare's own PIN was refused, naming a code that nobody knows."""
    [spare] = await with_spares(room, 1)
    profile = replace(make_profile(), pin_relations=PinRelations(("12", "34", "56", "78", "90")))
    await room.database.write(lambda con: locks.put_profile(con, FRONT, profile))
    sealed = await room.database.read(lambda con: codes.sealed_pin(con, spare.code_id))
    assert sealed is not None
    theirs = room.desk.seal.open(sealed, FRONT, spare.code_id)
    other_digit_of_the_keys = str.maketrans("1234567890", "2143658709")
    wanted = theirs if is_same else Pin(theirs.reveal().translate(other_digit_of_the_keys))
    receipt = await room.order(CreateAccessCode(CodeId("owner"), FRONT, "x", wanted))
    assert receipt.rejection is None
    after = await room.database.read(lambda con: codes.get(con, spare.code_id))
    assert after is not None
    assert after.is_deleted


async def test_a12_a_backup_is_not_edited_by_hand(room: Room) -> None:
    [spare] = await with_spares(room, 1)
    receipt = await room.order(UpdateAccessCode(spare.code_id, pin=Pin("471147")), kind="access_code.update")
    assert reason(receipt) == ("invalid_input", "access_code_id")


async def test_a11_drawn_pins_are_strong_new_and_far_from_every_living_one(room: Room) -> None:
    await with_spares(room, 0)
    pins: list[Pin] = []
    for number in range(30):
        receipt = await room.order(CreateAccessCode(CodeId(f"code-{number}"), FRONT, "x", None))
        assert receipt.drawn_pin is not None
        assert not any(receipt.drawn_pin.is_near(other) for other in pins)
        assert NO_RUN.holds(receipt.drawn_pin.reveal())
        assert NOT_ALL_SAME.holds(receipt.drawn_pin.reveal())
        pins.append(receipt.drawn_pin)


async def test_a12_a_pin_is_never_drawn_again_even_when_nothing_else_is_left(room: Room) -> None:
    class Stuck:
        def token(self, count: int) -> bytes:
            return bytes([2, 5, 8, 0, 2, 5, *[7] * count])[:count]

        def fraction(self) -> float:
            return 0.0

    await with_spares(room, 0)
    await room.order(CreateAccessCode(CodeId("before"), FRONT, "x", Pin("258025")))
    await room.order(DeleteAccessCode(CodeId("before")), kind="access_code.delete")
    assert await room.database.read(lambda con: draw_free(con, FRONT, room.desk.seal, Stuck())) is None


@pytest.mark.parametrize(
    ("one", "two", "is_near"),
    [
        ("258025", "258025", True),
        ("258025", "258026", True),
        ("258025", "285025", True),
        ("258025", "2580", True),
        ("258025", "852025", False),
        ("258025", "258116", False),
        ("258025", "9258", False),
    ],
)
def test_a11_one_slip_of_a_finger_is_near(one: str, two: str, *, is_near: bool) -> None:
    assert Pin(one).is_near(Pin(two)) is is_near
    assert Pin(two).is_near(Pin(one)) is is_near


async def test_generate_reserves_nothing_and_writes_no_pin_into_the_journal(room: Room) -> None:
    receipt = await room.order(GenerateCode(FRONT), kind="access_code.generate_code")
    assert receipt.drawn_pin is not None
    lines = str(await room.database.read(journal.timeline))
    assert receipt.drawn_pin.reveal() not in lines
    assert [kind for kind, _ in await room.events()] == ["command.received", "command.accepted", "command.applied"]
    assert reason(await room.order(GenerateCode(LockId("elsewhere")))) == ("device_not_found", "device_id")


async def test_a_repeated_order_answers_as_before_and_does_nothing_twice(room: Room) -> None:
    await with_spares(room, 2)
    await room.order(STAY)
    wish = PullBackupCode(CodeId("guest"), is_forced=True)
    first = await room.order(wish, kind="access_code.pull_backup_access_code", command_id="p", body=b"p")
    again = await room.order(wish, kind="access_code.pull_backup_access_code", command_id="p", body=b"p")
    assert (first.reception, again.reception) == (Reception.ACCEPTED, Reception.REPEATED)
    assert [kind for kind, _ in await room.events()].count("access_code.backup_access_code_pulled") == 1


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
