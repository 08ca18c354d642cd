"""What the real Z-Wave JS makes of each fault, one at a time: the answer it gives, the next one, and what the air and the lock saw.

The simulator is right when the driver behaves here as it was seen to behave before there was a simulator; the slow ones carry `--nightly`.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.stack.raw_host import Host, host
from tests.stack.zwave_stack import WAIT_S, Stack

pytestmark = pytest.mark.stack

SCENE = """
[radio]
airtime = false

[[locks]]
name = "door"
node = 2
profile = "plain_v1"
codes = { 1 = "902461" }
override = { slots = 8 }

[[locks]]
name = "slow"
node = 3
profile = "plain_v1"
override = { slots = 8, commit_s = 20.0 }

[[locks]]
name = "leaver"
node = 4
profile = "plain_v1"
override = { slots = 8 }
"""

SLOT, PIN = 3, "471193"
STORED, REFUSED = {"status": 255}, {"status": 2}
NOTHING_HEARD = None
NOT_SENT, NO_ACK = 202, 204
"""Error codes of Z-Wave JS: ZW0202 the stick did not take it, ZW0204 the node did not acknowledge."""

LATE_S = 120.0
"""For a command that meets a lost callback, an abort and soft resets; 30 and 70 s in our measurement."""

AWAKE_S = 0.5
"""How long a simulated lock stays awake after a message."""


@dataclass(frozen=True, slots=True)
class Golden:
    """One write with a fault in its way. `to_lock` and `from_lock` count its messages, repeats by the driver included.

    `on_wire` counts the host's frames for it at least, for faults of the serial line: the driver adds questions of its own, most just
    after its start.
    """

    fault: str
    answer: object
    is_stored: bool
    to_lock: int
    from_lock: int
    times: int = 1
    on_wire: int | None = None


STRIKES_MAX = 5
ALL_TRIES = 3
"""How often Z-Wave JS sends what nobody acknowledges."""

GOLDEN = (
    Golden("nak_host", NOT_SENT, is_stored=False, to_lock=0, from_lock=0, on_wire=1),
    Golden("can_host", STORED, is_stored=True, to_lock=1, from_lock=1, on_wire=2),
    Golden("collide", STORED, is_stored=True, to_lock=1, from_lock=1, on_wire=2),
    Golden("corrupt_to_host", STORED, is_stored=True, to_lock=1, from_lock=1, on_wire=1),
    Golden("drop_host_frame", STORED, is_stored=True, to_lock=1, from_lock=1, on_wire=2),
    Golden("lose_to_node", STORED, is_stored=True, to_lock=2, from_lock=1),
    Golden("lose_to_node", NO_ACK, is_stored=False, to_lock=ALL_TRIES, from_lock=0, times=ALL_TRIES),
    Golden("lose_radio_ack", STORED, is_stored=True, to_lock=2, from_lock=1),
    Golden("duplicate_to_node", STORED, is_stored=True, to_lock=1, from_lock=1),
    Golden("lose_from_node", NOTHING_HEARD, is_stored=True, to_lock=1, from_lock=1),
    Golden("refuse_write", REFUSED, is_stored=False, to_lock=1, from_lock=1),
    Golden("silent_refuse", STORED, is_stored=False, to_lock=1, from_lock=1),
    Golden("drop_write", NOTHING_HEARD, is_stored=False, to_lock=1, from_lock=0),
)


@pytest.fixture(autouse=True)
def _as_before(stack: Stack) -> Iterator[None]:
    yield
    stack.home.calm()
    stack.home.erase("door", SLOT)


async def quiet(here: Host, stack: Stack, node_id: int = 2, name: str = "door") -> None:
    """Wait until a question costs one message and brings one: nothing else is on its way then."""
    await here.known(stack, node_id)
    async with asyncio.timeout(WAIT_S):
        while True:
            before = stack.home.last_frame()
            told = await here.try_user_code(node_id, 1)
            if isinstance(told, str) and len(stack.home.frames(since=before, lock=name)) == 2:
                return


async def struck(here: Host, stack: Stack, golden: Golden) -> tuple[int, object]:
    """Write with the fault in the way of the write itself; the number of the last frame before it, and the answer.

    A fault of the line may strike a frame that the driver sends by itself meanwhile (it asks for the noise now and then): once more then.
    """
    for _attempt in range(STRIKES_MAX):
        before, frames = stack.home.last_frame(), _host_frames(stack)
        stack.home.fault(golden.fault, lock=None if golden.on_wire else "door", times=golden.times)
        answer = await here.try_set_user_code(2, SLOT, PIN)
        has_more = golden.on_wire is None or _host_frames(stack) - frames >= golden.on_wire
        if has_more and (golden.on_wire is None or answer == golden.answer):
            return before, answer
        stack.home.calm()
        stack.home.erase("door", SLOT)
        await quiet(here, stack)
    raise AssertionError(f"{golden.fault} never struck the write")


@pytest.mark.parametrize("golden", GOLDEN, ids=lambda row: f"{row.fault}-{row.times}")
async def test_write_ends_as_measured_and_the_next_question_is_answered(stack: Stack, golden: Golden) -> None:
    async with host(stack) as here:
        await quiet(here, stack)
        before, answer = await struck(here, stack, golden)
        assert answer == golden.answer
        frames = stack.home.frames(since=before, lock="door")
        sent = [frame for frame in frames if frame["direction"] == "to_lock"]
        assert (len(sent), len(frames) - len(sent)) == (golden.to_lock, golden.from_lock)
        assert (stack.home.pins("door").get(SLOT) == PIN) is golden.is_stored
        assert not any(row["armed"] for row in stack.home.faults())
        await quiet(here, stack)


async def test_lock_out_of_reach_is_dead_after_three_tries_and_alive_at_the_next_answer(stack: Stack) -> None:
    async with host(stack) as here:
        await quiet(here, stack)
        stack.home.fault("node_dead", lock="door")
        before = stack.home.last_frame()
        number = await here.start_user_code(2, 1)
        assert (await here.event("dead"))["nodeId"] == 2
        assert (await here.answer(number))["zwaveErrorCode"] == NO_ACK
        assert len(stack.home.frames(since=before, lock="door")) == ALL_TRIES
        stack.home.fault("node_alive", lock="door")
        await here.start_user_code(2, 1)
        assert (await here.event("alive"))["nodeId"] == 2


async def test_empty_battery_is_a_lock_out_of_reach(stack: Stack) -> None:
    async with host(stack) as here:
        await quiet(here, stack)
        stack.home.battery("door", 0)
        assert await here.try_user_code(2, 1) == NO_ACK
        assert stack.home.press("door", "902461")["is_opened"] is False
        stack.home.power("door")
        await quiet(here, stack)


@pytest.mark.parametrize("fault", ["lost_s2_state", "power_loss"])
async def test_lost_nonces_cost_two_messages_more_and_the_write_goes_through(stack: Stack, fault: str) -> None:
    async with host(stack) as here:
        await quiet(here, stack)
        stack.home.fault(fault, lock="door")
        before = stack.home.last_frame()
        assert await here.try_set_user_code(2, SLOT, PIN) == STORED
        assert len(stack.home.frames(since=before, lock="door")) == 4
        assert stack.home.pins("door")[SLOT] == PIN


async def test_write_that_was_not_stored_yet_is_lost_with_the_power_and_one_that_was_is_not(stack: Stack) -> None:
    async with host(stack) as here:
        for node_id, name in ((2, "door"), (3, "slow")):
            await quiet(here, stack, node_id, name)
            assert await here.try_set_user_code(node_id, SLOT, PIN) == STORED
            stack.home.fault("power_loss", lock=name)
        assert stack.home.pins("door")[SLOT] == PIN
        assert stack.home.pins("slow") == {}


async def test_late_commit_shows_the_old_content_first(stack: Stack) -> None:
    async with host(stack) as here:
        for number in range(
            STRIKES_MAX
        ):  # the lock commits two seconds later; a machine that is busy may look too late
            await quiet(here, stack)
            stack.home.fault("commit_late", lock="door")
            assert await here.try_set_user_code(2, SLOT + number, f"{PIN}{number}") == STORED
            seen = [(await here.user_code(2, SLOT + number))["userIdStatus"]]
            async with asyncio.timeout(WAIT_S):
                while seen[-1] == 0:
                    seen.append((await here.user_code(2, SLOT + number))["userIdStatus"])
            stack.home.erase("door", SLOT + number)
            if seen[0] == 0:
                break
        assert (seen[0], seen[-1]) == (0, 1)


async def test_lock_sleeps_half_a_second_after_its_last_message_and_is_woken_by_one_beam(stack: Stack) -> None:
    async with host(stack) as here:
        await quiet(here, stack)
        await asyncio.sleep(2 * AWAKE_S)  # how long it takes to fall asleep; nothing tells of it
        before = stack.home.last_frame()
        for _question in range(3):
            await here.user_code(2, 1)
        beams = [frame["is_beamed"] for frame in stack.home.frames(since=before, lock="door")]
        assert beams[0] is True


async def test_bolt_is_moved_by_radio_and_says_so(stack: Stack) -> None:
    async with host(stack) as here:
        await quiet(here, stack)
        stack.home.turn("door", "unlock")
        await here.ask("endpoint.invoke_cc_api", nodeId=2, endpoint=0, commandClass=0x62, methodName="set", args=[255])
        told = await here.event("notification", lambda event: event["nodeId"] == 2 and event["ccId"] == 0x71)
        assert isinstance(told["args"], dict)
        assert told["args"]["event"] in {0x01, 0x03, 0x05}
        (truth,) = stack.home.truth("door")
        assert truth["bolt"] == "locked"


async def test_lock_that_resets_itself_says_goodbye_and_is_struck_off(stack: Stack) -> None:
    async with host(stack) as here:
        await quiet(here, stack, 4, "leaver")
        stack.home.leave("leaver")
        removed = await here.event("node removed")
        assert isinstance(removed["node"], dict)
        assert removed["node"]["nodeId"] == 4
        assert stack.home.label("leaver")["node"] == 0


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "callback" in metafunc.fixturenames:
        slow = ("lose_ack_to_host", "missing_callback") if metafunc.config.getoption("--nightly") else ()
        metafunc.parametrize("callback", ("late_callback", *slow))


async def test_callback_that_is_late_or_lost_costs_the_next_command_time_and_at_worst_a_reset(
    stack: Stack, callback: str
) -> None:
    async with host(stack) as here:
        await quiet(here, stack)
        resets = _resets(stack)
        stack.home.fault(callback)
        async with asyncio.timeout(2 * LATE_S):
            answers = [await here.try_user_code(2, 1, LATE_S)]
            while len(answers) < 2 or answers[-1] != "902461":
                answers.append(await here.try_user_code(2, 1, LATE_S))
        assert (_resets(stack) > resets) is (callback != "late_callback")


def _host_frames(stack: Stack) -> int:
    serial = stack.home.counts()["serial"]
    assert isinstance(serial, dict)
    return int(serial["host_frames"])


def _resets(stack: Stack) -> int:
    stick = stack.home.counts()["stick"]
    assert isinstance(stick, dict)
    count = stick["resets"]
    assert isinstance(count, int)
    return count
