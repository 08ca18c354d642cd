"""The worker of one lock: look, do the one most urgent thing, look again, sleep until something can change.

It has no memory of its own: everything it knows is read from the store at each look, so a worker that was killed at any
point, or restarted after a crash, goes on as if it had never stopped. (The last look is kept for as long as nothing at all was
written since, which saves reading the same twice.)
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

from gateway.fleet import reports, steps
from gateway.fleet.airtime import Lane, Turn
from gateway.fleet.executor import NotSent, perform
from gateway.fleet.looks import Bench, Look, look
from gateway.fleet.pulse import Pulse
from gateway.fleet.steps import Done, Intent, Step
from gateway.model.answers import Listing
from gateway.model.clock import ClockTrust
from gateway.model.instant import SECOND_MS, Instant
from gateway.model.lock_clock import TimeTold
from gateway.nudge import CLOCK_BELL, OUTBOX_BELL, Nudges, lock_bell
from gateway.planner.actions import Action, ClearSlot, ListSlots
from gateway.planner.plan import Plan
from gateway.ports import Clock, Entropy, GuardedClock, LockPort
from gateway.store import journal
from gateway.store.database import Database

log = logging.getLogger(__name__)

NAP_S = 3_600.0
"""Longest sleep without a look at the clock: a time service slews by at most 500 ppm (adjtimex(2)), 2 s in an hour. Steps and
changes of trust are the keeper of the time's to notice, who rings. A nap reads nothing and stores nothing."""

ABSENCE_GRACE_S = 60.0
"""A lock whose driver is away this long is reported as disconnected. A restart of the Z-Wave server takes about 4 s
and a replugged stick up to 15 s (our measurements); neither is worth an alarm."""


LISTING_AGAIN_MS = 15 * SECOND_MS
"""How long after a first listing that failed the next one is tried, as for any first repetition (A8)."""


@dataclass(frozen=True, slots=True)
class House:
    """What every worker shares."""

    database: Database
    clock: Clock
    entropy: Entropy
    nudges: Nudges


class Worker:
    """Keeps one lock as it is wanted. `port` is set and taken away by the supervisor."""

    def __init__(self, bench: Bench, house: House, lane: Lane) -> None:
        self._bench = bench
        self._house = house
        self._lane = lane
        self._bell = lock_bell(bench.lock_id)
        self._port: LockPort | None = None
        self._absent_since: float | None = None
        self._is_absence_told = False
        self._trust: ClockTrust | None = None
        self._last: Look | None = None
        self.pulse = Pulse()

    def attach(self, port: LockPort | None) -> None:
        """The lock came (a port) or went (None). Takes effect at the next look."""
        self._port = port
        self._absent_since = None
        self._is_absence_told = False
        self._house.nudges.ring(self._bell)

    @property
    def is_away(self) -> bool:
        """Whether there is no way to the lock now."""
        return self._port is None

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            wake_at = await self._look()
            await self._sleep(wake_at)

    async def _look(self) -> Instant | None:
        """Settle and act until nothing is left to do now; returns when to look again."""
        found = await self._peek()
        await self._forecast(found)
        while found is not None:
            has_work = self._port is not None and found.head is not None
            if not found.is_settled and not (has_work and self._lane.is_free):
                # What is to be told does not wait for the lane; where there is no wait, it goes into the commit of the intent.
                step = await self._advance(None, may_act=_not_now)
                found = None if step is None else step.plan
            elif has_work and found.head is not None:
                self.pulse.beat(is_queued=True)
                async with self._lane.turn(found.head) as turn:
                    found = await self._use(turn)
            else:
                return found.wake_at
        return None

    async def _use(self, turn: Turn) -> Plan | None:
        """Use the radio while there is work and nothing more urgent waits."""
        step = await self._advance(None, may_act=self._may_act)
        while step is not None and step.intent is not None and (port := self._port) is not None:
            done = await self._perform(port, step.intent)
            if isinstance(done.action, ListSlots) and not isinstance(done.result, Listing):
                return self._without_listing(
                    step.plan, done.result.retry_after_ms if isinstance(done.result, NotSent) else None
                )
            step = await self._advance(done, may_act=lambda action: self._may_act(action) and turn.may_go_on(action))
        return None if step is None else step.plan

    def _without_listing(self, found: Plan, retry_after_ms: int | None) -> Plan:
        """Nothing is kept of a listing that failed or never ended, so the wait for the next one is kept here."""
        wait_ms = LISTING_AGAIN_MS if retry_after_ms is None else retry_after_ms
        again_at = Instant(self._house.clock.reading().lo + wait_ms)
        wake_at = again_at if found.wake_at is None else min(again_at, found.wake_at)
        return replace(found, head=None, wake_at=wake_at)

    async def _forecast(self, found: Plan | None) -> None:
        """Tell ahead when the removals that are due are more than the radio can do in time (A9)."""
        at = self._house.clock.reading().lo
        news = self._lane.backlog.note(self._bench.lock_id, None if self.is_away else found, at)
        if news is not None:
            await self._house.database.write(lambda con: journal.append(con, news, at))
            self._house.nudges.ring(OUTBOX_BELL)

    def _may_act(self, action: Action) -> bool:
        return self._port is not None

    async def _perform(self, port: LockPort, intent: Intent) -> Done:
        loop = asyncio.get_running_loop()
        started = loop.time()
        result = await perform(port, intent.action, intent.pin, self._house.clock, old_pin=intent.old_pin)
        took_ms = round((loop.time() - started) * 1000)
        if isinstance(intent.action, ClearSlot):
            self._lane.backlog.took(took_ms)
        if isinstance(result, TimeTold) and isinstance(self._house.clock, GuardedClock):
            is_of_use = self._house.clock.bound(result.at, result.slack_ms)
            log.info("fleet.time.told", extra={"lock": self._bench.lock_id, "is_of_use": is_of_use})
            self._house.nudges.ring(CLOCK_BELL)
        log.info(
            "fleet.action.ended",
            extra={
                "lock": self._bench.lock_id,
                "action": type(intent.action).__name__,
                "slot": steps.slot_of(intent.action),
                "reason": intent.action.reason.value,
                "result": type(result).__name__,
                "took_ms": took_ms,
            },
        )
        return Done(intent.action, result, intent.before, port.profile, took_ms)

    async def _peek(self) -> Plan | None:
        self.pulse.beat()
        reading = self._house.clock.reading()
        self._trust = reading.trust
        last = self._last
        self._last = await self._house.database.read(lambda con: look(con, self._bench, reading, last))
        return None if self._last is None else self._last.plan

    async def _advance(self, done: Done | None, *, may_act: Callable[[Action], bool]) -> Step | None:
        self.pulse.beat()
        reading = self._house.clock.reading()
        chance, last = self._house.entropy.fraction(), self._last
        step = await self._house.database.write(
            lambda con: steps.advance(con, self._bench, reading, done=done, may_act=may_act, chance=chance, last=last)
        )
        self._last = None if step is None else step.look
        if step is not None and step.has_news:
            self._house.nudges.ring(OUTBOX_BELL)
        return step

    async def _sleep(self, wake_at: Instant | None) -> None:
        """Sleep until rung, until `wake_at` by the wall clock, until the clock's trust changes, or an absence is to be told."""
        while True:
            reading = self._house.clock.reading()
            now = reading.lo
            if reading.trust is not self._trust or (wake_at is not None and now >= wake_at):
                return
            nap_s = NAP_S if wake_at is None else min(NAP_S, (wake_at - now) / 1000)
            if self._port is None and not self._is_absence_told:
                nap_s = min(nap_s, await self._absence_left_s())
            self.pulse.beat(sleeps_s=nap_s)
            if await self._house.nudges.wait(self._bell, nap_s):
                return

    async def _absence_left_s(self) -> float:
        """Seconds until an absent lock is reported; reports it when none are left."""
        loop = asyncio.get_running_loop()
        if self._absent_since is None:
            self._absent_since = loop.time()
        left_s = self._absent_since + ABSENCE_GRACE_S - loop.time()
        if left_s > 0:
            return left_s
        at, lock_id = self._house.clock.reading().lo, self._bench.lock_id
        cause = "the lock's driver has no connection to it"
        await self._house.database.write(
            lambda con: reports.set_reachable(con, lock_id, at, is_reachable=False, cause=cause)
        )
        self._is_absence_told = True
        self._house.nudges.ring(OUTBOX_BELL)
        return NAP_S


def _not_now(_: Action) -> bool:
    return False
