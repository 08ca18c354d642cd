"""Derived status and issues of a code: a pure function of desired, evidence and time (A6, A8, A9). Never stored."""

from dataclasses import dataclass

from gateway.model.answers import RefusalReason
from gateway.model.clock import ClockReading
from gateway.model.instant import Instant
from gateway.model.issues import Issue, Status
from gateway.model.loss import Loss
from gateway.model.slot import SightedAs, SlotRecord, Verdict, is_lost, is_refused_silently
from gateway.model.window import Window
from gateway.planner.desired import (
    REMOVAL_FAILED_MS,
    Desire,
    Phase,
    doubted_since,
    escalation,
    lets_stand,
    loss_by_now,
)

_OF_REFUSAL = {
    RefusalReason.DUPLICATE: Issue.DUPLICATE,
    RefusalReason.CONSTRAINTS: Issue.CONSTRAINTS,
    RefusalReason.NO_SPACE: Issue.NO_SPACE,
    RefusalReason.WINDOW: Issue.REFUSED,
    RefusalReason.UNSPECIFIED: Issue.REFUSED,
    RefusalReason.SILENT: Issue.REFUSED,
}
_DRIFT = frozenset({Verdict.DRIFT_CHANGED, Verdict.DRIFT_DELETED})


@dataclass(frozen=True, slots=True)
class Standing:
    """What the cloud should believe about a code now, and when that changes by the clock alone.

    `scheduled` is the window that the lock proved to keep for a code that has yet to start (A2).
    """

    status: Status
    issues: frozenset[Issue]
    changes_at: Instant | None
    scheduled: Window | None = None


@dataclass(frozen=True, slots=True)
class Circumstances:
    """The slot that a code leases, its verdict, and what stands in the code's way.

    `is_short_of_room` foresees that there will be no slot for it (A16); nobody waits for a spare, so it is never late.
    """

    record: SlotRecord | None
    verdict: Verdict | None
    is_homeless: bool = False
    has_foreign_twin: bool = False
    is_reachable: bool = True
    is_quarantined: bool = False
    is_short_of_room: bool = False
    is_spare: bool = False
    has_backup: bool = False
    loss: Loss | None = None


def is_lost_now(now: Circumstances) -> bool:
    """Whether the evidence for the code was lost with the lock's memory, and nothing has proven it since (A17)."""
    return now.record is not None and is_lost(now.record) and now.verdict is not Verdict.GOOD


def status_of(wish: Desire, now: Circumstances, at: Instant) -> Status:
    """The documented status.

    A slot that is leased may hold the PIN, so a code that is over is `removing` until proven gone; a code that waits for
    its lead is `unset`, and so is one that the lock itself keeps shut until its start (A2).
    """
    if wish.phase is Phase.WANTED:
        if now.record is not None and (now.is_quarantined or is_lost_now(now)):
            return Status.UNKNOWN
        if wish.is_preloaded(at) and _is_unset_ahead(wish, now, at):
            return Status.UNSET
        if now.verdict is Verdict.GOOD:
            return Status.SET
        if now.verdict in _DRIFT and lets_stand(wish.code, now.record):
            return Status.SET if now.verdict is Verdict.DRIFT_CHANGED else Status.UNSET
        return Status.SETTING
    return Status.UNSET if now.record is None else Status.REMOVING


def _is_unset_ahead(wish: Desire, now: Circumstances, at: Instant) -> bool:
    """Before its start a native code is `unset`; unproven inside its lead it is `setting` like any other (A6)."""
    return now.verdict is Verdict.GOOD or (wish.just_in_time_at is not None and at < wish.just_in_time_at)


def standing_of(wish: Desire, now: Circumstances, reading: ClockReading, lead_ms: int) -> Standing:
    """Status, issues, and the next instant at which either changes with no new input."""
    status = status_of(wish, now, reading.lo)
    issues: set[Issue] = set()
    edges: list[Instant] = []
    is_scheduled = wish.is_preloaded(reading.lo) and now.verdict is Verdict.GOOD
    is_awaited = not (is_scheduled or now.is_spare)
    # Held back, because nobody knows the time, it is awaited all the same: the guest stands at the door (T2, A8).
    if (wish.phase is Phase.WANTED or wish.is_held_back) and status is not Status.SET and is_awaited:
        issues, edges = _of_unproven(wish, now, reading, lead_ms)
    if wish.is_preloaded(reading.lo):
        edges += [at for at in (wish.just_in_time_at, wish.code.window.starts_at) if at is not None and at > reading.lo]
    if wish.phase is not Phase.WANTED and now.record is not None and wish.over_since is not None:
        failed_at = Instant(wish.over_since + REMOVAL_FAILED_MS)
        if reading.lo >= failed_at:
            issues.add(Issue.FAILED_TO_REMOVE)
        else:
            edges.append(failed_at)
        if wish.code.is_deleted:
            issues.add(Issue.BEING_DELETED)
    if wish.phase is Phase.BEFORE and now.is_short_of_room:
        issues.add(Issue.NO_SPACE)
    if wish.phase is not Phase.OVER and now.has_backup:
        issues.add(Issue.USING_BACKUP)
    if wish.phase is Phase.WANTED and now.verdict in _DRIFT:
        if lets_stand(wish.code, now.record):
            issues.add(Issue.EXTERNAL_CHANGE_IN_EFFECT)
        elif not wish.code.is_external_modification_allowed:
            issues.add(Issue.CONFLICTING_CHANGE)
        if now.record is not None and now.record.sighted is SightedAs.DISABLED:
            issues.add(Issue.INACTIVE)
    if is_lost_now(now):
        issues.add(Issue.EVIDENCE_LOST)
    if now.is_quarantined:
        issues.add(Issue.DEVICE_REMOVED)
    scheduled = now.record.barrier.effective if is_scheduled and now.record is not None else None
    return Standing(status, frozenset(issues), min(edges, default=None), scheduled)


def _of_unproven(
    wish: Desire, now: Circumstances, reading: ClockReading, lead_ms: int
) -> tuple[set[Issue], list[Instant]]:
    issues: set[Issue] = set()
    if now.is_homeless:
        issues.add(Issue.NO_SPACE)
    if now.has_foreign_twin:
        issues.add(Issue.DUPLICATE)
    if now.verdict in {Verdict.REFUSED, Verdict.REFUSED_LEFTOVER}:
        # A permanent refusal fails at once (A8).
        reason = now.record.refusal if now.record is not None and now.record.refusal is not None else None
        return issues | {Issue.FAILED_TO_SET, _OF_REFUSAL[reason or RefusalReason.UNSPECIFIED]}, []
    if now.verdict in _DRIFT and lets_stand(wish.code, now.record):
        return issues, []
    if now.record is not None and is_refused_silently(now.record, wish.code.digest):
        return issues | {Issue.FAILED_TO_SET, Issue.REFUSED}, []
    loss = now.loss
    if now.verdict in _DRIFT and now.record is not None and not wish.code.is_external_modification_allowed:
        loss = loss_by_now(loss, now.record.sighted_at)
    late = escalation(wish, lead_ms, loss, doubted_since(wish.code, now.record, now.verdict))
    if reading.lo >= late.failed_at:
        return issues | {Issue.FAILED_TO_SET}, []
    if reading.lo >= late.delay_at:
        return issues | {Issue.DELAY_IN_SETTING}, [late.failed_at]
    return issues, [late.delay_at]
