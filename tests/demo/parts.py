"""The house of the demo: simulated home, Z-Wave JS server, broker and hub, each a process of its own.

The Z-Wave JS server runs by itself, so that it outlives a killed hub, as on a device.
"""

import asyncio
import contextlib
import json
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from drivers.simulator.client import Home
from gateway.runtime.tryout import Home as HubFile
from gateway.runtime.tryout import ask, free_port
from tests.brokers import Broker, start_broker
from tests.demo.pace import Pace
from tests.demo.record import DOORS
from tests.orphans import die_with_parent

ROOT = Path(__file__).parents[2]
SCENE = ROOT / "drivers/simulator/scenes/three_doors.toml"
HUB_ID = "demo-hub"
STOP_S = 10.0
LOOK_S = 0.05
LONGEST_WAIT_S = 2.0
"""The hub's longest wait between connects. On a device 300 s; nobody would watch that."""


class PartFailed(RuntimeError):  # noqa: N818 - says what happened
    """A part did not come up; the text has its last words."""


@dataclass(slots=True)
class Part:
    """One process; all that it prints goes to its log."""

    name: str
    command: Sequence[str]
    log_path: Path
    process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        with self.log_path.open("ab") as output:
            self.process = await asyncio.create_subprocess_exec(
                *self.command,
                cwd=ROOT,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=asyncio.subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=die_with_parent,
            )

    async def until(self, is_ready: Callable[[], bool], bound_s: float) -> None:
        """Wait for a condition that this part has to bring about. Raises `PartFailed`."""
        assert self.process is not None
        try:
            async with asyncio.timeout(bound_s):
                while not await asyncio.to_thread(is_ready):
                    if self.process.returncode is not None:
                        raise PartFailed(f"{self.name} ended with code {self.process.returncode}{self.last_words()}")
                    await asyncio.sleep(LOOK_S)
        except TimeoutError:
            raise PartFailed(f"{self.name} was not ready within {bound_s:.0f} s{self.last_words()}") from None

    def last_words(self) -> str:
        lines = self.log_path.read_text(errors="replace").splitlines()[-6:] if self.log_path.exists() else []
        return "".join(f"\n    {line}" for line in lines)

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.returncode is None

    async def end(self, sign: signal.Signals) -> None:
        process = self.process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(sign)
        try:
            async with asyncio.timeout(STOP_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


@dataclass(slots=True)
class House:
    """Everything that runs, and the ways to break it."""

    folder: Path
    pace: Pace
    broker: Broker
    sabotage: str | None
    server_port: int = field(default_factory=free_port)
    simulator: Part = field(init=False)
    server: Part = field(init=False)
    hub: Part = field(init=False)
    home: Home = field(init=False)
    hub_start_s: float = 0.0
    """How long the hub's process took to answer; a measure of the machine."""

    def __post_init__(self) -> None:
        folder, python = self.folder, sys.executable
        scene = folder / "scene.toml"
        text = SCENE.read_text()
        scene.write_text(text if self.pace.has_airtime else text.replace("airtime = true", "airtime = false"))
        self.home = Home(folder / "home.ctl")
        self.simulator = Part(
            "simulated home",
            [python, "-m", "drivers.simulator", "serve", "--scene", str(scene), "--link", str(folder / "stick"),
             "--control", str(folder / "home.ctl"), "--keys", str(folder / "keys.toml")],
            folder / "home.log",
        )  # fmt: skip
        self.server = Part(
            "Z-Wave JS server",
            [python, "-m", "drivers.zwave.server", "--stick", str(folder / "stick"), "--storage",
             str(folder / "server"), "--keys", str(folder / "keys.toml"), "--port", str(self.server_port)],
            folder / "server.log",
        )  # fmt: skip
        program = ["gateway"] if self.sabotage is None else ["tests.demo.saboteur", self.sabotage]
        self.hub = Part(
            "hub",
            [python, "-m", *program, "--config", str(folder / "hub.toml"), "--log-level", "debug"],
            folder / "hub.log",
        )

    def write_hub_file(self) -> None:
        """Write the hub's configuration: nothing special but short leads and a short patience with the broker."""
        hub = HubFile(
            broker_url=f"mqtt://{self.broker.host}:{self.broker.port}",
            server_url=f"ws://127.0.0.1:{self.server_port}",
            lead_s=self.pace.lead_s,
            locks={door.lock_id: (door.name, door.node) for door in DOORS},
            hub_id=HUB_ID,
            longest_wait_s=LONGEST_WAIT_S,
        )
        text = hub.toml()
        tied = f'[broker]\nprotocol = "{self.broker.protocol}"'
        (self.folder / "hub.toml").write_text(re.sub(r"^\[broker\]$", tied, text, flags=re.MULTILINE))

    async def open(self) -> None:
        """Start all parts; returns when the hub knows all locks. Raises `PartFailed`."""
        self.write_hub_file()
        await self.simulator.start()
        await self.simulator.until((self.folder / "home.ctl").exists, self.pace.ready_s)
        await self.server.start()
        await self.start_hub()

    async def start_hub(self) -> None:
        """Start the hub; returns when it answers and all locks are there."""
        time = asyncio.get_running_loop().time
        began_s = time()
        await self.hub.start()
        await self.hub.until((self.folder / "maint.sock").exists, self.pace.ready_s)
        self.hub_start_s = time() - began_s
        try:
            async with asyncio.timeout(self.pace.ready_s):
                while not await self.has_locks():
                    if not self.hub.is_running:
                        raise PartFailed(f"the hub ended{self.hub.last_words()}")
                    if not self.server.is_running:
                        raise PartFailed(f"the Z-Wave JS server ended{self.server.last_words()}")
                    await asyncio.sleep(LOOK_S)
        except TimeoutError:
            words = self.server.last_words() + self.hub.last_words()
            raise PartFailed(f"the locks did not come within {self.pace.ready_s:.0f} s{words}") from None

    async def has_locks(self) -> bool:
        """Whether the hub's driver has met all locks since its start, by its own word."""
        return f"{len(DOORS)} of {len(DOORS)} locks" in json.dumps(await self._status())

    async def has_all_receipts(self) -> bool:
        """Whether the hub has stored the cloud's receipt of every event: it gathers them for a second."""
        return (await self._status()).get("outbox_count") == 0

    async def _status(self) -> Mapping[str, object]:
        answer = await ask(self.folder / "maint.sock", {"verb": "status"})
        value = None if answer is None else answer.get("value")
        return value if isinstance(value, dict) else {}

    async def kill_hub(self) -> None:
        """As a power cut would."""
        await self.hub.end(signal.SIGKILL)
        (self.folder / "maint.sock").unlink(missing_ok=True)

    async def close(self) -> None:
        for part in (self.hub, self.server, self.simulator):
            await part.end(signal.SIGTERM)

    def sent_to_locks(self) -> Mapping[str, int]:
        """Messages to each lock so far, by the simulator's counters."""
        return {door.name: int(str(self.home.lock_counts(door.name)["to_lock"])) for door in DOORS}

    def logs(self) -> Mapping[str, Path]:
        """What each part printed."""
        return {
            "simulated home": self.simulator.log_path,
            "Z-Wave JS server": self.server.log_path,
            "hub": self.hub.log_path,
            "broker": self.broker.folder / "broker.log",
            "cloud": self.folder / "cloud.log",
        }


@asynccontextmanager
async def running_house(folder: Path, pace: Pace, sabotage: str | None) -> AsyncIterator[House]:
    """A house whose parts are all ended afterwards. Nothing but the broker runs yet."""
    os.umask(0o077)
    with start_broker() as broker:
        house = House(folder, pace, broker, sabotage)
        try:
            yield house
        finally:
            await house.close()
