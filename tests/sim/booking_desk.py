"""The booking desk of a property: stays are booked, moved, extended and called off, with PINs chosen well and badly.

What a property's software sends in a season, in the shapes that matter to a lock: check-in at the same hour for many, guests who
come at once, stays back to back, one PIN for several stays, PINs that the lock does not take, more stays than it has slots.
"""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass

from gateway.model.events import Fact
from gateway.model.instant import DAY_MS, HOUR_MS, MINUTE_MS, Instant
from tests.sim.book import Wish, text
from tests.sim.world import World

QUARTER_MS = 15 * MINUTE_MS
CHECK_IN_MS = 14 * HOUR_MS
"""Three in the afternoon at the property, in UTC: the hour at which most stays begin."""

STAYS_MS = (2 * HOUR_MS, DAY_MS, DAY_MS, 2 * DAY_MS, 4 * DAY_MS)
"""A visit, a night or two, half a week."""

MIND_CHANGED = 0.35
"""Share of bookings that are touched again."""


@dataclass(frozen=True, slots=True)
class Stay:
    """When a guest comes and goes; no `starts_at` means now, no `ends_at` until further notice."""

    starts_at: Instant | None
    ends_at: Instant | None


class BookingDesk:
    """Books `count` stays over `days` on all locks of a world. `booked` counts what was asked for."""

    def __init__(self, world: World, count: int, days: float) -> None:
        self._world = world
        self._count = count
        self._pause_s = days * DAY_MS / 1000 / count
        self._chance = world.chance("bookings")
        self.booked = 0

    async def run(self) -> None:
        """Book one stay after the other, then wait for nobody."""
        async with asyncio.TaskGroup() as tasks:
            for number in range(1, self._count + 1):
                await asyncio.sleep(self._chance.expovariate(1 / self._pause_s))
                stay = self._book(f"booking-{number}")
                if self._chance.random() < MIND_CHANGED:
                    chance = self._world.chance(f"mind {number}")
                    tasks.create_task(self._change_mind(f"booking-{number}", stay, chance))

    def _book(self, code_id: str) -> Stay:
        chance, world = self._chance, self._world
        lock_id = chance.choice(list(world.doors))
        earlier = chance.choice(living) if (living := world.book.of_lock(lock_id)) and chance.random() < 0.2 else None
        stay = self._stay(earlier)
        body: dict[str, Fact] = {"access_code_id": code_id, "device_id": lock_id, "name": f"Guest {code_id}"}
        if (pin := self._pin(lock_id, earlier)) is not None:
            body["code"] = pin
        body |= {"starts_at": text(stay.starts_at)} if stay.starts_at is not None else {}
        body |= {"ends_at": text(stay.ends_at)} if stay.ends_at is not None else {}
        if stay.ends_at is not None and chance.random() < 0.25:
            body["use_backup_access_code_pool"] = True
        if chance.random() < 0.1:
            body["prefer_native_scheduling"] = False
        self._order("access_code.create", body)
        self.booked += 1
        return stay

    def _stay(self, earlier: Wish | None) -> Stay:
        chance, now = self._chance, self._world.true.now()
        if earlier is not None and earlier.ends_at is not None and earlier.ends_at > now and chance.random() < 0.5:
            starts_at: Instant | None = earlier.ends_at  # one guest leaves, the next one comes
        elif (dice := chance.random()) < 0.05:
            return Stay(None if chance.random() < 0.5 else _quarter(now + chance.uniform(0, 3) * DAY_MS), None)
        elif dice < 0.10:
            starts_at = None
        elif dice < 0.25:
            starts_at = _quarter(now + chance.uniform(-120, 25) * MINUTE_MS)
        elif dice < 0.45:
            starts_at = _quarter(now + chance.uniform(35, 720) * MINUTE_MS)
        elif dice < 0.75:
            starts_at = Instant(now // DAY_MS * DAY_MS + chance.randint(1, 4) * DAY_MS + CHECK_IN_MS)
        else:
            starts_at = Instant(now // MINUTE_MS * MINUTE_MS + chance.randrange(5 * 24 * 60) * MINUTE_MS)
        lasts_ms = chance.choice(STAYS_MS)
        return Stay(starts_at, _quarter(max((starts_at or now) + lasts_ms, now + HOUR_MS)))

    def _pin(self, lock_id: str, earlier: Wish | None) -> str | None:
        """The PIN that is asked for; None leaves it to the hub. Some cannot be had, and the desk does not know."""
        chance, world = self._chance, self._world
        door, dice = world.doors[lock_id], chance.random()
        theirs = sorted(pin for (lock, _), pin in world.auditors.strangers.items() if lock == lock_id)
        if earlier is not None and earlier.pin is not None and dice < 0.7:
            return _pressed_alike(door.model.key_groups, earlier.pin, chance)
        if dice < 0.15:
            return None
        own = world.manager.draw_pin(lock_id)
        if dice < 0.20:
            return chance.choice((own + "0", (own * 2)[:11]))
        if dice < 0.25 and theirs:
            return _pressed_alike(door.model.key_groups, chance.choice(theirs), chance)
        if dice < 0.28 and door.model.programming_code:
            return door.model.programming_code
        return own

    async def _change_mind(self, code_id: str, stay: Stay, chance: random.Random) -> None:
        """Once, somewhere between the booking and its end."""
        world = self._world
        left_ms = (stay.ends_at or world.true.now() + DAY_MS) - world.true.now()
        await asyncio.sleep(left_ms / 1000 * chance.random())
        wish, now = world.book.wishes.get(code_id), world.true.now()
        if wish is None or wish.is_over(now):
            return
        changes: tuple[Callable[[], dict[str, Fact] | None], ...] = (
            lambda: None,
            lambda: {"code": world.manager.draw_pin(wish.lock_id)},
            lambda: _moved(wish, now, chance),
            lambda: {"ends_at": text(_quarter((wish.ends_at or now) + chance.uniform(0.1, 1.5) * DAY_MS))},
            lambda: {"name": f"Party of {chance.randrange(2, 9)}"},
        )
        body = chance.choice(changes)()
        kind = "access_code.delete" if body is None else "access_code.update"
        self._order(kind, {"access_code_id": code_id, **(body or {})})

    def _order(self, kind: str, body: dict[str, Fact]) -> None:
        order_id = self._world.manager.order(kind, body)
        shown = {name: value for name, value in body.items() if name != "name"}
        self._world.trace.note("booking", id=order_id[:8], kind=kind, **shown)


def _moved(wish: Wish, now: Instant, chance: random.Random) -> dict[str, Fact]:
    """The same stay, hours or days earlier or later."""
    by_ms = chance.uniform(-1, 2) * DAY_MS
    starts_at = _quarter(max((wish.starts_at or now) + by_ms, now - HOUR_MS))
    ends_at = _quarter(max((wish.ends_at or now) + by_ms, starts_at + HOUR_MS, now + HOUR_MS))
    return {"starts_at": text(starts_at), "ends_at": text(ends_at)}


def _quarter(at: float) -> Instant:
    """The quarter of an hour at or after an instant."""
    return Instant(-int(-at // QUARTER_MS) * QUARTER_MS)


def _pressed_alike(key_groups: str, pin: str, chance: random.Random) -> str:
    """The same PIN, or on keys that digits share, one that is typed the same way."""
    shared = {digit: group for group in key_groups.split() for digit in group}
    return "".join(chance.choice(shared.get(digit, digit)) for digit in pin)
