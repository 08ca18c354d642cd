"""Locks that nobody works on, in words: another device answers in the place of one, or it is not this hub's any more (A17).

The plan of such a lock is still made, for the status of its codes, but no worker acts on it: nothing of it is to be promised.
"""

from collections.abc import Iterator
from enum import StrEnum

from gateway.model.ids import LockId
from gateway.model.issues import Issue, Status
from gateway.model.slot import SlotRecord
from gateway.model.snapshot import LockSnapshot
from gateway.planner.words import STATUS_WORDS


class Idle(StrEnum):
    """Why nobody works on a lock."""

    QUARANTINED = "quarantined"
    NOT_OURS = "not_ours"
    FORGOTTEN = "forgotten"
    """Not this hub's, and what was seen of its slots is gone: it left, and may hold its codes to this day."""


PROMISES = frozenset({Issue.BEING_DELETED, Issue.CONFLICTING_CHANGE})
"""Issues whose words say what the hub is about to do."""

NOTHING_UNTIL_ACCEPTED = "nothing until the device is accepted"
"""What is next on a quarantined lock, for a cell of a table."""


def idle(snapshot: LockSnapshot, *, is_ours: bool) -> Idle | None:
    """Why nobody works on this lock; None when the hub does. `is_ours`: the configuration names it, or it joined here."""
    if not is_ours:
        return Idle.FORGOTTEN if snapshot.listed_at is None else Idle.NOT_OURS
    return Idle.QUARANTINED if snapshot.is_quarantined else None


def accept(lock_id: LockId) -> str:
    """What a person types to end a quarantine."""
    return f"gatewayctl accept-lock {lock_id}"


def quarantined_plan(lock_id: LockId) -> str:
    """The whole plan of a quarantined lock."""
    told = "Another device answers in the lock's place: nothing is written to it until somebody accepts it"
    return f"{told}, with: {accept(lock_id)}"


def quarantined_slots(lock_id: LockId) -> str:
    """What stands above the slots of a quarantined lock."""
    told = "Another device answers in the lock's place; what follows is of the one that was paired."
    return f"{told} To take the other one: {accept(lock_id)}"


def not_ours(lock_id: LockId) -> str:
    """That a lock is not this hub's any more, in one sentence."""
    return f"{lock_id} is none of this hub's locks: it is not in the configuration, or has left the network."


def bring_back(lock_id: LockId) -> str:
    """What a person can do about that."""
    joining = f"let a lock join under its name, with: gatewayctl include --name {lock_id}"
    return f"put {lock_id} back into the configuration; if it has left the network, {joining}"


def delete_by_hand(record: SlotRecord) -> str:
    """What a person can do about a PIN that the hub does not take off."""
    return f"delete slot {record.slot} at the keypad of the lock, if the door must be safe now"


def status_words(status: Status, why: Idle) -> str:
    """A status without its promise."""
    if status in {Status.SETTING, Status.REMOVING}:
        return "held up, for nobody works on this lock"
    is_past = why is Idle.FORGOTTEN or (why is Idle.NOT_OURS and status is Status.SET)
    return "as far as the hub last knew" if is_past else STATUS_WORDS[status]


def believed(told: str, record: SlotRecord | None, why: Idle) -> str:
    """What is believed of a slot: in a quarantine that is about another device than the one that answers."""
    if why is Idle.FORGOTTEN and record is None:
        return "nobody knows any more what this lock holds"
    if why is not Idle.QUARANTINED:
        return told
    if record is None:
        return "it is not on the lock"
    return f"on the device that was paired, {told}; nothing is known of the one in its place"


def evidence(told: str, record: SlotRecord | None, why: Idle) -> str:
    """The evidence for that."""
    is_gone = why is Idle.FORGOTTEN and record is None
    return "none, what was seen of its slots is forgotten" if is_gone else told


def next_step(lock_id: LockId, why: Idle) -> str:
    """What is next for a code on such a lock."""
    if why is not Idle.QUARANTINED:
        return "nothing, nobody works on this lock"
    return f"nothing until somebody accepts the device: {accept(lock_id)}"


def advice(lock_id: LockId, record: SlotRecord | None, why: Idle, *, is_over: bool) -> Iterator[str]:
    """What a person could do. In a quarantine no slot is named: what is in it there is a stranger's."""
    if why is Idle.QUARANTINED:
        yield "bring back the lock that was paired, if the other device does not belong there"
        return
    yield bring_back(lock_id)
    if why is Idle.FORGOTTEN:
        yield "reset the lock, if it still hangs on a door: its codes may still open it"
    elif is_over and record is not None:
        yield delete_by_hand(record)
