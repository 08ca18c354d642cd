"""Hands and bad luck through the control socket: every verb and every fault by its name, with its count."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from drivers.simulator.__main__ import main
from drivers.simulator.client import Home as Client
from drivers.simulator.control import serve_control
from drivers.simulator.home import Home
from drivers.simulator.keys import fresh_keys
from drivers.simulator.lock.faults import IMMEDIATE, Fault, Place, place_of
from drivers.simulator.scene import read_scene

SCENE = """
[radio]
airtime = false
[[locks]]
name = "Front door"
node = 2
profile = "timed"
codes = { 1 = "471147" }
"""

DOOR = "Front door"


@asynccontextmanager
async def home_with_client(folder: Path) -> AsyncIterator[tuple[Home, Client]]:
    """A home with its control socket, and a client for it; ask it off the loop."""
    home = Home(read_scene(SCENE), fresh_keys(bytes), link_path=folder / "tty", state_path=None, entropy=bytes)
    has_port, has_socket = asyncio.Event(), asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        running = [
            tasks.create_task(home.run(has_port)),
            tasks.create_task(serve_control(home, folder / "ctl", has_socket)),
        ]
        await has_port.wait()
        await has_socket.wait()
        yield home, Client(folder / "ctl")
        for task in running:
            task.cancel()


async def test_code_is_switched_off_and_on_by_hand(tmp_path: Path) -> None:
    async with home_with_client(tmp_path) as (_home, client):
        await asyncio.to_thread(client.switch, DOOR, 1, "off")
        off = await asyncio.to_thread(client.pins, DOOR)
        await asyncio.to_thread(client.switch, DOOR, 1, "on")
        assert (off, await asyncio.to_thread(client.pins, DOOR)) == ({}, {1: "471147"})


async def test_power_and_clock_are_lost_and_put_wrong(tmp_path: Path) -> None:
    async with home_with_client(tmp_path) as (home, client):
        firmware = home.find(DOOR).node.firmware
        firmware.set_clock(1_800_000_000.0, asyncio.get_running_loop().time())
        ahead = await asyncio.to_thread(client.clock, DOOR, 86_400)
        assert str(ahead["clock"]).startswith("2027-01-16T08:00")
        await asyncio.to_thread(client.battery, DOOR, 5)
        await asyncio.to_thread(client.power, DOOR)
        (told,) = await asyncio.to_thread(client.truth, DOOR)
        assert told["battery"] == 100
        clock = told["clock"]
        assert isinstance(clock, dict)
        assert (clock["is_set"], str(clock["shows"])[:10]) == (False, "2000-01-01")


async def test_cover_is_taken_off_and_put_on(tmp_path: Path) -> None:
    async with home_with_client(tmp_path) as (_home, client):
        assert (await asyncio.to_thread(client.cover, DOOR, "open"))["cover"] == "open"
        assert (await asyncio.to_thread(client.cover, DOOR, "closed"))["cover"] == "closed"


@pytest.mark.parametrize(
    "words", [["switch", DOOR, "1", "off"], ["cover", DOOR, "open"], ["power", DOOR], ["clock", DOOR, "-60"]]
)
async def test_command_line_knows_every_hand(tmp_path: Path, words: list[str]) -> None:
    async with home_with_client(tmp_path):
        assert await asyncio.to_thread(main, ["ctl", "--control", str(tmp_path / "ctl"), *words]) == 0


@pytest.mark.parametrize("fault", [fault for fault in Fault if place_of(fault) is Place.LOCK])
async def test_every_fault_of_a_lock_has_its_name_and_its_count(tmp_path: Path, fault: Fault) -> None:
    async with home_with_client(tmp_path) as (home, client):
        answer = await asyncio.to_thread(client.fault, fault.value, lock=DOOR)
        assert answer["armed"] is (fault not in IMMEDIATE)
        if fault in IMMEDIATE:
            assert home.faults.struck(fault) == 1
        else:
            assert home.faults.strikes(fault, 2)
            assert home.faults.struck(fault) == 1


def test_scene_arms_any_fault_that_is_a_chance() -> None:
    chances = [fault for fault in Fault if fault not in IMMEDIATE]
    rows = "".join(f'[[faults]]\nname = "{fault.value}"\nrate = 0.5\n' for fault in chances)
    assert [armed.fault for armed in read_scene(SCENE + rows).faults] == chances
