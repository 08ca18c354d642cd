"""Real parts for stack tests: the simulated home on a PTY, the real Z-Wave JS server on it, and our driver.

Home and server are processes of their own on free names and ports, so that they can be killed; everything is waited for
by its own condition with a bound.
"""

import asyncio
import contextlib
import json
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from drivers.simulator.client import Home, Plain
from drivers.zwave.driver import ZWaveDriver, open_driver
from gateway.model.answers import Unknown
from gateway.model.ids import LockId, Slot
from gateway.model.reports import BatteryLevel, Report
from gateway.ports import Arrival, Departure, DriverSettings, LockAddress, LockPort

ROOT = Path(__file__).parents[2]

HOME_START_S = 15.0
SERVER_START_S = 40.0
"""Our measurement: 3 to 4 s; a loaded machine with two cores takes several times that."""
REPORT_MS = 2000
"""How long the server waits for a lock's answer: twice its own choice, because three stacks share two cores here."""

STOP_S = 15.0
WAIT_S = 30.0


class FixedEntropy:
    """No chance in tests, except for keys, which the home makes."""

    def token(self, count: int) -> bytes:
        return bytes(count)

    def fraction(self) -> float:
        return 0.0


@dataclass
class Stack:
    """A home and a server in one folder."""

    folder: Path
    port: int
    home_process: subprocess.Popen[str]
    server_process: subprocess.Popen[bytes] | None = None
    home: Home = field(init=False)

    def __post_init__(self) -> None:
        self.home = Home(self.folder / "ctl")

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    @property
    def runtime(self) -> Path:
        """What the server keeps for one life."""
        return self.folder / "server-run"

    def start_server(self) -> None:
        """Start the Z-Wave JS server and wait until its port is open. Its cache stays in the folder."""
        command = [sys.executable, "-m", "drivers.zwave.server", "--stick", str(self.folder / "tty")]
        command += ["--storage", str(self.folder / "server"), "--keys", str(self.folder / "keys.toml")]
        shutil.rmtree(self.runtime, ignore_errors=True)  # as systemd does with a runtime directory
        self.runtime.mkdir()
        command += ["--report-timeout", str(REPORT_MS), "--runtime", str(self.runtime)]
        with (self.folder / "server.log").open("ab") as output:
            self.server_process = subprocess.Popen(
                [*command, "--port", str(self.port)], cwd=ROOT, stdout=output, stderr=output
            )
        wait_for(self._came_up, SERVER_START_S, (self.folder / "server.log").read_text)

    def kill_server(self) -> None:
        """As the kernel does when memory runs out: no goodbye."""
        assert self.server_process is not None
        self.server_process.send_signal(signal.SIGKILL)
        self.server_process.wait(STOP_S)
        self.server_process = None

    def stop(self) -> None:
        for process in (self.server_process, self.home_process):
            if process is not None and process.poll() is None:
                process.terminate()
                try:
                    process.wait(STOP_S)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait(STOP_S)
        if self.home_process.stdout is not None:
            self.home_process.stdout.close()

    def _came_up(self) -> bool:
        assert self.server_process is not None
        assert self.server_process.poll() is None, (self.folder / "server.log").read_text()
        return self.is_listening()

    def is_listening(self) -> bool:
        """Whether somebody listens on the server's port."""
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


@contextlib.contextmanager
def running_stack(folder: Path, scene: str, *, has_server: bool = True) -> Iterator[Stack]:
    """A home made from the text of a scene, with a server. `folder` must be short enough for a Unix socket's name."""
    (folder / "scene.toml").write_text(scene)
    arguments = ["serve", "--scene", str(folder / "scene.toml"), "--link", str(folder / "tty")]
    arguments += ["--control", str(folder / "ctl"), "--keys", str(folder / "keys.toml")]
    with (folder / "home.log").open("ab") as output:
        home = subprocess.Popen(
            [sys.executable, "-m", "drivers.simulator", *arguments],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=output,
            text=True,
        )
    stack = Stack(folder, _free_port(), home)
    try:
        wait_for((folder / "ctl").exists, HOME_START_S, (folder / "home.log").read_text)
        wait_for((folder / "tty").is_symlink, HOME_START_S, (folder / "home.log").read_text)
        if has_server:
            stack.start_server()
        yield stack
    finally:
        stack.stop()


@dataclass
class Driven:
    """Our driver on a stack, and what it announced."""

    driver: ZWaveDriver
    tasks: asyncio.TaskGroup
    _comings: AsyncIterator[Arrival | Departure]
    ports: dict[str, LockPort] = field(default_factory=dict)
    reports: dict[str, list[Report]] = field(default_factory=dict)

    async def arrivals(self, *names: str, bound_s: float = WAIT_S) -> None:
        """Wait until all these locks have arrived."""
        async with asyncio.timeout(bound_s):
            while not set(names) <= self.ports.keys():
                await self._next()

    async def departures(self, *names: str) -> list[Departure]:
        """Wait until all these locks are gone."""
        seen: list[Departure] = []
        async with asyncio.timeout(WAIT_S):
            while set(names) & self.ports.keys():
                coming = await self._next()
                if isinstance(coming, Departure):
                    seen.append(coming)
        return seen

    async def until(self, holds: Callable[[], bool], bound_s: float = WAIT_S) -> None:
        """Wait for a condition, bounded."""
        async with asyncio.timeout(bound_s):
            while not holds():  # noqa: ASYNC110 - the condition lies in another process
                await asyncio.sleep(0.01)

    async def _next(self) -> Arrival | Departure:
        coming = await anext(self._comings)
        match coming:
            case Arrival(port=port):
                self.ports[port.lock_id] = port
                self.reports.setdefault(port.lock_id, [])
                self.tasks.create_task(self._collect(port))
            case Departure(lock_id=lock_id):
                self.ports.pop(lock_id)
        return coming

    async def _collect(self, port: LockPort) -> None:
        seen = self.reports[port.lock_id]
        async for report in port.reports():
            # The charge that the interview found comes with every arrival: no news to a test.
            if not isinstance(report, BatteryLevel) or report.is_low:
                seen.append(report)


@contextlib.asynccontextmanager
async def driven(
    options: Mapping[str, object],
    nodes: Mapping[str, int],
    storage: Path,
    owners_word: Mapping[str, object] | None = None,
) -> AsyncIterator[Driven]:
    """Run the driver; locks are named like in `nodes`. `owners_word` is what the configuration says of each of them besides."""
    more = owners_word or {}
    locks = [LockAddress(LockId(name), name, {"node": node, **more}) for name, node in nodes.items()]
    # The server is this repository's own, which runs in UTC.
    options = {"server_in_utc": True, **options} if "url" in options else options
    driver = open_driver(DriverSettings(options, locks, FixedEntropy(), str(storage)))
    async with asyncio.TaskGroup() as group:
        running = group.create_task(driver.run())
        here = Driven(driver, group, driver.locks())
        try:
            yield here
        finally:
            running.cancel()
            await asyncio.wait([running])
            for port in driver.ports():
                port.close("the test is over")


IN_STEP_TRIES_MAX = 10


async def in_step(here: Driven, stack: Stack, *names: str) -> None:
    """Wait for locks, and until nothing is on its way between them and the server.

    Lock and server may still have to agree on S2 nonces: after a start of either, and after an answer that came too late, because both
    sides then speak at once and take the same nonce twice. A fault that is armed meanwhile strikes a Nonce Report instead of what the
    test means. One question that costs one message and brings one says that all is quiet; under Security 0 each has a nonce asked for.
    """
    await here.arrivals(*names)
    for name in names:
        quiet = 6 if stack.home.label(name)["security"] == "s0_legacy" else 2
        for _attempt in range(IN_STEP_TRIES_MAX):
            before = stack.home.last_frame()
            sighting = await here.ports[name].read_slot(Slot(1))
            if sighting.value != Unknown() and len(stack.home.frames(since=before, lock=name)) == quiet:
                break
        else:
            raise AssertionError(f"{name} never got in step: {stack.home.frames(since=0, lock=name)[-8:]}")


@dataclass
class Radio:
    """What went over the air to and from one lock between two looks."""

    home: Home
    lock: str
    _before: tuple[int, int] = (0, 0)

    def reset(self) -> "Radio":
        self._before = self._now()
        return self

    def messages(self) -> tuple[int, int]:
        """Application messages to the lock and from it since `reset`."""
        to_lock, from_lock = self._now()
        return to_lock - self._before[0], from_lock - self._before[1]

    def _now(self) -> tuple[int, int]:
        counts = self.home.lock_counts(self.lock)
        return _number(counts, "to_lock"), _number(counts, "from_lock")


def wait_for(holds: Callable[[], bool], bound_s: float, explain: Callable[[], str]) -> None:
    """Wait outside a loop, for processes."""
    deadline = time.monotonic() + bound_s  # noqa: TID251 - test processes run in real time
    while not holds():
        assert time.monotonic() < deadline, explain()  # noqa: TID251
        time.sleep(0.05)


def _number(row: Plain, name: str) -> int:
    value = row[name]
    assert isinstance(value, int), json.dumps(row)
    return value


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
