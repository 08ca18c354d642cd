"""A reception over a fake broker and a real store, or over one that is sick."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import override

import aiosqlite

from gateway.cloud.backoff import Pace
from gateway.cloud.reception import InboxReception
from gateway.nudge import Nudges
from gateway.store import journal
from gateway.store.database import Connection, Database
from gateway.store.journal import StoredEvent
from tests.builders import FRONT, FakeClock
from tests.cloud.fakes import FakeConnection
from tests.cloud.room import HUB, make_desk

CREATE = {"access_code_id": "ac-1", "device_id": FRONT, "code": "271828"}


class SickDatabase(Database):
    """A database whose writes fail as often as the test says."""

    failures = 0
    failed = 0

    def __init__(self, engine: aiosqlite.Connection, path: Path) -> None:
        super().__init__(engine, path)
        self.has_failed_often = asyncio.Event()

    @override
    async def write[T](self, change: Callable[[Connection], T]) -> T:
        if self.failures > 0:
            self.failures -= 1
            self.failed += 1
            if self.failed == 10:
                self.has_failed_often.set()
            msg = "database or disk is full"
            raise OSError(msg)
        return await super().write(change)


class FullDisk(Database):
    """A disk without room: a transaction that changes nothing needs none, and succeeds."""

    refusals = 0

    @override
    async def write[T](self, change: Callable[[Connection], T]) -> T:
        def without_room(con: Connection) -> T:
            before = con.total_changes
            result = change(con)
            if self.refusals > 0 and con.total_changes != before:
                self.refusals -= 1
                msg = "database or disk is full"
                raise OSError(msg)
            return result

        return await super().write(without_room)


class Inbox:
    """A store, a reception, and a connection that feeds it."""

    def __init__(self, db: Database, gather_s: float = 0.0) -> None:
        self.db = db
        self.nudges = Nudges()
        self.clock = FakeClock()
        self.connection = FakeConnection()
        self.reception = InboxReception(
            db=db,
            hub_id=HUB,
            desk=make_desk(),
            clock=self.clock,
            nudges=self.nudges,
            pace=Pace(first_s=0.001, longest_s=0.002),
            gather_s=gather_s,
        )

    @asynccontextmanager
    async def open(self) -> AsyncIterator[FakeConnection]:
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(self.reception.run()),
                group.create_task(self.reception.feed(self.connection)),
            ]
            try:
                yield self.connection
            finally:
                for task in tasks:
                    task.cancel()

    async def events(self) -> tuple[StoredEvent, ...]:
        return await self.db.read(lambda con: journal.outbox(con, 0, 1_000))

    async def kinds(self) -> list[str]:
        return [stored.event.kind.value for stored in await self.events()]
