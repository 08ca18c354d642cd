"""A window that the lock keeps while the daemon is off, on the real stack: proven at the door, preloaded, enforced (A2)."""

from collections.abc import Iterator
from typing import cast

import pytest

from gateway.model.events import Fact
from gateway.model.instant import DAY_MS, HOUR_MS, Instant, format_instant
from tests.stack.house import SEEN_S, House, running_house, until, wall_ms

pytestmark = [pytest.mark.stack, pytest.mark.broker]

SCENE = """
[radio]
airtime = false

[[locks]]
name = "Front door"
node = 2
profile = "timed"
codes = { 1 = "902461" }
"""
LOCK, NAME = "front", "Front door"
PIN = "471147"
HOUR_S = 3600


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with running_house(SCENE, {LOCK: (NAME, 2)}) as running:
        running.start_daemon()
        yield running


async def test_a2_a_preloaded_window_is_kept_by_the_lock_while_the_daemon_is_off(house: House) -> None:
    await house.met()
    async with house.cloud() as cloud:
        # Shown on this very lock: a PIN of a window to come is typed, and refused.
        check = cast("dict[str, Fact]", await house.ask("check-native", lock=LOCK))
        trial, drawn = str(check["access_code_id"]), str(check["drawn_pin"])
        await cloud.wait_for(
            lambda seen: any(event.kind == "access_code.scheduled_on_device" for event in seen.of_code(trial)), SEEN_S
        )
        assert not house.home.opens(NAME, drawn)
        assert await house.ask("check-native", lock=LOCK, refused="yes") == {"is_proven": True}
        await until(lambda: house.own_pins(LOCK) == {}, explain=lambda: house.own_pins(LOCK))

        starts_at = Instant(wall_ms() // HOUR_MS * HOUR_MS + DAY_MS)
        body: dict[str, Fact] = {
            "access_code_id": "stay",
            "device_id": LOCK,
            "code": PIN,
            "starts_at": format_instant(starts_at),
            "ends_at": format_instant(Instant(starts_at + DAY_MS)),
        }
        order = cloud.order("access_code.create", body)
        await cloud.wait_for(lambda seen: any(event.kind == "command.applied" for event in seen.answers(order)), SEEN_S)
        assert any(event.kind == "access_code.scheduled_on_device" for event in cloud.of_code("stay"))
    assert house.stop_daemon() == 0

    seen = [house.home.opens(NAME, PIN)]
    for hours in (22, 3, 20, 4):  # before its start, in the stay, on its last day, after its end
        house.home.clock(NAME, hours * HOUR_S)
        seen.append(house.home.opens(NAME, PIN))
    assert seen == [False, False, True, True, False]
