"""The heart: what one slot of one lock means to us.

Theory of operation. Between us and a slot stand a slow radio, a lock with its own mind and people at a keypad. So three
facts are kept apart for every slot and never mixed: the *lease* (for which access code we claim the slot), the *standing*
of our last write (how it ended, and whether it was for the PIN that is wanted now), and the *look* (what the lock last
showed). `judge` reads the three from a `SlotRecord` and the first matching row of `JUDGEMENTS` decides. Everything else
in the house, what to write, what to report, which status a code has, follows from the verdict.

Two rules carry the most weight. A slot that is not leased is written only after the lock itself showed it empty (N2).
And a write that is not proven is looked at before it is repeated; where the lock shows asterisks, an occupied slot is
cleared, seen empty and only then written (A7), so that no code is ever written over blindly.
"""

from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from gateway.model.answers import RefusalReason, SightingSource
from gateway.model.barrier import NO_BARRIER, Barrier
from gateway.model.evidence import Proof
from gateway.model.ids import CodeId, Slot
from gateway.model.instant import SECOND_MS, Instant
from gateway.model.pin import PinDigest
from gateway.model.window import Window


class SightedAs(StrEnum):
    """What the lock last showed in a slot, as the ledger keeps it."""

    UNKNOWN = "unknown"
    EMPTY = "empty"
    HELD = "held"
    MASKED = "masked"
    DISABLED = "disabled"


class Operation(StrEnum):
    """What we last meant to do to a slot; committed before the radio hears of it (N4)."""

    NONE = "none"
    WRITE = "write"
    CLEAR = "clear"


class Outcome(StrEnum):
    """How the last operation ended. `PENDING` after a crash means: we do not know."""

    NONE = "none"
    PENDING = "pending"
    NOT_SENT = "not_sent"
    ACKNOWLEDGED = "acknowledged"
    AMBIGUOUS = "ambiguous"
    REFUSED = "refused"
    CONFIRMED = "confirmed"


@dataclass(frozen=True, slots=True)
class SlotRecord:
    """One row of the ledger: lease, last operation and last sighting of a slot.

    `intended` is the PIN of the last write intent and stays known through a later clear, so that a PIN that might be on
    the lock is never forgotten. `proof` belongs to the last write and is None while that write is unproven; `proven` is
    the PIN that was last proven here for this lease. `was_empty` says that the lock had shown the slot empty when the
    last write was intended. `barrier` is the window that went with it. `tries` counts operations since the last success,
    `unanswered` reads without an answer.
    """

    slot: Slot
    lease: CodeId | None = None
    operation: Operation = Operation.NONE
    outcome: Outcome = Outcome.NONE
    intended: PinDigest | None = None
    intended_at: Instant | None = None
    was_empty: bool = False
    proof: Proof | None = None
    proven: PinDigest | None = None
    refusal: RefusalReason | None = None
    refused_generation: int | None = None
    sighted: SightedAs = SightedAs.UNKNOWN
    sighted_digest: PinDigest | None = None
    sighted_at: Instant | None = None
    sighted_by: SightingSource = SightingSource.LOCK
    tries: int = 0
    next_try_at: Instant | None = None
    unanswered: int = 0
    barrier: Barrier = NO_BARRIER


@dataclass(frozen=True, slots=True)
class Wanted:
    """What should be in a leased slot now: the PIN of that generation of the code, under that window (A2).

    No `window` means that the PIN opens at any time while it is on the lock.
    """

    digest: PinDigest
    generation: int
    window: Window | None = None


class Claim(StrEnum):
    """Whose the slot is, and whether its code should be there now."""

    NONE = "not leased"
    UNWANTED = "leased, not wanted"
    WANTED = "leased, wanted"


class Standing(StrEnum):
    """How things stand with the PIN that is wanted now. An outcome for an earlier PIN counts as `OTHER`."""

    CONFIRMED = "confirmed"
    REFUSED = "refused"
    OTHER = "other"


class Look(StrEnum):
    """What the last sighting means, given what we intended and what is wanted."""

    EMPTY = "empty"
    EMPTY_HEARSAY = "empty by hearsay"
    UNKNOWN = "unknown"
    DISABLED = "disabled"
    OURS = "wanted PIN"
    EARLIER = "earlier PIN of ours"
    STRANGER = "stranger's PIN"
    MASKED = "masked"
    MASKED_OURS = "masked, was empty before our write"


class Verdict(StrEnum):
    """What a slot means to us, hence what to do with it."""

    FREE = "free"
    FOREIGN = "foreign"
    UNSEEN = "unseen"
    RELEASED = "released"
    TAKEN_OVER = "taken_over"
    ORPHAN = "orphan"
    ORPHAN_UNSEEN = "orphan_unseen"
    GOOD = "good"
    REFUSED = "refused"
    REFUSED_LEFTOVER = "refused_leftover"
    UNPROVEN = "unproven"
    UNPROVEN_MASKED = "unproven_masked"
    DRIFT_DELETED = "drift_deleted"
    DRIFT_CHANGED = "drift_changed"
    DUE = "due"


@dataclass(frozen=True, slots=True)
class Judgement:
    """One row of the table; an empty set means "any". `was_proven` is whether a PIN of this lease was ever proven."""

    claim: Claim
    standings: frozenset[Standing]
    looks: frozenset[Look]
    was_proven: bool | None
    verdict: Verdict
    meaning: str

    def matches(self, claim: Claim, standing: Standing, look: Look, *, was_proven: bool) -> bool:
        """Whether this row covers the situation."""
        return (
            claim is self.claim
            and (not self.standings or standing in self.standings)
            and (not self.looks or look in self.looks)
            and (self.was_proven is None or was_proven is self.was_proven)
        )


def _row(
    claim: Claim,
    standing: Standing | None,
    looks: tuple[Look, ...],
    verdict: Verdict,
    meaning: str,
    *,
    was_proven: bool | None = None,
) -> Judgement:
    standings = frozenset[Standing]() if standing is None else frozenset({standing})
    return Judgement(claim, standings, frozenset(looks), was_proven, verdict, meaning)


_HELD = (Look.OURS, Look.EARLIER, Look.STRANGER, Look.MASKED, Look.MASKED_OURS)

JUDGEMENTS: tuple[Judgement, ...] = (
    _row(Claim.NONE, None, (Look.EMPTY,), Verdict.FREE, "may be leased"),
    _row(Claim.NONE, None, (Look.EMPTY_HEARSAY, Look.UNKNOWN), Verdict.UNSEEN, "ask the lock before leasing (N2)"),
    _row(Claim.NONE, None, (*_HELD, Look.DISABLED), Verdict.FOREIGN, "never touched (A14)"),
    _row(Claim.UNWANTED, None, (Look.EMPTY, Look.EMPTY_HEARSAY), Verdict.RELEASED, "gone: drop the lease"),
    _row(
        Claim.UNWANTED,
        None,
        (Look.STRANGER,),
        Verdict.TAKEN_OVER,
        "somebody else's: drop the lease, leave the PIN (A15)",
        was_proven=False,
    ),
    _row(Claim.UNWANTED, None, (Look.UNKNOWN,), Verdict.ORPHAN_UNSEEN, "look, then clear"),
    _row(Claim.UNWANTED, None, (*_HELD, Look.DISABLED), Verdict.ORPHAN, "clear (A9)"),
    _row(Claim.WANTED, None, (Look.OURS, Look.MASKED_OURS), Verdict.GOOD, "as wanted"),
    _row(Claim.WANTED, Standing.CONFIRMED, (Look.MASKED,), Verdict.GOOD, "as wanted, shown masked"),
    _row(Claim.WANTED, Standing.REFUSED, (Look.EMPTY, Look.EMPTY_HEARSAY), Verdict.REFUSED, "not repeated (A8)"),
    _row(
        Claim.WANTED,
        Standing.REFUSED,
        (Look.EARLIER, Look.DISABLED, Look.MASKED),
        Verdict.REFUSED_LEFTOVER,
        "new PIN refused, the old one must go: clear",
    ),
    _row(Claim.WANTED, Standing.REFUSED, (Look.UNKNOWN,), Verdict.UNPROVEN, "look"),
    _row(Claim.WANTED, Standing.CONFIRMED, (Look.UNKNOWN,), Verdict.UNPROVEN, "something happened: look"),
    _row(
        Claim.WANTED,
        Standing.CONFIRMED,
        (Look.EMPTY, Look.EMPTY_HEARSAY),
        Verdict.DRIFT_DELETED,
        "deleted outside: report, restore (A15)",
    ),
    _row(
        Claim.WANTED,
        Standing.CONFIRMED,
        (Look.DISABLED, Look.EARLIER, Look.STRANGER),
        Verdict.DRIFT_CHANGED,
        "changed outside: report, restore (A15)",
    ),
    _row(
        Claim.WANTED,
        None,
        (Look.STRANGER,),
        Verdict.DRIFT_CHANGED,
        "changed outside after a proof: report, restore (A15)",
        was_proven=True,
    ),
    _row(
        Claim.WANTED,
        None,
        (Look.STRANGER,),
        Verdict.TAKEN_OVER,
        "never ours: drop the lease, take another slot (A15)",
        was_proven=False,
    ),
    _row(
        Claim.WANTED,
        Standing.OTHER,
        (Look.UNKNOWN, Look.EMPTY_HEARSAY),
        Verdict.UNPROVEN,
        "look before writing (A7, N2)",
    ),
    _row(Claim.WANTED, Standing.OTHER, (Look.MASKED,), Verdict.UNPROVEN_MASKED, "clear, see empty, write (A7)"),
    _row(
        Claim.WANTED,
        Standing.OTHER,
        (Look.EMPTY, Look.DISABLED, Look.EARLIER),
        Verdict.DUE,
        "write",
    ),
)
"""The table, first match decides. A test walks every combination; the README of this package is printed from it."""


def claim_of(record: SlotRecord, wanted: Wanted | None) -> Claim:
    """Whose the slot is now."""
    if record.lease is None:
        return Claim.NONE
    return Claim.UNWANTED if wanted is None else Claim.WANTED


def standing_of(record: SlotRecord, wanted: Wanted | None) -> Standing:
    """How our last write stands towards what is wanted now."""
    if wanted is None:
        return Standing.OTHER
    if record.proof is not None and record.proven == wanted.digest and record.barrier.keeps(wanted.window):
        return Standing.CONFIRMED
    if record.refused_generation == wanted.generation:
        return Standing.REFUSED
    return Standing.OTHER


def look_of(record: SlotRecord, wanted: Wanted | None) -> Look:
    """What the last sighting means to us."""
    is_anything = record.sighted in {SightedAs.MASKED, SightedAs.DISABLED}
    if record.lease is not None and is_anything and record.intended is None and record.proven is None:
        return Look.STRANGER  # nothing of ours was ever sent there
    match record.sighted:
        case SightedAs.UNKNOWN:
            return Look.UNKNOWN
        case SightedAs.EMPTY if wanted is None and may_be_landing(record):
            return Look.UNKNOWN
        case SightedAs.EMPTY:
            return Look.EMPTY if record.sighted_by is SightingSource.LOCK else Look.EMPTY_HEARSAY
        case SightedAs.DISABLED:
            return Look.DISABLED
        case SightedAs.MASKED:
            if _was_noticed_by_others(record):
                return Look.STRANGER
            wrote_into_empty = record.operation is Operation.WRITE and record.was_empty
            is_wanted = wanted is not None and record.intended == wanted.digest and record.barrier.keeps(wanted.window)
            return Look.MASKED_OURS if is_wanted and wrote_into_empty else Look.MASKED
        case SightedAs.HELD:
            is_wanted = wanted is not None and record.sighted_digest == wanted.digest
            if wanted is not None and is_wanted and record.barrier.keeps(wanted.window):
                return Look.OURS
            ours = {digest for digest in (record.intended, record.proven) if digest is not None}
            return Look.EARLIER if record.sighted_digest in ours else Look.STRANGER


LANDING_MS = 10 * SECOND_MS
"""A lock may show the old content of a slot for seconds after it took a write (reported of Kwikset read-backs)."""


def may_be_landing(record: SlotRecord) -> bool:
    """Whether the slot was seen empty so soon after an unproven write of ours that the PIN may have landed since."""
    if record.operation is not Operation.WRITE or record.intended_at is None or record.sighted_at is None:
        return False
    is_open = record.outcome in {Outcome.PENDING, Outcome.ACKNOWLEDGED, Outcome.AMBIGUOUS}
    return is_open and record.lease is not None and 0 <= record.sighted_at - record.intended_at < LANDING_MS


def is_refused_silently(record: SlotRecord, digest: PinDigest) -> bool:
    """Whether the lock took this PIN again and again and kept it never. It is still tried (A8)."""
    return record.refusal is RefusalReason.SILENT and record.intended == digest


def _was_noticed_by_others(record: SlotRecord) -> bool:
    """Whether the proof of a confirmed write was dropped because the lock told of somebody else's hand in this slot."""
    was_confirmed = record.operation is Operation.WRITE and record.outcome is Outcome.CONFIRMED
    return was_confirmed and record.proven is not None and record.proof is None


def judge(record: SlotRecord, wanted: Wanted | None) -> Verdict:
    """Say what one slot means to us. `wanted` is what its lease holder should have there now, or None.

    Raises `AssertionError` when no row matches, which the exhaustive test rules out.
    """
    was_proven = record.proven is not None
    return _verdict(
        claim_of(record, wanted), standing_of(record, wanted), look_of(record, wanted), was_proven=was_proven
    )


@cache
def _verdict(claim: Claim, standing: Standing, look: Look, *, was_proven: bool) -> Verdict:
    """The first row that matches; each of the few hundred combinations is looked up once."""
    for row in JUDGEMENTS:
        if row.matches(claim, standing, look, was_proven=was_proven):
            return row.verdict
    msg = f"no judgement for {claim}, {standing}, {look}, was_proven={was_proven}"
    raise AssertionError(msg)


def is_lost(record: SlotRecord) -> bool:
    """Whether all evidence of a leased slot was lost, and nothing was tried since (A17): the one way to status `unknown`."""
    return record.lease is not None and record.operation is Operation.NONE


def possible_pins(record: SlotRecord) -> frozenset[PinDigest]:
    """The PINs that may be in the slot right now, as far as anybody can know (A10).

    What was sighted when a PIN was; nothing when it was seen empty; else every PIN that we intended or proved here.
    """
    if record.sighted is SightedAs.EMPTY:
        return frozenset()
    if record.sighted is SightedAs.HELD and record.sighted_digest is None:
        # Our PIN was seen gone, and then somebody put one there that we have not seen.
        return frozenset()
    if record.sighted is SightedAs.HELD and record.sighted_digest is not None:
        return frozenset({record.sighted_digest})
    return frozenset(digest for digest in (record.intended, record.proven) if digest is not None)


def opens_as_before(record: SlotRecord, digest: PinDigest, *, is_window_kept: bool) -> bool:
    """Whether a PIN that the slot's code had before may still open, or its PIN under the window that it had before (A9).

    `digest` is the PIN that is wanted there, `is_window_kept` whether the window that is wanted is the one in force.
    """
    there = possible_pins(record)
    is_under_another_window = record.proven == digest and digest in there and not is_window_kept
    return is_under_another_window or bool(there - {digest})
