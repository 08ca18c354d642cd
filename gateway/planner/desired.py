"""Which codes belong on a lock now, and when that changes next (A1 to A3, T1, T2)."""

from dataclasses import dataclass
from enum import StrEnum

from gateway.model.access_code import AccessCode
from gateway.model.clock import ClockReading, ClockTrust
from gateway.model.instant import DAY_MS, MINUTE_MS, Instant
from gateway.model.lock import DEFAULT_UNTRUSTED_STAY_MS
from gateway.model.loss import LOSSES_COUNT_TOGETHER_MS, Loss
from gateway.model.slot import SlotRecord, Verdict, Wanted
from gateway.model.window import Window
from gateway.planner.native import Timing


class Phase(StrEnum):
    """Where a code stands in its life, by the clock alone."""

    BEFORE = "before"
    WANTED = "wanted"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Desire:
    """One code as the clock sees it. `due` is when it must open, `changes_at` when the phase changes next.

    `over_since` is the instant from which the code should be off the lock. `window` is what the lock itself shall enforce,
    and `is_native` says that it is proven to (A2). `is_held_back`: it is wanted by the clock, and kept off because nobody knows how late it really is (T2).
    """

    code: AccessCode
    phase: Phase
    opens_on_lock_at: Instant | None
    due: Instant
    changes_at: Instant | None
    over_since: Instant | None = None
    window: Window | None = None
    just_in_time_at: Instant | None = None
    is_native: bool = False
    is_held_back: bool = False

    @property
    def wanted(self) -> Wanted | None:
        """What should be in the code's slot now."""
        return Wanted(self.code.digest, self.code.generation, self.window) if self.phase is Phase.WANTED else None

    def is_preloaded(self, now: Instant) -> bool:
        """Whether the lock itself keeps the code shut until its start, which is still to come (A2)."""
        is_early = self.code.window.starts_at is not None and now < self.code.window.starts_at
        return self.phase is Phase.WANTED and self.is_native and self.window is not None and is_early

    def is_ahead(self, now: Instant) -> bool:
        """Whether the code is preloaded and would not be on the lock yet without a native schedule (A2, A3)."""
        return self.is_preloaded(now) and self.just_in_time_at is not None and now < self.just_in_time_at


UNTRUSTED_AHEAD_MS = DAY_MS
"""While time is not trusted, no PIN is put on whose end is nearer than this (T2)."""


def desire(
    code: AccessCode,
    reading: ClockReading,
    when: Timing,
    *,
    is_on_lock: bool,
    stay_ms: int = DEFAULT_UNTRUSTED_STAY_MS,
    ordered_off_at: Instant | None = None,
) -> Desire:
    """Place one code in time. `is_on_lock`: a PIN of it is, or may be, on the lock.

    `ordered_off_at`: since when it is there against the newest order, should that one let it wait.
    Activation needs `lo >= start - lead`, deactivation only `lo >= end`: a clock that lags can never open early, and
    removing needs no trust (T1). Nothing is put on whose end may have come (`hi >= end`). While time is untrusted what is on the
    lock stays, at most `stay_ms` (T2).
    """
    phase, changes_at = _phase(code, reading, when, is_on_lock=is_on_lock, stay_ms=stay_ms)
    window, opens_at = code.window, when.opens_on_lock_at
    is_wanted, is_over = phase is Phase.WANTED, phase is Phase.OVER
    return Desire(
        code,
        phase,
        opens_at,
        due=Instant(max(window.starts_at or code.accepted_at, code.accepted_at)),
        changes_at=changes_at,
        over_since=_off_since(code, reading, phase, stay_ms, ordered_off_at) if is_over or is_on_lock else None,
        window=when.window if is_wanted else None,
        just_in_time_at=when.just_in_time_at,
        is_native=is_wanted and when.is_native,
        is_held_back=not is_wanted and not is_over and (opens_at is None or reading.lo >= opens_at),
    )


def _off_since(
    code: AccessCode, reading: ClockReading, phase: Phase, stay_ms: int, ordered_off_at: Instant | None
) -> Instant | None:
    """Since when a code should be off the lock: over, untrusted for too long (T2), or ordered for later while it was on the lock."""
    if phase is Phase.OVER:
        return code.deleted_at if code.is_deleted else code.window.ends_at
    if phase is Phase.WANTED:
        return None
    if reading.trust is ClockTrust.UNTRUSTED and reading.untrusted_since is not None:
        leaves_at = Instant(reading.untrusted_since + stay_ms)
        if reading.lo >= leaves_at:
            return leaves_at if ordered_off_at is None else min(leaves_at, ordered_off_at)
    return ordered_off_at


def _phase(
    code: AccessCode, reading: ClockReading, when: Timing, *, is_on_lock: bool, stay_ms: int
) -> tuple[Phase, Instant | None]:
    """The phase, and when it changes by the clock alone."""
    window = code.window
    if code.deleted_at is not None:
        return Phase.OVER, None
    if window.ends_at is not None and reading.lo >= window.ends_at:
        return Phase.OVER, None
    if when.opens_on_lock_at is not None and reading.lo < when.opens_on_lock_at:
        return Phase.BEFORE, when.opens_on_lock_at
    if window.ends_at is None or when.is_self_kept:
        return Phase.WANTED, window.ends_at
    if reading.trust is not ClockTrust.UNTRUSTED:
        may_be_over = reading.hi >= window.ends_at
        return Phase.BEFORE if may_be_over and not is_on_lock else Phase.WANTED, window.ends_at
    leaves_at = Instant((reading.lo if reading.untrusted_since is None else reading.untrusted_since) + stay_ms)
    is_too_late = reading.lo >= leaves_at
    is_too_near = not is_on_lock and window.ends_at - reading.lo < UNTRUSTED_AHEAD_MS
    if is_too_late or is_too_near:
        return Phase.BEFORE, None
    return Phase.WANTED, min(window.ends_at, leaves_at)


LATE_DELAY_MS = 2 * MINUTE_MS
LATE_FAILED_MS = 5 * MINUTE_MS
"""An order inside its lead: delay 2 min, failure 5 min after it was accepted (A8)."""

REMOVAL_FAILED_MS = 5 * MINUTE_MS
"""Not proven gone this long after the end or the delete order: failed to remove (A9)."""


@dataclass(frozen=True, slots=True)
class Escalation:
    """When an unproven code is late and when it has failed (A8)."""

    delay_at: Instant
    failed_at: Instant


def lets_stand(code: AccessCode, record: SlotRecord | None) -> bool:
    """Whether a change that somebody made at the lock may stay (A15).

    The code allows it, and the PIN that they changed is the one that is ordered now: an order that came after it wins.
    """
    return code.is_external_modification_allowed and record is not None and record.proven == code.digest


def doubted_since(code: AccessCode, record: SlotRecord | None, verdict: Verdict | None) -> Instant | None:
    """Since when a PIN that was proven waits for a look, because something may have happened to it; None when it does not.

    Until that look it is not known to be gone (A7): nobody is told of a failure, nor given a backup, for the second that a look takes.
    """
    is_in_doubt = verdict is Verdict.UNPROVEN and record is not None and record.proven == code.digest
    return record.sighted_at if is_in_doubt and record is not None else None


def escalation(wish: Desire, lead_ms: int, loss: Loss | None = None, doubted_at: Instant | None = None) -> Escalation:
    """The two instants of rule A8, by whether the order came before its lead.

    A code that was proven and lost again is late from its loss on, and has failed when that is repeated. One whose proof is in doubt
    since `doubted_at` has the time of a late order from then on.
    """
    late = _by_loss_or_order(wish, lead_ms, loss)
    if doubted_at is None:
        return late
    return Escalation(
        Instant(max(late.delay_at, doubted_at + LATE_DELAY_MS)),
        Instant(max(late.failed_at, doubted_at + LATE_FAILED_MS)),
    )


def loss_by_now(loss: Loss | None, found_at: Instant | None) -> Loss | None:
    """The loss that a code suffers which was just found changed or gone at `found_at`, and of which nobody was told yet (A8).

    The loss is stored with the event that tells of it; this event already says "late" and not "failed".
    """
    is_first = loss is None or (found_at is not None and found_at - loss.last_at > LOSSES_COUNT_TOGETHER_MS)
    return Loss(1, found_at) if is_first and found_at is not None else loss


def _by_loss_or_order(wish: Desire, lead_ms: int, loss: Loss | None) -> Escalation:
    code = wish.code
    if loss is not None and loss.last_at > code.accepted_at:
        return Escalation(loss.last_at, loss.last_at if loss.is_repeated else Instant(loss.last_at + LATE_FAILED_MS))
    opens_at = wish.just_in_time_at
    if code.strict_start and opens_at is not None and code.accepted_at < opens_at:
        # Written at the last moment on purpose (A5): it is late when an order given at that moment would be.
        return Escalation(Instant(opens_at + LATE_DELAY_MS), Instant(opens_at + LATE_FAILED_MS))
    if opens_at is not None and code.accepted_at < opens_at:
        return Escalation(Instant(wish.due - lead_ms // 2), wish.due)
    return Escalation(
        Instant(code.accepted_at + LATE_DELAY_MS), Instant(max(wish.due, code.accepted_at + LATE_FAILED_MS))
    )
