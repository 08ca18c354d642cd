"""People of a world: a manager who orders, guests who type PINs, owners and strangers with the master code in their hands."""

import asyncio
import random

from tests.sim.doors import Door
from tests.sim.weather import Weather
from tests.sim.world import World

HANDS_PINS_MAX = 3
"""Codes that people program by hand on one lock and leave there."""

WRONG_IN_A_ROW = 7
"""Enough to switch off any keypad."""


class People:
    """Everybody who lives in a world, each with chance of their own; until cancelled."""

    def __init__(self, world: World, weather: Weather) -> None:
        self._world = world
        self._weather = weather

    async def live(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._order(), name="people orders")
            tasks.create_task(self._visit(), name="people guests")
            if self._weather.hands_every_s is not None:
                tasks.create_task(self._meddle(self._weather.hands_every_s), name="people hands")
            if self._weather.reset_every_s is not None:
                tasks.create_task(self._reset(self._weather.reset_every_s), name="people resets")

    async def _order(self) -> None:
        chance, world = self._world.chance("orders"), self._world
        while True:
            await asyncio.sleep(chance.expovariate(1 / self._weather.orders_every_s))
            for _ in range(chance.choice((1, 1, 1, 1, 5))):
                order_id = world.manager.order_something(world.true.now())
                sent = world.book.sent[order_id]
                world.trace.note("order", id=order_id[:8], kind=sent.kind, code=sent.code_id)

    async def _visit(self) -> None:
        """Guests type PINs: their own, those of a stay long past, any digits."""
        chance, world = self._world.chance("guests"), self._world
        while True:
            await asyncio.sleep(chance.expovariate(1 / self._weather.guests_every_s))
            door = chance.choice(list(world.doors.values()))
            pins = list(door.firmware.pins().values())
            dice = chance.random()
            if pins and dice < 0.7:
                self._press(door, chance.choice(pins))
            elif world.manager.pins and dice < 0.85:
                self._press(door, chance.choice(sorted(world.manager.pins)))
            elif dice < 0.98:
                self._press(door, f"{chance.randrange(10**8):08}")
            else:
                world.faults["wrong_presses"] += 1
                for _ in range(WRONG_IN_A_ROW):
                    self._press(door, f"{chance.randrange(10**8):08}")

    def _press(self, door: Door, digits: str) -> None:
        outcome = door.press(digits, self._world.loop.time())
        self._world.trace.note("press", lock=door.lock_id, outcome=outcome.value)

    async def _meddle(self, every_s: float) -> None:
        """Owners program codes by hand in free slots, and delete codes, their own and ours; they change batteries."""
        chance, world = self._world.chance("hands"), self._world
        while True:
            await asyncio.sleep(chance.expovariate(1 / every_s))
            door = chance.choice(list(world.doors.values()))
            if chance.random() < 0.1:
                self._use_battery(door, chance)
                continue
            pins = door.firmware.pins()
            free = [slot for slot in range(1, door.model.slots + 1) if slot not in pins]
            world.faults["hands"] += 1
            if free and (not pins or chance.random() < 0.5):
                theirs = [pin for (lock_id, _), pin in world.auditors.strangers.items() if lock_id == door.lock_id]
                is_twin = bool(world.manager.pins) and chance.random() < 0.1
                pin = chance.choice(sorted(world.manager.pins)) if is_twin else world.manager.draw_pin(door.lock_id)
                if len(theirs) < HANDS_PINS_MAX:
                    door.program(chance.choice(free), pin, world.loop.time())
            elif pins:
                door.erase(chance.choice(list(pins)), world.loop.time())

    def _use_battery(self, door: Door, chance: random.Random) -> None:
        percent = door.firmware.battery_percent
        self._world.faults["battery"] += 1
        door.set_battery(100 if percent < 30 else max(percent - chance.randint(5, 40), 0), self._world.loop.time())

    async def _reset(self, every_s: float) -> None:
        """Somebody resets a lock; some locks say so."""
        chance, world = self._world.chance("resets"), self._world
        while True:
            await asyncio.sleep(chance.expovariate(1 / every_s))
            door = chance.choice(list(world.doors.values()))
            world.faults["reset"] += 1
            world.trace.note("reset", lock=door.lock_id)
            door.reset(world.loop.time(), is_told=chance.random() < 0.5)
