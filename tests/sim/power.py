"""The hub's power and its disk: a database that works in place, and a plug that can be pulled at any commit.

A transaction of the gateway is a function, so it runs here between two turns of the loop: before it, as if it waited for
the database thread; after it, as if its result were on the way back. Both are moments at which other tasks run, the caller
may be cancelled, or the power may go. What was committed then stays, and nothing else does.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import cast, override

from gateway.store import database
from gateway.store.database import Connection, Database
from gateway.store.migrate import migrate


class Disk:
    """The bytes that outlive the power: one SQLite database in memory."""

    def __init__(self) -> None:
        self.connection: Connection = database.connect(Path(":memory:"))
        self.connection.execute("PRAGMA foreign_keys = ON")
        migrate(self.connection, Path(":memory:"))
        self.commits = 0


class Power:
    """One life of the hub, from plugging in to pulling out.

    `cut_after` pulls the plug at the n-th commit from now: with `is_lost` just before it, else just after, before anybody
    has heard of it.
    """

    def __init__(self, on_cut: Callable[[], None]) -> None:
        self.is_on = True
        self._on_cut = on_cut
        self._cut_at: int | None = None
        self._is_lost = False

    def cut(self) -> None:
        """Now."""
        if self.is_on:
            self.is_on = False
            self._on_cut()

    def cut_after(self, commits: int, *, is_lost: bool) -> None:
        self._cut_at, self._is_lost = commits, is_lost

    def spare(self) -> None:
        """Nobody pulls the plug any more."""
        self._cut_at = None

    def before_commit(self) -> None:
        if self._cut_at is not None:
            self._cut_at -= 1
            if self._cut_at <= 0 and self._is_lost:
                self.cut()

    def after_commit(self) -> None:
        if self._cut_at is not None and self._cut_at <= 0:
            self.cut()

    async def fails(self) -> None:
        """Without power nothing goes on; the task is swept away by its canceller.

        One that was being stopped already, when the plug was pulled, has had its canceller.
        """
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise asyncio.CancelledError
        await asyncio.get_running_loop().create_future()


class InPlaceDatabase(Database):
    """The gateway's database, on this world's disk."""

    def __init__(self, disk: Disk, power: Power, on_commit: Callable[[], None]) -> None:
        self.path = Path(":memory:")
        self._disk = disk
        self._power = power
        self._on_commit = on_commit

    @override
    async def _run[**P, T](self, function: Callable[..., T], *arguments: object) -> T:
        power = self._power
        await asyncio.sleep(0)
        if not power.is_on:
            await power.fails()
        is_write = function is cast("object", database._writing)
        if is_write:
            power.before_commit()
            if not power.is_on:
                await power.fails()
        result = function(self._disk.connection, *arguments)
        if is_write:
            self._disk.commits += 1
            self._on_commit()
            power.after_commit()
        await asyncio.sleep(0)
        if not power.is_on:
            await power.fails()
        return result

    @override
    async def close(self) -> None:
        """The disk stays."""
