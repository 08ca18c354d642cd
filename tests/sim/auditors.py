"""Who watches a world from outside, and cries when a rule of the house is broken.

Auditors see what really happens: every call to a lock, every change of its memory, every committed event, every message to
the broker, every log line. What ought to be they take from the cloud's book. They share no judgement with the gateway.

Each has a mutation story in `test_auditors.py`: the rule broken on purpose, and the auditor crying.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from gateway.model.clock import ClockTrust
from gateway.model.events import EventKind
from gateway.model.ids import CodeId, LockId, Slot
from gateway.model.instant import DAY_MS, MINUTE_MS, SECOND_MS, Instant
from gateway.model.slot import Operation, Outcome
from gateway.store import slots
from gateway.store.journal import StoredEvent
from tests.sim.auditors_clock import LockClockAuditor
from tests.sim.auditors_pool import PoolAuditor
from tests.sim.auditors_record import Bookkeeper
from tests.sim.auditors_time import ClockAuditor, has_window, lead_of, may_be_there
from tests.sim.book import Book
from tests.sim.clock import HubClock, Machine, TrueTime
from tests.sim.doors import Actor, Change, Door, Verb
from tests.sim.power import Disk
from tests.sim.trace import Trace

REMOVAL_BOUND_MS = 2 * MINUTE_MS
"""Off a reachable lock within two minutes (A9)."""

LAST_GAP_S = 5.0
"""Between a look at a slot and the write into it pass milliseconds, a second when an answer is late."""

LOOK_S = 30.0
"""How often the slow auditors look; what they allow is longer by this."""


@dataclass(frozen=True, slots=True)
class Violation:
    """A broken rule."""

    auditor: str
    at: Instant
    told: str


@dataclass(slots=True)
class Tenant:
    """A PIN that the hub put into a slot: whose it is, and since when it is there."""

    code_id: str
    pin: str


class Scene(Protocol):
    """What auditors may look at."""

    book: Book
    disk: Disk
    doors: dict[str, Door]
    true: TrueTime
    machine: Machine
    trace: Trace
    lead_ms: int

    @property
    def clock(self) -> HubClock | None:
        """The clock of the hub's present life; None without power."""
        ...

    def digest(self, pin: str) -> bytes:
        """The hub's digest of a PIN."""
        ...

    def is_spare(self, code_id: str) -> bool:
        """Whether a code is a backup that nobody was given."""
        ...

    def open_pin(self, code_id: CodeId, lock_id: LockId) -> str:
        """The digits of a code as the hub keeps them."""
        ...

    def calm_since(self) -> Instant | None:
        """Since when nothing has gone wrong anywhere; None while something is."""
        ...


class Auditors:
    """All of them, on one world. `violations` is what they cried, `counts` what they saw."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self.violations: list[Violation] = []
        self.time = ClockAuditor(scene, self.cry)
        self.lock_clocks = LockClockAuditor(scene, self.cry)
        self.pools = PoolAuditor(scene, self.cry, scene.open_pin, self.held)
        self.tenants: dict[tuple[str, int], Tenant] = {}
        self.strangers: dict[tuple[str, int], str] = {
            (door.lock_id, slot): pin for door in scene.doors.values() for slot, pin in door.firmware.pins().items()
        }
        self._writing: dict[tuple[str, int], tuple[str, float]] = {}
        self.claims: dict[tuple[str, int], str] = {}
        """Slots that the hub has written and not emptied since: who changes one of them edits that code (A15)."""
        self._tried: dict[tuple[str, int], set[str]] = {}
        """PINs that the hub ever tried to write into a slot."""
        self._unjustified: dict[tuple[str, int, str], Instant] = {}
        self._started: set[tuple[str, str]] = set()
        self._record = Bookkeeper(scene.book, lambda: scene.clock, self.cry)

    def cry(self, auditor: str, told: str) -> None:
        """Note a broken rule."""
        self._scene.trace.note("VIOLATION", auditor=auditor, told=told)
        self.violations.append(Violation(auditor, self._scene.true.now(), told))

    # What happens at the locks.

    def on_call(self, door: Door, verb: Verb, slot: int | None, pin: str | None) -> None:
        """The hub begins a call: is there a committed intent for it (N4), and may this code start now (design-I8)?"""
        if verb not in {Verb.WRITE, Verb.CLEAR} or slot is None:
            return
        if door.firmware.is_leaving(slot):
            self.strangers.pop(
                (str(door.lock_id), slot), None
            )  # the lock says that it has gone; nobody can know better
        record = slots.get(self._scene.disk.connection, LockId(door.lock_id), Slot(slot))
        operation = Operation.WRITE if verb is Verb.WRITE else Operation.CLEAR
        has_intent = record.lease is not None and record.operation is operation and record.outcome is Outcome.PENDING
        if pin is not None:
            self._tried.setdefault((str(door.lock_id), slot), set()).add(pin)
            has_intent = has_intent and record.intended == self._scene.digest(pin)
        if not has_intent:
            self.cry("intent", f"{door.lock_id}: {verb} of slot {slot} without a committed intent")
        code_id = record.lease or CodeId("nobody")
        self._writing[str(door.lock_id), slot] = (code_id, self._scene.true.loop_time())
        if verb is Verb.WRITE and record.was_empty and door.is_deaf and door.model.is_masked:
            # The write is lost where the hub saw nothing, and whatever a hand put there unheard shows the asterisks of our PIN (A7).
            self.strangers.pop((str(door.lock_id), slot), None)
        if verb is Verb.WRITE:
            self._check_window(door, code_id)

    def _check_window(self, door: Door, code_id: str) -> None:
        """Judged when the call begins: an order that comes while the radio works cannot call it back."""
        scene = self._scene
        clock, wish, now = scene.clock, scene.book.wishes.get(code_id), scene.true.now()
        if clock is None or wish is None:
            return
        self.time.began(door, wish, scene.lead_ms)
        con = scene.disk.connection
        opens_at = wish.opens_at(lead_of(con, str(door.lock_id), scene.lead_ms))
        if has_window(con, str(door.lock_id), wish):
            self.lock_clocks.began(door, wish, opens_at)
        elif now < opens_at - SECOND_MS:
            self.cry("window", f"{door.lock_id}: {code_id} is written before its lead")
        # A code that was on the lock may be written anew, for an order that comes while nobody knows the time for sure.
        is_blind = clock.trust is not ClockTrust.TRUSTED and (door.lock_id, code_id) in self._started
        if wish.is_over(Instant((clock.reading().lo if is_blind else now) - SECOND_MS)):
            self.cry("window", f"{door.lock_id}: {code_id} is written after its end")
        if wish.ends_at is None:
            return
        is_near = wish.ends_at - clock.reading().lo < DAY_MS
        if clock.trust is ClockTrust.UNTRUSTED and is_near and (door.lock_id, code_id) not in self._started:
            self.cry(
                "trust", f"{door.lock_id}: {code_id}, which ends within a day, starts while the clock is untrusted"
            )

    def on_change(self, door: Door, change: Change) -> None:
        """A slot's content changed."""
        key = (str(door.lock_id), change.slot)
        if change.actor is Actor.HAND:
            self.tenants.pop(key, None)
            self.strangers.pop(key, None)
            # Nobody can tell a hand's PIN from ours: where a clear went unanswered (A15 calls it an edit of our code), or
            # where it is the very PIN that we tried to write there.
            is_hidden = change.slot in door.unanswered or change.after in self._tried.get(key, ())
            # While a code keeps a slot in which it was proven, whoever programs that slot edits the code (A15).
            record = slots.get(self._scene.disk.connection, door.lock_id, Slot(change.slot))
            is_hidden = is_hidden or (record.lease is not None and record.proven is not None)
            if change.after is not None and key not in self.claims and not is_hidden:
                self.strangers[key] = change.after
            return
        code_id, began_s = self._writing.get(key, ("nobody", 0.0))
        if key in self.strangers:
            # The last gap: who programs a slot while the hub is just writing it is not seen by anybody.
            if door.touched.get(change.slot, -LAST_GAP_S) + LAST_GAP_S < began_s:
                self.cry("stranger", f"{door.lock_id}: slot {change.slot} held a stranger's PIN and was changed")
            del self.strangers[key]
        self.tenants.pop(key, None)
        self.claims.pop(key, None)
        if change.after is not None:
            self.claims[key] = code_id
            self._moved_in(door, change.slot, Tenant(code_id, change.after))

    def _moved_in(self, door: Door, slot: int, tenant: Tenant) -> None:
        scene, lock_id = self._scene, str(door.lock_id)
        for (other_lock, other_slot), other in self.tenants.items():
            if other_lock == lock_id and other.code_id == tenant.code_id:
                self.cry("once", f"{lock_id}: {tenant.code_id} is in slots {other_slot} and {slot}")
            # A lock that has said yes and not yet changed its memory lies to everybody for a moment.
            is_leaving = scene.doors[lock_id].firmware.is_settling(other_slot)
            if other_lock == lock_id and other.pin == tenant.pin and not is_leaving:
                self.cry("once", f"{lock_id}: one PIN is in slots {other_slot} and {slot}")
        for (other_lock, other_slot), pin in self.strangers.items():
            # What a lock hides nobody can compare with what is ordered (A10).
            is_shown = not door.model.is_masked and other_slot not in door.unheard | door.veiled
            if other_lock == lock_id and pin == tenant.pin and is_shown:
                self.cry("once", f"{lock_id}: the stranger's PIN of slot {other_slot} is now in slot {slot} too")
        self.tenants[lock_id, slot] = tenant
        self._started.add((lock_id, tenant.code_id))
        wish = scene.book.wishes.get(tenant.code_id)
        if wish is None or wish.lock_id != lock_id:
            self.cry("window", f"{lock_id}: slot {slot} got a PIN of {tenant.code_id}, which nobody ordered there")

    # What time brings.

    def look(self) -> None:
        """Every `LOOK_S`: is every PIN on a lock one that belongs there (A9, design-I3), and is the time in order (T1)?"""
        scene = self._scene
        clock = scene.clock
        if clock is None:
            self.pools.without_power()
            return
        reading, now, calm_since = clock.reading(), scene.true.now(), scene.calm_since()
        self.time.look(reading, now)
        self.lock_clocks.look(reading.trust, now)
        self._look_at_tenants(reading.lo, now, calm_since)
        self.pools.look(scene.disk.connection, now, reading)

    def _look_at_tenants(self, believed: Instant, now: Instant, calm_since: Instant | None) -> None:
        scene = self._scene
        seen = set()
        for (lock_id, slot), tenant in self.tenants.items():
            wish = scene.book.wishes.get(tenant.code_id)
            door, is_overdue = scene.doors[lock_id], False
            if wish is not None and wish.pin in {None, tenant.pin}:
                is_overdue = self.time.overstays(door, slot, wish, believed)
                is_there = wish.is_wanted(believed, scene.lead_ms) or may_be_there(door, slot, wish, believed, now)
                if is_there and not is_overdue:
                    continue
            key = (lock_id, slot, tenant.pin)
            seen.add(key)
            since = self._unjustified.setdefault(key, now)
            if calm_since is None or slot in door.unheard:
                continue
            if now - max(since, calm_since) > REMOVAL_BOUND_MS + 2 * LOOK_S * 1000:
                auditor = "overstay" if is_overdue else "removal"
                self.cry(auditor, f"{lock_id}: slot {slot} still holds a PIN of {tenant.code_id} that must be gone")
                self._unjustified[key] = now  # cries again, but not every look
        for key in [key for key in self._unjustified if key not in seen]:
            del self._unjustified[key]

    # What the hub claims.

    def on_event(self, stored: StoredEvent) -> None:
        """An event was committed: does it claim more than the truth (N6)?"""
        self._record.on_event(stored)
        event = stored.event
        if event.kind in {EventKind.CODE_SET, EventKind.CODE_PIN_CHANGED}:
            self._check_claimed_set(str(event.lock_id), str(event.code_id), event.body.get("slot"))
        elif event.kind is EventKind.CODE_REMOVED:
            for slot in self._held_by(str(event.lock_id), str(event.code_id)):
                door = self._scene.doors[str(event.lock_id)]
                if slot not in door.unheard and not door.firmware.is_settling(slot):
                    self.cry("claim", f"{event.code_id} is told removed and is in slot {slot} of {event.lock_id}")

    def _check_claimed_set(self, lock_id: str, code_id: str, slot: object) -> None:
        door, wish = self._scene.doors[lock_id], self._scene.book.wishes.get(code_id)
        if not isinstance(slot, int) or wish is None:
            self.cry("claim", f"{code_id} is told set on {lock_id} without a slot, or was never ordered")
            return
        is_there = wish.pin is None or door.firmware.pins().get(slot) == wish.pin
        if not is_there and slot not in door.unheard and not door.firmware.is_settling(slot):
            self.cry("claim", f"{code_id} is told set in slot {slot} of {lock_id} and is not there")

    def held(self, lock_id: str) -> set[str]:
        """The codes whose PINs are on a lock."""
        return {tenant.code_id for (other_lock, _), tenant in self.tenants.items() if other_lock == lock_id}

    def _held_by(self, lock_id: str, code_id: str) -> Iterator[int]:
        for (other_lock, slot), tenant in self.tenants.items():
            if other_lock == lock_id and tenant.code_id == code_id:
                yield slot
