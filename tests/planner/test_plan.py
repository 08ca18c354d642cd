"""The rules of the planner, each by its number, on hand-made snapshots."""

from dataclasses import replace

import pytest

from gateway.model import ledger
from gateway.model.answers import Empty, Held, RefusalReason, Refused, Sighting, SightingSource, Unknown, Written
from gateway.model.clock import ClockTrust
from gateway.model.events import EventKind
from gateway.model.evidence import Evidence
from gateway.model.ids import CodeId, CommandId
from gateway.model.instant import DAY_MS, HOUR_MS, MINUTE_MS, Instant
from gateway.model.issues import Issue, Status
from gateway.model.lock import ReadBack
from gateway.model.pin import Pin
from gateway.model.slot import SightedAs, SlotRecord, Verdict
from gateway.model.snapshot import Announced, Effort, OpenOrder
from gateway.planner.actions import ClearSlot, ListSlots, ReadSlot, Reason, WriteSlot
from gateway.planner.plan import plan
from tests.builders import KEY, LEAD_MS, NOON, digest, make_code, make_profile, make_snapshot, reading, slot

START = Instant(NOON + 2 * HOUR_MS)
END = Instant(NOON + 5 * HOUR_MS)


def empty(number: int) -> SlotRecord:
    return SlotRecord(slot(number), sighted=SightedAs.EMPTY, sighted_at=NOON)


def written(number: int, code_id: str, pin: str, *, at: Instant = NOON) -> SlotRecord:
    """A slot that was written with proof."""
    record = ledger.intend_write(empty(number), CodeId(code_id), digest(pin), at)
    return ledger.ended(record, Written(Evidence.SUPERVISED), at, 1, supervision_is_honest=True)


def read(record: SlotRecord, value: Empty | Held | Unknown, at: Instant = NOON) -> SlotRecord:
    return ledger.sighted(record, Sighting(value, SightingSource.LOCK), at, lambda pin: pin.digest(KEY))


def test_a3_a_just_in_time_code_is_written_from_its_lead_on_and_not_a_millisecond_before() -> None:
    code = make_code(starts_at=START, ends_at=END)
    before = plan(make_snapshot(code, slots=[empty(1)]), reading(Instant(START - LEAD_MS - 1)))
    assert before.head is None
    assert before.wake_at == START - LEAD_MS
    found = plan(make_snapshot(code, slots=[empty(1)]), reading(Instant(START - LEAD_MS)))
    assert isinstance(found.head, WriteSlot)
    assert (found.head.slot, found.head.code_id, found.head.deadline) == (1, "code-1", START)


def test_a3_a_code_is_cleared_at_its_end_and_not_a_millisecond_before() -> None:
    code = make_code(starts_at=START, ends_at=END)
    snapshot = make_snapshot(code, slots=[written(1, "code-1", "2580")])
    last = plan(snapshot, reading(Instant(END - 1)))
    assert last.head is None
    assert last.wake_at == END
    found = plan(snapshot, reading(END))
    assert found.head == ClearSlot(slot(1), CodeId("code-1"), Reason.REMOVE, END, found.head.urgency)  # type: ignore[union-attr]


def test_t1_a_code_of_an_untrusted_clock_does_not_start_but_one_on_the_lock_stays() -> None:
    code = make_code(starts_at=START, ends_at=END)
    now = reading(START, ClockTrust.UNTRUSTED)
    assert plan(make_snapshot(code, slots=[empty(1)]), now).head is None
    on_lock = plan(make_snapshot(code, slots=[written(1, "code-1", "2580")]), now)
    assert on_lock.head is None
    assert on_lock.standings[CodeId("code-1")].status is Status.SET


def test_t1_removing_needs_no_trust() -> None:
    code = make_code(starts_at=START, ends_at=END)
    found = plan(make_snapshot(code, slots=[written(1, "code-1", "2580")]), reading(END, ClockTrust.UNTRUSTED))
    assert isinstance(found.head, ClearSlot)


def test_n2_a_foreign_slot_is_passed_over_and_a_slot_empty_by_hearsay_is_looked_at_first() -> None:
    foreign = read(SlotRecord(slot(1)), Held(Pin("9999")))
    hearsay = replace(empty(2), sighted_by=SightingSource.MIDDLEMAN)
    found = plan(make_snapshot(make_code(), slots=[foreign, hearsay]), reading(NOON))
    assert isinstance(found.head, ReadSlot)
    assert (found.head.slot, found.head.reason) == (2, Reason.FIND_FREE)
    assert found.verdicts[slot(1)] is Verdict.FOREIGN


def test_a_new_lock_is_listed_before_anything_is_leased() -> None:
    found = plan(make_snapshot(make_code(), listed_at=None), reading(NOON))
    assert isinstance(found.head, ListSlots)


def test_a9_removal_goes_before_every_write() -> None:
    gone = make_code("gone", "1470", deleted_at=NOON)
    due = make_code("due", "2580", accepted_at=Instant(NOON - HOUR_MS))
    snapshot = make_snapshot(due, gone, slots=[written(1, "gone", "1470"), empty(2)])
    found = plan(snapshot, reading(NOON))
    assert isinstance(found.head, ClearSlot)
    assert [type(action) for action in found.rest] == [WriteSlot]


def test_nearest_due_is_written_first() -> None:
    later = make_code("a-later", "1470", starts_at=Instant(NOON + 20 * MINUTE_MS))
    sooner = make_code("z-sooner", "2580", starts_at=Instant(NOON + 10 * MINUTE_MS))
    found = plan(make_snapshot(later, sooner, slots=[empty(1), empty(2)]), reading(NOON))
    assert isinstance(found.head, WriteSlot)
    assert found.head.code_id == "z-sooner"


def test_a10_a_write_waits_while_another_slot_may_hold_the_same_pin() -> None:
    old = make_code("old", "2580", starts_at=Instant(NOON - DAY_MS), ends_at=NOON)
    new = make_code("new", "2580", starts_at=NOON, ends_at=END)
    pending = ledger.intend_clear(written(1, "old", "2580"), NOON)
    pending = replace(ledger.failed(pending), next_try_at=Instant(NOON + MINUTE_MS))
    found = plan(make_snapshot(old, new, slots=[pending, empty(2)]), reading(NOON))
    assert found.head is None
    assert found.wake_at is not None
    assert found.wake_at <= NOON + MINUTE_MS


def test_two_codes_that_trade_pins_are_untied_by_emptying_one() -> None:
    one = make_code("one", "2580", generation=2)
    two = make_code("two", "1470", generation=2)
    slots = [written(1, "one", "1470"), written(2, "two", "2580")]
    found = plan(make_snapshot(one, two, slots=slots), reading(NOON))
    assert isinstance(found.head, ClearSlot)
    assert found.head.reason is Reason.BREAK_SWAP
    cleared = ledger.ended(
        ledger.intend_clear(slots[found.head.slot - 1], NOON),
        Written(Evidence.SUPERVISED),
        NOON,
        0,
        supervision_is_honest=True,
    )
    other = slots[2 - found.head.slot]
    following = plan(make_snapshot(one, two, slots=[cleared, other]), reading(NOON))
    assert isinstance(following.head, WriteSlot)
    assert following.head.slot == other.slot


def test_a7_acknowledged_alone_is_not_set_and_is_read_back() -> None:
    record = ledger.intend_write(empty(1), CodeId("code-1"), digest("2580"), NOON)
    acknowledged = ledger.ended(record, Written(Evidence.ACKNOWLEDGED), NOON, 1, supervision_is_honest=False)
    found = plan(make_snapshot(make_code(), slots=[acknowledged]), reading(NOON))
    assert found.standings[CodeId("code-1")].status is Status.SETTING
    assert isinstance(found.head, ReadSlot)
    proven = plan(make_snapshot(make_code(), slots=[read(acknowledged, Held(Pin("2580")))]), reading(NOON))
    assert proven.standings[CodeId("code-1")].status is Status.SET


def test_a7_supervision_of_a_lock_that_is_not_honest_proves_nothing() -> None:
    record = ledger.intend_write(empty(1), CodeId("code-1"), digest("2580"), NOON)
    after = ledger.ended(record, Written(Evidence.SUPERVISED), NOON, 1, supervision_is_honest=False)
    assert (
        plan(make_snapshot(make_code(), slots=[after]), reading(NOON)).standings[CodeId("code-1")].status
        is Status.SETTING
    )


def test_a7_a_masked_slot_that_was_not_seen_empty_is_emptied_before_it_is_written_again() -> None:
    edited = make_code(pin="3690", generation=2)
    masked = read(written(1, "code-1", "2580"), Held(None))
    profile = make_profile(read_back=ReadBack.MASKED)
    found = plan(make_snapshot(edited, slots=[masked], profile=profile), reading(NOON))
    assert isinstance(found.head, ClearSlot)
    assert found.head.reason is Reason.MASKED_REWRITE


def test_a8_a_refusal_without_a_reason_is_repeated_twice_before_it_counts_as_permanent() -> None:
    record = empty(1)
    for _ in range(2):
        record = ledger.intend_write(record, CodeId("code-1"), digest("2580"), NOON)
        record = ledger.ended(record, Refused(RefusalReason.UNSPECIFIED), NOON, 1, supervision_is_honest=True)
        assert isinstance(plan(make_snapshot(make_code(), slots=[record]), reading(NOON)).head, WriteSlot)
    record = ledger.intend_write(record, CodeId("code-1"), digest("2580"), NOON)
    record = ledger.ended(record, Refused(RefusalReason.UNSPECIFIED), NOON, 1, supervision_is_honest=True)
    found = plan(make_snapshot(make_code(), slots=[record]), reading(NOON))
    assert found.head is None
    assert {Issue.FAILED_TO_SET, Issue.REFUSED} <= found.standings[CodeId("code-1")].issues


def test_a8_a_permanent_refusal_fails_at_once_and_is_not_repeated() -> None:
    record = ledger.intend_write(empty(1), CodeId("code-1"), digest("2580"), NOON)
    refused = ledger.ended(record, Refused(RefusalReason.DUPLICATE), NOON, 1, supervision_is_honest=True)
    found = plan(make_snapshot(make_code(), slots=[refused]), reading(NOON))
    assert found.head is None
    assert Issue.FAILED_TO_SET in found.standings[CodeId("code-1")].issues
    again = plan(make_snapshot(make_code(generation=2), slots=[refused]), reading(NOON))
    assert isinstance(again.head, WriteSlot)


@pytest.mark.parametrize(
    ("accepted_at", "delay_at", "failed_at"),
    [
        (Instant(START - DAY_MS), Instant(START - LEAD_MS // 2), START),
        (Instant(START - 10 * MINUTE_MS), Instant(START - 8 * MINUTE_MS), START),
        (Instant(START - MINUTE_MS), Instant(START + MINUTE_MS), Instant(START + 4 * MINUTE_MS)),
    ],
)
def test_a8_escalation_of_a_code_that_does_not_get_on_the_lock(
    accepted_at: Instant, delay_at: Instant, failed_at: Instant
) -> None:
    code = make_code(starts_at=START, ends_at=END, accepted_at=accepted_at)
    snapshot = make_snapshot(code, slots=[read(SlotRecord(slot(n)), Held(Pin(f"999{n}"))) for n in range(1, 6)])

    def issues(at: int) -> frozenset[Issue]:
        return plan(snapshot, reading(Instant(at))).standings[CodeId("code-1")].issues - {Issue.NO_SPACE}

    assert issues(delay_at - 1) == frozenset()
    assert issues(delay_at) == {Issue.DELAY_IN_SETTING}
    assert issues(failed_at - 1) == {Issue.DELAY_IN_SETTING}
    assert issues(failed_at) == {Issue.FAILED_TO_SET}


def test_a9_not_proven_gone_five_minutes_after_the_end_is_told() -> None:
    code = make_code(starts_at=START, ends_at=END)
    snapshot = make_snapshot(code, slots=[written(1, "code-1", "2580")])
    assert plan(snapshot, reading(Instant(END + 5 * MINUTE_MS - 1))).standings[CodeId("code-1")].issues == frozenset()
    late = plan(snapshot, reading(Instant(END + 5 * MINUTE_MS)))
    assert late.standings[CodeId("code-1")].issues == {Issue.FAILED_TO_REMOVE}
    assert EventKind.CODE_FAILED_TO_REMOVE in {event.kind for news in late.announcements for event in news.events}


def test_a8_the_budget_holds_repeats_but_not_the_first_write_and_keeps_ten_for_the_lead() -> None:
    code = make_code(starts_at=Instant(NOON + 20 * MINUTE_MS), accepted_at=Instant(NOON - DAY_MS))
    written = ledger.intend_write(empty(1), code.code_id, code.digest, NOON)
    tried = replace(written, sighted=SightedAs.EMPTY, sighted_at=NOON)
    spent = {code.code_id: Effort(NOON // DAY_MS, 40)}
    used_up = {code.code_id: Effort(NOON // DAY_MS, 50)}
    inside = replace(make_snapshot(code, slots=[tried]), efforts=spent)
    assert isinstance(plan(inside, reading(NOON)).head, WriteSlot)
    assert plan(replace(inside, efforts=used_up), reading(NOON)).head is None
    first = replace(make_snapshot(code, slots=[empty(1)]), efforts=used_up)
    assert isinstance(plan(first, reading(NOON)).head, WriteSlot)


def test_a15_a_change_from_outside_is_reported_once_and_restored() -> None:
    code = make_code()
    changed = read(written(1, "code-1", "2580"), Held(Pin("9999")))
    told = {code.code_id: Announced(Status.SET, code.digest)}
    snapshot = replace(make_snapshot(code, slots=[changed]), announced=told)
    found = plan(snapshot, reading(NOON))
    assert isinstance(found.head, WriteSlot)
    assert found.head.reason is Reason.RESTORE
    kinds = [event.kind for news in found.announcements for event in news.events]
    assert kinds.count(EventKind.CODE_MODIFIED_EXTERNAL) == 1
    after = replace(snapshot, announced={news.code_id: news.told for news in found.announcements})
    assert plan(after, reading(NOON)).announcements == ()


def test_a15_an_allowed_change_from_outside_stands() -> None:
    code = make_code(is_external_modification_allowed=True)
    changed = read(written(1, "code-1", "2580"), Held(Pin("9999")))
    found = plan(make_snapshot(code, slots=[changed]), reading(NOON))
    assert found.head is None
    assert Issue.EXTERNAL_CHANGE_IN_EFFECT in found.standings[code.code_id].issues


def test_a15_a_stranger_in_a_slot_that_was_never_proven_ours_is_left_alone_and_another_slot_taken() -> None:
    pending = ledger.intend_write(empty(1), CodeId("code-1"), digest("2580"), NOON)
    stranger = read(pending, Held(Pin("9999")))
    found = plan(make_snapshot(make_code(), slots=[stranger, empty(2)]), reading(NOON))
    assert found.releases == (slot(1),)
    assert isinstance(found.head, WriteSlot)
    assert found.head.slot == 2


def test_a16_a_full_lock_is_told_and_nothing_is_pushed_out() -> None:
    full = [read(SlotRecord(slot(n)), Held(Pin(f"999{n}"))) for n in range(1, 6)]
    found = plan(make_snapshot(make_code(), slots=full), reading(NOON))
    assert found.head is None
    assert Issue.NO_SPACE in found.standings[CodeId("code-1")].issues


def test_c2_an_order_ends_exactly_once() -> None:
    code = make_code()
    order = OpenOrder(CommandId("order-1"), code.code_id, 1, is_delete=False)
    snapshot = replace(make_snapshot(code, slots=[written(1, "code-1", "2580")]), orders=(order,))
    found = plan(snapshot, reading(NOON))
    events = [event for news in found.announcements for event in news.events if event.command_id == "order-1"]
    assert [event.kind for event in events] == [EventKind.COMMAND_APPLIED]
    assert events[0].body["evidence"] == "supervised"


def test_c2_a_code_that_never_reached_the_lock_expires() -> None:
    code = make_code(starts_at=START, ends_at=END)
    order = OpenOrder(CommandId("order-1"), code.code_id, 1, is_delete=False)
    found = plan(replace(make_snapshot(code), orders=(order,)), reading(END))
    events = [event for news in found.announcements for event in news.events]
    assert [(event.kind, event.body.get("reason")) for event in events] == [(EventKind.COMMAND_FAILED, "expired")]
    assert found.announcements[0].is_finished


def test_a_plan_is_a_function_of_its_input() -> None:
    code = make_code(starts_at=START, ends_at=END)
    snapshot = make_snapshot(code, slots=[written(1, "code-1", "2580"), empty(2)])
    assert plan(snapshot, reading(END)) == plan(snapshot, reading(END))


def test_a_gone_time_bound_code_is_announced_removed_and_finished() -> None:
    code = make_code(starts_at=START, ends_at=END)
    cleared = ledger.ended(
        ledger.intend_clear(written(1, "code-1", "2580"), END),
        Written(Evidence.SUPERVISED),
        END,
        0,
        supervision_is_honest=True,
    )
    told = {code.code_id: Announced(Status.REMOVING, code.digest)}
    found = plan(replace(make_snapshot(code, slots=[cleared]), announced=told), reading(END))
    assert found.releases == (slot(1),)
    assert [event.kind for event in found.announcements[0].events] == [EventKind.CODE_REMOVED]
    assert found.announcements[0].is_finished


def test_n2_a_free_slot_that_was_seen_empty_long_ago_is_looked_at_again() -> None:
    fresh = plan(make_snapshot(make_code(), slots=[empty(1)]), reading(Instant(NOON + 7 * DAY_MS)))
    assert isinstance(fresh.head, WriteSlot)
    old = plan(make_snapshot(make_code(), slots=[empty(1)]), reading(Instant(NOON + 7 * DAY_MS + 1)))
    assert isinstance(old.head, ReadSlot)


def test_a6_what_is_late_because_the_lock_is_away_says_so() -> None:
    code = make_code()
    away = replace(make_snapshot(code), is_reachable=False)
    found = plan(away, reading(Instant(NOON + 5 * MINUTE_MS)))
    events = {event.kind: event.body for news in found.announcements for event in news.events}
    assert events[EventKind.CODE_FAILED_TO_SET]["access_code_errors"] == [
        "device_disconnected",
        "failed_to_set_on_device",
    ]


def test_a_lock_that_does_not_answer_is_not_walked_over_and_is_not_called_full() -> None:
    deaf = [
        replace(SlotRecord(slot(1)), unanswered=2, tries=2, next_try_at=Instant(NOON + MINUTE_MS)),
        replace(SlotRecord(slot(2)), unanswered=3, tries=3, next_try_at=Instant(NOON + HOUR_MS)),
    ]
    found = plan(make_snapshot(make_code(), slots=deaf), reading(NOON))
    assert found.head is None
    assert Issue.NO_SPACE not in found.standings[CodeId("code-1")].issues
    later = plan(make_snapshot(make_code(), slots=deaf), reading(Instant(NOON + HOUR_MS)))
    assert isinstance(later.head, ReadSlot)
    exhausted = [replace(SlotRecord(slot(number)), unanswered=3 + number) for number in range(1, 6)]
    assert isinstance(plan(make_snapshot(make_code(), slots=exhausted), reading(NOON)).head, ReadSlot)


def test_a9_a_pin_is_taken_off_before_another_is_proven_gone() -> None:
    cleared = ledger.intend_clear(written(1, "one", "1470"), NOON)
    cleared = ledger.ended(cleared, Written(Evidence.ACKNOWLEDGED), NOON, 0, supervision_is_honest=False)
    codes = make_code("one", "1470", deleted_at=NOON), make_code("two", "2580", deleted_at=NOON)
    found = plan(make_snapshot(*codes, slots=[cleared, written(2, "two", "2580")]), reading(NOON))
    assert isinstance(found.head, ClearSlot)
    assert found.head.slot == 2
    assert [type(action) for action in found.rest] == [ReadSlot]


def test_a17_what_is_due_on_a_lock_waits_while_another_device_answers_in_its_place() -> None:
    snapshot = make_snapshot(make_code(), slots=[empty(1)])
    assert isinstance(plan(snapshot, reading(NOON)).head, WriteSlot)
    assert plan(replace(snapshot, is_quarantined=True), reading(NOON)).head is None
