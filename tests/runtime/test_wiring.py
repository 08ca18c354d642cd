"""The daemon as it is wired: what only shows when the parts are joined."""

import asyncio
import shutil
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

from gateway.cloud.backoff import Pace
from gateway.cloud.broker_settings import BrokerSettings
from gateway.model.clock import ClockTrust
from gateway.model.ids import HubId
from gateway.model.instant import DAY_MS, Instant
from gateway.runtime.clock import TrustSource
from gateway.runtime.config import Config
from gateway.runtime.interval import IntervalClock, KeptTime
from gateway.runtime.wiring import DATABASE_NAME, Gateway, Substitutes
from gateway.store import facts
from tests.cloud.test_tls import Authority
from tests.tlstime.test_ask import THEN_MS, date_answer, serving

LIMIT_S = 20.0


class Dark:
    """A machine in 1970 that hears no time service."""

    def wall_ms(self) -> int:
        return 0

    def uptime_s(self) -> float:
        return asyncio.get_running_loop().time()

    def is_synced(self) -> bool:
        return False


def config_in(folder: Path) -> Config:
    """A hub without locks that looks for nobody."""
    return Config(
        hub_id=HubId("hub-1"),
        zone=ZoneInfo("UTC"),
        state=folder,
        socket=folder / "s",
        broker=BrokerSettings("127.0.0.1", 1, "hub-1"),
        broker_pace=Pace(),
        trust=TrustSource.SERVICE,
        drivers={},
        locks=(),
    )


async def test_c4_a_hub_whose_database_was_put_back_begins_an_epoch_at_its_start_and_at_no_other(
    tmp_path: Path,
) -> None:
    async def start() -> int:
        async with AsyncExitStack() as stack:
            gateway = await Gateway.build(config_in(tmp_path), stack, Substitutes(drivers={}))
            return await gateway.database.read(facts.epoch)

    first = await start()
    copy = shutil.copy(tmp_path / DATABASE_NAME, tmp_path / "copy")
    assert await start() == first
    shutil.copy(copy, tmp_path / DATABASE_NAME)
    second = await start()
    assert second > first
    assert await start() == second


async def test_t2_a_hub_in_1970_hears_the_time_over_verified_tls_and_keeps_it(tmp_path: Path) -> None:
    authority = Authority(tmp_path, "authority")
    clock = IntervalClock(Dark(), KeptTime(Instant(THEN_MS - 3 * DAY_MS)), "boot-1")
    async with serving(authority.issue("web"), date_answer()) as host, AsyncExitStack() as stack:
        config = replace(config_in(tmp_path), time_hosts=(host,), time_ca_file=authority.certificate)
        gateway = await Gateway.build(config, stack, Substitutes(clock=clock, drivers={}))
        async with asyncio.timeout(LIMIT_S), asyncio.TaskGroup() as tasks:
            running = tasks.create_task(gateway.run())
            while await gateway.database.read(facts.high_water) < THEN_MS - DAY_MS:  # noqa: ASYNC110 - a database rings no bell
                await asyncio.sleep(0.02)
            running.cancel()
        assert clock.reading().trust is ClockTrust.BOUNDED
        assert gateway.conditions().clock == "bounded"
