"""Orders about backups, drawn PINs and codes of others: what is taken, what is refused and why (A10, A12, A14)."""

from dataclasses import replace

import pytest

from gateway.model import ledger
from gateway.model.access_code import AccessCode
from gateway.model.answers import Held, Sighting, SightingSource, Written
from gateway.model.commands import CreateAccessCode, DeleteAccessCode, Receipt, Reception, UpdateAccessCode
from gateway.model.evidence import Evidence
from gateway.model.ids import CodeId, LockId, Slot
from gateway.model.instant import HOUR_MS, Instant
from gateway.model.pin import NO_RUN, NOT_ALL_SAME, Pin
from gateway.model.pool_commands import (
    ConvertUnmanaged,
    DeleteUnmanaged,
    GenerateCode,
    ListUnmanaged,
    PullBackupCode,
    UpdateDevice,
)
from gateway.model.slot import SightedAs, SlotRecord
from gateway.orders import pool as pools
from gateway.orders.draw import draw_free
from gateway.orders.pool import Cabinet
from gateway.store import codes, journal, locks, pool, slots
from gateway.store.database import Connection
from tests.builders import FRONT, LEAD_MS, NOON, make_profile
from tests.orders.conftest import Room

START, END = Instant(NOON + 2 * HOUR_MS), Instant(NOON + 5 * HOUR_MS)
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


async def with_stranger(room: Room, pin: str | None = "471147") -> None:
    """Somebody's code in slot 3."""

    def program(con: Connection) -> None:
        locks.put_profile(con, FRONT, make_profile(slots=10))
        held = Sighting(Held(None if pin is None else Pin(pin)), SightingSource.LOCK)
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
