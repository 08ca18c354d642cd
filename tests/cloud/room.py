"""A hub's cloud room on a real store, for tests: real codec, orders, journal and service; link, clock and chance by choice."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from gateway.cloud.backoff import Pace
from gateway.cloud.broker_settings import BrokerSettings, Protocol
from gateway.cloud.counterpart import Counterpart
from gateway.cloud.link import Link
from gateway.cloud.service import CloudService, CloudSettings
from gateway.cloud.uplink import Uplink
from gateway.model.ids import HubId
from gateway.model.snapshot import LockSettings
from gateway.nudge import Nudges
from gateway.orders.receive import Desk
from gateway.orders.rules import HubRules
from gateway.store import facts
from gateway.store.database import Database
from gateway.store.seal import HubKeys, PinSeal
from tests.brokers import Broker
from tests.builders import FRONT, LEAD_MS, FakeClock, SeededEntropy

HUB = HubId("hub-1")
EPOCH = 7
KEYS = HubKeys.derive(b"s" * 32)
QUICK = Pace(first_s=0.02, longest_s=0.2)


def make_desk(seed: int = 1) -> Desk:
    entropy = SeededEntropy(seed)
    return Desk(HubRules({FRONT: LockSettings(LEAD_MS)}), PinSeal(KEYS, entropy.token), entropy)


@asynccontextmanager
async def open_store(folder: Path) -> AsyncIterator[Database]:
    """The hub's database in a folder, with its epoch begun."""
    async with await Database.open(folder / "hub.db", KEYS.page_key) as db:
        await db.write(lambda con: facts.begin_epoch(con, EPOCH))
        yield db


def make_service(
    db: Database, link: Link, *, nudges: Nudges | None = None, patience_s: float = 5.0, clock: FakeClock | None = None
) -> CloudService:
    return CloudService(
        db=db,
        link=link,
        hub_id=HUB,
        desk=make_desk(),
        clock=clock or FakeClock(),
        nudges=nudges or Nudges(),
        settings=CloudSettings(pace=QUICK, receipt_patience_s=patience_s, versions={"gateway": "test"}),
    )


def uplink(broker: Broker, client_id: str = HUB, protocol: Protocol | None = None) -> Uplink:
    return Uplink(BrokerSettings(broker.host, broker.port, client_id, protocol or Protocol(broker.protocol)))


def make_cloud(broker: Broker, *, repeat_s: float | None = 5.0) -> Counterpart:
    return Counterpart(
        link=uplink(broker, "cloud"), hub_id=HUB, entropy=SeededEntropy(2), pace=QUICK, repeat_s=repeat_s
    )


@asynccontextmanager
async def running(*services: CloudService | Counterpart) -> AsyncIterator[None]:
    """The services as tasks; cancelled at the end, which is a clean stop."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(service.run()) for service in services]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
