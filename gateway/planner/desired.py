"""Which codes belong on a lock now, and when that changes next (A1, A3, T1)."""

from dataclasses import dataclass
from enum import StrEnum

from gateway.model.access_code import AccessCode
from gateway.model.clock import ClockReading, ClockTrust
from gateway.model.instant import MINUTE_MS, Instant
from gateway.model.slot import Wanted
from gateway.model.window import CodeType


class Phase(StrEnum):
    """Where a code stands in its life, by the clock alone."""

    BEFORE = "before"
    WANTED = "wanted"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Desire:
    """One code as the clock sees it. `due` is when it must open, `changes_at` when the phase changes next.

    `over_since` is the instant from which the code should be off the lock.
    """

    code: AccessCode
    phase: Phase
    opens_on_lock_at: Instant | None
    due: Instant
    changes_at: Instant | None
    over_since: Instant | None = None

    @property
    def wanted(self) -> Wanted | None:
        """What should be in the code's slot now."""
        return Wanted(self.code.digest, self.code.generation) if self.phase is Phase.WANTED else None


def desire(code: AccessCode, reading: ClockReading, lead_ms: int, *, is_on_lock: bool) -> Desire:
    """Place one code in time.

    Activation needs `lo >= start - lead`, deactivation only `lo >= end`: a clock that lags can never open early, and
    removing needs no trust (T1). While time is untrusted no time-bound code starts; one that is on the lock stays (T2).
    """
    window = code.window
    opens_at = window.opens_on_lock_at(lead_ms)
    due = Instant(max(window.starts_at or code.accepted_at, code.accepted_at))
    if code.deleted_at is not None:
        return Desire(code, Phase.OVER, opens_at, due, None, code.deleted_at)
    if window.ends_at is not None and reading.lo >= window.ends_at:
        return Desire(code, Phase.OVER, opens_at, due, None, window.ends_at)
    if opens_at is not None and reading.lo < opens_at:
        return Desire(code, Phase.BEFORE, opens_at, due, opens_at)
    may_start = reading.trust is not ClockTrust.UNTRUSTED or window.type is CodeType.ONGOING or is_on_lock
    return Desire(code, Phase.WANTED if may_start else Phase.BEFORE, opens_at, due, window.ends_at)


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


def escalation(wish: Desire, lead_ms: int) -> Escalation:
    """The two instants of rule A8, by whether the order came before its lead."""
    code = wish.code
    came_early = wish.opens_on_lock_at is not None and code.accepted_at < wish.opens_on_lock_at
    if came_early:
        return Escalation(Instant(wish.due - lead_ms // 2), wish.due)
    return Escalation(
        Instant(code.accepted_at + LATE_DELAY_MS), Instant(max(wish.due, code.accepted_at + LATE_FAILED_MS))
    )
