"""The Serial API: the start-up conversation of a host, both widths of node ids, and transmissions with their callbacks."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from drivers.simulator.lock.faults import Fault, Faults
from drivers.simulator.radio.ether import Ether, Said
from drivers.simulator.radio.path import DIRECT, Path
from drivers.simulator.radio.trace import Aired, Trace
from drivers.simulator.stick.frame import Frame, FrameType
from drivers.simulator.stick.functions import Stick
from drivers.simulator.stick.memory import NodeCard, StickMemory
from drivers.simulator.stick.transmit import JOBS_MAX, Transmitter

HOME_ID = bytes.fromhex("C0FFEE01")


class Ear:
    """A lock that only listens."""

    node_id = 2
    is_flirs = False
    path: Path = DIRECT

    def __init__(self) -> None:
        self.heard: list[bytes] = []

    def hear(self, payload: bytes, aired: Aired) -> bool:
        assert aired.node_id == self.node_id
        self.heard.append(payload)
        return True


class Bench:
    """A stick with one listening lock; frames to the host land in a queue."""

    def __init__(self, *, is_bridge: bool) -> None:
        chance = random.Random(1)
        self.faults = Faults(chance.random)
        self.ether = Ether(has_airtime=False, faults=self.faults, trace=Trace(), now=asyncio.get_running_loop().time)
        self.ear = Ear()
        self.ether.join(self.ear)
        self.out: asyncio.Queue[Frame] = asyncio.Queue()
        self.forgotten = 0
        self.changes = 0
        card = NodeCard(2, is_listening=False, is_flirs=True, basic=4, generic=0x40, specific=3)
        self.transmitter = Transmitter(self.ether, self.faults, self.out.put_nowait)
        memory = StickMemory(HOME_ID, {2: card})
        self.stick = Stick(
            memory,
            self.ether,
            self.transmitter,
            faults=self.faults,
            emit=self.out.put_nowait,
            forget=self.forget,
            on_change=self.count_change,
            is_bridge=is_bridge,
        )

    def forget(self) -> None:
        self.forgotten += 1

    def count_change(self) -> None:
        self.changes += 1

    def ask(self, function: int, payload: str = "") -> None:
        self.stick.take(Frame(FrameType.REQUEST, function, bytes.fromhex(payload)))

    async def told(self) -> Frame:
        async with asyncio.timeout(5):
            return await self.out.get()

    async def answered(self, function: int, payload: str = "") -> str:
        """Return the response's payload as hex."""
        self.ask(function, payload)
        frame = await self.told()
        assert (frame.frame_type, frame.function) == (FrameType.RESPONSE, function)
        return frame.payload.hex(" ")


@asynccontextmanager
async def bench(*, is_bridge: bool = True) -> AsyncIterator[Bench]:
    """Let a stick live for a test."""
    made = Bench(is_bridge=is_bridge)
    async with asyncio.TaskGroup() as tasks:
        living = tasks.create_task(made.transmitter.run())
        yield made
        living.cancel()


async def test_start_up_conversation_is_answered() -> None:
    async with bench() as made:
        mask = "03" + " 00" * 28
        assert await made.answered(0x02) == f"0a 08 1d {mask} 07 00"
        assert await made.answered(0x15) == b"Z-Wave 7.23\0\x07".hex(" ")
        assert await made.answered(0x05) == "1c"
        assert await made.answered(0x0B, "10") == "10 2e"
        assert await made.answered(0x0B, "02 FF") == "02 01"
        assert await made.answered(0x0B, "99") == "00"
        assert await made.answered(0x20) == "c0 ff ee 01 01"
        assert await made.answered(0x56) == "01"
        assert await made.answered(0x3B) == "a0 a0 a0"
        # FLiRS 1000 ms, routing, 100 kbit/s, routing end node, keypad lock
        assert await made.answered(0x41, "02") == "53 dd 01 04 40 03"
        assert await made.answered(0x41, "09") == "00 00 00 00 00 00"


async def test_capabilities_list_what_is_answered() -> None:
    async with bench() as made:
        made.ask(0x07)
        mask = (await made.told()).payload[8:]
        listed = {number + 1 for number in range(256) if mask[number // 8] >> number % 8 & 1}
        assert {0x02, 0x07, 0x13, 0x15, 0x41, 0x60, 0xA8, 0xA9} <= listed
        assert 0x77 not in listed


async def test_unknown_function_is_not_answered_but_counted() -> None:
    async with bench() as made:
        made.ask(0x77)
        assert made.out.empty()
        assert made.stick.unknown[0x77] == 1


@pytest.mark.parametrize("function", [0x13, 0x41, 0x60, 0x62, 0xA9])
async def test_cut_request_is_not_answered(function: int) -> None:
    async with bench() as made:
        made.ask(function)
        assert made.out.empty()


async def test_soft_reset_is_announced_and_narrows_the_ids() -> None:
    async with bench() as made:
        assert await made.answered(0x0B, "80 02") == "80 01"
        assert await made.answered(0x20) == "c0 ff ee 01 00 01"
        made.ask(0x08)
        started = await made.told()
        assert (started.frame_type, started.function) == (FrameType.REQUEST, 0x0A)
        assert made.forgotten == 1
        assert await made.answered(0x20) == "c0 ff ee 01 01"


async def test_stick_is_deaf_while_it_resets() -> None:
    async with bench() as made:
        made.ask(0x08)
        assert await made.ether.from_node(2, lambda: bytes.fromhex("80 03 64"), "battery") is Said.LOST
        assert (await made.told()).function == 0x0A
        assert await made.ether.from_node(2, lambda: bytes.fromhex("80 03 64"), "battery") is Said.ACKED


@pytest.mark.parametrize(
    ("function", "wide", "request_hex"),
    [
        # source, destination, length, command, options, route, callback
        (0xA9, False, "01 02 02 80 02 25 00 00 00 00 07"),
        (0xA9, True, "0001 0002 02 80 02 25 00 00 00 00 07"),
        (0x13, False, "02 02 80 02 25 07"),
        (0x13, True, "0002 02 80 02 25 07"),
    ],
)
async def test_transmission_is_accepted_then_called_back(function: int, wide: bool, request_hex: str) -> None:
    async with bench() as made:
        if wide:
            await made.answered(0x0B, "80 02")
        assert await made.answered(function, request_hex) == "01"
        done = await made.told()
        assert (done.frame_type, done.function, done.payload[:2]) == (FrameType.REQUEST, function, bytes([7, 0]))
        assert len(done.payload) == 2 + 19
        assert made.ear.heard == [bytes.fromhex("80 02")]


async def test_message_of_a_lock_reaches_the_host_in_the_width_it_asked_for() -> None:
    async with bench() as made:
        await made.ether.from_node(2, lambda: bytes.fromhex("80 03 64"), "battery")
        assert (await made.told()).payload.hex(" ") == "00 01 02 03 80 03 64 00 c4 00"
        await made.answered(0x0B, "80 02")
        await made.ether.from_node(2, lambda: bytes.fromhex("80 03 64"), "battery")
        assert (await made.told()).payload.hex(" ") == "00 00 01 00 02 03 80 03 64 00 c4 00"


async def test_unreachable_node_is_called_back_as_not_acknowledged() -> None:
    async with bench() as made:
        await made.answered(0xA9, "01 05 02 80 02 25 00 00 00 00 07")
        assert (await made.told()).payload[:2] == bytes([7, 1])
        assert await made.answered(0x62, "05") == "01"
        assert await made.answered(0x62, "02") == "00"


async def test_node_info_of_an_unreachable_node_fails() -> None:
    async with bench() as made:
        assert await made.answered(0x60, "05") == "01"
        assert (await made.told()).payload.hex(" ") == "81 00 00"


async def test_node_info_is_passed_on() -> None:
    async with bench() as made:
        await made.ether.from_node(2, lambda: bytes.fromhex("01 01 04 40 03 5E 9F"), "node info")
        told = await made.told()
        assert (told.function, told.payload.hex(" ")) == (0x49, "84 02 05 04 40 03 5e 9f")


async def test_missing_callback_is_never_sent() -> None:
    async with bench() as made:
        made.faults.arm(Fault.MISSING_CALLBACK)
        await made.answered(0xA9, "01 02 02 80 02 25 00 00 00 00 07")
        await made.answered(0xA9, "01 02 02 80 02 25 00 00 00 00 08")
        assert (await made.told()).payload[0] == 8


async def test_abort_ends_the_running_transmission_for_the_host() -> None:
    async with bench() as made:
        await made.answered(0xA9, "01 05 02 80 02 25 00 00 00 00 07")
        await asyncio.sleep(0)
        made.ask(0x16)
        assert (await made.told()).payload[:2] == bytes([7, 1])
        await made.answered(0xA9, "01 02 02 80 02 25 00 00 00 00 08")
        assert (await made.told()).payload[0] == 8


async def test_full_stick_refuses_a_transmission() -> None:
    async with bench() as made:
        answers: list[str] = []
        for number in range(1, JOBS_MAX + 2):
            made.ask(0xA9, f"01 02 02 80 02 25 00 00 00 00 {number:02x}")
        while len(answers) <= JOBS_MAX:
            frame = await made.told()
            if frame.frame_type is FrameType.RESPONSE:
                answers.append(frame.payload.hex())
        assert answers == ["01"] * JOBS_MAX + ["00"]


async def test_routes_and_inclusion_are_answered_so_that_a_host_does_not_hang() -> None:
    async with bench() as made:
        assert await made.answered(0x55, "02 09") == "01"
        assert (await made.told()).payload[:2] == bytes([9, 0])
        made.ask(0x4A, "01 05")
        assert (await made.told()).payload.hex(" ") == "05 01 00 00"
        made.ask(0x4A, "05 06")
        assert (await made.told()).payload.hex(" ") == "06 06 00 00"
        made.ask(0x48, "02 07")
        assert [(await made.told()).payload.hex() for _status in range(2)] == ["0721", "0722"]
        assert await made.answered(0x61, "02 07") == "08"
