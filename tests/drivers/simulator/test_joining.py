"""A stick and a lock in its box: what the host is told while the lock comes and goes, and what the lock knows afterwards."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from drivers.simulator.lock.faults import Fault, Faults
from drivers.simulator.lock.firmware import Firmware
from drivers.simulator.lock.profiles import shipped_model
from drivers.simulator.radio.ether import Ether
from drivers.simulator.radio.node import LockNode
from drivers.simulator.radio.security.identity import Identity
from drivers.simulator.radio.trace import Trace
from drivers.simulator.stick.frame import Frame, FrameType
from drivers.simulator.stick.functions import Stick
from drivers.simulator.stick.memory import NodeCard, StickMemory
from drivers.simulator.stick.transmit import Transmitter

HOME_ID = bytes.fromhex("C0FFEE01")
PLAIN = shipped_model("plain_v1")
BASIC_ONLY = {name: version for name, version in PLAIN.command_classes.items() if name != "security_2"}


class Bench:
    """A stick that knows node 2, and locks that belong nowhere."""

    def __init__(self, count: int, *, has_security: bool) -> None:
        chance = random.Random(1)
        now = asyncio.get_running_loop().time
        self.faults = Faults(chance.random)
        self.changes = 0
        self.ether = Ether(has_airtime=False, faults=self.faults, trace=Trace(), now=now)
        self.out: asyncio.Queue[Frame] = asyncio.Queue()
        self.memory = StickMemory(HOME_ID, {2: NodeCard(2, False, True, 4, 0x40, 3)})
        self.transmitter = Transmitter(self.ether, self.faults, self.out.put_nowait)
        self.stick = Stick(
            self.memory,
            self.ether,
            self.transmitter,
            faults=self.faults,
            emit=self.out.put_nowait,
            forget=self.count_change,
            on_change=self.count_change,
        )
        model = PLAIN if has_security else replace(PLAIN, command_classes=BASIC_ONLY)
        self.locks = [
            LockNode(
                Firmware(model, memory={1: "4711"}, strikes=lambda _fault: False),
                identity=Identity.of(f"box {number}"),
                membership=None,
                ether=self.ether,
                entropy=chance.randbytes,
                now=now,
                on_change=self.count_change,
            )
            for number in range(count)
        ]

    def count_change(self) -> None:
        self.changes += 1

    def ask(self, function: int, payload: str) -> None:
        self.stick.take(Frame(FrameType.REQUEST, function, bytes.fromhex(payload)))

    async def told(self) -> str:
        async with asyncio.timeout(5):
            frame = await self.out.get()
        return f"{frame.function:02x} {frame.payload.hex(' ')}"

    async def joined(self, lock: LockNode) -> int:
        """Add a lock as a host does; give its node id."""
        self.ask(0x4A, "c1 05")
        lock.belonging.press_button()
        while not (await self.told()).startswith("4a 05 05"):
            pass
        self.ask(0x4A, "c5 06")
        await self.told()
        return lock.node_id


@asynccontextmanager
async def bench(count: int = 1, *, has_security: bool = True) -> AsyncIterator[Bench]:
    made = Bench(count, has_security=has_security)
    async with asyncio.TaskGroup() as tasks:
        living = [tasks.create_task(made.transmitter.run())]
        living += [tasks.create_task(lock.run()) for lock in made.locks]
        yield made
        for task in living:
            task.cancel()


async def test_lock_that_calls_is_added_step_by_step() -> None:
    async with bench() as made:
        made.ask(0x4A, "c1 05")
        assert await made.told() == "4a 05 01 00 00"
        made.locks[0].belonging.press_button()
        assert await made.told() == "4a 05 02 00 00"
        introduction = made.locks[0].introduction
        assert await made.told() == f"4a 05 03 03 {len(introduction):02x} {introduction.hex(' ')}"
        assert await made.told() == "4a 05 05 03 00"
        made.ask(0x4A, "c5 06")
        assert await made.told() == "4a 06 06 03 00"
        assert made.locks[0].node_id == 3
        assert made.memory.nodes[3] == NodeCard(3, False, True, 4, 0x40, 3)
        assert made.changes


async def test_stick_in_no_mode_lets_nobody_in() -> None:
    async with bench() as made:
        made.locks[0].belonging.press_button()
        await made.ether.to_node(2, b"\0", "No Operation")
        made.ask(0x4A, "c5 06")
        assert await made.told() == "4a 06 06 00 00"
        assert made.locks[0].node_id == 0


async def test_wide_ids_are_told_wide() -> None:
    async with bench() as made:
        made.ask(0x0B, "80 02")
        await made.told()
        made.ask(0x4A, "c1 05")
        assert await made.told() == "4a 05 01 00 00 00"
        made.locks[0].belonging.press_button()
        await made.told()
        assert (await made.told()).startswith("4a 05 03 00 03")


async def test_lock_whose_address_is_lost_on_the_way_is_told_as_failed_and_may_call_again() -> None:
    async with bench() as made:
        made.faults.arm(Fault.LOSE_TO_NODE, node_id=0)
        made.ask(0x4A, "c1 05")
        made.locks[0].belonging.press_button()
        assert [await made.told() for _step in range(3)][2] == "4a 05 07 00 00"
        assert await made.joined(made.locks[0]) == 3


async def test_ids_rise_until_they_are_reused_on_purpose() -> None:
    async with bench(3) as made:
        assert await made.joined(made.locks[0]) == 3
        made.memory.forget(3)
        assert await made.joined(made.locks[1]) == 4
        made.faults.arm(Fault.REUSE_NODE_ID)
        assert await made.joined(made.locks[2]) == 3


async def test_lock_that_is_let_go_forgets_its_address_and_its_codes() -> None:
    async with bench() as made:
        node_id = await made.joined(made.locks[0])
        made.ask(0x4B, "c1 07")
        assert await made.told() == "4b 07 01 00 00"
        made.locks[0].belonging.press_button()
        assert [await made.told() for _step in range(3)] == ["4b 07 02 00 00", "4b 07 03 03 00", "4b 07 06 03 00"]
        assert (node_id, made.locks[0].node_id) == (3, 0)
        assert made.locks[0].firmware.occupied(0.0) == {}
        assert 3 not in made.memory.nodes


async def test_stranger_that_is_let_go_is_told_as_nobody() -> None:
    async with bench() as made:
        made.ask(0x4B, "c1 07")
        made.locks[0].belonging.press_button()
        assert [await made.told() for _step in range(4)][2:] == ["4b 07 03 00 00", "4b 07 06 00 00"]


async def test_only_a_node_that_failed_and_does_not_answer_is_removed() -> None:
    async with bench() as made:
        made.ask(0x61, "02 09")
        assert await made.told() == "61 08"
        await made.joined(made.locks[0])
        made.ether.set_reach(3, is_within=False)
        made.ask(0xA9, "01 03 01 00 25 00 00 00 00 08")
        await made.told()
        await made.told()
        made.ether.set_reach(3, is_within=True)
        made.ask(0x61, "03 09")
        assert [await made.told(), await made.told()] == ["61 00", "61 09 00"]
        made.ether.set_reach(3, is_within=False)
        made.ask(0xA9, "01 03 01 00 25 00 00 00 00 08")
        await made.told()
        await made.told()
        made.ask(0x61, "03 0a")
        assert [await made.told(), await made.told()] == ["61 00", "61 0a 01"]
        assert set(made.memory.nodes) == {2}


async def test_failed_node_is_replaced_by_the_next_that_calls() -> None:
    async with bench() as made:
        made.ask(0xA9, "01 02 01 00 25 00 00 00 00 08")
        await made.told()
        await made.told()
        made.ask(0x63, "02 09")
        assert [await made.told(), await made.told()] == ["63 00", "63 09 03"]
        made.locks[0].belonging.press_button()
        assert await made.told() == "63 09 04"
        assert made.locks[0].node_id == 2


async def test_lock_with_a_label_calls_when_switched_on_and_only_the_wanted_one_comes_in() -> None:
    async with bench(2) as made:
        wanted, other = made.locks
        made.ask(0x4A, "49 00")
        other.belonging.switch_on()
        assert (await made.told()).startswith(f"49 85 00 00 {other.identity.nwi_home_id.hex(' ')}")
        wanted.belonging.switch_on()
        assert (await made.told()).startswith(f"49 85 00 00 {wanted.identity.nwi_home_id.hex(' ')}")
        made.ask(0x4A, f"c8 05 {wanted.identity.nwi_home_id.hex()} 00000000")
        assert await made.told() == "4a 05 01 00 00"
        assert await made.told() == "4a 05 02 00 00"
        await made.told()
        assert await made.told() == "4a 05 05 03 00"
        assert (wanted.node_id, other.node_id) == (3, 0)


async def test_lock_without_security_2_has_no_label_to_call_by() -> None:
    async with bench(has_security=False) as made:
        made.ask(0x4A, "49 00")
        made.locks[0].belonging.switch_on()
        made.ask(0x20, "")
        await made.ether.to_node(2, b"\0", "No Operation")
        assert (await made.told()).startswith("20")
        assert made.out.empty()


async def test_soft_reset_ends_the_mode() -> None:
    async with bench() as made:
        made.ask(0x4A, "c1 05")
        await made.told()
        made.ask(0x08, "")
        assert (await made.told()).startswith("0a")
        made.locks[0].belonging.press_button()
        await made.ether.to_node(2, b"\0", "No Operation")
        assert made.out.empty()


async def test_lock_without_keys_obeys_nobody_but_says_who_it_is() -> None:
    async with bench() as made:
        await made.joined(made.locks[0])
        for command in ("63 01 03 01 34373131", "63 02 01", "72 04"):
            await made.ether.to_node(3, bytes.fromhex(command), command)
        assert (await made.told()).split()[5:7] == ["72", "05"]
        assert made.locks[0].firmware.occupied(0.0).keys() == {1}
