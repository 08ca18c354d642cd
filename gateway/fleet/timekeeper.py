"""Watches the hub's own time: tells when nobody knows it, judges its steps, keeps its mark on disk (T1 to T3).

Level-based like the rest: what was told last is kept beside the events, so that a restart tells nothing twice. The workers
need none of this to be safe: `lo` is held by the clock itself, and a code's place in time is the planner's.
"""

import asyncio
import logging
from dataclasses import dataclass

from gateway.fleet.worker import House
from gateway.model.clock import ClockAnchor, ClockReading, ClockStep, ClockTrust
from gateway.model.events import Event, EventKind, Fact
from gateway.model.instant import DAY_MS, HOUR_MS, SECOND_MS, Instant, format_instant
from gateway.nudge import CLOCK_BELL, OUTBOX_BELL, Nudges
from gateway.ports import AnchoredClock, GuardedClock
from gateway.store import facts, hub_time, journal
from gateway.store.database import Connection

log = logging.getLogger(__name__)

LOOK_EVERY_S = 30.0
"""Without a bell the clock is looked at this often, since no kernel tells when its time service is heard; the workers are
rung when what they sleep by has changed. A look at a calm clock reads and stores nothing, and one in doubt stores nothing that is
kept already."""

STEP_RUNG_MS = SECOND_MS
"""`lo` that is this much further than uptime explains has stepped: workers who sleep by it are rung."""

HIGH_WATER_EVERY_MS = 10 * 60 * 1000
"""How often time is kept on disk: a hub that loses power starts at most ten minutes behind (T1)."""

STEP_CODES_MAX = 3
STEP_SHARE = 0.2
STEP_MAX_MS = DAY_MS
"""A step is suspect when it would end more than 3 and more than 20 % of the codes, or is longer than a day (T3)."""

LAST_CALL_MS = 2 * HOUR_MS
"""How long before codes leave for want of the time people hear of it again (T2)."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """What holds now about the hub's time, as one word with its particulars; no word when all is well."""

    word: str
    kind: EventKind
    body: dict[str, Fact]


class Timekeeper:
    """Looks after the clock of this hub. `untrusted_stay_ms` is the setting of rule T2."""

    def __init__(self, house: House, untrusted_stay_ms: int) -> None:
        self._house = house
        self._stay_ms = untrusted_stay_ms
        self._kept: tuple[ClockTrust, Instant | None, bool] | None = None
        self._kept_at = Instant(0)
        self._seen: ClockReading | None = None
        self._seen_s = 0.0
        self._is_told_well = False

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            await self._look()
            await self._house.nudges.wait(CLOCK_BELL, LOOK_EVERY_S)

    async def _look(self) -> None:
        clock = self._house.clock
        reading = clock.reading()
        # While a step is held, time is not trusted.
        is_guarded = reading.trust is not ClockTrust.TRUSTED and isinstance(clock, GuardedClock)
        step = clock.step() if is_guarded and isinstance(clock, GuardedClock) else None
        has_moved = self._has_moved(reading)
        if has_moved:
            self._house.nudges.ring_locks()
        state = (reading.trust, reading.untrusted_since, step is None)
        is_kept = state == self._kept and not has_moved and reading.lo - self._kept_at < HIGH_WATER_EVERY_MS
        if is_kept and (self._is_told_well or not await self._is_news(reading, step)):
            return
        anchor = clock.anchor() if isinstance(clock, AnchoredClock) else None
        has_news, is_harmless = await self._house.database.write(lambda con: self._keep(con, reading, step, anchor))
        self._kept, self._kept_at = state, reading.lo
        self._is_told_well = await self._house.database.read(_is_told_well)
        if is_harmless and isinstance(clock, GuardedClock):
            clock.take_step()
            self._house.nudges.ring_locks()
            log.info("clock.step.taken", extra={"step_ms": 0 if step is None else step.to - step.lo})
        if has_news:
            self._house.nudges.ring(OUTBOX_BELL)

    def _has_moved(self, reading: ClockReading) -> bool:
        """Whether time is trusted otherwise than at the last look, or has moved by itself: what the workers sleep by is another."""
        before, now_s = self._seen, asyncio.get_running_loop().time()
        elapsed_ms = (now_s - self._seen_s) * 1000
        self._seen, self._seen_s = reading, now_s
        if before is None:
            return False
        return before.trust is not reading.trust or abs(reading.lo - before.lo - elapsed_ms) >= STEP_RUNG_MS

    async def _is_news(self, reading: ClockReading, step: ClockStep | None) -> bool:
        """Whether the alarm that holds now is another than was told, or a step that is held has become harmless."""

        def look(con: Connection) -> bool:
            alarm, is_harmless = _judged(con, reading, step, self._stay_ms)
            return is_harmless or _word(alarm) != hub_time.told(con)

        return await self._house.database.read(look)

    def _keep(
        self, con: Connection, reading: ClockReading, step: ClockStep | None, anchor: ClockAnchor | None
    ) -> tuple[bool, bool]:
        """One transaction: the mark, and the alarm that holds now if it is another. Whether it is, and whether a step is harmless."""
        # `lo` is true at every level of trust: it rises by trusted time and by uptime, and never goes back (T1).
        facts.raise_high_water(con, reading.lo)
        hub_time.set_untrusted_since(con, reading.untrusted_since)
        if anchor is not None:
            hub_time.set_anchor(con, anchor)
        alarm, is_harmless = _judged(con, reading, step, self._stay_ms)
        if _word(alarm) == hub_time.told(con):
            return False, is_harmless
        hub_time.set_told(con, _word(alarm))
        if alarm is not None:
            event = Event(alarm.kind, body=alarm.body)
        else:
            event = Event(EventKind.HUB_CLOCK_KNOWN, body={"trust": reading.trust.value})
        journal.append(con, event, reading.lo)
        return True, is_harmless


def is_suspect(con: Connection, step: ClockStep) -> bool:
    """Whether a step would remove so much, or is so long, that it is held until a person confirms it (T3)."""
    ending, count = hub_time.ending_between(con, step.lo, step.to), hub_time.on_locks(con)
    return step.to - step.lo > STEP_MAX_MS or (ending > STEP_CODES_MAX and ending > STEP_SHARE * count)


def ring_all(nudges: Nudges) -> None:
    """Time has moved by itself: the keeper and every worker look again."""
    nudges.ring(CLOCK_BELL)
    nudges.ring_locks()


def _is_told_well(con: Connection) -> bool:
    return hub_time.told(con) == "" and hub_time.untrusted_since(con) is None


def _judged(con: Connection, reading: ClockReading, step: ClockStep | None, stay_ms: int) -> tuple[Alarm | None, bool]:
    """The alarm that holds now, and whether the step that is held is harmless."""
    is_harmless = step is not None and not is_suspect(con, step)
    return _alarm(con, reading, None if is_harmless else step, stay_ms), is_harmless


def _word(alarm: Alarm | None) -> str:
    return "" if alarm is None else alarm.word


def _alarm(con: Connection, reading: ClockReading, step: ClockStep | None, stay_ms: int) -> Alarm | None:
    if step is not None:
        body: dict[str, Fact] = {
            "step_ms": step.to - step.lo,
            "codes_ending": hub_time.ending_between(con, step.lo, step.to),
            "released_at": format_instant(step.released_at),
        }
        return Alarm("step", EventKind.HUB_CLOCK_STEP_HELD, body)
    if reading.trust is not ClockTrust.UNTRUSTED or reading.untrusted_since is None:
        return None
    leaves_at = Instant(reading.untrusted_since + stay_ms)
    count, waiting, told = hub_time.bound_on_locks(con), hub_time.bound_waiting(con), hub_time.told(con)
    if count == waiting == 0 and told == "":
        return None
    about: dict[str, Fact] = {
        "codes_at_stake": count,
        "codes_waiting": waiting,
        "codes_leave_at": format_instant(leaves_at),
    }
    if count == 0 and told in {"", "begun"}:
        # Nothing will leave; whoever comes meanwhile finds no code, and that is to be heard of at once as well.
        return Alarm("begun", EventKind.HUB_CLOCK_UNKNOWN, about | {"stage": "begun"})
    if reading.lo >= leaves_at:
        return Alarm("left", EventKind.HUB_CLOCK_UNKNOWN, about | {"stage": "codes_off"})
    is_soon = reading.lo >= leaves_at - LAST_CALL_MS
    stage = "codes_leave_soon" if is_soon else "begun"
    return Alarm(stage, EventKind.HUB_CLOCK_UNKNOWN, about | {"stage": stage})
