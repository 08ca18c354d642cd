"""The chore of forgetting: erases and prunes what is due, removes copies of older schemas, and sleeps until the next is due (A19).

Nothing that happens from now on can be due sooner than `retention.ERASED_AFTER_MS` from now, so a sleep until the earliest due
instant misses nothing. Wall time may be set forward meanwhile; hence a look at least once a day. While time is not trusted nothing
is looked at, and every start begins so: that lasts minutes, and a hub that is restarted each day must come to its chores too.
"""

import asyncio
import logging

from gateway.model.clock import ClockTrust
from gateway.model.instant import DAY_MS, MINUTE_MS, SECOND_MS, Instant
from gateway.ports import Clock
from gateway.store import retention
from gateway.store.database import Connection, Database

log = logging.getLogger(__name__)

LONGEST_SLEEP_MS = DAY_MS
UNTRUSTED_SLEEP_MS = 10 * MINUTE_MS
BREATH_S = 1.0
"""Between two transactions of a long pruning: orders and workers go first."""


class Housekeeping:
    """Run it beside the rest of the daemon."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            pause_s = await self._tidy()
            await asyncio.sleep(pause_s)

    async def _tidy(self) -> float:
        """Do what is due; returns for how many seconds nothing will be."""
        reading = self._clock.reading()

        # A clock that is not trusted may be wrong either way: what is gone is gone, so it can wait (T1).
        if reading.trust is ClockTrust.UNTRUSTED:
            return UNTRUSTED_SLEEP_MS / SECOND_MS

        def look(con: Connection) -> tuple[Instant | None, Instant | None]:
            # Copies here too: the database's thread may wait for the disk, the event loop may not.
            return retention.next_due(con), retention.forget_copies(self._database.path, reading.lo)

        due, copy_due = await self._database.read(look)
        if due is None or due > reading.lo:
            edges = [edge for edge in (due, copy_due) if edge is not None]
            return min([LONGEST_SLEEP_MS, *(edge - reading.lo for edge in edges)]) / SECOND_MS

        def forget(con: Connection) -> tuple[int, int]:
            return retention.erase(con, reading.lo), retention.prune(con, reading.lo)

        erased, pruned = await self._database.write(forget)
        log.info("housekeeping.done", extra={"erased": erased, "pruned": pruned})
        return BREATH_S
