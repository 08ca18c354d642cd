"""PINs are drawn until one is strong, new and far from every living one; chance is scripted here (A11, A12)."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from gateway.model.commands import CreateAccessCode, DeleteAccessCode
from gateway.model.ids import CodeId
from gateway.model.pin import Pin, PinRules, draw_pin
from gateway.model.pin_rules import PLAIN, PinRelations
from gateway.orders.draw import draw_free
from gateway.store import codes, locks
from tests.builders import FRONT, NOON, make_profile
from tests.orders.conftest import Room


class Scripted:
    """Chance that gives these PINs, one at each draw."""

    def __init__(self, pins: Sequence[str]) -> None:
        self._pins = iter(pins)

    def token(self, count: int) -> bytes:
        return bytes(int(digit) for digit in next(self._pins)).ljust(count, b"\0")

    def fraction(self) -> float:
        return 0.0


async def drawn(room: Room, *pins: str, relations: PinRelations = PLAIN) -> str | None:
    """What is drawn beside the living code 258025 and the PIN 714936 of a code that is gone."""
    profile = replace(make_profile(), pin_relations=relations)
    await room.database.write(lambda con: locks.put_profile(con, FRONT, profile))
    await room.order(CreateAccessCode(CodeId("living"), FRONT, "x", Pin("258025")))
    await room.order(CreateAccessCode(CodeId("gone"), FRONT, "x", Pin("714936")))
    await room.order(DeleteAccessCode(CodeId("gone")), kind="access_code.delete")
    await room.database.write(lambda con: codes.finish(con, CodeId("gone"), NOON))
    found = await room.database.read(lambda con: draw_free(con, FRONT, room.desk.seal, Scripted(pins)))
    return None if found is None else found.reveal()


@pytest.mark.parametrize("near", ["258025", "258026", "285025"])
async def test_a11_a_pin_one_slip_away_from_a_living_one_is_drawn_anew(room: Room, near: str) -> None:
    assert await drawn(room, near, "470396") == "470396"


@pytest.mark.parametrize(("keys", "found"), [((), "167916"), (("12", "34", "56", "78", "90"), "470396")])
async def test_a10_a_pin_that_is_typed_like_a_living_one_is_drawn_anew(
    room: Room, keys: tuple[str, ...], found: str
) -> None:
    assert await drawn(room, "167916", "470396", relations=PinRelations(keys)) == found


async def test_a12_a_pin_of_the_past_is_drawn_anew(room: Room) -> None:
    assert await drawn(room, "714936", "470396") == "470396"


@pytest.mark.parametrize("weak", ["123456", "777777", "121212", "303303"])
def test_a11_a_weak_pin_is_drawn_anew(weak: str) -> None:
    assert draw_pin(PinRules(frozenset({6})), Scripted([weak, "470396"]).token).reveal() == "470396"
