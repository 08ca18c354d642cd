"""A15: a change at the lock that is allowed is told as what it is, and not as our PIN being set."""

from gateway.model import ledger
from gateway.model.answers import Written
from gateway.model.events import EventKind
from gateway.model.evidence import Evidence
from gateway.model.ids import CodeId
from gateway.model.instant import HOUR_MS, Instant
from gateway.model.issues import Status
from gateway.model.slot import SightedAs, SlotRecord
from gateway.model.snapshot import Announced
from gateway.planner.plan import plan
from tests.builders import NOON, digest, make_code, make_snapshot, reading, slot

LATER = Instant(NOON + HOUR_MS)


def test_a15_an_allowed_change_after_a_deletion_is_not_told_as_set() -> None:
    empty = SlotRecord(slot(1), sighted=SightedAs.EMPTY, sighted_at=NOON)
    intended = ledger.intend_write(empty, CodeId("code-1"), digest("2580"), NOON)
    proven = ledger.ended(intended, Written(Evidence.SUPERVISED), NOON, 1, supervision_is_honest=True)
    deleted = ledger.notified(proven, is_present=False, at=LATER)
    changed = ledger.notified(deleted, is_present=True, at=LATER)
    snapshot = make_snapshot(make_code(is_external_modification_allowed=True), slots=[changed])
    snapshot.announced[CodeId("code-1")] = Announced(Status.UNSET, digest("2580"))  # type: ignore[index] # a plain dict here
    found = plan(snapshot, reading(LATER))
    assert found.head is None
    kinds = [event.kind for news in found.announcements for event in news.events]
    assert EventKind.CODE_SET not in kinds
    assert EventKind.CODE_MODIFIED_EXTERNAL in kinds
