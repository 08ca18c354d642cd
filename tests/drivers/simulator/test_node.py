"""A lock's radio: encryption, Supervision, repeats and the air's counters, with the host's side of Security 2 played by hand."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from drivers.simulator.lock.faults import Fault, Faults
from drivers.simulator.lock.firmware import Firmware
from drivers.simulator.lock.profiles import LockModel, shipped_model
from drivers.simulator.radio import node
from drivers.simulator.radio.ether import Ether, Listener
from drivers.simulator.radio.node import LockNode
from drivers.simulator.radio.security.envelopes import Membership
from drivers.simulator.radio.security.identity import Identity
from drivers.simulator.radio.security.s2 import S2Endpoint, SecurityClass
from drivers.simulator.radio.trace import Trace

HOME_ID = bytes.fromhex("C0FFEE01")
KEYS = {SecurityClass.ACCESS_CONTROL: bytes(range(16))}
NODE_ID = 2
PLAIN = shipped_model("plain_v1")


class Host:
    """The stick and driver of one lock: speaks and hears Security 2."""

    def __init__(self, ether: Ether, entropy: random.Random) -> None:
        self.is_powered = True
        self.endpoint = S2Endpoint(HOME_ID, 1, KEYS, entropy.randbytes)
        self.ether = ether
        self.raw: asyncio.Queue[bytes] = asyncio.Queue()
        ether.attach(self)

    def hear(self, node_id: int, payload: bytes) -> None:
        assert node_id == NODE_ID
        self.raw.put_nowait(payload)

    def hear_call(self, caller: Listener, payload: bytes) -> None:
        raise AssertionError(f"{caller.node_id} calls {payload.hex()}")

    async def heard(self) -> bytes:
        """Return the next plain message, answering nonce traffic on the way."""
        while True:
            async with asyncio.timeout(5):
                payload = await self.raw.get()
            if payload[0] != 0x9F:
                return payload
            received = self.endpoint.receive(NODE_ID, payload)
            if received.reply is not None:
                await self.ether.to_node(NODE_ID, received.reply, "nonce")
            if received.plain is not None:
                return received.plain

    async def say(self, plain: bytes) -> None:
        """Send a message under Access Control, agreeing a nonce first where needed."""
        sealed = self.endpoint.encapsulate(NODE_ID, plain, SecurityClass.ACCESS_CONTROL)
        if sealed is None:
            await self.ether.to_node(NODE_ID, self.endpoint.nonce_get(NODE_ID), "nonce get")
            async with asyncio.timeout(5):
                assert self.endpoint.receive(NODE_ID, await self.raw.get()).kind == "nonce_report"
            sealed = self.endpoint.encapsulate(NODE_ID, plain, SecurityClass.ACCESS_CONTROL)
        assert sealed is not None
        assert (await self.ether.to_node(NODE_ID, sealed, "message")).is_acked


class Bench:
    """One lock and one host on one air."""

    def __init__(self, model: LockModel, memory: dict[int, str]) -> None:
        chance = random.Random(7)
        now = asyncio.get_running_loop().time
        self.faults = Faults(chance.random)
        self.trace = Trace()
        self.changes = 0
        self.changed = asyncio.Event()
        self.ether = Ether(has_airtime=False, faults=self.faults, trace=self.trace, now=now)
        self.lock = Firmware(model, memory=memory, strikes=lambda fault: self.faults.strikes(fault, NODE_ID))
        self.node = LockNode(
            self.lock,
            identity=Identity.of("bench"),
            membership=Membership(HOME_ID, NODE_ID, KEYS),
            ether=self.ether,
            entropy=chance.randbytes,
            now=now,
            on_change=self.count_change,
        )
        self.host = Host(self.ether, chance)

    def count_change(self) -> None:
        self.changes += 1
        self.changed.set()


@asynccontextmanager
async def bench(model: LockModel = PLAIN, memory: dict[int, str] | None = None) -> AsyncIterator[Bench]:
    """Let a lock live for a test."""
    made = Bench(model, memory or {})
    async with asyncio.TaskGroup() as tasks:
        living = tasks.create_task(made.node.run())
        yield made
        living.cancel()


SET_CODE = bytes.fromhex("63 01 03 01") + b"4711"


def supervised(session: int, command: bytes) -> bytes:
    """Put a command under Supervision."""
    return bytes([0x6C, 0x01, session, len(command)]) + command


async def test_supervised_set_costs_one_message_each_way_once_a_nonce_is_agreed() -> None:
    async with bench() as made:
        await made.host.say(bytes.fromhex("80 02"))
        assert (await made.host.heard())[:2] == bytes.fromhex("80 03")
        before = made.trace.counts(NODE_ID).plain()
        await made.host.say(supervised(9, SET_CODE))
        assert await made.host.heard() == bytes.fromhex("6C 02 09 FF 00")
        after = made.trace.counts(NODE_ID).plain()
        assert (after["to_lock"], after["from_lock"]) == (before["to_lock"] + 1, before["from_lock"] + 1)  # type: ignore[operator] # counters are whole numbers
        assert made.lock.press("4711", 0.0).user_id == 3
        assert made.changes == 1


async def test_secured_command_in_the_clear_is_ignored() -> None:
    async with bench() as made:
        await made.ether.to_node(NODE_ID, SET_CODE, "set")
        await made.ether.to_node(NODE_ID, bytes.fromhex("63 02 03"), "get")
        # Z-Wave Plus Info may be asked in the clear; its answer comes after the two ignored commands.
        await made.ether.to_node(NODE_ID, bytes.fromhex("5E 01"), "info")
        assert (await made.host.heard())[:2] == bytes.fromhex("5E 02")
        assert made.lock.occupied(0.0) == {}


async def test_repeated_session_is_answered_but_executed_once() -> None:
    async with bench() as made:
        for _repeat in range(2):
            await made.host.say(supervised(9, SET_CODE))
            assert await made.host.heard() == bytes.fromhex("6C 02 09 FF 00")
        assert made.lock.counters["writes"] == 1


async def test_lock_without_supervision_ignores_the_envelope() -> None:
    async with bench(shipped_model("no_supervision")) as made:
        await made.host.say(supervised(9, SET_CODE))
        await made.host.say(bytes.fromhex("63 02 03"))
        assert await made.host.heard() == bytes.fromhex("63 03 03 00 00000000")


async def test_refusal_is_reported_by_supervision_and_told_after_it() -> None:
    async with bench(memory={1: "4711"}) as made:
        await made.host.say(supervised(9, SET_CODE))
        assert await made.host.heard() == bytes.fromhex("6C 02 09 02 00")
        assert (await made.host.heard())[:8] == bytes.fromhex("71 05 00 00 00 FF 06 0F")


async def test_keypad_press_is_told_with_its_slot() -> None:
    async with bench(replace(PLAIN, reports_operation=False), {6: "4711"}) as made:
        made.lock.press("4711", 0.0)
        made.node.settle()
        assert await made.host.heard() == bytes.fromhex("71 05 00 00 00 FF 06 06 08 63 03 06 01") + b"****"


async def test_message_the_host_could_not_read_is_said_again() -> None:
    async with bench(replace(PLAIN, reports_operation=False), {6: "4711"}) as made:
        await made.host.say(bytes.fromhex("80 02"))
        await made.host.heard()
        made.host.endpoint.forget()  # the host restarted
        made.lock.press("4711", 0.0)
        made.node.settle()
        assert (await made.host.heard())[:2] == bytes.fromhex("71 05")


async def test_lock_that_lost_its_security_state_recovers_and_executes() -> None:
    async with bench() as made:
        await made.host.say(bytes.fromhex("80 02"))
        await made.host.heard()
        made.node.forget_security()
        await made.host.say(supervised(9, SET_CODE))
        async with asyncio.timeout(5):
            report = made.host.endpoint.receive(NODE_ID, await made.host.raw.get())
        assert report.kind == "nonce_report"
        await made.host.say(supervised(9, SET_CODE))
        assert await made.host.heard() == bytes.fromhex("6C 02 09 FF 00")


async def test_commands_supported_lists_the_secured_classes() -> None:
    async with bench() as made:
        await made.host.say(bytes.fromhex("9F 0D"))
        told = await made.host.heard()
        assert told[:2] == bytes.fromhex("9F 0E")
        assert {0x63, 0x62, 0x71, 0x80} <= set(told[2:])
        assert not {0x5E, 0x9F, 0x6C} & set(told[2:])


async def test_lost_messages_are_counted_and_not_acknowledged() -> None:
    async with bench() as made:
        made.faults.arm(Fault.LOSE_TO_NODE, node_id=NODE_ID)
        assert not (await made.ether.to_node(NODE_ID, b"\x00", "ping")).is_acked
        made.ether.set_reach(NODE_ID, is_within=False)
        assert not (await made.ether.to_node(NODE_ID, b"\x00", "ping")).is_acked
        made.ether.set_reach(NODE_ID, is_within=True)
        assert (await made.ether.to_node(NODE_ID, b"\x00", "ping")).is_acked
        counts = made.trace.counts(NODE_ID)
        assert (counts.pings, counts.lost, counts.acks) == (3, 2, 1)


async def test_sleeping_lock_costs_one_beam_and_then_stays_awake() -> None:
    async with bench() as made:
        for _ping in range(3):
            await made.ether.to_node(NODE_ID, b"\x00", "ping")
        assert made.trace.counts(NODE_ID).beams == 1


async def test_lost_acknowledgement_executes_the_command_all_the_same() -> None:
    async with bench() as made:
        await made.host.say(bytes.fromhex("80 02"))
        await made.host.heard()
        made.faults.arm(Fault.LOSE_RADIO_ACK, node_id=NODE_ID)
        sealed = made.host.endpoint.encapsulate(NODE_ID, supervised(9, SET_CODE), SecurityClass.ACCESS_CONTROL)
        assert sealed is not None
        assert not (await made.ether.to_node(NODE_ID, sealed, "set")).is_acked
        assert await made.host.heard() == bytes.fromhex("6C 02 09 FF 00")


async def test_message_delivered_twice_is_executed_once() -> None:
    async with bench() as made:
        made.faults.arm(Fault.DUPLICATE_TO_NODE, node_id=NODE_ID)
        await made.host.say(bytes.fromhex("80 02"))
        await made.host.heard()
        made.faults.arm(Fault.DUPLICATE_TO_NODE, node_id=NODE_ID)
        await made.host.say(SET_CODE)
        await made.host.say(bytes.fromhex("63 02 03"))
        assert (await made.host.heard())[3] == 0x01
        assert made.lock.counters["writes"] == 1


async def test_relock_happens_in_time_and_is_told() -> None:
    async with bench(replace(PLAIN, auto_relock_s=0.05, reports_operation=False), {6: "4711"}) as made:
        made.lock.press("4711", asyncio.get_running_loop().time())
        made.node.settle()
        assert (await made.host.heard())[7] == 0x06
        assert (await made.host.heard())[7] == 0x09


WORKING = replace(PLAIN, write_time_s=0.05, says_working=True)


async def test_lock_that_is_working_says_so_and_then_how_it_ended() -> None:
    async with bench(WORKING) as made:
        # the flag 80 beside session 9: the host wants to hear the end
        await made.host.say(supervised(0x89, SET_CODE))
        # session 9 with more to follow, working, one second at most
        assert await made.host.heard() == bytes.fromhex("6C 02 89 01 01")
        assert await made.host.heard() == bytes.fromhex("6C 02 09 FF 00")


async def test_host_that_wants_no_updates_only_hears_that_the_lock_is_working() -> None:
    async with bench(WORKING) as made:
        await made.host.say(supervised(9, SET_CODE))
        assert await made.host.heard() == bytes.fromhex("6C 02 09 01 01")
        await made.host.say(bytes.fromhex("63 02 03"))
        assert await made.host.heard() == bytes.fromhex("63 03 03 01") + b"4711"


async def test_dropped_write_is_not_answered_and_the_next_command_is() -> None:
    async with bench() as made:
        made.faults.arm(Fault.DROP_WRITE, node_id=NODE_ID)
        await made.host.say(supervised(9, SET_CODE))
        await made.host.say(bytes.fromhex("63 02 03"))
        assert (await made.host.heard())[:4] == bytes.fromhex("63 03 03 00")


async def test_messages_and_beams_cost_charge() -> None:
    async with bench(replace(PLAIN, battery_mah=1, idle_ua=0, message_mas=18, beam_mas=36)) as made:
        before = made.lock.battery_percent
        await made.ether.to_node(NODE_ID, b"\x00", "ping")
        # one message and what it makes the lock say: 36 mAs; the beam: 36 mAs; of 3600
        assert made.lock.battery_percent == before - 2


async def test_weak_radio_loses_messages_and_a_dead_one_all() -> None:
    async with bench() as made:
        made.lock.set_battery(5, asyncio.get_running_loop().time())
        heard = [(await made.ether.to_node(NODE_ID, b"\x00", "ping")).is_acked for _ping in range(40)]
        made.lock.set_battery(0, asyncio.get_running_loop().time())
        dead = [(await made.ether.to_node(NODE_ID, b"\x00", "ping")).is_acked for _ping in range(5)]
        assert set(heard) == {True, False}
        assert set(dead) == {False}


async def test_lock_that_is_reset_says_goodbye_and_forgets_codes_and_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node, "RESET_S", 0.02)
    async with bench(memory={6: "4711"}) as made:
        made.node.reset_locally()
        assert await made.host.heard() == bytes.fromhex("5A 01")
        async with asyncio.timeout(5):
            await made.changed.wait()
        assert made.node.membership is None
        assert made.lock.occupied(0.0) == {}


async def test_old_lock_goes_without_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node, "RESET_S", 0.0)
    classes = {name: version for name, version in PLAIN.command_classes.items() if name != "device_reset_locally"}
    async with bench(replace(PLAIN, command_classes=classes)) as made:
        made.node.reset_locally()
        async with asyncio.timeout(5):
            await made.changed.wait()
        assert made.node.membership is None
        assert made.host.raw.empty()
