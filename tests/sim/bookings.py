"""`python -m tests.sim.bookings`: seasons of random bookings over mixed houses, each judged at its guest's hour.

A season is one house with locks of any kind, faults of its own and some hundred bookings; `--bookings` are spread over as many
seasons as that takes. A line for each promise that was broken, a summary last; the exit code is 1 when any was.
"""

import argparse
import asyncio
import gc
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial

from drivers.simulator.lock.firmware import Refusal
from tests.sim import weather
from tests.sim.booking_desk import BookingDesk
from tests.sim.loop import play
from tests.sim.reception import Ending, Reception
from tests.sim.storm import Storm
from tests.sim.world import DAY_S, opened

SEASON = 400
"""Bookings in one season."""

BOOKINGS_A_DAY = 72
"""A dozen for each lock: large locks always have room then, small ones often have none."""

LAST_GUESTS_DAYS = 4.5
"""How long after the last booking the last guests come."""

LOCKS = 6

NEVER_S = 1e9
"""The people of the worlds order nothing here: the booking desk does."""

VISITS_EVERY_S = 4 * 3600.0
"""How often somebody types digits at one of the doors."""


@dataclass(slots=True)
class Season:
    """How a season ended. `cried` are the auditors' lines; a season that broke down cries that."""

    seed: int
    booked: int = 0
    endings: Counter[Ending] = field(default_factory=Counter)
    refusals: Counter[Refusal] = field(default_factory=Counter)
    turned_away: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    cried: list[str] = field(default_factory=list)

    def add(self, other: "Season") -> None:
        """Sum up."""
        self.booked += other.booked
        self.endings += other.endings
        self.refusals += other.refusals
        self.turned_away += other.turned_away
        self.faults += other.faults
        self.cried += other.cried


def mild(drawn: weather.Weather) -> weather.Weather:
    """A season's weather: everything that a hub has to get over, nothing that it cannot know of.

    Left to the worlds are hands and resets, which take codes away without a word, a hub that does not know the time, which
    starts nothing (T2), and locks' clocks that jump: between two looks at one nobody knows of it (T4).
    """
    never = replace(drawn, clock_lost=None, hands_every_s=None, reset_every_s=None)
    return replace(never, orders_every_s=NEVER_S, guests_every_s=VISITS_EVERY_S)


def play_season(seed: int, bookings: int = SEASON, show: Callable[[str], None] | None = None) -> Season:
    """Play one season. Rubbish is collected at set moments, as in a world."""
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        return play(_season(seed, bookings, show), seed)
    finally:
        gc.enable()
        gc.unfreeze()


async def _season(seed: int, bookings: int, show: Callable[[str], None] | None) -> Season:
    chance = random.Random(f"{seed} season")
    drawn = mild(weather.draw(chance))
    models = [weather.draw_model(chance) for _ in range(LOCKS)]
    memory = {
        number: {slot: f"9{chance.randrange(10**7):07}" for slot in chance.sample(range(1, model.slots + 1), 2)}
        for number, model in enumerate(models, 1)
        if chance.random() < 0.5
    }
    async with opened(f"season {seed}", models, memory=memory, show=show) as world:
        world.manager.pins.update(pin for slots in memory.values() for pin in slots.values())
        reception = Reception(world)
        days = bookings / BOOKINGS_A_DAY
        desk = BookingDesk(world, bookings, days)
        storm = Storm(world, drawn)
        storm.time.weather = replace(storm.time.weather, lock_clocks=None)
        async with asyncio.TaskGroup() as tasks:
            storming = tasks.create_task(storm.run())
            booking = tasks.create_task(desk.run())
            for _ in range(round((days + LAST_GUESTS_DAYS) * 24)):
                await asyncio.sleep(DAY_S / 24)
                gc.collect(0)
            storming.cancel()
            booking.cancel()
        await storm.calm_down()
        await world.settle()
        cried = [f"seed {seed}: {one.at} {one.auditor}: {one.told}" for one in world.auditors.violations]
        tally = world.tally()
        return Season(
            seed, desk.booked, reception.endings, reception.refusals, reception.turned_away, tally.faults, cried
        )


def play_all(seeds: Sequence[int], bookings: int, jobs: int) -> Iterator[Season]:
    """All seasons, several at a time."""
    work = partial(play_season, bookings=bookings)
    if jobs == 1:
        yield from map(work, seeds)
        return
    with ProcessPoolExecutor(jobs) as pool:
        yield from pool.map(work, seeds)


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main(arguments: Sequence[str] | None = None) -> int:
    """Play and tell."""
    parser = argparse.ArgumentParser(prog="python -m tests.sim.bookings", description=__doc__)
    parser.add_argument("--bookings", type=int, default=SEASON, help="how many, in all seasons together")
    parser.add_argument("--first", type=int, default=1, help="the first season's seed; the others follow")
    parser.add_argument("--jobs", type=int, default=os.process_cpu_count() or 1, help="seasons at the same time")
    parser.add_argument("--trace", action="store_true", help="play one season and print everything, PINs too")
    told = parser.parse_args(arguments)
    began = time.perf_counter()
    count = -(-told.bookings // SEASON)
    seeds = range(told.first, told.first + (1 if told.trace else count))
    share = min(told.bookings, SEASON)
    seasons = map(partial(play_season, show=say), seeds) if told.trace else play_all(seeds, share, told.jobs)
    total = Season(0)
    for season in seasons:
        for line in season.cried:
            say(f"FAILED {line} | replay: python -m tests.sim.bookings --first {season.seed} --trace")
        total.add(season)
    say(summary(total, len(seeds), time.perf_counter() - began))
    return 1 if total.cried else 0


def summary(total: Season, seasons: int, took_s: float) -> str:
    """Everything in some lines for a person."""

    def shares(counts: Counter[str]) -> str:
        return ", ".join(f"{name} {number}" for name, number in counts.most_common()) or "none"

    return "\n".join(
        (
            f"bookings {total.booked} in {seasons} seasons of {LOCKS} locks, broken {len(total.cried)}, {took_s:.1f} s",
            f"  at the guest's hour: {shares(Counter({key.value: n for key, n in total.endings.items()}))}",
            f"  turned away when ordered: {shares(total.turned_away)}",
            f"  refused by a lock: {shares(Counter({key.value: n for key, n in total.refusals.items()}))}",
            f"  faults: {shares(total.faults)}",
        )
    )


if __name__ == "__main__":
    sys.exit(main())
