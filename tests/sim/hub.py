"""The hub of a world over all its lives: plugged in, unplugged, stopped; its disk, its clock, the driver that comes and goes.

What runs is the gateway that runs on a device, built by its own wiring on a few substitutes. A power cut is what it is in life:
every task ends where it stands, and only what was committed is left.
"""

import asyncio
import gc
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from drivers.simulator.doors.driver import InProcessDriver
from gateway.cloud.backoff import Pace
from gateway.cloud.broker_settings import BrokerSettings
from gateway.model.ids import HubId, LockId
from gateway.model.instant import MINUTE_MS
from gateway.model.snapshot import LockSettings
from gateway.ports import Entropy, LockAddress
from gateway.runtime.clock import TrustSource
from gateway.runtime.config import Config, LockConfig
from gateway.runtime.wiring import Gateway, Substitutes, kept_time
from tests.sim.broker import SimBroker, SimLink
from tests.sim.clock import HubClock, Machine, TrueTime
from tests.sim.doors import Door
from tests.sim.power import Disk, InPlaceDatabase, Power

HUB = HubId("hub-1")
LEAD_MS = 30 * MINUTE_MS


@dataclass(slots=True)
class Life:
    """One life of the hub, from power-up to power-down."""

    number: int
    power: Power
    link: SimLink
    clock: HubClock
    driver: InProcessDriver
    task: asyncio.Task[None] | None = None
    gateway: Gateway | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a hub stands: its folder, whoever runs its tasks, true time, the broker, the locks around it, its own chance."""

    folder: Path
    tasks: asyncio.TaskGroup
    true: TrueTime
    broker: SimBroker
    doors: Mapping[str, Door]
    entropy: Entropy


class Hub(ABC):
    """One hub. Whoever it belongs to hears of its commits, and of everything that goes wrong with it."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.machine = Machine(place.true)
        self.lead_ms = LEAD_MS
        self.disk = Disk()
        self.faults: Counter[str] = Counter()
        self.life: Life | None = None
        self.driver_gone = False
        self.lives = 0

    @abstractmethod
    def disturbed(self, what: str, /, **facts_: object) -> None:
        """Something went wrong, or has just ended."""

    @abstractmethod
    def on_commit(self) -> None:
        """The hub has committed a transaction."""

    @property
    def clock(self) -> HubClock | None:
        """The clock of the present life; None without power."""
        return None if self.life is None else self.life.clock

    def plug_in(self, *, is_synced: bool = True) -> Life:
        """Power for the hub. It starts with the disk as it is."""
        assert self.life is None, "the hub has power"
        self.lives += 1
        power = Power(self._on_cut)
        doors = [] if self.driver_gone else list(self.place.doors.values())
        clock = self.machine.start(kept_time(self.disk.connection), is_synced=is_synced)
        driver = InProcessDriver([door.new_port() for door in doors])
        self.disk.connection.kept.clear()
        self.life = Life(self.lives, power, SimLink(self.place.broker, HUB), clock, driver)
        self.life.task = self.place.tasks.create_task(self._live(self.life), name=f"hub life {self.lives}")
        self.disturbed("plugged in", synced=is_synced)
        return self.life

    def pull_plug(self) -> None:
        """A power cut, now."""
        if self.life is not None:
            self.life.power.cut()

    async def stop(self) -> None:
        """A clean stop, as by a service manager."""
        life = self.life
        assert life is not None
        assert life.task is not None
        life.task.cancel()
        await asyncio.wait([life.task])
        if self.life is life:
            self._end_life("stopped")

    def driver_leaves(self) -> None:
        """The Z-Wave server dies: all ports with it."""
        self.driver_gone = True
        self.faults["driver_gone"] += 1
        self.disturbed("driver gone")
        for door in self.place.doors.values():
            if door.port is not None and self.life is not None:
                self.life.driver.depart(door.port, "the server is restarting")
            door.no_port()

    def driver_returns(self) -> None:
        self.driver_gone = False
        self.disturbed("driver back")
        if self.life is not None:
            for door in self.place.doors.values():
                self.life.driver.arrive(door.new_port())

    def sync(self, life: Life) -> None:
        """The time service reaches the hub, in that life of it."""
        life.clock.is_synced = True
        if self.life is life:
            self.disturbed("time synced")

    def _on_cut(self) -> None:
        life = self.life
        assert life is not None
        assert life.task is not None
        self.faults["power_cut"] += 1
        self.machine.power_off()
        life.link.cut()
        life.task.cancel()
        self._end_life("power cut")

    def _end_life(self, how: str) -> None:
        self.life = None
        for door in self.place.doors.values():
            door.no_port()
        self.disturbed(how)
        # What is left outlives the hub's life, most of it the world, and is not gone through again after the next one.
        gc.collect()
        gc.freeze()

    async def _live(self, life: Life) -> None:
        async with AsyncExitStack() as stack:
            substitutes = Substitutes(
                clock=life.clock,
                entropy=self.place.entropy,
                database=InPlaceDatabase(self.disk, life.power, self.on_commit),
                link=life.link,
                drivers={"sim": life.driver},
            )
            life.gateway = await Gateway.build(self._config(), stack, substitutes)
            await life.gateway.run()

    def _config(self) -> Config:
        settings, folder = LockSettings(self.lead_ms), self.place.folder
        locks = tuple(
            LockConfig(LockId(name), name, "sim", settings, LockAddress(LockId(name), name, {}))
            for name in self.place.doors
        )
        return Config(
            hub_id=HUB,
            zone=ZoneInfo("Europe/Berlin"),
            state=folder,
            socket=folder / "s",
            broker=BrokerSettings("nowhere", 1, HUB),
            broker_pace=Pace(),
            trust=TrustSource.KERNEL,
            drivers={},
            locks=locks,
        )
