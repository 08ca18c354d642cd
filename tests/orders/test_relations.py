"""PINs that a lock cannot tell apart are refused when they would be on it together, by name, and never drawn (A10, A11)."""

from dataclasses import replace

from gateway.model.commands import CreateAccessCode, RejectionReason, UpdateAccessCode
from gateway.model.ids import CodeId, Slot
from gateway.model.instant import HOUR_MS, Instant
from gateway.model.pin import Pin
from gateway.model.pin_rules import PinRelations, only_digits
from gateway.model.slot import SightedAs, SlotRecord
from gateway.store import locks, slots
from tests.builders import FRONT, NOON, make_profile
from tests.orders.conftest import Room

FIVE_KEYS = PinRelations(("12", "34", "56", "78", "90"))


async def meet_lock(room: Room, relations: PinRelations = FIVE_KEYS) -> None:
    profile = replace(make_profile(), pin_relations=relations)
    await room.database.write(lambda con: locks.put_profile(con, FRONT, profile))


def create(name: str, pin: str, starts_ms: int | None = None, ends_ms: int | None = None) -> CreateAccessCode:
    starts_at = None if starts_ms is None else Instant(NOON + starts_ms)
    ends_at = None if ends_ms is None else Instant(NOON + ends_ms)
    return CreateAccessCode(CodeId(name), FRONT, name, Pin(pin), starts_at, ends_at)


async def test_a10_the_same_key_presses_are_the_same_pin(room: Room) -> None:
    await meet_lock(room)
    await room.order(create("owner", "1357"))
    refused = (await room.order(create("guest", "2468"))).rejection
    assert refused is not None
    assert (refused.reason, refused.field, refused.rival) == (RejectionReason.DUPLICATE_ACCESS_CODE, "code", "owner")
    assert "rule key_presses" in refused.message
    assert "2468" not in refused.message


async def test_a10_stays_that_do_not_meet_may_share_key_presses(room: Room) -> None:
    await meet_lock(room)
    await room.order(create("first", "1357", None, HOUR_MS))
    assert (await room.order(create("second", "2468", 3 * HOUR_MS, 5 * HOUR_MS))).rejection is None
    late = UpdateAccessCode(CodeId("first"), ends_at=Instant(NOON + 4 * HOUR_MS))
    refused = (await room.order(late, kind="access_code.update")).rejection
    assert refused is not None
    assert refused.rival == "second"


async def test_a10_a_stranger_s_pin_on_the_same_keys_is_a_rival(room: Room) -> None:
    await meet_lock(room)
    theirs = SlotRecord(Slot(3), sighted=SightedAs.HELD, sighted_digest=room.desk.seal.digest(Pin("1357")))
    await room.database.write(lambda con: slots.put(con, FRONT, theirs))
    refused = (await room.order(create("guest", "2468"))).rejection
    assert refused is not None
    assert "unmanaged code in slot 3" in refused.message
    assert (await room.order(create("guest", "2469"))).rejection is None


async def test_a11_a_refusal_names_the_rule_of_the_lock(room: Room) -> None:
    profile = make_profile()
    picky = replace(profile, pin_rules=replace(profile.pin_rules, further=(only_digits("1234567"),)))
    await room.database.write(lambda con: locks.put_profile(con, FRONT, picky))
    refused = (await room.order(create("guest", "2580"))).rejection
    assert refused is not None
    assert "rule alphabet" in refused.message
    assert (await room.database.read(lambda con: locks.get(con, FRONT))) is not None


async def test_d5_relations_come_back_from_the_store_as_they_went_in(room: Room) -> None:
    await meet_lock(room, PinRelations(("12", "34"), 1, 4))
    row = await room.database.read(lambda con: locks.get(con, FRONT))
    assert row is not None
    assert row.profile.pin_relations == PinRelations(("12", "34"), 1, 4)
