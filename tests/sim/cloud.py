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

GUESTS_WITH_POOL = 0.25
"""Share of stays that are ordered with the backup pool behind them."""

PIN_DIGITS = 8
"""Where the lock takes them: so long that no number in a log line is taken for a PIN by accident."""


class Manager:
    """Orders access codes as a property's software would, mistakes included. `pins` has every PIN ever thought of."""

    def __init__(
        self,
        book: Book,
        counterpart: Counterpart,
        digits: Mapping[str, int],
        chance: random.Random,
        send_raw: Callable[[bytes], None],
    ) -> None:
        self.book = book
        self.counterpart = counterpart
        self.pins: set[str] = set()
        self._send_raw = send_raw
        self._lock_ids = list(digits)
        self._digits = digits
        """The length of PINs by lock."""
        self._chance = chance
        self._code_count = 0
        self._generations: dict[str, int] = {}
        self._codes: dict[str, dict[str, Fact]] = {}
        """What the manager believes about each code that is not over: the newest of what was sent."""

    def order(self, kind: str, body: Mapping[str, Fact], order_id: str | None = None) -> str:
        """Send one order; it is repeated until the hub has it. Returns its id."""
        code = body.get("code")
        if isinstance(code, str):
            self.pins.add(code)
        order_id = str(self.counterpart.order(kind, body, order_id))
        self.book.send(Sent(order_id, kind, dict(body)))
        return order_id

    def draw_pin(self, lock_id: str) -> str:
        """A PIN that this lock takes."""
        pin = "".join(self._chance.choice("0123456789") for _ in range(self._digits[lock_id]))
        self.pins.add(pin)
        return pin

    def order_something(self, now: Instant) -> str:
        """One order, or the few that belong together, drawn; returns the id of the last."""
        for code_id in [code_id for code_id in self._codes if self._is_past(code_id, now)]:
            del self._codes[code_id]
        living = list(self._codes)
        dice = self._chance.random()
        if not living or dice < 0.40:
            return self._create(now, living)
        code_id = self._chance.choice(living)
        if dice < 0.62:
            return self._update(code_id, now)
        if dice < 0.82:
            return self._delete(code_id)
        if dice < 0.87:
            return self._move_end(code_id, now)
        if dice < 0.90:
            return self._swap(code_id, living)
        if dice < 0.94:
            return self._follow(code_id, now)
        if dice < 0.96:
            return self._replace(code_id, now)
        if dice < 0.98:
            body: dict[str, Fact] = {"access_code_id": code_id, "force": self._chance.random() < 0.7}
            return self.order("access_code.pull_backup_access_code", body)
        return self._blunder(code_id, now)

    def _is_past(self, code_id: str, now: Instant) -> bool:
        ends = self._codes[code_id].get("_ends")
        return isinstance(ends, int) and ends <= now

    def _create(self, now: Instant, living: list[str]) -> str:
        chance = self._chance
        lock_id = chance.choice(self._lock_ids)
        here = [code_id for code_id in living if self._codes[code_id]["device_id"] == lock_id]
        if len(here) >= LIVING_MAX:
            return self._delete(chance.choice(here))
        self._code_count += 1
        code_id = f"code-{self._code_count}"
        starts, ends = self._window(now)
        body: dict[str, Fact] = {"access_code_id": code_id, "device_id": lock_id, "name": f"Guest {self._code_count}"}
        dice = chance.random()
        if dice < 0.08 and here:
            body["code"] = self._codes[chance.choice(here)].get("code")
        elif dice < 0.92:
            body["code"] = self.draw_pin(lock_id)
        if starts is not None:
            body["starts_at"] = text(starts)
        if ends is not None:
            body["ends_at"] = text(ends)
        if chance.random() < 0.1:
            body["is_external_modification_allowed"] = True
        if ends is not None and chance.random() < GUESTS_WITH_POOL:
            body["use_backup_access_code_pool"] = True
        self._codes[code_id] = {**body, "_ends": ends}
        return self.order("access_code.create", self._numbered(code_id, body))

    def _update(self, code_id: str, now: Instant) -> str:
        chance = self._chance
        body: dict[str, Fact] = {"access_code_id": code_id}
        if chance.random() < 0.5:
            body["code"] = self.draw_pin(str(self._codes[code_id]["device_id"]))
        if chance.random() < 0.5:
            starts, ends = self._window(now)
            body |= {"starts_at": text(starts), "ends_at": text(ends)}
            self._codes[code_id]["_ends"] = ends
        if chance.random() < 0.05:
            body["is_external_modification_allowed"] = chance.random() < 0.5
        if len(body) == 1 or chance.random() < 0.2:
            body["name"] = f"Renamed {chance.randrange(100)}"
        self._codes[code_id] |= {name: value for name, value in body.items() if value is not None}
        return self.order("access_code.update", self._numbered(code_id, body))

    def _delete(self, code_id: str) -> str:
        self._codes.pop(code_id)
        return self.order("access_code.delete", self._numbered(code_id, {"access_code_id": code_id}))

    def _move_end(self, code_id: str, now: Instant) -> str:
        """The guest stays longer, or leaves early."""
        ends = self._codes[code_id].get("_ends")
        if not isinstance(ends, int):
            return self._update(code_id, now)
        moved = Instant(max(ends + int(self._chance.uniform(-0.5, 2) * DAY_MS), now + MINUTE_MS))
        self._codes[code_id]["_ends"] = moved
        return self.order(
            "access_code.update", self._numbered(code_id, {"access_code_id": code_id, "ends_at": text(moved)})
        )

    def _swap(self, code_id: str, living: list[str]) -> str:
        """Two guests of one lock trade their PINs, by way of a third one."""
        code = self._codes[code_id]
        others = [
            other
            for other in living
            if other != code_id
            and self._codes[other]["device_id"] == code["device_id"]
            and "code" in self._codes[other]
        ]
        if not others or "code" not in code:
            return self._delete(code_id)
        other_id = self._chance.choice(others)
        mine, theirs = code["code"], self._codes[other_id]["code"]
        for who, pin in ((code_id, self.draw_pin(str(code["device_id"]))), (other_id, mine)):
            self.order("access_code.update", self._numbered(who, {"access_code_id": who, "code": pin}))
        code["code"], self._codes[other_id]["code"] = theirs, mine
        return self.order("access_code.update", self._numbered(code_id, {"access_code_id": code_id, "code": theirs}))

    def _follow(self, code_id: str, now: Instant) -> str:
        """The next guest gets the PIN of this one, for a stay after it."""
        before = self._codes[code_id]
        ends = before.get("_ends")
        if not isinstance(ends, int) or "code" not in before:
            return self._update(code_id, now)
        starts = Instant(ends + int(self._chance.uniform(0.2, 8) * HOUR_MS))
        return self._create_with(str(before["device_id"]), before["code"], starts, Instant(starts + DAY_MS))

    def _replace(self, code_id: str, now: Instant) -> str:
        """Deleted, and ordered anew at once: under another id with the same PIN, or under the same id."""
        gone = self._codes[code_id]
        self._delete(code_id)
        ends = Instant(now + int(self._chance.uniform(0.1, 2) * DAY_MS))
        again = code_id if self._chance.random() < 0.5 else None
        return self._create_with(str(gone["device_id"]), gone.get("code"), None, ends, again)

    def _create_with(
        self, lock_id: str, pin: Fact, starts: Instant | None, ends: Instant, code_id: str | None = None
    ) -> str:
        if code_id is None:
            self._code_count += 1
            code_id = f"code-{self._code_count}"
        body: dict[str, Fact] = {"access_code_id": code_id, "device_id": lock_id, "name": f"Guest of {lock_id}"}
        body |= {"ends_at": text(ends)} | ({} if pin is None else {"code": pin})
        if starts is not None:
            body["starts_at"] = text(starts)
        self._codes[code_id] = {**body, "_ends": ends}
        return self.order("access_code.create", self._numbered(code_id, body))

    def _blunder(self, code_id: str, now: Instant) -> str:
        """Something that must be refused, or an old order sent again."""
        match self._chance.randrange(5):
            case 0:
                return self.order("access_code.delete", {"access_code_id": "never-was"})
            case 1:
                body: dict[str, Fact] = {"access_code_id": "elsewhere", "device_id": "no-such-lock", "code": "123"}
                return self.order("access_code.create", body)
            case 2:
                old = self.book.sent[self._chance.choice(list(self.book.sent))]
                self._send_raw(encode_order(old.order_id, old.kind, old.body))
                return old.order_id
            case 3:
                wrong = "".join(self._chance.choice("0123456789") for _ in range(11))
                return self.order("access_code.update", {"access_code_id": code_id, "code": wrong})
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
