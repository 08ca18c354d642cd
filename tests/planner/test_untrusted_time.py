"""T1, T2: what may happen while wall time is not trusted."""

from dataclasses import replace

from gateway.model import ledger
from gateway.model.answers import Ambiguous, Empty, Sighting, SightingSource, Written
from gateway.model.clock import ClockTrust
from gateway.model.evidence import Evidence
from gateway.model.ids import CodeId
from gateway.model.instant import DAY_MS, HOUR_MS, MINUTE_MS, Instant
from gateway.model.slot import SightedAs, SlotRecord, Verdict
from gateway.planner.actions import ClearSlot, ReadSlot, WriteSlot
from gateway.planner.diff import BLIND_AFTER_READS
from gateway.planner.plan import plan
from tests.builders import KEY, NOON, digest, make_code, make_snapshot, reading, slot

END = Instant(NOON + 5 * HOUR_MS)
EMPTY = SlotRecord(slot(1), sighted=SightedAs.EMPTY, sighted_at=NOON)
UNTRUSTED = reading(NOON, ClockTrust.UNTRUSTED)


def test_t2_a_lease_for_a_write_that_never_left_the_hub_does_not_count_as_on_the_lock() -> None:
    intended = ledger.intend_write(EMPTY, CodeId("code-1"), digest("2580"), NOON)
    record = replace(ledger.not_sent(intended, EMPTY), next_try_at=None)
    found = plan(make_snapshot(make_code(ends_at=END), slots=[record]), UNTRUSTED)
    assert found.head is None
    assert found.releases == (1,)


def test_t2_a_write_that_may_have_arrived_is_looked_at_and_taken_back_when_it_had_not() -> None:
    intended = ledger.intend_write(EMPTY, CodeId("code-1"), digest("2580"), NOON)
    record = ledger.ended(intended, Ambiguous("lost"), NOON, 1, supervision_is_honest=True)
    code = make_code(ends_at=END)
    assert isinstance(plan(make_snapshot(code, slots=[record]), UNTRUSTED).head, ReadSlot)
    later = Instant(NOON + MINUTE_MS)
    looked = ledger.sighted(record, Sighting(Empty(), SightingSource.LOCK), later, lambda pin: pin.digest(KEY))
    found = plan(make_snapshot(code, slots=[looked]), UNTRUSTED)
    assert (found.head, found.releases) == (None, (1,))
    assert found.verdicts == {slot(1): Verdict.FREE}


def test_t2_a_code_that_was_never_proven_is_not_written_unseen() -> None:
    intended = ledger.intend_write(EMPTY, CodeId("code-1"), digest("2580"), NOON)
    ended = ledger.ended(intended, Ambiguous("lost"), NOON, 1, supervision_is_honest=True)
    silent = replace(ended, unanswered=BLIND_AFTER_READS)
    bound, ongoing = make_code(ends_at=END), make_code()
    assert isinstance(plan(make_snapshot(bound, slots=[silent]), UNTRUSTED).head, ReadSlot)
    assert isinstance(plan(make_snapshot(bound, slots=[silent]), reading(NOON)).head, WriteSlot)
    assert isinstance(plan(make_snapshot(ongoing, slots=[silent]), UNTRUSTED).head, WriteSlot)


def test_t2_a_pin_is_not_written_again_when_its_end_is_nearer_than_a_day() -> None:
    intended = ledger.intend_write(EMPTY, CodeId("code-1"), digest("2580"), NOON)
    proven = ledger.ended(intended, Written(Evidence.SUPERVISED), NOON, 1, supervision_is_honest=True)
    gone = ledger.notified(proven, is_present=False, at=Instant(NOON + HOUR_MS))
    near, far = make_code(ends_at=END), make_code(ends_at=Instant(NOON + 2 * DAY_MS))
    assert plan(make_snapshot(near, slots=[gone]), UNTRUSTED).head is None
    assert isinstance(plan(make_snapshot(near, slots=[gone]), reading(NOON)).head, WriteSlot)
    assert isinstance(plan(make_snapshot(far, slots=[gone]), UNTRUSTED).head, WriteSlot)


def test_t2_a_pin_that_was_replaced_goes_although_the_new_one_has_to_wait() -> None:
    intended = ledger.intend_write(EMPTY, CodeId("code-1"), digest("2580"), NOON)
    proven = ledger.ended(intended, Written(Evidence.SUPERVISED), NOON, 1, supervision_is_honest=True)
    found = plan(make_snapshot(make_code(pin="1470", ends_at=END, generation=2), slots=[proven]), UNTRUSTED)
    assert isinstance(found.head, ClearSlot)
    cleared = ledger.ended(
        ledger.intend_clear(proven, NOON), Written(Evidence.SUPERVISED), NOON, 0, supervision_is_honest=True
    )
    assert (
        plan(make_snapshot(make_code(pin="1470", ends_at=END, generation=2), slots=[cleared]), UNTRUSTED).head is None
    )
