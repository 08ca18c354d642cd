"""The worker's transactions: store what came of the last action, settle what follows, intend the next.

Theory of operation. One function, `advance`, runs as one transaction. First the result of the last action goes into the
ledger. Then the planner is asked; leases that ended and news for the cloud are stored and it is asked again, until
nothing is left to settle. Then, if the worker holds the radio, the intent of the next write is stored (N4). So a chain
of n writes costs n + 1 commits, and a power cut between any two of them finds a state that the planner can go on from.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import assert_never

from gateway.fleet import guard, lock_times
from gateway.fleet.executor import NotSent, Result
from gateway.fleet.looks import LOSSES, Bench, Look, as_told, is_mere_telling, look
from gateway.model import ledger
from gateway.model.access_code import Origin
from gateway.model.answers import Ambiguous, Listing, RefusalReason, Refused, Sighting, Unknown, Written
from gateway.model.clock import ClockReading
from gateway.model.events import Event, EventKind, Fact
from gateway.model.ids import LockId, Slot
from gateway.model.instant import Instant, format_instant
from gateway.model.lock import LockProfile
from gateway.model.lock_clock import ClockSeen, TimeTold
from gateway.model.pin import Pin
from gateway.model.slot import Operation, Outcome, SightedAs, SlotRecord, opens_as_before, possible_pins
from gateway.model.snapshot import LockSnapshot
from gateway.orders import pool, unmanaged
from gateway.orders.pool import Cabinet
from gateway.planner.actions import Action, CheckClock, ClearSlot, ListSlots, ReadSlot, Urgency, WriteSlot
from gateway.planner.announce import Announcement, Ending
from gateway.planner.backoff import counted, removal_wait_ms, replacement_wait_ms, wait_ms
from gateway.planner.plan import Plan
from gateway.store import codes, facts, inbox, journal, locks, losses, placed, slots, tenants
from gateway.store.database import Connection
from gateway.store.tenants import FormerTenant

SETTLING_ROUNDS_MAX = 8
"""Settling ends by itself after two or three rounds; more would be a planner that contradicts itself."""


@dataclass(frozen=True, slots=True)
class Done:
    """An action with its result.

    `before` is the slot as it was before the intent. `profile` is the lock's after the call: an answer may have taught the
    driver something, such as that this lock shows PINs masked. `took_ms` is how long the call took, for the link's measure.
    """

    action: Action
    result: Result
    before: SlotRecord | None
    profile: LockProfile
    took_ms: int = 0


@dataclass(frozen=True, slots=True)
class Intent:
    """An action whose intent is committed. `pin` only for writes; `old_pin` is what the slot holds of ours, see `pin_in`."""

    action: Action
    before: SlotRecord | None
    pin: Pin | None
    old_pin: Pin | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """What the worker does next."""

    look: Look
    intent: Intent | None
    has_news: bool

    @property
    def plan(self) -> Plan:
        """What was planned."""
        return self.look.plan


def advance(
    con: Connection,
    bench: Bench,
    reading: ClockReading,
    *,
    done: Done | None,
    may_act: Callable[[Action], bool],
    chance: float,
    last: Look | None = None,
) -> Step | None:
    """One transaction of the worker; None while the lock was never seen.

    `may_act` says whether the worker holds the radio for this action. `chance` in [0, 1) is the jitter of retries. `last` is the
    last look at the lock, from a transaction that was committed.
    """
    last_event = journal.last_seq(con)
    if done is not None:
        _record(con, bench, done, reading.lo, chance)
        # The instants kept with the result must not lie ahead after a power cut, or its waits would grow (T1).
        facts.raise_high_water(con, reading.lo)
    seen = look(con, bench, reading, last)
    if seen is None:
        return None
    seen = _settle(con, bench, seen)
    head = seen.plan.head
    intent = _intend(con, bench, seen.scene, head, reading.lo) if head is not None and may_act(head) else None
    return Step(seen, intent, has_news=journal.last_seq(con) > last_event)


def _settle(con: Connection, bench: Bench, seen: Look) -> Look:
    reading = seen.reading
    for _ in range(SETTLING_ROUNDS_MAX):
        found = seen.plan
        if found.is_settled:
            return seen
        for slot in found.releases:
            _release(con, bench, seen.scene.slots[slot], reading.lo)
        for news in found.announcements:
            _announce(con, news, reading.lo)
            if news.is_finished:
                unmanaged.finished(con, news.code_id, bench.lock_id, reading.lo)
        cabinet = Cabinet(bench.lock_id, bench.seal, bench.entropy)
        is_changed = [pool.carry_out(con, wish, cabinet, reading.lo) for wish in found.pool_steps]
        if not (found.releases or found.announcements or any(is_changed)):
            # No PIN was found for a spare: tried again at the next look, and no reason not to sleep until then.
            return replace(seen, plan=replace(found, pool_steps=()))
        if is_mere_telling(found):
            return as_told(seen, con.total_changes)
        again = look(con, bench, reading)
        assert again is not None
        seen = again
    msg = f"the plan of lock {bench.lock_id} does not settle"
    raise AssertionError(msg)


def _forget_gone_pins(con: Connection, bench: Bench, record: SlotRecord) -> None:
    """Keep sealed what may still be in the slot, and nothing else (A11)."""
    if record.outcome is Outcome.CONFIRMED:
        left = () if record.operation is Operation.CLEAR else possible_pins(record)
        placed.keep_only(con, bench.lock_id, record.slot, left)


def _release(con: Connection, bench: Bench, record: SlotRecord, at: Instant) -> None:
    """End a lease. Who was proven gone from the slot is remembered, in case the proof was wrong (A18)."""
    slots.put(con, bench.lock_id, ledger.released(record))
    placed.keep_only(con, bench.lock_id, record.slot, ())
    digest = record.proven or record.intended
    if record.lease is not None and digest is not None and record.sighted is SightedAs.EMPTY:
        tenants.remember(con, bench.lock_id, record.slot, FormerTenant(record.lease, digest, at))


def _announce(con: Connection, news: Announcement, at: Instant) -> None:
    for event in news.events:
        journal.append(con, event, at)
        if event.kind in LOSSES:
            losses.count(con, news.code_id, at)
    for command_id, ending in news.endings.items():
        inbox.close(con, command_id, inbox.Final.APPLIED if ending is Ending.APPLIED else inbox.Final.FAILED)
    codes.announce(con, news.code_id, news.told)
    if news.is_finished:
        codes.finish(con, news.code_id, at)


def _intend(con: Connection, bench: Bench, scene: LockSnapshot, action: Action, at: Instant) -> Intent:
    pin: Pin | None = None
    match action:
        case ReadSlot() | ListSlots() | CheckClock():
            return Intent(action, None, None)
        case WriteSlot():
            before = scene.slots.get(action.slot, SlotRecord(action.slot))
            if before.operation is Operation.WRITE and before.intended == action.digest:
                slots.put_effort(con, action.code_id, counted(scene.efforts.get(action.code_id), at))
            after = ledger.intend_write(before, action.code_id, action.digest, at, action.window)
            sealed = codes.sealed_pin(con, action.code_id)
            assert sealed is not None, "a wanted code has a sealed PIN"
            pin = bench.seal.open(sealed, bench.lock_id, action.code_id)
            placed.put(con, bench.lock_id, action.slot, action.digest, sealed)
        case ClearSlot():
            before = scene.slots[action.slot]
            after = ledger.intend_clear(before, at)
        case _:
            assert_never(action)
    slots.put(con, bench.lock_id, after)
    body: dict[str, Fact] = {"slot": int(action.slot), "reason": action.reason.value, "try": after.tries + 1}
    journal.note(con, f"slot.{after.operation}.intended", at, lock_id=bench.lock_id, code_id=action.code_id, body=body)
    return Intent(action, before, pin, pin_in(con, bench, before, action))


def pin_in(con: Connection, bench: Bench, record: SlotRecord, action: WriteSlot | ClearSlot) -> Pin | None:
    """What a slot of ours holds, as far as that is known (A11).

    For a write only a PIN that the lock itself shows: a driver that is given the very PIN it shall write takes it as live in the
    slot, changes its window alone and tells both as done (A7, N6). A clear is given our best guess: it proves nothing by it.
    """
    if record.lease != action.code_id or record.sighted is SightedAs.EMPTY:
        return None
    if isinstance(action, WriteSlot):
        digest = record.sighted_digest if record.sighted is SightedAs.HELD else None
    else:
        digest = record.proven if record.proof is not None or record.intended is None else record.intended
    sealed = None if digest is None else placed.get(con, bench.lock_id, record.slot, digest)
    return None if sealed is None else bench.seal.open(sealed, bench.lock_id, action.code_id)


def _record(con: Connection, bench: Bench, done: Done, at: Instant, chance: float) -> None:
    row = locks.get(con, bench.lock_id)
    if row is not None and row.profile != done.profile:
        locks.put_profile(con, bench.lock_id, done.profile)
    lock_times.note_call(con, bench.lock_id, done.action, done.result, done.took_ms)
    if isinstance(done.result, Listing):
        _record_listing(con, bench, done.result, at)
        return
    if isinstance(done.action, CheckClock):
        lock_times.note_check(con, bench.lock_id, done.result, at, chance)
    if isinstance(done.action, ListSlots | CheckClock):
        return
    slot = done.action.slot
    record = slots.get(con, bench.lock_id, slot)
    after = _outcome(bench, record, done, at)
    if after.tries > record.tries:
        after = replace(after, next_try_at=_next_try(con, bench, record, after, _Turn(done, at, chance)))
    slots.put(con, bench.lock_id, after)
    if after.lease is None and after.tries == 0:
        slots.forget_silence(con, bench.lock_id)
    if done.result == Refused(RefusalReason.WINDOW) and after.lease is not None:
        codes.refuse_window(con, after.lease)
    note_strangers(con, bench.lock_id, record, after, at)
    guard.weigh(con, bench.lock_id, record, after, at)
    _forget_gone_pins(con, bench, after)
    is_known = replace(after, sighted_at=record.sighted_at) == record
    # A rotating look that shows what was known is no line of the timeline: it would be most of what an idle day writes.
    if not (is_known and done.action.urgency is Urgency.AUDIT):
        _note_outcome(con, bench, done, after, at)
    if isinstance(done.result, Sighting):
        unmanaged.looked(con, bench.lock_id, slot, done.result, bench.seal, at)


def _next_try(con: Connection, bench: Bench, record: SlotRecord, after: SlotRecord, turn: "_Turn") -> Instant | None:
    """When a try that led nowhere may be repeated (A8), counted from the operation and not from the look that showed it.

    An operation that we ourselves were cut off from (a power cut, a killed process) is repeated at once the first time: the
    lock did not fail.
    """
    result, at = turn.done.result, turn.at
    if isinstance(result, NotSent) and result.retry_after_ms is not None:
        return Instant(at + result.retry_after_ms)
    is_answered = isinstance(result, Sighting) and not isinstance(result.value, Unknown)
    if is_answered and record.outcome is Outcome.PENDING and record.tries == 0:
        return None
    if is_answered:
        at = record.intended_at or at
    if turn.done.action.urgency <= Urgency.PROVE_REMOVED:
        return Instant(at + removal_wait_ms(after.tries, turn.chance, is_answering=is_answered))
    tries = after.tries
    if _may_open_as_before(con, turn.done.action, after):
        return Instant(at + replacement_wait_ms(tries, turn.chance))
    if record.lease is None:
        # A look for a free slot: the silence is the lock's, or its driver's, so the tries of all free slots count together.
        known = slots.of_lock(con, bench.lock_id) | {after.slot: after}
        tries = sum(other.tries for other in known.values() if other.lease is None)
    return Instant(at + wait_ms(tries, turn.chance))


def _may_open_as_before(con: Connection, action: Action, record: SlotRecord) -> bool:
    """Whether the slot's code may still open as it did before it was ordered otherwise."""
    code = None if record.lease is None else codes.get(con, record.lease)
    if code is None:
        return False
    barrier = record.barrier
    is_kept = barrier.keeps(action.window) if isinstance(action, WriteSlot) else barrier.is_confirmed
    return opens_as_before(record, code.digest, is_window_kept=is_kept)


@dataclass(frozen=True, slots=True)
class _Turn:
    """One result to be recorded: what was done, when, and the jitter for its repetition."""

    done: Done
    at: Instant
    chance: float


def _outcome(bench: Bench, record: SlotRecord, done: Done, at: Instant) -> SlotRecord:
    result = done.result
    match result:
        case Sighting():
            return ledger.sighted(record, result, at, bench.seal.digest)
        case NotSent():
            return ledger.unheard(record) if done.before is None else ledger.not_sent(record, done.before)
        case Listing() | ClockSeen() | TimeTold():
            return record
        case _:
            generation = done.action.generation if isinstance(done.action, WriteSlot) else 0
            return ledger.ended(
                record, result, at, generation, supervision_is_honest=done.profile.supervision_is_honest
            )


def _note_outcome(con: Connection, bench: Bench, done: Done, after: SlotRecord, at: Instant) -> None:
    if after.lease is None:
        return
    body: dict[str, Fact] = {"slot": int(after.slot), "outcome": after.outcome.value, "sighted": after.sighted.value}
    match done.result:
        case Written(evidence=evidence, effective_window=effective):
            body["evidence"] = evidence.value
            if effective is not None and effective.starts_at is not None and effective.ends_at is not None:
                body |= {"opens_at": format_instant(effective.starts_at), "shuts_at": format_instant(effective.ends_at)}
        case Refused(reason=reason):
            body["refusal"] = reason.value
        case Ambiguous(cause=cause) | NotSent(cause=cause):
            body["cause"] = cause[:200]
        case _:
            pass
    verb = "read" if isinstance(done.action, ReadSlot) else after.operation.value
    journal.note(con, f"slot.{verb}.ended", at, lock_id=bench.lock_id, code_id=after.lease, body=body)


def _record_listing(con: Connection, bench: Bench, listing: Listing, at: Instant) -> None:
    known = slots.of_lock(con, bench.lock_id)
    for slot, sighting in sorted(listing.slots.items()):
        before = known.get(slot, SlotRecord(slot))
        after = ledger.sighted(before, sighting, at, bench.seal.digest)
        if after != before:
            slots.put(con, bench.lock_id, after)
            note_strangers(con, bench.lock_id, before, after, at)
    locks.set_listed(con, bench.lock_id, at)


_OCCUPIED = frozenset({SightedAs.HELD, SightedAs.MASKED, SightedAs.DISABLED})


def note_strangers(con: Connection, lock_id: LockId, before: SlotRecord, after: SlotRecord, at: Instant) -> None:
    """Report codes that others put on, or took off, a slot that is not ours (A14)."""
    if after.lease is not None or before.lease is not None:
        return
    was, is_ = before.sighted in _OCCUPIED, after.sighted in _OCCUPIED
    if was == is_ or (was and after.sighted is SightedAs.UNKNOWN):
        return
    kind = EventKind.UNMANAGED_CREATED if is_ else EventKind.UNMANAGED_REMOVED
    if not is_ and before.sighted is SightedAs.UNKNOWN:
        return
    body: dict[str, Fact] = {"slot": int(after.slot)}
    journal.append(con, Event(kind, lock_id, actor=Origin.HUB, body=body), at)


def slot_of(action: Action) -> Slot | None:
    """The slot that an action is about, for logs."""
    return None if isinstance(action, ListSlots | CheckClock) else action.slot
