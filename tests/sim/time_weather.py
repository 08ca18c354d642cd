"""What a world does to the hub's time: a crystal that is off, boots in other decades, long doubt, a service that errs (T1 to T3).

What a wrong time service says is beyond what any hub can see through for ever, so here it errs as T3 promises to bear it: ahead by more
than a day for less than half an hour, or behind by anything.
"""

import asyncio
import random
from dataclasses import dataclass

from gateway.model.instant import DAY_MS, HOUR_MS, MINUTE_MS, Instant, parse_instant
from gateway.store import hub_time
from tests.sim.hub import Life
from tests.sim.weather import HOUR_S, MINUTE_S, Spells
from tests.sim.world import World

FIRMWARE_YEARS = (Instant(0), parse_instant("2000-01-01T00:00:00Z"), parse_instant("2036-02-07T06:28:16Z"))
"""Where clocks without a battery begin: Unix time, many clock chips, and the turn of NTP's era (RFC 5905, 6)."""

CRYSTAL_PPM = 90.0
"""Inside the 100 ppm that the hub reckons with (T1)."""

LOCK_DRIFT_PPM = 95.0
"""Inside the 100 ppm that the hub reckons with for locks too: 8 s a day."""

LOCK_JUMPS_S = (-7200, -3600, -90, 90, 3600, 7200)
"""How far a lock's clock is put off: summer time that it takes to be wrong, a zone beside its own, a hand, a fault of its crystal."""

DOUBT_S = 4 * HOUR_S
LONG_DOUBT_S = 40 * HOUR_S
"""The longest that a hub waits for the time after a boot; the long one is beyond the day of grace (T2)."""

STEP_MIN_MS = DAY_MS + HOUR_MS
STEP_MAX_MS = 400 * DAY_MS
"""How far ahead a wrong service is: always more than a day, which is held whatever it would end (T3)."""

ERROR_LASTS_MAX_S = 25 * MINUTE_S
"""A step is held for half an hour (T3)."""


@dataclass(frozen=True, slots=True)
class TimeWeather:
    """The faults of time in one world. `begins_at` is what the wall clock shows at a boot; None: what it would have shown."""

    crystal_ppm: float = 0.0
    begins_at: Instant | None = None
    longest_doubt_s: float = DOUBT_S
    errs: Spells | None = None
    lock_clocks: Spells | None = None
    """A lock's own clock goes wrong."""
    lock_drift_ppm: float = 0.0


def draw(chance: random.Random) -> TimeWeather:
    """The weather of one world's time."""
    return TimeWeather(
        crystal_ppm=chance.choice((0.0, -CRYSTAL_PPM, CRYSTAL_PPM)),
        begins_at=chance.choice((None, *FIRMWARE_YEARS)),
        longest_doubt_s=chance.choice((DOUBT_S, DOUBT_S, LONG_DOUBT_S)),
        errs=Spells(chance.uniform(3, 30) * HOUR_S, MINUTE_S, ERROR_LASTS_MAX_S) if chance.random() < 0.5 else None,
        lock_clocks=Spells(chance.uniform(6, 60) * HOUR_S, 0, 0) if chance.random() < 0.7 else None,
        lock_drift_ppm=chance.choice((0.0, -LOCK_DRIFT_PPM, LOCK_DRIFT_PPM)),
    )


class TimeStorm:
    """Strikes the hub's clocks as the weather says."""

    def __init__(self, world: World, weather: TimeWeather) -> None:
        self._world = world
        self.weather = weather
        world.machine.crystal_ppm = weather.crystal_ppm
        for door in world.doors.values():
            door.firmware.clock.drift_ppm = weather.lock_drift_ppm or door.firmware.clock.drift_ppm

    def boot_in_doubt(self, life: Life, chance: random.Random) -> None:
        """The hub has just got its power back and hears no time service for a while."""
        world, sources = self._world, life.clock.sources
        world.faults["clock_untrusted"] += 1
        if self.weather.begins_at is not None:
            sources.error_ms = self.weather.begins_at - world.true.now()
        world.loop.call_later(10 + self.weather.longest_doubt_s * chance.random() ** 3, lambda: self.hear(life))

    def hear(self, life: Life) -> None:
        """The time service reaches the hub in the boot of that life, and is right."""
        sources = life.clock.sources
        sources.error_ms, sources.is_heard = 0, True
        if sources is self._world.machine.sources:
            self._world.disturbed("time heard")

    async def put_off_a_lock(self, chance: random.Random, _: float) -> None:
        """A lock's clock jumps, or forgets the time with its batteries; told only by locks that say so."""
        world = self._world
        door = chance.choice(list(world.doors.values()))
        dice, by_s = chance.random(), chance.choice(LOCK_JUMPS_S)
        if door.model.year_day_slots == 0:
            return
        if dice < 0.3:
            world.faults["lock_clock_lost"] += 1
            door.change_batteries(world.loop.time())
        else:
            world.faults["lock_clock_jump"] += 1
            door.firmware.clock.jump(by_s, world.loop.time())
        world.disturbed("lock clock wrong", lock=door.lock_id)

    async def err(self, chance: random.Random, lasts_s: float) -> None:
        """The time service is wrong for a while, in a hub that has heard it right."""
        world = self._world
        sources, anchor = world.machine.sources, hub_time.anchor(world.disk.connection)
        has_heard = anchor is not None and anchor.is_synced and anchor.boot == world.machine.boot
        if world.life is None or sources is None or sources.error_ms or not (has_heard and sources.is_heard):
            return
        is_ahead = chance.random() < 0.5
        span_ms = chance.randint(STEP_MIN_MS, STEP_MAX_MS) if is_ahead else chance.randint(MINUTE_MS, STEP_MAX_MS)
        sources.error_ms = span_ms if is_ahead else -span_ms
        world.faults["clock_ahead" if is_ahead else "clock_behind"] += 1
        world.trace.note("time_errs", by_ms=sources.error_ms)
        await asyncio.sleep(lasts_s)
        sources.error_ms = 0
        if sources is world.machine.sources:
            world.disturbed("time right again")
