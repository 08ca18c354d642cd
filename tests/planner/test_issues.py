"""Every status, error and warning of a code: made by the situation that causes it, gone when that ends (A6)."""

from dataclasses import dataclass, replace

import pytest

from gateway.model import ledger
from gateway.model.answers import Empty, Held, RefusalReason, Refused, Sighting, SightingSource, Written
from gateway.model.evidence import Evidence
from gateway.model.ids import CodeId
from gateway.model.instant import DAY_MS, HOUR_MS, MINUTE_MS, Instant
from gateway.model.issues import Issue, Status
from gateway.model.loss import Loss, counted
from gateway.model.pin import Pin
from gateway.model.slot import SightedAs, SlotRecord
from gateway.model.snapshot import LockSnapshot
from gateway.planner.plan import plan
from gateway.planner.status import Standing
from tests.builders import KEY, LEAD_MS, NOON, digest, make_code, make_snapshot, reading, slot

GUEST = CodeId("guest")
START, END = Instant(NOON + HOUR_MS), Instant(NOON + 3 * HOUR_MS)
OPEN = Instant(START + MINUTE_MS)
STAY = make_code("guest", starts_at=START, ends_at=END)
LATE = make_code("guest", ends_at=END)
"""Ordered inside its lead: accepted at noon, due at once."""


def empty(number: int = 1) -> SlotRecord:
    return SlotRecord(slot(number), sighted=SightedAs.EMPTY, sighted_at=NOON)


def proven(pin: str = "2580") -> SlotRecord:
    intended = ledger.intend_write(empty(), GUEST, digest(pin), NOON)
    return ledger.ended(intended, Written(Evidence.SUPERVISED), NOON, 1, supervision_is_honest=True)


def refused(reason: RefusalReason, times: int = 1) -> SlotRecord:
    record = empty()
    for _ in range(times):
        intended = ledger.intend_write(record, GUEST, digest("2580"), NOON)
        record = ledger.ended(intended, Refused(reason), NOON, 1, supervision_is_honest=True)
    return record


def seen(record: SlotRecord, value: Empty | Held, at: Instant = OPEN) -> SlotRecord:
    return ledger.sighted(record, Sighting(value, SightingSource.LOCK), at, lambda pin: pin.digest(KEY))


def standing(snapshot: LockSnapshot, at: Instant) -> Standing:
    return plan(snapshot, reading(at)).standings[GUEST]


FOREIGN = SlotRecord(slot(2), sighted=SightedAs.HELD, sighted_digest=digest("2580"), sighted_at=NOON)
FULL = [replace(FOREIGN, slot=slot(number), sighted_digest=digest(f"99{number}9")) for number in range(1, 6)]
GOOD = make_snapshot(STAY, slots=[proven()])
WAITING = make_snapshot(STAY, slots=[empty()])
DISABLED = replace(proven(), sighted=SightedAs.DISABLED, sighted_digest=None, sighted_at=OPEN)
CHANGED = seen(proven(), Held(Pin("9999")))
FREE_EDITS = make_code("guest", starts_at=START, ends_at=END, is_external_modification_allowed=True)
DELETED = make_code("guest", starts_at=START, ends_at=END, deleted_at=OPEN)
NEW_PIN = make_code("guest", "3691", starts_at=START, ends_at=END, generation=2)


@dataclass(frozen=True, slots=True)
class Situation:
    """What causes an issue, and what the same lock looks like when that is over."""

    lock: LockSnapshot
    at: Instant
    ended: LockSnapshot
    ended_at: Instant


SITUATIONS: dict[Issue, Situation] = {
    Issue.DELAY_IN_SETTING: Situation(WAITING, Instant(START - LEAD_MS // 2), GOOD, OPEN),
    Issue.FAILED_TO_SET: Situation(WAITING, START, GOOD, OPEN),
    Issue.FAILED_TO_REMOVE: Situation(GOOD, Instant(END + 5 * MINUTE_MS), make_snapshot(STAY, slots=[empty()]), END),
    Issue.CONSTRAINTS: Situation(
        make_snapshot(STAY, slots=[refused(RefusalReason.CONSTRAINTS)]),
        OPEN,
        make_snapshot(NEW_PIN, slots=[refused(RefusalReason.CONSTRAINTS)]),
        OPEN,
    ),
    Issue.DUPLICATE: Situation(make_snapshot(STAY, slots=[empty(), FOREIGN]), OPEN, GOOD, OPEN),
    Issue.NO_SPACE: Situation(make_snapshot(STAY, slots=FULL), OPEN, GOOD, OPEN),
    Issue.REFUSED: Situation(
        make_snapshot(STAY, slots=[refused(RefusalReason.UNSPECIFIED, times=3)]),
        OPEN,
        make_snapshot(NEW_PIN, slots=[refused(RefusalReason.UNSPECIFIED, times=3)]),
        OPEN,
    ),
    Issue.CONFLICTING_CHANGE: Situation(make_snapshot(STAY, slots=[CHANGED]), OPEN, GOOD, OPEN),
    Issue.EXTERNAL_CHANGE_IN_EFFECT: Situation(
        make_snapshot(FREE_EDITS, slots=[CHANGED]), OPEN, make_snapshot(FREE_EDITS, slots=[proven()]), OPEN
    ),
    Issue.INACTIVE: Situation(make_snapshot(STAY, slots=[DISABLED]), OPEN, GOOD, OPEN),
    Issue.BEING_DELETED: Situation(
        make_snapshot(DELETED, slots=[proven()]), OPEN, make_snapshot(DELETED, slots=[empty()]), OPEN
    ),
    Issue.EVIDENCE_LOST: Situation(
        make_snapshot(STAY, slots=[ledger.lost(proven(), OPEN, sighted=SightedAs.EMPTY)]), OPEN, GOOD, OPEN
    ),
    Issue.DEVICE_REMOVED: Situation(replace(GOOD, is_quarantined=True), OPEN, GOOD, OPEN),
}


ELSEWHERE = {
    Issue.DEVICE_DISCONNECTED: "copied from the lock: tests/shell/test_verbs_looking.py",
    Issue.USING_BACKUP: "tests/planner/test_pool.py",
}


def test_a6_every_issue_has_its_situation() -> None:
    assert set(SITUATIONS) | set(ELSEWHERE) == set(Issue)


@pytest.mark.parametrize("issue", SITUATIONS)
def test_a6_an_issue_is_there_while_its_cause_is_and_gone_with_it(issue: Issue) -> None:
    situation = SITUATIONS[issue]
    assert issue in standing(situation.lock, situation.at).issues
    assert issue not in standing(situation.ended, situation.ended_at).issues


@pytest.mark.parametrize(
    ("lock", "at", "status"),
    [
        (WAITING, NOON, Status.UNSET),
        (WAITING, Instant(START - LEAD_MS), Status.SETTING),
        (GOOD, START, Status.SET),
        (GOOD, END, Status.REMOVING),
        (make_snapshot(STAY, slots=[empty()]), END, Status.UNSET),
        (make_snapshot(STAY, slots=[ledger.lost(proven(), OPEN, sighted=SightedAs.UNKNOWN)]), OPEN, Status.UNKNOWN),
        (replace(GOOD, is_quarantined=True), OPEN, Status.UNKNOWN),
        (replace(GOOD, is_reachable=False), OPEN, Status.SET),
    ],
)
def test_a6_each_status_has_its_situation(lock: LockSnapshot, at: Instant, status: Status) -> None:
    assert standing(lock, at).status is status


def test_a8_a_first_loss_is_warned_of_at_once_and_an_error_after_five_minutes() -> None:
    lost = replace(make_snapshot(LATE, slots=[seen(proven(), Empty())]), losses={GUEST: Loss(1, OPEN)})
    assert Issue.DELAY_IN_SETTING in standing(lost, OPEN).issues
    assert Issue.FAILED_TO_SET not in standing(lost, Instant(OPEN + 5 * MINUTE_MS - 1)).issues
    assert Issue.FAILED_TO_SET in standing(lost, Instant(OPEN + 5 * MINUTE_MS)).issues


def test_a8_a_repeated_loss_is_an_error_at_once_and_a_quiet_day_makes_it_the_first_again() -> None:
    again = counted(Loss(1, NOON), OPEN)
    lost = replace(make_snapshot(LATE, slots=[seen(proven(), Empty())]), losses={GUEST: again})
    assert Issue.FAILED_TO_SET in standing(lost, OPEN).issues
    assert counted(again, Instant(OPEN + DAY_MS + 1)).count == 1


def test_a8_an_order_after_the_loss_starts_anew() -> None:
    edited = make_code("guest", ends_at=END, accepted_at=Instant(OPEN + MINUTE_MS), generation=2)
    lost = replace(make_snapshot(edited, slots=[seen(proven(), Empty())]), losses={GUEST: Loss(2, OPEN)})
    assert Issue.FAILED_TO_SET not in standing(lost, Instant(OPEN + MINUTE_MS)).issues
