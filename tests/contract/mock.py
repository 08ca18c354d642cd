"""The mock network of the zwave-js package in place of our simulator, under the real Z-Wave JS server and our driver.

It was written by others, so it checks what our own simulator and driver might believe in common.
"""

import asyncio
import contextlib
import json
import os
import secrets  # noqa: TID251 - keys of a network that lives for a minute
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import override

from drivers.kit.bench import Door, Mishap, Need, Pins, Timing
from drivers.kit.scene import Scene
from drivers.kit.stage import THEIRS
from drivers.simulator.keys import load_or_create
from drivers.zwave.driver import ZWaveDriver, open_driver
from drivers.zwave.server.node import PACKAGE_DIR, find_node
from gateway.model.ids import LockId, Slot
from gateway.model.instant import Instant
from gateway.model.pin import Pin
from gateway.ports import DriverPort, DriverSettings, LockAddress
from tests.contract.kinds import KINDS, pins_of
from tests.contract.serial import TIMING, TOUCHED
from tests.stack.zwave_stack import ROOT, SERVER_START_S, STOP_S, FixedEntropy, driven, wait_for

NODE = 2
NAME = "mock"
PROGRAM = Path(__file__).with_name("mock_network.mjs")
KEYS = {
    "s0_legacy": "S0_Legacy",
    "s2_unauthenticated": "S2_Unauthenticated",
    "s2_authenticated": "S2_Authenticated",
    "s2_access_control": "S2_AccessControl",
}
"""The keys of a network, as our file and as Z-Wave JS call them."""

_NO_KEYPAD = "the mock lock has no keypad, bolt or battery"
_NO_RULES = "the mock lock stores whatever it is sent"
_NO_LUCK = "the mock network has no faults of the radio to order"
_SERIAL_ONLY = "played on the serial door: it is about the server and the stick, not about the network"

LACKING: Mapping[Need, str] = {
    Need.MASKED: "the mock lock shows its PINs",
    Need.UNCONFIRMED: "the mock lock confirms",
    Need.TELLS_HANDS: "the mock lock tells nothing of codes changed by hand",
    Need.WINDOWS: "the mock lock has no clock to keep a schedule by",
    Need.CLOCK: "the mock lock has no clock",
    **dict.fromkeys((Need.DUPLICATES_REFUSED, Need.TELLS_DUPLICATES, Need.WRONG_LENGTH), _NO_RULES),
    **dict.fromkeys((Need.REFUSE, Need.DROP, Need.COMMIT_LATE), _NO_RULES),
    **dict.fromkeys((Need.PRESS, Need.TELLS_USER, Need.TELLS_BOLT, Need.LOCKS_OUT, Need.JAMS), _NO_KEYPAD),
    **dict.fromkeys((Need.BATTERY, Need.TAMPER, Need.RESET), _NO_KEYPAD),
    **dict.fromkeys((Need.DEAF, Need.LOSE_COMMAND, Need.LOSE_REPORT, Need.REPEAT_COMMAND), _NO_LUCK),
    **dict.fromkeys((Need.CUT, Need.UNPLUG), _SERIAL_ONLY),
}
"""What the mock lock and its network lack."""


@dataclass
class Network:
    """The mock and the server on it, as processes."""

    mock: subprocess.Popen[str]
    server: subprocess.Popen[bytes]
    folder: Path
    url: str

    def ask(self, verb: str, **facts: object) -> object:
        """One order to the mock, and its answer."""
        assert self.mock.stdin is not None
        assert self.mock.stdout is not None
        self.mock.stdin.write(json.dumps({"verb": verb, **facts}) + "\n")
        self.mock.stdin.flush()
        return json.loads(self.mock.stdout.readline())["result"]


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Network]:
    """Start both, and stop them at the end."""
    keys = load_or_create(folder / "keys.toml", secrets.token_bytes)
    named = {KEYS[name]: key.hex() for name, key in keys.by_name.items() if name in KEYS}
    air, port = _free_port(), _free_port()
    node = asyncio.run(find_node(os.environ))
    modules = str(PACKAGE_DIR / "node_modules")
    with contextlib.ExitStack() as running_parts, (folder / "server.log").open("ab") as output:
        mock = subprocess.Popen(
            [str(node), str(PROGRAM), modules, str(air), json.dumps(named)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=output,
            text=True,
        )
        running_parts.callback(_stop, mock)
        assert mock.stdout is not None
        assert json.loads(mock.stdout.readline()) == {"ready": True}
        command = [
            sys.executable,
            "-m",
            "drivers.zwave.server",
            "--stick",
            f"tcp://127.0.0.1:{air}",
            "--port",
            str(port),
        ]
        command += ["--storage", str(folder / "server"), "--keys", str(folder / "keys.toml")]
        server = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=output)
        running_parts.callback(_stop, server)
        wait_for(lambda: _listens(port), SERVER_START_S, (folder / "server.log").read_text)
        yield Network(mock, server, folder, f"ws://127.0.0.1:{port}")


class MockDoor(Door):
    """The mock's own memory; whatever a scene needs beyond that is in `LACKING`."""

    def __init__(self, network: Network) -> None:
        self._network = network

    @override
    async def memory(self) -> Mapping[Slot, Pin]:
        held = self._network.ask("memory")
        assert isinstance(held, dict)
        return {Slot(int(slot)): Pin(digits) for slot, digits in held.items()}

    @override
    async def program(self, slot: Slot, pin: Pin) -> None:
        self._network.ask("program", slot=slot, pin=pin.reveal())

    @override
    async def erase(self, slot: Slot) -> None:
        self._network.ask("erase", slot=slot)

    @override
    async def wipe(self) -> None:
        self._network.ask("wipe")

    @override
    async def press(self, pin: Pin) -> bool:
        raise AssertionError(_NO_KEYPAD)

    @override
    async def reset(self) -> None:
        raise AssertionError(_NO_KEYPAD)

    @override
    async def turn(self, *, is_locked: bool) -> None:
        raise AssertionError(_NO_KEYPAD)

    @override
    async def jam(self) -> None:
        raise AssertionError(_NO_KEYPAD)

    @override
    async def battery(self, percent: int) -> None:
        raise AssertionError(_NO_KEYPAD)

    @override
    async def tamper(self) -> None:
        raise AssertionError(_NO_KEYPAD)

    @override
    async def clock(self) -> Instant:
        raise AssertionError(_NO_KEYPAD)

    @override
    async def strike(self, mishap: Mishap) -> None:
        raise AssertionError(_NO_LUCK)

    @override
    async def set_reach(self, *, is_reachable: bool) -> None:
        raise AssertionError(_NO_LUCK)

    @override
    async def cut(self) -> None:
        raise AssertionError(_SERIAL_ONLY)

    @override
    async def mend(self) -> None:
        raise AssertionError(_SERIAL_ONLY)

    @override
    async def unplug(self) -> None:
        raise AssertionError(_SERIAL_ONLY)

    @override
    async def plug(self) -> None:
        raise AssertionError(_SERIAL_ONLY)


class MockBench:
    """The mock's lock, made ready for one scene by `prepare`."""

    lock_id = LockId(NAME)
    timing: Timing = TIMING
    lacking = LACKING

    def __init__(self, network: Network) -> None:
        self.pins: Pins = pins_of(KINDS[0].model())
        self.door = MockDoor(network)
        self._network = network
        self._driver: ZWaveDriver | None = None

    async def prepare(self) -> None:
        """Only a stranger's code is on the lock, and Z-Wave JS knows it."""
        await self.door.wipe()
        await self.door.program(THEIRS, self.pins.theirs)
        async with driven(self._options(), {NAME: NODE}, self._network.folder) as here:
            await here.arrivals(NAME)
            for slot in TOUCHED:
                await here.ports[NAME].read_slot(Slot(slot))

    def driver(self) -> DriverPort:
        address = LockAddress(self.lock_id, NAME, {"node": NODE})
        self._driver = open_driver(
            DriverSettings(self._options(), [address], FixedEntropy(), str(self._network.folder))
        )
        return self._driver

    def close(self) -> None:
        """End the ports of a scene that is over."""
        if self._driver is not None:
            for port in self._driver.ports():
                port.close("the scene is over")

    def _options(self) -> dict[str, object]:
        return {"url": self._network.url}


def can_play(scene: Scene) -> bool:
    """Whether the mock network has what a scene needs."""
    return not scene.needs & LACKING.keys()


def _stop(process: subprocess.Popen[str] | subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(STOP_S)
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            stream.close()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
