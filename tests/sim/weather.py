"""Which faults exist in a world, and how often they strike: drawn once per world, so that worlds differ in kind (swarm).

A world in which everything goes wrong at once is as one-sided as one in which nothing does: most faults hide others. So each
fault exists in about half of the worlds, and its rate is drawn from a wide range.
"""

import random
from dataclasses import dataclass, field, replace

from drivers.simulator.doors.driver import Trouble
from drivers.simulator.lock.faults import Fault
from drivers.simulator.lock.profiles import Duplicates, LockModel, shipped_model, shipped_profiles
from tests.sim.broker import Habits
from tests.sim.doors import Radio

HOUR_S = 3600.0
MINUTE_S = 60.0


@dataclass(frozen=True, slots=True)
class Spells:
    """A fault that comes and goes: mean time between spells, shortest and longest spell, in seconds."""

    every_s: float
    shortest_s: float
    longest_s: float


@dataclass(frozen=True, slots=True)
class Weather:
    """Every fault of a world; None means that it does not exist there."""

    habits: Habits
    broker_gone: Spells | None = None
    broker_gone_for_long: Spells | None = None
    hub_link_breaks: Spells | None = None
    cloud_link_breaks: Spells | None = None
    cloud_is_silent: Spells | None = None
    lock_deaf: Spells | None = None
    driver_gone: Spells | None = None
    power_cut: Spells | None = None
    restart: Spells | None = None
    clock_lost: Spells | None = None
    """How long the time service is out of reach after a boot, and now and then between."""
    hands_every_s: float | None = None
    reset_every_s: float | None = None
    guests_every_s: float = 30 * MINUTE_S
    orders_every_s: float = 25 * MINUTE_S
    radio: Radio = field(default_factory=Radio)


CALM = Weather(Habits())
"""Nothing goes wrong."""


def draw(chance: random.Random) -> Weather:
    """The weather of one world."""

    def exists() -> bool:
        return chance.random() < 0.5

    def spells(every_h: tuple[float, float], shortest_s: float, longest_s: float) -> Spells | None:
        return Spells(chance.uniform(*every_h) * HOUR_S, shortest_s, longest_s) if exists() else None

    habits = Habits(
        doubles=chance.choice((0.0, 0.01, 0.2)),
        late=chance.choice((0.0, 0.0, 0.02)),
        keeps_sessions=exists(),
    )
    troubles = tuple(trouble for trouble in Trouble if exists())
    faults = {fault: chance.choice((0.005, 0.05)) for fault in LOCK_FAULTS if chance.random() < 0.3}
    return Weather(
        habits=habits,
        broker_gone=spells((3, 20), 5, 2 * HOUR_S),
        broker_gone_for_long=spells((200, 400), 24 * HOUR_S, 72 * HOUR_S),
        hub_link_breaks=spells((0.5, 10), 0, 0),
        cloud_link_breaks=spells((1, 10), 0, 0),
        cloud_is_silent=spells((5, 30), 60, 3 * HOUR_S),
        lock_deaf=spells((3, 30), 10, 6 * HOUR_S),
        driver_gone=spells((3, 30), 4, 10 * MINUTE_S),
        power_cut=spells((1, 20), 1, 2 * HOUR_S),
        restart=spells((5, 40), 1, 60),
        clock_lost=spells((10, 40), 10, 8 * HOUR_S),
        hands_every_s=chance.uniform(0.5, 6) * HOUR_S if exists() else None,
        reset_every_s=chance.uniform(24, 200) * HOUR_S if chance.random() < 0.3 else None,
        guests_every_s=chance.uniform(10, 60) * MINUTE_S,
        orders_every_s=chance.choice((20, 30, 60, 120, 240, 480, 480)) * MINUTE_S,
        radio=Radio(chance.choice((0.01, 0.05, 0.2)), troubles, faults),
    )


LOCK_FAULTS = (Fault.REFUSE_WRITE, Fault.COMMIT_LATE, Fault.SILENT_REFUSE)
"""What the lock itself does wrong now and then."""


def can_have(model: LockModel, fault: Fault) -> bool:
    """Whether this kind of lock can have the fault: one that confirms every command says no aloud."""
    return fault is not Fault.SILENT_REFUSE or not model.is_supervised


def draw_model(chance: random.Random) -> LockModel:
    """One lock, of any kind that is known or worse: few slots, doubled PINs taken, own notices of our writes."""
    model = shipped_model(chance.choice(sorted(shipped_profiles())))
    if model.one_length:
        # The owner has set the longest PINs, so that no PIN of a world is like another number in a log line.
        model = replace(model, one_length=model.pin_length_max)
    if chance.random() < 0.2:
        model = replace(model, slots=chance.randint(3, 8))
    if chance.random() < 0.2:
        model = replace(model, duplicates=Duplicates.ALLOW)
    if chance.random() < 0.3:
        model = replace(model, notifies_radio_writes=True)
    if chance.random() < 0.2:
        model = replace(model, notifies_keypad_changes=False)
    return model
