"""The demo's eyes: what is really in the locks' memory and on the air, looked at several times a second."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from drivers.simulator.client import Home, Plain
from tests.demo.record import DOORS, Door, Frame, Look, Record, now_ms

SEALED = "S2 Message"
"""How the trace calls a message that its lock has not opened yet."""

ON_ITS_WAY_MS = 3_000
"""A beam takes 1.1 s; whatever is sealed after this was never opened."""

type Seen = Callable[[Door, Mapping[int, str], Mapping[int, str]], None]
"""Called with a door, what was in it before and what is in it now, by slot."""


@dataclass(slots=True)
class Watch:
    """Looks all the time and enters what changed into the record."""

    home: Home
    record: Record
    every_s: float
    on_memory: Seen
    on_frame: Callable[[Frame], None]
    on_done: Callable[[], None]
    """Called after each look: time to tell what followed from what was seen."""
    _raw: list[tuple[float, Frame]] = field(default_factory=list)
    _last_frame: int = 0
    _first_met: dict[int, int] = field(default_factory=dict)
    _offset_ms: float = float("inf")
    _asked: int = 0

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(self.every_s)

    async def look(self) -> None:
        """Look once at all locks and at what went over the air since."""
        asked = now_ms()
        rows = await asyncio.to_thread(self.home.truth)
        answered = now_ms()
        record = self.record
        if record.look_count:
            record.longest_blink_ms = max(record.longest_blink_ms, asked - self._asked)
        self._asked = asked
        record.look_count += 1
        await self._listen()
        for door in DOORS:
            slots = _stored(next(row for row in rows if row["lock"] == door.name))
            self._enter(door, slots, asked, answered)
        record.now = now_ms()
        self.on_done()

    def skip_frames(self) -> None:
        """Leave out what was on the air before the stay."""
        self._last_frame = self.home.last_frame()

    def _enter(self, door: Door, slots: Mapping[int, str], asked: int, answered: int) -> None:
        looks = self.record.looks[door]
        if looks and looks[-1].slots == slots:
            looks[-1].last_asked, looks[-1].last_answered = asked, answered
            return
        before = looks[-1].slots if looks else {}
        looks.append(Look(door, slots, asked, answered, asked, answered))
        if len(looks) > 1:
            self.on_memory(door, before, slots)

    async def _listen(self) -> None:
        """Take the trace up to the first message that is still on its way: its lock has not read it yet.

        The trace dates messages by the home's own clock; the smallest difference to ours is the best guess at its zero.
        """
        rows = await asyncio.to_thread(self.home.frames, self._last_frame)
        now = now_ms()
        for row in rows:
            number, at_s = int(str(row["number"])), float(str(row["at"]))
            self._offset_ms = min(self._offset_ms, now - at_s * 1000)
            door = next((door for door in DOORS if door.node == row["node_id"]), None)
            label = str(row["label"])
            if label == SEALED and now - self._first_met.setdefault(number, now) < ON_ITS_WAY_MS:
                break
            self._last_frame = number
            if door is None:
                continue
            frame = Frame(
                at=round(self._offset_ms + at_s * 1000),
                door=door,
                is_to_lock=row["direction"] == "to_lock",
                label=label,
                is_beamed=bool(row["is_beamed"]),
            )
            self._raw.append((at_s, frame))
            self.on_frame(frame)
        if rows:
            self.record.frames = [replace(frame, at=round(self._offset_ms + at_s * 1000)) for at_s, frame in self._raw]


def _stored(row: Plain) -> Mapping[int, str]:
    """Every PIN in a lock's memory by slot, enabled or not."""
    slots = row["slots"]
    assert isinstance(slots, dict)
    return {int(slot): str(entry["pin"]) for slot, entry in slots.items() if entry["pin"]}
