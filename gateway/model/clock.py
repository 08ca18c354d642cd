"""What we believe about wall time: an interval and a level (T1)."""

from dataclasses import dataclass
from enum import StrEnum

from gateway.model.instant import Instant


class ClockTrust(StrEnum):
    """How far wall time is believed (T1)."""

    TRUSTED = "trusted"
    BOUNDED = "bounded"
    UNTRUSTED = "untrusted"


@dataclass(frozen=True, slots=True)
class ClockReading:
    """True time lies in `[lo, hi]`; `hi` has no meaning while the level is untrusted.

    Activate only if `lo >= start - lead`, deactivate as soon as `lo >= end` (T1). `lo` never goes back. `untrusted_since` is
    what `lo` was when time was lost, while the level is untrusted (T2).
    """

    lo: Instant
    hi: Instant
    trust: ClockTrust
    untrusted_since: Instant | None = None


@dataclass(frozen=True, slots=True)
class ClockAnchor:
    """What a clock knew at one instant of the machine's uptime, so that a process started later in the same boot goes on.

    `boot` names the boot; `[lo, hi]` is in milliseconds. `is_synced`: the time service has vouched in this boot, so a later
    difference is a step (T3). `is_bounded`: somebody else has told the time (T2). `held_since_s` is the uptime at which the step
    that is held began.
    """

    boot: str
    uptime_s: float
    lo: float
    hi: float
    is_synced: bool
    is_bounded: bool
    held_since_s: float | None = None


@dataclass(frozen=True, slots=True)
class ClockStep:
    """A forward step of trusted time that is held until somebody judges it (T3).

    `lo` is what has passed by uptime, `to` what the wall clock says; the step is taken at `released_at` (of `lo`) at last.
    """

    lo: Instant
    to: Instant
    released_at: Instant
