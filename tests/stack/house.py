"""A whole house for stack tests: simulated home, real Z-Wave JS server, MQTT broker, the daemon, and a cloud.

Each part is a process of its own that can be started, stopped and killed; the cloud is the contract's `Counterpart` in the
test's own loop. Nothing waits for a time: every wait is for a condition and has a bound. What is asserted is the locks' truth
(the simulator's memory) and what the cloud got; the daemon's own words are only used to know when to look.
"""

import asyncio
import contextlib
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from drivers.simulator.client import Home
from gateway.cloud.backoff import Pace
from gateway.cloud.broker_settings import BrokerSettings, Protocol
from gateway.cloud.counterpart import Counterpart
from gateway.cloud.report import CloudEvent
from gateway.cloud.uplink import Uplink
from gateway.model.events import Fact
from gateway.model.ids import HubId
from gateway.runtime import tryout
from gateway.runtime.entropy import SystemEntropy
from gateway.store.database import Connection, Database
from gateway.store.seal import HubKeys, load_secret
from tests.brokers import Broker, start_broker
from tests.stack.zwave_stack import ROOT, Stack, running_stack

HUB = HubId("house")

FOREIGN = "902461"
"""A code that somebody programmed by hand in slot 1 of every lock, long before us."""

SCENE = f"""
[radio]
airtime = false

[[locks]]
name = "Front door"
node = 2
profile = "plain_v2"
codes = {{ 1 = "{FOREIGN}" }}

[[locks]]
name = "Garden door"
node = 3
profile = "masked"
codes = {{ 1 = "{FOREIGN}" }}

[[locks]]
name = "Studio"
node = 4
profile = "no_supervision"
codes = {{ 1 = "{FOREIGN}" }}
"""
"""Three doors of the three kinds that matter to evidence: supervised and readable, masked, without Supervision."""

LOCKS: Mapping[str, tuple[str, int]] = {
    "front": ("Front door", 2),
    "garden": ("Garden door", 3),
    "studio": ("Studio", 4),
}

READY_S = 60.0
"""For a daemon until it has its locks, a first interview included: 5 s on an idle machine (our measurement)."""

SEEN_S = 30.0
"""For whatever follows at once: tens of milliseconds on an idle machine."""

STOP_S = 15.0
LOOK_S = 0.02
BACK_S = 0.5
"""Longest wait of the hub before it connects to the broker again; short, since kills are many."""

_cloud_numbers = itertools.count(1)


def wall_ms() -> int:
    """UTC milliseconds, for comparing with instants that the hub told."""
    return time.time_ns() // 1_000_000


async def until(holds: Callable[[], bool], bound_s: float = SEEN_S, *, explain: Callable[[], object] = str) -> None:
    """Wait for a condition that lies in another process."""
    try:
        async with asyncio.timeout(bound_s):
            while not holds():  # noqa: ASYNC110 - see above
                await asyncio.sleep(LOOK_S)
    except TimeoutError:
        msg = f"not so within {bound_s} s: {explain()}"
        raise AssertionError(msg) from None


@dataclass
class House:
    """All parts of one house in one folder. `configuration` may be changed before a start of the daemon."""

    folder: Path
    stack: Stack
    broker: Broker
    configuration: tryout.Home
    daemon: subprocess.Popen[bytes] | None = field(default=None, repr=False)
    started_at: float = 0.0

    @property
    def home(self) -> Home:
        """The simulated home: the truth."""
        return self.stack.home

    @property
    def log_path(self) -> Path:
        """Everything that all daemons of this house have said."""
        return self.folder / "daemon.log"

    @property
    def state(self) -> Path:
        """The daemon's state directory."""
        return self.folder / "state"

    @property
    def socket(self) -> Path:
        """The maintenance socket."""
        return self.folder / "maint.sock"

    def log(self) -> str:
        """The daemon's log so far."""
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def start_daemon(self, launcher: Sequence[str] = ("gateway",), level: str = "info") -> subprocess.Popen[bytes]:
        """Start the daemon, by default as `python -m gateway`; does not wait for anything."""
        assert self.daemon is None or self.daemon.poll() is not None, "already running"
        config = self.folder / "hub.toml"
        # The hub finds out by itself what the embedded broker speaks; a mosquitto stands for the version of this run.
        protocol = "auto" if self.broker.kind == "embedded" else self.broker.protocol
        config.write_text(self.configuration.toml().replace("[broker]", f'[broker]\nprotocol = "{protocol}"'))
        command = [sys.executable, "-m", *launcher, "--config", str(config), "--log-level", level]
        self.started_at = time.monotonic()  # noqa: TID251 - test processes run in real time
        with self.log_path.open("ab") as output:
            self.daemon = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=output)
        return self.daemon

    def age_s(self) -> float:
        """Seconds since the daemon was started."""
        return time.monotonic() - self.started_at  # noqa: TID251 - as above

    def kill_daemon(self) -> None:
        """SIGKILL, as a power cut would."""
        assert self.daemon is not None
        self.daemon.send_signal(signal.SIGKILL)
        self.daemon.wait(STOP_S)

    def stop_daemon(self) -> int:
        """SIGTERM; the exit code."""
        assert self.daemon is not None
        self.daemon.send_signal(signal.SIGTERM)
        return self.daemon.wait(STOP_S)

    def is_up(self) -> bool:
        """Whether the daemon lives."""
        return self.daemon is not None and self.daemon.poll() is None

    async def ask(self, verb: str, **arguments: str) -> Fact:
        """What the maintenance socket answers, for programs; None while nobody answers there."""
        answer = await tryout.ask(self.socket, {"verb": verb, "arguments": arguments})
        found = None if answer is None else answer.get("value")
        return None if found is None else json.loads(json.dumps(found))

    async def status(self) -> dict[str, Fact]:
        """The value of `status`; empty while nobody answers."""
        found = await self.ask("status")
        return found if isinstance(found, dict) else {}

    async def met(self, bound_s: float = READY_S) -> None:
        """Wait until the daemon reaches all its locks, by its own connection and not by what it remembers."""
        count = len(self.configuration.locks)
        whole = f"{count} of {count} locks"
        await self.until_status(lambda status: whole in driver_detail(status) and _reached(status) == count, bound_s)

    async def until_status(self, holds: Callable[[dict[str, Fact]], bool], bound_s: float = READY_S) -> dict[str, Fact]:
        """Wait until the daemon's status is so; returns it."""
        told: dict[str, Fact] = {}
        try:
            async with asyncio.timeout(bound_s):
                while not (told and holds(told)):
                    assert self.is_up(), f"the daemon is gone: {self.log()[-3000:]}"
                    await asyncio.sleep(LOOK_S)
                    told = await self.status()
        except TimeoutError:
            msg = f"not so within {bound_s} s: {json.dumps(told)}\n{self.log()[-3000:]}"
            raise AssertionError(msg) from None
        return told

    async def receipted(self) -> None:
        """Wait until the hub has the cloud's receipt of every event: what comes next is then news."""
        await self.until_status(lambda status: status["outbox_count"] == 0)

    def pins(self, lock_id: str) -> dict[int, str]:
        """What is really in a lock's memory, the foreign code included."""
        return self.home.pins(self.configuration.locks[lock_id][0])

    def own_pins(self, lock_id: str) -> dict[int, str]:
        """What is really in a lock's memory besides the foreign code, which must be there."""
        found = self.pins(lock_id)
        assert found.pop(1) == FOREIGN, "the foreign code was touched (N2)"
        return found

    def to_locks(self) -> int:
        """Messages to all locks so far, pings included."""
        counts = [self.home.lock_counts(name)["to_lock"] for name, _ in self.configuration.locks.values()]
        return sum(count for count in counts if isinstance(count, int))

    async def ledger[T](self, query: Callable[[Connection], T]) -> T:
        """Ask a copy of the database of a daemon that is dead: its own recovery is left to the daemon that comes next."""
        assert not self.is_up(), "a living daemon's files cannot be copied as they were at one instant"
        with tempfile.TemporaryDirectory(prefix="kp-ledger-") as folder:
            for path in self.state.glob("gateway.db*"):
                shutil.copy(path, folder)
            keys = HubKeys.derive(load_secret(self.state / "hub.secret", os.urandom))
            async with await Database.open(Path(folder) / "gateway.db", keys.page_key) as database:
                return await database.read(query)

    @contextlib.asynccontextmanager
    async def cloud(self, repeat_s: float = 3.0, hub_id: HubId = HUB) -> AsyncIterator[Counterpart]:
        """A cloud of its own, connected; it knows nothing of what was said before it came."""
        settings = BrokerSettings(
            self.broker.host,
            self.broker.port,
            client_id=f"cloud-{next(_cloud_numbers)}",
            protocol=Protocol(self.broker.protocol),
        )
        async with connected_cloud(settings, hub_id, repeat_s, SEEN_S) as cloud:
            yield cloud

    def close(self) -> None:
        """End the daemon, however it is."""
        if self.is_up():
            self.kill_daemon()


@contextlib.asynccontextmanager
async def plain_group() -> AsyncIterator[asyncio.TaskGroup]:
    """A task group that raises a single failure as itself, so that a failed assertion reads as one."""
    try:
        async with asyncio.TaskGroup() as tasks:
            yield tasks
    except BaseExceptionGroup as group:
        if len(group.exceptions) == 1:
            raise group.exceptions[0] from None
        raise


@contextlib.asynccontextmanager
async def connected_cloud(
    settings: BrokerSettings, hub_id: HubId, repeat_s: float, bound_s: float
) -> AsyncIterator[Counterpart]:
    """The contract's cloud at a broker, once it is connected, which may take `bound_s`."""
    cloud = Counterpart(
        link=Uplink(settings),
        hub_id=hub_id,
        entropy=SystemEntropy(),
        pace=Pace(first_s=0.1, longest_s=BACK_S),
        repeat_s=repeat_s,
    )
    async with plain_group() as tasks:
        running = tasks.create_task(cloud.run())
        await cloud.wait_for(lambda seen: seen.is_connected, bound_s)
        try:
            yield cloud
        finally:
            running.cancel()


@contextlib.contextmanager
def running_house(
    scene: str = SCENE,
    locks: Mapping[str, tuple[str, int]] = LOCKS,
    *,
    has_server: bool = True,
    lead_s: float = 1.0,
) -> Iterator[House]:
    """A house without its daemon. Without `has_server` the daemon has to run the Z-Wave server itself."""
    with (
        tempfile.TemporaryDirectory(prefix="kp") as name,
        start_broker() as broker,
        running_stack(Path(name), scene, has_server=has_server) as stack,
    ):
        folder = Path(name)
        configuration = tryout.Home(
            broker_url=f"mqtt://{broker.host}:{broker.port}",
            stick="tty",
            server_url=stack.url if has_server else None,
            lead_s=lead_s,
            locks=dict(locks),
            hub_id=HUB,
            longest_wait_s=BACK_S,
        )
        house = House(folder, stack, broker, configuration)
        try:
            yield house
        finally:
            house.close()


def family(pid: int) -> set[int]:
    """A process and everything it started, by the kernel's word."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return {pid}.union(*(family(int(child)) for child in children))


def driver_detail(status: Mapping[str, Fact]) -> str:
    """How the Z-Wave driver says it is: its state and the line for people."""
    drivers = status.get("drivers")
    zwave = drivers.get("zwave") if isinstance(drivers, dict) else None
    return f"{zwave['state']}: {zwave['detail']}" if isinstance(zwave, dict) else ""


def _reached(status: Mapping[str, Fact]) -> int:
    locks = status.get("locks")
    known = locks if isinstance(locks, list) else []
    return sum(isinstance(lock, dict) and lock.get("is_reachable") is True for lock in known)


async def applied(cloud: Counterpart, kind: str, body: Mapping[str, Fact], bound_s: float = SEEN_S) -> CloudEvent:
    """Order something and wait for its end, which must be `command.applied`."""
    ended = await cloud.ended(cloud.order(kind, body), bound_s)
    assert ended.kind == "command.applied", (kind, body.get("access_code_id"), ended)
    return ended
