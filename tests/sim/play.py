"""One world from its seed: build, storm, calm. The same seed gives the same world, to the last line of its trace."""

import asyncio
import gc
import random
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.sim import weather
from tests.sim.auditors import Violation
from tests.sim.loop import play
from tests.sim.storm import Storm
from tests.sim.world import DAY_S, Tally, opened

DOORS = (1, 2, 3, 4)
"""How many locks a world may have."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a world ended. `digest` is the hash of its trace; `tail` are the trace's last lines when a rule was broken."""

    seed: int
    days: float
    digest: str
    violations: tuple[Violation, ...]
    tally: Tally = field(default_factory=Tally)
    tail: tuple[str, ...] = ()


@dataclass(slots=True)
class Broken:
    """A world that did not come to its end: the program itself failed."""

    seed: int
    told: str


def play_safely(seed: int, days: float) -> Outcome | Broken:
    """One world, whatever becomes of it."""
    try:
        return play_world(seed, days)
    except Exception:  # noqa: BLE001 - told with its seed, counted as a violation
        return Broken(seed, traceback.format_exc(limit=-6))


def play_world(seed: int, days: float, show: Callable[[str], None] | None = None) -> Outcome:
    """Play one world. Rubbish is collected at set moments only: when generators die is part of the world.

    What was there before the world is not looked at again and again.
    """
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        return play(_three_acts(seed, days, show), seed)
    finally:
        gc.enable()
        gc.unfreeze()


async def _three_acts(seed: int, days: float, show: Callable[[str], None] | None) -> Outcome:
    chance = random.Random(f"{seed} build")
    drawn = weather.draw(chance)
    models = [weather.draw_model(chance) for _ in range(chance.choice(DOORS))]
    memory = {
        number: {slot: f"9{chance.randrange(10**7):07}" for slot in chance.sample(range(1, model.slots + 1), 2)}
        for number, model in enumerate(models, 1)
        if chance.random() < 0.5
    }
    async with opened(seed, models, memory=memory, show=show) as world:
        world.manager.pins.update(pin for slots in memory.values() for pin in slots.values())
        world.trace.note("weather", **{name: getattr(drawn, name) for name in drawn.__slots__})
        storm = Storm(world, drawn)
        async with asyncio.TaskGroup() as tasks:
            storming = tasks.create_task(storm.run())
            for _ in range(round(days * 24)):
                await asyncio.sleep(DAY_S / 24)
                gc.collect(0)
            storming.cancel()
        await storm.calm_down()
        await world.reckon()
        violations = tuple(world.auditors.violations)
        tail = tuple(world.trace.last) if violations else ()
        return Outcome(seed, days, world.trace.digest, violations, world.tally(), tail)
