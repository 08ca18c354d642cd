"""What the hub does not know: a PIN that may be there, one that cannot be, and one that only waits for a look (A7 to A9, A15)."""

from dataclasses import replace

import pytest

from gateway.model import ledger
from gateway.model.access_code import AccessCode
from gateway.model.answers import Ambiguous, Empty, Held, Sighting, SightingSource, Written
from gateway.model.evidence import Evidence
from gateway.model.ids import CodeId
from gateway.model.instant import HOUR_MS, MINUTE_MS, Instant
from gateway.model.issues import Issue, Status
from gateway.model.lock import ReadBack
from gateway.model.pin import Pin
from gateway.model.slot import SightedAs, SlotRecord, Verdict, Wanted, judge, possible_pins
from gateway.model.snapshot import Announced
from gateway.planner.actions import ClearSlot, ReadSlot, Reason, WriteSlot
from gateway.planner.desired import LATE_DELAY_MS, LATE_FAILED_MS
from gateway.planner.plan import Plan, plan
from tests.builders import KEY, NOON, digest, make_code, make_profile, make_snapshot, reading, slot

LOST = Ambiguous("the answer was lost")
GUEST = CodeId("code-1")
A, B = digest("1470"), digest("2580")
EMPTY = SlotRecord(slot(1), sighted=SightedAs.EMPTY, sighted_at=NOON)
LATER = Instant(NOON + HOUR_MS)
MASKED = make_profile(read_back=ReadBack.MASKED)


def shows(value: Empty | Held) -> Sighting:
    return Sighting(value, SightingSource.LOCK)


def looked(record: SlotRecord, value: Empty | Held, at: Instant = LATER) -> SlotRecord:
    return ledger.sighted(record, shows(value), at, lambda pin: pin.digest(KEY))


def proven(pin: str = "2580") -> SlotRecord:
    intended = ledger.intend_write(EMPTY, GUEST, digest(pin), NOON)
    return ledger.ended(intended, Written(Evidence.SUPERVISED), NOON, 1, supervision_is_honest=True)


def never_sent(tries: int = 1) -> SlotRecord:
    """A slot that was leased and to which no write ever went out."""
    record = EMPTY
    for _ in range(tries):
        record = ledger.not_sent(ledger.intend_write(record, GUEST, B, NOON), record)
    return record


def silent_after_a_lost_write() -> SlotRecord:
    """A was written, nobody knows what became of it, and two looks were not answered; nothing was ever proven."""
    lost = ledger.ended(ledger.intend_write(EMPTY, GUEST, A, NOON), LOST, NOON, 1, supervision_is_honest=True)
    return replace(ledger.unheard(ledger.unheard(lost)), next_try_at=None)


# A9: a PIN that may be on the lock is never forgotten.


def test_a9_another_pin_is_not_written_unseen_over_one_that_may_be_there() -> None:
    """The write was lost too; the look that then showed the first PIN took it for a stranger's, and it opened for ever."""
    found = plan(
        make_snapshot(make_code(pin="2580", generation=2), slots=[silent_after_a_lost_write()]), reading(LATER)
    )
    assert isinstance(found.head, ClearSlot)
    assert found.head.reason is Reason.EARLIER_UNSEEN
    cleared = ledger.intend_clear(silent_after_a_lost_write(), LATER)
    assert A in possible_pins(cleared)
    shown = looked(ledger.ended(cleared, LOST, LATER, 2, supervision_is_honest=True), Held(Pin("1470")))
    assert judge(shown, Wanted(B, 2)) is Verdict.DUE
    assert judge(shown, None) is Verdict.ORPHAN


def test_a9_the_same_pin_is_written_again_unseen() -> None:
    found = plan(make_snapshot(make_code(pin="1470"), slots=[silent_after_a_lost_write()]), reading(LATER))
    assert isinstance(found.head, WriteSlot)


def on_slot(number: int, code_id: str, pin: str) -> SlotRecord:
    empty = SlotRecord(slot(number), sighted=SightedAs.EMPTY, sighted_at=NOON)
    intended = ledger.intend_write(empty, CodeId(code_id), digest(pin), NOON)
    return ledger.ended(intended, Written(Evidence.SUPERVISED), NOON, 1, supervision_is_honest=True)


def edited_to_the_pin_of(other: AccessCode) -> Plan:
    """The guest's PIN was to become another code's, which is in slot 2."""
    guest = make_code(pin="2580", generation=2, accepted_at=LATER)
    slots = [on_slot(1, "code-1", "1470"), on_slot(2, "other", "2580")]
    return plan(make_snapshot(guest, other, slots=slots), reading(LATER))


def test_a9_a_replaced_pin_goes_though_the_new_one_is_another_code_s() -> None:
    """Seed 100404: the other code was on its way early, over a weak link; the replaced PIN opened on until its stay ended."""
    found = edited_to_the_pin_of(make_code("other", "2580"))
    assert isinstance(found.head, ClearSlot)
    assert (found.head.slot, found.head.reason) == (1, Reason.REPLACED)
    assert not [action for action in found.rest if isinstance(action, WriteSlot | ClearSlot)]


def test_a10_a_pin_that_another_code_is_about_to_leave_is_waited_for_with_the_old_one_in_place() -> None:
    found = edited_to_the_pin_of(make_code("other", "2580", deleted_at=LATER))
    steps = [action for action in (found.head, *found.rest) if isinstance(action, WriteSlot | ClearSlot)]
    assert [(type(step), int(step.slot)) for step in steps] == [(ClearSlot, 2)]


# N2, A7: where nothing was sent, nothing of ours can be.


def test_n2_asterisks_where_nothing_was_ever_sent_are_a_strangers() -> None:
    """They proved the write that had never left the hub; its guest was told a code that opened nothing."""
    shown = looked(never_sent(), Held(None))
    assert shown.proof is None
    assert judge(shown, Wanted(B, 1)) is Verdict.TAKEN_OVER
    assert judge(shown, None) is Verdict.TAKEN_OVER
    found = plan(make_snapshot(make_code(pin="2580"), slots=[shown], profile=MASKED), reading(LATER))
    assert found.standings[GUEST].status is not Status.SET
    steps = [action for action in (found.head, *found.rest) if isinstance(action, WriteSlot | ClearSlot)]
    assert slot(1) not in {step.slot for step in steps}


@pytest.mark.parametrize("value", [SightedAs.MASKED, SightedAs.DISABLED, SightedAs.HELD])
def test_n2_whatever_a_hand_put_where_nothing_was_sent_is_left_alone(value: SightedAs) -> None:
    shown = digest("3690") if value is SightedAs.HELD else None
    record = replace(never_sent(), sighted=value, sighted_digest=shown, sighted_at=LATER)
    assert judge(record, Wanted(B, 1)) is Verdict.TAKEN_OVER
    assert judge(record, None) is Verdict.TAKEN_OVER


def test_a7_a_hand_in_a_slot_to_which_nothing_was_sent_proves_nothing() -> None:
    """Within ten seconds of the intent the lock's word was taken for the answer to it."""
    told = ledger.notified(never_sent(), is_present=True, at=Instant(NOON + 1))
    assert told.proof is None
    assert judge(told, Wanted(B, 1)) is Verdict.UNPROVEN


def test_a8_what_is_not_sent_is_counted_on() -> None:
    assert never_sent(5).tries == 5


def test_a10_a_pin_that_never_left_the_hub_bars_no_other_slot() -> None:
    assert possible_pins(replace(never_sent(), sighted=SightedAs.UNKNOWN)) == frozenset()


# A15: what a code allows, and what an order wants.


def changed_outside() -> SlotRecord:
    return looked(proven("1470"), Held(Pin("3690")))


def test_a15_an_order_that_came_after_an_allowed_change_wins() -> None:
    """The new PIN was never written, its status stayed `set`, and its order was never answered."""
    code = make_code(pin="2580", generation=2, accepted_at=LATER, is_external_modification_allowed=True)
    found = plan(make_snapshot(code, slots=[changed_outside()]), reading(LATER))
    assert isinstance(found.head, WriteSlot)
    assert found.head.digest == B
    assert found.standings[GUEST].status is Status.SETTING
    assert not found.standings[GUEST].issues & {Issue.EXTERNAL_CHANGE_IN_EFFECT, Issue.CONFLICTING_CHANGE}


def test_a15_an_allowed_change_of_the_pin_that_is_ordered_stands() -> None:
    code = make_code(pin="1470", is_external_modification_allowed=True)
    found = plan(make_snapshot(code, slots=[changed_outside()]), reading(LATER))
    assert not isinstance(found.head, WriteSlot | ClearSlot)
    assert found.standings[GUEST].status is Status.SET


# A9: a removal does not wait for what failed before it.


def waiting(record: SlotRecord) -> SlotRecord:
    return replace(record, tries=9, next_try_at=Instant(LATER + 30 * MINUTE_MS))


def over(record: SlotRecord, read_back: ReadBack = ReadBack.CLEAR) -> Plan:
    """The code ended just now."""
    code = make_code(pin="2580", starts_at=NOON, ends_at=LATER)
    return plan(make_snapshot(code, slots=[record], profile=make_profile(read_back=read_back)), reading(LATER))


def test_a9_a_removal_does_not_wait_for_a_rewrite_that_failed() -> None:
    """The clears of a masked rewrite had failed nine times; the stay ended, and its PIN opened for another half hour."""
    cleared = ledger.intend_clear(looked(proven(), Held(None), NOON), NOON)
    failed = waiting(looked(ledger.ended(cleared, LOST, NOON, 1, supervision_is_honest=True), Held(None), NOON))
    assert isinstance(over(failed, ReadBack.MASKED).head, ClearSlot)


def test_a9_the_first_look_before_a_removal_does_not_wait_for_a_write_that_failed() -> None:
    unsure = ledger.ended(ledger.intend_write(EMPTY, GUEST, B, NOON), LOST, NOON, 1, supervision_is_honest=True)
    old = waiting(replace(unsure, intended_at=Instant(NOON - HOUR_MS)))
    assert isinstance(over(old).head, ReadSlot | ClearSlot)


def test_a9_a_removal_that_failed_waits_for_its_repetition() -> None:
    cleared = ledger.intend_clear(proven(), LATER)
    failed = waiting(looked(ledger.ended(cleared, LOST, LATER, 1, supervision_is_honest=True), Held(Pin("2580"))))
    assert over(failed).head is None


# A7, A8: a look that is owed is no failure.


def in_doubt(at: Instant = LATER) -> SlotRecord:
    return ledger.unseen(proven(), at)


def issues_of(record: SlotRecord, now: Instant) -> frozenset[Issue]:
    snapshot = make_snapshot(make_code(pin="2580"), slots=[record])
    snapshot.announced[GUEST] = Announced(Status.SET, B)  # type: ignore[index] # a plain dict here
    return plan(snapshot, reading(now)).standings[GUEST].issues


def test_a8_a_proven_code_that_waits_for_a_look_is_late_from_the_doubt_on() -> None:
    """It was told as failed for the second that the look takes, hours after its order."""
    assert issues_of(in_doubt(), LATER) == frozenset()
    assert issues_of(in_doubt(), Instant(LATER + LATE_DELAY_MS)) == {Issue.DELAY_IN_SETTING}
    assert issues_of(in_doubt(), Instant(LATER + LATE_FAILED_MS)) == {Issue.FAILED_TO_SET}


def test_a8_a_first_loss_in_mid_stay_is_late_before_it_has_failed() -> None:
    """The loss is counted with the event that tells of it, so this event said "failed", and the next one "delay"."""
    gone = looked(proven(), Empty())
    assert issues_of(gone, LATER) == {Issue.DELAY_IN_SETTING, Issue.CONFLICTING_CHANGE}
    assert Issue.FAILED_TO_SET in issues_of(gone, Instant(LATER + LATE_FAILED_MS))
