"""The serial door: simulated locks behind a pseudo-terminal, the real Z-Wave JS on it, our driver on that. This wire is right."""

import asyncio
import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import override

from drivers.kit.bench import Door, Mishap, Need, Pins, Timing
from drivers.kit.stage import THEIRS
from drivers.zwave.driver import ZWaveDriver, open_driver
from gateway.model.ids import LockId, Slot
from gateway.model.instant import Instant, parse_instant
from gateway.model.pin import Pin
from gateway.ports import DriverPort, DriverSettings, LockAddress
from tests.contract.in_process import armed_as
from tests.contract.kinds import KINDS, LOCKOUT_S, Kind, kind_named, lacking_of, pins_of
from tests.stack.zwave_stack import FixedEntropy, Stack, driven, in_step, running_stack

TIMING = Timing(quiet_s=0.5, commit_late_s=2.2, lockout_s=LOCKOUT_S + 0.2, call_s=70.0, return_s=60.0)
"""Real seconds. Half a second is twenty times what the slowest report without airtime took (our measurement)."""

ATTEMPTS = 3
"""How often Z-Wave JS 15.29 sends a command that is not acknowledged."""

TOUCHED = range(1, 6)
"""Slots that scenes write to."""

NODES = {kind.name: number for number, kind in enumerate(KINDS, start=2)}


def scene_text() -> str:
    """The simulator's scene: one lock of each kind."""
    lines = ["[radio]", "airtime = false"]
    for kind in KINDS:
        lines += ["[[locks]]", f'name = "{kind.name}"', f"node = {NODES[kind.name]}", f'profile = "{kind.profile}"']
        lines += ["[locks.override]"]
        lines += [f"{name} = {_toml(value)}" for name, value in kind.facts().items()]
    return "\n".join(lines)


def _toml(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else repr(value)


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Stack]:
    """The home with every kind of lock, and the server. Nobody touches a lock before all of them are interviewed."""
    with running_stack(folder, scene_text()) as stack:
        asyncio.run(_interviewed(stack))
        yield stack


async def _interviewed(stack: Stack) -> None:
    async with driven({"url": stack.url}, NODES, stack.folder) as here:
        await here.arrivals(*NODES)


class SerialDoor(Door):
    """The home's control socket, for one of its locks."""

    def __init__(self, stack: Stack, name: str) -> None:
        self._stack = stack
        self._home = stack.home
        self._name = name

    @override
    async def memory(self) -> Mapping[Slot, Pin]:
        return {Slot(number): Pin(digits) for number, digits in self._home.pins(self._name).items()}

    @override
    async def press(self, pin: Pin) -> bool:
        return self._home.press(self._name, pin.reveal())["is_opened"] is True

    @override
    async def program(self, slot: Slot, pin: Pin) -> None:
        assert self._home.program(self._name, slot, pin.reveal())["is_stored"]

    @override
    async def erase(self, slot: Slot) -> None:
        assert self._home.erase(self._name, slot)["is_stored"]

    @override
    async def reset(self) -> None:
        self._home.reset(self._name)

    @override
    async def wipe(self) -> None:
        self._home.fault("wipe", lock=self._name)

    @override
    async def turn(self, *, is_locked: bool) -> None:
        self._home.turn(self._name, "lock" if is_locked else "unlock")

    @override
    async def jam(self) -> None:
        self._home.jam(self._name)

    @override
    async def battery(self, percent: int) -> None:
        self._home.battery(self._name, percent)

    @override
    async def tamper(self) -> None:
        self._home.cover(self._name, "open")

    @override
    async def clock(self) -> Instant:
        (told,) = self._home.truth(self._name)
        clock = told["clock"]
        assert isinstance(clock, dict)
        return parse_instant(str(clock["shows"]))

    @override
    async def strike(self, mishap: Mishap) -> None:
        fault = armed_as(mishap)
        if fault is not None:
            self._home.fault(fault.value, lock=self._name, times=1)
        else:
            on_the_way = {
                Mishap.LOSE_COMMAND: ("lose_to_node", ATTEMPTS),
                Mishap.LOSE_REPORT: ("lose_from_node", 1),
                Mishap.REPEAT_COMMAND: ("duplicate_to_node", 1),
            }
            name, times = on_the_way[mishap]
            self._home.fault(name, lock=self._name, times=times)

    @override
    async def set_reach(self, *, is_reachable: bool) -> None:
        self._home.fault("node_alive" if is_reachable else "node_dead", lock=self._name)

    @override
    async def cut(self) -> None:
        self._stack.kill_server()

    @override
    async def mend(self) -> None:
        await asyncio.to_thread(self._stack.start_server)

    @override
    async def unplug(self) -> None:
        self._home.unplug()

    @override
    async def plug(self) -> None:
        self._home.plug()


class SerialBench:
    """One lock of the running home, made ready for one scene by `prepare`."""

    timing = TIMING

    def __init__(self, stack: Stack, kind: Kind) -> None:
        self.lock_id = LockId(kind.name)
        self.pins: Pins = pins_of(kind.model())
        self.lacking: Mapping[Need, str] = lacking(kind)
        self.door = SerialDoor(stack, kind.name)
        self._stack = stack
        self._name = kind.name
        self._driver: ZWaveDriver | None = None

    async def prepare(self) -> None:
        """Undo whatever an earlier scene left, also in what Z-Wave JS remembers."""
        home, name = self._stack.home, self._name
        home.calm()
        home.plug()
        if not self._stack.is_listening():
            await asyncio.to_thread(self._stack.start_server)
        home.fault("node_alive", lock=name)
        home.fault("wipe", lock=name)
        home.program(name, THEIRS, self.pins.theirs.reveal())
        home.turn(name, "lock")
        home.cover(name, "closed")
        home.battery(name, 100)
        async with driven(self._options(), {name: NODES[name]}, self._stack.folder) as here:
            await here.arrivals(name)
            for slot in TOUCHED:
                await here.ports[name].read_slot(Slot(slot))
            await in_step(here, self._stack, name)

    def driver(self) -> DriverPort:
        address = LockAddress(self.lock_id, self._name, {"node": NODES[self._name]})
        self._driver = open_driver(DriverSettings(self._options(), [address], FixedEntropy(), str(self._stack.folder)))
        return self._driver

    def close(self) -> None:
        """End the ports of a scene that is over."""
        if self._driver is not None:
            for port in self._driver.ports():
                port.close("the scene is over")

    def _options(self) -> dict[str, object]:
        return {"url": self._stack.url, "server_in_utc": True}


def lacking(kind: Kind) -> Mapping[Need, str]:
    """What a lock of this kind lacks on this wire: nothing that it does not lack by itself."""
    return lacking_of(kind_named(kind.name).model())
