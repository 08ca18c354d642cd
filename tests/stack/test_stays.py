"""Stays on the real stack, judged by what is in the locks: just in time, wiped, replaced, opened before its window.

What else a guest's code meets on real parts is shown by `test_native.py`, `test_pool.py` and `test_evidence.py`; the table is in this
room's README.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import cast

import pytest

from gateway.cloud.counterpart import Counterpart
from gateway.model.events import Fact
from gateway.model.instant import DAY_MS, SECOND_MS, Instant, format_instant
from tests.stack.house import SEEN_S, House, applied, running_house, until, wall_ms

pytestmark = [pytest.mark.stack, pytest.mark.broker]

SCENE = """
[radio]
airtime = false

[[locks]]
name = "Front door"
node = 2
profile = "plain_v1"
override = { slots = 8 }
codes = { 1 = "902461" }

[[locks]]
name = "Boaster"
node = 3
profile = "timed"
override = { slots = 8, enforces_schedules = false }

[[locks]]
name = "Side door"
node = 4
profile = "plain_v1"
override = { slots = 8 }

[[locks]]
name = "New side door"
node = 5
profile = "masked"
override = { slots = 8 }
codes = { 3 = "902461" }
"""
LOCKS = {"front": ("Front door", 2), "boaster": ("Boaster", 3), "side": ("Side door", 4)}
NEW_NAME, NEW_NODE = "New side door", 5
STRANGER = "902461"
"""A code that somebody else programmed."""
LEAD_MS = SECOND_MS
"""The just-in-time lead of this house."""


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with running_house(SCENE, LOCKS, lead_s=LEAD_MS / SECOND_MS) as running:
        running.start_daemon()
        yield running


def stay(code_id: str, lock_id: str, pin: str, starts_at: int, ends_at: int) -> dict[str, Fact]:
    """The body of an order for a guest."""
    return {
        "access_code_id": code_id,
        "device_id": lock_id,
        "code": pin,
        "starts_at": format_instant(Instant(starts_at)),
        "ends_at": format_instant(Instant(ends_at)),
    }


async def told(cloud: Counterpart, kind: str, **facts: object) -> None:
    """Wait until the hub has told this."""
    await cloud.wait_for(
        lambda seen: any(event.kind == kind and facts.items() <= dict(event.body).items() for event in seen.events),
        SEEN_S,
    )


async def test_a3_a_code_is_on_the_lock_from_its_lead_to_its_end_and_no_longer(house: House) -> None:
    pin = "471147"
    await house.met()
    async with house.cloud() as cloud:
        starts_at = wall_ms() + 3 * SECOND_MS
        ends_at = starts_at + 3 * SECOND_MS
        cloud.order("access_code.create", stay("guest", "front", pin, starts_at, ends_at))
        await told(cloud, "command.accepted")
        is_opened = house.home.opens("Front door", pin)
        assert not is_opened or wall_ms() >= starts_at - LEAD_MS
        await until(lambda: pin in house.pins("front").values())
        assert wall_ms() >= starts_at - LEAD_MS
        await told(cloud, "access_code.set_on_device", access_code_id="guest")
        is_opened = house.home.opens("Front door", pin)
        assert is_opened or wall_ms() >= ends_at
        await until(lambda: pin not in house.pins("front").values())
        assert wall_ms() >= ends_at
        await told(cloud, "access_code.removed_from_device", access_code_id="guest")
        assert not house.home.opens("Front door", pin)


async def test_a2_a_lock_that_opens_before_its_window_gives_its_codes_back(house: House) -> None:
    """It said yes to every window; a person at the door was told it keeps them, and the first early guest shows it does not."""
    await house.met()
    async with house.cloud() as cloud:
        check = cast("dict[str, Fact]", await house.ask("check-native", lock="boaster"))
        await told(cloud, "access_code.scheduled_on_device", access_code_id=check["access_code_id"])
        assert await house.ask("check-native", lock="boaster", refused="yes") == {"is_proven": True}
        starts_at = wall_ms() + DAY_MS
        await applied(cloud, "access_code.create", stay("ahead", "boaster", "250916", starts_at, starts_at + DAY_MS))
        assert "250916" in house.pins("boaster").values()
        assert house.home.opens("Boaster", "250916")
        await told(cloud, "device.window_not_kept", device_id="boaster", access_code_id="ahead")
        await told(cloud, "access_code.used_outside_window", access_code_id="ahead")
        await until(lambda: "250916" not in house.pins("boaster").values())
        assert not house.home.opens("Boaster", "250916")
        # What is ordered from now on is not put on it ahead any more.
        later = cloud.order("access_code.create", stay("later", "boaster", "250917", starts_at, starts_at + DAY_MS))
        await cloud.wait_for(
            lambda seen: any(event.kind == "command.accepted" for event in seen.answers(later)), SEEN_S
        )
        await applied(cloud, "access_code.create", {"access_code_id": "now", "device_id": "boaster", "code": "250918"})
        assert "250917" not in house.pins("boaster").values()


async def test_a17_a_wiped_lock_is_refilled_nearest_start_first(house: House) -> None:
    await house.met()
    async with house.cloud() as cloud:
        pins = {"first": "582031", "second": "582032"}
        for code_id, pin in pins.items():
            await applied(cloud, "access_code.create", {"access_code_id": code_id, "device_id": "front", "code": pin})
        slots = {pin: slot for slot, pin in house.pins("front").items()}
        assert slots[pins["first"]] < slots[pins["second"]]
        # An order given anew is due later than the other one: the order of the slots is not the order of the need.
        ends_at = format_instant(Instant(wall_ms() + DAY_MS))
        await applied(cloud, "access_code.update", {"access_code_id": "first", "ends_at": ends_at})
        known = len(cloud.events)
        house.home.reset(LOCKS["front"][0])
        await told(cloud, "device.wiped", device_id="front")
        await cloud.wait_for(lambda seen: len(restored(seen, known)) == len(pins), SEEN_S)
        assert restored(cloud, known) == ["second", "first"]
        assert sorted(house.pins("front").values()) == sorted(pins.values()), "ours, and nothing that we cannot know"
        assert "access_code.deleted_external" not in [event.kind for event in cloud.events[known:]]
        for code_id in pins:
            await applied(cloud, "access_code.delete", {"access_code_id": code_id})


def restored(cloud: Counterpart, since: int) -> list[str]:
    """The codes that were told set since, in that order."""
    events = cloud.events[since:]
    return [str(event.body["access_code_id"]) for event in events if event.kind == "access_code.set_on_device"]


async def test_a17_another_lock_in_its_place_gets_nothing_until_somebody_accepts_it(house: House) -> None:
    """The owner has bought another lock; whoever wrote its node number into the configuration may have mistaken the door."""
    await house.met()
    async with house.cloud() as cloud:
        await applied(cloud, "access_code.create", {"access_code_id": "owner", "device_id": "side", "code": "730285"})
        assert house.stop_daemon() == 0
        locks = {**house.configuration.locks, "side": (NEW_NAME, NEW_NODE)}
        house.configuration = replace(house.configuration, locks=locks)
        frames = house.home.last_frame()
        house.start_daemon()
        await told(cloud, "device.removed", device_id="side", reason="replaced")
        order = cloud.order("access_code.update", {"access_code_id": "owner", "code": "730286"})
        await cloud.wait_for(
            lambda seen: any(event.kind == "command.accepted" for event in seen.answers(order)), SEEN_S
        )
        await house.met()
        shown = cast("dict[str, dict[str, Fact]]", await house.ask("why", code="owner"))
        assert shown["access_code"]["status"] == "unknown"
        sent = [str(frame["label"]) for frame in house.home.frames(since=frames, lock=NEW_NAME)]
        assert not [label for label in sent if "User Code" in label], "not written, not even asked"
        assert house.home.pins(NEW_NAME) == {3: STRANGER}
        # Somebody says that it is the right door.
        await house.ask("accept-lock", lock="side")
        await until(lambda: len(house.home.pins(NEW_NAME)) > 1)
        assert sorted(house.home.pins(NEW_NAME).values()) == ["730286", STRANGER]
