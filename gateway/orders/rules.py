"""What an order must meet before it is taken (A1, A10, A11). Each refusal names field and rule, never the PIN."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from gateway.model.access_code import AccessCode
from gateway.model.commands import Rejection, RejectionReason
from gateway.model.ids import LockId, Slot
from gateway.model.instant import HOUR_MS, MINUTE_MS, Instant, format_instant
from gateway.model.pin import ANY_LOCK, Pin
from gateway.model.snapshot import LockSettings
from gateway.model.window import Window
from gateway.store.hub_time import was_ever_known
from gateway.store.locks import LockRow

REMOVAL_GRACE_MS = 5 * MINUTE_MS
"""How long after its end a code may still be on the lock (A9): within it the same PIN is a rival (A10)."""

LONGEST_AHEAD_MS = 10 * 366 * 24 * HOUR_MS
"""Ten years: a start further away is a slip of the pen, and the far end of a wrong clock."""


@dataclass(frozen=True, slots=True)
class HubRules:
    """What the order room needs to know of this hub's locks. The table is a living one: locks join and leave."""

    locks: Mapping[LockId, LockSettings] = field(default_factory=dict)


def check_lock(lock_id: LockId, hub: HubRules, named_in: str = "device_id") -> Rejection | None:
    """The lock must be one of this hub's. `named_in` is the field of the order that led to it."""
    if lock_id in hub.locks:
        return None
    known = ", ".join(sorted(hub.locks)) or "none"
    return Rejection(RejectionReason.DEVICE_NOT_FOUND, named_in, f"this hub has no such lock; its locks are: {known}")


def check_window(window: Window, at: Instant, *, may_be_over: bool = False) -> Rejection | None:
    """The end must lie ahead of `at`, which has surely passed, unless it `may_be_over`; the start not beyond ten years of it.

    A hub that never knew the time takes any start: all of them are far from 1970, and an order that says what is wanted never
    expires, but waits until the time is known (T1).
    """
    if window.ends_at is not None and window.ends_at <= at and not may_be_over:
        now = format_instant(at)
        return Rejection(RejectionReason.INVALID_INPUT, "ends_at", f"must lie in the future; the hub's time is {now}")
    is_far = window.starts_at is not None and window.starts_at > at + LONGEST_AHEAD_MS
    if is_far and was_ever_known(at):
        return Rejection(RejectionReason.INVALID_INPUT, "starts_at", "must not lie more than ten years ahead")
    return None


def check_guest(window: Window, *, is_guest: bool) -> Rejection | None:
    """Only a code with an end has the backup pool behind it: a backup is given for a stay (A12)."""
    if not is_guest or window.ends_at is not None:
        return None
    message = "is for time-bound codes: give ends_at, or leave it out"
    return Rejection(RejectionReason.INVALID_INPUT, "use_backup_access_code_pool", message)


def check_pin(pin: Pin, row: LockRow | None) -> Rejection | None:
    """The PIN must meet the rules of the lock; of any lock while this one was never seen."""
    rules = ANY_LOCK if row is None else row.profile.pin_rules
    broken = rules.broken(pin)
    if broken is None:
        return None
    return Rejection(RejectionReason.INVALID_INPUT, "code", f"rule {broken.name}: the PIN must {broken.text}")


def rival(code: AccessCode, same_pin: Iterable[AccessCode], lead_ms: int) -> Rejection | None:
    """The same PIN must not be on the lock at the same time, leads and removal grace counted (A10).

    `same_pin` are the living codes of the lock with this PIN; the code itself may be among them.
    """
    for other in same_pin:
        if other.code_id != code.code_id and do_meet(code, other, lead_ms):
            return Rejection(
                RejectionReason.DUPLICATE_ACCESS_CODE,
                "code",
                f"access code {other.code_id} uses the same PIN on this lock at that time: choose another PIN",
                rival=other.code_id,
            )
    return None


def do_meet(code: AccessCode, other: AccessCode, lead_ms: int) -> bool:
    """Whether two codes may be on the lock at one instant, leads and removal grace counted (A10)."""
    return _meet(_stay(code, lead_ms), _stay(other, lead_ms))


def foreign_rival(slot: Slot | None) -> Rejection | None:
    """A readable PIN that others put on the lock counts too (A10); `slot` is where it was seen."""
    if slot is None:
        return None
    message = f"an unmanaged code in slot {slot} of this lock has the same PIN: choose another PIN"
    return Rejection(RejectionReason.DUPLICATE_ACCESS_CODE, "code", message)


def _stay(code: AccessCode, lead_ms: int) -> tuple[float, float]:
    opens_at = code.window.opens_on_lock_at(lead_ms)
    start = float("-inf") if opens_at is None else float(opens_at)
    ends = [at for at in (code.window.ends_at, code.deleted_at) if at is not None]
    return start, min(ends) + REMOVAL_GRACE_MS if ends else float("inf")


def _meet(one: tuple[float, float], two: tuple[float, float]) -> bool:
    return one[0] < two[1] and two[0] < one[1]
