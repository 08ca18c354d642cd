"""The judge of bookings: at the hour at which a guest may stand at the door, is there a proven code, or was it told in time?

For each order that the hub took, the judge comes at that order's hour: the start of the stay, or five minutes after the order
when that is later (A8). He looks at the lock's own memory and at what the hub has said until then. On a lock that was reachable
for five minutes of the lead there are three good endings: the guest's code is told set and opens, a backup was handed out and
opens, or the shortage or the refusal was told twenty minutes before the start (five minutes after a late order).

And no lock may refuse a PIN for a rule that the hub knew: its own rules, a PIN of ours, a stranger's PIN that it has shown.
"""

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from drivers.simulator.lock import rules
from drivers.simulator.lock.firmware import Refusal
from gateway.model.events import Event, EventKind
from gateway.model.ids import CodeId, LockId, Slot
from gateway.model.instant import MINUTE_MS, SECOND_MS, Instant, format_instant
from gateway.model.issues import Issue
from gateway.model.slot import SightedAs
from gateway.store import codes, slots
from gateway.store.journal import StoredEvent
from tests.sim.book import Wish
from tests.sim.doors import Door
from tests.sim.world import World

REACH_MS = 5 * MINUTE_MS
"""A lock that was reachable for so long within the lead leaves no excuse."""

AHEAD_MS = 20 * MINUTE_MS
"""So long before the start a host still finds another way for the guest."""

LATE_MS = 5 * MINUTE_MS
"""The same after an order that came late (A8)."""

MARGIN_MS = 10 * SECOND_MS
"""A radio message, a worker's look and a lock's clock are not faster."""


class Ending(StrEnum):
    """How it stood with a booking at its hour."""

    PROVEN = "proven"
    BACKUP = "backup handed out"
    TOLD = "told in time"
    OUT_OF_REACH = "lock out of reach"
    BROKEN = "broken promise"


_SHORTAGES = (Issue.NO_SPACE, Issue.FAILED_TO_SET, Issue.DUPLICATE, Issue.CONSTRAINTS, Issue.REFUSED)
SHORTAGES = frozenset(issue.value for issue in _SHORTAGES)
"""What a host acts upon: there will be no code."""

KNOWN_RULES = frozenset({Refusal.LENGTH, Refusal.ALPHABET, Refusal.PROGRAMMING_CODE, Refusal.SLOT, Refusal.PROTECTED})
"""What a lock refuses by rules that its profile says (A11)."""


@dataclass(frozen=True, slots=True)
class Hour:
    """When an order is judged: accepted then, with the PIN wanted on the lock from `opens_at`, and at the door at `at`."""

    wish: Wish
    accepted_at: Instant
    opens_at: Instant
    at: Instant

    @property
    def tell_by(self) -> Instant:
        """Until when a shortage is told in time."""
        return Instant(max(self.at - AHEAD_MS, self.accepted_at + LATE_MS) + MARGIN_MS)


class Reach:
    """Since when, and how long, a lock could be reached: the hub has power, its driver is there, the lock hears."""

    def __init__(self, at: Instant) -> None:
        self._edges: list[tuple[Instant, bool]] = [(at, False)]

    def note(self, at: Instant, *, is_reachable: bool) -> None:
        """How it is from now on. A call that was lost breaks a stretch too: note false, then true."""
        if self._edges[-1][1] is not is_reachable:
            self._edges.append((at, is_reachable))

    def longest_ms(self, begins_at: Instant, ends_at: Instant) -> int:
        """The longest stretch without a break between two instants."""
        bounds = [*self._edges, (ends_at, False)]
        return max(
            (
                min(until, ends_at) - max(since, begins_at)
                for (since, is_reachable), (until, _) in pairwise(bounds)
                if is_reachable
            ),
            default=0,
        )


class Reception:
    """Witness of a world with bookings. `endings` counts, `broken` tells."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.endings: Counter[Ending] = Counter()
        self.refusals: Counter[Refusal] = Counter()
        self.turned_away: Counter[str] = Counter()
        """Orders that the hub refused, by its reason."""
        self.broken: list[str] = []
        self._told: dict[str, Instant] = {}
        self._refused: set[tuple[str, int, str]] = set()
        self._reach = {lock_id: Reach(world.true.now()) for lock_id in world.doors}
        world.witnesses.append(self)
        self._look_around()

    # What it hears.

    def on_accepted(self, wish: Wish, at: Instant) -> None:
        hour = self._hour(wish, at)
        if wish.is_deleted or wish.is_over(hour.at):
            return
        delay_s = (hour.at + MARGIN_MS - at) / 1000
        self._world.loop.call_later(delay_s, self._judge, hour)

    def on_event(self, stored: StoredEvent) -> None:
        event = stored.event
        if event.kind is EventKind.COMMAND_REJECTED:
            self.turned_away[str(event.body["reason"])] += 1
        if event.code_id is None:
            return
        errors = _errors_told(event)
        if errors & SHORTAGES:
            self._told.setdefault(event.code_id, self._world.true.now())
        elif errors or event.kind in {EventKind.CODE_SET, EventKind.CODE_SCHEDULED, EventKind.CODE_PIN_CHANGED}:
            self._told.pop(event.code_id, None)

    def on_refusal(self, door: Door, slot: int, pin: str, why: Refusal) -> None:
        self.refusals[why] += 1
        if why in KNOWN_RULES or (why is Refusal.DUPLICATE and self._is_rival_known(door, slot, pin)):
            if (door.lock_id, slot, pin) not in self._refused:
                self._cry(f"{door.lock_id} refuses a PIN in slot {slot}: {why}, which was known")
            self._refused.add((door.lock_id, slot, pin))

    def on_trouble(self, what: str, lock_id: str | None) -> None:
        self._look_around()

    def _look_around(self) -> None:
        world, now = self._world, self._world.true.now()
        has_way = world.life is not None and not world.driver_gone
        for lock_id, door in world.doors.items():
            self._reach[lock_id].note(now, is_reachable=has_way and not door.is_deaf)

    def _is_rival_known(self, door: Door, slot: int, pin: str) -> bool:
        pressed, lock_id = rules.keys(door.model, pin), LockId(door.lock_id)
        records = slots.read_all(self._world.disk.connection, lock_id)
        for other, held in door.firmware.pins().items():
            if other == slot or rules.keys(door.model, held) != pressed:
                continue
            record = records.get(Slot(other))
            is_shown = record is not None and record.sighted is SightedAs.HELD and record.sighted_digest is not None
            if (str(lock_id), other) in self._world.auditors.tenants or is_shown:
                return True
        return False

    # The hour.

    def _hour(self, wish: Wish, at: Instant) -> Hour:
        starts_at = wish.starts_at if wish.starts_at is not None else at
        hour = Instant(max(starts_at, at + LATE_MS))
        return Hour(wish, at, Instant(max(wish.opens_at(self._world.lead_ms), at)), hour)

    def _judge(self, hour: Hour) -> None:
        wish = self._world.book.wishes[hour.wish.code_id]
        if wish.order_id != hour.wish.order_id or wish.is_deleted:
            return
        ending = self._ending(hour, wish)
        self.endings[ending] += 1
        self._world.trace.note("hour", code=wish.code_id, lock=wish.lock_id, ending=ending.value)
        if ending is Ending.BROKEN:
            told = self._told.get(wish.code_id)
            said = "nothing was told" if told is None else f"it was told at {format_instant(told)}"
            ordered, due = format_instant(hour.accepted_at), format_instant(hour.at)
            self._cry(f"{wish.code_id} on {wish.lock_id}, ordered {ordered}: no proven code at {due}, and {said}")

    def _ending(self, hour: Hour, wish: Wish) -> Ending:
        world = self._world
        opening = set(world.doors[wish.lock_id].firmware.opening(world.loop.time()).values())
        told = codes.announced(world.disk.connection, LockId(wish.lock_id)).get(CodeId(wish.code_id))
        # Told as set, or as kept by the lock itself: such a code opens at its hour even if the hub is off then (A2).
        if wish.pin in opening and told is not None and told.digest == world.digest(wish.pin):
            return Ending.PROVEN
        backup = world.book.wishes.get(world.auditors.pools.given.get(wish.code_id, ""))
        if backup is not None and backup.pin in opening:
            return Ending.BACKUP
        told_at = self._told.get(wish.code_id)
        if told_at is not None and told_at <= hour.tell_by:
            return Ending.TOLD
        is_reached = self._reach[wish.lock_id].longest_ms(hour.opens_at, hour.at) >= REACH_MS
        return Ending.BROKEN if is_reached else Ending.OUT_OF_REACH

    def _cry(self, told: str) -> None:
        self._world.auditors.cry("booking", told)
        self.broken.append(told)


def _errors_told(event: Event) -> set[str]:
    """The errors that an event tells of its code; one that says that there are none any more tells of "none"."""
    told = event.body.get("access_code_errors")
    changes = event.body.get("changed_properties")
    if isinstance(changes, list):
        told = next((one["to"] for one in changes if isinstance(one, dict) and one["property"] == "errors"), None)
    if event.kind is EventKind.COMMAND_FAILED and event.body["reason"] == "refused":
        return {Issue.REFUSED.value}
    return {str(error) for error in told or ["none"]} if isinstance(told, list) else set()
