"""Server messages in memory: our Z-Wave driver, unchanged, on the simulator's messages door. No Node.js and no socket."""

import asyncio
import json
from collections.abc import Mapping
from typing import Self, override

import pytest
from aiohttp import ClientError, WSMessage, WSMsgType

from drivers.kit.bench import Mishap, Need, Pins
from drivers.kit.stage import THEIRS
from drivers.simulator.doors.messages import MessagesDoor
from drivers.simulator.doors.mirror import Json
from drivers.simulator.lock.faults import Fault, Faults
from drivers.simulator.lock.firmware import Firmware
from drivers.zwave import session
from drivers.zwave.driver import ZWaveDriver, open_driver
from gateway.ports import DriverPort, DriverSettings, LockAddress
from tests.contract.in_process import LOCK, TIMING, FirmwareDoor, armed_as
from tests.contract.kinds import Kind, lacking_of, pins_of
from tests.contract.serial import ATTEMPTS
from tests.stack.zwave_stack import FixedEntropy

NODE = 2
URL = "ws://127.0.0.1:1"
"""Loopback, as the driver wants it; nothing is opened."""


class Wire:
    """What stands for one WebSocket: two queues, in place of the client library's connection."""

    def __init__(self, door: MessagesDoor, tasks: asyncio.TaskGroup) -> None:
        self._door = door
        self._tasks = tasks
        self._inbox: asyncio.Queue[Json | None] = asyncio.Queue()
        self._send = self._inbox.put_nowait
        self.closed = False
        door.connect(self._send)

    async def receive(self) -> WSMessage:
        message = await self._inbox.get()
        if message is None:
            self.closed = True
            return WSMessage(WSMsgType.CLOSED, None, None)
        return WSMessage(WSMsgType.TEXT, json.dumps(message), "")

    async def send_json(self, message: Json) -> None:
        if self.closed:
            raise ConnectionResetError("the other side is gone")
        self._tasks.create_task(self._door.take(self._send, json.loads(json.dumps(message))))

    async def close(self) -> None:
        self.closed = True
        self._inbox.put_nowait(None)


class Web:
    """What stands for aiohttp's session."""

    def __init__(self, door: MessagesDoor) -> None:
        self._door = door
        self._tasks = asyncio.TaskGroup()
        self._over = asyncio.Event()

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        for task in tuple(self._tasks._tasks):
            task.cancel()
        await self._tasks.__aexit__(None, None, None)

    async def ws_connect(self, _url: str, **_options: object) -> Wire:
        try:
            return Wire(self._door, self._tasks)
        except ConnectionRefusedError as error:
            raise ClientError(str(error)) from None


class ServerDoor(FirmwareDoor):
    """The hands at a lock behind the messages door."""

    def __init__(self, firmware: Firmware, faults: Faults) -> None:
        super().__init__(firmware, faults)
        self.server = MessagesDoor({NODE: firmware}, faults)

    @override
    def tell(self) -> None:
        self.server.speak(NODE)

    @override
    async def strike(self, mishap: Mishap) -> None:
        on_the_way = {
            Mishap.LOSE_COMMAND: (Fault.LOSE_TO_NODE, ATTEMPTS),
            Mishap.LOSE_REPORT: (Fault.LOSE_FROM_NODE, 1),
            Mishap.REPEAT_COMMAND: (Fault.DUPLICATE_TO_NODE, 1),
        }
        own = armed_as(mishap)
        fault, times = (own, 1) if own is not None else on_the_way[mishap]
        self.faults.arm(fault, times=times)

    @override
    async def set_reach(self, *, is_reachable: bool) -> None:
        self.server.set_reach(NODE, is_within=is_reachable)

    @override
    async def cut(self) -> None:
        self.server.kill()

    @override
    async def mend(self) -> None:
        self.server.start()

    @override
    async def unplug(self) -> None:
        self.server.unplug()

    @override
    async def plug(self) -> None:
        self.server.plug()


class MessagesBench:
    """A fresh lock behind a fresh server. Make it inside the loop that plays the scene."""

    lock_id = LOCK
    timing = TIMING

    def __init__(self, kind: Kind, patch: pytest.MonkeyPatch) -> None:
        model = kind.model()
        self.pins: Pins = pins_of(model)
        self.lacking: Mapping[Need, str] = lacking(kind)
        faults = Faults(lambda: 0.0)
        memory = {int(THEIRS): self.pins.theirs.reveal()}
        self.door = ServerDoor(Firmware(model, memory=memory, strikes=faults.strikes), faults)
        self._driver: ZWaveDriver | None = None
        patch.setattr(session, "ClientSession", lambda: Web(self.door.server))

    def driver(self) -> DriverPort:
        address = LockAddress(LOCK, "Front door", {"node": NODE})
        self._driver = open_driver(DriverSettings({"url": URL}, [address], FixedEntropy(), "/nonexistent"))
        return self._driver

    def close(self) -> None:
        """End the ports of a scene that is over."""
        if self._driver is not None:
            for port in self._driver.ports():
                port.close("the scene is over")


def lacking(kind: Kind) -> Mapping[Need, str]:
    """What a lock of this kind lacks on this wire."""
    return lacking_of(kind.model())
