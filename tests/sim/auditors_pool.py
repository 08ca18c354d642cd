"""What pools are judged by: whose a backup is, that it was never anybody else's, and that it comes in time (A12, A13).

A backup is no order of the cloud, so the book learns of it from the hub's own events: from then on it is a wish like any
other, and the auditors of windows, removals and memories judge it with the rest. Here is only what a wish cannot say.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Protocol

from gateway.model.clock import ClockReading, ClockTrust
from gateway.model.events import Event, EventKind
from gateway.model.ids import CodeId, LockId
from gateway.model.instant import HOUR_MS, MINUTE_MS, Instant
from gateway.store import codes, slots
from gateway.store.database import Connection
from tests.sim.book import Book, Sent, Wish
from tests.sim.doors import Door

OVER_MS = HOUR_MS
"""A stay is surely over this long after its end: the hub's own bound falls back by minutes at most."""

POOL_ORDER = "the pool's own"
"""Stands for the order of a code that nobody ordered."""

AT_RISK_MS = 10 * MINUTE_MS
LATE_ORDER_MS = 5 * MINUTE_MS
"""A guest is helped this long before the start; after a late order, this long after it (A13)."""

HELP_MS = 3 * MINUTE_MS
"""How long a guest at risk may wait for a backup that is there: the worker looks every half minute, the auditor too."""


class Scene(Protocol):
    """What this auditor may look at."""

    book: Book
    doors: dict[str, Door]


class PoolAuditor:
    """Follows the pools of a world. `open_pin` gives a code's digits as the hub keeps them, `held` who is on a lock."""

    def __init__(
        self,
        scene: Scene,
        cry: Callable[[str, str], None],
        open_pin: Callable[[CodeId, LockId], str],
        held: Callable[[str], set[str]],
    ) -> None:
        self._scene = scene
        self._cry = cry
        self._open_pin = open_pin
        self._held = held
        self.spares: dict[str, str] = {}
        """Living backups that nobody was given, with their lock."""
        self.given: dict[str, str] = {}
        """Backups by the original that they stand in for."""
        self.guests: dict[str, Instant] = {}
        """Codes that were ordered with the pool behind them, and when their newest order was accepted."""
        self._open: dict[str, Instant] = {}
        """The guests who may still need help, and since when, in the order of `guests`: those whose stay has not surely ended."""
        self._used: set[str] = set()
        self._waiting: dict[str, Instant] = {}

    def accepted(self, sent: Sent, wish: Wish, at: Instant) -> None:
        """An order about a code was accepted, and this is what is wanted now."""
        if wish.pin is not None:
            self._used.add(wish.pin)
        # What is created again after its deletion begins anew, with neither a pool behind it nor a backup.
        if sent.kind == "access_code.create":
            self.given.pop(wish.code_id, None)
            self.guests.pop(wish.code_id, None)
        was_guest = wish.code_id in self.guests
        if sent.body.get("use_backup_access_code_pool", was_guest) is True:
            self.guests[wish.code_id] = self._open[wish.code_id] = at
        else:
            self.guests.pop(wish.code_id, None)
            self._open.pop(wish.code_id, None)
        backup = self._scene.book.wishes.get(self.given.get(wish.code_id, ""))
        if backup is not None and not backup.is_deleted:
            # What is moved to after its end is another stay: no backup opens through the gap.
            is_other_stay = None not in {wish.starts_at, backup.ends_at} and (wish.starts_at or 0) > (
                backup.ends_at or 0
            )
            self._keep(replace(backup, ends_at=wish.ends_at, is_deleted=wish.is_deleted or is_other_stay))

    def on_event(self, event: Event) -> None:
        """A backup was made, given, or is gone."""
        code_id = str(event.code_id)
        if event.kind is EventKind.CODE_CREATED and event.body.get("is_backup") is True:
            self._made(code_id, str(event.lock_id))
        elif event.kind is EventKind.BACKUP_PULLED:
            self._pulled(code_id, str(event.body["backup_access_code_id"]))
        elif event.kind is EventKind.CODE_DELETED and code_id in {*self.spares, *self.given.values()}:
            self.spares.pop(code_id, None)
            self._keep(replace(self._scene.book.wishes[code_id], is_deleted=True))

    def without_power(self) -> None:
        """Nobody can be helped now, so nobody's wait counts."""
        self._waiting.clear()

    def look(self, con: Connection, now: Instant, reading: ClockReading) -> None:
        """Every half minute: is anybody at risk although a backup is there?"""
        if reading.trust is not ClockTrust.TRUSTED:
            self._waiting.clear()
            return
        at_risk = set(self._at_risk(con, reading.lo))
        for code_id in at_risk:
            if now - self._waiting.setdefault(code_id, now) > HELP_MS:
                self._cry("pool", f"{code_id} is at risk, and no backup is pulled although one is there")
                self._waiting[code_id] = now
        for code_id in self._waiting.keys() - at_risk:
            del self._waiting[code_id]

    def _made(self, code_id: str, lock_id: str) -> None:
        pin = self._open_pin(CodeId(code_id), LockId(lock_id))
        if pin in self._used:
            self._cry("pool", f"{lock_id}: backup {code_id} has a PIN that was used before")
        self._used.add(pin)
        self.spares[code_id] = lock_id
        # Whoever is due may push a spare out (A16), so its absence is nobody's fault.
        self._keep(Wish(code_id, lock_id, pin, None, None, 1, POOL_ORDER, is_change_allowed=True))

    def _pulled(self, original_id: str, backup_id: str) -> None:
        original = self._scene.book.wishes.get(original_id)
        lock_id = self.spares.pop(backup_id, None)
        if original is None or original.ends_at is None or lock_id != original.lock_id:
            self._cry(
                "pool", f"{backup_id} is pulled for {original_id}, which is no stay of that lock, or was pulled before"
            )
            return
        before = self._scene.book.wishes.get(self.given.get(original_id, ""))
        if before is not None and not before.is_deleted:
            self._cry("pool", f"{original_id} has two backups")
        self.given[original_id] = backup_id
        backup = replace(self._scene.book.wishes[backup_id], ends_at=original.ends_at)
        self._keep(backup)
        door = self._scene.doors[lock_id]
        if backup.pin not in door.firmware.pins().values() and not door.unheard:
            self._cry("pool", f"{backup_id} is handed out and not on {lock_id}")

    def _at_risk(self, con: Connection, believed: Instant) -> Iterator[str]:
        for code_id, accepted_at in [*self._open.items()]:
            wish = self._scene.book.wishes[code_id]
            if wish.is_over(Instant(believed - OVER_MS)):
                del self._open[code_id]
            if wish.ends_at is None or wish.is_over(believed) or wish.is_change_allowed:
                continue
            starts_at = accepted_at if wish.starts_at is None else Instant(wish.starts_at - AT_RISK_MS)
            is_late = believed >= max(starts_at, accepted_at + LATE_ORDER_MS)
            is_there = code_id in self._held(wish.lock_id) or code_id in self.given
            if is_late and not is_there and any(self._ready(con, wish.lock_id)):
                yield code_id

    def _ready(self, con: Connection, lock_id: str) -> Iterator[str]:
        """Spares that are on the lock, and that the hub has evidence for."""
        for code_id in self._held(lock_id) & self.spares.keys():
            held = slots.of_code(con, LockId(lock_id), CodeId(code_id))
            code = codes.get(con, CodeId(code_id))
            is_proven = held is not None and held.proof is not None
            if is_proven and code is not None and not code.is_deleted and not self._scene.doors[lock_id].unheard:
                yield code_id

    def _keep(self, wish: Wish) -> None:
        self._scene.book.wishes[wish.code_id] = wish
