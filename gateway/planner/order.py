"""The priority order over a whole lock, and how PIN swaps are broken.

A write whose PIN may still be in another slot waits for that slot. Two codes that trade PINs wait for each other for
ever; then one of the two is emptied first. Such a circle is rare (two edits while the lock is away), so nobody meets it
by chance: it has a named test.
"""

from collections.abc import Mapping, Sequence

from gateway.model.ids import Slot
from gateway.planner.actions import Action, CheckClock, ClearSlot, ListSlots, Reason, Urgency, WriteSlot
from gateway.planner.diff import Candidate


def rank(action: Action) -> tuple[int, int, int]:
    """Lower goes first: danger, then deadline, then slot number."""
    slot = 0 if isinstance(action, ListSlots | CheckClock) else action.slot
    return (action.urgency, action.deadline, slot)


def ordered(candidates: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """All candidates that may go ahead, most urgent first. Blocked writes are left out, unless a circle is broken."""
    blocked = {
        candidate.action.slot: candidate
        for candidate in candidates
        if isinstance(candidate.action, WriteSlot) and candidate.blocked_by is not None
    }
    free = [candidate for candidate in candidates if candidate.blocked_by is None]
    return tuple(sorted((*free, *_circle_breakers(blocked)), key=lambda candidate: rank(candidate.action)))


def _circle_breakers(blocked: Mapping[Slot, Candidate]) -> list[Candidate]:
    breakers = []
    seen: set[Slot] = set()
    for start in blocked:
        path: list[Slot] = []
        slot: Slot | None = start
        while slot is not None and slot in blocked and slot not in seen:
            seen.add(slot)
            path.append(slot)
            slot = blocked[slot].blocked_by
        if slot in path:
            action = blocked[slot].action
            assert isinstance(action, WriteSlot)
            clear = ClearSlot(slot, action.code_id, Reason.BREAK_SWAP, action.deadline, Urgency.WRITE)
            breakers.append(Candidate(clear, blocked[slot].not_before))
    return breakers
