"""Code to slot: sticky, durable, never over a foreign PIN (N2)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from gateway.model.ids import CodeId, Slot
from gateway.model.instant import Instant
from gateway.model.slot import SightedAs, SlotRecord, Verdict
from gateway.model.snapshot import LockSnapshot
from gateway.planner.desired import Desire

LOOKS_PER_SLOT = 3
"""After this many looks without an answer another slot is asked: silence may be the slot's, most often it is the lock's."""

SLOTS_KEPT = 2
"""Slots of a lock that preloading leaves open: a guest who books for tonight goes before one who comes in three days (A16)."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """Where codes without a slot could go.

    `to_free` may be written, `to_ask` must be looked at first, `homeless` find no room at all (A16).
    """

    to_free: Mapping[CodeId, Slot]
    to_ask: Mapping[CodeId, Slot]
    homeless: frozenset[CodeId]


NOBODY_WAITS = Assignment({}, {}, frozenset())


def affordable(waiting: Sequence[Desire], open_count: int, now: Instant) -> list[Desire]:
    """Which codes without a slot may ask for one: preloads only while `SLOTS_KEPT` stay open for those that are due (A16)."""
    due = [wish for wish in waiting if not wish.is_ahead(now)]
    ahead = sorted((wish for wish in waiting if wish.is_ahead(now)), key=lambda wish: (wish.due, wish.code.code_id))
    return due + ahead[: max(0, open_count - len(due) - SLOTS_KEPT)]


def assign(snapshot: LockSnapshot, verdicts: Mapping[Slot, Verdict], waiting: Sequence[Desire]) -> Assignment:
    """Give each waiting code a slot of its own, nearest due first, lowest slot first.

    Slots that the lock itself showed empty come first; then those said to be empty by hearsay; then unseen ones.
    """
    if not waiting:
        return NOBODY_WAITS
    numbers = snapshot.profile.slots
    free = iter(sorted(slot for slot, verdict in verdicts.items() if verdict is Verdict.FREE and slot in numbers))
    unseen = _unseen(snapshot, verdicts)
    to_free: dict[CodeId, Slot] = {}
    to_ask: dict[CodeId, Slot] = {}
    homeless: set[CodeId] = set()
    for wish in sorted(waiting, key=lambda wish: (wish.due, wish.code.code_id)):
        code_id = wish.code.code_id
        if (slot := next(free, None)) is not None:
            to_free[code_id] = slot
        elif (unsure := next(unseen, None)) is not None:
            to_ask[code_id] = unsure
        else:
            homeless.add(code_id)
    return Assignment(to_free, to_ask, frozenset(homeless))


def _unseen(snapshot: LockSnapshot, verdicts: Mapping[Slot, Verdict]) -> Iterator[Slot]:
    records = [
        snapshot.slots.get(Slot(number), SlotRecord(Slot(number)))
        for number in snapshot.profile.slots
        if verdicts.get(Slot(number), Verdict.UNSEEN) is Verdict.UNSEEN
    ]

    def turn(record: SlotRecord) -> tuple[int, bool, int]:
        return record.unanswered // LOOKS_PER_SLOT, record.sighted is not SightedAs.EMPTY, record.slot

    for record in sorted(records, key=turn):
        yield record.slot


def deaf_until(snapshot: LockSnapshot) -> Instant | None:
    """While a lock does not answer the looks for a free slot, none of them is repeated before this instant.

    The silence is the lock's and not the slot's, so the wait is for all of them: a walk over thirty slots of a lock that
    is not there would be ninety calls for nothing (A8).
    """
    waits = [
        record.next_try_at
        for record in snapshot.slots.values()
        if record.lease is None and record.next_try_at is not None
    ]
    return max(waits, default=None)
