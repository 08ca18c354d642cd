"""A house on virtual time without faults or auditors: the real gateway, its database in a file, a cloud that only listens.

For figures that take days, of which a process in real time would see too few.
"""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import override

from drivers.simulator.lock.firmware import Refusal
from drivers.simulator.lock.profiles import LockModel, shipped_model
from gateway.cloud.counterpart import Counterpart
from gateway.cloud.report import EventReceipt
from gateway.model.events import Fact
from gateway.model.ids import CommandId
from gateway.runtime.wiring import SECRET_NAME
from gateway.store import database
from gateway.store.migrate import migrate
from gateway.store.seal import HubKeys, load_secret
from tests.builders import SeededEntropy
from tests.sim.broker import Habits, SimBroker, SimLink
from tests.sim.clock import TrueTime
from tests.sim.doors import Change, Door, Verb
from tests.sim.hub import HUB, Hub, Place
from tests.sim.loop import VirtualLoop
from tests.sim.power import Disk

DAY_S = 86_400.0
SETTLED_S = 60.0
"""After this long a quiet house has done what it was asked."""


class FileDisk(Disk):
    """A disk of its own: the database as a device has it, pages, log and checks included."""

    def __init__(self, path: Path, page_key: bytes) -> None:
        self._file = database.connect(path)
        self.connection = self._file
        database._set_up(self.connection, page_key)
        migrate(self.connection, path)
        self.commits = 0

    def close(self) -> None:
        self._file.close()


class CountingLoop(VirtualLoop):
    """Counts how often everything had slept and a timer woke it: what the machine would have been woken for."""

    def __init__(self, seed: object = 0) -> None:
        super().__init__(seed)
        self.wake_ups = 0

    @override
    def _jump(self) -> None:
        super()._jump()
        self.wake_ups += 1


class QuietHouse(Hub):
    """A hub and its locks with nothing going wrong. `calls` counts what was asked of all locks."""

    def __init__(self, folder: Path, tasks: asyncio.TaskGroup, models: Sequence[LockModel]) -> None:
        self.loop = asyncio.get_running_loop()
        true = TrueTime(self.loop.time)
        broker = SimBroker(random.Random(1), Habits())
        doors = {
            f"lock-{number}": Door(f"lock-{number}", model, self, random.Random(number))
            for number, model in enumerate(models, 1)
        }
        entropy = SeededEntropy()
        keys = HubKeys.derive(load_secret(folder / SECRET_NAME, entropy.token))
        super().__init__(Place(folder, tasks, true, broker, doors, entropy))
        self.files = FileDisk(folder / "hub.db", keys.page_key)
        self.disk = self.files
        self.calls: Counter[Verb] = Counter()
        self.cloud = Counterpart(
            link=SimLink(broker, "cloud"), hub_id=HUB, entropy=entropy, received_up_to=EventReceipt(true.now(), 0)
        )

    async def applied(self, kind: str, bodies: Sequence[Mapping[str, Fact]]) -> None:
        """Give orders and wait until each was carried out."""
        for command_id in [self.cloud.order(kind, body) for body in bodies]:
            ended = await self.cloud.ended(CommandId(command_id), 3600)
            assert ended.kind == "command.applied", ended

    @override
    def disturbed(self, what: str, /, **facts_: object) -> None:
        """Nothing disturbs a quiet house but its being switched on and off."""

    @override
    def on_commit(self) -> None:
        """Nobody looks on."""

    def on_call(self, door: Door, verb: Verb, slot: int | None, pin: str | None) -> None:
        """A lock is asked something."""
        self.calls[verb] += 1

    def on_change(self, door: Door, change: Change) -> None:
        """A lock's memory changed."""

    def on_refusal(self, door: Door, slot: int, pin: str, why: Refusal) -> None:
        """A lock did not take a PIN: none may be refused here."""
        msg = f"{door.lock_id} refused slot {slot}: {why}"
        raise AssertionError(msg)

    def on_disturbance(self, door: Door, what: str) -> None:
        """Nothing disturbs a quiet house."""


@asynccontextmanager
async def quiet_house(count: int, model: LockModel | None = None) -> AsyncIterator[QuietHouse]:
    """A quiet house with so many locks of one kind, its hub running."""
    with TemporaryDirectory(prefix="keypad-house-") as folder:
        async with asyncio.TaskGroup() as tasks:
            house = QuietHouse(Path(folder), tasks, [model or shipped_model("plain_v1")] * count)
            listening = tasks.create_task(house.cloud.run(), name="cloud")
            house.plug_in()
            await asyncio.sleep(SETTLED_S)
            yield house
            await house.stop()
            listening.cancel()
            house.files.close()


@contextmanager
def written() -> Iterator[Counter[str]]:
    """How many bytes this process gave to the system to write meanwhile, under "bytes"."""
    found: Counter[str] = Counter()
    before = _wchar()
    yield found
    found["bytes"] = _wchar() - before


def _wchar() -> int:
    text = Path("/proc/self/io").read_text(encoding="ascii")
    return int(next(line for line in text.splitlines() if line.startswith("wchar")).split()[1])


def stay(number: int, lock_id: str) -> dict[str, Fact]:
    """An order for a code with a PIN of its own."""
    return {
        "access_code_id": f"stay-{number}",
        "device_id": lock_id,
        "name": f"Guest {number}",
        "code": f"{(number * 7919) % 900_000 + 100_000}",
    }
