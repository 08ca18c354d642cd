"""One rotating look at one slot: what no report told us comes to light in the end (A7, A14 to A18, N5).

A lock tells of a changed code, but reports get lost, and some firmware drops a code without a word. Walking all slots would empty
batteries, so a lock is asked for one of our proven slots at a time, and only after it has shown us nothing for `AUDIT_EVERY_MS`.
Whatever else the lock showed of our codes meanwhile counts: a busy lock is never audited.
"""

from collections.abc import Iterator

from gateway.model.instant import HOUR_MS, Instant
from gateway.model.slot import Verdict
from gateway.planner.actions import ReadSlot, Reason, Urgency
from gateway.planner.diff import Candidate, Scene

AUDIT_EVERY_MS = 6 * HOUR_MS
"""Four looks a day and lock: eight messages on a lock with S2, under a thousandth of what a battery lock's own wake-ups cost; a
lock with 30 codes is round in eight days. Its own reports, not this, are to tell of changes at once."""


def audits(scene: Scene) -> Iterator[Candidate]:
    """The look that is next, with the instant before which it is not done."""
    proven = [
        record
        for slot, record in scene.snapshot.slots.items()
        if scene.verdicts[slot] is Verdict.GOOD and record.sighted_at is not None
    ]
    if not proven or not scene.snapshot.is_reachable:
        return
    oldest = min(proven, key=lambda record: (record.sighted_at or 0, record.slot))
    newest_at = max(record.sighted_at or 0 for record in proven)
    due = Instant(newest_at + AUDIT_EVERY_MS)
    waits = [due, *(record.next_try_at for record in proven if record.unanswered and record.next_try_at is not None)]
    yield Candidate(ReadSlot(oldest.slot, oldest.lease, Reason.AUDIT, due, Urgency.AUDIT), max(waits))
