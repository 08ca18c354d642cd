"""The one place where objects are built and joined.

A `Gateway` is the daemon without its process: a test world builds the same with another clock, other chance, another link
and other drivers.
"""

import asyncio
import logging
import platform
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Self

from gateway.cloud.link import Link
from gateway.cloud.service import CloudService, CloudSettings
from gateway.cloud.uplink import Uplink
from gateway.fleet.looks import Bench
from gateway.fleet.supervisor import Fleet
from gateway.fleet.timekeeper import Timekeeper, is_suspect, ring_all
from gateway.fleet.worker import House
from gateway.keeper import Keeper
from gateway.model.health import LinkHealth
from gateway.model.ids import LockId
from gateway.nudge import OUTBOX_BELL, Nudges
from gateway.orders.receive import Desk
from gateway.orders.rules import HubRules
from gateway.ports import Clock, DriverPort, DriverSettings, Entropy, GuardedClock, HealthPort, NetworkPort
from gateway.runtime import lives
from gateway.runtime.clock import SystemClock, TrustSource, watch_settings
from gateway.runtime.config import Config, ConfigInvalid, Mistake, drivers_of
from gateway.runtime.drivers import open_driver
from gateway.runtime.entropy import SystemEntropy
from gateway.runtime.household import Household
from gateway.runtime.housekeeping import Housekeeping
from gateway.runtime.interval import KeptTime
from gateway.shell.context import CloudCondition, Conditions, ShellContext
from gateway.shell.server import ShellServer
from gateway.store import facts, hub_time
from gateway.store.database import Connection, Database
from gateway.store.seal import HubKeys, PinSeal, load_secret
from gateway.tlstime.ask import TlsWitness
from gateway.tlstime.service import TimeSeeker

log = logging.getLogger(__name__)

SECRET_NAME = "hub.secret"  # noqa: S105 - the name of the file, not what is in it
DATABASE_NAME = "gateway.db"


@dataclass(frozen=True, slots=True)
class Substitutes:
    """What a test world puts in place of the real edges; None means the real one."""

    clock: Clock | None = None
    entropy: Entropy | None = None
    database: Database | None = None
    link: Link | None = None
    drivers: Mapping[str, DriverPort] | None = None


class Gateway:
    """The daemon, built and ready to run."""

    def __init__(
        self,
        config: Config,
        database: Database,
        *,
        clock: Clock,
        entropy: Entropy,
        link: Link,
        drivers: Mapping[str, DriverPort],
        seal: PinSeal,
        household: Household,
    ) -> None:
        self.config = config
        self.database = database
        self.clock = clock
        self.nudges = Nudges()
        self._drivers = drivers
        self._entropy = entropy
        self._keeper = Keeper()
        self._started_at = clock.reading().lo
        desk = Desk(HubRules(household.settings), seal, entropy)
        house = House(database, clock, entropy, self.nudges)
        self.fleet = Fleet(house, drivers, self._keeper)
        for lock in household.locks():
            self.fleet.add(Bench(lock.lock_id, lock.settings, seal, entropy), lock.driver)
        household.joined = lambda lock: self.fleet.add(Bench(lock.lock_id, lock.settings, seal, entropy), lock.driver)
        household.left = lambda lock: self._let_go(lock.lock_id)
        stay_ms = max(
            [config.defaults.untrusted_stay_ms, *(known.untrusted_stay_ms for known in household.settings.values())]
        )
        self._timekeeper = Timekeeper(house, stay_ms)
        self.cloud = CloudService(
            db=database,
            link=link,
            hub_id=config.hub_id,
            desk=desk,
            clock=clock,
            nudges=self.nudges,
            settings=CloudSettings(pace=config.broker_pace, versions=versions()),
        )
        self.shell = ShellServer(
            ShellContext(
                db=database,
                hub_id=config.hub_id,
                desk=desk,
                locks=household.views,
                zone=config.zone,
                clock=clock,
                nudges=self.nudges,
                conditions=self.conditions,
                is_suspect=is_suspect,
                networks={name: driver for name, driver in drivers.items() if isinstance(driver, NetworkPort)},
                health=self._health,
            ),
            config.socket,
        )

    @classmethod
    async def build(cls, config: Config, stack: AsyncExitStack, substitutes: Substitutes | None = None) -> Self:
        """Open what has to be open, in order: secret, database, clock, drivers.

        Raises `ConfigInvalid`, `ValueError` or `DatabaseUnusable`, each with a line that says what to do. What was opened is
        closed by `stack`.
        """
        given = substitutes or Substitutes()
        entropy = given.entropy or SystemEntropy()
        keys = HubKeys.derive(load_secret(config.secret or config.state / SECRET_NAME, entropy.token))
        database = given.database or await Database.open(config.state / DATABASE_NAME, keys.page_key)
        stack.push_async_callback(database.close)
        kept = await database.read(kept_time)
        clock = given.clock or SystemClock(config.trust, kept)
        household = await Household.open(config, database, clock)
        # The epoch needs only to differ from that of any earlier database of this hub.
        now = clock.reading()
        # Nothing is decided by this name but whether it is the same, so it takes none of a test world's chance.
        name = SystemEntropy().token(lives.NAME_BYTES).hex()
        await lives.begin(database, config.state / lives.FILE_NAME, name, max(now.hi, 1), now.lo)
        return cls(
            config,
            database,
            clock=clock,
            entropy=entropy,
            link=given.link or Uplink(config.broker),
            drivers=given.drivers if given.drivers is not None else _drivers(config, household, entropy),
            seal=PinSeal(keys, entropy.token),
            household=household,
        )

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.fleet.run(), name="fleet")
            for name, part in self._parts():
                tasks.create_task(self._keeper.keep_up(name, part), name=name)

    def _parts(self) -> Sequence[tuple[str, Callable[[], Awaitable[None]]]]:
        housekeeping = Housekeeping(self.database, self.clock)
        return (
            ("cloud", self.cloud.run),
            ("shell", self.shell.run),
            ("clock", self._timekeeper.run),
            ("housekeeping", housekeeping.run),
            *((("clock settings", self._watch_clock),) if isinstance(self.clock, SystemClock) else ()),
            *self._seekers(),
        )

    def _seekers(self) -> Sequence[tuple[str, Callable[[], Awaitable[None]]]]:
        """Who looks for the time when nobody knows it; nobody unless configured (T2)."""
        if not self.config.time_hosts or not isinstance(self.clock, GuardedClock):
            return ()
        witness = TlsWitness(self.config.time_hosts, self.config.time_ca_file)
        return (("time seeker", TimeSeeker(witness, self.clock, self.database, self.nudges, self._entropy).run),)

    def conditions(self) -> Conditions:
        """How everything is, for the shell."""
        cloud = self.cloud.condition()
        trust = self.clock.reading().trust
        is_assumed = self.config.trust is TrustSource.ASSUME
        return Conditions(
            clock=f"{trust.value}, assumed by configuration" if is_assumed else trust.value,
            drivers={name: driver.condition() for name, driver in self._drivers.items()},
            cloud=CloudCondition(cloud.state.value, cloud.since, cloud.detail),
            versions=versions(),
            started_at=self._started_at,
            worker_restarts=self._keeper.restarts,
        )

    def summary(self) -> str:
        """How everything is, in one line for a service manager's status."""
        now = self.conditions()
        drivers = [f"{name} {condition.state.value}: {condition.detail}" for name, condition in now.drivers.items()]
        return "; ".join([*drivers, f"cloud {now.cloud.state}", f"clock {now.clock}"])

    def _let_go(self, lock_id: LockId) -> None:
        self.fleet.remove(lock_id)
        self.nudges.ring(OUTBOX_BELL)

    async def _watch_clock(self) -> None:
        await watch_settings(lambda: ring_all(self.nudges))

    def _health(self) -> Mapping[LockId, LinkHealth]:
        ports = (driver for driver in self._drivers.values() if isinstance(driver, HealthPort))
        return {lock_id: health for port in ports for lock_id, health in port.health().items()}


def kept_time(con: Connection) -> KeptTime:
    """What earlier lives of this hub left on disk about the time."""
    return KeptTime(facts.high_water(con), hub_time.untrusted_since(con), hub_time.anchor(con))


def versions() -> Mapping[str, str]:
    """What runs here, the hub's own version first."""
    return {"keypad-gateway": version("keypad-gateway"), "python": platform.python_version()}


def _drivers(config: Config, household: Household, entropy: Entropy) -> Mapping[str, DriverPort]:
    names = sorted(drivers_of(config.drivers, (lock.driver for lock in household.locks())))
    made: dict[str, DriverPort] = {}
    mistakes: list[Mistake] = []
    for name in names:
        storage = config.state / name
        storage.mkdir(parents=True, exist_ok=True, mode=0o700)
        addresses = [lock.address for lock in household.locks() if lock.driver == name]
        options, door = config.drivers.get(name, {}), household.door(name)
        settings = DriverSettings(options, addresses, entropy, str(storage), config.zone, door)
        try:
            made[name] = open_driver(name, settings)
        except ValueError as error:
            mistakes.extend(Mistake(f"drivers.{name}", line) for line in str(error).splitlines())
    if mistakes:
        raise ConfigInvalid(Path("configuration"), mistakes)
    return made
