"""A2 to A5, T4: who keeps the window, from when on the PIN may be on the lock, and what is told."""

from dataclasses import replace

import pytest

from gateway.model import ledger
from gateway.model.answers import Ambiguous, Empty, Held, RefusalReason, Refused, Sighting, SightingSource, Written
from gateway.model.clock import ClockTrust
from gateway.model.events import EventKind
from gateway.model.evidence import Evidence
from gateway.model.ids import CodeId, CommandId
from gateway.model.instant import DAY_MS, HOUR_MS, MINUTE_MS, Instant
from gateway.model.issues import Status
from gateway.model.lock import ReadBack, Schedule, ScheduleClock, ScheduleTrust
from gateway.model.lock_clock import ClockState, LockClock, witnessed
from gateway.model.pin import Pin
from gateway.model.slot import Verdict
from gateway.model.snapshot import Announced, Effort, OpenOrder
from gateway.model.window import Window
from gateway.planner.actions import CheckClock, ClearSlot, ReadSlot, Reason, WriteSlot
from gateway.planner.plan import Plan, plan
from tests.builders import KEY, LEAD_MS, NOON, digest, make_code, make_profile, reading, slot
from tests.planner.stays import CLAIMED, EMPTY, END, PRELOAD_AT, PROVEN, START, STAY, at, scene, stay, written


def is_at_rest(found: Plan) -> bool:
    """Whether nothing is to be done but the rotating look that any lock gets."""
    return all(action.reason is Reason.AUDIT for action in (found.head, *found.rest) if action is not None)


def test_a2_a_code_is_preloaded_with_its_window_72_h_before_its_start_and_not_a_millisecond_before() -> None:
    before = at(scene(stay()), Instant(PRELOAD_AT - 1))
    assert before.head is None
    found = at(scene(stay()), PRELOAD_AT)
    assert isinstance(found.head, WriteSlot)
    assert found.head.window == STAY


def test_a2_a_lock_that_merely_claims_gets_the_code_just_in_time_with_the_window_as_a_barrier() -> None:
    snapshot = scene(stay(), schedule=CLAIMED)
    assert at(snapshot, PRELOAD_AT).head is None
    found = at(snapshot, Instant(START - LEAD_MS))
    assert isinstance(found.head, WriteSlot)
    assert found.head.window == STAY


@pytest.mark.parametrize(
    "schedule", [None, replace(PROVEN, enforced=ScheduleTrust.NONE), replace(PROVEN, clock=ScheduleClock.OWN)]
)
def test_a3_elsewhere_the_hub_keeps_the_window(schedule: Schedule | None) -> None:
    snapshot = scene(stay(), schedule=schedule)
    assert at(snapshot, PRELOAD_AT).head is None
    found = at(snapshot, Instant(START - LEAD_MS))
    assert isinstance(found.head, WriteSlot)
    assert found.head.window is None


def test_a3_a_code_that_declines_is_written_just_in_time_without_a_window() -> None:
    snapshot = scene(replace(stay(), prefer_native_scheduling=False))
    assert at(snapshot, PRELOAD_AT).head is None
    found = at(snapshot, Instant(START - LEAD_MS))
    assert isinstance(found.head, WriteSlot)
    assert found.head.window is None


def test_a2_a_grain_that_would_cost_the_guest_more_than_a_minute_is_not_used() -> None:
    odd = Window(Instant(START + 20 * MINUTE_MS), END)
    found = at(scene(stay(window=odd), schedule=replace(PROVEN, grain_ms=HOUR_MS)), PRELOAD_AT)
    assert found.head is None


def test_a2_a_late_order_is_written_at_once_and_a_code_without_a_start_opens_at_once() -> None:
    late = at(scene(stay()), Instant(START + HOUR_MS))
    assert isinstance(late.head, WriteSlot)
    assert late.head.window == STAY
    code = replace(make_code(ends_at=END), accepted_at=START)
    found = at(scene(code), START)
    assert isinstance(found.head, WriteSlot)
    assert found.head.window == Window(Instant(START - MINUTE_MS), END)
    kept = PROVEN.inside(found.head.window)
    assert kept is not None
    assert kept.starts_at is not None
    assert kept.starts_at <= START


def test_a2_a_preloaded_code_is_unset_and_scheduled_until_its_start_then_set() -> None:
    code = stay()
    order = OpenOrder(CommandId("order-1"), code.code_id, 1, is_delete=False)
    snapshot = replace(scene(code, written(code)), orders=(order,))
    found = at(snapshot, PRELOAD_AT)
    assert found.head is None
    assert found.standings[code.code_id].status is Status.UNSET
    (news,) = found.announcements
    assert [event.kind for event in news.events] == [EventKind.CODE_SCHEDULED, EventKind.COMMAND_APPLIED]
    told = replace(snapshot, orders=(), announced={code.code_id: news.told})
    calm = at(told, PRELOAD_AT)
    assert calm.announcements == ()
    assert at(told, Instant(START - LEAD_MS)).announcements == ()
    last = at(told, Instant(START - 1))
    assert (last.announcements, last.wake_at) == ((), START)
    begun = at(told, START)
    assert begun.standings[code.code_id].status is Status.SET
    assert [event.kind for event in begun.announcements[0].events] == [EventKind.CODE_SET]
    assert is_at_rest(begun)


def test_a2_we_clear_after_the_end() -> None:
    code = stay()
    found = at(scene(code, written(code)), END)
    assert isinstance(found.head, ClearSlot)


def test_a6_a_preload_that_is_not_proven_is_unset_until_the_lead_and_setting_from_then_on() -> None:
    code = stay()
    intended = ledger.intend_write(EMPTY, code.code_id, code.digest, PRELOAD_AT, STAY)
    snapshot = scene(code, intended)
    assert at(snapshot, PRELOAD_AT).standings[code.code_id].status is Status.UNSET
    assert at(snapshot, Instant(START - LEAD_MS)).standings[code.code_id].status is Status.SETTING


def test_a2_our_pin_includes_the_window_a_pin_read_back_under_an_unknown_window_is_written_again() -> None:
    code = stay()
    intended = ledger.intend_write(EMPTY, code.code_id, code.digest, PRELOAD_AT, STAY)
    lost = ledger.ended(intended, Ambiguous("lost"), PRELOAD_AT, 1, supervision_is_honest=True)
    assert isinstance(at(scene(code, lost), PRELOAD_AT).head, ReadSlot)
    shown = Sighting(Held(Pin("2580")), SightingSource.LOCK)
    looked = ledger.sighted(lost, shown, PRELOAD_AT, lambda pin: pin.digest(KEY))
    assert looked.tries == 1
    found = at(scene(code, looked), PRELOAD_AT)
    assert found.verdicts[slot(1)] is Verdict.DUE
    assert isinstance(found.head, WriteSlot)


def test_a7_on_a_lock_that_hides_pins_an_unknown_window_means_clear_see_empty_write() -> None:
    code = stay()
    intended = ledger.intend_write(EMPTY, code.code_id, code.digest, PRELOAD_AT, STAY)
    lost = ledger.ended(intended, Ambiguous("lost"), PRELOAD_AT, 1, supervision_is_honest=True)
    masked = ledger.sighted(lost, Sighting(Held(None), SightingSource.LOCK), PRELOAD_AT, lambda pin: pin.digest(KEY))
    hidden = replace(scene(code, masked), profile=make_profile(read_back=ReadBack.MASKED, schedule=PROVEN))
    assert isinstance(at(hidden, PRELOAD_AT).head, ClearSlot)


def test_d6_a_driver_whose_window_is_wider_than_asked_proves_nothing() -> None:
    code = stay()
    intended = ledger.intend_write(EMPTY, code.code_id, code.digest, PRELOAD_AT, STAY)
    wide = Written(Evidence.SUPERVISED, Window(Instant(START - HOUR_MS), END))
    record = ledger.ended(intended, wide, PRELOAD_AT, 1, supervision_is_honest=True)
    assert (record.proof, record.tries) == (None, 1)
    none = ledger.ended(intended, Written(Evidence.SUPERVISED), PRELOAD_AT, 1, supervision_is_honest=True)
    assert none.proof is None


def test_a2_an_edit_of_the_window_on_the_lock_is_one_write_over_it_and_announced_anew() -> None:
    code = stay()
    longer = Window(START, Instant(END + DAY_MS))
    edited = stay(window=longer, generation=2)
    told = Announced(Status.UNSET, code.digest, frozenset(), STAY)
    snapshot = replace(scene(edited, written(code)), announced={code.code_id: told})
    found = at(snapshot, Instant(START - DAY_MS))
    assert isinstance(found.head, WriteSlot)
    assert (found.head.slot, found.head.window) == (1, longer)
    record = ledger.intend_write(written(code), code.code_id, code.digest, NOON, longer)
    done = ledger.ended(record, Written(Evidence.SUPERVISED, longer), NOON, 2, supervision_is_honest=True)
    after = at(replace(snapshot, slots={slot(1): done}), Instant(START - DAY_MS))
    (event,) = after.announcements[0].events
    assert event.kind is EventKind.CODE_SCHEDULED
    assert event.body["ends_at"] == "2027-02-13T12:00:00.000Z"


def test_a2_a_change_of_the_name_writes_nothing() -> None:
    code = stay()
    renamed = replace(code, name="other", generation=2)
    assert at(scene(renamed, written(code)), PRELOAD_AT).head is None


def test_a2_a_native_code_that_becomes_ongoing_loses_its_window_in_one_write() -> None:
    code = stay()
    ongoing = make_code(generation=2)
    found = at(scene(ongoing, written(code)), Instant(START + HOUR_MS))
    assert isinstance(found.head, WriteSlot)
    assert found.head.window is None


def test_a2_an_ongoing_code_that_gets_a_stay_ahead_gets_the_window_at_once() -> None:
    ongoing = make_code()
    bound = replace(stay(generation=2), code_id=ongoing.code_id)
    found = at(scene(bound, written(ongoing, None)), Instant(START - DAY_MS))
    assert isinstance(found.head, WriteSlot)
    assert found.head.window == STAY


def test_a3_a_code_on_the_lock_in_time_is_not_rewritten_for_the_sake_of_a_window() -> None:
    code = stay()
    found = at(scene(code, written(code, None)), Instant(START + HOUR_MS))
    assert is_at_rest(found)
    assert found.standings[code.code_id].status is Status.SET


def test_a3_a_window_that_the_lock_refuses_falls_back_to_just_in_time() -> None:
    code = stay()
    intended = ledger.intend_write(EMPTY, code.code_id, code.digest, PRELOAD_AT, STAY)
    refused = ledger.ended(intended, Refused(RefusalReason.WINDOW), PRELOAD_AT, 1, supervision_is_honest=True)
    assert (refused.refused_generation, refused.tries) == (None, 1)
    snapshot = replace(scene(code), refused_windows=frozenset({code.code_id}))
    assert at(snapshot, PRELOAD_AT).head is None
    found = at(snapshot, Instant(START - LEAD_MS))
    assert isinstance(found.head, WriteSlot)
    assert found.head.window is None


@pytest.mark.parametrize("trust", [ClockTrust.BOUNDED, ClockTrust.UNTRUSTED])
def test_t4_nothing_is_preloaded_while_our_time_is_not_trusted_and_what_is_there_stays(trust: ClockTrust) -> None:
    code = stay()
    assert not isinstance(at(scene(code), PRELOAD_AT, trust).head, WriteSlot)
    kept = at(scene(code, written(code)), PRELOAD_AT, trust)
    assert not isinstance(kept.head, WriteSlot | ClearSlot)
    assert kept.verdicts[slot(1)] is Verdict.GOOD


def test_t4_an_edit_while_our_time_is_in_doubt_keeps_the_window_on_the_lock() -> None:
    """The hub may be gone before the end: without its window the new PIN would open for ever."""
    edited = stay(pin="1470", generation=2)
    found = at(scene(edited, written(stay())), Instant(START + HOUR_MS), ClockTrust.BOUNDED)
    assert isinstance(found.head, WriteSlot)
    assert found.head.window == STAY
    ahead = at(scene(edited, written(stay())), Instant(START - DAY_MS), ClockTrust.BOUNDED)
    assert not isinstance(ahead.head, WriteSlot)


def test_t4_the_lock_s_clock_is_checked_before_the_first_window_and_once_a_day() -> None:
    code = stay()
    unchecked = replace(scene(code), clock=LockClock())
    assert isinstance(at(unchecked, PRELOAD_AT).head, CheckClock)
    assert at(unchecked, Instant(PRELOAD_AT - HOUR_MS)).head is None
    checked = replace(scene(code, written(code)), clock=LockClock(ClockState.GOOD, PRELOAD_AT, 0))
    calm = plan(checked, reading(Instant(PRELOAD_AT + HOUR_MS)))
    assert calm.head is None
    assert isinstance(plan(checked, reading(Instant(PRELOAD_AT + DAY_MS))).head, CheckClock)
    assert is_at_rest(plan(checked, reading(Instant(PRELOAD_AT + DAY_MS), ClockTrust.BOUNDED)))


def test_t4_the_clock_is_checked_once_more_one_lead_before_a_guest_comes() -> None:
    code = stay()
    checked_at = Instant(START - 2 * HOUR_MS)
    snapshot = replace(scene(code, written(code)), clock=LockClock(ClockState.GOOD, checked_at, 0))
    calm = plan(snapshot, reading(Instant(START - LEAD_MS - 1)))
    assert not isinstance(calm.head, CheckClock)
    assert calm.wake_at == START - LEAD_MS
    assert isinstance(plan(snapshot, reading(Instant(START - LEAD_MS))).head, CheckClock)
    seen = replace(snapshot, clock=LockClock(ClockState.GOOD, Instant(START - LEAD_MS), 0))
    assert not isinstance(plan(seen, reading(Instant(START - LEAD_MS))).head, CheckClock)


def test_t2_a_hub_in_doubt_asks_a_lock_whose_clock_was_seen_right_and_no_other() -> None:
    code = stay()
    right = replace(scene(code, written(code)), clock=LockClock(ClockState.GOOD, PRELOAD_AT, 0))
    asked = plan(right, reading(Instant(START - DAY_MS), ClockTrust.UNTRUSTED)).head
    assert isinstance(asked, CheckClock)
    assert asked.right_at == PRELOAD_AT
    for clock in (LockClock(), LockClock(ClockState.WRONG, PRELOAD_AT, HOUR_MS), right.clock.doubted()):
        found = plan(replace(right, clock=clock), reading(START, ClockTrust.UNTRUSTED))
        assert not isinstance(found.head, CheckClock)
    waiting = replace(right, clock=replace(right.clock, next_try_at=END))
    assert not isinstance(plan(waiting, reading(START, ClockTrust.UNTRUSTED)).head, CheckClock)


def test_t2_a_lock_s_word_is_believed_only_where_it_can_be_right() -> None:
    told = witnessed(Instant(NOON + DAY_MS), NOON, Instant(NOON + HOUR_MS))
    assert told is not None
    assert (told.at, told.slack_ms) == (NOON + DAY_MS, MINUTE_MS + 8_640)
    assert witnessed(Instant(NOON - 1), NOON, NOON) is None
    assert witnessed(Instant(NOON + HOUR_MS), NOON, Instant(NOON + DAY_MS)) is None
    assert witnessed(Instant(NOON + 31 * DAY_MS), NOON, NOON) is None


def test_t4_a_lock_without_a_readable_clock_is_never_given_a_window() -> None:
    unreadable = replace(scene(stay()), clock=LockClock(ClockState.UNREADABLE, NOON))
    assert at(unreadable, PRELOAD_AT).head is None
    found = at(unreadable, Instant(START - LEAD_MS))
    assert isinstance(found.head, WriteSlot)
    assert found.head.window is None


def test_t4_a_lock_whose_clock_does_not_take_the_time_gives_its_windows_back() -> None:
    code = stay()
    wrong = replace(scene(code, written(code)), clock=LockClock(ClockState.WRONG, PRELOAD_AT, HOUR_MS))
    assert isinstance(plan(wrong, reading(PRELOAD_AT)).head, ClearSlot)


def test_t4_a_changed_battery_asks_for_the_clock_and_leaves_the_codes() -> None:
    code = stay()
    doubted = LockClock(ClockState.GOOD, PRELOAD_AT, 0).doubted()
    found = plan(replace(scene(code, written(code)), clock=doubted), reading(Instant(PRELOAD_AT + HOUR_MS)))
    assert isinstance(found.head, CheckClock)
    assert found.verdicts[slot(1)] is Verdict.GOOD


def test_a2_a_slot_seen_empty_forgets_its_window() -> None:
    code = stay()
    gone = ledger.sighted(written(code), Sighting(Empty(), SightingSource.LOCK), START, lambda pin: pin.digest(KEY))
    again = ledger.intend_write(gone, CodeId("code-1"), digest("2580"), START)
    assert again.barrier.keeps(None)


def test_a2_a_clear_that_fails_leaves_the_window_in_doubt() -> None:
    code = stay()
    failed = ledger.intend_clear(written(code), START)
    assert not failed.barrier.keeps(STAY)
    assert not failed.barrier.keeps(None)


def test_a8_tries_of_a_preload_are_counted_and_leave_ten_for_the_lead() -> None:
    code = stay()
    lost = ledger.ended(
        ledger.intend_write(EMPTY, code.code_id, code.digest, PRELOAD_AT, STAY),
        Written(Evidence.ACKNOWLEDGED, STAY),
        PRELOAD_AT,
        1,
        supervision_is_honest=False,
    )
    soon = Instant(PRELOAD_AT + MINUTE_MS)
    seen = ledger.sighted(lost, Sighting(Empty(), SightingSource.LOCK), soon, lambda pin: pin.digest(KEY))
    just_in_time = Instant(START - LEAD_MS)
    days = {now: Effort(now // DAY_MS, 40) for now in (soon, just_in_time)}
    ahead = replace(scene(code, seen), efforts={code.code_id: days[soon]})
    assert at(ahead, soon).head is None
    in_lead = replace(scene(code, replace(seen, sighted_at=just_in_time)), efforts={code.code_id: days[just_in_time]})
    assert isinstance(at(in_lead, just_in_time).head, WriteSlot)


def test_a10_a_code_that_is_typed_like_another_one_is_not_preloaded() -> None:
    code, other = stay(), make_code("code-2", "1470", starts_at=END, ends_at=Instant(END + DAY_MS))
    both = replace(scene(code), codes=(code, other))
    assert isinstance(at(both, PRELOAD_AT).head, WriteSlot)
    alike = {code.digest: frozenset({other.digest}), other.digest: frozenset({code.digest})}
    assert at(replace(both, lookalikes=alike), PRELOAD_AT).head is None
