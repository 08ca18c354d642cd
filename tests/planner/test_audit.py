"""One look at one slot, seldom, and never while the lock shows its codes anyway (A7, N5)."""

from dataclasses import replace

from gateway.model import ledger
from gateway.model.answers import Empty, Held, Sighting, SightingSource, Unknown, Written
from gateway.model.evidence import Evidence
from gateway.model.ids import CodeId
from gateway.model.instant import DAY_MS, MINUTE_MS, Instant
from gateway.model.pin import Pin
from gateway.model.slot import SightedAs, SlotRecord
from gateway.planner.actions import ReadSlot, Reason, Urgency, WriteSlot
from gateway.planner.audit import AUDIT_EVERY_MS
from gateway.planner.plan import plan
from tests.builders import KEY, NOON, digest, make_code, make_snapshot, reading, slot

PINS = ("2580", "1470", "3690")


def proven(number: int, at: Instant) -> SlotRecord:
    empty = SlotRecord(slot(number), sighted=SightedAs.EMPTY, sighted_at=at)
    record = ledger.intend_write(empty, CodeId(f"code-{number}"), digest(PINS[number - 1]), at)
    return ledger.ended(record, Written(Evidence.SUPERVISED), at, 1, supervision_is_honest=True)


CODES = tuple(make_code(f"code-{number}", PINS[number - 1]) for number in (1, 2, 3))
SLOTS = [proven(number, Instant(NOON + number * MINUTE_MS)) for number in (1, 2, 3)]
DUE = Instant(NOON + 3 * MINUTE_MS + AUDIT_EVERY_MS)


def test_n5_nothing_is_looked_at_before_the_lock_was_silent_for_the_whole_interval() -> None:
    found = plan(make_snapshot(*CODES, slots=SLOTS), reading(Instant(DUE - 1)))
    assert found.head is None
    assert found.wake_at == DUE


def test_a7_then_the_slot_that_was_seen_longest_ago_is_looked_at_and_no_other() -> None:
    found = plan(make_snapshot(*CODES, slots=SLOTS), reading(DUE))
    assert found.head == ReadSlot(slot(1), CodeId("code-1"), Reason.AUDIT, DUE, Urgency.AUDIT)
    assert found.rest == ()


def test_n5_the_look_rotates_and_costs_one_slot_per_interval() -> None:
    records = list(SLOTS)
    looked = []
    now = NOON
    while now < NOON + 3 * DAY_MS:
        now = Instant(now + MINUTE_MS)
        found = plan(make_snapshot(*CODES, slots=records), reading(now))
        if isinstance(found.head, ReadSlot):
            number = found.head.slot
            looked.append(number)
            shown = Sighting(Held(Pin(PINS[number - 1])), SightingSource.LOCK)
            records[number - 1] = ledger.sighted(records[number - 1], shown, now, lambda pin: pin.digest(KEY))
    assert looked == ([1, 2, 3] * 4)[: len(looked)]
    assert len(looked) == 3 * DAY_MS // AUDIT_EVERY_MS - 1


def test_a15_a_look_that_finds_the_slot_empty_leads_to_the_restoring() -> None:
    gone = ledger.sighted(SLOTS[0], Sighting(Empty(), SightingSource.LOCK), DUE, lambda pin: pin.digest(KEY))
    found = plan(make_snapshot(*CODES, slots=[gone, *SLOTS[1:]]), reading(DUE))
    assert isinstance(found.head, WriteSlot)
    assert found.head.reason is Reason.RESTORE


def test_a8_an_audit_without_an_answer_waits_its_turn() -> None:
    silent = ledger.sighted(SLOTS[0], Sighting(Unknown(), SightingSource.LOCK), DUE, lambda pin: pin.digest(KEY))
    waiting = replace(silent, next_try_at=Instant(DUE + MINUTE_MS))
    found = plan(make_snapshot(*CODES, slots=[waiting, *SLOTS[1:]]), reading(DUE))
    assert found.head is None
    assert found.wake_at == DUE + MINUTE_MS


def test_n5_a_lock_that_does_not_answer_is_not_audited() -> None:
    away = replace(make_snapshot(*CODES, slots=SLOTS), is_reachable=False)
    assert plan(away, reading(DUE)).head is None
