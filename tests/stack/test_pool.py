"""The backup pool on the real stack: filled over the radio, pulled at the door with the broker down (A12)."""

from collections.abc import Iterator

import pytest

from gateway.model.events import Fact
from gateway.model.instant import HOUR_MS, Instant, format_instant
from tests.stack.house import LOCKS, SEEN_S, House, running_house, until, wall_ms

pytestmark = [pytest.mark.stack, pytest.mark.broker]

SPARES = 3


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with running_house() as running:
        running.start_daemon()
        yield running


async def test_a12_a_backup_is_pulled_at_the_door_with_the_broker_down(house: House) -> None:
    await house.met()
    async with house.cloud() as cloud:
        now = wall_ms()
        times: dict[str, Fact] = {
            "starts_at": format_instant(Instant(now + 2 * HOUR_MS)),
            "ends_at": format_instant(Instant(now + 5 * HOUR_MS)),
        }
        body: dict[str, Fact] = {"access_code_id": "stay", "device_id": "front", "use_backup_access_code_pool": True}
        order = cloud.order("access_code.create", body | times)
        await cloud.wait_for(lambda seen: len(seen.of_code("stay")) > 0 and len(seen.answers(order)) > 1, SEEN_S)
        await cloud.wait_for(
            lambda seen: sum(event.kind == "access_code.set_on_device" for event in seen.events) == SPARES, SEEN_S
        )
        spares = set(house.own_pins("front").values())
        assert len(spares) == SPARES
        await house.receipted()

    house.broker.stop()
    await house.until_status(lambda status: _cloud_state(status) != "connected")
    frames = house.home.last_frame()
    early = await house.ask("pull", code="stay")
    assert early is None, "before the stay a backup is handed out only by force"
    pulled = await house.ask("pull", code="stay", force="yes")
    assert isinstance(pulled, dict)
    assert pulled["code"] in spares
    assert await house.ask("pull", code="stay", force="yes") == pulled
    name = LOCKS["front"][0]
    assert house.home.press(name, str(pulled["code"]))["is_opened"] is True
    # The pool is filled again, with a PIN that was never there; nothing of that needed the broker.
    await until(lambda: len(house.own_pins("front")) == SPARES + 1, explain=lambda: house.own_pins("front"))
    assert spares < set(house.own_pins("front").values())
    assert house.home.frames(since=frames) != []


def _cloud_state(status: dict[str, Fact]) -> Fact:
    cloud = status.get("cloud")
    return cloud.get("state") if isinstance(cloud, dict) else None
