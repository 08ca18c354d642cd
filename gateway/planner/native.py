"""Who keeps a code's window, the lock or the hub, and from when on its PIN may be on the lock (A2 to A5, T2, T4).

A lock keeps the window when its profile says that it can, the code does not decline, and the lock's clock was seen right.
Only where it is *proven* to enforce windows, and our own time is trusted, the code is preloaded; where it merely claims to,
the PIN goes on just in time and the window is one more barrier. What is once on the lock under its window stays there,
whatever becomes of our time: that is what it was put there for. A lock whose clock is wrong keeps no window at all.
"""

from collections import Counter
from dataclasses import dataclass, replace

from gateway.model.access_code import AccessCode
from gateway.model.clock import ClockReading, ClockTrust
from gateway.model.instant import MINUTE_MS, Instant
from gateway.model.link import FIRST_WRITE_MS, LONGEST_LEAD_MS
from gateway.model.lock import Schedule, ScheduleClock, ScheduleTrust
from gateway.model.lock_clock import ClockState
from gateway.model.pin import PinDigest
from gateway.model.slot import Operation, SightedAs, SlotRecord
from gateway.model.snapshot import LockSnapshot
from gateway.model.window import CodeType, Window

LOSS_MAX_MS = MINUTE_MS
"""A lock with a coarser grain would open a code later, or close it earlier, than a guest at the door puts up with: there the
hub keeps the window. The known locks count in minutes (Schedule Entry Lock, CC:004E.03)."""

CLOCK_AHEAD_MS = MINUTE_MS
"""The lock's clock is asked this long before the first PIN that it matters for."""


@dataclass(frozen=True, slots=True)
class Timing:
    """How one code is put on its lock.

    `window` is what the lock shall enforce, None where the hub alone keeps the window. `opens_on_lock_at` is the earliest
    instant for the PIN on the lock, `just_in_time_at` the one without a native schedule; None means at once. `is_native`: the
    lock is proven to enforce the window. `is_self_kept`: and the PIN is proven to be on it, under that window (T2).
    """

    window: Window | None
    opens_on_lock_at: Instant | None
    just_in_time_at: Instant | None
    is_native: bool = False
    is_self_kept: bool = False


def timing(
    code: AccessCode,
    snapshot: LockSnapshot,
    reading: ClockReading,
    record: SlotRecord | None,
    *,
    has_twin: bool = False,
) -> Timing:
    """Place one code's PIN in time. `record` is the slot that the code leases, if any.

    `has_twin`: another code of this lock has the same PIN, which no lock holds twice, so neither is on it ahead (A10).
    """
    just_in_time_at = code.window.opens_on_lock_at(lead_ms(code, snapshot))
    if _may_stay_early(code, record, reading):
        just_in_time_at = None
    schedule, window = snapshot.profile.schedule, native_window(code, snapshot)
    plain = Timing(None, just_in_time_at, just_in_time_at)
    if schedule is None or window is None or has_twin or snapshot.clock.state is ClockState.WRONG:
        return plain
    is_proven = _is_relied_on(code, schedule, snapshot)
    preload_at = code.window.opens_on_lock_at(max(snapshot.settings.preload_ms, lead_ms(code, snapshot)))
    native = Timing(window, preload_at if is_proven else just_in_time_at, just_in_time_at, is_native=is_proven)
    if _is_on_lock(code, record, window):
        return replace(native, is_self_kept=is_proven)
    if not snapshot.clock.is_good(reading.lo):
        return plain
    if reading.trust is not ClockTrust.TRUSTED:
        # Nothing goes on ahead then (T4); what has to go on gets its window as one more barrier, which outlives this hub.
        native = replace(native, opens_on_lock_at=just_in_time_at, is_native=False)
    is_due = just_in_time_at is None or reading.lo >= just_in_time_at
    # On the lock in time without its window: it works, and a rewrite could only make a gap.
    return plain if is_due and _is_on_lock(code, record, None) else native


def native_window(code: AccessCode, snapshot: LockSnapshot) -> Window | None:
    """The window that this lock could keep for the code, whatever the clocks say; None when it cannot."""
    schedule = snapshot.profile.schedule
    if schedule is None or schedule.enforced is ScheduleTrust.NONE or schedule.clock is ScheduleClock.OWN:
        return None
    is_wanted = code.prefer_native_scheduling and code.window.type is CodeType.TIME_BOUND and not code.is_deleted
    if not is_wanted or code.code_id in snapshot.refused_windows:
        return None
    # A code that works at once has begun when it was ordered: one grain back, so that rounding cannot delay it.
    starts_at, ends_at = code.window.starts_at, code.window.ends_at
    begun_at = Instant(code.accepted_at - schedule.grain_ms) if starts_at is None else starts_at
    if ends_at is not None and ends_at <= begun_at:
        return None  # it was shortened to an end that had passed when the order was heard
    asked = Window(begun_at, ends_at)
    return asked if _is_kept_well(schedule, asked) else None


def lead_ms(code: AccessCode, snapshot: LockSnapshot) -> int:
    """The just-in-time lead of this code on this lock: longer on a weak link (A4), as short as can be when strict (A5)."""
    configured = snapshot.settings.lead_ms
    return snapshot.link.strict_lead_ms(configured) if code.strict_start else snapshot.link.lead_ms(configured)


def shared_pins(snapshot: LockSnapshot) -> frozenset[PinDigest]:
    """PINs that more than one code of a lock with schedules has; the same PIN may serve disjoint stays (A10)."""
    if snapshot.profile.schedule is None:
        return frozenset()
    count = Counter(code.digest for code in snapshot.codes)
    alike = {digest for digest, others in snapshot.lookalikes.items() if digest in count and others & count.keys()}
    return frozenset(digest for digest, codes in count.items() if codes > 1) | alike


def clock_counts_from(code: AccessCode, snapshot: LockSnapshot) -> Instant | None:
    """From when on the lock's clock matters for this code: a little before its PIN could go on; None when never."""
    schedule = snapshot.profile.schedule
    if schedule is None or native_window(code, snapshot) is None:
        return None
    is_proven = _is_relied_on(code, schedule, snapshot)
    lead = max(snapshot.settings.preload_ms, lead_ms(code, snapshot)) if is_proven else lead_ms(code, snapshot)
    return Instant((code.window.starts_at or code.accepted_at) - lead - CLOCK_AHEAD_MS)


def _is_relied_on(code: AccessCode, schedule: Schedule, snapshot: LockSnapshot) -> bool:
    """Whether the lock keeps this code shut on its own: proven to, or just being put to the proof by a person (A2)."""
    return schedule.enforced is ScheduleTrust.PROVEN or code.code_id == snapshot.trial


def _is_kept_well(schedule: Schedule, asked: Window) -> bool:
    kept = schedule.inside(asked)
    if kept is None or kept.starts_at is None or kept.ends_at is None or asked.ends_at is None:
        return False
    loss_ms = max(kept.starts_at - (asked.starts_at or 0), asked.ends_at - kept.ends_at)
    return loss_ms <= LOSS_MAX_MS


def _is_on_lock(code: AccessCode, record: SlotRecord | None, window: Window | None) -> bool:
    """Whether this very PIN is proven on the lock under this very window, and was not seen gone since."""
    is_proven = record is not None and record.proof is not None and record.proven == code.digest
    if record is not None and record.sighted is SightedAs.EMPTY:
        return False
    return record is not None and is_proven and record.barrier.keeps(window)


def _may_stay_early(code: AccessCode, record: SlotRecord | None, reading: ClockReading) -> bool:
    """A PIN that a longer lead has put on the lock stays when the lead gets shorter again: no add and remove (A4).

    Not when it was ordered anew since: then it is there by an earlier wish, however late it was seen there.
    """
    starts_at = code.window.starts_at
    # A strict start is written by the measured lead, and the first write of all measures it (A5).
    longest_ms = FIRST_WRITE_MS if code.strict_start else LONGEST_LEAD_MS
    is_near = starts_at is not None and starts_at - reading.lo <= longest_ms
    is_ours = record is not None and record.operation is Operation.WRITE
    is_same_wish = is_ours and record is not None and (record.intended_at or 0) >= code.accepted_at
    return is_near and is_same_wish and _is_on_lock(code, record, None)
