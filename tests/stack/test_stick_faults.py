"""What the real Z-Wave JS makes of a stick in trouble: the same lock is read after each accident, and the lock's own trace is counted."""

import asyncio

import pytest

from tests.stack.raw_host import Host, host
from tests.stack.zwave_stack import Stack

pytestmark = pytest.mark.stack

SCENE = """
[stick]
firmware = "static"

[radio]
airtime = false

[[locks]]
name = "door"
node = 2
profile = "plain_v1"
codes = { 1 = "902461" }
[locks.radio]
via = [9]
rate_kbps = 40
rssi_dbm = -83
"""

ATTEMPTS_MAX = 5
"""Reads until the lock answers again; one is lost to whatever happened."""

GONE_MAX_S = 3.0
"""Longest absence of the stick, whether the command has failed by then or not: after 10 s Z-Wave JS gives the port up and ends."""

NO_ACK = 200
"""ZW0200: the stick did not acknowledge."""


async def read_until_answered(here: Host) -> None:
    for _attempt in range(ATTEMPTS_MAX):
        if await here.try_user_code(2, 1) == "902461":
            return
    raise AssertionError("the lock never answered again")


async def test_driver_runs_on_static_firmware_and_knows_the_way(stack: Stack) -> None:
    async with host(stack) as here:
        await here.known(stack, 2)
        assert (await here.user_code(2, 1))["userCode"] == "902461"
        state = (await here.ask("node.get_state", nodeId=2))["state"]
        assert isinstance(state, dict)
        assert state["statistics"]["lwr"] == {
            "protocolDataRate": 2,
            "repeaters": [9],
            "rssi": -83,
            "repeaterRSSI": [-83],
        }
        assert (await here.ask("controller.rebuild_node_routes", nodeId=2))["success"] is True


@pytest.mark.parametrize(
    "fault", ["split_to_host", "queue_full", "duplicate_callback", "air_jammed", "strange_frame", "strange_call"]
)
async def test_driver_reads_on_at_the_first_attempt(stack: Stack, fault: str) -> None:
    async with host(stack) as here:
        await here.known(stack, 2)
        frames = stack.home.last_frame()
        stack.home.fault(fault)
        assert await here.try_user_code(2, 1) == "902461"
        # Nothing is sent twice for it: one question, one answer, after whatever the stick refused.
        assert [str(frame["label"]) for frame in stack.home.frames(since=frames)][-2:] == [
            "S2 > User Code Get #1",
            "S2 > User Code Report #1",
        ]


async def test_driver_reads_on_after_the_watchdog(stack: Stack) -> None:
    async with host(stack) as here:
        await here.known(stack, 2)
        stack.home.fault("watchdog_reset")
        await read_until_answered(here)


async def test_command_that_meets_an_unplugged_stick_fails_and_the_next_one_after_the_plug_does_not(
    stack: Stack,
) -> None:
    async with host(stack) as here:
        await here.known(stack, 2)
        question = await here.start_user_code(2, 1)
        stack.home.unplug()
        async with asyncio.TaskGroup() as group:
            answering = group.create_task(here.answer(question))
            await asyncio.wait([answering], timeout=GONE_MAX_S)
            stack.home.plug()
        async with asyncio.timeout(30):
            while await here.try_user_code(2, 1) != "902461":  # noqa: ASYNC110 - the stick is another process
                await asyncio.sleep(0.5)


async def test_stuck_stick_fails_the_command_and_is_used_again_when_it_goes_on(stack: Stack) -> None:
    async with host(stack) as here:
        await here.known(stack, 2)
        stack.home.fault("stuck")
        assert await here.try_user_code(2, 1) == NO_ACK
        stack.home.fault("unstuck")
        await read_until_answered(here)
