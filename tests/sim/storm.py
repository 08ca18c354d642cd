"""Days of traffic and faults: the storm over a world, drawn from its weather."""

import asyncio
import random
from collections.abc import Awaitable, Callable

from tests.sim.doors import Door, Radio
from tests.sim.people import People
from tests.sim.time_weather import TimeStorm
from tests.sim.time_weather import draw as draw_time
from tests.sim.weather import Spells, Weather, can_have
from tests.sim.world import World

COMMITS_AHEAD = 40
"""Half of the power cuts strike at a commit, at most so many from now."""


class Storm:
    """Everything that happens to a world by chance, until it is cancelled; then `calm_down` mends what is broken."""

    def __init__(self, world: World, weather: Weather) -> None:
        self._world = world
        self._weather = weather
        world.broker.habits = weather.habits
        self.time = TimeStorm(world, draw_time(world.chance("time weather")))
        world.trace.note("time_weather", told=str(self.time.weather))
        for door in world.doors.values():
            rates = {fault: rate for fault, rate in weather.radio.fault_rates.items() if can_have(door.model, fault)}
            door.radio = Radio(weather.radio.trouble_rate, weather.radio.troubles, rates)

    async def run(self) -> None:
        weather = self._weather
        spells: list[tuple[str, Spells | None, Callable[[random.Random, float], Awaitable[None]]]] = [
            ("broker", weather.broker_gone, self._lose_broker),
            ("broker for long", weather.broker_gone_for_long, self._lose_broker),
            ("hub link", weather.hub_link_breaks, self._break_hub_link),
            ("cloud link", weather.cloud_link_breaks, self._break_cloud_link),
            ("silence", weather.cloud_is_silent, self._silence_cloud),
            ("driver", weather.driver_gone, self._lose_driver),
            ("power", weather.power_cut, self._cut_power),
            ("restart", weather.restart, self._restart),
            ("time service", weather.clock_lost, self._lose_time),
            ("time", self.time.weather.errs, self.time.err),
            # Not where the hub is ever in doubt: there a lock's clock is its witness (T2), and nobody sees through one that lies.
            ("lock clocks", None if weather.clock_lost else self.time.weather.lock_clocks, self.time.put_off_a_lock),
        ]
        async with asyncio.TaskGroup() as tasks:
            for name, spell, strike in spells:
                if spell is not None:
                    tasks.create_task(self._strike_again(name, spell, strike), name=f"storm {name}")
            for door in self._world.doors.values():
                if weather.lock_deaf is not None:
                    strike_door = self._deafening(door)
                    tasks.create_task(self._strike_again(f"deaf {door.lock_id}", weather.lock_deaf, strike_door))
            tasks.create_task(People(self._world, weather).live(), name="people")

    async def calm_down(self) -> None:
        """Everything works again, and goes on working."""
        world = self._world
        world.broker.habits.doubles = world.broker.habits.late = 0.0
        world.broker.come_up()
        for door in world.doors.values():
            door.radio = Radio()
            if door.is_deaf:
                door.set_deaf(is_deaf=False)
        if world.driver_gone:
            world.driver_returns()
        if world.life is None:
            world.plug_in()
        assert world.life is not None
        self.time.hear(world.life)
        world.life.power.spare()
        world.counterpart.is_receipting = True
        world.counterpart.receipt()
        world.disturbed("calm")

    async def _strike_again(
        self, name: str, spells: Spells, strike: Callable[[random.Random, float], Awaitable[None]]
    ) -> None:
        chance = self._world.chance(f"storm {name}")
        while True:
            await asyncio.sleep(chance.expovariate(1 / spells.every_s))
            # Spells of very different length: most are short, the long ones matter most.
            lasts_s = spells.shortest_s + (spells.longest_s - spells.shortest_s) * chance.random() ** 3
            await strike(chance, lasts_s)

    async def _lose_broker(self, _: random.Random, lasts_s: float) -> None:
        self._world.trace.note("broker_gone")
        self._world.broker.go_down()
        await asyncio.sleep(lasts_s)
        self._world.broker.come_up()

    async def _break_hub_link(self, _: random.Random, lasts_s: float) -> None:
        self._world.broker.break_connection("hub-1")

    async def _break_cloud_link(self, _: random.Random, lasts_s: float) -> None:
        self._world.broker.break_connection("cloud")

    async def _silence_cloud(self, _: random.Random, lasts_s: float) -> None:
        self._world.faults["cloud_silent"] += 1
        self._world.counterpart.is_receipting = False
        await asyncio.sleep(lasts_s)
        self._world.counterpart.is_receipting = True
        self._world.counterpart.receipt()

    async def _lose_driver(self, _: random.Random, lasts_s: float) -> None:
        self._world.driver_leaves()
        await asyncio.sleep(lasts_s)
        self._world.driver_returns()

    async def _cut_power(self, chance: random.Random, lasts_s: float) -> None:
        world = self._world
        if world.life is None:
            return
        if chance.random() < 0.5:
            world.pull_plug()
        else:
            life = world.life
            life.power.cut_after(chance.randint(1, COMMITS_AHEAD), is_lost=chance.random() < 0.5)
            assert life.task is not None
            await asyncio.wait([life.task])
        await asyncio.sleep(lasts_s)
        self._power_up(chance)

    async def _restart(self, chance: random.Random, lasts_s: float) -> None:
        if self._world.life is None:
            return
        self._world.faults["restart"] += 1
        await self._world.stop()
        await asyncio.sleep(lasts_s)
        self._power_up(chance)

    def _power_up(self, chance: random.Random) -> None:
        world = self._world
        if world.life is not None:
            return
        if (sources := world.machine.sources) is not None:
            world.plug_in(is_synced=sources.is_heard)
            return
        has_time = self._weather.clock_lost is None or chance.random() < 0.5
        life = world.plug_in(is_synced=has_time)
        if not has_time:
            self.time.boot_in_doubt(life, chance)

    async def _lose_time(self, _: random.Random, lasts_s: float) -> None:
        world = self._world
        if (life := world.life) is not None and life.clock.is_synced:
            world.faults["clock_lost"] += 1
            life.clock.is_synced = False
            await asyncio.sleep(lasts_s)
            self.time.hear(life)

    def _deafening(self, door: Door) -> Callable[[random.Random, float], Awaitable[None]]:
        async def deafen(_: random.Random, lasts_s: float) -> None:
            door.set_deaf(is_deaf=True)
            await asyncio.sleep(lasts_s)
            door.set_deaf(is_deaf=False)

        return deafen
