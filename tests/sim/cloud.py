"""The cloud of a world: the real counterpart on the simulated broker, and a house manager who orders all day long."""

import random
from collections.abc import Callable, Mapping

from gateway.cloud.counterpart import Counterpart
from gateway.cloud.report import encode_order
from gateway.model.events import Fact
from gateway.model.instant import DAY_MS, HOUR_MS, MINUTE_MS, Instant
from tests.sim.book import Book, Sent, Wish, text

LIVING_MAX = 12
"""Codes that a lock is given at once, more than the smallest locks hold."""

PIN_DIGITS = 8
"""So long that no number in a log line is taken for a PIN by accident; every simulated lock takes them."""


class Manager:
    """Orders access codes as a property's software would, mistakes included. `pins` has every PIN ever thought of."""

    def __init__(
        self,
        book: Book,
        counterpart: Counterpart,
        lock_ids: list[str],
        chance: random.Random,
        send_raw: Callable[[bytes], None],
    ) -> None:
        self.book = book
        self.counterpart = counterpart
        self.pins: set[str] = set()
        self._send_raw = send_raw
        self._lock_ids = lock_ids
        self._chance = chance
        self._code_count = 0
        self._generations: dict[str, int] = {}
        self._codes: dict[str, dict[str, Fact]] = {}
        """What the manager believes about each code: the newest of what was sent."""

    def order(self, kind: str, body: Mapping[str, Fact], order_id: str | None = None) -> str:
        """Send one order; it is repeated until the hub has it. Returns its id."""
        code = body.get("code")
        if isinstance(code, str):
            self.pins.add(code)
        order_id = str(self.counterpart.order(kind, body, order_id))
        self.book.send(Sent(order_id, kind, dict(body)))
        return order_id

    def draw_pin(self) -> str:
        pin = "".join(self._chance.choice("0123456789") for _ in range(PIN_DIGITS))
        self.pins.add(pin)
        return pin

    def order_something(self, now: Instant) -> str:
        """One order, drawn."""
        living = [code_id for code_id in self._codes if not self._is_past(code_id, now)]
        dice = self._chance.random()
        if not living or dice < 0.45:
            return self._create(now, living)
        code_id = self._chance.choice(living)
        if dice < 0.72:
            return self._update(code_id, now)
        if dice < 0.95:
            self._codes.pop(code_id)
            return self.order("access_code.delete", self._numbered(code_id, {"access_code_id": code_id}))
        return self._blunder(code_id, now)

    def _is_past(self, code_id: str, now: Instant) -> bool:
        ends = self._codes[code_id].get("_ends")
        return isinstance(ends, int) and ends <= now

    def _create(self, now: Instant, living: list[str]) -> str:
        chance = self._chance
        lock_id = chance.choice(self._lock_ids)
        here = [code_id for code_id in living if self._codes[code_id]["device_id"] == lock_id]
        if len(here) >= LIVING_MAX:
            gone = chance.choice(here)
            self._codes.pop(gone)
            return self.order("access_code.delete", self._numbered(gone, {"access_code_id": gone}))
        self._code_count += 1
        code_id = f"code-{self._code_count}"
        starts, ends = self._window(now)
        body: dict[str, Fact] = {"access_code_id": code_id, "device_id": lock_id, "name": f"Guest {self._code_count}"}
        dice = chance.random()
        if dice < 0.08 and here:
            body["code"] = self._codes[chance.choice(here)].get("code")
        elif dice < 0.92:
            body["code"] = self.draw_pin()
        if starts is not None:
            body["starts_at"] = text(starts)
        if ends is not None:
            body["ends_at"] = text(ends)
        if chance.random() < 0.1:
            body["is_external_modification_allowed"] = True
        self._codes[code_id] = {**body, "_ends": ends}
        return self.order("access_code.create", self._numbered(code_id, body))

    def _update(self, code_id: str, now: Instant) -> str:
        chance = self._chance
        body: dict[str, Fact] = {"access_code_id": code_id}
        if chance.random() < 0.5:
            body["code"] = self.draw_pin()
        if chance.random() < 0.5:
            starts, ends = self._window(now)
            body |= {"starts_at": text(starts), "ends_at": text(ends)}
            self._codes[code_id]["_ends"] = ends
        if len(body) == 1 or chance.random() < 0.2:
            body["name"] = f"Renamed {chance.randrange(100)}"
        self._codes[code_id] |= {name: value for name, value in body.items() if value is not None}
        return self.order("access_code.update", self._numbered(code_id, body))

    def _blunder(self, code_id: str, now: Instant) -> str:
        """Something that must be refused, or an old order sent again."""
        match self._chance.randrange(4):
            case 0:
                return self.order("access_code.delete", {"access_code_id": "never-was"})
            case 1:
                body: dict[str, Fact] = {"access_code_id": "elsewhere", "device_id": "no-such-lock", "code": "123"}
                return self.order("access_code.create", body)
            case 2:
                old = self.book.sent[self._chance.choice(list(self.book.sent))]
                self._send_raw(encode_order(old.order_id, old.kind, old.body))
                return old.order_id
            case _:
                past = text(Instant(now - HOUR_MS))
                return self.order("access_code.update", {"access_code_id": code_id, "ends_at": past})

    def _numbered(self, code_id: str, body: dict[str, Fact]) -> dict[str, Fact]:
        """Most clouds number their orders; simple ones leave that to the hub."""
        if code_id not in self._generations and self._chance.random() < 0.1:
            self._generations[code_id] = -1
        generation = self._generations.get(code_id, 0)
        if generation < 0:
            return body
        self._generations[code_id] = generation + 1
        return body | {"generation": generation + 1}

    def _window(self, now: Instant) -> tuple[Instant | None, Instant | None]:
        chance = self._chance
        dice = chance.random()
        if dice < 0.25:
            return None, None
        if dice < 0.3:
            return Instant(now + int(chance.uniform(0, 6) * HOUR_MS)), None
        ahead = chance.choice((-HOUR_MS, 0, MINUTE_MS, 20 * MINUTE_MS, 45 * MINUTE_MS, 3 * HOUR_MS, DAY_MS))
        starts = Instant(now + int(ahead * chance.uniform(0.5, 1.5)))
        lasts = int(chance.choice((10 * MINUTE_MS, HOUR_MS, 12 * HOUR_MS, 2 * DAY_MS)) * chance.uniform(0.5, 1.5))
        ends = Instant(max(starts + lasts, now + MINUTE_MS))
        return (None if chance.random() < 0.1 else starts), ends


def wish_text(wish: Wish) -> str:
    """A wish for a trace."""
    return f"{wish.code_id}@{wish.lock_id} gen {wish.generation} {text(wish.starts_at)}..{text(wish.ends_at)}"
