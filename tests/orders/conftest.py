"""An order desk over a database of its own."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.model.access_code import Origin
from gateway.model.commands import Command, Order, Receipt
from gateway.model.ids import CommandId
from gateway.model.instant import Instant
from gateway.model.snapshot import LockSettings
from gateway.orders.receive import Desk, receive
from gateway.orders.rules import HubRules
from gateway.store import journal
from gateway.store.database import Connection, Database
from gateway.store.seal import HubKeys, PinSeal
from tests.builders import FRONT, LEAD_MS, NOON, SeededEntropy


@dataclass
class Room:
    """Orders in, receipts and events out."""

    database: Database
    desk: Desk
    count: int = 0

    async def order(
        self,
        command: Command,
        *,
        kind: str = "access_code.create",
        at: Instant = NOON,
        command_id: str = "",
        body: bytes = b"",
    ) -> Receipt:
        self.count += 1
        order = Order(
            CommandId(command_id or f"order-{self.count}"), kind, Origin.CLOUD, body or bytes([self.count]), command
        )
        return await self.database.write(lambda con: receive(con, order, self.desk, at))

    async def events(self) -> list[tuple[str, object]]:
        def read(con: Connection) -> list[tuple[str, object]]:
            return [(event.event.kind.value, event.event.body.get("reason")) for event in journal.outbox(con, 0, 100)]

        return await self.database.read(read)


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    keys = HubKeys.derive(b"s" * 32)
    entropy = SeededEntropy()
    desk = Desk(HubRules({FRONT: LockSettings(LEAD_MS)}), PinSeal(keys, entropy.token), entropy)
    async with await Database.open(tmp_path / "hub.db", keys.page_key) as database:
        yield Room(database, desk)
