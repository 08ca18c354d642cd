"""Locks that are not on the stick: what the port promises them, whatever their driver will be (D1, D2, D4, D5)."""

from dataclasses import replace
from pathlib import Path

import pytest

from drivers.simulator.doors.driver import BUSY_MS, Trouble
from gateway.model import ledger
from gateway.model.answers import Pending
from gateway.model.ids import Slot
from gateway.model.instant import MINUTE_MS, Instant
from gateway.model.pin import Pin, PinRule, PinRules
from gateway.model.slot import Outcome, SightedAs, SlotRecord
from gateway.planner.actions import ReadSlot, WriteSlot
from gateway.planner.plan import plan
from tests.builders import NOON, make_code, make_profile, make_snapshot, reading
from tests.sim.doors import Radio
from tests.sim.stories.house import LOCK, create, pins, tell
from tests.sim.world import World

FAR = range(90_001, 90_004)
"""Slots as a driver numbers them that keeps a map to ids of a far side."""


def test_d1_slots_with_any_numbers_are_kept_as_they_are() -> None:
    seen = [SlotRecord(Slot(number), sighted=SightedAs.EMPTY, sighted_at=NOON) for number in FAR]
    snapshot = make_snapshot(make_code(), slots=seen, profile=replace(make_profile(), slots=FAR))
    head = plan(snapshot, reading(NOON)).head
    assert isinstance(head, WriteSlot)
    assert head.slot == FAR[0]


def test_d2_a_write_that_a_middleman_has_taken_is_looked_at_and_not_repeated() -> None:
    code = make_code()
    empty = SlotRecord(Slot(1), sighted=SightedAs.EMPTY, sighted_at=NOON)
    meant = ledger.intend_write(empty, code.code_id, code.digest, NOON)
    taken = ledger.ended(meant, Pending("ticket-7", Instant(NOON + MINUTE_MS)), NOON, 1, supervision_is_honest=True)
    assert taken.proof is None
    assert taken.outcome is not Outcome.CONFIRMED
    head = plan(make_snapshot(code, slots=[taken]), reading(NOON)).head
    assert isinstance(head, ReadSlot)


def test_d4_a_busy_driver_is_left_alone_as_long_as_it_asks() -> None:
    async def story(world: World) -> None:
        door = world.doors[LOCK]
        create(world, "first", "25802580")
        await world.pass_time(60)
        door.radio = Radio(1.0, (Trouble.BUSY,))
        create(world, "second", "14701470")
        await world.pass_time(1)
        door.radio = Radio()
        await world.pass_time(BUSY_MS / 1000 + 1)
        assert pins(world) == {"25802580", "14701470"}

    assert tell(story) == []


@pytest.mark.parametrize(("digits", "broken"), [("2580", "not_the_house"), ("1234567", "pin_length"), ("2581", None)])
def test_d5_a_rule_that_nobody_thought_of_refuses_by_its_name(digits: str, broken: str | None) -> None:
    rules = PinRules(frozenset({4}), (PinRule("not_the_house", "not be the number of the house", r"(?!2580$)\d*"),))
    found = rules.broken(Pin(digits))
    assert (None if found is None else found.name) == broken


def test_the_core_names_no_kind_of_lock() -> None:
    core = [
        path for room in ("model", "planner") for path in (Path(__file__).parents[2] / "gateway" / room).glob("*.py")
    ]
    assert core
    assert [path.name for path in core if "zwave" in path.read_text().lower()] == []
