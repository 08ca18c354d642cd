"""Asks for the time while nobody knows it, and passes on what is of use (T2). While time is known it asks nobody."""

import asyncio
import logging

from gateway.model.clock import ClockTrust
from gateway.model.events import Event, EventKind, Fact
from gateway.model.instant import format_instant
from gateway.model.lock_clock import TimeTold
from gateway.nudge import CLOCK_BELL, OUTBOX_BELL, Nudges
from gateway.ports import Entropy, GuardedClock, TimeWitness
from gateway.store import journal
from gateway.store.database import Database

log = logging.getLogger(__name__)

LOOK_EVERY_S = 30.0
"""How often the clock is looked at while time is known: a look costs nothing and stores nothing."""

FIRST_WAIT_S = 5.0
LONGEST_WAIT_S = 600.0
"""Bounds of the wait between two questions: the network comes up seconds after a boot, and strangers are not to be pestered."""


class TimeSeeker:
    """Looks for the time beside the rest of the daemon."""

    def __init__(
        self, witness: TimeWitness, clock: GuardedClock, database: Database, nudges: Nudges, entropy: Entropy
    ) -> None:
        self._witness = witness
        self._clock = clock
        self._database = database
        self._nudges = nudges
        self._entropy = entropy

    async def run(self) -> None:
        """Work until cancelled."""
        wait_s = FIRST_WAIT_S
        while True:
            if self._clock.reading().trust is not ClockTrust.UNTRUSTED:
                wait_s = FIRST_WAIT_S
                await asyncio.sleep(LOOK_EVERY_S)
                continue
            if not await self._seek():
                # Between half and all of the wait: hubs of one power cut do not come in step.
                await asyncio.sleep(wait_s * (1 + self._entropy.fraction()) / 2)
                wait_s = min(wait_s * 2, LONGEST_WAIT_S)

    async def _seek(self) -> bool:
        """Ask once; returns whether the hub knows the time now."""
        told = await self._witness.tell()
        if told is None or not self._clock.bound(told.at, told.slack_ms):
            return False
        log.info("tlstime.told", extra={"slack_ms": told.slack_ms})
        await self._note(told)
        return True

    async def _note(self, told: TimeTold) -> None:
        body: dict[str, Fact] = {"source": "tls", "at": format_instant(told.at), "slack_ms": told.slack_ms}
        at = self._clock.reading().lo
        try:
            await self._database.write(lambda con: journal.append(con, Event(EventKind.HUB_TIME_SET, body=body), at))
        finally:
            self._nudges.ring(CLOCK_BELL)
            self._nudges.ring_locks()
            self._nudges.ring(OUTBOX_BELL)
