"""How one row of the ledger moves: intent, outcome, sighting, notification, use, release.

All of these are pure: record in, record out. The worker stores the result in the transaction that belongs to it, so a
power cut finds either the old row or the new one. The order matters: the intent is stored before the radio hears of it
(N4), and it makes the slot unseen, because from then on nobody knows what is there until the lock or its answer says so.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import assert_never

from gateway.model.answers import (
    Ambiguous,
    Disabled,
    Empty,
    Held,
    Pending,
    RefusalReason,
    Refused,
    Sighting,
    SightingSource,
    Unknown,
    WriteAnswer,
    Written,
)
from gateway.model.barrier import NO_BARRIER
from gateway.model.evidence import Evidence, Proof
from gateway.model.ids import CodeId
from gateway.model.instant import SECOND_MS, Instant
from gateway.model.pin import LONGEST_PIN, SHORTEST_PIN, Pin, PinDigest
from gateway.model.slot import Operation, Outcome, SightedAs, SlotRecord
from gateway.model.window import Window

OWN_NOTICE_MS = 10 * SECOND_MS
"""A lock's notification about a slot this soon after our own operation is the answer to it.

Locks report within a second; a late report after 8 s has been seen (our measurement of slow locks), hence 10.
"""

UNSPECIFIED_REFUSALS_MAX = 3
"""A refusal without a reason is believed to be permanent after this many: a lock whose keypad is in use says no too."""

SILENT_REFUSALS_MIN = 4
"""A PIN that a lock took so often, and did not show after it, is refused without a word: some locks treat a PIN so that another
slot of theirs holds (owners report it of Schlage BE469 and BE469ZP). With the waits of A8 that is two minutes after the
first try: early enough for another PIN, and too often for bad luck on the radio. It is tried all the same; the other PIN may go."""

PROVING = frozenset({Evidence.SUPERVISED, Evidence.NOTIFIED, Evidence.READ_BACK, Evidence.MASKED, Evidence.USED})
"""What proves a write (A7). Acknowledged alone never does."""


def intend_write(
    record: SlotRecord, code_id: CodeId, digest: PinDigest, at: Instant, window: Window | None = None
) -> SlotRecord:
    """We are about to write this PIN here, under this window. Takes the lease; drops the proof of any earlier write (A7).

    Another PIN begins anew: what the lock did with the one before says nothing about it.
    """
    was_empty = record.sighted is SightedAs.EMPTY and record.sighted_by is SightingSource.LOCK
    assert record.lease == code_id or was_empty, "a slot that is not leased is written only when seen empty (N2)"
    fresh = record if record.lease == code_id else SlotRecord(record.slot, lease=code_id)
    # What never left the hub says nothing about a PIN, but its tries count on.
    was_never_sent = fresh.outcome is Outcome.NOT_SENT and fresh.intended is None
    is_again = fresh.intended == digest or was_never_sent
    return replace(
        fresh,
        operation=Operation.WRITE,
        outcome=Outcome.PENDING,
        intended=digest,
        intended_at=at,
        was_empty=was_empty,
        proof=None,
        refusal=RefusalReason.SILENT if is_again and fresh.refusal is RefusalReason.SILENT else None,
        tries=fresh.tries if is_again else 0,
        next_try_at=fresh.next_try_at if is_again else None,
        refused_generation=None,
        sighted=SightedAs.UNKNOWN,
        sighted_digest=None,
        unanswered=0,
        barrier=fresh.barrier.intended(window, was_empty=was_empty),
    )


def intend_clear(record: SlotRecord, at: Instant) -> SlotRecord:
    """We are about to clear our slot. What may have been in it stays known until it is seen empty."""
    assert record.lease is not None, "only a leased slot is cleared (N2)"
    return replace(
        record,
        operation=Operation.CLEAR,
        outcome=Outcome.PENDING,
        intended_at=at,
        was_empty=False,
        proof=None,
        sighted=SightedAs.UNKNOWN,
        sighted_digest=None,
        unanswered=0,
        barrier=record.barrier.doubted(),
    )


def ended(
    record: SlotRecord, answer: WriteAnswer, at: Instant, generation: int, *, supervision_is_honest: bool
) -> SlotRecord:
    """The call came back. Only evidence that proves on this lock confirms; the rest leaves the slot to be looked at."""
    match answer:
        case Written(evidence=evidence, effective_window=effective):
            if record.operation is Operation.WRITE:
                try:
                    record = replace(record, barrier=record.barrier.answered(effective))
                except ValueError:
                    # A driver that breaks its promise proves nothing; written again, later (A8).
                    return failed(replace(record, outcome=Outcome.AMBIGUOUS))
            if evidence is Evidence.SUPERVISED and not supervision_is_honest:
                evidence = Evidence.ACKNOWLEDGED
            if evidence in PROVING:
                return _confirmed(record, evidence, at)
            return replace(record, outcome=Outcome.ACKNOWLEDGED)
        case Refused(reason=reason):
            if record.operation is Operation.CLEAR:
                return failed(replace(record, outcome=Outcome.REFUSED, refusal=reason))
            refused = _refused(record, reason, generation)
            # An honest refusal of a write into an empty slot leaves it empty: no need to look (radio budget).
            is_surely_empty = record.was_empty and supervision_is_honest and reason is not RefusalReason.WINDOW
            return _seen(refused, SightedAs.EMPTY, at) if is_surely_empty else refused
        case Ambiguous() | Pending():
            # Not counted as a try that led nowhere: the look that follows tells whether it did.
            return replace(record, outcome=Outcome.AMBIGUOUS)
    assert_never(answer)


def _refused(record: SlotRecord, reason: RefusalReason, generation: int) -> SlotRecord:
    refused = replace(record, outcome=Outcome.REFUSED, refusal=reason)
    if reason is RefusalReason.WINDOW:
        # The PIN may do without it: the planner asks for no window any more, until the order changes (A2, A3).
        return failed(refused)
    if reason is RefusalReason.UNSPECIFIED and record.tries + 1 < UNSPECIFIED_REFUSALS_MAX:
        return failed(refused)
    return replace(refused, refused_generation=generation)


def not_sent(record: SlotRecord, before: SlotRecord) -> SlotRecord:
    """The call failed before anything was executed: the slot is as it was, and the try counts."""
    was_ours = before.lease is not None and before.intended is not None
    if record.operation is Operation.WRITE and not was_ours:
        # Nothing of ours can be there: whatever a look finds, with digits or asterisks, is somebody else's. The lease is kept so that
        # the code keeps its slot through the retries.
        return failed(
            replace(
                record,
                outcome=Outcome.NOT_SENT,
                intended=None,
                intended_at=None,
                was_empty=False,
                barrier=before.barrier,
                sighted=before.sighted,
                sighted_at=before.sighted_at,
            )
        )
    return failed(
        replace(
            record,
            outcome=Outcome.NOT_SENT,
            proof=before.proof,
            barrier=before.barrier,
            sighted=before.sighted,
            sighted_digest=before.sighted_digest,
            sighted_at=before.sighted_at,
        )
    )


def failed(record: SlotRecord) -> SlotRecord:
    """Count one more try that led nowhere (A8)."""
    return replace(record, tries=record.tries + 1)


def unheard(record: SlotRecord) -> SlotRecord:
    """A look brought no answer, whoever is to blame: the silence is the lock's, so it counts for its other slots too (A8)."""
    return failed(replace(record, unanswered=record.unanswered + 1))


def sighted(record: SlotRecord, sighting: Sighting, at: Instant, digest_of: Callable[[Pin], PinDigest]) -> SlotRecord:
    """The lock, or a middleman, showed the slot.

    A middleman's word never replaces what the lock itself showed, and never speaks about a slot of ours (D3).
    """
    if sighting.source is SightingSource.MIDDLEMAN and (
        record.lease is not None
        or (record.sighted is not SightedAs.UNKNOWN and record.sighted_by is SightingSource.LOCK)
    ):
        return record
    match sighting.value:
        case Unknown():
            return unheard(record)
        case Empty():
            seen = _seen(record, SightedAs.EMPTY, at, by=sighting.source)
        case Disabled():
            seen = _seen(record, SightedAs.DISABLED, at, by=sighting.source)
        case Held(pin=pin) if pin is not None and _is_cleared_to_zeros(record, digest_of(pin), digest_of):
            seen = _seen(record, SightedAs.EMPTY, at, by=sighting.source)
        case Held(pin=pin):
            as_ = SightedAs.MASKED if pin is None else SightedAs.HELD
            seen = _seen(record, as_, at, digest=None if pin is None else digest_of(pin), by=sighting.source)
        case _:
            assert_never(sighting.value)
    return _settled(record, seen, at) if record.lease is not None else replace(seen, tries=0, next_try_at=None)


def _is_cleared_to_zeros(record: SlotRecord, shown: PinDigest, digest_of: Callable[[Pin], PinDigest]) -> bool:
    """Whether a slot that we cleared shows zeros only, which some locks do instead of telling that it is empty.

    Seen with Schlage BE469 (four and six zeros). Only after our own clear, and never when zeros were our PIN.
    """
    if record.lease is None or record.operation is not Operation.CLEAR or shown in {record.intended, record.proven}:
        return False
    return any(shown == digest_of(Pin("0" * length)) for length in range(SHORTEST_PIN, LONGEST_PIN + 1))


def notified(record: SlotRecord, *, is_present: bool, at: Instant) -> SlotRecord:
    """The lock said by itself that this slot now holds (or no longer holds) a PIN.

    Soon after our own operation the first one is the lock's confirmation (A7), but for a PIN that goes with a window; at any
    other time somebody else was there, and the slot is to be looked at. A late word about our clear that comes after our next write is a reason to look too.
    """
    is_soon = is_own_notice(record, at)
    is_own = is_soon and (record.proof is None or record.proof.evidence is not Evidence.NOTIFIED)
    if is_own and is_present and record.operation is Operation.WRITE and record.outcome is not Outcome.REFUSED:
        # A PIN with its window goes in steps, and the lock may speak of the first: that proves nothing of the last (A2).
        is_whole = record.barrier.asked is None or record.proof is not None
        return _confirmed(record, Evidence.NOTIFIED, at) if is_whole else record
    if is_own and not is_present and record.operation is Operation.CLEAR:
        return _confirmed(record, Evidence.NOTIFIED, at)
    if not is_present and not (is_soon and record.operation is Operation.WRITE):
        return _seen(record, SightedAs.EMPTY, at)
    if record.proven is not None and record.sighted is SightedAs.EMPTY:
        # Our PIN was seen gone: what is there now is somebody else's, also where the lock will show asterisks, at any later look.
        return replace(_seen(record, SightedAs.HELD, at), was_empty=False, proof=None)
    # A second word right after our write asks for a look; at any other time asterisks prove nothing any more (A7).
    return unseen(record, at) if is_soon else replace(unseen(record, at), was_empty=False, proof=None)


def is_own_notice(record: SlotRecord, at: Instant) -> bool:
    """Whether a word of the lock at `at` is soon enough after our own operation to be the answer to it."""
    return record.intended_at is not None and 0 <= at - record.intended_at <= OWN_NOTICE_MS


def unseen(record: SlotRecord, at: Instant) -> SlotRecord:
    """Something may have happened to the slot: it is to be looked at."""
    return replace(record, sighted=SightedAs.UNKNOWN, sighted_digest=None, sighted_at=at)


def used(record: SlotRecord, at: Instant) -> SlotRecord:
    """The PIN of this slot opened the door: the strongest evidence for our last write (A7).

    Not when the slot was seen, or is suspected, to hold something else since that write: then it was another PIN. Nor when
    it was not seen empty before the write: then the PIN may be the earlier one, and the write lost (N6).
    """
    if record.operation is not Operation.WRITE or record.intended_at is None:
        return record
    is_suspect = record.sighted is SightedAs.UNKNOWN and (record.sighted_at or 0) > record.intended_at
    is_ours = record.sighted in {SightedAs.UNKNOWN, SightedAs.MASKED} or record.sighted_digest == record.intended
    may_be_earlier = not record.was_empty and record.sighted_digest != record.intended
    if is_suspect or not is_ours or may_be_earlier:
        return record
    if record.proof is not None and record.proof.evidence is Evidence.USED:
        return record
    return _confirmed(record, Evidence.USED, at)


def lost(record: SlotRecord, at: Instant, *, sighted: SightedAs) -> SlotRecord:
    """A wipe or a reset took the evidence with it (A17): the lease stays, nothing is proven, and no operation of ours stands.

    What may have been in the slot stays known until it is seen empty.
    """
    assert record.lease is not None, "only a leased slot has evidence to lose"
    return SlotRecord(
        record.slot,
        lease=record.lease,
        intended=record.intended if record.proven is None else record.proven,
        sighted=sighted,
        sighted_at=at,
    )


def surprised(record: SlotRecord) -> SlotRecord:
    """A slot of nobody that was seen empty opened the door: it is not empty, and not to be written before a look (N2)."""
    assert record.lease is None, "a leased slot is judged by `used`"
    return replace(record, sighted=SightedAs.UNKNOWN, sighted_digest=None)


def hunted(record: SlotRecord, code_id: CodeId, digest: PinDigest, at: Instant) -> SlotRecord:
    """A PIN that was proven gone from this slot opened the door: the lease comes back, and the slot is looked at (A18).

    Our clear did go through, so it may as well be a stranger's PIN: nothing is cleared before the lock shows ours (N2).
    """
    return SlotRecord(
        record.slot,
        lease=code_id,
        operation=Operation.CLEAR,
        outcome=Outcome.CONFIRMED,
        intended=digest,
        intended_at=at,
        sighted_at=record.sighted_at,
    )


def released(record: SlotRecord) -> SlotRecord:
    """Give the slot back: nothing of ours is in it any more. What the lock showed stays known."""
    return SlotRecord(
        record.slot,
        sighted=record.sighted,
        sighted_digest=record.sighted_digest,
        sighted_at=record.sighted_at,
        sighted_by=record.sighted_by,
    )


def _confirmed(record: SlotRecord, evidence: Evidence, at: Instant) -> SlotRecord:
    done = replace(record, outcome=Outcome.CONFIRMED, refusal=None, tries=0, next_try_at=None, unanswered=0)
    if record.operation is Operation.CLEAR:
        return _seen(done, SightedAs.EMPTY, at)
    held = _seen(done, SightedAs.HELD, at, digest=record.intended)
    return replace(held, proof=Proof(evidence, at), proven=record.intended)


def _settled(record: SlotRecord, seen: SlotRecord, at: Instant) -> SlotRecord:
    """What a look at our own slot means for the last operation: proof, or one more try that led nowhere."""
    if record.operation is Operation.CLEAR:
        if seen.sighted is SightedAs.EMPTY:
            return replace(seen, outcome=Outcome.CONFIRMED, tries=0, next_try_at=None)
        return failed(_still_there(seen, at))
    was_open = record.outcome in {Outcome.PENDING, Outcome.ACKNOWLEDGED, Outcome.AMBIGUOUS}
    is_shown = seen.sighted is SightedAs.HELD and seen.sighted_digest == record.intended
    # Asterisks in a slot that was empty are ours, unless the lock said that it did not take our PIN.
    is_ours = seen.sighted is SightedAs.MASKED and record.was_empty and record.outcome is not Outcome.REFUSED
    if is_shown or is_ours:
        proved = _proved(seen, Evidence.READ_BACK if is_shown else Evidence.MASKED, at)
        # The PIN is there, and nobody knows under which window: this try led nowhere, or it would be repeated without a wait (A8).
        return failed(replace(proved, tries=record.tries)) if was_open and not seen.barrier.is_confirmed else proved
    is_news = record.sighted is not seen.sighted or (record.sighted_at or 0) < (record.intended_at or 0)
    # Looked at again before the write is repeated: the same failure is not counted twice, or its wait would never end.
    return _not_kept(failed(_still_there(seen, at))) if was_open and is_news else seen


def _not_kept(record: SlotRecord) -> SlotRecord:
    """The lock shows that a write left nothing. After several it is a refusal, if a silent one."""
    is_refused = record.tries >= SILENT_REFUSALS_MIN and record.sighted in {SightedAs.EMPTY, SightedAs.HELD}
    return replace(record, refusal=RefusalReason.SILENT) if is_refused else record


def _still_there(seen: SlotRecord, at: Instant) -> SlotRecord:
    """The operation did not happen, and what the lock shows is a PIN of ours: a proof, should it be wanted again (A7)."""
    if seen.sighted is not SightedAs.HELD or seen.sighted_digest not in {seen.intended, seen.proven}:
        return seen
    return replace(seen, proof=Proof(Evidence.READ_BACK, at), proven=seen.sighted_digest)


def _proved(seen: SlotRecord, evidence: Evidence, at: Instant) -> SlotRecord:
    proof = seen.proof if seen.proof is not None and seen.proof.evidence is not Evidence.MASKED else Proof(evidence, at)
    return replace(
        seen,
        outcome=Outcome.CONFIRMED,
        proof=proof,
        proven=seen.intended,
        refusal=None,
        tries=0,
        next_try_at=None,
        refused_generation=None,
    )


def _seen(
    record: SlotRecord,
    as_: SightedAs,
    at: Instant,
    *,
    digest: PinDigest | None = None,
    by: SightingSource = SightingSource.LOCK,
) -> SlotRecord:
    seen = replace(record, sighted=as_, sighted_digest=digest, sighted_at=at, sighted_by=by, unanswered=0)
    # A slot that the lock shows empty has no window left: what we write next begins anew (D6).
    is_empty = as_ is SightedAs.EMPTY and by is SightingSource.LOCK
    return replace(seen, barrier=NO_BARRIER) if is_empty else seen


def doubted(record: SlotRecord) -> SlotRecord:
    """The lock was out of our sight: a slot that was seen empty is empty by hearsay only from now on (N2)."""
    is_empty = record.sighted is SightedAs.EMPTY and record.sighted_by is SightingSource.LOCK
    return replace(record, sighted_by=SightingSource.MIDDLEMAN) if is_empty else record
