"""Restarts: nothing to do means no frame, and what the cloud has is not said twice (issue: done when 5)."""

import asyncio
import sys
from collections.abc import Callable, Iterator

import pytest

from gateway.cloud.counterpart import Counterpart
from gateway.model.instant import DAY_MS, Instant, format_instant
from tests.stack.house import LOCKS, READY_S, SEEN_S, House, applied, running_house, until, wall_ms

pytestmark = [pytest.mark.stack, pytest.mark.broker]

CODES_EACH = 4

AFTERMATH_S = 1.5
"""How long after the locks are there nothing may follow: Z-Wave JS polls a value 1 s after it was set."""


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with running_house() as running:
        yield running


async def _live_with_codes(house: House, cloud: Counterpart) -> None:
    """A daemon that has its locks, with several codes on each, one that waits for next week, and an empty outbox."""
    if not house.is_up():
        house.start_daemon()
    await house.met()
    for number in range(CODES_EACH):
        for position, lock_id in enumerate(LOCKS):
            code_id = f"{lock_id}-{number}"
            if await house.ask("why", code=code_id) is None:
                pin = f"27{position}{number}93"
                await applied(
                    cloud, "access_code.create", {"access_code_id": code_id, "device_id": lock_id, "code": pin}
                )
    if await house.ask("why", code="later") is None:
        week = wall_ms() + 7 * DAY_MS
        times = {"starts_at": format_instant(Instant(week)), "ends_at": format_instant(Instant(week + DAY_MS))}
        order = cloud.order(
            "access_code.create", {"access_code_id": "later", "device_id": "front", "code": "314159"} | times
        )
        await cloud.wait_for(
            lambda seen: any(event.kind == "command.accepted" for event in seen.answers(order)), SEEN_S
        )
    await house.receipted()
    for lock_id in LOCKS:
        assert len(house.own_pins(lock_id)) >= CODES_EACH


@pytest.mark.parametrize("end", [House.stop_daemon, House.kill_daemon], ids=["stopped", "killed"])
async def test_restart_with_nothing_to_do_sends_no_frame(
    house: House, end: Callable[[House], object], capsys: pytest.CaptureFixture[str]
) -> None:
    async with house.cloud() as cloud:
        await _live_with_codes(house, cloud)
        pins = {lock_id: house.pins(lock_id) for lock_id in LOCKS}
        frames, messages = house.home.last_frame(), house.to_locks()
        end(house)
        house.start_daemon()
        await house.met()
        met_s = house.age_s()
        await asyncio.sleep(AFTERMATH_S)
        assert house.home.frames(since=frames) == []
        assert house.to_locks() == messages
        assert {lock_id: house.pins(lock_id) for lock_id in LOCKS} == pins
        # The counters do count: the same daemon sends something as soon as there is something to do.
        await applied(cloud, "access_code.update", {"access_code_id": "front-0", "code": f"58{wall_ms() % 10_000:04d}"})
        assert house.to_locks() > messages
        await house.receipted()
    with capsys.disabled():
        sys.stdout.write(f"\nthe daemon had its three locks {met_s:.2f} s after its start\n")


@pytest.mark.parametrize("end", [House.stop_daemon, House.kill_daemon], ids=["stopped", "killed"])
async def test_restart_repeats_what_was_not_receipted_and_nothing_else(
    house: House, end: Callable[[House], object]
) -> None:
    async with house.cloud() as cloud:
        await _live_with_codes(house, cloud)
        await applied(cloud, "access_code.update", {"access_code_id": "front-1", "name": "before"})
        await house.receipted()
        newest = cloud.events[-1].seq
        await _restart(house, cloud, end)
        assert cloud.presence is not None
        assert cloud.presence.acknowledged_seq == cloud.presence.last_seq >= newest
        await applied(cloud, "access_code.update", {"access_code_id": "front-1", "name": "after"})
        assert (cloud.duplicate_count, cloud.gap_count) == (0, 0)

        await house.receipted()
        cloud.is_receipting = False
        newest = cloud.events[-1].seq
        await applied(cloud, "access_code.update", {"access_code_id": "front-1", "name": "unreceipted"})
        unreceipted = cloud.events[-1].seq - newest
        await _restart(house, cloud, end)
        await until(lambda: cloud.duplicate_count == unreceipted, explain=lambda: cloud.duplicate_count)
        cloud.is_receipting = True
        cloud.receipt()
        await applied(cloud, "access_code.update", {"access_code_id": "front-1", "name": "receipted"})
        assert (cloud.duplicate_count, cloud.gap_count) == (unreceipted, 0)
        await house.receipted()


async def _restart(house: House, cloud: Counterpart, end: Callable[[House], object]) -> None:
    """End the daemon, start it, and wait for its birth."""
    assert house.is_up()
    births = sum(presence.is_online for presence in cloud.presences)
    end(house)
    house.start_daemon()
    await cloud.wait_for(lambda seen: sum(presence.is_online for presence in seen.presences) > births, READY_S)
