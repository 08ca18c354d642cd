"""What can go wrong with a stick, by name, as its host sees it byte by byte; and what its reports say of the way to a node."""

import asyncio
from pathlib import Path

import pytest

from drivers.simulator.doors.bootloader import MENU
from drivers.simulator.lock.faults import IMMEDIATE, STICK_ACTS, Fault, FaultRefused
from drivers.simulator.radio.path import BYTE_S
from drivers.simulator.radio.path import Path as Way
from tests.drivers.simulator.test_home import CAPABILITIES_REQUEST, hosted, living
from tests.drivers.simulator.test_stick import bench

SEND = "01 02 02 80 02 25 00 00 00 00 07"
"""Battery Get to node 2, callback 7, by a bridge controller."""


async def test_full_queue_refuses_one_transmission() -> None:
    async with bench() as made:
        made.faults.arm(Fault.QUEUE_FULL)
        assert await made.answered(0xA9, SEND) == "00"
        assert await made.answered(0xA9, SEND) == "01"
        assert (await made.told()).payload[:2] == bytes([7, 0])
        assert made.faults.struck(Fault.QUEUE_FULL) == 1
        assert len(made.ear.heard) == 1


async def test_jammed_air_is_a_failure_after_no_ticks_and_nothing_was_sent() -> None:
    async with bench() as made:
        made.faults.arm(Fault.AIR_JAMMED, node_id=2)
        await made.answered(0xA9, SEND)
        assert (await made.told()).payload[:4] == bytes([7, 2, 0, 0])
        assert made.ear.heard == []


async def test_callback_comes_twice() -> None:
    async with bench() as made:
        made.faults.arm(Fault.DUPLICATE_CALLBACK)
        await made.answered(0xA9, SEND)
        first, second = await made.told(), await made.told()
        assert first == second
        assert len(made.ear.heard) == 1


async def test_static_controller_sends_and_hands_over_in_its_own_functions() -> None:
    async with bench(is_bridge=False) as made:
        assert await made.answered(0x15) == b"Z-Wave 7.23\0\x01".hex(" ")
        made.ask(0xA9, SEND)
        assert made.out.empty()
        assert await made.answered(0x13, "02 02 80 02 25 07") == "01"
        assert (await made.told()).function == 0x13
        await made.ether.from_node(2, lambda: bytes.fromhex("80 03 64"), "battery")
        told = await made.told()
        assert (told.function, told.payload.hex(" ")) == (0x04, "00 02 03 80 03 64 c4")


async def test_reports_tell_the_way_and_its_loudness() -> None:
    async with bench() as made:
        made.ear.path = Way((3, 4), 40, -83)
        await made.answered(0xA9, SEND)
        report = (await made.told()).payload[2:]
        assert report[2:8].hex(" ") == "02 ad ad ad 7f 7f"
        assert report[11:16].hex(" ") == "03 04 00 00 02"
        await made.ether.from_node(2, lambda: bytes.fromhex("80 03 64"), "battery")
        assert (await made.told()).payload[-2] == 0xAD


@pytest.mark.parametrize(
    ("way", "message_ms", "acknowledgement_ms"),
    [
        # (52 + 10) x 80 us + 1 ms; 52 x 80 us + 1 ms
        (Way(), 5.96, 5.16),
        # twice (31 + 10) x 200 us + 1 ms
        (Way((9,), 40), 18.4, 14.4),
        # (21 + 10) / 1200 s + 1 ms
        (Way((), 9.6), 26.833, 18.5),
    ],
)
def test_message_takes_as_long_as_its_rate_and_its_hops_need(
    way: Way, message_ms: float, acknowledgement_ms: float
) -> None:
    assert way.message_s(10) * 1000 == pytest.approx(message_ms, abs=0.01)
    assert way.acknowledgement_s() * 1000 == pytest.approx(acknowledgement_ms, abs=0.01)
    assert set(BYTE_S) == {100, 40, 9.6}


async def test_watchdog_starts_the_stick_anew_unasked(tmp_path: Path) -> None:
    async with living(tmp_path) as home, hosted(home, tmp_path) as host:
        home.inject("watchdog_reset")
        assert (await host.expect(5)).hex(" ") == "01 0a 00 0a 03"


async def test_stuck_stick_takes_nothing_and_goes_on_where_it_hung(tmp_path: Path) -> None:
    async with living(tmp_path) as home, hosted(home, tmp_path) as host:
        home.inject("stuck")
        host.write(CAPABILITIES_REQUEST)
        async with asyncio.timeout(5):
            while not home.door.counts["host_bytes_unheard"]:  # noqa: ASYNC110 - the port has no event for it
                await asyncio.sleep(0.01)
        assert host.arrived.empty()
        home.inject("unstuck")
        host.write(CAPABILITIES_REQUEST)
        assert await host.expect(1) == b"\x06"


async def test_stuck_stick_is_cured_by_pulling_it_out(tmp_path: Path) -> None:
    async with living(tmp_path) as home:
        home.inject("stuck")
        home.unplug()
        home.plug()
        async with hosted(home, tmp_path) as host:
            host.write(CAPABILITIES_REQUEST)
            assert await host.expect(1) == b"\x06"


async def test_bootloader_shows_its_menu_until_the_host_runs_the_firmware(tmp_path: Path) -> None:
    async with living(tmp_path) as home, hosted(home, tmp_path) as host:
        home.inject("bootloader")
        assert await host.expect(len(MENU)) == MENU
        host.write(CAPABILITIES_REQUEST)
        assert await host.expect(len(MENU)) == MENU
        host.write(b"2")
        assert (await host.expect(5)).hex(" ") == "01 0a 00 0a 07"


async def test_split_frame_comes_whole_and_nothing_comes_between(tmp_path: Path) -> None:
    async with living(tmp_path) as home, hosted(home, tmp_path) as host:
        home.inject("split_to_host")
        host.write(CAPABILITIES_REQUEST)
        assert await host.expect(1) == b"\x06"
        half = len(await host.expect(22))
        host.write(CAPABILITIES_REQUEST)
        whole = await host.expect(45 - half)
        assert whole[-1:] != b"\x06"
        assert await host.expect(1) == b"\x06"


async def test_strangers_are_heard_and_a_call_only_by_a_stick_that_listens(tmp_path: Path) -> None:
    async with living(tmp_path) as home, hosted(home, tmp_path) as host:
        home.inject("strange_call")
        home.inject("strange_frame")
        # Application command of node 232 to node 1, three bytes, in the clear.
        assert (await host.expect(12)).hex(" ") == "01 0d 00 a8 00 01 e8 03 20 03 ff 00"


async def test_acts_upon_the_stick_name_no_lock_and_the_rest_do(tmp_path: Path) -> None:
    async with living(tmp_path) as home:
        for fault in STICK_ACTS:
            assert home.inject(fault.value)["armed"] is False
            assert home.faults.struck(fault) == 1
        for fault in IMMEDIATE - STICK_ACTS:
            with pytest.raises(FaultRefused, match="say which"):
                home.inject(fault.value)
