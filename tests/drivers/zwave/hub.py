"""A running driver on the fake server, for tests."""

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from drivers.zwave.driver import ZWaveDriver, open_driver
from gateway.model.ids import LockId
from gateway.model.pin import Pin
from gateway.model.reports import (
    Report,
)
from gateway.ports import Arrival, Departure, DriverSettings, HouseholdPort, LockAddress, LockPort
from tests.drivers.zwave import states
from tests.drivers.zwave.fake_server import Answer, FakeServer
from tests.drivers.zwave.states import Json

FRONT = LockId("front")
BOUND_S = 10.0
PIN = Pin("847261")


class FixedEntropy:
    def token(self, count: int) -> bytes:
        return bytes(range(count))

    def fraction(self) -> float:
        return 0.0


@dataclass
class Hub:
    """A running driver and what it announced."""

    driver: ZWaveDriver
    server: FakeServer
    tasks: asyncio.TaskGroup
    comings: AsyncIterator[Arrival | Departure]
    seen: list[Report] = field(default_factory=list)

    async def arrival(self) -> LockPort:
        coming = await self.coming()
        assert isinstance(coming, Arrival), coming
        return coming.port

    async def departure(self) -> Departure:
        coming = await self.coming()
        assert isinstance(coming, Departure), coming
        return coming

    async def coming(self) -> Arrival | Departure:
        async with asyncio.timeout(BOUND_S):
            return await anext(self.comings)

    def listen(self, port: LockPort) -> None:
        async def collect() -> None:
            async for report in port.reports():
                self.seen.append(report)

        self.tasks.create_task(collect())

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(BOUND_S):
            while not holds():  # noqa: ASYNC110 - the condition belongs to the driver, which rings no bell for tests
                await asyncio.sleep(0.005)


def lock_address(node: int = 2, **more: object) -> LockAddress:
    return LockAddress(FRONT, "Front door", {"node": node, **more})


@contextlib.asynccontextmanager
async def hub(
    server: FakeServer,
    *locks: LockAddress,
    storage: Path | None = None,
    household: HouseholdPort | None = None,
    is_in_utc: bool = True,
) -> AsyncIterator[Hub]:
    with tempfile.TemporaryDirectory(prefix="hub") as folder:
        expected = locks or (() if household is not None else (lock_address(),))
        async with _hub(server, expected, storage or Path(folder), household, is_in_utc=is_in_utc) as here:
            yield here


@contextlib.asynccontextmanager
async def _hub(
    server: FakeServer, locks: Sequence[LockAddress], storage: Path, household: HouseholdPort | None, *, is_in_utc: bool
) -> AsyncIterator[Hub]:
    settings = DriverSettings(
        {"url": server.url, "server_in_utc": is_in_utc}, locks, FixedEntropy(), str(storage), household=household
    )
    driver = open_driver(settings)
    async with asyncio.TaskGroup() as group:
        running_driver = group.create_task(driver.run())
        hub = Hub(driver, server, group, driver.locks())
        try:
            yield hub
        finally:
            running_driver.cancel()
            await asyncio.wait([running_driver])
            for port in driver.ports():
                port.close("test is over")


def four_slots() -> list[Json]:
    return states.slots({1: (1, "4711"), 2: (0, ""), 3: (1, "****"), 4: (None, None)})


def answers(result: object) -> Answer:
    async def answer(_command: Json) -> object:
        return result

    return answer
