"""Tells the service manager that the daemon works, and only while it does.

A beat is earned, never given: the event loop has to come round, the store has to carry out a transaction on its writing side, and no
worker may hang. A beat that is not earned is not sent; the service manager's patience then ends the process, and the next life goes on
from the store. What hangs is told in the log first.

The transaction changes nothing, so SQLite writes nothing. What is not asked: whether locks, stick, server or broker are there. Those
are states to report, and no restart of the daemon would bring them back.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence

from gateway.model.ids import LockId
from gateway.runtime.notify import ALIVE, READY, ServiceManager
from gateway.store.database import Database

log = logging.getLogger(__name__)

UNWATCHED_S = 30.0
"""Patience that is assumed for the first beat where nobody watches."""

BEATS_IN_PATIENCE = 3
"""A beat may be late by two thirds of the patience before anybody is killed; sd_watchdog_enabled(3) asks for two at least."""


class Watchdog:
    """Run it beside the daemon. `hanging` names the workers that do not move, `status` says in one line how the hub is."""

    def __init__(
        self,
        manager: ServiceManager,
        database: Database,
        hanging: Callable[[], Sequence[LockId]],
        status: Callable[[], str],
    ) -> None:
        self._manager = manager
        self._database = database
        self._hanging = hanging
        self._status = status

    async def run(self) -> None:
        """Say that the daemon is ready as soon as it works, then beat until cancelled; not longer than anybody listens."""
        if self._manager.address is None:
            return
        interval_s = (self._manager.patience_s or UNWATCHED_S) / BEATS_IN_PATIENCE
        greeting: tuple[str, ...] = (READY,)
        while True:
            if (fault := await self._fault(interval_s)) is None:
                self._manager.tell(*greeting, ALIVE, f"STATUS={self._status()}")
                greeting = ()
                if self._manager.patience_s is None:
                    return
            else:
                log.error("watchdog.beat.withheld", extra={"cause": fault})
                self._manager.tell(f"STATUS={fault}")
            await asyncio.sleep(interval_s)

    async def _fault(self, limit_s: float) -> str | None:
        """What does not work; None when all does."""
        if locks := self._hanging():
            return f"these locks' workers hang: {', '.join(locks)}"
        try:
            async with asyncio.timeout(limit_s):
                await self._database.write(lambda _: None)
        except TimeoutError:
            return f"the store did not carry out a transaction within {limit_s:.0f} s"
        return None
