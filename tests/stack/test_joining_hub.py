"""A lock joins a hub that has none, from the shell: it takes codes at once, after a restart too, and is gone when it leaves."""

import asyncio
from collections.abc import Iterator

import pytest

from gateway.model.events import Fact
from tests.stack.house import SEEN_S, House, applied, driver_detail, running_house, until

pytestmark = [pytest.mark.stack, pytest.mark.broker]

SCENE = """
[radio]
airtime = false

[[locks]]
name = "box"
included = false
profile = "plain_v2"
"""

PIN = "471193"

STORY_S = 90.0
"""For one joining or leaving to its end: 10 s on an idle machine."""


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with running_house(SCENE, {}) as running:
        yield running


async def story(house: House, verb: str, **arguments: str) -> dict[str, Fact]:
    """Begin a task as a person does, press the lock's button when the stick listens, and follow the task to its end."""
    told = await house.ask(verb, **arguments)
    is_pressed = False
    async with asyncio.timeout(STORY_S):
        while True:
            assert isinstance(told, dict), house.log()[-2000:]
            if told["outcome"] != "running":
                return told
            if told["line_count"] and not is_pressed:
                house.home.button("box")
                is_pressed = True
            told = await house.ask("network", after=str(told["line_count"]))


async def test_lock_that_joins_takes_codes_at_once_and_after_a_restart_until_it_leaves(house: House) -> None:
    house.start_daemon()
    status = await house.until_status(lambda told: "ready" in driver_detail(told))
    assert "no lock yet" in driver_detail(status)
    async with house.cloud() as cloud:
        key = str(house.home.label("box")["dsk"])
        told = await story(house, "include", name="Cellar", dsk=key[:5])
        assert (told["outcome"], told["device_id"]) == ("done", "cellar"), told
        await applied(cloud, "access_code.create", {"access_code_id": "first", "device_id": "cellar", "code": PIN})
        assert PIN in house.home.pins("box").values()
        assert house.home.press("box", PIN)["is_opened"]

        house.kill_daemon()
        house.start_daemon()
        await house.until_status(lambda told: "1 of 1 locks" in driver_detail(told))
        await applied(cloud, "access_code.delete", {"access_code_id": "first"})
        assert house.home.pins("box") == {}

        told = await story(house, "exclude")
        assert told["outcome"] == "done", told
        assert house.home.label("box")["node"] == 0
        await cloud.wait_for(lambda seen: any(event.kind == "device.removed" for event in seen.events), SEEN_S)
        await house.until_status(lambda told: "no lock yet" in driver_detail(told) and told["locks"] == [])
        order = cloud.order("access_code.create", {"access_code_id": "late", "device_id": "cellar", "code": PIN})
        await cloud.wait_for(
            lambda seen: any(event.kind == "command.rejected" for event in seen.answers(order)), SEEN_S
        )

        # The same lock once more, under the same name: what it held is not taken for granted.
        told = await story(house, "include", name="Cellar", dsk=key[:5])
        assert (told["outcome"], told["device_id"]) == ("done", "cellar"), told
        await applied(cloud, "access_code.create", {"access_code_id": "again", "device_id": "cellar", "code": PIN})
        await until(lambda: PIN in house.home.pins("box").values(), explain=lambda: house.home.pins("box"))
    assert house.stop_daemon() == 0
