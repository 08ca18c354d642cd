"""`pool`, `pull`, `reveal`, `generate`, `unmanaged`, `adopt`, `delete-unmanaged`: at the door, with no cloud (A12, A14)."""

import pytest

from gateway.model import ledger
from gateway.model.answers import Empty, Held, Sighting, SightingSource, Written
from gateway.model.evidence import Evidence
from gateway.model.ids import CodeId, Slot
from gateway.model.instant import DAY_MS, HOUR_MS, Instant
from gateway.model.pin import Pin
from gateway.orders import pool as pools
from gateway.orders import unmanaged
from gateway.orders.pool import Cabinet
from gateway.shell.session import FailureKind
from gateway.store import codes, journal, pool, slots, takeovers
from gateway.store.database import Connection
from tests.builders import NOON
from tests.shell.house import CANARIES, FRONT, GUEST_PIN, OWNER_PIN, House, order, text_of

GUEST = "guest-2f9c71aa04"
FREE = Slot(7)


async def stocked(house: House) -> tuple[CodeId, str]:
    """A proven spare in slot 7 of the front door; returns its id and its PIN."""

    def stock(con: Connection) -> tuple[CodeId, str]:
        desk = house.context.desk
        pool.turn(con, FRONT, is_on=True)
        spare = pools.generate(con, Cabinet(FRONT, desk.seal, desk.entropy), NOON)
        assert spare is not None
        code, sealed = codes.get(con, spare), codes.sealed_pin(con, spare)
        assert code is not None
        assert sealed is not None
        intended = ledger.intend_write(slots.get(con, FRONT, FREE), spare, code.digest, NOON)
        proven = ledger.ended(intended, Written(Evidence.SUPERVISED), NOON, 1, supervision_is_honest=True)
        slots.put(con, FRONT, proven)
        return spare, desk.seal.open(sealed, FRONT, spare).reveal()

    return await house.db.write(stock)


async def lines_of(house: House) -> str:
    return str(await house.db.read(lambda con: journal.timeline(con, limit=10_000)))


async def test_pool_tells_what_is_ready_and_what_is_wrong(house: House) -> None:
    off = await house.run("pool", "front-door")
    assert "The pool is off." in text_of(off)
    on = await house.run("pool", "front-door", "--on")
    assert "0 of 3 backup codes are ready" in text_of(on)
    assert "No backup code is ready on this lock." in text_of(on)
    await stocked(house)
    told = await house.run("pool", "front-door")
    assert "1 of 3 backup codes are ready" in text_of(told)
    assert "nobody yet" in text_of(told)
    assert "The pool is off." in text_of(await house.run("pool", "front-door", "--off"))


async def test_pool_refuses_both_ways_at_once(house: House) -> None:
    answer = await house.run("pool", "front-door", "--on", "--off")
    assert answer.failure is not None
    assert answer.failure.kind is FailureKind.USAGE


async def test_pull_asks_for_force_before_the_stay_and_then_shows_the_backups_pin(house: House) -> None:
    spare, pin = await stocked(house)
    early = await house.run("pull", GUEST)
    assert early.failure is not None
    assert early.failure.field == "--force"
    assert pin not in text_of(early)
    answer = await house.run("pull", GUEST, "--force")
    assert f"  PIN    {pin}" in text_of(answer)
    again = await house.run("pull", "Ms Adams", "--force")
    assert f"  PIN    {pin}" in text_of(again)
    assert "stands in for" not in text_of(await house.run("pool", "front-door"))
    assert "Ms Adams" in text_of(await house.run("pool", "front-door"))
    assert "A backup code stands in for this code." in text_of(await house.run("why", GUEST))
    backup = await house.db.read(lambda con: codes.get(con, spare))
    assert backup is not None
    assert backup.window.ends_at == NOON + 2 * DAY_MS
    assert pin not in await lines_of(house)


async def test_pull_refuses_an_ongoing_code_and_an_empty_pool(house: House) -> None:
    ongoing = await house.run("pull", "owner-1")
    assert ongoing.failure is not None
    assert "only a time-bound code has a backup" in ongoing.failure.message
    empty = await house.run("pull", GUEST, "--force")
    assert empty.failure is not None
    assert "no backup of this lock is proven" in empty.failure.message
    assert empty.failure.remedy.startswith("gatewayctl pool LOCK")
    assert empty.failure.field == "CODE"


async def test_reveal_shows_the_pin_and_keeps_who_and_why(house: House) -> None:
    answer = await house.run("reveal", "owner-1", "--reason", "the owner forgot it")
    assert f"  PIN   {OWNER_PIN}" in text_of(answer)
    timeline = text_of(await house.run("timeline", "owner-1"))
    assert "PIN shown to user 1000: “the owner forgot it”" in timeline
    assert OWNER_PIN not in await lines_of(house)


@pytest.mark.parametrize("reason", [" ", "x" * 201, f"is it {GUEST_PIN}?"])
async def test_reveal_refuses_a_reason_that_says_nothing_or_could_hold_a_pin(house: House, reason: str) -> None:
    answer = await house.run("reveal", "owner-1", "--reason", reason)
    assert answer.failure is not None
    assert OWNER_PIN not in text_of(answer)
    assert GUEST_PIN not in text_of(answer) + await lines_of(house)


async def test_generate_shows_a_pin_that_nobody_has_and_keeps_nothing(house: House) -> None:
    answer = await house.run("generate", "front-door")
    digits = str(answer.value["code"]) if isinstance(answer.value, dict) else ""
    assert len(digits) == 6
    assert digits not in CANARIES
    assert digits not in await lines_of(house)


async def test_unmanaged_codes_are_listed_without_their_pins(house: House) -> None:
    told = text_of(await house.run("unmanaged", "front-door"))
    assert "shown by the lock" in told
    assert "9753" not in told
    assert "No code of others is known on Back door." in text_of(await house.run("unmanaged", "back-door"))


async def test_adopt_waits_for_a_look_at_the_slot_when_no_pin_was_given(house: House) -> None:
    answer = await house.run("adopt", "front-door", "2", "--name", "Old owner", "--id", "old")
    assert "becomes a code of the hub once the lock has shown it" in text_of(answer)
    assert answer.lines[2].text == "  How it goes: gatewayctl timeline old", (
        "there is no code yet that why could explain"
    )
    assert "to be adopted as “Old owner”" in text_of(await house.run("unmanaged", "front-door"))
    waiting = await house.db.read(lambda con: takeovers.of_lock(con, FRONT))
    assert [wish.code_id for wish in waiting.values()] == ["old"]


async def test_the_timeline_of_an_adoption_that_failed_says_why(house: House) -> None:
    await house.run("adopt", "front-door", "2", "--id", "old")
    assert "order accepted" in text_of(await house.run("timeline", "old"))
    seen = Sighting(Empty(), SightingSource.LOCK)
    await house.db.write(lambda con: unmanaged.looked(con, FRONT, Slot(2), seen, house.context.desk.seal, NOON))
    answer = await house.run("timeline", "old")
    assert answer.lines[0].text == "old: there is no such code, these are the orders for it"
    told = text_of(answer)
    assert "slot 2 is not taken over: the slot is empty by now" in told
    assert "order ended without effect: the code could not be taken over" in told
    assert (await house.run("timeline", "older")).failure is not None


async def test_adopt_with_the_pin_that_is_there_is_done_at_once(house: House) -> None:
    wrong = await house.run("adopt", "front-door", "2", "--pin", "9754")
    assert wrong.failure is not None
    assert wrong.failure.field == "--pin"
    answer = await house.run("adopt", "front-door", "2", "--pin", "9753", "--id", "old")
    assert answer.lines[2].text == "  How it goes: gatewayctl why old"
    assert "works at the keypad" in text_of(await house.run("why", "old"))
    assert "No code of others is known" in text_of(await house.run("unmanaged", "front-door"))


async def test_adopt_needs_the_pin_where_the_lock_hides_it(house: House) -> None:
    masked = Sighting(Held(None), SightingSource.LOCK)
    seal = house.context.desk.seal

    def hide(con: Connection) -> None:
        slots.put(con, FRONT, ledger.sighted(slots.get(con, FRONT, Slot(2)), masked, NOON, seal.digest))

    await house.db.write(hide)
    answer = await house.run("adopt", "front-door", "2")
    assert answer.failure is not None
    assert answer.failure.field == "--pin"
    assert "this lock hides the PIN" in answer.failure.message


async def test_delete_unmanaged_wants_a_yes_and_a_slot_that_holds_one(house: House) -> None:
    asked = await house.run("delete-unmanaged", "front-door", "2")
    assert asked.failure is not None
    assert asked.failure.field == "--yes"
    nothing = await house.run("delete-unmanaged", "front-door", "9", "--yes")
    assert nothing.failure is not None
    answer = await house.run("delete-unmanaged", "front-door", "2", "--yes")
    assert "comes off Front door" in text_of(answer)
    assert "take “Unmanaged code in slot 2” out of slot 2" in text_of(await house.run("plan", "front-door"))


async def test_create_with_the_pool_flag_needs_an_end_and_turns_the_pool_on(house: House) -> None:
    endless = await house.run("create", "front-door", "--name", "x", "--pool")
    assert endless.failure is not None
    assert endless.failure.field == "--pool"
    answer = await house.run("create", "front-door", "--name", "x", "--until", "+3h", "--pool")
    assert answer.failure is None
    assert "backup codes are ready" in text_of(await house.run("pool", "front-door"))


async def test_spares_are_not_among_the_codes_and_pulled_ones_are(house: House) -> None:
    spare, _ = await stocked(house)
    name = f"Backup {spare[:8]}"
    assert name not in text_of(await house.run("codes"))
    await house.run("pull", GUEST, "--force")
    assert name in text_of(await house.run("codes"))


async def test_a_backup_is_not_updated_and_not_backed_up_itself(house: House) -> None:
    spare, _ = await stocked(house)
    edit = await house.run("update", spare, "--name", "mine")
    assert edit.failure is not None
    assert "it follows the code that it stands in for" in edit.failure.message
    await house.db.write(
        lambda con: order(con, house.context.desk, "late", FRONT, "Late", "517293", None, NOON + HOUR_MS)
    )
    assert (await house.run("pull", "late")).failure is None
    assert (await house.run("pull", spare)).failure is not None


def test_a_pin_of_the_tests_is_none_of_the_house() -> None:
    assert Pin("9753").reveal() not in CANARIES
    assert Instant(NOON) == NOON


async def test_status_tells_of_a_pool_without_a_ready_code(house: House) -> None:
    assert "No backup code is ready" not in text_of(await house.run("status"))
    await house.run("pool", "front-door", "--on")
    assert "Front door: No backup code is ready on this lock." in text_of(await house.run("status"))


async def test_why_of_a_late_stay_says_that_a_backup_could_be_handed_out(house: House) -> None:
    await stocked(house)
    await house.db.write(
        lambda con: order(con, house.context.desk, "late", FRONT, "Late", "517293", None, NOON + HOUR_MS)
    )
    assert "with: gatewayctl pull late" in text_of(await house.run("why", "late"))
    await house.run("pull", "late")
    assert "gatewayctl pull late" not in text_of(await house.run("why", "late"))
