"""Orders about backups and drawn PINs: what is taken, what is refused and why (A10, A11, A12)."""

from dataclasses import replace

import pytest

from gateway.model.commands import CreateAccessCode, DeleteAccessCode, Reception, UpdateAccessCode
from gateway.model.ids import CodeId, LockId
from gateway.model.instant import HOUR_MS, Instant
from gateway.model.pin import NO_RUN, NOT_ALL_SAME, Pin
from gateway.model.pin_rules import PinRelations
from gateway.model.pool_commands import (
    GenerateCode,
    PullBackupCode,
    UpdateDevice,
)
from gateway.orders.draw import draw_free
from gateway.store import codes, journal, locks, pool
from tests.builders import FRONT, LEAD_MS, make_profile
from tests.orders.conftest import Room
from tests.orders.pools import END, START, STAY, pull, reason, with_spares


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
