"""Guards a lock's codes against the loss of all of them at once, and the hub against another lock in its place (A17).

A wipe is no edit: nobody changed one code, the lock forgot all. So it is told as one alarm, the evidence of every slot is dropped,
and everything that is wanted is written again, nearest start first. A wipe is known from the lock's own word (all codes deleted, a
reset), or recognised: a look that finds one of our slots empty without a word of the lock makes the hub look at another one, and
`EMPTY_MAKE_A_WIPE` of them with none left in place are a wipe.
"""

from gateway.model import ledger
from gateway.model.events import Event, EventKind, Fact
from gateway.model.identity import LockIdentity
from gateway.model.ids import LockId
from gateway.model.instant import MINUTE_MS, Instant
from gateway.model.slot import Operation, Outcome, SightedAs, SlotRecord
from gateway.store import journal, pairing, slots
from gateway.store.database import Connection

EMPTY_MAKE_A_WIPE = 3
"""So many of our slots found empty, and none in place, are a wipe; on a lock with two codes both of them. One by one a hand
deletes them too, but not three within minutes and no other left."""

WIPE_WITHIN_MS = 10 * MINUTE_MS
"""Looks that show a wipe lie this close together: each empty slot makes the hub look at the next at once."""


def wiped(con: Connection, lock_id: LockId, cause: str, at: Instant, *, seen: SightedAs) -> None:
    """The lock forgot its codes: drop the evidence of all of ours. `seen` is EMPTY on the lock's own word, else UNKNOWN."""
    ours = [record for record in slots.of_lock(con, lock_id).values() if record.lease is not None]
    for record in ours:
        is_empty = seen is SightedAs.EMPTY or record.sighted is SightedAs.EMPTY
        after = ledger.lost(record, at, sighted=SightedAs.EMPTY if is_empty else seen)
        slots.put(con, lock_id, after)
        body: dict[str, Fact] = {"slot": int(record.slot), "cause": cause}
        journal.note(con, "slot.evidence.dropped", at, lock_id=lock_id, code_id=record.lease, body=body)
    told: dict[str, Fact] = {"cause": cause, "slots": len(ours)}
    journal.append(con, Event(EventKind.DEVICE_WIPED, lock_id, body=told), at)


def weigh(con: Connection, lock_id: LockId, before: SlotRecord, after: SlotRecord, at: Instant) -> None:
    """One of our slots may just have been found empty: look at another one, or recognise a wipe."""
    was_there = before.lease is not None and before.proven is not None and before.operation is Operation.WRITE
    if not was_there or after.sighted is not SightedAs.EMPTY or before.sighted is SightedAs.EMPTY:
        return
    ours = [
        record
        for record in slots.of_lock(con, lock_id).values()
        if record.lease is not None and record.proven is not None and record.operation is Operation.WRITE
    ]
    gone = [record for record in ours if record.sighted is SightedAs.EMPTY and _is_recent(record, at)]
    since = min((record.sighted_at or at for record in gone), default=at)
    left = [record for record in ours if record not in gone]
    is_one_in_place = any(_is_in_place(record) and (record.sighted_at or 0) >= since for record in left)
    if is_one_in_place:
        return
    if len(gone) >= max(2, min(EMPTY_MAKE_A_WIPE, len(ours))):
        wiped(con, lock_id, "many_slots_empty", at, seen=SightedAs.UNKNOWN)
    elif left:
        # The one that was seen longest ago knows least about now; its proof stays until the look.
        next_one = min(left, key=lambda record: (record.sighted_at or 0, record.slot))
        slots.put(con, lock_id, ledger.unseen(next_one, at))


def met(con: Connection, lock_id: LockId, identity: LockIdentity, at: Instant) -> None:
    """A device answers for this lock: pair it, know it again, or put it into quarantine."""
    known = pairing.get(con, lock_id)
    if known is None:
        pairing.put(con, lock_id, identity, at)
    elif identity.is_other_than(known.paired):
        if known.found != identity:
            pairing.quarantine(con, lock_id, identity, at)
            body: dict[str, Fact] = {"reason": "replaced", "paired": str(known.paired), "found": str(identity)}
            journal.append(con, Event(EventKind.DEVICE_REMOVED, lock_id, body=body), at)
    else:
        pairing.put(con, lock_id, identity.completing(known.paired), at)
        if known.found is not None:
            journal.append(con, Event(EventKind.DEVICE_ADDED, lock_id, body={"reason": "returned"}), at)


def is_met(con: Connection, lock_id: LockId, identity: LockIdentity) -> bool:
    """Whether `met` would change nothing."""
    known = pairing.get(con, lock_id)
    if known is None:
        return False
    if identity.is_other_than(known.paired):
        return known.found == identity
    return known.found is None and identity.completing(known.paired) == known.paired


def _is_recent(record: SlotRecord, at: Instant) -> bool:
    return record.sighted_at is not None and at - record.sighted_at <= WIPE_WITHIN_MS


def _is_in_place(record: SlotRecord) -> bool:
    return record.sighted in {SightedAs.HELD, SightedAs.MASKED} and record.outcome is Outcome.CONFIRMED
