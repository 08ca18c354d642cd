"""Orders of a busy day, and what they add up to: the test's own model of what the locks must hold.

The model is folded from the orders that the hub *accepted*, in the order of their generations, and knows nothing of slots,
leases or statuses.
"""

import random
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gateway.cloud.counterpart import FINAL, Counterpart
from gateway.model.events import Fact
from gateway.model.instant import Instant, format_instant
from tests.stack.house import FOREIGN, wall_ms

CREATE, UPDATE, DELETE = "access_code.create", "access_code.update", "access_code.delete"

CODES_PER_LOCK = 8
"""From here on a code is deleted for every new one."""

OPEN_MAX = 10
"""Orders under way at once."""


@dataclass(frozen=True)
class Asked:
    """One order as it was given. None in `pin` and `window` means: as before."""

    command_id: str
    kind: str
    code_id: str
    lock_id: str
    generation: int
    pin: str | None = None
    window: tuple[int | None, int | None] | None = None


@dataclass(frozen=True)
class Stage:
    """A code as it was wanted from one accepted order to the next. Times in UTC milliseconds; None is open."""

    lock_id: str
    pin: str
    starts_at: int | None
    ends_at: int | None
    is_deleted: bool = False

    def is_wanted(self, at: int) -> bool:
        return not self.is_deleted and (self.ends_at is None or at < self.ends_at)


@dataclass
class Answers:
    """How each order was answered so far, read from the cloud's events once each."""

    cloud: Counterpart
    kinds: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    reasons: dict[str, str] = field(default_factory=dict)
    _taken: int = 0

    def refresh(self) -> "Answers":
        for event in self.cloud.events[self._taken :]:
            command_id = event.body.get("command_id")
            if isinstance(command_id, str) and event.kind.startswith("command."):
                self.kinds[command_id][event.kind] += 1
                self.reasons[command_id] = str(event.body.get("reason", self.reasons.get(command_id, "")))
        self._taken = len(self.cloud.events)
        return self

    def is_ended(self, command_id: str) -> bool:
        return any(self.kinds[command_id][kind] for kind in FINAL)

    def was(self, kind: str, command_id: str) -> bool:
        return self.kinds[command_id][kind] > 0


class Traffic:
    """Gives orders to one hub; seeded."""

    def __init__(self, cloud: Counterpart, chance: random.Random, locks: Sequence[str], refusing_lock: str) -> None:
        """`refusing_lock` shows no PINs and refuses the foreign one with a word: only there it is ordered at times."""
        self.asked: list[Asked] = []
        self.answers = Answers(cloud)
        self._cloud = cloud
        self._chance = chance
        self._locks = locks
        self._refusing_lock = refusing_lock
        self._latest: dict[str, Asked] = {}
        self._first: dict[str, Asked] = {}
        self._pins = {FOREIGN}

    def open_orders(self) -> list[Asked]:
        self.answers.refresh()
        return [asked for asked in self.asked if not self.answers.is_ended(asked.command_id)]

    def top_up(self, at_least: int = 0) -> None:
        """Give orders until enough are under way, `at_least` so many whatever is."""
        for _ in range(max(at_least, OPEN_MAX - len(self.open_orders()))):
            self.order()

    def order(self) -> Asked:
        """Give one order of a kind that chance chooses."""
        lock_id = self._chance.choice(self._locks)
        living = [code_id for code_id, asked in self._latest.items() if asked.lock_id == lock_id and self._lives(asked)]
        known = [code_id for code_id in living if self.answers.was("command.received", self._first[code_id].command_id)]
        draw = self._chance.random()
        if known and (draw < 0.2 or len(living) > CODES_PER_LOCK):
            return self._change(DELETE, self._chance.choice(known), lock_id)
        if known and draw < 0.4:
            return self._change(UPDATE, self._chance.choice(known), lock_id, pin=self._fresh_pin())
        if known and draw < 0.5:
            window = (None, wall_ms() + self._chance.randrange(3_000, 8_000))
            return self._change(UPDATE, self._chance.choice(known), lock_id, window=window)
        if draw < 0.55 and not any(asked.pin == FOREIGN and self._lives(asked) for asked in self._latest.values()):
            return self._create(self._refusing_lock, FOREIGN, (None, None))
        if draw < 0.7:
            starts_at = wall_ms() + self._chance.randrange(500, 3_000)
            return self._create(
                lock_id, self._fresh_pin(), (starts_at, starts_at + self._chance.randrange(2_000, 5_000))
            )
        return self._create(lock_id, self._fresh_pin(), (None, None))

    def stages(self) -> dict[str, list[Stage]]:
        """Per code, what the accepted orders made of it, one after the other."""
        self.answers.refresh()
        found: dict[str, list[Stage]] = {}
        for asked in sorted(self.asked, key=lambda asked: asked.generation):
            if not self.answers.was("command.accepted", asked.command_id):
                continue
            earlier = found.setdefault(asked.code_id, [])
            before = earlier[-1] if earlier else None
            pin = asked.pin if asked.pin is not None else None if before is None else before.pin
            window = (
                asked.window
                if asked.window is not None
                else None
                if before is None
                else (before.starts_at, before.ends_at)
            )
            assert pin is not None, f"an order that changes nothing known was accepted: {asked.command_id}"
            assert window is not None
            earlier.append(Stage(asked.lock_id, pin, *window, is_deleted=asked.kind == DELETE))
        return found

    def wanted(self, at: int) -> dict[str, set[str]]:
        """The PINs that each lock must hold at an instant when nothing is under way, those refused by the lock left out."""
        found: dict[str, set[str]] = {lock_id: set() for lock_id in self._locks}
        for stages in self.stages().values():
            last = stages[-1]
            if last.is_wanted(at) and last.pin != FOREIGN:
                found[last.lock_id].add(last.pin)
        return found

    def last_end(self) -> int:
        """When the last window closes, in UTC milliseconds; 0 when all are open for ever."""
        ends = [stages[-1].ends_at for stages in self.stages().values()]
        return max((end for end in ends if end is not None), default=0)

    def misanswered(self) -> list[str]:
        """Orders that were not received once, accepted or rejected once, and when accepted ended once (C2, N3)."""
        self.answers.refresh()
        found = []
        for asked in self.asked:
            kinds = self.answers.kinds[asked.command_id]
            taken = kinds["command.accepted"] + kinds["command.rejected"]
            ended = kinds["command.applied"] + kinds["command.failed"]
            if kinds["command.received"] != 1 or taken != 1 or ended != kinds["command.accepted"]:
                found.append(f"{asked.kind} {asked.code_id}: {dict(kinds)}")
        return found

    def outcomes(self) -> Counter[str]:
        """How the orders ended, for people."""
        self.answers.refresh()
        found: Counter[str] = Counter()
        for asked in self.asked:
            kinds = self.answers.kinds[asked.command_id]
            end = next((kind for kind in FINAL if kinds[kind]), "open")
            found[f"{end.removeprefix('command.')} {self.answers.reasons.get(asked.command_id, '')}".strip()] += 1
        return found

    def _lives(self, asked: Asked) -> bool:
        is_over = asked.window is not None and asked.window[1] is not None and asked.window[1] < wall_ms()
        return asked.kind != DELETE and not is_over

    def _fresh_pin(self) -> str:
        while (pin := f"{self._chance.randrange(10**6):06d}") in self._pins:
            pass
        self._pins.add(pin)
        return pin

    def _create(self, lock_id: str, pin: str, window: tuple[int | None, int | None]) -> Asked:
        code_id = f"code-{len(self.asked)}"
        return self._give(CREATE, code_id, lock_id, 1, pin, window)

    def _change(
        self,
        kind: str,
        code_id: str,
        lock_id: str,
        *,
        pin: str | None = None,
        window: tuple[int | None, int | None] | None = None,
    ) -> Asked:
        return self._give(kind, code_id, lock_id, self._latest[code_id].generation + 1, pin, window)

    def _give(
        self,
        kind: str,
        code_id: str,
        lock_id: str,
        generation: int,
        pin: str | None,
        window: tuple[int | None, int | None] | None,
    ) -> Asked:
        body: dict[str, Fact] = {"access_code_id": code_id, "generation": generation}
        if kind == CREATE:
            body["device_id"] = lock_id
        if pin is not None:
            body["code"] = pin
        if window is not None:
            body |= {"starts_at": _text(window[0]), "ends_at": _text(window[1])}
        asked = Asked(self._cloud.order(kind, body), kind, code_id, lock_id, generation, pin, window)
        self.asked.append(asked)
        self._latest[code_id] = asked
        self._first.setdefault(code_id, asked)
        return asked


def _text(at: int | None) -> str | None:
    return None if at is None else format_instant(Instant(at))


def explained(
    stages: Mapping[str, Sequence[Stage]], leads_ms: Mapping[str, int]
) -> dict[tuple[str, str], tuple[int | None, int | None]]:
    """Per lock and PIN, from when to when accepted orders allow it there; None is open. The end is that of the last order.

    `leads_ms`: how long before its start a PIN may come to each lock, the longer lead of a weak link included (A4).
    """
    found: dict[tuple[str, str], tuple[int | None, int | None]] = {}
    for of_code in stages.values():
        for stage in of_code:
            key = (stage.lock_id, stage.pin)
            start = None if stage.starts_at is None else stage.starts_at - leads_ms[stage.lock_id]
            before = found.get(key)
            if before is not None:
                start = None if start is None or before[0] is None else min(start, before[0])
            found[key] = (start, stage.ends_at)
    return found
