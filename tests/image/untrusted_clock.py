"""A hub that starts in 2020 and hears from no time server: rules T1 and T2, on a machine. The tests are one story and run in this order."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import pytest

from gateway.cloud.counterpart import Counterpart
from gateway.model.events import EventKind, Fact
from gateway.model.instant import HOUR_MS, MINUTE_MS, Instant, format_instant
from tests.image.hub import Hub, switched_on, wall_ms
from tests.image.medium import Medium
from tests.image.patience import until
from tests.image.record import Secrets
from tests.image.surroundings import Surroundings
from tests.stack.house import applied

YEARS_AGO = "2020-01-01T00:00:00"
SOON_S = 300.0
ALARM_S = 60.0
OBSERVED_S = 30.0
"""How long a code that must not come is waited for: proven ones come within seconds."""

STAYING_PIN, ENDING_PIN, COMING_PIN = "73920146", "84031257", "95142368"
ENDS_MS = 2 * MINUTE_MS
"""Room for a power cut and a boot while the stay still runs."""


@dataclass
class Cut:
    """The card of a hub that lost its power while two stays ran, and what it knew."""

    card: Medium
    staying: str
    ends_at: int
    at: int


@pytest.fixture(scope="module")
def cut(around: Surroundings, card: Medium, secrets: Secrets) -> Cut:
    """A stay for hours and one for minutes, both proven; then the power goes."""
    with switched_on(around.machine(card), around) as hub:
        hub.meet()
        hub_id = hub.hub_id
        until(lambda: _trust(hub) == "trusted", SOON_S, hub.status)
        ends_at = asyncio.run(_order_two(hub, secrets))
        hub.machine.cut()
    return Cut(card, hub_id, ends_at, wall_ms())


async def _order_two(hub: Hub, secrets: Secrets) -> int:
    async with hub.around.cloud(hub.hub_id) as cloud:
        await applied(
            cloud, "access_code.create", _stay("staying", secrets.pin(STAYING_PIN), wall_ms() + 3 * HOUR_MS), SOON_S
        )
        ends_at = wall_ms() + ENDS_MS
        await applied(cloud, "access_code.create", _stay("ending", secrets.pin(ENDING_PIN), ends_at), SOON_S)
    return ends_at


def _stay(code_id: str, pin: str, ends_at: int) -> dict[str, Fact]:
    window = {"starts_at": format_instant(Instant(wall_ms())), "ends_at": format_instant(Instant(ends_at))}
    return {"access_code_id": code_id, "device_id": "front", "code": pin, "name": code_id, **window}


def _trust(hub: Hub) -> str:
    clock = hub.status().get("clock")
    return str(clock["trust"]) if isinstance(clock, dict) else "no answer"


@pytest.fixture(scope="module")
def hub(around: Surroundings, cut: Cut, secrets: Secrets) -> Iterator[Hub]:
    around.clock.is_on = False
    try:
        with switched_on(around.machine(cut.card, YEARS_AGO), around) as running:
            yield running
            secrets.journals.append(running.journal("--output-fields=MESSAGE,_CMDLINE"))
            running.machine.switch_off()
    finally:
        around.clock.is_on = True


@pytest.fixture
async def cloud(hub: Hub) -> AsyncIterator[Counterpart]:
    async with hub.around.cloud(hub.hub_id) as connected:
        yield connected


def test_it_starts_says_that_it_does_not_know_the_time_and_its_floor_never_went_back(hub: Hub, cut: Cut) -> None:
    hub.meet()
    assert _trust(hub) == "untrusted"
    assert int(hub.run("date +%s%3N")) < cut.at + HOUR_MS
    assert hub.run("systemctl is-system-running").strip() == "running"


async def test_the_alarm_comes_at_once_and_what_is_on_the_lock_stays(hub: Hub, cut: Cut, cloud: Counterpart) -> None:
    await cloud.wait_for(lambda seen: any(event.kind == EventKind.HUB_CLOCK_UNKNOWN for event in seen.events), ALARM_S)
    assert STAYING_PIN in hub.around.pins("front").values()


async def test_nothing_new_is_put_on_that_ends_within_a_day(hub: Hub, cloud: Counterpart, secrets: Secrets) -> None:
    command = cloud.order("access_code.create", _stay("coming", secrets.pin(COMING_PIN), wall_ms() + 2 * HOUR_MS))
    await cloud.wait_for(lambda seen: any(event.kind == "command.accepted" for event in seen.answers(command)), SOON_S)
    with pytest.raises(TimeoutError):
        await cloud.ended(command, OBSERVED_S)
    held = set(hub.around.pins("front").values())
    assert COMING_PIN not in held
    assert STAYING_PIN in held


async def test_when_the_time_is_known_what_is_due_is_done_at_once(hub: Hub, cut: Cut, cloud: Counterpart) -> None:
    hub.around.clock.is_on = True
    hub.run("systemctl restart systemd-timesyncd")
    await cloud.wait_for(lambda seen: any(event.kind == EventKind.HUB_CLOCK_KNOWN for event in seen.events), SOON_S)
    await asyncio.to_thread(until, lambda: _trust(hub) == "trusted", SOON_S, hub.status)
    left_s = max(0, cut.ends_at - wall_ms()) / 1000
    held = hub.around.pins
    await asyncio.to_thread(until, lambda: ENDING_PIN not in held("front").values(), left_s + SOON_S, hub.status)
    await asyncio.to_thread(until, lambda: COMING_PIN in held("front").values(), SOON_S, hub.status)
    assert STAYING_PIN in held("front").values()
