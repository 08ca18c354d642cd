"""The Z-Wave driver: brings the configured locks of one Z-Wave network, through one Z-Wave JS server.

Theory. One loop begins a life of the connection after the other (`session.live`). Within a life, `_tend` compares what
the network has with what the configuration names, again after each event that could change the comparison, and turns the
difference into arrivals and departures. Events only ring; the comparison looks. A lock has arrived when its node is in
the network and ready, that is, interviewed; at the end of a life every lock departs.

With `supervise` the driver also runs the server as its child. It has the server started anew when the stick stays silent although the
server is up.
"""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Mapping
from functools import partial
from pathlib import Path
from typing import Final, override

from zwave_js_server.const import ControllerStatus, RemoveNodeReason
from zwave_js_server.model.driver import Driver
from zwave_js_server.model.node import Node

from drivers.zwave.clocked import open_lock
from drivers.zwave.failures import Failure
from drivers.zwave.knocking import knock_at_dead, probe
from drivers.zwave.link_health import health_of
from drivers.zwave.lock import ZWaveLock
from drivers.zwave.mailbox import Comings
from drivers.zwave.network import Network
from drivers.zwave.node_facts import facts_of
from drivers.zwave.node_trouble import trouble_of
from drivers.zwave.options import NodeAddress, Options, OwnServer, read_options
from drivers.zwave.quirks import profile_of
from drivers.zwave.renewal import renew
from drivers.zwave.roster import Roster
from drivers.zwave.server.config import CACHE_NAME, KEYS_NAME, server_config, write_server_config
from drivers.zwave.server.keys import KeysUnusableError, import_keys, import_or_draw_keys
from drivers.zwave.server.node import ServerUnusableError
from drivers.zwave.server.process import ServerProcess, ServerSettings, ServerState, free_port
from drivers.zwave.session import Ending, Reached, live
from drivers.zwave.stick.identity import recognise
from drivers.zwave.stick.pairing import Pairing
from drivers.zwave.stick.probe import StickUnreadable, identify, usb_device
from drivers.zwave.stick_watch import StickWatch
from gateway.model.failures import Part, Unreachable
from gateway.model.health import LinkHealth
from gateway.model.ids import LockId
from gateway.model.network import NetworkStory, NetworkWish
from gateway.ports import (
    Arrival,
    Departure,
    DriverCondition,
    DriverPort,
    DriverSettings,
    DriverState,
    DriverUnusable,
    Entropy,
    HealthPort,
    HouseholdPort,
    NetworkPort,
)

log = logging.getLogger(__name__)

RECONNECT_S: Final = 0.5
"""Between two tries to connect while nobody listens. A refused connection on loopback costs nothing, and a server that
comes up (3.4 s, our measurement) is found within the 1.5 s that the product allows."""

BACKOFF_MAX_S: Final = 30.0
"""Longest pause after lives that came to nothing although somebody listens; doubled from `RECONNECT_S`."""

KNOCK_EVERY_S: Final = 300.0
"""How often a configured lock that was dead at the server's start is pinged. Z-Wave JS itself never tries it again, and
a lock whose battery was changed would stay away until somebody touches it. One ping costs up to three beams of 1.1 s."""

PROBE_EVERY_S: Final = 20.0
"""How often the stick is asked something harmless while it is in trouble, so that a server that does not find back to it is
noticed although nobody has work for a lock, and one that does is told as mended."""

UNUSABLE_RETRY_S: Final = 60.0
"""How often a server that a person must mend is tried again."""

_RING: Final = ("ready", "interview started", "interview failed", "interview completed", "dead", "alive")
"""Node events after which the comparison may come out differently."""

_NOT_TRIED: Final = "not connected yet"


def open_driver(settings: DriverSettings) -> "ZWaveDriver":
    """The entry point. Raises `ValueError` with one line per mistake in the options."""
    options = read_options(settings.options, settings.locks)
    if options.server is not None and options.server.keys_file is not None:
        try:
            import_keys(Path(options.server.keys_file))
        except KeysUnusableError as error:
            raise ValueError(str(error)) from None
    return ZWaveDriver(options, settings.entropy, Path(settings.storage_dir), settings.household)


class ZWaveDriver(DriverPort, NetworkPort, HealthPort):
    """All configured locks of one Z-Wave network."""

    def __init__(
        self, options: Options, entropy: Entropy, storage_dir: Path, household: HouseholdPort | None = None
    ) -> None:
        """Nothing is opened before `run`."""
        self._options = options
        self._entropy = entropy
        self._storage_dir = storage_dir
        self._comings = Comings()
        self._ports: dict[LockId, ZWaveLock] = {}
        self._slotless: set[LockId] = set()
        self._ring = asyncio.Event()
        self._knock_at_s: float | None = None
        self._stick = StickWatch()
        self._server: ServerProcess | None = None
        self._url = options.url if options.server is None else ""
        self._unusable: str | None = None
        self._disconnected_because: str | None = _NOT_TRIED
        self._network = ""
        self._pairing = Pairing(storage_dir)
        self._stranger: str | None = None
        self._stick_label = ""
        self._roster = Roster(options.nodes, household, self._ring.set)
        self._joining = Network(self._roster)
        self.internal_error_count = 0

    @override
    async def run(self) -> None:
        """Hold the connection until cancelled."""
        async with asyncio.TaskGroup() as group:
            if self._options.server is not None:
                group.create_task(self._supervise(self._options.server), name="zwave.supervise")
            group.create_task(self._stay_connected(), name="zwave.connect")

    @override
    def locks(self) -> AsyncIterator[Arrival | Departure]:
        """Locks as they come and go."""
        return self._comings.stream()

    @override
    def condition(self) -> DriverCondition:
        """How the driver is right now, with the home id and what each missing lock needs."""
        if (fault := self._unusable or self._stranger) is not None:
            return DriverCondition(DriverState.DOWN, fault)
        if self._disconnected_because is None:
            return DriverCondition(DriverState.READY, self._network)
        if self._disconnected_because is _NOT_TRIED:
            return DriverCondition(DriverState.STARTING, _NOT_TRIED)
        if self._server is None:
            return DriverCondition(DriverState.DOWN, f"{self._disconnected_because}; trying again")
        status = self._server.status
        if status.last_exit is None and status.state is not ServerState.BACKING_OFF:
            return DriverCondition(DriverState.STARTING, f"{self._disconnected_because}; our server is starting")
        if (stick := self._options.missing_stick()) is not None:
            told = f"there is no stick at {stick}: plug it in, or correct `stick` in the configuration"
            return DriverCondition(DriverState.DOWN, told)
        last = f"; its last end: {status.last_exit}" if status.last_exit else ""
        return DriverCondition(DriverState.DOWN, f"{self._disconnected_because}; our server is {status.state}{last}")

    @override
    async def begin(self, wish: NetworkWish) -> None:
        """Let a lock join or leave."""
        if self._stranger is not None:
            raise Unreachable(Part.STICK, self._stranger)
        await self._joining.begin(wish)

    @override
    def story(self) -> NetworkStory | None:
        """How the last such task went."""
        return self._joining.story()

    @override
    async def wait_for_news(self, line_count: int) -> None:
        """Return when that story has gone on."""
        await self._joining.wait_for_news(line_count)

    @override
    def health(self) -> Mapping[LockId, LinkHealth]:
        """What Z-Wave JS counted of each lock that is here."""
        return {lock_id: health_of(port.node.statistics.data) for lock_id, port in self._ports.items()}

    def ports(self) -> tuple[ZWaveLock, ...]:
        """The locks that are here now."""
        return tuple(self._ports.values())

    async def _stay_connected(self) -> None:
        pause_s = RECONNECT_S
        while True:
            reached = await self._live_once() if self._url else Reached.NOBODY
            pause_s = min(pause_s * 2, BACKOFF_MAX_S) if reached is Reached.SERVER else RECONNECT_S
            await self._pause(pause_s * (1.0 + self._entropy.fraction() / 4.0))

    async def _pause(self, pause_s: float) -> None:
        if self._server is None or self._server.status.state is ServerState.READY:
            await asyncio.sleep(pause_s)
            return
        try:
            async with asyncio.timeout(BACKOFF_MAX_S):
                await self._server.wait_ready()
        except TimeoutError:
            return

    async def _live_once(self) -> Reached:
        try:
            ending = await live(self._url, self._tend)
        except DriverUnusable:
            raise
        except Exception as error:  # noqa: BLE001 - supervisor: a bug in one life must not end the driver
            self.internal_error_count += 1
            ending = Ending("internal error of the Z-Wave driver", Reached.SERVER)
            # No traceback: texts of foreign errors may quote a payload, and a payload may hold a PIN (N1).
            log.error(  # noqa: TRY400
                "driver.life.failed", extra={"error": _names_of(error), "count": self.internal_error_count}
            )
        cause = ending.cause
        if self._stick.trouble is not None:
            cause += f" after trouble with the stick: {self._stick.trouble}"
            self._stick.worked()
        if ending.reached is Reached.NETWORK:
            log.warning("driver.connection.lost", extra={"cause": cause})
        self._disconnected_because = cause
        for lock_id in tuple(self._ports):
            self._depart(lock_id, cause)
        return ending.reached

    async def _tend(self, driver: Driver) -> None:
        self._judge_network(driver.controller.home_id or 0)
        async with asyncio.TaskGroup() as group:
            serving = self._joining.serve(driver.controller, is_ours=self._stranger is None)
            group.create_task(serving, name="zwave.joining")
            group.create_task(self._compare_for_ever(driver), name="zwave.compare")

    async def _compare_for_ever(self, driver: Driver) -> None:
        controller = driver.controller
        unsubscribe = [controller.on(name, self._on_change) for name in ("node added", "node removed")]
        unsubscribe.append(controller.on("status changed", self._on_status))
        unsubscribe.append(controller.on("node removed", self._on_removed))
        watched: dict[int, Node] = {}
        try:
            while True:
                self._ring.clear()
                for address in self._roster.nodes if self._stranger is None else ():
                    node = controller.nodes.get(address.node_id)
                    if node is not None and watched.get(address.node_id) is not node:
                        watched[address.node_id] = node
                        unsubscribe += [node.on(name, self._on_change) for name in _RING]
                    await self._compare(address, node)
                for lock_id in self._ports.keys() - {address.lock_id for address in self._roster.nodes}:
                    self._depart(lock_id, "it has left the network")
                self._network = self._describe(driver)
                self._disconnected_because = None
                await self._wait_or_knock(driver)
        finally:
            for stop in unsubscribe:
                stop()

    def _judge_network(self, home_id: int) -> None:
        was = self._stranger
        self._stranger = self._pairing.stranger(home_id)
        if self._stranger is not None and self._stranger != was:
            log.error("driver.network.stranger", extra={"cause": self._stranger})

    async def _object(self, stick: str) -> str | None:
        """Ask the stick whose network it holds before the server opens it. A stick that does not say is the server's to judge."""
        if "://" in stick:
            return None
        try:
            found = await identify(stick)
        except StickUnreadable as error:
            log.warning("stick.unidentified", extra={"cause": str(error)})
            return None
        self._stick_label = f"{recognise(usb_device(stick)).label}, firmware {found.firmware}"
        log.info("stick.identified", extra={"stick": self._stick_label, "home_id": f"{found.home_id:08X}"})
        self._judge_network(found.home_id)
        return self._stranger

    def _on_change(self, _event: object) -> None:
        self._ring.set()

    def _on_removed(self, event: Mapping[str, object]) -> None:
        """A lock that was reset says so and is removed by Z-Wave JS; all other ways out are a person's doing."""
        if event.get("reason") == RemoveNodeReason.RESET:
            for port in self._ports.values():
                if port.node is event.get("node"):
                    port.tell_reset()

    async def _compare(self, address: NodeAddress, node: Node | None) -> None:
        port = self._ports.get(address.lock_id)
        trouble = trouble_of(address, node)
        if port is not None and (trouble is not None or port.node is not node):
            self._depart(address.lock_id, trouble or "the node was included anew")
            port = None
        if port is None and trouble is None and node is not None:
            facts = await facts_of(node, is_server_in_utc=self._options.is_in_utc(os.environ))
            profile = profile_of(facts, address.overrides)
            if not profile.slots:
                self._slotless.add(address.lock_id)
                return
            self._slotless.discard(address.lock_id)
            port = open_lock(address.lock_id, node, facts, address.overrides, self._on_call)
            self._ports[address.lock_id] = port
            self._comings.arrive(Arrival(port))
            log.info(
                "lock.arrived",
                extra={
                    "lock": address.lock_id,
                    "node": address.node_id,
                    "model": profile.model,
                    "slots": len(profile.slots),
                    "read_back": profile.read_back.value,
                    "supervision_is_honest": profile.supervision_is_honest,
                },
            )

    def _on_call(self, failure: Failure | None) -> None:
        now_s = asyncio.get_running_loop().time()
        had_trouble = self._stick.trouble is not None
        if failure is None or failure.part is Part.LOCK:
            self._stick.worked()
        elif failure.part is Part.STICK:
            self._stick.failed(now_s, failure.cause)
        if had_trouble or self._stick.trouble is not None:
            self._ring.set()
        if self._stick.is_stuck(now_s) and renew(self._server):
            self._stick.worked()

    def _depart(self, lock_id: LockId, cause: str) -> None:
        self._ports.pop(lock_id).close(cause)
        self._comings.depart(Departure(lock_id, cause))
        log.info("lock.departed", extra={"lock": lock_id, "cause": cause})

    def _on_status(self, event: Mapping[str, object]) -> None:
        if event.get("status") == ControllerStatus.UNRESPONSIVE:
            self._stick.failed(asyncio.get_running_loop().time(), "the stick does not answer")
        self._ring.set()

    async def _wait_or_knock(self, driver: Driver) -> None:
        loop = asyncio.get_running_loop()
        if self._knock_at_s is None:
            self._knock_at_s = loop.time() + KNOCK_EVERY_S
        is_troubled = self._stick.trouble is not None
        if not is_troubled and loop.time() >= self._knock_at_s:
            if self._stranger is None:
                await knock_at_dead(driver.controller, self._roster.nodes)
            # Moved on by nothing else: a lock that always has something to tell must not keep a dead one away.
            self._knock_at_s = loop.time() + KNOCK_EVERY_S
        try:
            async with asyncio.timeout(PROBE_EVERY_S if is_troubled else self._knock_at_s - loop.time()):
                await self._ring.wait()
        except TimeoutError:
            if is_troubled:
                self._on_call(await probe(driver.controller))

    def _describe(self, driver: Driver) -> str:
        home_id = driver.controller.home_id
        lines = [f"home {home_id:08X}" if home_id else "home unknown"]
        lines += [self._stick_label] if self._stick_label else []
        if self._stick.trouble is not None:
            remedy = "plug the stick out and in, then restart zwave-js-server.service if that does not help"
            lines += [f"{self._stick.trouble}: {remedy}"]
        lines += self._roster.describe(self._ports, self._slotless, driver.controller.nodes)
        return "; ".join(lines)

    async def _supervise(self, own: OwnServer) -> None:
        while True:
            try:
                server = self._prepare(own)
                await server.run()
            except (ServerUnusableError, KeysUnusableError) as error:
                raise DriverUnusable(str(error)) from None
            except (OSError, RuntimeError) as error:
                self._url = ""
                self._unusable = str(error)
                log.error("driver.server.unusable", extra={"cause": str(error)})  # noqa: TRY400 - the line says it all
            await asyncio.sleep(UNUSABLE_RETRY_S)

    def _prepare(self, own: OwnServer) -> ServerProcess:
        storage = self._storage_dir
        if own.keys_file is None:
            keys = import_or_draw_keys(storage / KEYS_NAME, storage / CACHE_NAME, self._entropy.token)
        else:
            keys = import_keys(Path(own.keys_file))
        config_path = write_server_config(server_config(keys, storage), storage)
        port = own.port or free_port()
        settings = ServerSettings(own.stick, config_path, port)
        server = ServerProcess(settings, os.environ, self._entropy.token, partial(self._object, own.stick))
        self._unusable = None
        self._server, self._url = server, f"ws://127.0.0.1:{port}"
        return server


def _names_of(error: BaseException) -> str:
    """The types of an error and of what it groups, without their texts."""
    if isinstance(error, BaseExceptionGroup):
        return " ".join(_names_of(part) for part in error.exceptions)
    return type(error).__name__
