"""How a record moves: each input with the situations in which it means something else."""

from dataclasses import replace

import pytest

from gateway.model import ledger
from gateway.model.answers import Ambiguous, Empty, Held, Sighting, SightingSource, Unknown, Written
from gateway.model.evidence import Evidence
from gateway.model.ids import CodeId
from gateway.model.instant import MINUTE_MS, Instant
from gateway.model.pin import Pin
from gateway.model.slot import Operation, Outcome, SightedAs, SlotRecord, is_refused_silently
from tests.builders import KEY, NOON, digest, slot

CODE = CodeId("code-1")
EMPTY = SlotRecord(slot(1), sighted=SightedAs.EMPTY, sighted_at=NOON)
LATER = Instant(NOON + MINUTE_MS)


def intended() -> SlotRecord:
    return ledger.intend_write(EMPTY, CODE, digest("2580"), NOON)


def proven() -> SlotRecord:
    return ledger.ended(intended(), Written(Evidence.SUPERVISED), NOON, 1, supervision_is_honest=True)


def see(record: SlotRecord, value: Empty | Held | Unknown, source: SightingSource = SightingSource.LOCK) -> SlotRecord:
    return ledger.sighted(record, Sighting(value, source), LATER, lambda pin: pin.digest(KEY))


def test_n2_a_slot_that_was_not_seen_empty_by_the_lock_is_not_written() -> None:
    for record in (SlotRecord(slot(1)), replace(EMPTY, sighted_by=SightingSource.MIDDLEMAN)):
        with pytest.raises(AssertionError, match="N2"):
            ledger.intend_write(record, CODE, digest("2580"), NOON)
    with pytest.raises(AssertionError, match="N2"):
        ledger.intend_clear(EMPTY, NOON)


def test_n4_an_intent_makes_the_slot_unseen_and_drops_the_proof() -> None:
    again = ledger.intend_write(proven(), CODE, digest("3690"), LATER)
    assert (again.sighted, again.proof, again.outcome) == (SightedAs.UNKNOWN, None, Outcome.PENDING)
    assert again.proven == digest("2580")


def test_a7_only_proving_evidence_confirms() -> None:
    acknowledged = ledger.ended(intended(), Written(Evidence.ACKNOWLEDGED), NOON, 1, supervision_is_honest=True)
    assert (acknowledged.outcome, acknowledged.proof) == (Outcome.ACKNOWLEDGED, None)
    assert proven().proof is not None


def test_a_look_after_an_unknown_end_decides_and_counts_once() -> None:
    ambiguous = ledger.ended(intended(), Ambiguous("lost"), NOON, 1, supervision_is_honest=True)
    assert ambiguous.tries == 0
    assert see(ambiguous, Empty()).tries == 1
    found = see(ambiguous, Held(Pin("2580")))
    assert found.proof is not None
    assert (found.tries, found.proof.evidence) == (0, Evidence.READ_BACK)


def test_a8_a_write_that_is_taken_again_and_again_and_kept_never_is_a_silent_refusal_of_that_pin() -> None:
    record, wanted = EMPTY, digest("2580")
    for count in range(1, ledger.SILENT_REFUSALS_MIN + 2):
        record = see(ledger.intend_write(record, CODE, wanted, NOON), Empty())
        assert is_refused_silently(record, wanted) is (count >= ledger.SILENT_REFUSALS_MIN)
    assert record.refused_generation is None, "it is tried all the same"
    other = ledger.intend_write(record, CODE, digest("3690"), NOON)
    assert (other.refusal, other.tries, other.next_try_at) == (None, 0, None)
    kept = see(ledger.intend_write(record, CODE, wanted, NOON), Held(Pin("2580")))
    assert not is_refused_silently(kept, wanted)


def test_a7_masked_after_an_empty_slot_proves_and_masked_after_anything_else_does_not() -> None:
    found = see(intended(), Held(None))
    assert found.proof is not None
    assert found.proof.evidence is Evidence.MASKED
    over = ledger.intend_write(proven(), CODE, digest("3690"), LATER)
    assert see(over, Held(None)).proof is None


def test_d3_a_middleman_never_replaces_the_locks_word_and_never_speaks_of_our_slots() -> None:
    assert see(EMPTY, Held(Pin("9999")), SightingSource.MIDDLEMAN) == EMPTY
    assert see(proven(), Empty(), SightingSource.MIDDLEMAN) == proven()
    assert see(SlotRecord(slot(1)), Empty(), SightingSource.MIDDLEMAN).sighted is SightedAs.EMPTY


def test_a_notification_soon_after_our_write_is_its_proof_and_a_second_one_is_somebody_else() -> None:
    soon = Instant(NOON + 1000)
    told = ledger.notified(intended(), is_present=True, at=soon)
    assert told.proof is not None
    assert told.proof.evidence is Evidence.NOTIFIED
    assert ledger.notified(told, is_present=True, at=soon).sighted is SightedAs.UNKNOWN


def test_a_notification_at_another_time_means_somebody_was_there() -> None:
    assert ledger.notified(proven(), is_present=True, at=LATER).sighted is SightedAs.UNKNOWN
    assert ledger.notified(proven(), is_present=False, at=LATER).sighted is SightedAs.EMPTY


def test_a_late_word_about_our_clear_after_our_next_write_is_looked_at_and_not_taken_for_a_deletion() -> None:
    assert ledger.notified(proven(), is_present=False, at=Instant(NOON + 1000)).sighted is SightedAs.UNKNOWN


def test_a7_use_proves_our_write_but_not_when_the_slot_is_suspect() -> None:
    acknowledged = ledger.ended(intended(), Written(Evidence.ACKNOWLEDGED), NOON, 1, supervision_is_honest=False)
    used = ledger.used(acknowledged, LATER)
    assert used.proof is not None
    assert used.proof.evidence is Evidence.USED
    suspect = ledger.notified(proven(), is_present=True, at=LATER)
    assert ledger.used(suspect, Instant(LATER + 1)) == suspect
    stranger = see(proven(), Held(Pin("9999")))
    assert ledger.used(stranger, LATER) == stranger


def test_n6_use_proves_no_new_pin_that_may_never_have_replaced_the_old_one() -> None:
    lost = ledger.ended(
        ledger.intend_write(proven(), CODE, digest("3690"), LATER),
        Ambiguous("no answer"),
        LATER,
        2,
        supervision_is_honest=True,
    )
    assert ledger.used(lost, Instant(LATER + 1)) == lost


def test_not_sent_leaves_what_was_known() -> None:
    before = proven()
    after = ledger.not_sent(ledger.intend_write(before, CODE, digest("3690"), LATER), before)
    assert (after.sighted, after.sighted_digest, after.proof) == (before.sighted, before.sighted_digest, before.proof)
    assert after.tries == 1


def test_a_released_slot_keeps_what_was_seen_and_nothing_else() -> None:
    cleared = ledger.ended(
        ledger.intend_clear(proven(), LATER), Written(Evidence.SUPERVISED), LATER, 0, supervision_is_honest=True
    )
    assert ledger.released(cleared) == SlotRecord(slot(1), sighted=SightedAs.EMPTY, sighted_at=LATER)


def test_n2_an_empty_slot_out_of_sight_is_empty_by_hearsay_only() -> None:
    leased = replace(EMPTY, lease=CODE)
    assert ledger.doubted(leased).sighted_by is SightingSource.MIDDLEMAN
    assert ledger.doubted(EMPTY).sighted_by is SightingSource.MIDDLEMAN
    assert ledger.doubted(proven()) == proven()
    assert proven().operation is Operation.WRITE
