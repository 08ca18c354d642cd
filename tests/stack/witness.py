"""A witness at the locks: looks at what is really in their memories all the time, and is asked afterwards."""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from tests.stack.house import FOREIGN, House, wall_ms

LOOK_S = 0.05

type Span = tuple[int | None, int | None]


@dataclass
class Sight:
    """A PIN in a slot, and the first and last instant it was seen there."""

    first_at: int
    last_at: int


@dataclass
class Witness:
    """Everything that was in a slot at any look. `complaints` are rules that were broken whatever was ordered."""

    house: House
    sights: dict[tuple[str, int, str], Sight] = field(default_factory=dict)
    complaints: set[str] = field(default_factory=set)
    looks: int = 0

    async def watch(self) -> None:
        """Look until cancelled."""
        while True:
            await asyncio.to_thread(self.look)
            await asyncio.sleep(LOOK_S)

    def look(self) -> None:
        """One look at all locks."""
        begun_at = wall_ms()
        pins = {lock_id: self.house.pins(lock_id) for lock_id in self.house.configuration.locks}
        ended_at = wall_ms()
        self.looks += 1
        for lock_id, held in pins.items():
            if held.get(1) != FOREIGN:
                self.complaints.add(f"{lock_id}: the foreign code in slot 1 was touched (N2)")
            if len(set(held.values())) != len(held):
                self.complaints.add(f"{lock_id}: one PIN in two slots (design-I4)")
            for slot, pin in held.items():
                if slot != 1:
                    # When it was there for sure: not before the look ended for the first sight, not after it began.
                    sight = self.sights.setdefault((lock_id, slot, pin), Sight(ended_at, begun_at))
                    sight.last_at = begun_at

    def unexplained(self, allowed: Mapping[tuple[str, str], Span], late_ms: int) -> Iterator[str]:
        """PINs that no accepted order explains, or that were there too early or longer than `late_ms` after the end."""
        for (lock_id, slot, pin), sight in self.sights.items():
            span = allowed.get((lock_id, pin))
            if span is None:
                yield f"{lock_id} slot {slot}: a PIN that no accepted order explains"
                continue
            starts_at, ends_at = span
            if starts_at is not None and sight.first_at < starts_at:
                yield f"{lock_id} slot {slot}: {starts_at - sight.first_at} ms before its lead"
            if ends_at is not None and sight.last_at > ends_at + late_ms:
                yield f"{lock_id} slot {slot}: still there {sight.last_at - ends_at} ms after its end"

    def latest_ms(self, allowed: Mapping[tuple[str, str], Span]) -> int:
        """The longest that a PIN stayed beyond its end."""
        over = [
            sight.last_at - ends_at
            for (lock_id, _, pin), sight in self.sights.items()
            if (ends_at := allowed.get((lock_id, pin), (None, None))[1]) is not None
        ]
        return max(over, default=0)
