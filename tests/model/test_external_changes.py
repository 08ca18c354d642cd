"""A15: what a lock's own word about a slot of ours means when it was not our doing."""

from gateway.model import ledger
from gateway.model.answers import Ambiguous, Held, Sighting, SightingSource, Written
from gateway.model.evidence import Evidence, Proof
from gateway.model.ids import CodeId
from gateway.model.instant import HOUR_MS, Instant
from gateway.model.pin import Pin
from gateway.model.slot import SightedAs, SlotRecord, Verdict, Wanted, judge
from tests.builders import KEY, NOON, digest, slot

LATER = Instant(NOON + HOUR_MS)
MASKED = Sighting(Held(None), SightingSource.LOCK)
WANTED = Wanted(digest("2580"), 1)


def _proven() -> SlotRecord:
    empty = SlotRecord(slot(1), sighted=SightedAs.EMPTY, sighted_at=NOON)
    intended = ledger.intend_write(empty, CodeId("code-1"), digest("2580"), NOON)
    return ledger.ended(intended, Written(Evidence.SUPERVISED), NOON, 1, supervision_is_honest=True)


def test_a15_what_appears_where_our_pin_was_deleted_is_not_ours_even_when_it_is_shown_masked() -> None:
    deleted = ledger.notified(_proven(), is_present=False, at=LATER)
    assert judge(deleted, WANTED) is Verdict.DRIFT_DELETED
    programmed = ledger.notified(deleted, is_present=True, at=LATER)
    assert judge(programmed, WANTED) is Verdict.DRIFT_CHANGED
    looked = ledger.sighted(ledger.unseen(programmed, LATER), MASKED, LATER, lambda pin: pin.digest(KEY))
    assert judge(looked, WANTED) is Verdict.DRIFT_CHANGED


def test_a15_a_word_about_a_slot_that_held_our_pin_asks_for_a_look_and_asterisks_are_no_answer() -> None:
    noted = ledger.notified(_proven(), is_present=True, at=LATER)
    assert judge(noted, WANTED) is Verdict.UNPROVEN

    def see(value: Held) -> SlotRecord:
        return ledger.sighted(noted, Sighting(value, SightingSource.LOCK), LATER, lambda pin: pin.digest(KEY))

    assert judge(see(Held(None)), WANTED) is Verdict.DRIFT_CHANGED
    assert judge(see(Held(None)), None) is Verdict.ORPHAN
    assert judge(see(Held(Pin("9999"))), WANTED) is Verdict.DRIFT_CHANGED
    assert judge(see(Held(Pin("2580"))), WANTED) is Verdict.GOOD


def test_a7_a_clear_that_never_arrived_leaves_a_proof_for_a_pin_that_is_wanted_again() -> None:
    lost = ledger.ended(ledger.intend_clear(_proven(), LATER), Ambiguous("lost"), LATER, 0, supervision_is_honest=True)
    assert lost.proof is None
    seen = Sighting(Held(Pin("2580")), SightingSource.LOCK)
    looked = ledger.sighted(lost, seen, LATER, lambda pin: pin.digest(KEY))
    assert judge(looked, WANTED) is Verdict.GOOD
    assert looked.proof == Proof(Evidence.READ_BACK, LATER)
    assert judge(looked, None) is Verdict.ORPHAN
