"""From verdicts to candidate actions: what each slot and each homeless code asks for, with its reason.

Waiting is part of the answer: a candidate with `not_before` in the future is not done now but says when to look again.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from gateway.model.clock import ClockReading, ClockTrust
from gateway.model.ids import CodeId, Slot
from gateway.model.instant import Instant
from gateway.model.lock import ReadBack
from gateway.model.lock_clock import ClockState
from gateway.model.pin import PinDigest
from gateway.model.slot import (
    Operation,
    Outcome,
    SightedAs,
    SlotRecord,
    Verdict,
    may_be_landing,
    opens_as_before,
    possible_pins,
)
from gateway.model.snapshot import LockSnapshot
from gateway.model.unmanaged import Purpose
from gateway.planner.actions import Action, CheckClock, ClearSlot, ListSlots, ReadSlot, Reason, Urgency, WriteSlot
from gateway.planner.backoff import open_again_at
from gateway.planner.desired import UNTRUSTED_AHEAD_MS, Desire, Phase, lets_stand
from gateway.planner.leases import Assignment, deaf_until
from gateway.planner.native import clock_counts_from

BLIND_AFTER_READS = 2
"""After this many unanswered looks at a slot of ours it is acted on unseen: clearing or writing our own slot again is
harmless on a lock that shows PINs, waiting for a look that never comes is not."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """An action and the earliest instant for it; `blocked_by` is the slot that may still hold the same PIN (A10)."""

    action: Action
    not_before: Instant | None = None
    blocked_by: Slot | None = None


@dataclass(frozen=True, slots=True)
class Scene:
    """What the rules below look at: the lock, the time, each code's place in time, each slot's verdict."""

    snapshot: LockSnapshot
    reading: ClockReading
    wishes: Mapping[CodeId, Desire]
    verdicts: Mapping[Slot, Verdict]
    assignment: Assignment
    holders: Mapping[PinDigest, tuple[Slot, ...]]

    def other_holder(self, digest: PinDigest, besides: Slot | None) -> Slot | None:
        """A slot other than `besides` that may hold this PIN, or one that the lock takes for it."""
        alike = sorted(self.snapshot.lookalikes.get(digest, ()))
        held = (slot for each in (digest, *alike) for slot in self.holders.get(each, ()))
        return next((slot for slot in held if slot != besides), None)


def candidates(scene: Scene) -> Iterator[Candidate]:
    """Everything that the lock needs, in no particular order."""
    for slot, verdict in scene.verdicts.items():
        record = scene.snapshot.slots[slot]
        if record.lease is not None and (found := _of_leased(scene, record, verdict, scene.wishes[record.lease])):
            yield found
    yield from clock_check(scene)
    yield from _adoptions(scene)
    if scene.snapshot.listed_at is None:
        yield Candidate(ListSlots(Reason.FIRST_LISTING, scene.reading.lo))
        return
    for code_id, slot in scene.assignment.to_free.items():
        yield _write(scene, scene.snapshot.slots[slot], scene.wishes[code_id], Reason.WRITE)
    for code_id, slot in scene.assignment.to_ask.items():
        action = ReadSlot(slot, code_id, Reason.FIND_FREE, scene.wishes[code_id].due, Urgency.WRITE)
        yield Candidate(action, deaf_until(scene.snapshot))


def clock_check(scene: Scene) -> Iterator[Candidate]:
    """Ask the lock for its time while one of its windows counts, and our own time is trusted (T4)."""
    clock = scene.snapshot.clock
    if scene.reading.trust is ClockTrust.UNTRUSTED and clock.state is ClockState.GOOD and clock.checked_at is not None:
        action = CheckClock(Reason.ASK_TIME, scene.reading.lo, right_at=clock.checked_at)
        yield Candidate(action, clock.next_try_at)
    if scene.reading.trust is not ClockTrust.TRUSTED:
        return
    counting = [
        (max(at, scene.reading.lo), wish.due)
        for wish in scene.wishes.values()
        if wish.phase is not Phase.OVER and (at := clock_counts_from(wish.code, scene.snapshot)) is not None
    ]
    due_at = clock.check_due_at(scene.reading.lo)
    if counting and due_at is not None:
        begins_at, deadline = min(counting)
        regular_at = max(due_at, begins_at)
        # Once more before a guest comes: batteries may have been changed since, and few locks tell.
        not_before = min([regular_at, *_last_checks(scene)])
        yield Candidate(CheckClock(Reason.CHECK_CLOCK, deadline), Instant(max(not_before, clock.next_try_at or 0)))


def _last_checks(scene: Scene) -> Iterator[Instant]:
    """One lead before the start of each code that the lock opens itself, unless the clock was seen right since."""
    checked_at = scene.snapshot.clock.checked_at
    for wish in scene.wishes.values():
        at = wish.just_in_time_at
        if wish.is_preloaded(scene.reading.lo) and at is not None and checked_at is not None and checked_at < at:
            yield at


def _adoptions(scene: Scene) -> Iterator[Candidate]:
    """Codes of others that somebody asked us to adopt: their PIN is read once more, we keep none of others (A14)."""
    for slot, wish in scene.snapshot.takeovers.items():
        record = scene.snapshot.slots.get(slot, SlotRecord(slot))
        if wish.purpose is Purpose.ADOPT and record.lease is None:
            yield Candidate(ReadSlot(slot, None, Reason.ADOPT, wish.ordered_at, Urgency.PROVE), record.next_try_at)


def _of_leased(scene: Scene, record: SlotRecord, verdict: Verdict, wish: Desire) -> Candidate | None:
    if verdict in _LEADS_TO_WRITE and _is_start_in_doubt(scene, wish):
        is_old_pin_there = verdict not in _DRIFT and possible_pins(record) - {wish.code.digest}
        return _remove(record, wish) if is_old_pin_there else None
    match verdict:
        case Verdict.ORPHAN:
            return _remove(record, wish)
        case Verdict.ORPHAN_UNSEEN:
            return _remove_unseen(record, wish)
        case Verdict.REFUSED_LEFTOVER:
            return _clear(record, wish, Reason.REFUSED_LEFTOVER, Urgency.REMOVE)
        case Verdict.UNPROVEN_MASKED:
            return _clear(record, wish, Reason.MASKED_REWRITE, Urgency.WRITE)
        case Verdict.UNPROVEN:
            return _prove(scene, record, wish)
        case Verdict.DUE:
            return _put(scene, record, wish, Reason.WRITE)
        case Verdict.DRIFT_DELETED | Verdict.DRIFT_CHANGED:
            return None if lets_stand(wish.code, record) else _put(scene, record, wish, Reason.RESTORE)
        case _:
            return None


def _remove(record: SlotRecord, wish: Desire) -> Candidate:
    """Take the code off: the first time at once, however long what did not succeed before had to wait for its repetition (A9)."""
    clear = _clear(record, wish, Reason.REMOVE, Urgency.REMOVE)
    is_repeat = record.operation is Operation.CLEAR and (record.intended_at or 0) >= (wish.over_since or 0)
    return clear if is_repeat else replace(clear, not_before=None)


def _remove_unseen(record: SlotRecord, wish: Desire) -> Candidate:
    # A PIN that was ours for sure needs no look before its first clear; a clear that proved nothing does.
    is_surely_ours = record.operation is Operation.WRITE and record.proven is not None
    # A slot that we once emptied may be a stranger's now, whom no number of silent looks makes ours (N2).
    was_emptied = record.operation is Operation.CLEAR and record.outcome is Outcome.CONFIRMED
    is_silent = record.unanswered >= BLIND_AFTER_READS and not was_emptied
    if is_surely_ours or is_silent or may_be_landing(record):
        return _remove(record, wish)
    is_cleared = record.operation is Operation.CLEAR
    look = _read(record, wish, Reason.REMOVE_UNSEEN, Urgency.PROVE_REMOVED if is_cleared else Urgency.REMOVE)
    # What a write waits for does not hold up the first look; an unanswered look waits as every repetition does.
    waits_for_write = not is_cleared and record.unanswered == 0
    return replace(look, not_before=None) if waits_for_write else look


def _prove(scene: Scene, record: SlotRecord, wish: Desire) -> Candidate:
    is_silent = record.unanswered >= BLIND_AFTER_READS and scene.snapshot.profile.read_back is ReadBack.CLEAR
    if not is_silent or _is_start_in_doubt(scene, wish):
        return _read(record, wish, Reason.PROVE, Urgency.PROVE)
    if record.intended is not None and record.intended not in {wish.code.digest, record.proven}:
        # Another PIN of ours may be there unproven. Written over unseen it would be forgotten, and a stranger's ever after (A9).
        return _clear(record, wish, Reason.EARLIER_UNSEEN, Urgency.WRITE)
    return _write(scene, record, wish, Reason.WRITE)


_DRIFT = frozenset({Verdict.DRIFT_DELETED, Verdict.DRIFT_CHANGED})
_LEADS_TO_WRITE = _DRIFT | {Verdict.UNPROVEN_MASKED, Verdict.DUE}


def _is_start_in_doubt(scene: Scene, wish: Desire) -> bool:
    """Whether a write could put a PIN on the lock outside its window, because time is not trusted (T2).

    What ends within a day may be over already. Removing needs no trust, so a PIN that was replaced meanwhile goes all the
    same.
    """
    ends_at, now = wish.code.window.ends_at, scene.reading
    return now.trust is ClockTrust.UNTRUSTED and ends_at is not None and ends_at - now.lo < UNTRUSTED_AHEAD_MS


def _put(scene: Scene, record: SlotRecord, wish: Desire, reason: Reason) -> Candidate:
    """Write; on a lock that shows no PINs empty first what is occupied: a write over it could fail unseen (A7)."""
    if scene.snapshot.profile.read_back is ReadBack.MASKED and record.sighted is not SightedAs.EMPTY:
        return _clear(record, wish, Reason.MASKED_REWRITE, Urgency.WRITE)
    return _write(scene, record, wish, reason)


def _read(record: SlotRecord, wish: Desire, reason: Reason, urgency: Urgency) -> Candidate:
    return Candidate(ReadSlot(record.slot, wish.code.code_id, reason, wish.due, urgency), record.next_try_at)


def _clear(record: SlotRecord, wish: Desire, reason: Reason, urgency: Urgency) -> Candidate:
    deadline = wish.over_since if wish.over_since is not None else wish.due
    return Candidate(ClearSlot(record.slot, wish.code.code_id, reason, deadline, urgency), record.next_try_at)


def _write(scene: Scene, record: SlotRecord, wish: Desire, reason: Reason) -> Candidate:
    code = wish.code
    window = wish.window
    holder = scene.other_holder(code.digest, record.slot)
    if holder is not None and _stays(scene, holder, code.digest) and possible_pins(record) - {code.digest}:
        # The new PIN is another code's for long: what it replaced goes, as after a refusal (A9).
        return _clear(record, wish, Reason.REPLACED, Urgency.REMOVE)
    action = WriteSlot(record.slot, code.code_id, code.digest, code.generation, reason, wish.due, window=window)
    is_repeat = record.operation is Operation.WRITE and record.intended == code.digest
    # Another PIN does not wait for the repetition of the one before, unless the lock could not be told even that.
    has_to_wait = is_repeat or record.outcome is Outcome.NOT_SENT
    waits = [record.next_try_at if has_to_wait else None]
    if (record.intended_at or 0) >= code.accepted_at:
        spent_until = _spent_until(scene, wish)
        is_kept = record.barrier.keeps(window)
        if spent_until is not None and opens_as_before(record, code.digest, is_window_kept=is_kept):
            # Removals know no budget: what this write was to replace does not open until the next day's (A9).
            return _clear(record, wish, Reason.REPLACED, Urgency.REMOVE)
        waits.append(spent_until if is_repeat else None)
    not_before = max((at for at in waits if at is not None), default=None)
    return Candidate(action, not_before, holder)


def _spent_until(scene: Scene, wish: Desire) -> Instant | None:
    """From when the code's budget of repeats allows one; None when it allows one now (A8)."""
    # What a guest who is about to come still has left is not spent on a preload days ahead.
    is_inside_lead = scene.reading.lo < wish.due and not wish.is_ahead(scene.reading.lo)
    effort = scene.snapshot.efforts.get(wish.code.code_id)
    return open_again_at(effort, scene.reading.lo, is_inside_lead=is_inside_lead)


def _stays(scene: Scene, slot: Slot, digest: PinDigest) -> bool:
    """Whether the PIN, or one that the lock takes for it, is meant to stay in a slot: a stranger's, or another code's as ordered."""
    lease = scene.snapshot.slots[slot].lease
    wanted = None if lease is None else scene.wishes[lease].wanted
    return lease is None or (
        wanted is not None and wanted.digest in {digest, *scene.snapshot.lookalikes.get(digest, ())}
    )


def holders(snapshot: LockSnapshot) -> Mapping[PinDigest, tuple[Slot, ...]]:
    """Which slots may hold which PIN right now: a second write of it would be refused, or do harm (A10)."""
    found: dict[PinDigest, tuple[Slot, ...]] = {}
    for slot, record in snapshot.slots.items():
        for digest in possible_pins(record):
            found[digest] = (*found.get(digest, ()), slot)
    return found
